/* SPDX-License-Identifier: MIT */
/* SOCKS5: see socks.h. We offer one method: that without a login, or with one if there is a user;
 * the proxy takes it or the connection fails. Each answer is judged by its first octets, which tell
 * how many follow. Called by the transports' stream. */
#include "wire/socks.h"

#include "base/check.h"

#include <string.h>

enum {
    VERSION = 5,
    LOGIN_VERSION = 1,
    CONNECT = 1,
    NO_LOGIN = 0,
    LOGIN = 2,
    NO_METHOD = 0xff,
    ANSWER_SIZE = 2,    /* of a method, of a login */
    REPLY_HEAD = 5,     /* of a reply, with the first octet of the address */
    REPLY_FIXED = 4 + 2 /* of a reply, besides the address */
};

static void append(uint8_t *to, uint16_t *size, const void *data, size_t octets)
{
    if (octets)
        memcpy(to + *size, data, octets);
    *size = (uint16_t)(*size + octets);
}

static void append_octet(uint8_t *to, uint16_t *size, size_t octet)
{
    to[(*size)++] = (uint8_t)octet;
}

static void expect(struct socks *socks, enum socks_state state, uint16_t want)
{
    socks->state = state;
    socks->have = 0;
    socks->want = want;
}

static void fail(struct socks *socks, const char *error)
{
    expect(socks, SOCKS_FAILED, 0);
    socks->error = error;
}

/* RFC 1929: what is sent when the proxy wants to know the user. */
static void write_login(struct socks *socks, struct socks_text user, struct socks_text password)
{
    append_octet(socks->login, &socks->login_size, LOGIN_VERSION);
    append_octet(socks->login, &socks->login_size, user.size);
    append(socks->login, &socks->login_size, user.data, user.size);
    append_octet(socks->login, &socks->login_size, password.size);
    append(socks->login, &socks->login_size, password.data, password.size);
}

void socks_init(struct socks *socks, enum socks_host type, struct socks_text host, uint16_t port,
                struct socks_text user, struct socks_text password)
{
    check(host.size <= SOCKS_NAME_MAX && user.size <= SOCKS_NAME_MAX &&
          password.size <= SOCKS_NAME_MAX);
    *socks = (struct socks){0};
    if (user.size)
        write_login(socks, user, password);
    const uint8_t methods[] = {VERSION, 1, user.size ? LOGIN : NO_LOGIN};
    append(socks->output, &socks->output_size, methods, sizeof methods);

    const uint8_t head[] = {VERSION, CONNECT, 0, (uint8_t)type};
    append(socks->request, &socks->request_size, head, sizeof head);
    if (type == SOCKS_NAME)
        append_octet(socks->request, &socks->request_size, host.size);
    append(socks->request, &socks->request_size, host.data, host.size);
    append_octet(socks->request, &socks->request_size, port >> 8);
    append_octet(socks->request, &socks->request_size, port & 0xff);
    expect(socks, SOCKS_METHOD, ANSWER_SIZE);
}

size_t socks_output(struct socks *socks, uint8_t *out)
{
    size_t size = socks->output_size;
    memcpy(out, socks->output, size);
    socks->output_size = 0;
    return size;
}

uint8_t *socks_room(struct socks *socks, size_t *size)
{
    *size = (size_t)(socks->want - socks->have);
    return socks->input + socks->have;
}

static void ask(struct socks *socks)
{
    append(socks->output, &socks->output_size, socks->request, socks->request_size);
    expect(socks, SOCKS_REPLY, REPLY_HEAD);
}

static void on_method(struct socks *socks)
{
    uint8_t wanted = socks->login_size ? LOGIN : NO_LOGIN, method = socks->input[1];
    if (socks->input[0] != VERSION) {
        fail(socks, "the proxy does not speak SOCKS5");
    } else if (method != wanted) {
        fail(socks, method == NO_METHOD ? "the proxy refuses our way to log in"
                                        : "the proxy wants a way to log in that was not offered");
    } else if (socks->login_size) {
        append(socks->output, &socks->output_size, socks->login, socks->login_size);
        expect(socks, SOCKS_AUTH, ANSWER_SIZE);
    } else {
        ask(socks);
    }
}

static void on_login(struct socks *socks)
{
    if (socks->input[0] != LOGIN_VERSION)
        fail(socks, "the proxy answers a login that it does not know");
    else if (socks->input[1] != 0)
        fail(socks, "the proxy does not accept the user or the password");
    else
        ask(socks);
}

/* RFC 1928, 6: REP. */
static const char *reply_text(uint8_t reply)
{
    static const char *const texts[] = {
        NULL,
        "the proxy failed",
        "the proxy does not allow this connection",
        "the proxy cannot reach the network",
        "the proxy cannot reach the host",
        "the proxy was refused by the host",
        "the proxy's connection took too long",
        "the proxy does not know how to connect",
        "the proxy does not know this type of address",
    };
    return reply < sizeof texts / sizeof *texts ? texts[reply] : "the proxy gave an unknown answer";
}

static void on_reply_head(struct socks *socks)
{
    const uint8_t *head = socks->input;
    uint16_t address = head[3] == SOCKS_IPV4   ? 4
                       : head[3] == SOCKS_IPV6 ? 16
                       : head[3] == SOCKS_NAME ? 1 + head[4]
                                               : 0;
    if (head[0] != VERSION)
        fail(socks, "the proxy does not speak SOCKS5");
    else if (head[1] != 0)
        fail(socks, reply_text(head[1]));
    else if (!address)
        fail(socks, "the proxy gave an address of unknown type");
    else
        socks->want = REPLY_FIXED + address; /* the address does not concern us */
}

void socks_input(struct socks *socks, size_t size)
{
    check(size <= (size_t)(socks->want - socks->have));
    socks->have = (uint16_t)(socks->have + size);
    if (socks->have < socks->want)
        return;
    switch (socks->state) {
    case SOCKS_METHOD: on_method(socks); break;
    case SOCKS_AUTH: on_login(socks); break;
    case SOCKS_REPLY:
        if (socks->have == REPLY_HEAD)
            on_reply_head(socks);
        else
            expect(socks, SOCKS_READY, 0);
        break;
    case SOCKS_READY:
    case SOCKS_FAILED: break;
    }
}
