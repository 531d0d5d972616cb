/* SPDX-License-Identifier: MIT */
/*
 * The watchdog in the child of a fork, whose parent has one, too. In a program of its own: the
 * parent's watchdog sleeps while the child is made.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { ROUNDS = 4, LIMIT_MS = 20, CHILD_S = 60 };

static atomic_int reports;

static void count(const char *text, void *arg)
{
    (void)text;
    (void)arg;
    atomic_fetch_add(&reports, 1);
}

static void *hog_until_reported(void *round)
{
    while (atomic_load(&reports) <= *(int *)round)
        continue;
    return NULL;
}

/* Between two rounds all sleep, the watchdog included. */
static int watch_in_child(void)
{
    alarm(CHILD_S);
    int rc = gmq_watchdog(LIMIT_MS, count, NULL);
    for (int round = 0; round < ROUNDS && rc == 0; round++) {
        rc = gmq_join(gmq_spawn(hog_until_reported, &round, NULL), NULL, -1);
        gmq_sleep(2L * LIMIT_MS);
    }
    return rc;
}

TEST(a_forked_child_has_a_watchdog_of_its_own)
{
    int status = 0;
    assert_int_equal(gmq_watchdog(LIMIT_MS, count, NULL), 0);
    nap_ms(2L * LIMIT_MS); /* nothing is to be watched: it falls asleep */
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(watch_in_child() != 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(gmq_watchdog(0, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {RUN(a_forked_child_has_a_watchdog_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
