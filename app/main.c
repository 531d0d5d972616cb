/* SPDX-License-Identifier: MIT */
/* The greenmq command: finds the command that argv names and runs it.
 *
 * Happy path: greenmq queue ... is looked up in COMMANDS and its run() decides the exit code.
 * -q and -v may stand before the command's name too.
 * Failure modes: no command or an unknown one is a sentence on stderr and exit code 2.
 *
 * A command sees what every program sees: <greenmq/zmq.h> and <greenmq/greenmq.h>. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define ENDPOINTS                                                                         \
    "FRONTEND and BACKEND are endpoints, or several of them with commas in between:\n"    \
    "  tcp://ADDRESS:PORT   * for any address, * for a free port\n"                       \
    "  ipc://PATH           a Unix socket; ipc://@NAME without a file, on Linux\n"        \
    "An endpoint is bound. With '>' in front it is connected (quote it for the shell);\n" \
    "with '@' it is bound.\n"

static const struct command COMMANDS[] = {
    {.name = "queue",
     .arguments = "FRONTEND BACKEND",
     .summary = "passes requests to workers, and their replies back",
     .story = "Passes the requests of clients at FRONTEND (REQ, DEALER) to workers at BACKEND\n"
              "(REP, DEALER, ROUTER), in turn, and brings each reply to the client that "
              "asked.\n\n" ENDPOINTS,
     .run = broker_run,
     .type = GMQ_DEVICE_QUEUE},
    {.name = "forwarder",
     .arguments = "FRONTEND BACKEND",
     .summary = "passes what publishers publish to subscribers",
     .story = "Passes what publishers at FRONTEND (PUB, XPUB) publish to subscribers at BACKEND\n"
              "(SUB, XSUB). Publishers are asked for what somebody subscribed to, and for no\n"
              "more; or, with --subscribe, for the given prefixes.\n\n" ENDPOINTS,
     .run = broker_run,
     .type = GMQ_DEVICE_FORWARDER},
    {.name = "streamer",
     .arguments = "FRONTEND BACKEND",
     .summary = "passes work from producers to consumers",
     .story = "Passes the messages of producers at FRONTEND (PUSH) to consumers at BACKEND\n"
              "(PULL), in turn.\n\n" ENDPOINTS,
     .run = broker_run,
     .type = GMQ_DEVICE_STREAMER},
    {.name = "demo",
     .arguments = "",
     .summary = "runs all three with clients and workers around them, and shows what passes",
     .story = "Runs a queue, a forwarder and a streamer on free ports of this machine, with\n"
              "clients and workers around each, and shows what passes. Ctrl-C ends it.\n",
     .run = demo_run},
};

enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

static const struct option OPTIONS[] = {
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    puts("usage: greenmq COMMAND [OPTIONS] [FRONTEND BACKEND]\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    puts("\ngreenmq COMMAND --help tells the rest; greenmq --version prints the version.");
}

static int run(int argc, char **argv)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, argv[0]) == 0)
            return COMMANDS[i].run(&COMMANDS[i], argc, argv);
    }
    return command_refuse(NULL, "there is no command '%s'", argv[0]);
}

static int refuse_option(char **argv)
{
    if (optopt && !strchr("hVqv", optopt))
        return command_refuse(NULL, "unknown option -%c", optopt);
    return command_refuse(NULL, "unknown option %s", argv[optind - 1]);
}

/* Puts the command's name in front of the options that stood before it, which are the command's. */
static void move_name_first(char **argv, int at)
{
    char *name = argv[at];
    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
    argv[1] = name;
}

int main(int argc, char **argv)
{
    int value;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((value = getopt_long(argc, argv, "+:hVqv", OPTIONS, NULL)) != -1) {
        switch (value) {
        case 'h': print_help(); return EXIT_FINE;
        case 'V': command_print_version(); return EXIT_FINE;
        case 'q':
        case 'v': break;
        default: return refuse_option(argv);
        }
    }
    if (optind >= argc)
        return command_refuse(NULL, "a command is missing");
    move_name_first(argv, optind);
    return run(argc - 1, argv + 1);
}
