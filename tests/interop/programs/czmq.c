/* SPDX-License-Identifier: MIT */
/* Drives CZMQ, which stands on libzmq.so.5, and prints what it sees: the same words on either
 * library. Nothing that depends on time or chance is printed. */
#include <czmq.h>

enum { LIMIT_MS = 20000, BEACON_PORT = 45670, BEACON_MS = 50 };

static void show(const char *who, zmsg_t *message)
{
    printf("%s got", who);
    if (!message)
        printf(" nothing");
    for (zframe_t *frame = message ? zmsg_first(message) : NULL; frame;
         frame = zmsg_next(message)) {
        char *text = zframe_strdup(frame);
        printf(" [%s]", text);
        free(text);
    }
    printf("\n");
    zmsg_destroy(&message);
}

static zsock_t *limited(zsock_t *sock)
{
    zsock_set_rcvtimeo(sock, LIMIT_MS);
    zsock_set_sndtimeo(sock, LIMIT_MS);
    return sock;
}

/* CZMQ's constructors bind some types and connect others. */
static zsock_t *connected(int type, const char *where)
{
    zsock_t *sock = limited(zsock_new(type));
    zsock_connect(sock, "%s", where);
    return sock;
}

static void socks(const char *where)
{
    zsock_t *rep = limited(zsock_new_rep(where));
    zsock_t *req = connected(ZMQ_REQ, zsock_endpoint(rep));
    zsock_send(req, "siz", "text", 17);
    zmsg_t *message = zmsg_recv(rep);
    printf("rep got %zu parts of %zu bytes\n", zmsg_size(message), zmsg_content_size(message));
    zmsg_addstr(message, "added");
    zmsg_send(&message, rep);
    show("req", zmsg_recv(req));
    zsock_destroy(&req);
    zsock_destroy(&rep);
}

static void frames(void)
{
    zsock_t *push = limited(zsock_new_push("@tcp://127.0.0.1:*"));
    zsock_t *pull = connected(ZMQ_PULL, zsock_endpoint(push));
    zframe_t *frame = zframe_new("frame", 5);
    zframe_send(&frame, push, ZFRAME_REUSE | ZFRAME_MORE);
    zframe_send(&frame, push, 0);
    frame = zframe_recv(pull);
    printf("frame of %zu, more %d\n", zframe_size(frame), zframe_more(frame));
    zframe_destroy(&frame);
    frame = zframe_recv(pull);
    printf("frame of %zu, more %d\n", zframe_size(frame), zframe_more(frame));
    zframe_destroy(&frame);
    zstr_sendx(push, "one", "two", "three", NULL);
    show("pull", zmsg_recv(pull));
    zsock_destroy(&pull);
    zsock_destroy(&push);
}

static void news(void)
{
    zsock_t *pub = limited(zsock_new_xpub("@inproc://news"));
    zsock_t *sub = limited(zsock_new_sub(">inproc://news", "sports"));
    zframe_t *wish = zframe_recv(pub);
    printf("subscription of %zu\n", zframe_size(wish));
    zframe_destroy(&wish);
    zstr_send(pub, "weather: rain");
    zstr_send(pub, "sports: 2 to 1");
    char *text = zstr_recv(sub);
    printf("sub got %s\n", text);
    zstr_free(&text);
    zsock_destroy(&sub);
    zsock_destroy(&pub);
}

static void polls(const char *where)
{
    zsock_t *one = zsock_new_pull("@tcp://127.0.0.1:*"), *two = zsock_new_pull(where);
    zsock_t *push = connected(ZMQ_PUSH, zsock_endpoint(two));
    zpoller_t *poller = zpoller_new(one, two, NULL);
    printf("nothing: %d, expired %d\n", zpoller_wait(poller, 0) == NULL, zpoller_expired(poller));
    zstr_send(push, "for two");
    printf("two: %d\n", zpoller_wait(poller, LIMIT_MS) == two);
    char *text = zstr_recv(two);
    printf("%s\n", text);
    zstr_free(&text);
    zpoller_remove(poller, two);
    zpoller_destroy(&poller);
    zsock_destroy(&push);
    zsock_destroy(&two);
    zsock_destroy(&one);
}

static void echo_actor(zsock_t *pipe, void *args)
{
    zsock_signal(pipe, 0);
    for (bool ended = false; !ended;) {
        zmsg_t *message = zmsg_recv(pipe);
        if (!message)
            break;
        char *command = zmsg_popstr(message);
        ended = streq(command, "$TERM");
        if (!ended)
            zstr_sendx(pipe, (const char *)args, command, NULL);
        zstr_free(&command);
        zmsg_destroy(&message);
    }
}

static void actors(void)
{
    enum { ACTORS = 20 };
    zactor_t *actor[ACTORS];
    char name[] = "echo";
    for (int i = 0; i < ACTORS; i++)
        actor[i] = zactor_new(echo_actor, name);
    for (int i = 0; i < ACTORS; i++)
        zstr_sendf(actor[i], "number %d", i);
    for (int i = 0; i < ACTORS; i++) {
        show("actor's owner", zmsg_recv(actor[i]));
        zactor_destroy(&actor[i]);
    }
}

static void proxies(const char *folder)
{
    char front[128], back[128];
    zactor_t *proxy = zactor_new(zproxy, NULL);
    snprintf(front, sizeof front, "ipc://%s/front", folder);
    snprintf(back, sizeof back, "ipc://%s/back", folder);
    zstr_sendx(proxy, "FRONTEND", "PULL", front, NULL);
    zsock_wait(proxy);
    zstr_sendx(proxy, "BACKEND", "PUSH", back, NULL);
    zsock_wait(proxy);
    zstr_sendx(proxy, "CAPTURE", "inproc://capture", NULL);
    zsock_t *capture = limited(zsock_new_pull("@inproc://capture"));
    zsock_wait(proxy);
    zsock_t *push = connected(ZMQ_PUSH, front), *pull = connected(ZMQ_PULL, back);
    zstr_sendx(push, "through", "the proxy", NULL);
    show("pull", zmsg_recv(pull));
    show("capture", zmsg_recv(capture));
    zstr_send(proxy, "PAUSE");
    zsock_wait(proxy);
    zstr_send(push, "later");
    zsock_set_rcvtimeo(pull, 100);
    show("while it pauses, pull", zmsg_recv(pull));
    zsock_set_rcvtimeo(pull, LIMIT_MS);
    zstr_send(proxy, "RESUME");
    zsock_wait(proxy);
    show("pull", zmsg_recv(pull));
    zactor_destroy(&proxy);
    zsock_destroy(&pull);
    zsock_destroy(&push);
    zsock_destroy(&capture);
}

static void monitors(void)
{
    zsock_t *server = zsock_new(ZMQ_DEALER), *client = zsock_new(ZMQ_DEALER);
    zactor_t *monitor = zactor_new(zmonitor, server);
    zsock_set_rcvtimeo(monitor, LIMIT_MS);
    zstr_sendx(monitor, "LISTEN", "LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED", "DISCONNECTED",
               NULL);
    zstr_send(monitor, "START");
    zsock_wait(monitor);
    zsock_bind(server, "tcp://127.0.0.1:*");
    zsock_connect(client, "%s", zsock_endpoint(server));
    for (int i = 0; i < 4; i++) {
        zmsg_t *message = zmsg_recv(monitor);
        char *event = message ? zmsg_popstr(message) : NULL;
        printf("event %s\n", event ? event : "none");
        if (event && streq(event, "HANDSHAKE_SUCCEEDED"))
            zsock_destroy(&client);
        zstr_free(&event);
        zmsg_destroy(&message);
    }
    zactor_destroy(&monitor);
    zsock_destroy(&client);
    zsock_destroy(&server);
}

static int on_message(zloop_t *loop, zsock_t *reader, void *arg)
{
    int *left = arg;
    char *text = zstr_recv(reader);
    (void)loop;
    printf("loop got %s\n", text);
    zstr_free(&text);
    return --*left ? 0 : -1;
}

static int on_timer(zloop_t *loop, int timer_id, void *arg)
{
    static int number;
    (void)loop, (void)timer_id;
    zstr_sendf(arg, "tick %d", ++number);
    return 0;
}

static void loops(void)
{
    zsock_t *push = zsock_new_push("@inproc://loop"), *pull = zsock_new_pull(">inproc://loop");
    int left = 5;
    zloop_t *loop = zloop_new();
    zloop_reader(loop, pull, on_message, &left);
    zloop_timer(loop, 2, 5, on_timer, push);
    printf("loop: %d\n", zloop_start(loop));
    zloop_destroy(&loop);
    zsock_destroy(&pull);
    zsock_destroy(&push);
}

static zactor_t *beacon_at(const char *interface)
{
    zactor_t *beacon = zactor_new(zbeacon, NULL);
    zsock_set_rcvtimeo(beacon, LIMIT_MS);
    zsock_send(beacon, "si", "CONFIGURE", BEACON_PORT);
    char *host = zstr_recv(beacon);
    printf("beacon%s at %s\n", interface, host && *host ? "somewhere" : "nowhere");
    zstr_free(&host);
    return beacon;
}

static void beacons(void)
{
    zactor_t *speaker = beacon_at(" to speak"), *listener = beacon_at(" to listen");
    zsock_send(listener, "sb", "SUBSCRIBE", "BEACON", 6);
    zsock_send(speaker, "sbi", "PUBLISH", "BEACON here", 11, BEACON_MS);
    char *from = zstr_recv(listener);
    zframe_t *said = from ? zframe_recv(listener) : NULL;
    printf("heard %.*s\n", said ? (int)zframe_size(said) : 7,
           said ? (char *)zframe_data(said) : "nothing");
    zframe_destroy(&said);
    zstr_free(&from);
    zstr_send(listener, "UNSUBSCRIBE");
    zstr_send(speaker, "SILENCE");
    zactor_destroy(&speaker);
    zactor_destroy(&listener);
}

/* With the name of a folder for ipc sockets; without, beacons are spoken and heard. */
int main(int argc, char **argv)
{
    char where[128];
    setbuf(stdout, NULL);
    zsys_set_linger(0);
    zsys_set_logsystem(false);
    if (argc == 1) {
        beacons();
        return 0;
    }
    socks("@tcp://127.0.0.1:*");
    snprintf(where, sizeof where, "@ipc://%s/socks", argv[1]);
    socks(where);
    frames();
    news();
    snprintf(where, sizeof where, "@ipc://%s/polls", argv[1]);
    polls(where);
    actors();
    proxies(argv[1]);
    monitors();
    loops();
    zsys_shutdown();
    puts("end");
    return 0;
}
