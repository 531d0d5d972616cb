/* SPDX-License-Identifier: MIT */
/* Atomic counters of the public API. They wrap around as an int does on paper; a counter that is
 * NULL counts nothing and reads as 0. */
#include <greenmq/zmq.h>

#include <stdatomic.h>
#include <stdlib.h>

struct counter {
    atomic_int value;
};

void *zmq_atomic_counter_new(void)
{
    return calloc(1, sizeof(struct counter));
}

void zmq_atomic_counter_set(void *counter, int value)
{
    if (counter)
        atomic_store(&((struct counter *)counter)->value, value);
}

int zmq_atomic_counter_inc(void *counter)
{
    return counter ? atomic_fetch_add(&((struct counter *)counter)->value, 1) : 0;
}

int zmq_atomic_counter_dec(void *counter)
{
    return counter && atomic_fetch_sub(&((struct counter *)counter)->value, 1) != 1;
}

int zmq_atomic_counter_value(void *counter)
{
    return counter ? atomic_load(&((struct counter *)counter)->value) : 0;
}

void zmq_atomic_counter_destroy(void **counter_p)
{
    if (!counter_p)
        return;
    free(*counter_p);
    *counter_p = NULL;
}
