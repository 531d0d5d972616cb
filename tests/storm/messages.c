/* SPDX-License-Identifier: MIT */
/* Messages in a storm: see storm.h. Small, large, of several parts, copied, lent or passed on. */
#include "storm/storm.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 64, LARGE = 200000, BURST = 200, ITEMS = 5 };

static char octets[LARGE];

static size_t some_size(struct dice *dice)
{
    return dice_one_in(dice, 20) ? dice_throw(dice, LARGE) : dice_throw(dice, SMALL);
}

static int some_flags(struct dice *dice)
{
    return (dice_one_in(dice, 4) ? 0 : ZMQ_DONTWAIT) | (dice_one_in(dice, 5) ? ZMQ_SNDMORE : 0);
}

static void send_or_close(zmq_msg_t *message, void *socket, int flags)
{
    if (zmq_msg_send(message, socket, flags) < 0)
        zmq_msg_close(message);
}

static void free_lent(void *data, void *hint)
{
    (void)hint;
    free(data);
}

static void send_lent(struct dice *dice, void *socket)
{
    zmq_msg_t message;
    size_t size = some_size(dice);
    void *data = calloc(1, size + 1);
    if (data && zmq_msg_init_data(&message, data, size, free_lent, NULL) == 0)
        send_or_close(&message, socket, some_flags(dice));
}

static void send_twice(struct dice *dice, void *socket)
{
    zmq_msg_t message, copy;
    size_t size = some_size(dice);
    if (zmq_msg_init_size(&message, size) < 0)
        return;
    memset(zmq_msg_data(&message), 'm', size);
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, &message);
    send_or_close(&message, socket, some_flags(dice));
    send_or_close(&copy, scene_socket(dice), ZMQ_DONTWAIT);
}

static void send_burst(struct dice *dice, void *socket)
{
    char topic = (char)('a' + dice_throw(dice, 3));
    for (unsigned i = dice_throw(dice, BURST); i > 0; i--)
        zmq_send(socket, &topic, 1, ZMQ_DONTWAIT);
}

/* As a subscription, to a peer named so, or as an envelope: what patterns look at. */
static void send_pointed(struct dice *dice, void *socket)
{
    static const char firsts[] = {0, 1, 'a', 'b'};
    char head[3] = {firsts[dice_throw(dice, sizeof firsts)], 'a', 'b'};
    zmq_send(socket, head, dice_throw(dice, sizeof head + 1), some_flags(dice));
    zmq_send(socket, octets, dice_throw(dice, SMALL), ZMQ_DONTWAIT);
}

void messages_send(struct dice *dice, void *socket)
{
    switch (dice_throw(dice, 5)) {
    case 0: zmq_send(socket, octets, some_size(dice), some_flags(dice)); break;
    case 1: send_lent(dice, socket); break;
    case 2: send_twice(dice, socket); break;
    case 3: send_pointed(dice, socket); break;
    default: send_burst(dice, socket);
    }
    if (dice_one_in(dice, 3))
        zmq_send(socket, "end", 3, ZMQ_DONTWAIT);
}

static void receive_message(struct dice *dice, void *socket)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, dice_one_in(dice, 4) ? 0 : ZMQ_DONTWAIT) >= 0) {
        zmq_msg_gets(&message, "Peer-Address");
        zmq_msg_gets(&message, "Socket-Type");
        if (dice_one_in(dice, 2) && zmq_msg_send(&message, scene_socket(dice), ZMQ_DONTWAIT) >= 0)
            return;
    }
    zmq_msg_close(&message);
}

void messages_receive(struct dice *dice, void *socket)
{
    char part[SMALL];
    switch (dice_throw(dice, 3)) {
    case 0: receive_message(dice, socket); break;
    case 1: zmq_recv(socket, part, dice_throw(dice, SMALL), 0); break;
    default:
        for (unsigned i = dice_throw(dice, BURST); i > 0; i--)
            if (zmq_recv(socket, part, sizeof part, ZMQ_DONTWAIT) < 0)
                break;
    }
}

void messages_poll(struct dice *dice)
{
    zmq_pollitem_t items[ITEMS];
    int count = 0;
    for (int i = 0; i < ITEMS; i++) {
        void *socket = scene_socket(dice);
        if (socket)
            items[count++] = (zmq_pollitem_t){.socket = socket,
                                              .events = (short)(1 + dice_throw(dice, 7))};
    }
    zmq_poll(items, count, dice_throw(dice, WAIT_MS));
}
