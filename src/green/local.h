/* SPDX-License-Identifier: MIT */
/* Green-local storage: a value of its own for each green thread under each key. */
#ifndef GREENMQ_GREEN_LOCAL_H
#define GREENMQ_GREEN_LOCAL_H

#include "green/thread.h"

enum { LOCAL_KEYS = 64 };

/* A new key; -EAGAIN when all are taken. From any ordinary thread. */
int local_key(void (*destroy)(void *value));

/* 0, -EINVAL for no key, -ENOMEM. */
int local_set(struct thread *thread, int key, void *value);
void *local_get(const struct thread *thread, int key);

/* The calling thread ends: destroys its values. */
void local_term(struct thread *thread);

#endif
