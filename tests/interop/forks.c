/* SPDX-License-Identifier: MIT */
/* forks TIMES: forks so often while other threads open and close contexts and sockets, allocate
 * large messages, talk, and run green threads under a watchdog. Each child does such things too,
 * tells the parent so over tcp, and must come to its end. Prints one line and ends with 0 when all
 * was well. Started by test_forks.py. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <greenmq/greenmq.h>

enum { CHILD_S = 20, SOCKETS = 4, MESSAGES = 16, LARGE = 200000 };

static atomic_bool enough;
static char endpoint[128];

static int use_sockets(void)
{
    void *ctx = zmq_ctx_new(), *sockets[SOCKETS];
    if (!ctx)
        return -1;
    for (int i = 0; i < SOCKETS; i++)
        sockets[i] = zmq_socket(ctx, ZMQ_PAIR);
    zmq_bind(sockets[0], "inproc://forks");
    zmq_connect(sockets[1], "inproc://forks");
    zmq_send(sockets[1], "a", 1, 0);
    int rc = zmq_recv(sockets[0], NULL, 0, 0);
    for (int i = 0; i < SOCKETS; i++)
        zmq_close(sockets[i]);
    return zmq_ctx_term(ctx) == 0 && rc == 1 ? 0 : -1;
}

static int use_messages(void)
{
    zmq_msg_t messages[MESSAGES];
    for (int i = 0; i < MESSAGES; i++) {
        if (zmq_msg_init_size(&messages[i], LARGE) != 0)
            return -1;
    }
    for (int i = 0; i < MESSAGES; i++)
        zmq_msg_close(&messages[i]);
    return 0;
}

static void *yield(void *arg)
{
    gmq_yield();
    return arg;
}

static int use_green_threads(void)
{
    return gmq_join(gmq_spawn(yield, NULL, NULL), NULL, -1);
}

/* The watchdog looks all the time, for nothing. */
static void ignore(const char *text, void *arg)
{
    (void)text;
    (void)arg;
}

static void *work(void *use)
{
    int (*const *run)(void) = use;
    while (!atomic_load(&enough)) {
        if ((*run)() != 0)
            return use;
    }
    return NULL;
}

static int report(void)
{
    void *ctx = zmq_ctx_new(), *push = zmq_socket(ctx, ZMQ_PUSH);
    if (!push || zmq_connect(push, endpoint) != 0 || zmq_send(push, "done", 4, 0) != 4)
        return -1;
    return zmq_close(push) == 0 && zmq_ctx_term(ctx) == 0 ? 0 : -1;
}

static int fork_once(void *pull)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_S); /* which kills, and so shows, one that waits for what never comes */
        _exit(use_messages() == 0 && use_sockets() == 0 && report() == 0 ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "a child ended with status %d\n", status);
        return -1;
    }
    return zmq_recv(pull, NULL, 0, 0) == 4 ? 0 : -1;
}

int main(int argc, char **argv)
{
    static int (*const uses[])(void) = {use_sockets, use_sockets, use_messages, use_messages,
                                        use_green_threads};
    enum { WORKERS = sizeof uses / sizeof uses[0] };
    int times = argc > 1 ? atoi(argv[1]) : 1, done = 0, rc = 0;
    pthread_t workers[WORKERS];
    void *ctx = zmq_ctx_new(), *pull = zmq_socket(ctx, ZMQ_PULL);
    size_t size = sizeof endpoint;
    if (zmq_bind(pull, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
        gmq_watchdog(1, ignore, NULL) != 0)
        return 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, work, (void *)&uses[i]);
    while (done < times && rc == 0) {
        rc = fork_once(pull);
        done += rc == 0;
    }
    atomic_store(&enough, 1);
    for (int i = 0; i < WORKERS; i++) {
        void *failed;
        pthread_join(workers[i], &failed);
        rc |= failed != NULL;
    }
    zmq_close(pull);
    zmq_ctx_term(ctx);
    printf("%d of %d children have come to their end\n", done, times);
    return rc == 0 ? 0 : 1;
}
