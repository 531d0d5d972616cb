/* SPDX-License-Identifier: MIT */
/* The watchdog: see watchdog.h. It looks at the count of switches of each hub twice in the time
 * that it allows. Where the count stands still and the hub is not idle, it sends the ordinary
 * thread a signal, whose handler notes the calls that it is in.
 *
 * A thread that has the signal blocked is reported without them; and so is one whose calls cannot
 * be gone back through. */
#include "green/watchdog.h"

#include "base/fork.h"
#include "base/quiet_thread.h"
#include "green/hub.h"
#include "green/overflow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if defined __has_include
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE 1
#endif
#endif

enum { FRAMES = 48, ANSWER_MS = 100, TEXT = 8192, SIGNAL = SIGURG };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static pthread_cond_t cond;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool running;      /* its thread is there, and remains */
static uint64_t limit_ns; /* 0: it watches nothing */
static void (*report)(const char *text, void *arg);
static void *report_arg;
atomic_bool watchdog_asleep;

/* The thread that was asked where it is, and its answer. */
static void *frames[FRAMES];
static atomic_int frame_count; /* -1 while it is asked */

#ifdef HAVE_BACKTRACE
static void note_frames(void *arg)
{
    (void)arg;
    atomic_store(&frame_count, backtrace(frames, FRAMES));
}

/* Going back through the calls reads where the code says that they came from. Not all code says it
 * truly at each instruction: somebody's assembly may not. */
static void answer_question(void)
{
    if (atomic_load(&frame_count) < 0 && !overflow_survives(note_frames, NULL))
        atomic_store(&frame_count, 0);
}
#endif

static void on_question(int signal)
{
    int error = errno;
    (void)signal;
#ifdef HAVE_BACKTRACE
    answer_question();
#endif
    errno = error;
}

/* A hub that has run the same thread for too long. */
struct finding {
    char name[THREAD_NAME_MAX + 1];
    pthread_t thread;
    uint64_t ns;
    bool found, busy;
    uint64_t now_ns, limit_ns;
};

static void look(struct hub *hub, void *arg)
{
    struct finding *finding = arg;
    struct watched *watched = &hub->watched;
    uint64_t switches = atomic_load_explicit(&hub->switches, memory_order_relaxed);
    if (atomic_load(&hub->idling) || !atomic_load(&hub->live))
        return;
    finding->busy = true;
    if (!watched->since_ns || watched->switches != switches) {
        *watched = (struct watched){.switches = switches, .since_ns = finding->now_ns};
        return;
    }
    uint64_t ns = finding->now_ns - watched->since_ns;
    if (watched->reported || finding->found || ns < finding->limit_ns)
        return;
    watched->reported = true;
    finding->found = true;
    finding->ns = ns;
    finding->thread = hub->thread;
    snprintf(finding->name, sizeof finding->name, "%s",
             atomic_load_explicit(&hub->current, memory_order_relaxed)->name);
    atomic_store(&frame_count, -1);
    pthread_kill(finding->thread, SIGNAL);
}

static void await_frames(void)
{
    struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < ANSWER_MS && atomic_load(&frame_count) < 0; i++)
        nanosleep(&nap, NULL);
}

static size_t describe(const struct finding *finding, char *text, size_t room)
{
    int size = snprintf(text, room,
                        "greenmq: green thread \"%s\" has let no other run for %llu ms\n",
                        finding->name, (unsigned long long)(finding->ns / 1000000));
    size_t at = (size_t)size;
#ifdef HAVE_BACKTRACE
    int count = atomic_exchange(&frame_count, 0);
    char **symbols = count > 0 ? backtrace_symbols(frames, count) : NULL;
    for (int i = 0; symbols && i < count && at < room; i++)
        at += (size_t)snprintf(text + at, room - at, "  %s\n", symbols[i]);
    free(symbols);
#endif
    return at < room ? at : room - 1;
}

/* Without the lock: what is called may take its time. */
static void tell(const struct finding *finding)
{
    static char text[TEXT];
    void (*to)(const char *text, void *arg) = report;
    void *arg = report_arg;
    pthread_mutex_unlock(&lock);
    await_frames();
    size_t size = describe(finding, text, sizeof text);
    if (to)
        to(text, arg);
    else if (write(STDERR_FILENO, text, size) < 0)
        errno = 0; /* nobody to tell */
    pthread_mutex_lock(&lock);
}

static void wait_a_while(void)
{
    uint64_t until_ns = loop_clock_ns() + limit_ns / 2;
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_cond_timedwait(&cond, &lock, &until);
}

/* Without the lock, as another is taken: see base/fork.h. */
static struct finding look_at_all(void)
{
    struct finding finding = {.now_ns = loop_clock_ns(), .limit_ns = limit_ns};
    atomic_store(&watchdog_asleep, true); /* before it looks: who stirs now is heard */
    pthread_mutex_unlock(&lock);
    if (finding.limit_ns)
        thread_for_each_hub(look, &finding);
    pthread_mutex_lock(&lock);
    return finding;
}

static void *watch(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct finding finding = look_at_all();
        if (finding.found) {
            tell(&finding);
        } else if (finding.busy) {
            atomic_store(&watchdog_asleep, false);
            wait_a_while();
        } else if (atomic_load(&watchdog_asleep) && finding.limit_ns == limit_ns) {
            pthread_cond_wait(&cond, &lock); /* nobody has stirred, or set it, meanwhile */
        }
    }
    return NULL;
}

void watchdog_rouse(void)
{
    if (!atomic_exchange(&watchdog_asleep, false))
        return;
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&lock);
}

static void make_cond(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cond, &attr);
    pthread_condattr_destroy(&attr);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_question, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGNAL, &action, NULL);
    make_cond();
#ifdef HAVE_BACKTRACE
    backtrace(frames, 1); /* its first call loads a library, which no handler may */
#endif
}

static int start(void)
{
    pthread_t thread;
    int rc = quiet_thread_start(&thread, watch, NULL);
    if (rc < 0)
        return rc;
    pthread_detach(thread);
    running = true;
    return 0;
}

int watchdog_set(int limit_ms, void (*to)(const char *text, void *arg), void *arg)
{
    if (limit_ms < 0)
        return -EINVAL;
    pthread_once(&once, prepare);
    pthread_mutex_lock(&lock);
    int rc = running || !limit_ms ? 0 : start();
    if (rc == 0) {
        limit_ns = (uint64_t)limit_ms * 1000000;
        report = to;
        report_arg = arg;
        pthread_cond_signal(&cond);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

/* The child of a fork has no watchdog until it sets one. Its condition is a new one: the old one
 * still counts the parent's, who will never take a signal. */
static void in_child(void)
{
    make_cond();
    running = false;
    limit_ns = 0;
    atomic_store(&watchdog_asleep, false);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
