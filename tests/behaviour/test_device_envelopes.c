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

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(replies_behind_envelopes_of_different_length),
        RUN_DEVICE(peer_that_is_renamed_while_messages_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
