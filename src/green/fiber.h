/* SPDX-License-Identifier: MIT */
/* What those who watch a program are told about stacks and switches: AddressSanitizer,
 * ThreadSanitizer and Valgrind. Without them all of this is nothing. */
#ifndef GREENMQ_GREEN_FIBER_H
#define GREENMQ_GREEN_FIBER_H

#include "green/stack.h"

#include <pthread.h>

#if defined __SANITIZE_ADDRESS__
#define FIBER_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined __SANITIZE_THREAD__
#define FIBER_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define FIBER_VALGRIND 1
#endif
#endif

/* What stays free at the top of each stack: nearer to its end Valgrind shows no calls. */
#ifdef FIBER_VALGRIND
#define FIBER_SPARE_BYTES (RUNNING_ON_VALGRIND ? 1024u : 0u)
#else
#define FIBER_SPARE_BYTES 0u
#endif

/* One stack that code runs on, as the watchers see it. */
struct fiber {
    const void *bottom; /* ASan: the lowest octet of the room, and how much there is; of an */
    size_t size;        /* ordinary thread's stack they are learnt at the first switch */
    void *fake;         /* ASan's */
    void *tsan;
};

static inline void fiber_stack_taken(struct stack *stack)
{
    (void)stack;
#ifdef FIBER_ASAN
    __asan_unpoison_memory_region(stack->room, stack->size);
    __lsan_register_root_region(stack->room, stack->size);
#endif
#ifdef FIBER_VALGRIND
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->room, stack->room + stack->size);
#endif
}

static inline void fiber_stack_given(struct stack *stack)
{
    (void)stack;
#ifdef FIBER_ASAN
    __lsan_unregister_root_region(stack->room, stack->size);
#endif
#ifdef FIBER_VALGRIND
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#endif
}

#ifdef FIBER_ASAN
/* The leak checker looks at the stack that runs; an ordinary thread's own must be named to it. */
static inline void fiber_keep_own(bool keep)
{
    pthread_attr_t attr;
    void *room;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    pthread_attr_getstack(&attr, &room, &size);
    pthread_attr_destroy(&attr);
    if (keep)
        __lsan_register_root_region(room, size);
    else
        __lsan_unregister_root_region(room, size);
}
#endif

/* `stack` is NULL for the stack of an ordinary thread, which is running on it now. */
static inline void fiber_init(struct fiber *fiber, const struct stack *stack)
{
    *fiber = (struct fiber){.bottom = stack ? stack->room : NULL, .size = stack ? stack->size : 0};
#ifdef FIBER_ASAN
    if (!stack)
        fiber_keep_own(true);
#endif
#ifdef FIBER_TSAN
    fiber->tsan = stack ? __tsan_create_fiber(0) : __tsan_get_current_fiber();
#endif
}

/* An ordinary thread's own is not used any more. */
static inline void fiber_term_own(void)
{
#ifdef FIBER_ASAN
    fiber_keep_own(false);
#endif
}

/* Not for an ordinary thread's, and not while it runs. */
static inline void fiber_term(struct fiber *fiber)
{
    (void)fiber;
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(fiber->tsan);
#endif
}

/* Right before a switch; `ends`: `from` never runs again. */
static inline void fiber_leave(struct fiber *from, const struct fiber *to, bool ends)
{
    (void)from, (void)to, (void)ends;
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake, to->bottom, to->size);
#endif
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/* Right after it, on the other side: `now` runs, `before` has been left. */
static inline void fiber_arrive(struct fiber *now, struct fiber *before)
{
    (void)now, (void)before;
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(now->fake, &before->bottom, &before->size);
#endif
}

#endif
