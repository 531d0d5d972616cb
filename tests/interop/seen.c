/* SPDX-License-Identifier: MIT */
/*
 * What test_seen.py shows to those who watch programs.
 *
 *     seen work          green threads as they should be: messages, times, descriptors, many ends
 *     seen overflow      one writes beyond an array of its stack
 *     seen after-return  one uses a variable of a function that has returned
 *     seen after-free    one uses memory that another has freed
 *     seen stand         some wait, one has come to stop_here(): for a debugger
 */
#include <greenmq/greenmq.h>
#include <greenmq/zmq.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    exit(1);
}

static int64_t spawn(const char *name, void *(*run)(void *arg), void *arg)
{
    struct gmq_thread_options options = {.size = sizeof options, .name = name};
    int64_t thread = gmq_spawn(run, arg, &options);
    must(thread > 0, "gmq_spawn");
    return thread;
}

static void *join(int64_t thread)
{
    void *result = NULL;
    must(gmq_join(thread, &result, -1) == 0, "gmq_join");
    return result;
}

/* ---- work ---- */

enum { MESSAGES = 200, THREADS = 50, ROUNDS = 20 };

static void *serve(void *socket)
{
    int number;
    while (zmq_recv(socket, &number, sizeof number, 0) == sizeof number) {
        number++;
        must(zmq_send(socket, &number, sizeof number, 0) == sizeof number, "zmq_send");
    }
    return NULL;
}

static void *ask(void *socket)
{
    for (int i = 0; i < MESSAGES; i++) {
        int answer = 0;
        must(zmq_send(socket, &i, sizeof i, 0) == sizeof i &&
                 zmq_recv(socket, &answer, sizeof answer, 0) == sizeof answer && answer == i + 1,
             "an answer");
    }
    return socket;
}

static void *come_and_go(void *arg)
{
    char room[8192];
    memset(room, 1, sizeof room);
    must(gmq_yield() == 0 && gmq_sleep(1) == 0, "gmq_sleep");
    return room[sizeof room - 1] ? arg : NULL;
}

static void *read_one(void *fd)
{
    char octet = 0;
    must(gmq_wait_fd(*(int *)fd, ZMQ_POLLIN, -1) == ZMQ_POLLIN, "gmq_wait_fd");
    must(read(*(int *)fd, &octet, 1) == 1, "read");
    return octet == 'x' ? fd : NULL;
}

static void talk(void)
{
    void *context = zmq_ctx_new(), *rep = zmq_socket(context, ZMQ_REP);
    void *req = zmq_socket(context, ZMQ_REQ);
    must(zmq_bind(rep, "inproc://here") == 0 && zmq_connect(req, "inproc://here") == 0, "inproc");
    int64_t server = spawn("server", serve, rep);
    must(join(spawn("client", ask, req)) == req, "the client");
    must(gmq_cancel(server) == 0, "gmq_cancel");
    join(server);
    zmq_close(req);
    zmq_close(rep);
    must(zmq_ctx_term(context) == 0, "zmq_ctx_term");
}

static void work(void)
{
    int ends[2];
    int64_t threads[THREADS];
    must(pipe(ends) == 0, "pipe");
    talk();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < THREADS; i++)
            threads[i] = spawn("comes and goes", come_and_go, &threads[i]);
        for (int i = 0; i < THREADS; i++)
            must(join(threads[i]) == &threads[i], "come_and_go");
    }
    int64_t reader = spawn("reader", read_one, &ends[0]);
    must(gmq_yield() == 0 && write(ends[1], "x", 1) == 1, "write");
    must(join(reader) == &ends[0], "read_one");
    close(ends[0]);
    close(ends[1]);
}

/* ---- mistakes ---- */

static volatile int one = 1;

APART static void write_beyond(int *numbers, int count)
{
    for (int i = 0; i < count + one; i++)
        numbers[i] = i;
}

static void *overflow(void *arg)
{
    int numbers[8];
    gmq_yield();
    write_beyond(numbers, 8);
    return numbers[one] ? arg : NULL;
}

static int *volatile left_behind;

APART static void leave_behind(void)
{
    int here[16] = {one};
    left_behind = here;
    gmq_yield();
}

APART static int use_what_is_gone(void)
{
    return left_behind[one];
}

static void *after_return(void *arg)
{
    leave_behind();
    gmq_yield();
    return use_what_is_gone() ? arg : NULL;
}

APART static void give_away(void *memory)
{
    free(memory);
}

static void *free_it(void *memory)
{
    give_away(memory);
    return NULL;
}

static void *after_free(void *arg)
{
    left_behind = malloc(64 * sizeof *left_behind);
    must(left_behind != NULL, "malloc");
    join(spawn("who frees", free_it, left_behind));
    return use_what_is_gone() ? arg : NULL;
}

/* ---- for a debugger ---- */

APART void stop_here(void);
void stop_here(void)
{
    fflush(stdout);
}

APART static void fall_asleep(int depth)
{
    if (depth > 0)
        fall_asleep(depth - one);
    else
        gmq_sleep(100000);
    one = 1; /* after the call, so that it has a frame */
}

static void *sleeper(void *arg)
{
    fall_asleep(3);
    return arg;
}

APART static void come_to_it(void)
{
    stop_here();
    one = 1;
}

static void *walker(void *arg)
{
    gmq_yield();
    come_to_it();
    return arg;
}

static void stand(void)
{
    int64_t sleeps = spawn("sleeper", sleeper, NULL);
    printf("sleeper %lld\n", (long long)sleeps);
    join(spawn("walker", walker, NULL));
    gmq_cancel(sleeps);
    join(sleeps);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "work") == 0)
        work();
    else if (strcmp(what, "overflow") == 0)
        join(spawn("clumsy", overflow, NULL));
    else if (strcmp(what, "after-return") == 0)
        join(spawn("clumsy", after_return, NULL));
    else if (strcmp(what, "after-free") == 0)
        join(spawn("clumsy", after_free, NULL));
    else if (strcmp(what, "stand") == 0)
        stand();
    else
        return 2;
    printf("done\n");
    return 0;
}
