/* SPDX-License-Identifier: MIT */
/* The options of the commands: see args.h.
 *
 * Happy path: getopt_long() walks through argv, each option sets its field, what is left over is
 * FRONTEND and BACKEND. Failure modes: every wrong word ends it with one sentence that names the
 * word. Called by broker.c and demo.c. */
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAIN_MS = 5000, IO_THREADS_MAX = 256 };
static const double SECONDS_MAX = 1e6; /* eleven days */

/* What getopt_long() returns for options without a letter. */
enum { CAPTURE = 256, STATS, HWM, DRAIN, SUBSCRIBE, FOR, IO_THREADS };

/* Which commands know an option. */
enum { OF_DEVICES = 1, OF_FORWARDER = 2, OF_DEMO = 4, OF_ALL = 7 };

static const struct known {
    int users;
    int value;            /* the letter, or one of the numbers above */
    const char *name;     /* the long form, without its dashes */
    const char *argument; /* what --help calls its argument; NULL: it takes none */
    const char *text;     /* its line in --help */
} KNOWN[] = {
    {OF_FORWARDER, SUBSCRIBE, "subscribe", "PREFIX",
     "forward only what begins with PREFIX; may be given several times"},
    {OF_DEVICES, CAPTURE, "capture", "ENDPOINT", "publish a copy of every message at ENDPOINT"},
    {OF_DEVICES, HWM, "hwm", "N", "queue at most N messages a peer (default 1000, 0: no limit)"},
    {OF_DEVICES, IO_THREADS, "io-threads", "N", "read and write with N threads (default 1)"},
    {OF_DEVICES, STATS, "stats", "SECONDS", "print a line of statistics every SECONDS"},
    {OF_DEVICES, DRAIN, "drain", "SECONDS", "at the end, wait so long for queues to empty (5)"},
    {OF_DEMO, FOR, "for", "SECONDS", "end after SECONDS"},
    {OF_DEVICES, 'q', "quiet", NULL, "print errors only"},
    {OF_DEVICES, 'v', "verbose", NULL, "tell of peers that join and leave"},
    {OF_ALL, 'h', "help", NULL, "print this"},
    {OF_ALL, 'V', "version", NULL, "print the version"},
};

enum { KNOWN_COUNT = sizeof(KNOWN) / sizeof(KNOWN[0]) };

static int users_of(const struct command *command)
{
    switch (command->type) {
    case GMQ_DEVICE_FORWARDER: return OF_DEVICES | OF_FORWARDER;
    case GMQ_DEVICE_QUEUE:
    case GMQ_DEVICE_STREAMER: return OF_DEVICES;
    default: return OF_DEMO;
    }
}

static void print_help(const struct command *command)
{
    printf("usage: greenmq %s [OPTIONS]%s%s\n\n%s\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->story);
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        const struct known *known = &KNOWN[i];
        if (!(known->users & users_of(command)))
            continue;
        char name[40], letter[8] = "   ";
        if (known->value < CAPTURE)
            snprintf(letter, sizeof(letter), "-%c,", known->value);
        snprintf(name, sizeof(name), "--%s %s", known->name,
                 known->argument ? known->argument : "");
        printf("  %s %-20s %s\n", letter, name, known->text);
    }
}

/* Fills what getopt_long() wants to know about this command's options. */
static void list_options(const struct command *command, struct option *list, char *letters)
{
    *letters++ = ':'; /* report a missing argument as such, and print nothing */
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        const struct known *known = &KNOWN[i];
        if (!(known->users & users_of(command)))
            continue;
        int has_argument = known->argument ? required_argument : no_argument;
        *list++ = (struct option){known->name, has_argument, NULL, known->value};
        if (known->value < CAPTURE)
            *letters++ = (char)known->value;
    }
    *list = (struct option){NULL, 0, NULL, 0};
    *letters = '\0';
}

static const struct known *find(int value)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (KNOWN[i].value == value)
            return &KNOWN[i];
    }
    return NULL;
}

static int read_seconds(const char *text, double min_s, long *ms)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= min_s && seconds <= SECONDS_MAX))
        return -1;
    *ms = (long)(seconds * 1000 + 0.5);
    return 0;
}

static int read_count(const char *text, int *count)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < 0 || value > INT_MAX)
        return -1;
    *count = (int)value;
    return 0;
}

static int read_io_threads(const char *text, int *count)
{
    return read_count(text, count) || *count < 1 || *count > IO_THREADS_MAX ? -1 : 0;
}

/* Sets the field of an option that takes an argument; -1 when that is not what it takes. */
static int set_value(struct args *args, int value, const char *text)
{
    switch (value) {
    case CAPTURE: args->capture = text; return 0;
    case SUBSCRIBE: args->subscriptions[args->subscription_count++] = text; return 0;
    case HWM: return read_count(text, &args->hwm);
    case IO_THREADS: return read_io_threads(text, &args->io_threads);
    case STATS: return read_seconds(text, 0.001, &args->stats_ms);
    case DRAIN: return read_seconds(text, 0, &args->drain_ms);
    case FOR: return read_seconds(text, 0.001, &args->for_ms);
    default: return -1;
    }
}

static const char *what_it_takes(int value)
{
    switch (value) {
    case HWM: return "a whole number";
    case IO_THREADS: return "a number from 1 to 256";
    default: return "seconds";
    }
}

/* A word that getopt_long() did not take. It leaves optopt 0 for a long option that it does not
 * know, and behind optind the word that held it. */
static int refuse_option(const struct command *command, char **argv)
{
    const struct known *known = optopt ? find(optopt) : NULL;
    const char *word = argv[optind - 1];
    if (known && (known->users & users_of(command)) && !known->argument)
        return command_refuse(command, "option --%s takes no value", known->name);
    if (optopt)
        return command_refuse(command, "unknown option -%c", optopt);
    return command_refuse(command, "unknown option %.*s", (int)strcspn(word, "="), word);
}

static int parse_options(struct args *args, const struct command *command, int argc, char **argv)
{
    struct option list[KNOWN_COUNT + 1];
    char letters[KNOWN_COUNT + 2];
    list_options(command, list, letters);
    optind = 0; /* start afresh: main() has parsed before */
    for (;;) {
        int value = getopt_long(argc, argv, letters, list, NULL);
        switch (value) {
        case -1: return ARGS_GO;
        case 'h': print_help(command); return EXIT_FINE;
        case 'V': command_print_version(); return EXIT_FINE;
        case 'q': args->is_quiet = true; break;
        case 'v': args->is_verbose = true; break;
        case '?': return refuse_option(command, argv);
        case ':': return command_refuse(command, "option --%s needs a value", find(optopt)->name);
        default:
            if (set_value(args, value, optarg))
                return command_refuse(command, "option --%s takes %s, not '%s'", find(value)->name,
                                      what_it_takes(value), optarg);
        }
    }
}

static int parse_arguments(struct args *args, const struct command *command, int argc, char **argv)
{
    int wanted = command->arguments[0] ? 2 : 0;
    if (argc - optind > wanted)
        return command_refuse(command, "unexpected argument '%s'", argv[optind + wanted]);
    if (argc - optind < wanted)
        return command_refuse(command, "%s is missing", argc == optind ? "FRONTEND" : "BACKEND");
    if (wanted) {
        args->frontend = argv[optind];
        args->backend = argv[optind + 1];
    }
    return ARGS_GO;
}

int args_init(struct args *args, const struct command *command, int argc, char **argv)
{
    *args = (struct args){.hwm = -1, .io_threads = 1, .drain_ms = DRAIN_MS};
    args->subscriptions = calloc((size_t)argc + 1, sizeof(*args->subscriptions));
    if (!args->subscriptions)
        return command_fail("out of memory");
    int rc = parse_options(args, command, argc, argv);
    if (rc == ARGS_GO)
        rc = parse_arguments(args, command, argc, argv);
    if (rc != ARGS_GO)
        args_term(args);
    return rc;
}

void args_term(struct args *args)
{
    free(args->subscriptions);
    args->subscriptions = NULL;
}
