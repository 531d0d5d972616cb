/* SPDX-License-Identifier: MIT */
/* The commands of greenmq, and how a command says that something went wrong.
 *
 * Happy path: main() finds the command in its table and calls run(), whose result is the exit
 * code. Failure: one plain sentence on stderr, then EXIT_FAILED or EXIT_USAGE. */
#ifndef APP_COMMAND_H_INCLUDED
#define APP_COMMAND_H_INCLUDED

#include <greenmq/greenmq.h>

enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1, /* the command was understood, but could not be carried out */
    EXIT_USAGE = 2   /* the command was not understood */
};

/* One command of the table in main.c. */
struct command {
    const char *name;
    const char *arguments; /* what follows the options in its usage line, "" for nothing */
    const char *summary;   /* its line in greenmq --help */
    const char *story;     /* what --help says between the usage line and the options */
    int (*run)(const struct command *command, int argc, char **argv);
    enum gmq_device_type type; /* of a device command; GMQ_DEVICE_ANY for the others */
};

/* The device commands, queue, forwarder and streamer: broker.c. argv[0] is the command's name. */
int broker_run(const struct command *command, int argc, char **argv);

/* greenmq demo: demo.c. */
int demo_run(const struct command *command, int argc, char **argv);

/* Writes "greenmq: SENTENCE" to stderr; returns EXIT_FAILED. */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes "greenmq: SENTENCE; try greenmq NAME --help" to stderr; returns EXIT_USAGE. command may
 * be NULL: the help of all. */
int command_refuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes the version to stdout. */
void command_print_version(void);

#endif
