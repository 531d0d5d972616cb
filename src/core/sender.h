/* SPDX-License-Identifier: MIT */
/* The sender of a message, as the message tells of it: its peer's properties. The peer's link makes
 * them at the first message that the application receives as a zmq_msg_t, and the peer keeps them
 * until its connection is lost. Called under the context's lock. */
#ifndef GREENMQ_CORE_SENDER_H
#define GREENMQ_CORE_SENDER_H

struct peer;
struct properties;

/* A reference for one message of this peer. NULL: nothing to tell (inproc), or no memory. */
struct properties *sender_properties(struct peer *peer);

/* The connection is about to go: what waits in the inbox must still be able to tell of it. */
void sender_remember(struct peer *peer);

/* Nothing of that connection is left to be received, or another has taken its place. */
void sender_forget(struct peer *peer);

#endif
