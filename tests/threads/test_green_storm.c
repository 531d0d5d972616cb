/* SPDX-License-Identifier: MIT */
/*
 * Many ordinary threads, each with many green threads: messages across, storms of cancels and
 * joins, work in the pool, and the list and the watchdog while threads come and go.
 */
#include "behaviour/util.h"

#include <fcntl.h>
#include <greenmq/greenmq.h>
#include <stdatomic.h>

enum { ORDINARY = 4, GREENS = 16, MESSAGES = 100, ROUNDS = 10 };

/* An ordinary thread's own number among those of a test. */
struct place {
    int number;
    void *pull, *push[GREENS];
    atomic_int *sum;
};

static bool spawn_all(int64_t *threads, void *(*run)(void *arg), void **args)
{
    for (int i = 0; i < GREENS; i++)
        if ((threads[i] = gmq_spawn(run, args[i], NULL)) < 0)
            return false;
    return true;
}

static bool join_all(const int64_t *threads)
{
    bool fine = true;
    for (int i = 0; i < GREENS; i++) {
        void *result = NULL;
        fine = gmq_join(threads[i], &result, -1) == 0 && result && fine;
    }
    return fine;
}

/* ---- messages ---- */

static void *push_some(void *socket)
{
    for (int i = 1; i <= MESSAGES; i++) {
        if (zmq_send(socket, &i, sizeof i, 0) != sizeof i)
            return NULL;
        if (i % 7 == 0)
            gmq_yield();
    }
    return socket;
}

static void *pull_some(void *arg)
{
    struct place *place = arg;
    for (int i = 0; i < MESSAGES; i++) {
        int got = 0;
        if (zmq_recv(place->pull, &got, sizeof got, 0) != sizeof got)
            return NULL;
        atomic_fetch_add(place->sum, got);
    }
    return place;
}

/* Its green threads push to the next ordinary thread's socket, and all pull from one of theirs. */
static void *exchange(void *arg)
{
    struct place *place = arg;
    int64_t pushers[GREENS], pullers[GREENS];
    void *places[GREENS];
    for (int i = 0; i < GREENS; i++)
        places[i] = place;
    if (!spawn_all(pullers, pull_some, places) || !spawn_all(pushers, push_some, place->push))
        return NULL;
    bool fine = join_all(pushers);
    return join_all(pullers) && fine ? place : NULL;
}

TEST(messages_go_round_among_green_threads_of_many)
{
    static struct place places[ORDINARY];
    pthread_t threads[ORDINARY];
    atomic_int sum = 0;
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 1000), 0);
    for (int i = 0; i < ORDINARY; i++) {
        char where[32];
        snprintf(where, sizeof where, "inproc://%d", i);
        places[i] = (struct place){
            .number = i, .pull = zmq_socket(world.ctx, ZMQ_PULL), .sum = &sum};
        assert_int_equal(zmq_bind(places[i].pull, where), 0);
    }
    for (int i = 0; i < ORDINARY; i++) {
        for (int j = 0; j < GREENS; j++) {
            char where[32];
            snprintf(where, sizeof where, "inproc://%d", (i + 1) % ORDINARY);
            places[i].push[j] = zmq_socket(world.ctx, ZMQ_PUSH);
            assert_int_equal(zmq_connect(places[i].push[j], where), 0);
        }
    }
    for (int i = 0; i < ORDINARY; i++)
        threads[i] = start_thread(exchange, &places[i]);
    for (int i = 0; i < ORDINARY; i++)
        assert_ptr_equal(join_thread(threads[i]), &places[i]);
    assert_int_equal(sum, ORDINARY * GREENS * (MESSAGES * (MESSAGES + 1) / 2));
    for (int i = 0; i < ORDINARY; i++) {
        zmq_close(places[i].pull);
        for (int j = 0; j < GREENS; j++)
            zmq_close(places[i].push[j]);
    }
}

/* ---- cancels and joins ---- */

static _Atomic int64_t victims[ORDINARY][GREENS];
static atomic_int joined, ended;
static pthread_barrier_t all_here;

static void *wait_to_be_cancelled(void *arg)
{
    bool fine = gmq_sleep(1000000) < 0 && errno == ECANCELED;
    atomic_fetch_add(&ended, 1);
    return fine ? arg : NULL;
}

/* One of those who try gets it; the others hear that somebody joins it, or has. */
static bool join_one(int64_t thread)
{
    void *result = NULL;
    if (gmq_join(thread, &result, -1) == 0) {
        atomic_fetch_add(&joined, 1);
        return result != NULL;
    }
    return errno == EINVAL || errno == ESRCH;
}

/* Cancels and joins what all ordinary threads have spawned, from a place of its own on. */
static void *join_from(void *arg)
{
    int64_t first = (int64_t)(intptr_t)arg;
    bool fine = true;
    for (int i = 0; i < ORDINARY * GREENS; i++) {
        int64_t at = (first + i) % (ORDINARY * GREENS);
        int64_t thread = atomic_load(&victims[at / GREENS][at % GREENS]);
        fine = (gmq_cancel(thread) == 0 || errno == ESRCH) && join_one(thread) && fine;
    }
    return fine ? &joined : NULL;
}

static void *storm(void *arg)
{
    const struct place *place = arg;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t killers[GREENS];
        void *places[GREENS];
        for (int i = 0; i < GREENS; i++) {
            int64_t thread = gmq_spawn(wait_to_be_cancelled, arg, NULL);
            if (thread < 0)
                return NULL;
            atomic_store(&victims[place->number][i], thread);
            places[i] = (void *)(intptr_t)(place->number * GREENS + 3 * i);
        }
        gmq_yield();
        pthread_barrier_wait(&all_here);
        bool fine = spawn_all(killers, join_from, places) && join_all(killers);
        pthread_barrier_wait(&all_here);
        if (!fine)
            return NULL;
    }
    return arg;
}

TEST(each_is_joined_once_however_many_try)
{
    static struct place places[ORDINARY];
    pthread_t threads[ORDINARY];
    atomic_store(&joined, 0);
    atomic_store(&ended, 0);
    pthread_barrier_init(&all_here, NULL, ORDINARY);
    for (int i = 0; i < ORDINARY; i++) {
        places[i].number = i;
        threads[i] = start_thread(storm, &places[i]);
    }
    for (int i = 0; i < ORDINARY; i++)
        assert_ptr_equal(join_thread(threads[i]), &places[i]);
    pthread_barrier_destroy(&all_here);
    assert_int_equal(ended, ORDINARY * GREENS * ROUNDS);
    assert_int_equal(joined, ORDINARY * GREENS * ROUNDS);
}

/* ---- the pool ---- */

static void *count_one(void *sum)
{
    atomic_fetch_add((atomic_int *)sum, 1);
    return sum;
}

static void *offload_some(void *sum)
{
    for (int i = 0; i < ROUNDS; i++) {
        void *result = NULL;
        if (gmq_offload(count_one, sum, &result) < 0 || result != sum)
            return NULL;
    }
    return sum;
}

static void *offload_many(void *sum)
{
    int64_t threads[GREENS];
    void *sums[GREENS];
    for (int i = 0; i < GREENS; i++)
        sums[i] = sum;
    return spawn_all(threads, offload_some, sums) && join_all(threads) ? sum : NULL;
}

TEST(the_pool_serves_many)
{
    pthread_t threads[ORDINARY];
    atomic_int sum = 0;
    assert_int_equal(gmq_offload_limit(3), 0);
    for (int i = 0; i < ORDINARY; i++)
        threads[i] = start_thread(offload_many, &sum);
    for (int i = 0; i < ORDINARY; i++)
        assert_ptr_equal(join_thread(threads[i]), &sum);
    assert_int_equal(sum, ORDINARY * GREENS * ROUNDS);
}

/* ---- those who look on ---- */

static void *live_shortly(void *arg)
{
    gmq_yield();
    gmq_sleep(1);
    return arg;
}

static atomic_int at_work;

static void *come_and_go(void *arg)
{
    bool fine = true;
    for (int round = 0; round < 5 * ROUNDS; round++) {
        int64_t threads[GREENS];
        void *args[GREENS];
        for (int i = 0; i < GREENS; i++)
            args[i] = arg;
        fine = spawn_all(threads, live_shortly, args) && join_all(threads) && fine;
    }
    atomic_fetch_sub(&at_work, 1);
    return fine ? arg : NULL;
}

static void look_on(const char *text, void *arg)
{
    (void)text;
    atomic_fetch_add((atomic_int *)arg, 1);
}

TEST(one_may_look_on_while_threads_come_and_go)
{
    pthread_t threads[ORDINARY];
    atomic_int reports = 0;
    int nowhere = open("/dev/null", O_WRONLY);
    assert_true(nowhere >= 0);
    assert_int_equal(gmq_watchdog(1, look_on, &reports), 0);
    atomic_store(&at_work, ORDINARY);
    for (int i = 0; i < ORDINARY; i++)
        threads[i] = start_thread(come_and_go, &reports);
    while (atomic_load(&at_work)) {
        assert_int_equal(gmq_dump(nowhere), 0);
        assert_int_equal(gmq_watchdog(1, look_on, &reports), 0);
        nap_ms(1);
    }
    for (int i = 0; i < ORDINARY; i++)
        assert_ptr_equal(join_thread(threads[i]), &reports);
    assert_int_equal(gmq_watchdog(0, NULL, NULL), 0);
    close(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(messages_go_round_among_green_threads_of_many),
        RUN(each_is_joined_once_however_many_try),
        RUN(the_pool_serves_many),
        RUN(one_may_look_on_while_threads_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
