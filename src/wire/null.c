/* SPDX-License-Identifier: MIT */
/* The NULL mechanism (37/ZMTP 3.1 "The NULL Security Mechanism"): each side sends READY with its
 * properties, at once and without waiting for the other. 3.1 has the server wait for the client,
 * but which side is the server is not said, 3.0 and libzmq do not wait, and two sides that both
 * wait would wait for ever.
 * Failures: any other command, properties that metadata.c refuses. */
#include "wire/command.h"
#include "wire/mechanism.h"

static void start(struct session *session)
{
    uint8_t properties[METADATA_ROOM];
    size_t size = metadata_write(session, properties);
    session_send_command(session, "READY", properties, size);
}

static void on_command(struct session *session, const uint8_t *body, size_t size)
{
    size_t data_size;
    const uint8_t *data = command_data(body, size, "READY", &data_size);
    if (!data) {
        session_fail(session, SESSION_BAD_COMMAND);
        return;
    }
    enum session_error error = metadata_read(session, data, data_size);
    if (error)
        session_fail(session, error);
    else
        session_ready(session);
}

const struct mechanism mechanism_null = {
    .name = "NULL",
    .start = start,
    .command = on_command,
};
