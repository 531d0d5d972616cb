/* SPDX-License-Identifier: MIT */
/* Devices in a storm: see storm.h. Some have sockets of their own, which others reach by their
 * endpoints only, as is promised for devices; some take whatever sockets there are, which others go
 * on using. The books of all must balance. A handle is used by many and freed by one. */
#include "storm/storm.h"

#include "support/balance.h"

#include <stdio.h>
#include <string.h>

enum { FRONT, BACK, CAPTURE, CONTROL, SOCKETS, OWNED = -1000000 };

struct place {
    struct gmq_device *device; /* or NULL */
    bool is_own;               /* its sockets are closed with it */
    void *sockets[SOCKETS];    /* may be NULL, the backend that of the frontend */
    atomic_int users;          /* at the moment; OWNED: one who makes or frees it */
};

static struct place places[DEVICES];

static bool own(struct place *place)
{
    int none = 0;
    return atomic_compare_exchange_strong(&place->users, &none, OWNED);
}

static void disown(struct place *place)
{
    atomic_fetch_sub(&place->users, OWNED);
}

/* ---- the books ---- */

static void print_tally(const char *word, const struct gmq_tally *tally)
{
    if (tally->messages | tally->parts | tally->bytes)
        fprintf(stderr, "    %-12s %8lld messages %8lld parts %10lld bytes\n", word,
                (long long)tally->messages, (long long)tally->parts, (long long)tally->bytes);
}

static void print_flow(const char *title, const struct gmq_flow *flow)
{
    fprintf(stderr, "  %s\n", title);
    print_tally("received", &flow->received);
    print_tally("copied", &flow->copied);
    print_tally("forwarded", &flow->forwarded);
    print_tally("queued", &flow->queued);
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        print_tally(gmq_drop_name((enum gmq_drop)i), &flow->dropped[i]);
}

static int type_of(void *socket)
{
    int type = -1;
    size_t size = sizeof type;
    zmq_getsockopt(socket, ZMQ_TYPE, &type, &size);
    return type;
}

static void check_books(const struct place *place, const char *when)
{
    struct gmq_account account = {.size = sizeof account};
    gmq_device_account(place->device, &account);
    const char *error = books_error(&account);
    if (!error)
        return;
    watch_fault("storm: a device of types %d and %d, of its own: %d, state %d, %s: %s",
                type_of(place->sockets[FRONT]), type_of(place->sockets[BACK]), place->is_own,
                (int)account.state, when, error);
    print_flow("forward", &account.forward);
    print_flow("backward", &account.backward);
    print_flow("capture", &account.capture);
}

/* ---- making ---- */

static void *own_socket(struct dice *dice, void *context, int type)
{
    void *socket = zmq_socket(context, type);
    if (socket)
        options_dress(dice, socket, type);
    return socket;
}

static void open_own(struct dice *dice, void *sockets[SOCKETS])
{
    static const int pairs[][2] = {
        {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},     {ZMQ_XSUB, ZMQ_XPUB},
        {ZMQ_SUB, ZMQ_PUB},       {ZMQ_REP, ZMQ_REQ},       {ZMQ_ROUTER, ZMQ_ROUTER},
        {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_STREAM, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_ROUTER}};
    static const int captures[] = {ZMQ_PUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER, ZMQ_XPUB, ZMQ_ROUTER};
    void *context = scene_context(dice);
    const int *pair = pairs[dice_throw(dice, sizeof pairs / sizeof pairs[0])];
    int any[2] = {(int)dice_throw(dice, ZMQ_STREAM + 1), (int)dice_throw(dice, ZMQ_STREAM + 1)};
    if (dice_one_in(dice, 3))
        pair = any;
    sockets[FRONT] = own_socket(dice, context, pair[0]);
    if (dice_one_in(dice, 5))
        sockets[BACK] = sockets[FRONT];
    else
        sockets[BACK] = own_socket(dice, context, pair[1]);
    if (dice_one_in(dice, 4))
        sockets[CAPTURE] = own_socket(dice, context, captures[dice_throw(dice, 6)]);
    if (dice_one_in(dice, 4))
        sockets[CONTROL] = own_socket(dice, context, dice_one_in(dice, 2) ? ZMQ_REP : ZMQ_PAIR);
}

static void take_any(struct dice *dice, void *sockets[SOCKETS])
{
    sockets[FRONT] = scene_socket(dice);
    sockets[BACK] = scene_socket(dice);
    if (dice_one_in(dice, 8))
        sockets[CONTROL] = scene_socket(dice);
}

static void close_own(struct place *place)
{
    int none = 0;
    for (int i = 0; i < SOCKETS; i++) {
        void *socket = place->sockets[i];
        if (!place->is_own || !socket || (i == BACK && socket == place->sockets[FRONT]))
            continue;
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
        zmq_close(socket);
    }
    memset(place->sockets, 0, sizeof place->sockets);
}

static void make(struct dice *dice, struct place *place)
{
    place->is_own = !dice_one_in(dice, 3);
    if (place->is_own)
        open_own(dice, place->sockets);
    else
        take_any(dice, place->sockets);
    struct gmq_device_options options = {.size = sizeof options,
                                         .capture = place->sockets[CAPTURE],
                                         .control = place->sockets[CONTROL],
                                         .event_count = dice_throw(dice, 20)};
    struct gmq_device *device = gmq_device_new(place->sockets[FRONT], place->sockets[BACK],
                                               &options);
    bool late = dice_one_in(dice, 2);
    if (!late)
        gmq_device_start(device);
    for (int i = 0; i < SOCKETS && place->is_own; i++)
        if (place->sockets[i])
            scene_bind_anew(dice, place->sockets[i]);
    if (late)
        gmq_device_start(device);
    place->device = device;
    if (!device)
        close_own(place);
}

void devices_make(struct dice *dice)
{
    struct place *place = &places[dice_throw(dice, DEVICES)];
    if (!own(place))
        return;
    if (!place->device)
        make(dice, place);
    disown(place);
}

/* ---- using and ending ---- */

static void end(struct place *place)
{
    if (!place->device)
        return;
    check_books(place, "before its end");
    gmq_device_stop(place->device);
    check_books(place, "after its end");
    gmq_device_free(place->device);
    place->device = NULL;
    close_own(place);
}

static void use(struct dice *dice, const struct place *place)
{
    struct gmq_device *device = place->device;
    struct gmq_peer peers[3];
    struct gmq_event event;
    uint64_t lost;
    switch (dice_throw(dice, 20)) {
    case 0: gmq_device_pause(device); break;
    case 1:
    case 2:
    case 3: gmq_device_resume(device); break;
    case 4: gmq_device_drain(device, dice_throw(dice, WAIT_MS)); break;
    case 5: gmq_device_stop(device); break;
    case 6: gmq_device_wait(device, dice_throw(dice, WAIT_MS)); break;
    case 7:
    case 8: gmq_device_peers(device, peers, 3); break;
    case 9:
    case 10: gmq_device_event(device, &event, &lost); break;
    default: check_books(place, "while it runs");
    }
}

static void end_if_unused(struct place *place)
{
    if (!own(place))
        return;
    end(place);
    disown(place);
}

void devices_use(struct dice *dice)
{
    struct place *place = &places[dice_throw(dice, DEVICES)];
    if (dice_one_in(dice, 15)) {
        end_if_unused(place);
        return;
    }
    if (atomic_fetch_add(&place->users, 1) >= 0 && place->device)
        use(dice, place);
    atomic_fetch_sub(&place->users, 1);
}

void devices_close(void)
{
    for (int i = 0; i < DEVICES; i++)
        end(&places[i]);
}
