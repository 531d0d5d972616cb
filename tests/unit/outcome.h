/* SPDX-License-Identifier: MIT */
/* A session that is fed with octets, and what became of it. Every vector is fed whole and in many
 * cuts, and all must come to the same. */
#ifndef GREENMQ_TESTS_OUTCOME_H
#define GREENMQ_TESTS_OUTCOME_H

#include "octets.h"

#include <greenmq/zmq.h>

#include "wire/mechanism.h"
#include "wire/session.h"

struct outcome {
    struct session session;
    size_t used;
    struct octets output;
};

/* Feeds `input` in pieces of `cut` octets, the way a stream does: what was not used is given
 * again with more behind it. Each piece is memory of its own, so that reading past it shows. */
static inline void feed_in_cuts(struct outcome *outcome, const struct session_config *config,
                                const struct octets *input, size_t cut)
{
    size_t given = 0;
    outcome->used = outcome->output.size = 0;
    session_init(&outcome->session, config);
    for (;;) {
        uint8_t out[SESSION_OUTPUT_MAX];
        octets_add(&outcome->output, out, session_output(&outcome->session, out));
        if (given == input->size)
            return;
        given += cut < input->size - given ? cut : input->size - given;
        size_t size = given - outcome->used;
        uint8_t *piece = malloc(size ? size : 1);
        assert_non_null(piece);
        memcpy(piece, input->data + outcome->used, size);
        size_t used = session_input(&outcome->session, piece, size);
        assert_true(used <= size);
        outcome->used += used;
        free(piece);
    }
}

static inline void feed_config(struct outcome *whole, const struct session_config *config,
                               const struct octets *input)
{
    static const size_t cuts[] = {1, 2, 3, 5, 7, 10, 11, 13, 63, 64, 65};
    static struct outcome other;
    feed_in_cuts(whole, config, input, input->size ? input->size : 1);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        feed_in_cuts(&other, config, input, cuts[i]);
        assert_int_equal(other.used, whole->used);
        assert_int_equal(other.output.size, whole->output.size);
        assert_memory_equal(other.output.data, whole->output.data, whole->output.size);
        assert_memory_equal(&other.session, &whole->session, offsetof(struct session, pending));
    }
}

/* As feed_config(), with a NULL session of the given type and no routing id. */
static inline void feed(struct outcome *outcome, int socket_type, const struct octets *input)
{
    struct session_config config = {.socket_type = socket_type, .mechanism = &mechanism_null};
    feed_config(outcome, &config, input);
}

static inline void assert_failed(const struct outcome *outcome, enum session_error error)
{
    assert_int_equal(outcome->session.state, SESSION_FAILED);
    assert_int_equal(outcome->session.error, error);
}

static inline void assert_ready(const struct outcome *outcome, int major, int minor,
                                int peer_socket_type)
{
    assert_int_equal(outcome->session.error, SESSION_OK);
    assert_int_equal(outcome->session.state, SESSION_READY);
    assert_int_equal(outcome->session.major, major);
    assert_int_equal(outcome->session.minor, minor);
    assert_int_equal(outcome->session.peer_socket_type, peer_socket_type);
}

/* The output is exactly this literal. */
#define assert_output(outcome, literal)                                            \
    do {                                                                           \
        assert_int_equal((outcome)->output.size, sizeof(literal) - 1);             \
        assert_memory_equal((outcome)->output.data, literal, sizeof(literal) - 1); \
    } while (0)

#define ZEROS_8       "\0\0\0\0\0\0\0\0"
#define ZEROS_16      ZEROS_8 ZEROS_8
#define ZEROS_31      ZEROS_16 ZEROS_8 "\0\0\0\0\0\0\0"
#define OUR_TEN       "\xFF\0\0\0\0\0\0\0\x01\x7F"
#define OUR_SIGNATURE OUR_TEN "\x03"
#define OUR_GREETING  OUR_SIGNATURE "\x01NULL" ZEROS_16 "\0" ZEROS_31

#endif
