/* SPDX-License-Identifier: MIT */
/* Senders of messages: see sender.h. */
#include "core/sender.h"

#include "base/properties.h"
#include "core/socket.h"

static void introduce(struct peer *peer)
{
    if (!peer->properties && peer->link && peer->link->introduce)
        peer->properties = peer->link->introduce(peer);
}

struct properties *sender_properties(struct peer *peer)
{
    introduce(peer);
    return peer->properties ? properties_ref(peer->properties) : NULL;
}

void sender_remember(struct peer *peer)
{
    const struct socket *socket = peer->socket;
    if (!buffer_is_empty(&peer->in) && !socket->sink && !socket->closed)
        introduce(peer);
}

void sender_forget(struct peer *peer)
{
    properties_unref(peer->properties);
    peer->properties = NULL;
}
