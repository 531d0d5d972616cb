/* SPDX-License-Identifier: MIT */
/* Wishes: see wish.h. */
#include "pattern/wish.h"

static bool read_wish(const struct run *message, struct wish *wish)
{
    struct frame first;
    run_first_frame(message, &first);
    if ((first.flags & FRAME_MORE) || first.size == 0 || first.body[0] > 1)
        return false;
    *wish = (struct wish){first.body[0] == 1, first.body + 1, first.size - 1};
    return true;
}

bool wish_next(struct run *rest, struct run *head, struct wish *wish)
{
    struct run ahead = *rest, message;
    *head = (struct run){.data = rest->data, .chunk = rest->chunk};
    while (run_next(&ahead, &message)) {
        if (read_wish(&message, wish)) {
            if (head->size)
                return false;
            *head = message;
            *rest = ahead;
            return true;
        }
        if (message.large) {
            *head = message;
        } else {
            head->size += message.size;
            tally_add(&head->tally, &message.tally);
        }
        *rest = ahead;
    }
    return false;
}
