/* SPDX-License-Identifier: MIT */
/*
 * The books of devices whose sockets put something in front of messages, or take it off: REQ and
 * REP their envelopes, ROUTER its peers' routing ids. They balance also while a message is under
 * way, when the envelopes differ, and when a peer is renamed.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

TEST(replies_behind_envelopes_of_different_length)
{
    enum { REQUESTS = 40, REPLY = 60000 };
    static char reply[REPLY];
    struct rig rig = small_rig(GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    set_int(rig.front, ZMQ_SNDHWM, 0);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*"); /* where that counts */
    int client = stalled_at(rig.front_at, "DEALER");
    void *server = peer_at(ZMQ_REP, rig.back_at);
    for (int i = 0; i < REQUESTS; i++) {
        if (i % 2)
            raw_send(client, "\1\0\0\1q", 5);
        else
            raw_send(client, "\1\6nobody\1\0\0\1q", 13);
        expect_parts(server, "q");
        send_bytes(server, reply, REPLY, 0);
        wait_books(rig.device, books.backward.received.messages == (uint64_t)i + 1);
    }
    for (int i = 0; i < REQUESTS; i++) {
        while (raw_skip_frame(client, NULL) & RAW_MORE)
            account_of(rig.device);
    }
    wait_books(rig.device, books.backward.forwarded.messages == REQUESTS);
    struct gmq_flow replies = account_of(rig.device).backward;
    assert_int_equal(replies.received.parts, REQUESTS);
    assert_int_equal(replies.copied.parts, REQUESTS * 3 / 2);
    assert_int_equal(replies.copied.bytes, REQUESTS / 2 * strlen("nobody"));
    close(client);
}

/* Messages wait for a peer that we connected to when another one takes its name. */
TEST(peer_that_is_renamed_while_messages_wait)
{
    static char body[STALL_BODY];
    struct rig rig = {.front = open_socket(ZMQ_ROUTER), .back = open_socket(ZMQ_DEALER)};
    int port = 0, listener = raw_listen(&port, 1);
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    set_int(rig.front, ZMQ_ROUTER_HANDOVER, 1);
    set_int(rig.front, ZMQ_SNDHWM, 0);
    set_int(rig.front, ZMQ_LINGER, 0);
    set_text(rig.front, ZMQ_CONNECT_ROUTING_ID, "twin brother");
    connect_to(rig.front, where);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    for (int i = 0; i < 10; i++) {
        send_bytes(worker, "twin brother", 12, ZMQ_SNDMORE);
        send_bytes(worker, body, sizeof body, 0);
    }
    wait_books(rig.device, books.backward.queued.messages == 10);
    void *client = open_socket(ZMQ_DEALER);
    set_text(client, ZMQ_ROUTING_ID, "twin brother");
    connect_to(client, rig.front_at.text);
    send_parts(client, "here");
    expect_parts(worker, "twin brother", "here");
    account_of(rig.device);
    int fd = raw_accept(listener);
    raw_handshake(fd, "DEALER");
    for (int i = 0; i < 10; i++)
        raw_skip_frame(fd, NULL);
    wait_books(rig.device, books.backward.forwarded.messages == 10);
    close(fd);
    close(listener);
}

/* Nobody has sent it, and no worker has said it: it came into being in the socket. */
TEST(a_probe_is_a_copy)
{
    struct rig rig = {.front = open_socket(ZMQ_ROUTER), .back = open_socket(ZMQ_DEALER)};
    set_int(rig.front, ZMQ_PROBE_ROUTER, 1);
    set_int(rig.back, ZMQ_PROBE_ROUTER, 1);
    rig.front_at = bind_anew(rig.front, *state);
    rig.back_at = bind_anew(rig.back, *state);
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    void *client = open_socket(ZMQ_DEALER);
    set_text(client, ZMQ_ROUTING_ID, "alice");
    connect_to(client, rig.front_at.text);
    expect_parts(client, "");
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    expect_parts(worker, "");
    wait_books(rig.device,
               books.forward.forwarded.messages + books.backward.forwarded.messages == 2);
    struct gmq_account seen = account_of(rig.device);
    struct gmq_tally there = {1, 1, 0}, back = {1, 2, 5};
    assert_true(same_tally(&seen.forward.copied, &there));
    assert_true(same_tally(&seen.backward.copied, &back));
    assert_int_equal(seen.forward.received.messages + seen.backward.received.messages, 0);
    assert_int_equal(seen.owed, 0);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(replies_behind_envelopes_of_different_length),
        RUN_DEVICE(peer_that_is_renamed_while_messages_wait),
        RUN_DEVICE_OVER_ALL(a_probe_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
