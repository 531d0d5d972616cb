/* SPDX-License-Identifier: MIT */
/*
 * A worker in libuv's loop that takes a job whenever a timer says so, while all jobs lie there; in
 * between it only asks for the events when libuv calls. Says how much processor time it took, in
 * seconds.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <uv.h>
#include <zmq.h>

enum { JOBS = 20, PAUSE_MS = 2000 };

static void *pull;
static int got;

static int events_of(void *socket)
{
    int events;
    size_t size = sizeof events;
    assert(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0);
    return events;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    assert(status == 0 && events == UV_READABLE);
    events_of(pull);
}

static void on_timer(uv_timer_t *timer)
{
    char body[16];
    assert(events_of(pull) & ZMQ_POLLIN);
    assert(zmq_recv(pull, body, sizeof body, ZMQ_DONTWAIT) == 3);
    if (++got == JOBS)
        uv_stop(timer->loop);
}

static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *others = zmq_ctx_new();
    int fd;
    char endpoint[256];
    size_t size = sizeof endpoint, fd_size = sizeof fd;
    uv_loop_t loop;
    uv_poll_t poll;
    uv_timer_t timer;
    zmq_ctx_set(context, ZMQ_IO_THREADS, argc > 1 ? atoi(argv[1]) : 1);
    void *push = zmq_socket(others, ZMQ_PUSH);
    pull = zmq_socket(context, ZMQ_PULL);
    assert(zmq_bind(pull, "tcp://127.0.0.1:*") == 0);
    assert(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    assert(zmq_getsockopt(pull, ZMQ_FD, &fd, &fd_size) == 0);
    assert(zmq_connect(push, endpoint) == 0);
    for (int i = 0; i < JOBS; i++)
        assert(zmq_send(push, "job", 3, 0) == 3);
    uv_loop_init(&loop);
    uv_poll_init(&loop, &poll, fd);
    uv_poll_start(&poll, UV_READABLE, on_poll);
    while (!(events_of(pull) & ZMQ_POLLIN))
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, PAUSE_MS / JOBS, PAUSE_MS / JOBS);
    double before = processor_s();
    uv_run(&loop, UV_RUN_DEFAULT);
    printf("%g\n", processor_s() - before);
    uv_poll_stop(&poll);
    assert(zmq_close(pull) == 0);
    assert(zmq_close(push) == 0);
    assert(zmq_ctx_term(context) == 0);
    assert(zmq_ctx_term(others) == 0);
    return 0;
}
