/* SPDX-License-Identifier: MIT */
/* The words behind a command. Its options come from one table, so that what getopt_long() takes
 * and what --help says cannot differ. */
#ifndef APP_ARGS_H_INCLUDED
#define APP_ARGS_H_INCLUDED

#include "command.h"

#include <stdbool.h>
#include <stddef.h>

struct args {
    const char *frontend; /* lists of endpoints, as written; borrowed from argv */
    const char *backend;
    const char *capture;        /* or NULL */
    const char **subscriptions; /* forwarder; the texts are borrowed from argv */
    size_t subscription_count;
    int hwm;       /* high-water mark of frontend and backend; -1: leave the default */
    long stats_ms; /* time between two lines of statistics; 0: none */
    long drain_ms; /* how long the device may drain */
    long for_ms;   /* how long the demo runs; 0: until a signal */
    bool is_quiet;
    int io_threads;
    bool is_verbose;
};

enum { ARGS_GO = -1 /* parsed, and the command is to be carried out */ };

/* Reads the words of a command; argv[0] is its name. Returns ARGS_GO, or the exit code when
 * all is done: help or version was asked for, or the words were wrong. */
int args_init(struct args *args, const struct command *command, int argc, char **argv);

void args_term(struct args *args);

#endif
