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

/* ---- 1.0 --------------------------------------------------------------------------------- */

/* Ten octets are the header of our identity, which follows as soon as the peer is known. */
static void v1_is_met_by_our_identity(void **state)
{
    (void)state;
    struct session_config config = {
        .routing_id = (const uint8_t *)"me", .routing_id_size = 2, .mechanism = &mechanism_null};
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        in.size = 0;
        octets_put(&in, "\x01");
        feed(&result, type, &in);
        assert_int_equal(result.session.state, SESSION_GREETING);
        octets_put(&in, "\0");
        octets_put(&in, "\x02\0x");
        feed(&result, type, &in);
        assert_ready(&result, 1, 0, -1);
        assert_int_equal(result.used, 2);
        assert_output(&result, OUR_TEN);
        config.socket_type = type;
        feed_config(&result, &config, &in);
        assert_ready(&result, 1, 0, -1);
        assert_output(&result, "\xFF\0\0\0\0\0\0\0\x03\x7Fme");
    }
}

/* Only those heed the identity who would heed that of their partners. */
static void v1_identity_is_the_routing_id(void **state)
{
    (void)state;
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        bool heeds = type >= ZMQ_REQ && type <= ZMQ_ROUTER;
        in.size = 0;
        octets_put(&in, "\x05\0peer");
        feed(&result, type, &in);
        assert_ready(&result, 1, 0, -1);
        assert_int_equal(result.used, 6);
        assert_int_equal(result.session.peer_routing_id_size, heeds ? 4 : 0);
    }
    in.size = 0;
    octets_put(&in, "\xFF\0\0\0\0\0\0\x01\0\x7E"); /* 255 octets; flags as of libzmq 2.1.9 */
    octets_fill(&in, 'i', 255);
    feed(&result, ZMQ_ROUTER, &in);
    assert_ready(&result, 1, 0, -1);
    assert_int_equal(result.used, 265);
    assert_int_equal(result.session.peer_routing_id_size, 255);
}

static void v1_identity_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
        enum session_error error;
    } identities[] = {
        {"\x02\x7Ei", 3, SESSION_OK},
        {"\xFF\0\0\0\0\0\0\0\x02\0i", 11, SESSION_OK},
        {"\xFF\0\0\0\0\0\0\0\x01\0", 10, SESSION_OK},
        {"\0", 1, SESSION_NOT_ZMTP},
        {"\x02\x01", 2, SESSION_NOT_ZMTP},
        {"\x02\x7F", 2, SESSION_NOT_ZMTP},
        {"\x02\x80", 2, SESSION_NOT_ZMTP},
        {"\xFF\0\0\0\0\0\0\0\x02\x02", 10, SESSION_NOT_ZMTP},
        {"\x03\0\0x", 4, SESSION_BAD_METADATA},
        {"\xFF\0\0\0\0\0\0\0\0\0", 10, SESSION_BAD_FRAME},
        {"\xFF\0\0\0\0\0\0\x01\x01\0", 10, SESSION_BAD_METADATA},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0", 10, SESSION_BAD_METADATA},
    };
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        in.size = 0;
        octets_add(&in, identities[i].octets, identities[i].size);
        feed(&result, ZMQ_ROUTER, &in);
        if (identities[i].error)
            assert_failed(&result, identities[i].error);
        else
            assert_ready(&result, 1, 0, -1);
    }
}

/* libzmq 3.1.0 greets with revision 0, names its type, and goes on as in 1.0. */
static void betas_are_answered_in_kind(void **state)
{
    (void)state;
    octets_put(&in, OUR_TEN);
    octets_put(&in, "\0\x05");
    octets_put(&in, "\x05\0peer");
    feed(&result, ZMQ_ROUTER, &in);
    assert_ready(&result, 1, 0, ZMQ_DEALER);
    assert_int_equal(result.session.peer_routing_id_size, 4);
    assert_output(&result, OUR_SIGNATURE "\x06\x01\0");
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_WRONG_SOCKET_TYPE);
}

static void a_version_that_never_was_is_refused(void **state)
{
    (void)state;
    octets_put(&in, OUR_TEN);
    octets_put(&in, "\x02");
    feed(&result, ZMQ_PUSH, &in);
    assert_failed(&result, SESSION_OLD_VERSION);
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

/* Who asks for security must not be talked out of it. */
static void no_mechanism_will_do_without(void **state)
{
    (void)state;
    static const struct mechanism secure = {"SECURE", nothing, take_anything};
    struct session_config config = {.socket_type = ZMQ_PUSH, .mechanism = &secure};
    octets_put(&in, "\x01\0");
    feed_config(&result, &config, &in);
    assert_failed(&result, SESSION_OLD_VERSION);
    assert_output(&result, OUR_TEN);
    in.size = 0;
    octets_put(&in, OUR_TEN);
    octets_put(&in, "\0");
    feed_config(&result, &config, &in);
    assert_failed(&result, SESSION_OLD_VERSION);
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
        test(v1_is_met_by_our_identity),
        test(v1_identity_is_the_routing_id),
        test(v1_identity_is_checked),
        test(betas_are_answered_in_kind),
        test(a_version_that_never_was_is_refused),
        test(no_mechanism_will_do_without),
        test(v2_is_answered_in_kind),
        test(v2_announces_types_that_it_knows),
        test(v2_carries_routing_ids),
        test(v2_identity_is_checked),
        test(v2_identity_of_others_is_ignored),
        test(v2_wrong_types_fail_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
