/* SPDX-License-Identifier: MIT */
/*
 * The calls that greenmq/posix.h makes green, signals, and zmq_sleep: while one green thread is in
 * such a call, another goes on.
 */
#include "behaviour/util.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/un.h>

#include <greenmq/greenmq.h>
#include <greenmq/posix.h>

static int ticks;
static bool stop;

/* Whoever blocks the ordinary thread stops this one. */
static void *tick(void *arg)
{
    (void)arg;
    while (!stop) {
        ticks++;
        gmq_sleep(1);
    }
    return NULL;
}

static int64_t ticker;

static void start_ticking(void)
{
    stop = false;
    ticks = 0;
    ticker = gmq_spawn(tick, NULL, NULL);
}

/* It went on meanwhile. */
static void stop_ticking(void)
{
    int seen = ticks;
    stop = true;
    assert_int_equal(gmq_join(ticker, NULL, -1), 0);
    assert_true(seen >= 3);
}

TEST(sleeping_stops_one_thread)
{
    struct timespec length = {.tv_nsec = 20000000}, left = {0};
    start_ticking();
    int64_t start = gmq_now();
    assert_int_equal(usleep(20000), 0);
    assert_int_equal(nanosleep(&length, &left), 0);
    assert_int_equal(sleep(0), 0);
    assert_true(gmq_now() - start >= 39);
    stop_ticking();
    length.tv_nsec = -1;
    expect_error(nanosleep(&length, &left), EINVAL);
}

static void *sleep_on(void *left)
{
    struct timespec length = {.tv_sec = 1000};
    int rc = nanosleep(&length, left);
    return (void *)(intptr_t)(rc < 0 ? errno : 0);
}

TEST(a_sleep_that_is_cut_short_says_what_was_left)
{
    struct timespec left = {0};
    void *result;
    int64_t thread = gmq_spawn(sleep_on, &left, NULL);
    gmq_yield();
    gmq_cancel(thread);
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_int_equal((intptr_t)result, ECANCELED);
    assert_in_range(left.tv_sec, 990, 1000);
}

enum { MUCH = 1024 * 1024 };

static void *write_much(void *fd)
{
    static char much[MUCH];
    return (void *)(intptr_t)write(*(int *)fd, much, sizeof much);
}

static void read_much(int from, int to)
{
    static char piece[65536];
    size_t got = 0;
    void *result;
    int64_t writer = gmq_spawn(write_much, &to, NULL);
    start_ticking();
    while (got < MUCH) {
        ssize_t size = read(from, piece, sizeof piece);
        assert_true(size > 0);
        got += (size_t)size;
    }
    assert_int_equal(gmq_join(writer, &result, -1), 0);
    assert_int_equal((intptr_t)result, MUCH);
    stop = true;
    assert_int_equal(gmq_join(ticker, NULL, -1), 0);
}

TEST(reading_and_writing_a_pipe)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    read_much(ends[0], ends[1]);
    close(ends[1]);
    char octet;
    assert_int_equal(read(ends[0], &octet, 1), 0);
    close(ends[0]);
    expect_error(read(ends[0], &octet, 1), EBADF);
    expect_error(write(ends[1], &octet, 1), EBADF);
}

TEST(reading_and_writing_a_socket)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    read_much(ends[0], ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    char octet;
    expect_error(read(ends[0], &octet, 1), EAGAIN);
    close(ends[0]);
    close(ends[1]);
}

static void *serve(void *fd)
{
    char octet;
    int accepted = accept(*(int *)fd, NULL, NULL);
    if (accepted < 0 || read(accepted, &octet, 1) != 1)
        return NULL;
    write(accepted, &octet, 1);
    close(accepted);
    return fd;
}

TEST(connecting_and_accepting)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char octet = 'x';
    void *result;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 5), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    int64_t server = gmq_spawn(serve, &listener, NULL);
    gmq_yield();
    assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
    assert_int_equal(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(write(client, &octet, 1), 1);
    assert_int_equal(read(client, &octet, 1), 1);
    assert_int_equal(gmq_join(server, &result, -1), 0);
    assert_ptr_equal(result, &listener);
    close(client);
    close(listener);
    client = socket(AF_INET, SOCK_STREAM, 0);
    expect_error(connect(client, (struct sockaddr *)&address, size), ECONNREFUSED);
    close(client);
}

static void *accept_twice(void *fd)
{
    gmq_sleep(20);
    for (int i = 0; i < 2; i++)
        close(accept(*(int *)fd, NULL, NULL));
    return NULL;
}

TEST(connecting_waits_for_a_full_line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t) + 16;
    snprintf(address.sun_path + 1, 16, "gmq%011ld", (long)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), clients[2];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    int64_t server = gmq_spawn(accept_twice, &listener, NULL);
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, size), 0);
    }
    assert_int_equal(gmq_join(server, NULL, -1), 0);
    close(clients[0]);
    close(clients[1]);
    close(listener);
}

TEST(polling)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct pollfd fds[] = {{.fd = ends[0], .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    start_ticking();
    assert_int_equal(poll(fds, 2, 20), 0);
    stop_ticking();
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(poll(fds, 2, -1), 1);
    assert_int_equal(fds[0].revents, POLLIN);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(poll(fds, 1, -1), 1);
    assert_int_equal(fds[0].revents, POLLNVAL);
}

TEST(looking_up_names)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    assert_true(gmq_self() > 0);
    assert_int_equal(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    assert_non_null(found);
    freeaddrinfo(found);
    assert_int_equal(getaddrinfo("no number", "80", &hints, &found), EAI_NONAME);
}

/* ---- cut short ---- */

/* A listener that nobody calls, one whose line is full, an empty pipe and a full one. */
static struct {
    int listener, busy, empty[2], full[2];
    struct sockaddr_un address;
    socklen_t size;
} quiet;

static int listen_at(char letter)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    quiet.address = (struct sockaddr_un){.sun_family = AF_UNIX};
    quiet.size = sizeof(sa_family_t) + 16;
    snprintf(quiet.address.sun_path + 1, 16, "gmq%c%010ld", letter, (long)getpid());
    assert_int_equal(bind(listener, (struct sockaddr *)&quiet.address, quiet.size), 0);
    assert_int_equal(listen(listener, 0), 0);
    return listener;
}

static int call_sleep(void)
{
    return sleep(1000) >= 990 ? -1 : 0;
}

static int call_usleep(void)
{
    return usleep(1000000000);
}

static int call_nanosleep(void)
{
    return nanosleep(&(struct timespec){.tv_sec = 1000}, NULL);
}

static int call_poll(void)
{
    struct pollfd fds = {.fd = quiet.empty[0], .events = POLLIN};
    return poll(&fds, 1, -1);
}

static int call_read(void)
{
    char octet;
    return (int)read(quiet.empty[0], &octet, 1);
}

static int call_write(void)
{
    return (int)write(quiet.full[1], "x", 1);
}

static int call_accept(void)
{
    return accept(quiet.listener, NULL, NULL);
}

static int call_connect(void)
{
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    int rc = connect(client, (struct sockaddr *)&quiet.address, quiet.size), error = errno;
    close(client);
    errno = error;
    return rc;
}

static int (*const waiting_calls[])(void) = {call_sleep, call_usleep, call_nanosleep, call_poll,
                                             call_read,  call_write,  call_accept,    call_connect};
enum { WAITING_CALLS = sizeof waiting_calls / sizeof waiting_calls[0] };

static void *call(void *index)
{
    return (void *)(intptr_t)(waiting_calls[(intptr_t)index]() < 0 ? errno : 0);
}

static void open_quiet(void)
{
    static const char much[4096];
    assert_int_equal(pipe(quiet.empty), 0);
    assert_int_equal(pipe(quiet.full), 0);
    assert_int_equal(fcntl(quiet.full[1], F_SETFL, O_NONBLOCK), 0);
    while (write(quiet.full[1], much, sizeof much) > 0)
        continue;
    assert_int_equal(fcntl(quiet.full[1], F_SETFL, 0), 0);
    quiet.listener = listen_at('q');
    quiet.busy = listen_at('b');
}

static void close_quiet(void)
{
    int fds[] = {quiet.listener, quiet.busy,    quiet.empty[0],
                 quiet.empty[1], quiet.full[0], quiet.full[1]};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
}

TEST(each_call_can_be_cut_short)
{
    open_quiet();
    int first = socket(AF_UNIX, SOCK_STREAM, 0); /* the only one there is room for */
    assert_int_equal(connect(first, (struct sockaddr *)&quiet.address, quiet.size), 0);
    for (intptr_t i = 0; i < WAITING_CALLS; i++) {
        void *result = NULL;
        struct gmq_scope scope;
        int64_t thread = gmq_spawn(call, (void *)i, NULL);
        expect_error(gmq_join(thread, &result, gmq_now() + 5), ETIMEDOUT); /* it waits */
        gmq_cancel(thread);
        assert_int_equal(gmq_join(thread, &result, -1), 0);
        assert_int_equal((intptr_t)result, ECANCELED);
        assert_int_equal(gmq_scope_enter(&scope, gmq_now() + 5), 0);
        assert_int_equal((intptr_t)call((void *)i), ETIMEDOUT);
        assert_int_equal(gmq_scope_leave(&scope), 1);
    }
    close(first);
    close_quiet();
}

TEST(a_look_up_can_be_cut_short)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    struct gmq_scope scope;
    assert_int_equal(gmq_scope_enter(&scope, 0), 0);
    assert_int_equal(getaddrinfo("127.0.0.1", "80", &hints, &found), EAI_SYSTEM);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(gmq_scope_leave(&scope), 1);
}

TEST(closed_descriptors_are_refused)
{
    char octet;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(gmq_self() > 0);
    expect_error(accept(ends[0], NULL, NULL), ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    expect_error(accept(ends[0], NULL, NULL), EBADF);
    expect_error(connect(ends[0], (struct sockaddr *)&address, sizeof address), EBADF);
    expect_error(read(ends[0], &octet, 1), EBADF);
    expect_error(write(ends[0], &octet, 1), EBADF);
}

/* ---- signals ---- */

static void *wait_for_signal(void *number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, *(int *)number);
    return (void *)(intptr_t)gmq_wait_signal(&set, -1);
}

TEST(a_thread_waits_for_a_signal)
{
    int first = SIGUSR1, second = SIGUSR2;
    void *result;
    sigset_t set;
    int64_t a = gmq_spawn(wait_for_signal, &first, NULL);
    int64_t b = gmq_spawn(wait_for_signal, &second, NULL);
    gmq_yield();
    raise(SIGUSR2);
    assert_int_equal(gmq_join(b, &result, -1), 0);
    assert_int_equal((intptr_t)result, SIGUSR2);
    expect_error(gmq_join(a, &result, 0), ETIMEDOUT);
    raise(SIGUSR1);
    raise(SIGUSR1); /* kept */
    assert_int_equal(gmq_join(a, &result, -1), 0);
    assert_int_equal((intptr_t)result, SIGUSR1);
    sigemptyset(&set);
    expect_error(gmq_wait_signal(&set, -1), EINVAL);
    expect_error(gmq_wait_signal(NULL, -1), EINVAL);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(gmq_wait_signal(&set, -1), SIGUSR1);
    expect_error(gmq_wait_signal(&set, gmq_now() + 5), ETIMEDOUT);
    sigaddset(&set, SIGKILL);
    expect_error(gmq_wait_signal(&set, 0), EINVAL);
}

/* SIGALRM, in a moment: while the ordinary thread is asleep. */
static void ring_soon(void)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

TEST(a_signal_that_is_waited_for_interrupts_nobody)
{
    int number = SIGALRM;
    void *result;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    int64_t thread = gmq_spawn(wait_for_signal, &number, NULL);
    gmq_yield(); /* it waits: the signal is caught from here on */
    ring_soon();
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_int_equal((intptr_t)result, SIGALRM);
    ring_soon();
    assert_int_equal(gmq_wait_signal(&set, -1), SIGALRM);
    assert_int_equal(gmq_sleep(1), 0);
    ring_soon(); /* nobody waits for it, and it is kept */
    assert_int_equal(gmq_sleep(100), 0);
    assert_int_equal(gmq_wait_signal(&set, 0), SIGALRM);
}

static volatile sig_atomic_t own_handler_ran;

static void own_handler(int signal)
{
    (void)signal;
    own_handler_ran++;
}

TEST(released_signals_have_their_old_effect)
{
    sigset_t set;
    signal(SIGURG, own_handler);
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    expect_error(gmq_wait_signal(&set, 0), ETIMEDOUT);
    raise(SIGURG);
    assert_int_equal(own_handler_ran, 0);
    assert_int_equal(gmq_release_signals(&set), 0);
    raise(SIGURG);
    assert_int_equal(own_handler_ran, 1);
    expect_error(gmq_wait_signal(&set, 0), ETIMEDOUT);
    assert_int_equal(gmq_release_signals(&set), 0);
    expect_error(gmq_release_signals(NULL), EINVAL);
}

TEST(nothing_waits_beyond_its_scope)
{
    struct gmq_scope scope;
    assert_int_equal(gmq_scope_enter(&scope, 0), 0);
    expect_error(gmq_sleep(0), ETIMEDOUT);
    expect_error(gmq_yield(), ETIMEDOUT);
    expect_error(gmq_sleep(1), ETIMEDOUT);
    assert_int_equal(gmq_scope_leave(&scope), 1);
}

static void *sleep_for_ever(void *seconds)
{
    struct timespec length = {.tv_sec = *(time_t *)seconds};
    return (void *)(intptr_t)(nanosleep(&length, NULL) == 0);
}

/* Some of them are a small number of nanoseconds in 64 bits. */
TEST(a_very_long_sleep_is_one)
{
    time_t seconds[] = {(time_t)1 << 35, (time_t)1 << 58, (time_t)1 << 62, INT64_MAX};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        void *result = NULL;
        int64_t thread = gmq_spawn(sleep_for_ever, &seconds[i], NULL);
        expect_error(gmq_join(thread, NULL, gmq_now() + 5), ETIMEDOUT);
        assert_int_equal(gmq_cancel(thread), 0);
        assert_int_equal(gmq_join(thread, &result, -1), 0);
        assert_null(result);
    }
}

TEST(zmq_sleep_stops_one_thread)
{
    start_ticking();
    zmq_sleep(1);
    stop_ticking();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(sleeping_stops_one_thread),
        RUN(a_sleep_that_is_cut_short_says_what_was_left),
        RUN(reading_and_writing_a_pipe),
        RUN(reading_and_writing_a_socket),
        RUN(connecting_and_accepting),
        RUN(connecting_waits_for_a_full_line),
        RUN(polling),
        RUN(looking_up_names),
        RUN(each_call_can_be_cut_short),
        RUN(a_look_up_can_be_cut_short),
        RUN(closed_descriptors_are_refused),
        RUN(a_thread_waits_for_a_signal),
        RUN(a_signal_that_is_waited_for_interrupts_nobody),
        RUN(released_signals_have_their_old_effect),
        RUN(nothing_waits_beyond_its_scope),
        RUN(a_very_long_sleep_is_one),
        RUN(zmq_sleep_stops_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
