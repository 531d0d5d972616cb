/* SPDX-License-Identifier: MIT */
/* The commands of wire/command.h, as octets (37/ZMTP 3.1 "Commands", "Connection
 * Heartbeating", "Publish-Subscribe", "ERROR"). */
#include "octets.h"

#include "wire/command.h"

static struct command command;

/* Reads a body that lies in memory of its own, so that reading past its end shows. The data is
 * compared before that memory goes. */
static void read_as(enum command_name name, const void *body, size_t size, const void *data,
                    size_t data_size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, body, size);
    command_read(&command, copy, size);
    assert_int_equal(command.name, name);
    if (data) {
        assert_int_equal(command.size, data_size);
        assert_memory_equal(command.data, data, data_size);
    }
    free(copy);
}

#define reads(name, body)            read_as(name, body, sizeof(body) - 1, NULL, 0)
#define reads_data(name, body, data) read_as(name, body, sizeof(body) - 1, data, sizeof(data) - 1)

static void names_fit_their_frame(void **state)
{
    (void)state;
    reads(COMMAND_BAD, "");
    reads(COMMAND_BAD, "\0");
    reads(COMMAND_BAD, "\0PING\0\0");
    reads(COMMAND_BAD, "\x04PIN");
    reads(COMMAND_BAD, "\x09SUBSCRIB");
    reads(COMMAND_BAD, "\xFFPING\0\0");
    reads(COMMAND_BAD, "PING\0\0");
}

static void unknown_commands_are_well_formed(void **state)
{
    (void)state;
    reads(COMMAND_UNKNOWN, "\x01X");
    reads(COMMAND_UNKNOWN, "\x05HELLOdata");
    reads(COMMAND_UNKNOWN, "\x05READY");
    reads(COMMAND_UNKNOWN, "\x04JOINgroup");
    /* Names are compared whole and with their case. */
    reads(COMMAND_UNKNOWN, "\x04ping\0\0");
    reads(COMMAND_UNKNOWN, "\x03PING\0\0");
    reads(COMMAND_UNKNOWN, "\x05PINGS\0\0");
    uint8_t longest[256];
    memset(longest, 'N', sizeof longest);
    longest[0] = 255;
    read_as(COMMAND_UNKNOWN, longest, sizeof longest, NULL, 0);
    read_as(COMMAND_BAD, longest, sizeof longest - 1, NULL, 0);
}

static void ping_carries_ttl_and_context(void **state)
{
    (void)state;
    reads_data(COMMAND_PING, "\x04PING\x01\x02", "");
    assert_int_equal(command.ttl_ds, 0x0102);
    reads_data(COMMAND_PING, "\x04PING\0\0c", "c");
    assert_int_equal(command.ttl_ds, 0);
    reads_data(COMMAND_PING, "\x04PING\xFF\xFF\0\x01\xFE", "\0\x01\xFE");
    assert_int_equal(command.ttl_ds, 0xFFFF);
    reads_data(COMMAND_PING,
               "\x04PING\0\0"
               "0123456789abcdef",
               "0123456789abcdef");
}

/* libzmq answers a PING that has no TTL with octets it never got. */
static void ping_without_ttl_is_bad(void **state)
{
    (void)state;
    reads(COMMAND_BAD, "\x04PING");
    reads(COMMAND_BAD, "\x04PING\0");
}

/* As in libzmq, what is beyond it does not count and does no harm. */
static void context_has_a_limit(void **state)
{
    (void)state;
    reads_data(COMMAND_PING,
               "\x04PING\0\0"
               "0123456789abcdefg",
               "0123456789abcdef");
    reads_data(COMMAND_PONG,
               "\x04PONG"
               "0123456789abcdefghijklmnopqrstuvwxyz",
               "0123456789abcdef");
}

static void pong_carries_the_context(void **state)
{
    (void)state;
    reads_data(COMMAND_PONG, "\x04PONG", "");
    reads_data(COMMAND_PONG,
               "\x04PONG"
               "0123456789abcdef",
               "0123456789abcdef");
}

static void subscriptions_carry_a_prefix(void **state)
{
    (void)state;
    reads_data(COMMAND_SUBSCRIBE, "\x09SUBSCRIBE", "");
    reads_data(COMMAND_SUBSCRIBE, "\x09SUBSCRIBEa\0b", "a\0b");
    reads_data(COMMAND_CANCEL,
               "\x06"
               "CANCEL",
               "");
    reads_data(COMMAND_CANCEL,
               "\x06"
               "CANCELtopic",
               "topic");
    uint8_t large[10 + 5000];
    memset(large, 't', sizeof large);
    memcpy(large, "\x09SUBSCRIBE", 10);
    read_as(COMMAND_SUBSCRIBE, large, sizeof large, large + 10, 5000);
}

static void error_carries_a_reason(void **state)
{
    (void)state;
    reads_data(COMMAND_ERROR,
               "\x05"
               "ERROR\0",
               "");
    reads_data(COMMAND_ERROR,
               "\x05"
               "ERROR\x03"
               "400",
               "400");
    reads(COMMAND_BAD, "\x05"
                       "ERROR");
    reads(COMMAND_BAD, "\x05"
                       "ERROR\x04"
                       "400");
    reads(COMMAND_BAD, "\x05"
                       "ERROR\x02"
                       "400");
}

static void data_of_a_named_command(void **state)
{
    (void)state;
    const uint8_t body[] = "\x05READYxyz";
    size_t size = 0;
    assert_ptr_equal(command_data(body, 9, "READY", &size), body + 6);
    assert_int_equal(size, 3);
    assert_ptr_equal(command_data(body, 6, "READY", &size), body + 6);
    assert_int_equal(size, 0);
    assert_null(command_data(body, 5, "READY", &size));
    assert_null(command_data(body, 9, "READ", &size));
    assert_null(command_data(body, 9, "READYx", &size));
    assert_null(command_data(body, 0, "READY", &size));
}

/* ---- writers ----------------------------------------------------------------------------- */

#define assert_written(at, size, literal)                      \
    do {                                                       \
        assert_int_equal(size, sizeof(literal) - 1);           \
        assert_memory_equal(at, literal, sizeof(literal) - 1); \
    } while (0)

static void ping_is_written(void **state)
{
    (void)state;
    uint8_t at[COMMAND_PING_ROOM];
    assert_written(at, command_write_ping(at, 0, NULL, 0), "\x04\x07\x04PING\0\0");
    assert_written(at, command_write_ping(at, 0x0102, "ctx", 3),
                   "\x04\x0A\x04PING\x01\x02"
                   "ctx");
    assert_written(at, command_write_ping(at, 0xFFFF, "0123456789abcdef", 16),
                   "\x04\x17\x04PING\xFF\xFF"
                   "0123456789abcdef");
}

static void pong_is_written(void **state)
{
    (void)state;
    uint8_t at[COMMAND_PING_ROOM];
    assert_written(at, command_write_pong(at, NULL, 0), "\x04\x05\x04PONG");
    assert_written(at, command_write_pong(at, "\0\x01", 2), "\x04\x07\x04PONG\0\x01");
    assert_written(at, command_write_pong(at, "0123456789abcdef", 16),
                   "\x04\x15\x04PONG"
                   "0123456789abcdef");
}

/* Only the head is written; short up to 255 octets of name and prefix, long from 256. */
static void subscription_head_is_written(void **state)
{
    (void)state;
    uint8_t at[COMMAND_HEAD_ROOM];
    assert_written(at, command_write_subscribe(at, true, 0), "\x04\x0A\x09SUBSCRIBE");
    assert_written(at, command_write_subscribe(at, false, 3),
                   "\x04\x0A\x06"
                   "CANCEL");
    assert_written(at, command_write_subscribe(at, true, 245), "\x04\xFF\x09SUBSCRIBE");
    assert_written(at, command_write_subscribe(at, true, 246),
                   "\x06\0\0\0\0\0\0\x01\0\x09SUBSCRIBE");
    assert_written(at, command_write_subscribe(at, false, 248),
                   "\x04\xFF\x06"
                   "CANCEL");
    assert_written(at, command_write_subscribe(at, false, 249),
                   "\x06\0\0\0\0\0\0\x01\0\x06"
                   "CANCEL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_fit_their_frame),
        cmocka_unit_test(unknown_commands_are_well_formed),
        cmocka_unit_test(ping_carries_ttl_and_context),
        cmocka_unit_test(ping_without_ttl_is_bad),
        cmocka_unit_test(context_has_a_limit),
        cmocka_unit_test(pong_carries_the_context),
        cmocka_unit_test(subscriptions_carry_a_prefix),
        cmocka_unit_test(error_carries_a_reason),
        cmocka_unit_test(data_of_a_named_command),
        cmocka_unit_test(ping_is_written),
        cmocka_unit_test(pong_is_written),
        cmocka_unit_test(subscription_head_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
