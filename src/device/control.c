/* SPDX-License-Identifier: MIT */
/* A device's control socket: the commands of zmq_proxy_steerable(3). They are served in the
 * engine, so whatever the sockets of the device wait for, they are answered.
 *
 * A REP gets an answer to everything: STATISTICS eight numbers, what is unknown "unknown command",
 * the rest an empty message. A PAIR gets an answer to STATISTICS only. */
#include "device/device.h"

#include "base/check.h"

#include <string.h>

static void answer(struct socket *socket, struct buffer *reply)
{
    struct run run = {.large = reply, .size = reply->bytes, .tally = reply->tally};
    if (!buffer_is_empty(reply))
        (void)socket_offer(socket, &run); /* who does not wait for it does not get it */
    buffer_term(reply);
}

/* Eight 64-bit numbers, a part each: received and sent by the frontend, then by the backend, each
 * in messages and bytes. */
static void put_statistics(struct gmq_device *device, struct buffer *reply)
{
    struct gmq_account books;
    account_read(device, &books);
    const struct gmq_tally *columns[] = {&books.forward.received, &books.backward.forwarded,
                                         &books.backward.received, &books.forward.forwarded};
    for (int i = 0; i < 4; i++) {
        (void)buffer_append(reply, FRAME_MORE, &columns[i]->messages, sizeof(uint64_t));
        (void)buffer_append(reply, i < 3 ? FRAME_MORE : 0, &columns[i]->bytes, sizeof(uint64_t));
    }
}

static bool says(const struct msg *command, const char *word)
{
    struct msg copy = *command;
    return msg_size(&copy) == strlen(word) && memcmp(msg_data(&copy), word, strlen(word)) == 0;
}

static void obey(struct gmq_device *device, const struct msg *command)
{
    struct socket *socket = device->control.socket;
    bool replies = socket->pattern->type == ZMQ_REP;
    struct buffer reply = {0};
    const char *text = "";
    if (says(command, "STATISTICS")) {
        put_statistics(device, &reply);
        answer(socket, &reply);
        return;
    }
    if (says(command, "PAUSE"))
        (void)device_pause(device, true);
    else if (says(command, "RESUME"))
        (void)device_pause(device, false);
    else if (!says(command, "TERMINATE"))
        text = "unknown command";
    if (replies) {
        (void)buffer_append(&reply, 0, text, strlen(text));
        answer(socket, &reply);
    }
    if (says(command, "TERMINATE"))
        device_stop(device);
}

/* Receives the commands that have come; further parts of one mean nothing. */
static void serve(struct task *task)
{
    struct gmq_device *device = (struct gmq_device *)((char *)task -
                                                      offsetof(struct gmq_device, control.serve));
    struct socket *socket = device->control.socket;
    while (device->state != GMQ_DEVICE_STOPPED) {
        struct msg command, part;
        msg_init(&command);
        if (socket_try_receive(socket, &command, false) < 0)
            return;
        bool more = command.more;
        while (more) {
            msg_init(&part);
            more = socket_try_receive(socket, &part, false) == 0 && part.more;
            msg_close(&part);
        }
        obey(device, &command);
        msg_close(&command);
    }
}

static struct gmq_device *device_of(struct sink *sink)
{
    return (struct gmq_device *)((char *)sink - offsetof(struct gmq_device, control.sink));
}

static void changed(struct sink *sink, int events)
{
    struct gmq_device *device = device_of(sink);
    if (events & EVENT_IN)
        ctx_later(device->ctx, &device->control.serve);
}

static void closing(struct sink *sink)
{
    device_closing(device_of(sink));
}

void control_start(struct gmq_device *device)
{
    struct control *control = &device->control;
    control->serve.run = serve;
    control->sink = (struct sink){.changed = changed, .closing = closing};
    lane_close_all(control->socket);
    control->socket->sink = &control->sink;
    ctx_later(device->ctx, &control->serve);
}

void control_stop(struct gmq_device *device)
{
    struct control *control = &device->control;
    control->socket->sink = NULL;
    if (control->serve.queued)
        TAILQ_REMOVE(&device->ctx->tasks, &control->serve, line);
    control->serve.queued = false;
}
