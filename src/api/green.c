/* SPDX-License-Identifier: MIT */
/* Green threads in the public API: life, storage and time. What they do is in green/thread.c;
 * here arguments are checked and deadlines counted from milliseconds. */
#include "api/enter.h"
#include "api/green.h"
#include "green/dump.h"
#include "green/hub.h"
#include "green/local.h"
#include "green/offload.h"
#include "green/signals.h"

#include <greenmq/green.h>
#include <stdlib.h>

int64_t gmq_spawn(void *(*run)(void *arg), void *arg, const struct gmq_thread_options *options)
{
    struct thread_options wanted;
    struct thread *thread;
    int rc = run ? green_options(options, &wanted) : -EINVAL;
    if (rc == 0)
        rc = thread_spawn(run, arg, &wanted, &thread);
    return rc < 0 ? answer(rc) : thread->id;
}

int64_t gmq_self(void)
{
    struct thread *self = thread_self();
    return self ? self->id : answer(-ENOMEM);
}

int gmq_name(int64_t thread, char *name, size_t room)
{
    if (!name || !room)
        return answer(-EINVAL);
    return answer(thread_name(thread, name, room));
}

int gmq_yield(void)
{
    struct thread *self = thread_self();
    if (!self)
        return answer(-ENOMEM);
    hub_yield();
    return answer(thread_check(self, true));
}

int gmq_sleep(int64_t ms)
{
    if (ms <= 0)
        return gmq_yield();
    return answer(thread_sleep(loop_clock_ns() + green_ms_to_ns(ms)));
}

int gmq_exit(void *result)
{
    struct thread *self = thread_self();
    if (!self || !self->stack)
        return answer(-EPERM);
    thread_exit(result);
}

int gmq_join(int64_t thread, void **result, int64_t deadline)
{
    return answer(thread_join(thread, result, green_deadline_ns(deadline)));
}

int gmq_cancel(int64_t thread)
{
    return answer(thread_cancel(thread));
}

int gmq_shield(int up)
{
    struct thread *self = thread_self();
    if (!self)
        return answer(-ENOMEM);
    if (!up && !self->shields)
        return answer(-EINVAL);
    self->shields += up ? 1 : -1u;
    return 0;
}

int gmq_defer(void (*run)(void *arg), void *arg)
{
    struct thread *self = thread_self();
    if (!self || !self->stack)
        return answer(-EPERM);
    if (!run)
        return answer(-EINVAL);
    struct defer *defer = malloc(sizeof *defer);
    if (!defer)
        return answer(-ENOMEM);
    *defer = (struct defer){.run = run, .arg = arg};
    SLIST_INSERT_HEAD(&self->defers, defer, line);
    return 0;
}

int gmq_key(void (*destroy)(void *value))
{
    return answer(local_key(destroy));
}

int gmq_set(int key, void *value)
{
    struct thread *self = thread_self();
    return answer(self ? local_set(self, key, value) : -ENOMEM);
}

void *gmq_get(int key)
{
    struct thread *self = thread_self();
    return self ? local_get(self, key) : NULL;
}

int gmq_wait_signal(const sigset_t *signals, int64_t deadline)
{
    return answer(signals ? signals_wait(signals, green_deadline_ns(deadline)) : -EINVAL);
}

int gmq_release_signals(const sigset_t *signals)
{
    return answer(signals ? signals_release(signals) : -EINVAL);
}

int gmq_offload(void *(*run)(void *arg), void *arg, void **result)
{
    return answer(run ? offload(run, arg, result) : -EINVAL);
}

int gmq_offload_limit(int threads)
{
    return answer(offload_limit(threads));
}

int64_t gmq_now(void)
{
    return (int64_t)(loop_clock_ns() / GREEN_NS_PER_MS);
}

int gmq_scope_enter(struct gmq_scope *scope, int64_t deadline)
{
    struct thread *self = thread_self();
    if (!self)
        return answer(-ENOMEM);
    if (!scope)
        return answer(-EINVAL);
    *scope = (struct gmq_scope){.outer = self->scope, .until = self->until_ns};
    self->scope = scope;
    self->until_ns = thread_until(self, green_deadline_ns(deadline));
    return 0;
}

int gmq_scope_leave(struct gmq_scope *scope)
{
    struct thread *self = thread_self();
    if (!self || !scope || self->scope != scope)
        return answer(-EINVAL);
    bool over = self->until_ns != UINT64_MAX && loop_clock_ns() >= self->until_ns;
    self->scope = scope->outer;
    self->until_ns = scope->until;
    return over;
}

int gmq_dump(int fd)
{
    return answer(dump_write(fd));
}

int gmq_watchdog(int limit_ms, void (*report)(const char *text, void *arg), void *arg)
{
    return answer(watchdog_set(limit_ms, report, arg));
}
