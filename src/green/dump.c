/* SPDX-License-Identifier: MIT */
/* The list of green threads: see dump.h. It is put together in memory under the lock of
 * thread_for_each(), and written without it.
 *
 *      id        name      state    for           seconds  stack
 *      16777217  main      waiting  gmq_join        0.250
 *      33554434  worker 1  waiting  zmq_recv       12.017  8 of 256 KiB
 */
#include "green/dump.h"

#include "green/hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct list {
    FILE *text;
    uint64_t now_ns;
    unsigned threads;
};

static const char *state_name(int state)
{
    switch (state) {
    case THREAD_READY: return "ready";
    case THREAD_RUNNING: return "running";
    case THREAD_WAITING: return "waiting";
    default: return "ended";
    }
}

static void put(const struct thread *thread, void *arg)
{
    struct list *list = arg;
    int state = atomic_load_explicit(&thread->state, memory_order_relaxed);
    const char *what = atomic_load_explicit(&thread->what, memory_order_relaxed);
    uint64_t since_ns = atomic_load_explicit(&thread->since_ns, memory_order_relaxed);
    uint64_t ms = list->now_ns > since_ns ? (list->now_ns - since_ns) / 1000000 : 0;
    list->threads++;
    fprintf(list->text, "%-12lld  %-20s  %-7s  %-16s  %6llu.%03llu", (long long)thread->id,
            thread->name, state_name(state), state == THREAD_RUNNING || !what ? "-" : what,
            (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
    if (thread->stack)
        fprintf(list->text, "  %zu of %zu KiB", stack_high_water(thread->stack) / 1024,
                thread->stack->size / 1024);
    fputc('\n', list->text);
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        text += written;
        size -= (size_t)written;
    }
    return 0;
}

int dump_write(int fd)
{
    char *text = NULL;
    size_t size = 0;
    struct list list = {.text = open_memstream(&text, &size), .now_ns = loop_clock_ns()};
    if (!list.text)
        return -ENOMEM;
    fprintf(list.text, "%-12s  %-20s  %-7s  %-16s  %10s  %s\n", "id", "name", "state", "for",
            "seconds", "stack");
    thread_for_each(put, &list);
    fprintf(list.text, "%u green threads\n", list.threads);
    bool failed = ferror(list.text);
    if (fclose(list.text) != 0 || failed) {
        free(text);
        return -ENOMEM;
    }
    int rc = write_all(fd, text, size);
    free(text);
    return rc;
}
