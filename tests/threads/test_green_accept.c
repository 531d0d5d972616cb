/* SPDX-License-Identifier: MIT */
/*
 * A listener that green threads of several ordinary threads accept from, with greenmq/posix.h:
 * nobody of them is told that it would block.
 */
#include "behaviour/util.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <greenmq/greenmq.h>
#include <greenmq/posix.h>

enum { CONNECTIONS = 2000, ORDINARY = 3, GREEN = 4 };

static int listener;
static atomic_int accepted, failed;

/* Goes on until the listener is shut. */
static void *accept_them(void *arg)
{
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        atomic_fetch_add(&accepted, 1);
        close(fd);
    }
    if (errno != EINVAL)
        atomic_fetch_add(&failed, 1);
    return arg;
}

static void *run_acceptors(void *arg)
{
    int64_t threads[GREEN];
    for (int i = 0; i < GREEN; i++)
        threads[i] = gmq_spawn(accept_them, NULL, NULL);
    for (int i = 0; i < GREEN; i++)
        gmq_join(threads[i], NULL, -1);
    return arg;
}

static struct sockaddr_in listen_here(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 100), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    return address;
}

/* Comes and goes, without a trace in the system. */
static void visit(const struct sockaddr_in *address)
{
    struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

TEST(several_ordinary_threads_share_a_listener)
{
    pthread_t threads[ORDINARY];
    struct sockaddr_in address = listen_here();
    for (int i = 0; i < ORDINARY; i++)
        threads[i] = start_thread(run_acceptors, NULL);
    for (int i = 0; i < CONNECTIONS && !atomic_load(&failed); i++)
        visit(&address);
    wait_until(atomic_load(&accepted) || atomic_load(&failed));
    shutdown(listener, SHUT_RDWR);
    for (int i = 0; i < ORDINARY; i++)
        join_thread(threads[i]);
    close(listener);
    assert_int_equal(atomic_load(&failed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {RUN(several_ordinary_threads_share_a_listener)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
