/* SPDX-License-Identifier: MIT */
/* Green-local storage: see local.h. Keys are given once and never taken back; a thread's table of
 * values is made with its first one. */
#include "green/local.h"

#include "base/fork.h"

#include <errno.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static void (*destroyers[LOCAL_KEYS])(void *value);
static _Atomic int key_count;

int local_key(void (*destroy)(void *value))
{
    pthread_mutex_lock(&lock);
    int key = key_count < LOCAL_KEYS ? key_count : -EAGAIN;
    if (key >= 0) {
        destroyers[key] = destroy;
        key_count++;
    }
    pthread_mutex_unlock(&lock);
    return key;
}

int local_set(struct thread *thread, int key, void *value)
{
    if (key < 0 || key >= key_count)
        return -EINVAL;
    if (!thread->locals && !(thread->locals = calloc(LOCAL_KEYS, sizeof *thread->locals)))
        return -ENOMEM;
    thread->locals[key] = value;
    return 0;
}

void *local_get(const struct thread *thread, int key)
{
    if (key < 0 || key >= LOCAL_KEYS || !thread->locals)
        return NULL;
    return thread->locals[key];
}

/* A destroyer may set values again; a few rounds, as POSIX does it. */
void local_term(struct thread *thread)
{
    enum { ROUNDS = 4 };
    if (!thread->locals)
        return;
    for (int round = 0, found = 1; round < ROUNDS && found; round++) {
        found = 0;
        for (int key = 0; key < LOCAL_KEYS; key++) {
            void *value = thread->locals[key];
            thread->locals[key] = NULL;
            if (!value || !destroyers[key])
                continue;
            destroyers[key](value);
            found = 1;
        }
    }
    free(thread->locals);
    thread->locals = NULL;
}
