/* SPDX-License-Identifier: MIT */
/*
 * meter: clocks, the broker's processor time and memory, percentiles.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

/* What the clocks and a counter said at one moment. */
struct meter_mark {
    uint64_t time_ns;
    uint64_t broker_ns; /* processor time, user and system, all threads */
    uint64_t own_ns;    /* the generator's own */
    uint64_t count;
};

uint64_t meter_now_ns(void);

/* Sleeps through signals. */
void meter_sleep_ms(unsigned ms);

/* Reads the clocks, the wall's last: the caller reads the counter right after it into `count`.
 * `broker` 0 leaves broker_ns at 0. */
void meter_read(struct meter_mark *mark, pid_t broker);

/* Resident memory of a process in bytes, exact. */
uint64_t meter_memory_bytes(pid_t pid);

/* Prints `"messages":…,"seconds":…,"rate":…,"broker_cpu":…,"load_cpu":…` for JSON. */
void meter_print(const struct meter_mark *from, const struct meter_mark *to);

/* Sorts `samples` and prints `,"p50_us":…,"p90_us":…,"p99_us":…`; nothing without samples. */
void meter_print_percentiles(uint32_t *samples_ns, uint64_t count);

#endif
