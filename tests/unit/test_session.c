/* SPDX-License-Identifier: MIT */
/* The greeting and the handshake of wire/session.h, as octets (37/ZMTP 3.1, 23/ZMTP 3.0).
 * Properties are in test_metadata.c, older versions in test_session_old.c. */
#include "outcome.h"

static struct octets in;
static struct outcome result;

static int clear(void **state)
{
    (void)state;
    in.size = 0;
    return 0;
}

/* ---- greeting: what we send, and when ---------------------------------------------------- */

static void signature_goes_at_once(void **state)
{
    (void)state;
    feed(&result, ZMQ_PUSH, &in);
    assert_int_equal(result.session.state, SESSION_GREETING);
    assert_output(&result, OUR_TEN);
}

/* Before that the peer may be one of ZMTP 1.0, to which our first ten octets are the beginning of a
 * frame. */
static void version_waits_for_the_tenth_octet(void **state)
{
    (void)state;
    octets_put(&in, "\xFF\0\0\0\0\0\0\0\x01");
    feed(&result, ZMQ_PUSH, &in);
    assert_output(&result, OUR_TEN);
    octets_put(&in, "\x7F");
    feed(&result, ZMQ_PUSH, &in);
    assert_output(&result, OUR_SIGNATURE);
}

/* As libzmq has it: the octets before the tenth are the length of our identity and its flags. */
static void signature_tells_the_length_of_the_routing_id(void **state)
{
    (void)state;
    static const uint8_t id[SESSION_ROUTING_ID_MAX] = "id";
    struct session_config config = {.socket_type = ZMQ_PUSH, .mechanism = &mechanism_null};
    config.routing_id = id;
    config.routing_id_size = 2;
    feed_config(&result, &config, &in);
    assert_output(&result, "\xFF\0\0\0\0\0\0\0\x03\x7F");
    config.routing_id_size = sizeof id;
    feed_config(&result, &config, &in);
    assert_output(&result, "\xFF\0\0\0\0\0\0\x01\0\x7F");
}

static void rest_waits_for_the_eleventh_octet(void **state)
{
    (void)state;
    octets_put(&in, OUR_TEN);
    feed(&result, ZMQ_PUSH, &in);
    assert_output(&result, OUR_SIGNATURE);
    octets_put(&in, "\x03");
    feed(&result, ZMQ_PUSH, &in);
    assert_int_equal(result.session.state, SESSION_GREETING);
    assert_output(&result, OUR_GREETING);
}

static void ready_goes_at_once_in_both_roles(void **state)
{
    (void)state;
    octets_greeting(&in, 3, 1, "NULL");
    struct session_config config = {.socket_type = ZMQ_PUSH, .mechanism = &mechanism_null};
    feed_config(&result, &config, &in);
    assert_int_equal(result.session.state, SESSION_HANDSHAKE);
    assert_output(&result, OUR_GREETING "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PUSH");
    config.as_server = true;
    feed_config(&result, &config, &in);
    assert_int_equal(result.output.size, 64 + 28);
    assert_int_equal(result.output.data[32], 1);
    assert_memory_equal(result.output.data + 64, "\x04\x1A\x05READY", 8);
}

static void whole_handshake(void **state)
{
    (void)state;
    octets_greeting(&in, 3, 1, "NULL");
    octets_put(&in, "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PULL");
    size_t handshake = in.size;
    octets_put(&in, "\0\x05hello");
    feed(&result, ZMQ_PUSH, &in);
    assert_ready(&result, 3, 1, ZMQ_PULL);
    assert_int_equal(result.used, handshake);
    assert_int_equal(result.session.peer_routing_id_size, 0);
}

/* ---- greeting: versions ------------------------------------------------------------------ */

static void versions_are_the_lower_of_both(void **state)
{
    (void)state;
    static const uint8_t versions[][3] = {
        /* theirs, spoken minor */
        {3, 0, 0}, {3, 1, 1}, {3, 2, 1}, {3, 255, 1}, {4, 0, 1}, {4, 9, 1}, {255, 0, 1},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        in.size = 0;
        octets_greeting(&in, versions[i][0], versions[i][1], "NULL");
        octets_ready(&in, "PULL");
        feed(&result, ZMQ_PUSH, &in);
        assert_ready(&result, 3, versions[i][2], ZMQ_PULL);
    }
}

static void padding_has_no_meaning(void **state)
{
    (void)state;
    for (int octet = 0; octet < 256; octet++) {
        in.size = 0;
        octets_greeting(&in, 3, 1, "NULL");
        memset(in.data + 1, octet, 8);
        memset(in.data + 33, octet, 31);
        octets_ready(&in, "PULL");
        feed_in_cuts(&result, &(struct session_config){ZMQ_PUSH, NULL, 0, &mechanism_null, false},
                     &in, in.size);
        assert_ready(&result, 3, 1, ZMQ_PULL);
    }
}

/* libzmq sends 0 even as a server, so the octet is not required to be anything. */
static void as_server_is_not_required(void **state)
{
    (void)state;
    octets_greeting(&in, 3, 1, "NULL");
    in.data[32] = 1;
    octets_ready(&in, "PULL");
    feed(&result, ZMQ_PUSH, &in);
    assert_ready(&result, 3, 1, ZMQ_PULL);
}

static void other_protocols_are_told_early(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size, certain;
    } strangers[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, 2},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", 23, 2},
        {"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03", 11, 2}, /* TLS */
        {"\0\0\0\0", 4, 1},
        {"\xFE\x01", 2, 2},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7C", 10, 10},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        in.size = 0;
        octets_add(&in, strangers[i].octets, strangers[i].certain - 1);
        feed(&result, ZMQ_PUSH, &in);
        assert_int_equal(result.session.state, SESSION_GREETING);
        octets_add(&in, strangers[i].octets + in.size, strangers[i].size - in.size);
        feed(&result, ZMQ_PUSH, &in);
        assert_failed(&result, SESSION_NOT_ZMTP);
        assert_int_equal(result.used, 0);
        assert_output(&result, OUR_TEN);
    }
}

/* ---- greeting: mechanism ----------------------------------------------------------------- */

static void mechanism_must_be_equal(void **state)
{
    (void)state;
    static const char *const others[] = {
        "", "NUL", "NULLS", "null", "NULL ", "PLAIN", "CURVE", "GSSAPI", "ABCDEFGHIJKLMNOPQRST",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        in.size = 0;
        octets_greeting(&in, 3, 1, others[i]);
        octets_ready(&in, "PULL");
        feed(&result, ZMQ_PUSH, &in);
        assert_failed(&result, SESSION_MECHANISM);
        assert_output(&result, OUR_GREETING);
    }
}

static void mechanism_is_compared_to_its_last_octet(void **state)
{
    (void)state;
    octets_greeting(&in, 3, 1, "NULL");
    in.data[31] = 1;
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_MECHANISM);
}

static void nothing(struct session *session)
{
    (void)session;
}

static void take_anything(struct session *session, const uint8_t *body, size_t size)
{
    (void)body;
    (void)size;
    session_ready(session);
}

/* A mechanism with the longest name, in place of one that is not there yet. */
static const struct mechanism secure = {"ABCDEFGHIJKLMNOPQRST", nothing, take_anything};

static void another_mechanism_is_greeted_and_asked(void **state)
{
    (void)state;
    struct session_config config = {.socket_type = ZMQ_PUSH, .mechanism = &secure};
    octets_greeting(&in, 3, 1, secure.name);
    feed_config(&result, &config, &in);
    assert_output(&result, OUR_SIGNATURE "\x01"
                                         "ABCDEFGHIJKLMNOPQRST\0" ZEROS_31);
    octets_put(&in, "\x04\x06\x05HELLO");
    feed_config(&result, &config, &in);
    assert_int_equal(result.session.state, SESSION_READY);
}

static void no_downgrade_from_a_mechanism(void **state)
{
    (void)state;
    struct session_config config = {.socket_type = ZMQ_PUSH, .mechanism = &secure};
    octets_put(&in, "\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x07\0\0");
    feed_config(&result, &config, &in);
    assert_failed(&result, SESSION_OLD_VERSION);
    assert_output(&result, OUR_SIGNATURE);
    in.size = 0;
    octets_greeting(&in, 3, 1, "NULL");
    feed_config(&result, &config, &in);
    assert_failed(&result, SESSION_MECHANISM);
}

/* ---- handshake: frames and commands ------------------------------------------------------ */

/* Feeds a PUSH session a good greeting and then these octets. */
static void feed_after_greeting(const void *octets, size_t size)
{
    in.size = 0;
    octets_greeting(&in, 3, 1, "NULL");
    octets_add(&in, octets, size);
    feed(&result, ZMQ_PUSH, &in);
}

#define after_greeting(literal) feed_after_greeting(literal, sizeof(literal) - 1)

static void handshake_frames_are_commands(void **state)
{
    (void)state;
    for (int flags = 0; flags < 256; flags++) {
        uint8_t octet = (uint8_t)flags;
        feed_after_greeting(&octet, 1);
        if (flags == FRAME_COMMAND || flags == (FRAME_COMMAND | FRAME_LONG))
            assert_int_equal(result.session.state, SESSION_HANDSHAKE);
        else
            assert_failed(&result, SESSION_BAD_FRAME);
    }
}

static void long_frames_are_read(void **state)
{
    (void)state;
    after_greeting("\x06\0\0\0\0\0\0\0\x1A\x05READY\x0BSocket-Type\0\0\0\x04PULL");
    assert_ready(&result, 3, 1, ZMQ_PULL);
}

static void handshake_commands_have_a_limit(void **state)
{
    (void)state;
    after_greeting("\x06\x80\0\0\0\0\0\0\0");
    assert_failed(&result, SESSION_TOO_LARGE);
    after_greeting("\x06\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    assert_failed(&result, SESSION_TOO_LARGE);
    after_greeting("\x06\0\0\0\0\0\0\x20\x01");
    assert_failed(&result, SESSION_TOO_LARGE);
    after_greeting("\x06\0\0\0\0\0\0\x20\0");
    assert_int_equal(result.session.state, SESSION_HANDSHAKE);
}

static void largest_command_is_read(void **state)
{
    (void)state;
    static struct octets properties;
    properties.size = 0;
    octets_property(&properties, "Socket-Type", "PULL", 4);
    size_t filler = SESSION_COMMAND_MAX - 6 - properties.size - 6;
    octets_put(&properties, "\x01X");
    octets_put(&properties, "\0\0");
    octets_fill(&properties, (uint8_t)(filler >> 8), 1);
    octets_fill(&properties, (uint8_t)filler, 1);
    octets_fill(&properties, 'x', filler);
    octets_greeting(&in, 3, 1, "NULL");
    octets_command(&in, "READY", &properties);
    assert_int_equal(in.size, 64 + 9 + SESSION_COMMAND_MAX);
    feed(&result, ZMQ_PUSH, &in);
    assert_ready(&result, 3, 1, ZMQ_PULL);
}

static void malformed_commands_are_refused(void **state)
{
    (void)state;
    after_greeting("\x04\0");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x01\0");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x05\x05READ");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x06\xFFREADY");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x06READY\0");
    assert_failed(&result, SESSION_BAD_COMMAND);
}

static void commands_out_of_turn_are_refused(void **state)
{
    (void)state;
    after_greeting("\x04\x07\x04PING\0\0");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x06\x05HELLO");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x06\x05ready");
    assert_failed(&result, SESSION_BAD_COMMAND);
    after_greeting("\x04\x07\x06READYS");
    assert_failed(&result, SESSION_BAD_COMMAND);
}

static void error_is_a_refusal(void **state)
{
    (void)state;
    after_greeting("\x04\x0A\x05"
                   "ERROR\x03"
                   "400");
    assert_failed(&result, SESSION_REFUSED);
    assert_string_equal(result.session.peer_reason, "400");
    after_greeting("\x04\x07\x05"
                   "ERROR\0");
    assert_failed(&result, SESSION_REFUSED);
    assert_string_equal(result.session.peer_reason, "");
}

static void reason_is_made_printable(void **state)
{
    (void)state;
    after_greeting("\x04\x10\x05"
                   "ERROR\x09"
                   "a b\x1B[\0\x7F\x80\n");
    assert_failed(&result, SESSION_REFUSED);
    assert_string_equal(result.session.peer_reason, "a b?[????");
}

static void longest_reason_is_kept(void **state)
{
    (void)state;
    static struct octets reason;
    reason.size = 0;
    octets_fill(&reason, 255, 1);
    octets_fill(&reason, 'r', 255);
    octets_greeting(&in, 3, 1, "NULL");
    octets_command(&in, "ERROR", &reason);
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_REFUSED);
    assert_int_equal(strlen(result.session.peer_reason), 255);
}

static void error_must_hold_its_reason(void **state)
{
    (void)state;
    after_greeting("\x04\x06\x05"
                   "ERROR");
    assert_failed(&result, SESSION_BAD_ERROR);
    after_greeting("\x04\x0A\x05"
                   "ERROR\x04"
                   "400");
    assert_failed(&result, SESSION_BAD_ERROR);
    after_greeting("\x04\x0A\x05"
                   "ERROR\x02"
                   "400");
    assert_failed(&result, SESSION_BAD_ERROR);
}

/* What the monitor is told: 27/ZAP's status codes stand alone in the reason. */
static void refusal_may_carry_a_status(void **state)
{
    (void)state;
    after_greeting("\x04\x0A\x05"
                   "ERROR\x03"
                   "400");
    assert_int_equal(session_auth_status(&result.session), 400);
    after_greeting("\x04\x0A\x05"
                   "ERROR\x03"
                   "200");
    assert_int_equal(session_auth_status(&result.session), 0);
    after_greeting("\x04\x09\x05"
                   "ERROR\x02"
                   "40");
    assert_int_equal(session_auth_status(&result.session), 0);
}

static void failures_have_their_protocol_errors(void **state)
{
    (void)state;
    assert_int_equal(session_protocol_error(SESSION_MECHANISM),
                     ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    assert_int_equal(session_protocol_error(SESSION_BAD_COMMAND),
                     ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    assert_int_equal(session_protocol_error(SESSION_BAD_ERROR),
                     ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
    assert_int_equal(session_protocol_error(SESSION_OK), 0);
    assert_int_equal(session_protocol_error(SESSION_WRONG_SOCKET_TYPE), 0);
    assert_int_equal(session_protocol_error(SESSION_REFUSED), 0);
}

static void nothing_is_used_after_the_end(void **state)
{
    (void)state;
    after_greeting("\x04\x0A\x05"
                   "ERROR\x03"
                   "400\x04\x06\x05HELLO");
    assert_failed(&result, SESSION_REFUSED);
    assert_int_equal(session_input(&result.session, in.data, in.size), 0);
    assert_failed(&result, SESSION_REFUSED);
}

static void errors_have_a_sentence(void **state)
{
    (void)state;
    for (int error = SESSION_OK; error <= SESSION_REFUSED; error++)
        assert_true(strlen(session_error_text((enum session_error)error)) > 5);
}

#define test(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(signature_goes_at_once),
        test(version_waits_for_the_tenth_octet),
        test(signature_tells_the_length_of_the_routing_id),
        test(rest_waits_for_the_eleventh_octet),
        test(ready_goes_at_once_in_both_roles),
        test(whole_handshake),
        test(versions_are_the_lower_of_both),
        test(padding_has_no_meaning),
        test(as_server_is_not_required),
        test(other_protocols_are_told_early),
        test(mechanism_must_be_equal),
        test(mechanism_is_compared_to_its_last_octet),
        test(another_mechanism_is_greeted_and_asked),
        test(no_downgrade_from_a_mechanism),
        test(handshake_frames_are_commands),
        test(long_frames_are_read),
        test(handshake_commands_have_a_limit),
        test(largest_command_is_read),
        test(malformed_commands_are_refused),
        test(commands_out_of_turn_are_refused),
        test(error_is_a_refusal),
        test(reason_is_made_printable),
        test(longest_reason_is_kept),
        test(error_must_hold_its_reason),
        test(refusal_may_carry_a_status),
        test(failures_have_their_protocol_errors),
        test(nothing_is_used_after_the_end),
        test(errors_have_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
