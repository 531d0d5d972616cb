/* SPDX-License-Identifier: MIT */
/* Feeds a session arbitrary octets, once whole and once in arbitrary cuts, and what is left
 * behind the handshake (translated, if it is of ZMTP 1.0) to the cutter of runs and the reader of
 * commands.
 *
 *      input:  type | flags | cuts | octets of the peer
 *
 * `type` is our socket type. `flags`: bits 0-1 say which greeting is put in front of the octets
 * (none, 3.1, 3.0, 2.0), so that the handshake is reached without guessing one; bit 2 gives us a
 * routing id. `cuts` seeds the lengths of the cuts. Seeds: seed_session.py. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <greenmq/zmq.h>

#include "base/check.h"
#include "base/frame1.h"
#include "base/run.h"
#include "wire/command.h"
#include "wire/mechanism.h"
#include "wire/session.h"

enum {
    HEAD_SIZE = 3,
    GREETING_SIZE = 64,
    SIGNATURE_SIZE = 10,
    VERSION_SIZE = 1,
    OUTPUT_MAX = 2 * SESSION_OUTPUT_MAX,
    ROUTING_ID_FLAG = 4
};

struct outcome {
    struct session session;
    size_t used;
    size_t output_size;
    uint8_t output[OUTPUT_MAX];
};

/* The next cut: mostly short ones, now and then a long one. */
static size_t next_cut(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    uint32_t draw = *seed >> 16;
    return draw % 8 ? 1 + draw % 13 : 1 + draw % 300;
}

static void take_output(struct outcome *outcome)
{
    uint8_t out[SESSION_OUTPUT_MAX];
    size_t size = session_output(&outcome->session, out);
    check(size <= OUTPUT_MAX - outcome->output_size);
    memcpy(outcome->output + outcome->output_size, out, size);
    outcome->output_size += size;
}

/* Gives the session what it has not used yet, in memory of its own so that reading past the end
 * shows. */
static void give(struct outcome *outcome, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    check(copy);
    memcpy(copy, data, size);
    enum session_state before = outcome->session.state;
    size_t used = session_input(&outcome->session, copy, size);
    free(copy);
    check(used <= size);
    check(outcome->session.state >= before);
    if (before >= SESSION_READY)
        check(used == 0 && outcome->session.state == before);
    outcome->used += used;
    take_output(outcome);
    if (before >= SESSION_READY)
        check(outcome->session.pending_size == 0);
}

static void run_session(struct outcome *outcome, const struct session_config *config,
                        const uint8_t *data, size_t size, uint32_t seed)
{
    outcome->used = outcome->output_size = 0;
    session_init(&outcome->session, config);
    take_output(outcome);
    check(outcome->output_size == SIGNATURE_SIZE);
    for (size_t given = 0; given < size;) {
        size_t cut = seed ? next_cut(&seed) : size;
        given += cut < size - given ? cut : size - given;
        give(outcome, data + outcome->used, given - outcome->used);
    }
}

/* What we sent is a greeting, then at most READY, then at most ERROR, and that only at the end of
 * a handshake that failed. */
static void check_output(const struct outcome *outcome)
{
    const uint8_t *at = outcome->output, *end = at + outcome->output_size;
    struct frame frame;
    size_t size;
    if (outcome->session.major != 3) {
        check(outcome->output_size <= SIGNATURE_SIZE + VERSION_SIZE + 3 + SESSION_ROUTING_ID_MAX);
        return;
    }
    check(end - at >= GREETING_SIZE);
    at += GREETING_SIZE;
    if (at == end) {
        check(outcome->session.state == SESSION_GREETING ||
              outcome->session.error == SESSION_MECHANISM);
        return;
    }
    check(frame_header_read(at, (size_t)(end - at), &frame) && frame.flags & FRAME_COMMAND);
    check(command_data(frame.body, frame.size, "READY", &size));
    at = frame.body + frame.size;
    if (at == end)
        return;
    struct command command;
    check(outcome->session.state == SESSION_FAILED);
    check(frame_header_read(at, (size_t)(end - at), &frame) && frame.flags == FRAME_COMMAND);
    command_read(&command, frame.body, frame.size);
    check(command.name == COMMAND_ERROR && frame.body + frame.size == end);
}

static void check_session(const struct session *session)
{
    check((session->state == SESSION_FAILED) == (session->error != SESSION_OK));
    if (session->state == SESSION_READY) {
        check(session_types_match(session->config->socket_type, session->peer_socket_type) ||
              (session->major == 1 && session->peer_socket_type == -1));
        check((session->major == 3 && session->minor <= 1) ||
              (session->major >= 1 && session->major <= 2 && session->minor == 0));
        check(!session->peer_routing_id_size || session->peer_routing_id[0]);
    }
    if (session->error == SESSION_REFUSED) {
        check(memchr(session->peer_reason, '\0', sizeof session->peer_reason));
        for (const char *c = session->peer_reason; *c; c++)
            check(*c >= ' ' && *c <= '~');
    }
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    check(a->used == b->used);
    check(a->output_size == b->output_size);
    check(memcmp(a->output, b->output, a->output_size) == 0);
    check(memcmp(&a->session, &b->session, offsetof(struct session, pending)) == 0);
}

static void check_command(const struct frame *frame)
{
    uint8_t *body = malloc(frame->size ? frame->size : 1);
    check(body);
    memcpy(body, frame->body, frame->size);
    struct command command;
    command_read(&command, body, frame->size);
    if (command.name != COMMAND_BAD && command.name != COMMAND_UNKNOWN)
        check(command.data >= body && command.data + command.size <= body + frame->size);
    if (command.name == COMMAND_PING || command.name == COMMAND_PONG) {
        uint8_t at[COMMAND_PING_ROOM];
        check(command.size <= COMMAND_CONTEXT_MAX);
        check(command_write_pong(at, command.data, command.size) <= sizeof at);
        check(command_write_ping(at, command.ttl_ds, command.data, command.size) <= sizeof at);
    }
    free(body);
}

static void check_run(const struct run *run)
{
    struct run rest = *run, message;
    struct tally tally = {0};
    while (run_next(&rest, &message)) {
        check(message.tally.messages == 1 && message.tally.parts >= 1 && message.size >= 2);
        tally_add(&tally, &message.tally);
    }
    check(tally.messages == run->tally.messages && tally.parts == run->tally.parts &&
          tally.bytes == run->tally.bytes);
}

/* The traffic behind a handshake, as a stream reads it. */
static void read_traffic(const uint8_t *data, size_t size)
{
    static const struct scan_limits limits = {.body_max = 4096, .large_min = 512};
    uint8_t *copy = malloc(size ? size : 1);
    check(copy);
    memcpy(copy, data, size);
    const uint8_t *at = copy;
    for (;;) {
        struct scan scan;
        size_t left = size - (size_t)(at - copy);
        run_scan(&scan, at, left, &limits);
        check(scan.run.size <= scan.parsed && scan.parsed <= left);
        check_run(&scan.run);
        if (scan.stop != SCAN_COMMAND && scan.stop != SCAN_INSIDE)
            break;
        check(scan.frame.body + scan.frame.size <= copy + size);
        check_command(&scan.frame);
        at = scan.frame.body + scan.frame.size;
    }
    free(copy);
}

/* The traffic of a peer of ZMTP 1.0: as frames, in place, and the same however it is cut. */
static void read_old_traffic(const uint8_t *data, size_t size, uint32_t seed)
{
    struct frame1_reader whole = {0}, cut = {0};
    uint8_t *copy = malloc(size + 1), *pieces = malloc(size + 1);
    check(copy && pieces);
    memcpy(copy, data, size);
    size_t total = frame1_read(&whole, copy, copy, size), sum = 0;
    check(total <= size);
    for (size_t given = 0; given < size;) {
        size_t next = next_cut(&seed);
        if (next > size - given)
            next = size - given;
        sum += frame1_read(&cut, pieces + sum, data + given, next);
        given += next;
    }
    check(sum == total && memcmp(copy, pieces, total) == 0);
    read_traffic(copy, total);
    free(copy);
    free(pieces);
}

/* The octets of the peer with the asked greeting in front. */
static uint8_t *peer_octets(const uint8_t *data, size_t size, int greeting, size_t *total)
{
    static const uint8_t v2[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1};
    uint8_t head[GREETING_SIZE] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3};
    head[11] = greeting == 1;
    memcpy(head + 12, "NULL", 4);
    if (greeting == 3)
        memcpy(head, v2, sizeof v2);
    size_t head_size = greeting == 0 ? 0 : greeting == 3 ? sizeof v2 : sizeof head;
    uint8_t *octets = malloc(head_size + size + 1);
    check(octets);
    memcpy(octets, head, head_size);
    memcpy(octets + head_size, data, size);
    *total = head_size + size;
    return octets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    if (size < HEAD_SIZE)
        return 0;
    struct session_config config = {
        .socket_type = data[0] % (ZMQ_XSUB + 1),
        .routing_id = (const uint8_t *)"routing id",
        .routing_id_size = data[1] & ROUTING_ID_FLAG ? 10 : 0,
        .mechanism = &mechanism_null,
    };
    size_t total;
    uint8_t *octets = peer_octets(data + HEAD_SIZE, size - HEAD_SIZE, data[1] & 3, &total);
    run_session(&whole, &config, octets, total, 0);
    run_session(&cut, &config, octets, total, 1u + data[2]);
    check_same(&whole, &cut);
    check_session(&whole.session);
    check_output(&whole);
    if (whole.session.state == SESSION_READY && whole.session.major == 1)
        read_old_traffic(octets + whole.used, total - whole.used, 1u + data[2]);
    else if (whole.session.state == SESSION_READY)
        read_traffic(octets + whole.used, total - whole.used);
    free(octets);
    return 0;
}
