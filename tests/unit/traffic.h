/* SPDX-License-Identifier: MIT */
/* Messages through the socket of far.h, written as in spelt.h. The ledger must balance after each
 * step. */
#ifndef GREENMQ_TESTS_TRAFFIC_H
#define GREENMQ_TESTS_TRAFFIC_H

#include "far.h"
#include "spelt.h"

static inline void check_ledger(void)
{
    const struct ledger *ledger = &world.socket->ledger;
    struct tally in = ledger->received, out = ledger->forwarded;
    tally_add(&in, &ledger->copied);
    tally_add(&out, &ledger->queued);
    for (int i = 0; i < DROP_REASONS; i++)
        tally_add(&out, &ledger->dropped[i]);
    assert_memory_equal(&in, &out, sizeof in);
}

/* Routes messages as a device does. Returns how many were taken. */
static inline uint64_t route(const char *text, const struct prefix *prefix)
{
    struct buffer buffer = {0};
    struct run run = spell_run(&buffer, text);
    struct run gone = run_within(&run, world.socket->pattern->route(world.socket, &run, prefix));
    struct tally units = gone.tally;
    if (prefix) {
        units.parts += units.messages * prefix->parts;
        units.bytes += units.messages * prefix->bytes;
    }
    tally_add(&world.socket->ledger.received, &units);
    buffer_term(&buffer);
    check_ledger();
    return gone.tally.messages;
}

static inline void send_all(const char *text)
{
    struct buffer buffer = {0};
    struct run run = spell_run(&buffer, text);
    buffer_term(&buffer);
    assert_int_equal(route(text, NULL), run.tally.messages);
}

/* What waits for a peer; takes it as the link would. */
static inline const char *leaves(int peer)
{
    struct tally waits = world.peer[peer]->out.tally;
    const char *text = spell_buffer(&world.peer[peer]->out);
    peer_sent(world.peer[peer], &waits);
    check_ledger();
    return text;
}

static inline void arrive(int peer, const char *text)
{
    struct buffer buffer = {0};
    struct run run = spell_run(&buffer, text);
    assert_int_equal(peer_deliver(world.peer[peer], &run), run.size);
    buffer_term(&buffer);
}

/* All that the application can receive now. */
static inline const char *received(void)
{
    static char text[4096];
    struct msg msg;
    text[0] = 0;
    msg_init(&msg);
    while (socket_can_receive(world.socket)) {
        assert_int_equal(socket_try_receive(world.socket, &msg, false), 0);
        char *at = text + strlen(text);
        const uint8_t *body = msg_data(&msg);
        for (size_t i = 0; i < msg_size(&msg); i++)
            *at++ = body[i] ? (char)body[i] : '\2';
        *at++ = msg.more ? '+' : ' ';
        *at = 0;
    }
    msg_close(&msg);
    assert_int_equal(socket_try_receive(world.socket, &msg, false), -EAGAIN);
    size_t size = strlen(text);
    if (size)
        text[size - 1] = 0;
    return text;
}

#endif
