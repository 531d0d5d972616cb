/* SPDX-License-Identifier: MIT */
/* Peers of older versions in wire/session.h, as octets (15/ZMTP 2.0, 13/ZMTP 1.0). */
#include "outcome.h"

static struct octets in;
static struct outcome result;

static int clear(void **state)
{
    (void)state;
    in.size = 0;
    return 0;
}

static void zmtp_1_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } greetings[] = {
        {"\x01\0", 2},                          /* anonymous */
        {"\x06\0", 2},                          /* with an identity */
        {"\xFF\0\0\0\0\0\0\x01\x01\0", 10},     /* with a long one */
        {"\xFF\0\0\0\0\0\0\0\x01\x7F\0", 11},   /* with a signature and revision 0 */
        {"\xFF\0\0\0\0\0\0\0\x01\x7F\x02", 11}, /* a number never given out */
    };
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        in.size = 0;
        octets_add(&in, greetings[i].octets, greetings[i].size - 1);
        feed(&result, ZMQ_PUSH, &in);
        assert_int_equal(result.session.state, SESSION_GREETING);
        octets_add(&in, greetings[i].octets + greetings[i].size - 1, 1);
        feed(&result, ZMQ_PUSH, &in);
        assert_failed(&result, SESSION_OLD_VERSION);
    }
}
/* ---- 2.0 --------------------------------------------------------------------------------- */

#define V2_SIGNATURE "\xFF\0\0\0\0\0\0\0\x01\x7F\x01"

static void v2_is_answered_in_kind(void **state)
{
    (void)state;
    octets_put(&in, V2_SIGNATURE);
    feed(&result, ZMQ_PUSH, &in);
    assert_int_equal(result.session.state, SESSION_GREETING);
    assert_output(&result, OUR_SIGNATURE "\x08\0\0");
    octets_put(&in, "\x07\0\0");
    octets_put(&in, "\0\x01x");
    feed(&result, ZMQ_PUSH, &in);
    assert_ready(&result, 2, 0, ZMQ_PULL);
    assert_int_equal(result.used, 14);
    assert_output(&result, OUR_SIGNATURE "\x08\0\0");
}

static void v2_announces_types_that_it_knows(void **state)
{
    (void)state;
    octets_put(&in, V2_SIGNATURE);
    feed(&result, ZMQ_XPUB, &in);
    assert_output(&result, OUR_SIGNATURE "\x01\0\0");
    feed(&result, ZMQ_XSUB, &in);
    assert_output(&result, OUR_SIGNATURE "\x02\0\0");
    for (int type = ZMQ_PAIR; type <= ZMQ_PUSH; type++) {
        feed(&result, type, &in);
        assert_int_equal(result.output.data[11], type);
    }
}

static void v2_carries_routing_ids(void **state)
{
    (void)state;
    struct session_config config = {
        .routing_id = (const uint8_t *)"me", .routing_id_size = 2, .mechanism = &mechanism_null};
    static const int with[] = {ZMQ_REQ, ZMQ_DEALER, ZMQ_ROUTER};
    octets_put(&in, V2_SIGNATURE);
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        config.socket_type = with[i];
        feed_config(&result, &config, &in);
        assert_int_equal(result.output.size, 11 + 5);
        assert_memory_equal(result.output.data + 12, "\0\x02me", 4);
    }
    config.socket_type = ZMQ_REP;
    feed_config(&result, &config, &in);
    assert_output(&result, "\xFF\0\0\0\0\0\0\0\x03\x7F\x03\x04\0\0");

    octets_put(&in, "\x05\0\x04peer");
    feed(&result, ZMQ_ROUTER, &in);
    assert_ready(&result, 2, 0, ZMQ_DEALER);
    assert_int_equal(result.session.peer_routing_id_size, 4);
    assert_memory_equal(result.session.peer_routing_id, "peer", 4);
}

static void v2_identity_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
        enum session_error error;
    } identities[] = {
        {"\x05\x01\0", 3, SESSION_BAD_FRAME},
        {"\x05\x04\0", 3, SESSION_BAD_FRAME},
        {"\x05\x80\0", 3, SESSION_BAD_FRAME},
        {"\x05\0\x02\0x", 5, SESSION_BAD_METADATA},
        {"\x05\x02\0\0\0\0\0\0\x01\0", 10, SESSION_BAD_METADATA},
        {"\x05\x02\x80\0\0\0\0\0\0\0", 10, SESSION_BAD_METADATA},
        {"\x05\x02\0\0\0\0\0\0\0\x01x", 11, SESSION_OK},
    };
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        in.size = 0;
        octets_put(&in, V2_SIGNATURE);
        octets_add(&in, identities[i].octets, identities[i].size);
        feed(&result, ZMQ_ROUTER, &in);
        if (identities[i].error)
            assert_failed(&result, identities[i].error);
        else
            assert_ready(&result, 2, 0, ZMQ_DEALER);
    }
}

static void v2_identity_of_others_is_ignored(void **state)
{
    (void)state;
    octets_put(&in, V2_SIGNATURE "\x02\0\x04peer");
    feed(&result, ZMQ_XPUB, &in);
    assert_ready(&result, 2, 0, ZMQ_SUB);
    assert_int_equal(result.session.peer_routing_id_size, 0);
}

/* There is no ERROR in 2.0: the connection just ends. */
static void v2_wrong_types_fail_in_silence(void **state)
{
    (void)state;
    octets_put(&in, V2_SIGNATURE "\x01");
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_WRONG_SOCKET_TYPE);
    assert_output(&result, OUR_SIGNATURE "\x08\0\0");
    in.data[11] = 11;
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_NO_SOCKET_TYPE);
    assert_output(&result, OUR_SIGNATURE "\x08\0\0");
    in.data[11] = 255;
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_NO_SOCKET_TYPE);
}

#define test(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(zmtp_1_is_refused),
        test(v2_is_answered_in_kind),
        test(v2_announces_types_that_it_knows),
        test(v2_carries_routing_ids),
        test(v2_identity_is_checked),
        test(v2_identity_of_others_is_ignored),
        test(v2_wrong_types_fail_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
