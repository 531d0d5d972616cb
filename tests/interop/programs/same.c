/* SPDX-License-Identifier: MIT */
/* Uses the API of zmq.h from end to end and prints what it sees: the same words on either library.
 * Nothing that depends on time or chance is printed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { LIMIT_MS = 20000 };

static void *ctx;

static void *open_socket(int type)
{
    void *socket = zmq_socket(ctx, type);
    int limit_ms = LIMIT_MS, zero = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof limit_ms);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &limit_ms, sizeof limit_ms);
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    return socket;
}

/* Binds one and connects the other. */
static void join(void *bound, void *connected, const char *where)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    if (zmq_bind(bound, where) || zmq_getsockopt(bound, ZMQ_LAST_ENDPOINT, endpoint, &size) ||
        zmq_connect(connected, endpoint)) {
        printf("cannot join at %s: %s\n", where, zmq_strerror(errno));
        exit(1);
    }
}

static void close_two(void *one, void *other)
{
    printf("closed %d %d\n", zmq_close(one), zmq_close(other));
}

static void say(const char *what, int rc)
{
    printf("%s: %d", what, rc);
    if (rc == -1)
        printf(" %s", zmq_strerror(zmq_errno()));
    printf("\n");
}

static void show_message(void *socket, const char *who)
{
    printf("%s got", who);
    int more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, 0) < 0) {
            printf(" nothing: %s", zmq_strerror(errno));
            more = 0;
        } else {
            printf(" [%.*s]", (int)zmq_msg_size(&part), (char *)zmq_msg_data(&part));
            more = zmq_msg_more(&part);
        }
        zmq_msg_close(&part);
    }
    printf("\n");
}

static void requests(const char *where)
{
    void *rep = open_socket(ZMQ_REP), *req = open_socket(ZMQ_REQ);
    join(rep, req, where);
    say("recv out of turn", zmq_recv(req, NULL, 0, ZMQ_DONTWAIT));
    say("send", zmq_send(req, "question", 8, 0));
    say("send out of turn", zmq_send(req, "again", 5, ZMQ_DONTWAIT));
    show_message(rep, "rep");
    zmq_send(rep, "in", 2, ZMQ_SNDMORE);
    zmq_send(rep, "parts", 5, 0);
    show_message(req, "req");
    close_two(rep, req);
}

static void news(const char *where)
{
    void *pub = open_socket(ZMQ_XPUB), *sub = open_socket(ZMQ_SUB);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "a", 1);
    join(pub, sub, where);
    zmq_msg_t wish;
    zmq_msg_init(&wish);
    say("subscription", zmq_msg_recv(&wish, pub, 0));
    printf("which is %d %c\n", *(char *)zmq_msg_data(&wish), ((char *)zmq_msg_data(&wish))[1]);
    zmq_msg_close(&wish);
    zmq_send(pub, "b is not heard", 14, 0);
    zmq_send(pub, "a is heard", 10, ZMQ_SNDMORE);
    zmq_send(pub, "to its end", 10, 0);
    show_message(sub, "sub");
    say("send on a sub", zmq_send(sub, "x", 1, 0));
    close_two(pub, sub);
}

static void routes(void)
{
    void *router = open_socket(ZMQ_ROUTER), *dealer = open_socket(ZMQ_DEALER);
    int yes = 1;
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "me", 2);
    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    join(router, dealer, "tcp://127.0.0.1:*");
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, "hello", 5, 0);
    show_message(router, "router");
    say("to nobody", zmq_send(router, "you", 3, ZMQ_SNDMORE));
    say("to somebody", zmq_send(router, "me", 2, ZMQ_SNDMORE));
    say("the rest", zmq_send(router, "welcome", 7, 0));
    show_message(dealer, "dealer");
    close_two(router, dealer);
}

static void polls(void)
{
    void *left = open_socket(ZMQ_PAIR), *right = open_socket(ZMQ_PAIR);
    join(left, right, "inproc://polls");
    zmq_pollitem_t items[] = {{left, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0}, {right, 0, ZMQ_POLLIN, 0}};
    say("poll", zmq_poll(items, 2, 0));
    printf("revents %d %d\n", items[0].revents, items[1].revents);
    zmq_send(left, "x", 1, 0);
    say("poll one", zmq_poll(items + 1, 1, LIMIT_MS));
    say("poll both", zmq_poll(items, 2, LIMIT_MS));
    printf("revents %d %d\n", items[0].revents, items[1].revents);
    say("poll nothing", zmq_poll(NULL, 1, 0));
    close_two(left, right);
}

static void free_data(void *data, void *hint)
{
    printf("freed %s for %s\n", (char *)data, (char *)hint);
}

static void messages(void)
{
    static char data[] = "data", hint[] = "hint";
    zmq_msg_t one, two;
    zmq_msg_init_size(&one, 300);
    memset(zmq_msg_data(&one), 'x', 300);
    zmq_msg_init(&two);
    say("copy", zmq_msg_copy(&two, &one));
    say("move", zmq_msg_move(&one, &two));
    printf("sizes %zu %zu\n", zmq_msg_size(&one), zmq_msg_size(&two));
    say("set", zmq_msg_set(&one, ZMQ_MORE, 1));
    say("get", zmq_msg_get(&one, ZMQ_MORE));
    printf("property %s\n", zmq_msg_gets(&one, "none") ? "there" : zmq_strerror(errno));
    zmq_msg_close(&one);
    zmq_msg_close(&two);
    zmq_msg_init_data(&one, data, 4, free_data, hint);
    say("close", zmq_msg_close(&one));
    say("close twice", zmq_msg_close(&one));
}

static void errors(void)
{
    char small[2];
    size_t size = sizeof small;
    int number = -2;
    void *socket = open_socket(ZMQ_PULL);
    say("no type", zmq_socket(ctx, 99) ? 0 : -1);
    say("no socket", zmq_close(NULL));
    say("no transport", zmq_bind(socket, "nowhere://here"));
    say("no endpoint", zmq_connect(socket, "tcp://127.0.0.1"));
    say("no port", zmq_bind(socket, "tcp://127.0.0.1:http"));
    say("not bound", zmq_unbind(socket, "tcp://127.0.0.1:5999"));
    say("no option", zmq_setsockopt(socket, 9999, &number, sizeof number));
    say("no value", zmq_setsockopt(socket, ZMQ_LINGER, &number, sizeof number));
    say("no room", zmq_getsockopt(socket, ZMQ_LINGER, small, &size));
    say("nothing there", zmq_recv(socket, small, 2, ZMQ_DONTWAIT));
    say("cannot send", zmq_send(socket, small, 2, 0));
    say("no context", zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1));
    say("no context option", zmq_ctx_get(ctx, 9999));
    zmq_close(socket);
    for (int error = 1; error < 40; error++)
        printf("%d %s\n", error, zmq_strerror(error));
    printf("%s|%s|%s|%s\n", zmq_strerror(EFSM), zmq_strerror(ENOCOMPATPROTO), zmq_strerror(ETERM),
           zmq_strerror(EMTHREAD));
}

static void on_timer(int timer_id, void *arg)
{
    printf("timer %d of %s\n", timer_id, (char *)arg);
}

static void tools(void)
{
    char text[11], key[41];
    uint8_t data[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B}, back[8];
    printf("%s\n", zmq_z85_encode(text, data, sizeof data));
    printf("%d\n", zmq_z85_decode(back, text) && !memcmp(back, data, sizeof data));
    say("curve", zmq_curve_public(key, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"));
    printf("%s\n", key);
    void *counter = zmq_atomic_counter_new();
    zmq_atomic_counter_set(counter, 5);
    printf("inc %d\n", zmq_atomic_counter_inc(counter));
    printf("dec %d\n", zmq_atomic_counter_dec(counter));
    printf("value %d\n", zmq_atomic_counter_value(counter));
    zmq_atomic_counter_destroy(&counter);
    void *timers = zmq_timers_new();
    char name[] = "ours";
    int id = zmq_timers_add(timers, 5, on_timer, name);
    while (zmq_timers_timeout(timers) > 0)
        zmq_poll(NULL, 0, zmq_timers_timeout(timers));
    say("timers", zmq_timers_execute(timers));
    say("cancel", zmq_timers_cancel(timers, id));
    say("cancel again", zmq_timers_cancel(timers, id));
    printf("timeout %ld\n", zmq_timers_timeout(timers));
    zmq_timers_destroy(&timers);
    printf("has ipc %d pgm %d draft %d\n", zmq_has("ipc"), zmq_has("nothing"), zmq_has("draft"));
}

static void proxy(void *sockets)
{
    void **four = sockets;
    int rc = zmq_proxy_steerable(four[0], four[1], NULL, four[2]);
    for (int i = 0; i < 3; i++)
        zmq_close(four[i]);
    printf("proxy: %d\n", rc);
}

static void devices(void)
{
    void *sockets[] = {open_socket(ZMQ_ROUTER), open_socket(ZMQ_DEALER), open_socket(ZMQ_PAIR)};
    void *req = open_socket(ZMQ_REQ), *rep = open_socket(ZMQ_REP), *control = open_socket(ZMQ_PAIR);
    join(sockets[0], req, "tcp://127.0.0.1:*");
    join(sockets[1], rep, "inproc://workers");
    join(control, sockets[2], "inproc://control");
    void *thread = zmq_threadstart(proxy, sockets);
    zmq_send(req, "through", 7, 0);
    show_message(rep, "worker");
    zmq_send(rep, "and back", 8, 0);
    show_message(req, "client");
    zmq_send(control, "TERMINATE", 9, 0);
    zmq_threadclose(thread);
    zmq_close(control);
    close_two(req, rep);
}

static void events(void)
{
    void *rep = open_socket(ZMQ_REP), *req = open_socket(ZMQ_REQ), *watch = open_socket(ZMQ_PAIR);
    say("monitor", zmq_socket_monitor(req, "inproc://events", ZMQ_EVENT_ALL));
    zmq_connect(watch, "inproc://events");
    join(rep, req, "tcp://127.0.0.1:*");
    for (int event = 0; event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED;) {
        zmq_msg_t part;
        uint16_t number = 0;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, watch, 0) != 6)
            break;
        memcpy(&number, zmq_msg_data(&part), sizeof number);
        event = number;
        zmq_msg_recv(&part, watch, 0);
        printf("event 0x%x at %.6s\n", event, (char *)zmq_msg_data(&part));
        zmq_msg_close(&part);
    }
    say("end", zmq_socket_monitor(req, NULL, 0));
    zmq_close(watch);
    close_two(rep, req);
}

int main(void)
{
    ctx = zmq_ctx_new();
    printf("sockets %d, threads %d\n", zmq_ctx_get(ctx, ZMQ_MAX_SOCKETS) > 1000,
           zmq_ctx_get(ctx, ZMQ_IO_THREADS));
    requests("tcp://127.0.0.1:*");
    requests("ipc://*");
    requests("inproc://requests");
    news("tcp://127.0.0.1:*");
    news("inproc://news");
    routes();
    polls();
    messages();
    errors();
    tools();
    devices();
    events();
    say("shutdown", zmq_ctx_shutdown(ctx));
    say("socket after it", zmq_socket(ctx, ZMQ_PUB) ? 0 : -1);
    say("term", zmq_ctx_term(ctx));
    return 0;
}
