/* SPDX-License-Identifier: MIT */
/* The properties of READY: their grammar, the socket types, the routing id (37/ZMTP 3.1
 * "metadata", "Socket-Type", "Identity"), as octets. */
#include "outcome.h"

#include <stdio.h>

static struct octets properties;
static struct outcome result;

static const char *const type_names[] = {
    "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB",
};

enum { TYPES = sizeof type_names / sizeof *type_names };

static int clear(void **state)
{
    (void)state;
    properties.size = 0;
    return 0;
}

/* A session of `socket_type` meets a peer whose READY has the properties collected so far. */
static void meet(int socket_type)
{
    static struct octets in;
    in.size = 0;
    octets_greeting(&in, 3, 1, "NULL");
    octets_command(&in, "READY", &properties);
    feed(&result, socket_type, &in);
}

/* As meet(), the properties being just these octets. */
static void meet_octets(int socket_type, const void *octets, size_t size)
{
    properties.size = 0;
    octets_add(&properties, octets, size);
    meet(socket_type);
}

#define meet_literal(type, literal) meet_octets(type, literal, sizeof(literal) - 1)

/* Not taken from the table in session.c, but from the RFCs' lists of peers. */
static void types_go_together_as_the_rfcs_say(void **state)
{
    (void)state;
    static const char *const peers[TYPES] = {
        "PAIR",       "SUB XSUB",          "PUB XPUB",          "REP ROUTER",
        "REQ DEALER", "REP DEALER ROUTER", "REQ DEALER ROUTER", "PUSH",
        "PULL",       "SUB XSUB",          "PUB XPUB",
    };
    for (int ours = 0; ours < TYPES; ours++) {
        for (int theirs = 0; theirs < TYPES; theirs++) {
            char list[64], name[16];
            snprintf(list, sizeof list, " %s ", peers[ours]);
            snprintf(name, sizeof name, " %s ", type_names[theirs]);
            bool match = strstr(list, name) != NULL;
            assert_int_equal(session_types_match(ours, theirs), match);
            properties.size = 0;
            octets_property(&properties, "Socket-Type", type_names[theirs],
                            strlen(type_names[theirs]));
            meet(ours);
            if (match)
                assert_ready(&result, 3, 1, theirs);
            else
                assert_failed(&result, SESSION_WRONG_SOCKET_TYPE);
        }
    }
}

static void strange_numbers_match_nothing(void **state)
{
    (void)state;
    for (int type = 0; type < TYPES; type++) {
        assert_false(session_types_match(type, -1));
        assert_false(session_types_match(type, ZMQ_STREAM));
        assert_false(session_types_match(-1, type));
        assert_false(session_types_match(ZMQ_STREAM, type));
        assert_false(session_types_match(type, 255));
    }
}

#define INVALID_TYPE \
    "\x04\x1A\x05"   \
    "ERROR\x13Invalid socket type"

static void wrong_type_is_answered_with_error(void **state)
{
    (void)state;
    meet_literal(ZMQ_PUSH, "\x0BSocket-Type\0\0\0\x03SUB");
    assert_failed(&result, SESSION_WRONG_SOCKET_TYPE);
    assert_output(&result,
                  OUR_GREETING "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PUSH" INVALID_TYPE);
}

static void unknown_type_is_answered_with_error(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "PUL", "PULLS", "pull", "STREAM", "X", "PULL "};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        properties.size = 0;
        octets_property(&properties, "Socket-Type", unknown[i], strlen(unknown[i]));
        meet(ZMQ_PUSH);
        assert_failed(&result, SESSION_NO_SOCKET_TYPE);
        size_t size = sizeof INVALID_TYPE - 1;
        assert_memory_equal(result.output.data + result.output.size - size, INVALID_TYPE, size);
    }
}

static void type_is_required(void **state)
{
    (void)state;
    meet(ZMQ_PUSH);
    assert_failed(&result, SESSION_NO_SOCKET_TYPE);
    meet_literal(ZMQ_PUSH, "\x08Identity\0\0\0\0");
    assert_failed(&result, SESSION_NO_SOCKET_TYPE);
}

/* libzmq minds the case: `socket-type` gets past its check of the types. */
static void names_are_compared_without_case(void **state)
{
    (void)state;
    meet_literal(ZMQ_PUSH, "\x0Bsocket-type\0\0\0\x04PULL");
    assert_ready(&result, 3, 1, ZMQ_PULL);
    meet_literal(ZMQ_PUSH, "\x0BSOCKET-TYPE\0\0\0\x04PULL");
    assert_ready(&result, 3, 1, ZMQ_PULL);
    meet_literal(ZMQ_ROUTER, "\x0BsOcKeT-tYpE\0\0\0\x03SUB");
    assert_failed(&result, SESSION_WRONG_SOCKET_TYPE);
    meet_literal(ZMQ_ROUTER, "\x0BSocket-Type\0\0\0\x06"
                             "DEALER\x08iDENTITY\0\0\0\x02id");
    assert_ready(&result, 3, 1, ZMQ_DEALER);
    assert_int_equal(result.session.peer_routing_id_size, 2);
}

static void unknown_properties_are_ignored(void **state)
{
    (void)state;
    meet_literal(ZMQ_PUSH, "\x08Resource\0\0\0\x05/path"
                           "\x0BSocket-Type\0\0\0\x04PULL"
                           "\x06X-+_.9\0\0\0\x03\0\xFF\n");
    assert_ready(&result, 3, 1, ZMQ_PULL);
}

static void longest_name_is_read(void **state)
{
    (void)state;
    octets_fill(&properties, 255, 1);
    octets_fill(&properties, 'n', 255);
    octets_fill(&properties, 0, 4);
    octets_property(&properties, "Socket-Type", "PULL", 4);
    meet(ZMQ_PUSH);
    assert_ready(&result, 3, 1, ZMQ_PULL);
}

static void grammar_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } broken[] = {
        {"\0", 1}, /* a name of no octets */
        {"\0\0\0\0\0", 5},
        {"\x02X", 2},           /* the name passes the end */
        {"\x01X", 2},           /* no value size */
        {"\x01X\0\0\0", 5},     /* half of one */
        {"\x01X\0\0\0\x01", 6}, /* the value passes the end */
        {"\x01X\x7F\xFF\xFF\xFF", 6},
        {"\x01X\x80\0\0\0", 6}, /* more than 2^31-1 */
        {"\x01X\xFF\xFF\xFF\xFF", 6},
        {"\x01 \0\0\0\0", 6}, /* no name character */
        {"\x01:\0\0\0\0", 6},
        {"\x01\0\0\0\0\0", 6},
        {"\x01\x80\0\0\0\0", 6},
        {"\x01X\0\0\0\0\x01", 7}, /* octets behind */
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        properties.size = 0;
        octets_property(&properties, "Socket-Type", "PULL", 4);
        octets_add(&properties, broken[i].octets, broken[i].size);
        meet(ZMQ_PUSH);
        assert_failed(&result, SESSION_BAD_METADATA);
    }
}

static void nothing_is_said_twice(void **state)
{
    (void)state;
    meet_literal(ZMQ_PUSH, "\x0BSocket-Type\0\0\0\x04PULL\x0Bsocket-type\0\0\0\x04PULL");
    assert_failed(&result, SESSION_BAD_METADATA);
    meet_literal(ZMQ_ROUTER, "\x0BSocket-Type\0\0\0\x06"
                             "DEALER"
                             "\x08Identity\0\0\0\0\x08Identity\0\0\0\x01x");
    assert_failed(&result, SESSION_BAD_METADATA);
}

/* ---- the routing id ---------------------------------------------------------------------- */

static void identity_is_taken_whatever_the_order(void **state)
{
    (void)state;
    meet_literal(ZMQ_ROUTER, "\x08Identity\0\0\0\x05me\0\xFF!\x0BSocket-Type\0\0\0\x03REQ");
    assert_ready(&result, 3, 1, ZMQ_REQ);
    assert_int_equal(result.session.peer_routing_id_size, 5);
    assert_memory_equal(result.session.peer_routing_id, "me\0\xFF!", 5);
}

/* libzmq's ROUTER sends an empty one. */
static void empty_identity_is_none(void **state)
{
    (void)state;
    meet_literal(ZMQ_DEALER, "\x0BSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0");
    assert_ready(&result, 3, 1, ZMQ_ROUTER);
    assert_int_equal(result.session.peer_routing_id_size, 0);
}

static void identity_has_limits(void **state)
{
    (void)state;
    uint8_t id[256];
    memset(id, 'i', sizeof id);
    octets_property(&properties, "Socket-Type", "DEALER", 6);
    size_t head = properties.size;
    octets_property(&properties, "Identity", id, 255);
    meet(ZMQ_ROUTER);
    assert_ready(&result, 3, 1, ZMQ_DEALER);
    assert_int_equal(result.session.peer_routing_id_size, 255);
    assert_memory_equal(result.session.peer_routing_id, id, 255);
    properties.size = head;
    octets_property(&properties, "Identity", id, 256);
    meet(ZMQ_ROUTER);
    assert_failed(&result, SESSION_BAD_METADATA);
    properties.size = head;
    octets_property(&properties, "Identity", "\0abc", 4);
    meet(ZMQ_ROUTER);
    assert_failed(&result, SESSION_BAD_METADATA);
}

static void identity_of_other_types_is_ignored(void **state)
{
    (void)state;
    meet_literal(ZMQ_DEALER, "\x0BSocket-Type\0\0\0\x03REP\x08Identity\0\0\0\x02id");
    assert_ready(&result, 3, 1, ZMQ_REP);
    assert_int_equal(result.session.peer_routing_id_size, 0);
    meet_literal(ZMQ_PUB, "\x0BSocket-Type\0\0\0\x03SUB\x08Identity\0\0\0\x02\0d");
    assert_ready(&result, 3, 1, ZMQ_SUB);
    assert_int_equal(result.session.peer_routing_id_size, 0);
}

/* What we announce: everybody the type, only REQ, DEALER and ROUTER a routing id. */
static void own_properties(void **state)
{
    (void)state;
    struct session_config config = {.routing_id = (const uint8_t *)"me",
                                    .mechanism = &mechanism_null};
    struct octets in = {0}, expected = {0};
    octets_greeting(&in, 3, 1, "NULL");
    for (int i = 0; i < 2 * TYPES; i++) {
        int type = i / 2;
        config.socket_type = type;
        config.routing_id_size = i % 2 ? 2 : 0; /* one that is empty is announced as well */
        properties.size = expected.size = 0;
        octets_property(&properties, "Socket-Type", type_names[type], strlen(type_names[type]));
        if (type == ZMQ_REQ || type == ZMQ_DEALER || type == ZMQ_ROUTER)
            octets_property(&properties, "Identity", "me", config.routing_id_size);
        octets_command(&expected, "READY", &properties);
        feed_config(&result, &config, &in);
        assert_int_equal(result.output.size, 64 + expected.size);
        assert_memory_equal(result.output.data + 64, expected.data, expected.size);
    }
}

static void longest_own_routing_id(void **state)
{
    (void)state;
    uint8_t id[255];
    memset(id, 'i', sizeof id);
    struct session_config config = {ZMQ_DEALER, id, sizeof id, &mechanism_null, false};
    struct octets in = {0};
    octets_greeting(&in, 3, 1, "NULL");
    feed_config(&result, &config, &in);
    /* The command is longer than 255 octets, so its frame has a long size. */
    assert_memory_equal(result.output.data + 64, "\x06\0\0\0\0\0\0\x01\x28\x05READY", 15);
    assert_int_equal(result.output.size, 64 + 9 + 0x128);
    assert_memory_equal(result.output.data + result.output.size - 255, id, 255);
}

#define test(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(types_go_together_as_the_rfcs_say),
        test(strange_numbers_match_nothing),
        test(wrong_type_is_answered_with_error),
        test(unknown_type_is_answered_with_error),
        test(type_is_required),
        test(names_are_compared_without_case),
        test(unknown_properties_are_ignored),
        test(longest_name_is_read),
        test(grammar_is_checked),
        test(nothing_is_said_twice),
        test(identity_is_taken_whatever_the_order),
        test(empty_identity_is_none),
        test(identity_has_limits),
        test(identity_of_other_types_is_ignored),
        test(own_properties),
        test(longest_own_routing_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
