/* SPDX-License-Identifier: MIT */
/* Wishes: see wish.h. */
#include "pattern/wish.h"

bool wish_read(const struct frame *part, struct wish *wish)
{
    if (part->size == 0 || part->body[0] > 1)
        return false;
    *wish = (struct wish){part->body[0] == 1, part->body + 1, part->size - 1};
    return true;
}

bool parts_next(struct parts *parts, struct frame *part, struct chunk **chunk)
{
    const struct run *message = parts->message;
    struct cursor *at = &parts->at;
    if (message->large) {
        if (!parts->begun)
            *at = buffer_begin(message->large);
        parts->begun = true;
        return buffer_read(message->large, at, part, chunk);
    }
    if (!frame_header_read(message->data + at->at, message->size - at->at, part))
        return false;
    at->at += part->header + part->size;
    *chunk = message->chunk;
    return true;
}

int parts_close(const struct buffer *parts, struct buffer *message)
{
    struct cursor at = buffer_begin(parts);
    struct frame part;
    struct chunk *chunk;
    uint64_t left = parts->tally.parts;
    while (buffer_read(parts, &at, &part, &chunk)) {
        uint8_t more = --left ? FRAME_MORE : 0;
        int rc = buffer_append_shared(message, more, chunk, part.body, part.size);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static enum wish_kind look_for_wish(const struct run *message, struct wish *wish)
{
    struct parts parts = {.message = message};
    struct frame part;
    struct chunk *chunk;
    while (parts_next(&parts, &part, &chunk)) {
        if (wish_read(&part, wish))
            return message->tally.parts == 1 ? WISH_ALONE : WISH_AMONG;
    }
    return WISH_NONE;
}

enum wish_kind wish_next(struct run *rest, struct run *head, struct wish *wish)
{
    struct run ahead = *rest, message;
    *head = (struct run){.data = rest->data, .chunk = rest->chunk};
    while (run_next(&ahead, &message)) {
        enum wish_kind kind = look_for_wish(&message, wish);
        if (kind != WISH_NONE && head->size)
            break;
        if (message.large || kind != WISH_NONE) {
            *head = message;
        } else {
            head->size += message.size;
            tally_add(&head->tally, &message.tally);
        }
        *rest = ahead;
        if (kind != WISH_NONE)
            return kind;
    }
    return WISH_NONE;
}
