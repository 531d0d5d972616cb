/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the connections that came by an endpoint when it is unbound: over tcp and ipc
 * they end, with what is queued for them sent and what had come received. zmq_unbind(3).
 */
#include "behaviour/util.h"
#include "behaviour/monitor.h"
#include "behaviour/raw.h"

static void expect_works(void *push, void *pull)
{
    send_parts(push, "works");
    expect_parts(pull, "works");
}

/* Those who came by an endpoint go with it. */
TEST(unbinding_ends_the_connections)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(push, *state);
    set_int(pull, ZMQ_RECONNECT_IVL, DEADLINE_MS);
    connect_to(pull, where.text);
    expect_works(push, pull);
    assert_int_equal(zmq_unbind(push, where.text), 0);
    wait_until(zmq_send(push, "", 0, ZMQ_DONTWAIT) < 0 && errno == EAGAIN);
    assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
}

/* What is sent to an endpoint that was unbound waits for the next to bind it. */
TEST(unbound_endpoint_hears_nothing_more)
{
    void *pull = open_socket(ZMQ_PULL);
    void *next = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    void *events = watch(push, ZMQ_EVENT_DISCONNECTED);
    struct endpoint where = bind_to(pull, *state);
    connect_to(push, where.text);
    expect_works(push, pull);
    assert_int_equal(zmq_unbind(pull, where.text), 0);
    wait_until((nudge(pull), can_recv(events, 0)));
    expect(events, DISCONNECTED, where.text);
    send_parts(push, "for the next");
    expect_nothing(pull);
    wait_until(zmq_bind(next, where.text) == 0);
    expect_parts(next, "for the next");
}

/* What is on its way when the endpoint is unbound still goes, in both directions. */
TEST(unbinding_loses_nothing)
{
    void *bound = open_socket(ZMQ_DEALER);
    void *dealer = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(bound, *state);
    connect_to(dealer, where.text);
    send_parts(dealer, "first");
    wait_until(can_recv(bound, 0));
    for (int i = 0; i < 100; i++)
        send_number(bound, i, 0);
    assert_int_equal(zmq_unbind(bound, where.text), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(dealer), i);
    expect_parts(bound, "first");
}

/* A subscriber that does not read is still there when its endpoint has been unbound. What it asks
 * for then is asked in vain. */
static void subscribe_late(int type)
{
    static char body[1 << 20], octets[1 << 16];
    void *publisher = open_socket(type);
    struct endpoint where = bind_to(publisher, "tcp://127.0.0.1:*");
    void *events = watch(publisher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    int fd = raw_connect(port_of(where));
    raw_handshake(fd, "SUB");
    raw_send_frame(fd, RAW_COMMAND, "\11SUBSCRIBEa", 11);
    expect(events, HANDSHAKE_SUCCEEDED, where.text);
    for (body[0] = 'a'; !raw_readable(fd, 0);)
        send_bytes(publisher, body, 1, 0);
    for (int i = 0; i < 32; i++)
        send_bytes(publisher, body, sizeof body, 0);
    assert_int_equal(zmq_unbind(publisher, where.text), 0);
    raw_send_frame(fd, RAW_COMMAND, "\11SUBSCRIBEb", 11);
    while (recv(fd, octets, sizeof octets, 0) > 0)
        continue; /* to the end: it has been sent away */
    close(fd);
    body[0] = 'b';
    for (int i = 0; i < 10; i++)
        send_bytes(publisher, body, 100, 0);
}

TEST(a_late_subscription_is_in_vain)
{
    subscribe_late(ZMQ_PUB);
    subscribe_late(ZMQ_XPUB);
}

/* An inproc name is only a name. */
TEST(unbinding_a_name_leaves_the_connections)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(push, *state);
    connect_to(pull, where.text);
    assert_int_equal(zmq_unbind(push, where.text), 0);
    expect_works(push, pull);
}

#define OVER_WIRE(test) OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://@unbound")

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_WIRE(unbinding_ends_the_connections),
        OVER_WIRE(unbound_endpoint_hears_nothing_more),
        OVER_WIRE(unbinding_loses_nothing),
        RUN(a_late_subscription_is_in_vain),
        OVER(unbinding_a_name_leaves_the_connections, "inproc", "inproc://name"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
