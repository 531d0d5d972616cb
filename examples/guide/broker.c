/* SPDX-License-Identifier: MIT */
/* The extended request-reply broker: any number of clients and workers that do not know of each
 * other. See README.md.
 *
 *     broker [FRONTEND BACKEND]    binds both; Ctrl-C ends it
 *
 * The loop of zmq_poll(), receive and send that such a broker once was is one call, and that call
 * in a green thread leaves the program free for other things: here for a line of news each time
 * that something has passed. */
#include <greenmq/greenmq.h>

static void *tell(void *device)
{
    uint64_t before = 0;
    while (gmq_sleep(20) == 0) {
        struct gmq_account account = {.size = sizeof(account)};
        gmq_device_account(device, &account);
        uint64_t passed = account.backward.forwarded.messages;
        if (passed > before) {
            printf("%llu replies so far\n", (unsigned long long)passed);
            fflush(stdout);
        }
        before = passed;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    void *frontend = zmq_socket(context, ZMQ_ROUTER), *backend = zmq_socket(context, ZMQ_DEALER);
    if (zmq_bind(frontend, argc > 2 ? argv[1] : "tcp://127.0.0.1:5559") ||
        zmq_bind(backend, argc > 2 ? argv[2] : "tcp://127.0.0.1:5560"))
        return perror("cannot bind"), 1;
    struct gmq_device *device = gmq_device_new(frontend, backend, NULL);
    gmq_device_start(device); /* from here on requests pass, whatever we do */
    int64_t teller = gmq_spawn(tell, device, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_cancel(teller);
    gmq_join(teller, NULL, -1);
    gmq_device_drain(device, 1000);
    gmq_device_free(device);
    zmq_close(frontend);
    zmq_close(backend);
    return zmq_ctx_term(context);
}
