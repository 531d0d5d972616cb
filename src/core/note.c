/* SPDX-License-Identifier: MIT */
/* Notes: what a socket has to say itself, and no peer sent. XPUB has them about subscriptions. A
 * device gets a note at once; else, and when the device cannot take it now, it waits in
 * socket->notes to be received. Without memory a note is lost, and so it is when an application
 * that never receives them has let them grow beyond all measure; what they tell of takes effect
 * nevertheless. */
#include "core/socket.h"

enum { WAITING_MAX = 64 << 20 /* octets of notes that may wait */ };

/* Gives the note to the device if it takes it now. It may cause other notes. */
static bool hand_over(struct socket *socket, const struct run *note)
{
    struct effort *effort = &socket->ctx->effort;
    struct sink *sink = socket->sink;
    if (!sink || !sink->deliver || !buffer_is_empty(&socket->notes) || !effort_enter(effort))
        return false;
    bool taken = sink->deliver(sink, NULL, note) == note->size;
    effort_spend(effort, 1, 1);
    effort_leave(effort);
    return taken;
}

static bool keep(struct socket *socket, int appended)
{
    if (appended < 0)
        return false;
    socket_notify(socket, EVENT_IN);
    return true;
}

bool socket_note(struct socket *socket, const void *body, size_t size)
{
    if (!socket->sink) /* the usual case, without a detour */
        return socket->notes.bytes <= WAITING_MAX &&
               keep(socket, buffer_append(&socket->notes, 0, body, size));
    struct buffer note = {0};
    if (buffer_append(&note, 0, body, size) < 0) {
        buffer_term(&note);
        return false;
    }
    struct run run = {
        .data = note.pieces[note.first].data, .size = note.bytes, .tally = note.tally};
    bool taken = socket_note_message(socket, &run);
    buffer_term(&note);
    return taken;
}

bool socket_note_message(struct socket *socket, const struct run *message)
{
    if (hand_over(socket, message))
        return true;
    return socket->notes.bytes <= WAITING_MAX &&
           keep(socket, buffer_append_run(&socket->notes, message, NULL));
}

bool socket_has_many_notes(const struct socket *socket)
{
    return socket->notes.bytes > WAITING_MAX;
}
