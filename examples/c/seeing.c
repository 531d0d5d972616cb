/* SPDX-License-Identifier: MIT */
/* Looking into a running program: the list of its green threads, and the watchdog, which tells of
 * one that does not let the others run. Build and run it with
 *
 *     cc -rdynamic examples/c/seeing.c -o seeing -Iinclude -Lbuild/lib -Wl,-rpath,build/lib \
 *         -lgreenmq
 *     ./seeing
 *
 * The watchdog names functions that are exported: -rdynamic exports those of the program that are
 * not static. Of others it tells the address; greenmq-green(3) says how to find their names. */
#include <greenmq/greenmq.h>

#include <stdatomic.h>
#include <unistd.h>

static void *context;
static atomic_int reports;

static void *wait_for_news(void *arg)
{
    char text[8];
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_bind(socket, "inproc://news");
    zmq_recv(socket, text, sizeof(text), 0); /* none ever comes: it is cancelled */
    zmq_close(socket);
    return arg;
}

static void *take_a_nap(void *arg)
{
    gmq_sleep(60000);
    return arg;
}

/* What a green thread must not do: it keeps the processor, here until somebody has noticed. It is
 * not static, so that the report can name it. */
void *compute(void *arg)
{
    while (atomic_load(&reports) == 0)
        continue;
    return arg;
}

/* The watchdog calls this in a thread of its own: hence the atomic. */
static void on_report(const char *text, void *arg)
{
    fputs(text, arg);
    atomic_fetch_add(&reports, 1);
}

int main(void)
{
    struct gmq_thread_options reader = {.size = sizeof(reader), .name = "reader"},
                              sleeper = {.size = sizeof(sleeper), .name = "sleeper"},
                              greedy = {.size = sizeof(greedy), .name = "greedy"};
    context = zmq_ctx_new();
    struct gmq_group *group = gmq_group_new(0);
    gmq_group_spawn(group, wait_for_news, NULL, &reader);
    gmq_group_spawn(group, take_a_nap, NULL, &sleeper);
    gmq_yield(); /* they run until they wait */
    gmq_dump(STDOUT_FILENO);

    gmq_watchdog(100, on_report, stdout);
    gmq_join(gmq_spawn(compute, NULL, &greedy), NULL, -1);
    gmq_watchdog(0, NULL, NULL);
    gmq_group_close(group);
    return zmq_ctx_term(context);
}
