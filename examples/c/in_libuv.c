/* SPDX-License-Identifier: MIT */
/* Green threads in a libuv program: its loop goes on as ever, and they live in it. Build and run it
 * with
 *
 *     cc examples/c/in_libuv.c -o in_libuv -Iinclude -Lbuild/lib -Wl,-rpath,build/lib \
 *         -lgreenmq -luv
 *     ./in_libuv
 *
 * The loop watches one descriptor, gmq_fd(), and calls gmq_run() when it is readable. That is all
 * there is to it. A timer of libuv's own stands for the rest of such a program. */
#include <greenmq/greenmq.h>

#include <uv.h>

enum { QUESTIONS = 5, TICK_MS = 5, PAUSE_MS = 10 };

static void *context;
static int ticks;
static uv_poll_t green;
static uv_timer_t timer;

static void on_green(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)status, (void)events;
    gmq_run();
}

static void on_tick(uv_timer_t *handle)
{
    (void)handle;
    ticks++;
}

/* A green thread that serves. */
static void *answer(void *arg)
{
    void *socket = zmq_socket(context, ZMQ_REP);
    char text[64];
    zmq_bind(socket, "inproc://questions");
    while (zmq_recv(socket, text, sizeof(text), 0) >= 0)
        zmq_send(socket, "yes", 3, 0);
    zmq_close(socket);
    return arg;
}

/* A green thread that asks, and at its end has libuv's loop end: it may call libuv as any callback
 * may. */
static void *ask(void *server)
{
    void *socket = zmq_socket(context, ZMQ_REQ);
    char text[64];
    zmq_connect(socket, "inproc://questions");
    for (int i = 1; i <= QUESTIONS; i++) {
        zmq_send(socket, "well?", 5, 0);
        int size = zmq_recv(socket, text, sizeof(text), 0);
        printf("question %d: %.*s\n", i, size, text);
        gmq_sleep(PAUSE_MS);
    }
    zmq_close(socket);
    gmq_cancel(*(int64_t *)server);
    gmq_join(*(int64_t *)server, NULL, -1);
    uv_close((uv_handle_t *)&green, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    return NULL;
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    context = zmq_ctx_new();
    int64_t server = gmq_spawn(answer, NULL, NULL);
    int64_t client = gmq_spawn(ask, &server, NULL);

    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_tick, TICK_MS, TICK_MS);
    uv_poll_init(loop, &green, gmq_fd());
    uv_poll_start(&green, UV_READABLE, on_green);
    uv_run(loop, UV_RUN_DEFAULT); /* until both handles are closed */

    gmq_join(client, NULL, -1);
    printf("libuv's timer went on: %s\n", ticks > QUESTIONS ? "yes" : "no");
    uv_loop_close(loop);
    return zmq_ctx_term(context);
}
