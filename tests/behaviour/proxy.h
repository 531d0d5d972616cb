/* SPDX-License-Identifier: MIT */
/*
 * A SOCKS5 proxy in a thread of the test: it notes what it is asked, answers as it is told to, and
 * goes on to a port on the loopback whatever the target is called. Included after util.h and raw.h.
 */
#ifndef BEHAVIOUR_PROXY_H
#define BEHAVIOUR_PROXY_H

#include "behaviour/proxy_talk.h"

static inline int proxy_reach(const struct proxy *proxy)
{
    struct sockaddr_in address = raw_address(proxy->target);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline bool proxy_copy(int from, int to)
{
    char octets[4096];
    ssize_t n = recv(from, octets, sizeof octets, 0);
    return n > 0 && send(to, octets, (size_t)n, MSG_NOSIGNAL) == n;
}

/* Passes on between the two until one ends. */
static inline void proxy_pass(struct proxy *proxy, int near, int far)
{
    struct pollfd items[] = {{.fd = near, .events = POLLIN}, {.fd = far, .events = POLLIN}};
    pthread_mutex_lock(&proxy->lock);
    proxy->near = near;
    proxy->far = far;
    pthread_mutex_unlock(&proxy->lock);
    while (poll(items, 2, -1) > 0)
        if ((items[0].revents && !proxy_copy(near, far)) ||
            (items[1].revents && !proxy_copy(far, near)))
            break;
    pthread_mutex_lock(&proxy->lock);
    proxy->near = proxy->far = -1;
    pthread_mutex_unlock(&proxy->lock);
}

static inline void proxy_serve(struct proxy *proxy, int fd)
{
    bool asked = proxy_talk(proxy, fd);
    int far = asked && proxy->target ? proxy_reach(proxy) : -1;
    if (asked)
        proxy_say(proxy, fd, proxy->reply, proxy->reply_size);
    if (far >= 0) {
        proxy_pass(proxy, fd, far);
        close(far);
    }
    close(fd);
}

static inline void *proxy_run(void *argument)
{
    struct proxy *proxy = argument;
    int fd;
    while ((fd = accept(proxy->listener, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&proxy->lock);
        bool over = proxy->over;
        proxy->count++;
        proxy->asked_size = 0;
        pthread_mutex_unlock(&proxy->lock);
        if (over) {
            close(fd);
            break;
        }
        proxy_serve(proxy, fd);
    }
    return proxy;
}

/* One that works; a test changes what it says before it runs. */
static inline void proxy_init(struct proxy *proxy, int target)
{
    *proxy = (struct proxy){.target = target, .near = -1, .far = -1};
    pthread_mutex_init(&proxy->lock, NULL);
    proxy->listener = raw_listen(&proxy->port, 8);
    PROXY_TELLS(proxy, method, "\5\0");
    PROXY_TELLS(proxy, reply, "\5\0\0\1\0\0\0\0\0\0");
}

static inline unsigned proxy_count(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    unsigned count = proxy->count;
    pthread_mutex_unlock(&proxy->lock);
    return count;
}

/* Cuts the connection that is being passed on. */
static inline bool proxy_cut(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    bool found = proxy->near >= 0;
    if (found) {
        shutdown(proxy->near, SHUT_RDWR);
        shutdown(proxy->far, SHUT_RDWR);
    }
    pthread_mutex_unlock(&proxy->lock);
    return found;
}

/* Ends it, once its connections have ended or are cut. */
static inline void proxy_end(struct proxy *proxy, pthread_t thread)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->over = true;
    pthread_mutex_unlock(&proxy->lock);
    proxy_cut(proxy);
    shutdown(proxy->listener, SHUT_RDWR);
    join_thread(thread);
    close(proxy->listener);
    pthread_mutex_destroy(&proxy->lock);
}

static inline void expect_asked(struct proxy *proxy, const char *octets, size_t size)
{
    pthread_mutex_lock(&proxy->lock);
    bool same = proxy->asked_size == size && memcmp(proxy->asked, octets, size) == 0;
    pthread_mutex_unlock(&proxy->lock);
    assert_true(same);
}

#endif
