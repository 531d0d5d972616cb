/* SPDX-License-Identifier: MIT */
/* Messages as text and back, so that a test reads as what it says. */
#ifndef GREENMQ_TESTS_SPELT_H
#define GREENMQ_TESTS_SPELT_H

#include "base/buffer.h"

#include <string.h>

/* The run of messages written as "a b+c d": three, the second of two parts. '_' is an empty part,
 * and '\1' and '\2' begin a subscription and its end. */
static inline struct run spell_run(struct buffer *buffer, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, " +");
        char part[64];
        memcpy(part, text, size);
        if (part[0] == '\2')
            part[0] = 0;
        bool more = text[size] == '+';
        buffer_append(buffer, more ? FRAME_MORE : 0, part, part[0] == '_' ? 0 : size);
        text += size + (text[size] != 0);
    }
    return (struct run){
        .data = buffer->pieces[buffer->first].data, .size = buffer->bytes, .tally = buffer->tally};
}

/* The opposite, for all that waits in a buffer; empties it. */
static inline const char *spell_buffer(struct buffer *buffer)
{
    static char text[4096];
    struct frame frame;
    char *at = text;
    *at = 0;
    while (buffer_front(buffer, &frame, NULL)) {
        for (size_t i = 0; i < frame.size; i++)
            *at++ = frame.body[i] ? (char)frame.body[i] : '\2';
        if (!frame.size)
            *at++ = '_';
        *at++ = frame.flags & FRAME_MORE ? '+' : ' ';
        *at = 0;
        buffer_pop(buffer, &frame);
    }
    if (at > text)
        at[-1] = 0;
    return text;
}

#endif
