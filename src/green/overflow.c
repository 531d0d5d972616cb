/* SPDX-License-Identifier: MIT */
/* Stack overflows: see overflow.h. The guard below a green stack gives SIGSEGV; the handler runs on
 * a stack of its own, looks whether it was the running green thread's guard, and says so. Then, and
 * for all else, it does what would have been done without it. */
#include "green/overflow.h"

#include "green/hub.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HANDLER_STACK_BYTES = 64 * 1024, LINE = 160 };

static struct sigaction before;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Nothing but what a signal handler may do: no stdio. */
static size_t put(char *line, size_t at, const char *text)
{
    while (*text && at < LINE)
        line[at++] = *text++;
    return at;
}

static size_t put_number(char *line, size_t at, size_t number)
{
    char digits[24], *first = digits + sizeof digits - 1;
    *first = '\0';
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    return put(line, at, first);
}

static void report(const struct thread *thread)
{
    char line[LINE];
    size_t at = put(line, 0, "greenmq: green thread \"");
    at = put(line, at, thread->name);
    at = put(line, at, "\" has overflowed its stack of ");
    at = put_number(line, at, thread->stack->size / 1024);
    at = put(line, at, " KiB\n");
    if (write(STDERR_FILENO, line, at) < 0)
        return; /* nobody to tell */
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    const struct hub *hub = hub_current;
    const struct thread *thread = hub ? hub->current : NULL;
    if (hub && hub->fault_escape)
        siglongjmp(*(sigjmp_buf *)hub->fault_escape, 1);
    if (thread && thread->stack && stack_guards(thread->stack, info->si_addr))
        report(thread);
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(signal, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(signal);
    else
        sigaction(SIGSEGV, &before, NULL); /* the fault comes again, and ends the process */
}

bool overflow_survives(void (*run)(void *arg), void *arg)
{
    struct hub *const hub = hub_current;
    sigjmp_buf escape;
    if (!hub)
        return false;
    if (sigsetjmp(escape, 1) != 0) {
        hub->fault_escape = NULL;
        return false;
    }
    hub->fault_escape = &escape;
    run(arg);
    hub->fault_escape = NULL;
    return true;
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
}

void *overflow_watch(void)
{
    stack_t has, ours = {.ss_size = HANDLER_STACK_BYTES};
    pthread_once(&once, install);
    if (sigaltstack(NULL, &has) < 0 || !(has.ss_flags & SS_DISABLE))
        return NULL;
    ours.ss_sp = malloc(HANDLER_STACK_BYTES);
    if (ours.ss_sp && sigaltstack(&ours, NULL) < 0) {
        free(ours.ss_sp);
        ours.ss_sp = NULL;
    }
    return ours.ss_sp;
}

void overflow_unwatch(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};
    if (!stack)
        return;
    sigaltstack(&none, NULL);
    free(stack);
}
