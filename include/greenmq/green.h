/* SPDX-License-Identifier: MIT */
/* green.h: green threads, a part of greenmq.h.
 *
 * A green thread is a function on a stack of its own. It runs until it waits for something: for a
 * message, a time, a descriptor, another thread. Then the next one runs. All green threads that an
 * ordinary thread spawns take turns in that ordinary thread, so they need no locks among
 * themselves; when none of them can run, it sleeps. What an ordinary thread runs on its own stack
 * counts as one of its green threads.
 *
 *      static void *hello(void *name)
 *      {
 *          gmq_sleep(100);
 *          return name;
 *      }
 *      ...
 *      int64_t thread = gmq_spawn(hello, "world", NULL);
 *      void *result;
 *      gmq_join(thread, &result, -1);
 *
 * Every zmq_* function that waits, and every function here that does, stops only the green thread
 * that called it.
 *
 * But a pthread mutex, or a thread-local variable, is one for all green threads of an ordinary
 * thread: hold no such mutex across a call that waits. errno, and in C++ the exceptions under way
 * or caught, are each green thread's own; an exception must be caught in the thread that threw it.
 *
 * Times are in milliseconds. A deadline is a moment of gmq_now()'s clock; -1 means never. So
 * gmq_now() + 100 is a tenth of a second from now, and 0 has passed long ago: look, do not wait.
 *
 * Errors that every function that waits can give, besides those listed with it:
 *   ECANCELED  gmq_cancel() was called for the calling thread. Nothing was taken or lost; every
 *              later call that may wait gives it too.
 *   ETIMEDOUT  a deadline scope around the call is over (gmq_scope_enter).
 *   EINTR      a signal came. Only the ordinary thread's own stack hears of signals so.
 *   ENOMEM     the ordinary thread has no green threads yet, and there is no memory for them.
 *
 * What one costs: some 4.5 KiB while it is alive and little of its stack was touched (a page of it,
 * and its record); with two sockets of its own, some 12 KiB. 100,000 and more can live in a
 * process. What ends it first is memory, or the address space for their stacks (ulimit -v); on
 * Linux before 6.13, where a guard below a stack divides a mapping, vm.max_map_count, whose usual
 * 65,530 are enough for some 32,000.
 *
 * After fork() a child has only the green thread that called fork(). */
#ifndef GREENMQ_GREEN_H_INCLUDED
#define GREENMQ_GREEN_H_INCLUDED

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__ || defined __clang__
#define GMQ_GREEN_EXPORT __attribute__((visibility("default")))
#else
#define GMQ_GREEN_EXPORT
#endif

/* ---- life --------------------------------------------------------------------------------- */

/* How a green thread shall be. Set `size` to sizeof of the struct and all that is not named to
 * zero. */
struct gmq_thread_options {
    size_t size;
    const char *name;   /* for lists and reports, up to 31 bytes; NULL: "thread" */
    size_t stack_bytes; /* rounded up to a power of two; 0: 256 KiB. From 32 KiB to 1 GiB. Only
                           what is touched costs memory. Below each lies a guard */
    int detached;       /* not 0: nobody joins it; it leaves nothing behind when it ends */
};

/* Starts run(arg) as a green thread of the calling ordinary thread; it has its first turn when the
 * caller waits or yields. options may be NULL. Returns the thread's id, which is never given
 * again. -1 with errno:
 *   EINVAL  run is NULL, options->size is unknown, or the stack's size is beyond the limits.
 *   ENOMEM  no memory for another thread.
 *   EAGAIN  the system gives no more mappings (vm.max_map_count), or there are 16,777,216. */
GMQ_GREEN_EXPORT int64_t gmq_spawn(void *(*run)(void *arg), void *arg,
                                   const struct gmq_thread_options *options);

/* The id of the calling thread. -1: ENOMEM. */
GMQ_GREEN_EXPORT int64_t gmq_self(void);

/* Writes the name of a thread of any ordinary thread into `name`, which has room for `room` bytes,
 * cut off if need be; it ends in NUL. An ordinary thread's own is "main". 0, or -1: ESRCH: it has
 * ended and was joined, or never was; EINVAL: no room at all. */
GMQ_GREEN_EXPORT int gmq_name(int64_t thread, char *name, size_t room);

/* Lets all threads that can run have a turn first. 0, or -1: ECANCELED, ETIMEDOUT, EINTR. */
GMQ_GREEN_EXPORT int gmq_yield(void);

/* Waits for `ms` milliseconds; 0 or less is gmq_yield(). 0, or -1: ECANCELED, ETIMEDOUT, EINTR. */
GMQ_GREEN_EXPORT int gmq_sleep(int64_t ms);

/* Ends the calling green thread as if its function had returned `result`. Does not return, but for
 * an ordinary thread's own stack, which it cannot end: -1, EPERM. */
GMQ_GREEN_EXPORT int gmq_exit(void *result);

/* Waits until a thread has ended, at most until the deadline, and writes what its function
 * returned to *result, which may be NULL. Each thread that is not detached must be joined once, or
 * its result stays in memory. The two may belong to different ordinary threads. 0, or -1:
 *   ESRCH      there is no thread by this id, or it has been joined.
 *   EDEADLK    it is the caller, or waits for the caller.
 *   EINVAL     it is detached or an ordinary thread's own, or another thread is joining it.
 *   ETIMEDOUT  the deadline has passed; it can still be joined. */
GMQ_GREEN_EXPORT int gmq_join(int64_t thread, void **result, int64_t deadline);

/* Tells a thread to end: the call in which it waits, or else its next call that may wait, returns
 * -1 with ECANCELED, and so does each later one, until it has ended. Calls that do not wait (as
 * with ZMQ_DONTWAIT) go on as ever, and a call never gives up a message for it. May be called from
 * any thread. Of a thread that has ended and was not joined yet it does nothing. 0, or -1:
 * ESRCH. */
GMQ_GREEN_EXPORT int gmq_cancel(int64_t thread);

/* While shields are up, ECANCELED is held back from the calling thread, so that it can take its
 * leave in peace: gmq_shield(1) puts one up, gmq_shield(0) takes one down. 0, or -1: EINVAL: there
 * is none to take down. */
GMQ_GREEN_EXPORT int gmq_shield(int up);

/* Has run(arg) called when the calling green thread ends, whichever way; what was given last comes
 * first. It runs shielded and may wait. 0, or -1: EPERM: this is an ordinary thread's own stack;
 * EINVAL: run is NULL; ENOMEM. */
GMQ_GREEN_EXPORT int gmq_defer(void (*run)(void *arg), void *arg);

/* ---- groups ------------------------------------------------------------------------------- */

/* A group: green threads that are spawned into it, waited for and cancelled together. It belongs to
 * the ordinary thread that made it: in others its functions give EPERM. What is no group, or none
 * any more, gives EINVAL. If the green thread that made it ends, the group is closed. */
struct gmq_group;

/* Makes a group of which at most `limit` members run at once; 0: any number. NULL: ENOMEM. */
GMQ_GREEN_EXPORT struct gmq_group *gmq_group_new(size_t limit);

/* As gmq_spawn(), into a group; options->detached is not looked at: members are not joined one by
 * one. While there are as many members as the limit allows, it waits. Returns the thread's id, or
 * -1 as gmq_spawn(), and
 *   ECANCELED  the group was cancelled, or the calling thread. */
GMQ_GREEN_EXPORT int64_t gmq_group_spawn(struct gmq_group *group, void *(*run)(void *arg),
                                         void *arg, const struct gmq_thread_options *options);

/* Waits until all members have ended, at most until the deadline. 0, or -1: ETIMEDOUT; EDEADLK: the
 * calling thread is a member, or works in a group of one. */
GMQ_GREEN_EXPORT int gmq_group_wait(struct gmq_group *group, int64_t deadline);

/* Cancels all members as gmq_cancel() does; the group takes no more. 0, or -1. */
GMQ_GREEN_EXPORT int gmq_group_cancel(struct gmq_group *group);

/* Leaves a group: cancels its members, waits until every one of them has ended, and frees it. So
 * nothing of it runs on. It waits even if the calling thread is cancelled or its time is over.
 * 0, or -1: EDEADLK as with gmq_group_wait(). */
GMQ_GREEN_EXPORT int gmq_group_close(struct gmq_group *group);

/* ---- green-local storage ------------------------------------------------------------------ */

/* Makes a key under which every green thread keeps a value of its own, NULL at first. When a thread
 * ends, `destroy`, which may be NULL, gets its value if that is not NULL. Keys last as long as the
 * process. Returns the key, or -1: EAGAIN: there are 64. */
GMQ_GREEN_EXPORT int gmq_key(void (*destroy)(void *value));

/* Sets the calling thread's value. 0, or -1: EINVAL: no such key; ENOMEM. */
GMQ_GREEN_EXPORT int gmq_set(int key, void *value);

/* The calling thread's value; NULL also for no such key. */
GMQ_GREEN_EXPORT void *gmq_get(int key);

/* ---- time --------------------------------------------------------------------------------- */

/* Milliseconds of the monotonic clock; never 0 or less. */
GMQ_GREEN_EXPORT int64_t gmq_now(void);

/* A deadline scope, on the stack of who enters it. Its content is private. */
struct gmq_scope {
    void *outer;
    uint64_t until;
};

/* From here until gmq_scope_leave() no call of the calling thread waits beyond the deadline: it
 * returns -1 with ETIMEDOUT. A call's own timeout (as ZMQ_RCVTIMEO) counts too, when it is sooner.
 * Scopes nest; the soonest deadline counts. 0, or -1: EINVAL: scope is NULL. */
GMQ_GREEN_EXPORT int gmq_scope_enter(struct gmq_scope *scope, int64_t deadline);

/* Leaves the innermost scope. 1 when its deadline has passed, else 0; or -1: EINVAL: it is not the
 * innermost scope of the calling thread. */
GMQ_GREEN_EXPORT int gmq_scope_leave(struct gmq_scope *scope);

/* ---- descriptors -------------------------------------------------------------------------- */

/* Waits until a descriptor can be read (ZMQ_POLLIN), written (ZMQ_POLLOUT), or has urgent data
 * (ZMQ_POLLPRI), at most until the deadline. Several threads may wait for one descriptor. What is
 * broken or closed at the far end is ready for whatever was asked; files are always ready. Returns
 * which of the events there are, or -1:
 *   EINVAL     events is 0 or has others.
 *   EBADF      the descriptor is not open, or gmq_close() was called for it meanwhile.
 *   EMFILE     there is no descriptor left to wait with.
 *   ETIMEDOUT  the deadline has passed. */
GMQ_GREEN_EXPORT int gmq_wait_fd(int fd, int events, int64_t deadline);

/* Closes a descriptor for which green threads of the calling ordinary thread may be waiting: they
 * get EBADF. Returns and errno as close(2). (After a plain close() they wait on, as nobody tells
 * them.) */
GMQ_GREEN_EXPORT int gmq_close(int fd);

/* ---- signals ------------------------------------------------------------------------------ */

/* Waits until the process gets one of these signals, at most until the deadline. From the first
 * wait on these signals have no other effect, and give EINTR to nobody here: one that comes while
 * nobody waits for it is kept for the next wait. They must not be blocked in all threads. Returns
 * the signal's number, or -1:
 *   EINVAL     the set is empty, or has one that cannot be caught.
 *   EAGAIN     64 threads wait for signals.
 *   EMFILE     there is no descriptor left to wait with.
 *   ETIMEDOUT  the deadline has passed.
 * Declared where the system declares sigset_t: not in strict C without _POSIX_C_SOURCE. */
#if !defined __STRICT_ANSI__ || defined _POSIX_C_SOURCE || defined _GNU_SOURCE
GMQ_GREEN_EXPORT int gmq_wait_signal(const sigset_t *signals, int64_t deadline);

/* Gives signals back that were waited for: they have the effect again that they had before the
 * first wait, so that, say, a second Ctrl-C ends a program that takes long to end. Those that were
 * kept for the next wait are forgotten. 0, or -1: EINVAL: signals is NULL. */
GMQ_GREEN_EXPORT int gmq_release_signals(const sigset_t *signals);
#endif

/* ---- code that must block ----------------------------------------------------------------- */

/* Runs run(arg) in another ordinary thread, one of a small pool, and waits for it: for look-ups,
 * files, and libraries that know nothing of green threads. Once it has begun it is waited for,
 * whatever comes. *result, which may be NULL, gets what it returned. 0, or -1:
 *   EINVAL  run is NULL.
 *   EAGAIN  there is no thread in the pool, and none can be made.
 * and ECANCELED, ETIMEDOUT, EINTR only if it has not begun. */
GMQ_GREEN_EXPORT int gmq_offload(void *(*run)(void *arg), void *arg, void **result);

/* How many threads the pool has at most, for the whole process: from 1 to 1024, at first 8. 0, or
 * -1: EINVAL. */
GMQ_GREEN_EXPORT int gmq_offload_limit(int threads);

/* ---- in somebody else's loop -------------------------------------------------------------- */

/* A program that has a loop of its own (libuv, a toolkit, a poll) can let the green threads of that
 * ordinary thread live in it: it waits for the descriptor to become readable, and then calls
 * gmq_run(). Calls that wait may still be made in the loop's callbacks, and stop it meanwhile. */

/* The descriptor; the same each time. It may only be polled. -1: EMFILE, ENOMEM; EPERM: not called
 * on the ordinary thread's own stack. */
GMQ_GREEN_EXPORT int gmq_fd(void);

/* Runs the green threads that can run, each until it waits; if they go on for long, the descriptor
 * stays readable. 0, or -1: EPERM as above; ENOMEM. */
GMQ_GREEN_EXPORT int gmq_run(void);

/* ---- seeing ------------------------------------------------------------------------------- */

/* Who watches a program sees green threads: AddressSanitizer, ThreadSanitizer and Valgrind know
 * their stacks, gdb's bt ends where a thread began, and share/gdb/greenmq.py teaches gdb
 * `green list` and `green bt ID`, for those that do not run. */

/* Writes a list of all green threads of the process to a descriptor, a line for each: id, name,
 * state, the call that it waits in, for how many seconds, and how much of its stack has ever been
 * touched, in whole pages, by it or by those who had the same stack before. From any thread. 0, or
 * -1: ENOMEM, or as write(2). */
GMQ_GREEN_EXPORT int gmq_dump(int fd);

/* Sets the watchdog: when a green thread runs for `limit_ms` milliseconds without letting others
 * run, while there are others, `report` gets a text of some lines: the thread's name, how long, and
 * the calls that it is in. It is called in a thread of the watchdog's, once each time that happens;
 * NULL: the text goes to standard error. 100 is a good limit; 0 ends it. The calls are found out
 * with the signal SIGURG, which may cut short what a thread sleeps in. 0, or -1: EINVAL: the limit
 * is negative; EAGAIN: no thread can be made. */
GMQ_GREEN_EXPORT int gmq_watchdog(int limit_ms, void (*report)(const char *text, void *arg),
                                  void *arg);

#undef GMQ_GREEN_EXPORT

#ifdef __cplusplus
}
#endif

#endif
