/* SPDX-License-Identifier: MIT */
/* Looking up names without waiting for them. getaddrinfo() is led here: "slow" ends when the gate
 * is opened, "nobody" has no address, all others have one. Memory that is left over is a leak, and
 * the sanitizer finds it. */
#include "loop/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static sem_t entered, gate;
static char asked_port[16];
static int asked_family;

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (strcmp(name, "slow") == 0) {
        sem_post(&entered);
        sem_wait(&gate);
    } else {
        strncpy(asked_port, port, sizeof asked_port - 1);
        asked_family = hints->ai_family;
    }
    if (strcmp(name, "nobody") == 0)
        return EAI_NONAME;
    *found = calloc(1, sizeof **found);
    (*found)->ai_socktype = hints->ai_socktype;
    return 0;
}

void freeaddrinfo(struct addrinfo *addresses)
{
    free(addresses);
}

static struct poller poller;
static struct resolver resolver;
static int answers, addresses;

static int begin(void **state)
{
    (void)state;
    answers = addresses = 0;
    resolver_init(&resolver, &poller);
    return poller_init(&poller);
}

static int end(void **state)
{
    (void)state;
    resolver_term(&resolver);
    poller_term(&poller);
    return 0;
}

static void on_done(void *owner, struct addrinfo *found)
{
    int *answer = owner;
    if (answer)
        *answer = ++answers;
    addresses += found != NULL;
    if (found)
        freeaddrinfo(found);
}

static void turn(void)
{
    struct poller_events events;
    int timeout_ms = poller_begin_wait(&poller, &events, UINT64_MAX);
    poller_wait(&poller, &events, timeout_ms, NULL);
    poller_end_wait(&poller);
    poller_dispatch(&poller, &events);
}

static struct lookup *ask(const char *name, int *answer)
{
    struct lookup *lookup = resolver_start(&resolver, name, 5555, AF_UNSPEC, on_done, answer);
    assert_non_null(lookup);
    return lookup;
}

static void test_a_name_has_addresses_or_none(void **state)
{
    (void)state;
    int answer = 0, other = 0;
    ask("somebody", &answer);
    assert_true(poller_is_busy(&poller));
    while (!answer)
        turn();
    assert_int_equal(addresses, 1);
    assert_string_equal(asked_port, "5555");
    assert_int_equal(asked_family, AF_UNSPEC);
    assert_false(poller_is_busy(&poller));
    ask("nobody", &other);
    while (!other)
        turn();
    assert_int_equal(addresses, 1);
}

/* A slow one holds up itself alone. */
static void test_one_does_not_wait_for_another(void **state)
{
    (void)state;
    int slow = 0, quick = 0;
    ask("slow", &slow);
    sem_wait(&entered);
    ask("quick", &quick);
    while (!quick)
        turn();
    assert_int_equal(slow, 0);
    sem_post(&gate);
    while (!slow)
        turn();
    assert_int_equal(addresses, 2);
}

/* However many are asked, all are answered. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 200 };
    int done[MANY] = {0};
    for (int i = 0; i < MANY; i++)
        ask(i % 2 ? "somebody" : "nobody", &done[i]);
    while (answers < MANY)
        turn();
    assert_int_equal(addresses, MANY / 2);
}

/* The thread is in it, and gives its memory back when it is through; nobody waits for that. */
static void test_one_is_cancelled_while_it_runs(void **state)
{
    (void)state;
    int answer = 0;
    struct lookup *lookup = ask("slow", &answer);
    sem_wait(&entered);
    lookup_cancel(lookup);
    assert_false(poller_is_busy(&poller));
    end(NULL);
    begin(NULL);
    sem_post(&gate);
    ask("somebody", &answer);
    while (!answer)
        turn();
    assert_int_equal(answers, 1);
}

/* All threads are busy: it still stands in the line. */
static void test_one_is_cancelled_before_it_begins(void **state)
{
    (void)state;
    int slow[4] = {0}, answer = 0;
    for (int i = 0; i < 4; i++) {
        ask("slow", &slow[i]);
        sem_wait(&entered);
    }
    lookup_cancel(ask("somebody", &answer));
    for (int i = 0; i < 4; i++)
        sem_post(&gate);
    while (answers < 4)
        turn();
    assert_int_equal(answer, 0);
}

static void test_one_is_cancelled_when_it_is_done(void **state)
{
    (void)state;
    int answer = 0, other = 0;
    struct poller_events events;
    struct lookup *lookup = ask("somebody", &answer);
    int timeout_ms = poller_begin_wait(&poller, &events, UINT64_MAX);
    poller_wait(&poller, &events, timeout_ms, NULL); /* it is done now */
    poller_end_wait(&poller);
    lookup_cancel(lookup);
    poller_dispatch(&poller, &events);
    ask("somebody", &other);
    while (!other)
        turn();
    assert_int_equal(answer, 0);
    assert_int_equal(addresses, 1);
}

/* A child has none of its parent's threads, and makes its own. */
static void test_a_child_asks(void **state)
{
    (void)state;
    int slow = 0, status;
    ask("slow", &slow);
    sem_wait(&entered);
    pid_t child = fork();
    if (child == 0) {
        int answer = 0;
        alarm(30);
        begin(NULL);
        ask("somebody", &answer);
        while (!answer)
            turn();
        _exit(addresses == 1 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    sem_post(&gate);
    while (!slow)
        turn();
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_name_has_addresses_or_none),
        TEST(test_one_does_not_wait_for_another),
        TEST(test_many),
        TEST(test_one_is_cancelled_while_it_runs),
        TEST(test_one_is_cancelled_before_it_begins),
        TEST(test_one_is_cancelled_when_it_is_done),
        TEST(test_a_child_asks),
    };
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
