/* SPDX-License-Identifier: MIT */
/*
 * What a SOCKS5 proxy of the tests hears and says (RFC 1928, RFC 1929), up to where it would go on
 * to the target. Included by proxy.h.
 */
#ifndef BEHAVIOUR_PROXY_TALK_H
#define BEHAVIOUR_PROXY_TALK_H

struct proxy {
    int listener, port, target; /* ports; target 0: hangs up after its answer */
    const char *method, *login, *reply;
    size_t method_size, login_size, reply_size; /* 0: it says nothing */
    bool in_drops;                              /* says each octet by itself */
    pthread_mutex_t lock;
    unsigned count;  /* connections that came */
    char asked[600]; /* by the last one */
    size_t asked_size;
    int near, far; /* the last connection that was joined */
    bool over;
};

#define PROXY_TELLS(proxy, field, octets) \
    ((proxy)->field = (octets), (proxy)->field##_size = sizeof(octets) - 1)

static inline void proxy_say(struct proxy *proxy, int fd, const char *data, size_t size)
{
    size_t step = proxy->in_drops ? 1 : size;
    for (size_t at = 0; at < size; at += step) {
        if (at)
            nap_ms(1);
        if (send(fd, data + at, step, MSG_NOSIGNAL) < 0)
            return;
    }
}

/* Reads so many octets; false if fewer come. */
static inline bool proxy_hear(struct proxy *proxy, int fd, size_t size)
{
    while (size) {
        char octets[300];
        ssize_t n = recv(fd, octets, size < sizeof octets ? size : sizeof octets, 0);
        if (n <= 0)
            return false;
        pthread_mutex_lock(&proxy->lock);
        memcpy(proxy->asked + proxy->asked_size, octets, (size_t)n);
        proxy->asked_size += (size_t)n;
        pthread_mutex_unlock(&proxy->lock);
        size -= (size_t)n;
    }
    return true;
}

static inline size_t proxy_octet(const struct proxy *proxy, size_t back)
{
    return (unsigned char)proxy->asked[proxy->asked_size - back];
}

/* The conversation up to where the target could be reached. */
static inline bool proxy_talk(struct proxy *proxy, int fd)
{
    if (!proxy_hear(proxy, fd, 2) || !proxy_hear(proxy, fd, proxy_octet(proxy, 1)))
        return false;
    proxy_say(proxy, fd, proxy->method, proxy->method_size);
    if (proxy->login_size) {
        if (!proxy_hear(proxy, fd, 2) || !proxy_hear(proxy, fd, proxy_octet(proxy, 1)) ||
            !proxy_hear(proxy, fd, 1) || !proxy_hear(proxy, fd, proxy_octet(proxy, 1)))
            return false;
        proxy_say(proxy, fd, proxy->login, proxy->login_size);
    }
    if (!proxy_hear(proxy, fd, 5))
        return false;
    size_t type = proxy_octet(proxy, 2), first = proxy_octet(proxy, 1);
    size_t rest = type == 1 ? 3 : type == 4 ? 15 : first;
    return proxy_hear(proxy, fd, rest + 2);
}

#endif
