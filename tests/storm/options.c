/* SPDX-License-Identifier: MIT */
/* Options in a storm: see storm.h. Any may be set to any value, but for those that would make a
 * call wait for ever, take a descriptor of somebody else's, or look for a host by its name. */
#include "storm/storm.h"

#include <string.h>

enum { OPTION_LAST = 120, VALUE_SIZE = 256 }; /* there are none beyond, drafts included */

static void set_int(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static void set_short_waits(struct dice *dice, void *socket)
{
    set_int(socket, ZMQ_RCVTIMEO, 1 + (int)dice_throw(dice, WAIT_MS));
    set_int(socket, ZMQ_SNDTIMEO, 1 + (int)dice_throw(dice, WAIT_MS));
    set_int(socket, ZMQ_LINGER, (int)dice_throw(dice, 2));
}

void options_dress(struct dice *dice, void *socket, int type)
{
    static const int switches[] = {ZMQ_ROUTER_HANDOVER, ZMQ_ROUTER_MANDATORY, ZMQ_ROUTER_RAW,
                                   ZMQ_PROBE_ROUTER,    ZMQ_XPUB_VERBOSER,    ZMQ_XPUB_NODROP,
                                   ZMQ_XPUB_MANUAL,     ZMQ_CONFLATE,         ZMQ_REQ_RELAXED,
                                   ZMQ_REQ_CORRELATE,   ZMQ_IMMEDIATE,        ZMQ_INVERT_MATCHING};
    int mark = dice_one_in(dice, 10) ? 1000 : 1 + (int)dice_throw(dice, 20);
    set_short_waits(dice, socket);
    set_int(socket, ZMQ_SNDHWM, mark);
    set_int(socket, ZMQ_RCVHWM, mark);
    if (type == ZMQ_SUB)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (dice_one_in(dice, 6))
            set_int(socket, switches[i], 1); /* an error where it is not for this type */
    if (dice_one_in(dice, 3))
        set_int(socket, ZMQ_HEARTBEAT_IVL, WAIT_MS);
    if (dice_one_in(dice, 6))
        zmq_setsockopt(socket, ZMQ_XPUB_WELCOME_MSG, "welcome", 7);
}

static void set_text(struct dice *dice, void *socket, int option)
{
    char text[4];
    size_t size = dice_throw(dice, sizeof text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + dice_throw(dice, 3));
    zmq_setsockopt(socket, option, text, size);
}

static void set_anything(struct dice *dice, void *socket, int option)
{
    uint8_t value[VALUE_SIZE];
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)dice_next(dice);
    size_t size = dice_one_in(dice, 5) ? dice_throw(dice, sizeof value) : sizeof(int);
    int number = (int)dice_throw(dice, 12) - 1;
    if (size == sizeof number && !dice_one_in(dice, 4))
        memcpy(value, &number, sizeof number);
    zmq_setsockopt(socket, option, dice_one_in(dice, 30) ? NULL : value, size);
}

void options_set(struct dice *dice, void *socket)
{
    int option = (int)dice_throw(dice, OPTION_LAST + 1);
    int64_t size = dice_one_in(dice, 3) ? (int64_t)dice_throw(dice, 100000) : -1;
    switch (option) {
    case ZMQ_USE_FD:
    case ZMQ_BINDTODEVICE:
    case ZMQ_SOCKS_PROXY: break;
    case ZMQ_RCVTIMEO:
    case ZMQ_SNDTIMEO:
    case ZMQ_LINGER: set_short_waits(dice, socket); break;
    case ZMQ_SUBSCRIBE:
    case ZMQ_UNSUBSCRIBE:
    case ZMQ_ROUTING_ID:
    case ZMQ_CONNECT_ROUTING_ID: set_text(dice, socket, option); break;
    case ZMQ_SNDHWM:
    case ZMQ_RCVHWM: /* devices may form a ring that copies, which only a mark can bound */
        set_int(socket, option, dice_one_in(dice, 10) ? -1 : 1 + (int)dice_throw(dice, 100));
        break;
    case ZMQ_MAXMSGSIZE: zmq_setsockopt(socket, option, &size, sizeof size); break;
    default: set_anything(dice, socket, option);
    }
}

void options_get(struct dice *dice, void *socket)
{
    uint8_t value[VALUE_SIZE];
    size_t size = dice_throw(dice, sizeof value + 1);
    zmq_getsockopt(socket, (int)dice_throw(dice, OPTION_LAST + 1), value, &size);
}
