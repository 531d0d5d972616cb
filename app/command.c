/* SPDX-License-Identifier: MIT */
/* How a command speaks when something went wrong: one sentence, one line, on stderr. Called by
 * all of app/. It cannot fail: when stderr is closed nobody listens. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

/* The line in one piece, whatever other threads print. */
static void complain(const char *format, va_list words, const char *end)
{
    flockfile(stderr);
    fputs("greenmq: ", stderr);
    vfprintf(stderr, format, words);
    fputs(end, stderr);
    funlockfile(stderr);
}

int command_fail(const char *format, ...)
{
    va_list words;
    va_start(words, format);
    complain(format, words, "\n");
    va_end(words);
    return EXIT_FAILED;
}

int command_refuse(const struct command *command, const char *format, ...)
{
    char end[64];
    va_list words;
    snprintf(end, sizeof(end), "; try greenmq %s%s--help\n", command ? command->name : "",
             command ? " " : "");
    va_start(words, format);
    complain(format, words, end);
    va_end(words);
    return EXIT_USAGE;
}

void command_print_version(void)
{
    printf("greenmq %d.%d.%d\n", GMQ_VERSION_MAJOR, GMQ_VERSION_MINOR, GMQ_VERSION_PATCH);
}
