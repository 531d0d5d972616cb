/* SPDX-License-Identifier: MIT */
/*
 * meter: reading clocks and /proc, writing JSON.
 *
 * The broker's processor time comes from the system's own clock of that process
 * (clock_getcpuclockid), which counts nanoseconds where /proc/PID/stat counts hundredths of a
 * second. Memory is Rss of smaps_rollup, which is exact where VmRSS is rounded per processor.
 * A broker that is gone makes either of them end the process with a sentence.
 */
#include "meter.h"

#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        load_fail("cannot read a clock: %s", strerror(errno));
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t meter_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void meter_sleep_ms(unsigned ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

void meter_read(struct meter_mark *mark, pid_t broker)
{
    mark->broker_ns = 0;
    if (broker != 0) {
        clockid_t clock;
        if (clock_getcpuclockid(broker, &clock) != 0)
            load_fail("the broker has ended");
        mark->broker_ns = read_clock(clock);
    }
    mark->own_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    mark->time_ns = meter_now_ns();
}

uint64_t meter_memory_bytes(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        load_fail("cannot read the broker's memory: %s", strerror(errno));
    static const char field[] = "Rss:";
    char line[256];
    unsigned long kib = 0;
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, sizeof field - 1) == 0)
            kib = strtoul(line + sizeof field - 1, NULL, 10);
    fclose(file);
    if (kib == 0)
        load_fail("the broker has ended");
    return (uint64_t)kib * 1024;
}

void meter_print(const struct meter_mark *from, const struct meter_mark *to)
{
    uint64_t count = to->count - from->count;
    double seconds = (double)(to->time_ns - from->time_ns) / 1e9;
    printf("\"messages\":%llu,\"seconds\":%.6f,\"rate\":%.3f", (unsigned long long)count, seconds,
           (double)count / seconds);
    printf(",\"broker_cpu\":%.9f,\"load_cpu\":%.9f",
           (double)(to->broker_ns - from->broker_ns) / 1e9,
           (double)(to->own_ns - from->own_ns) / 1e9);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void meter_print_percentiles(uint32_t *samples_ns, uint64_t count)
{
    static const int percents[] = {50, 90, 99};
    if (count == 0)
        return;
    qsort(samples_ns, count, sizeof *samples_ns, by_size);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        uint32_t sample = samples_ns[(count - 1) * (uint64_t)percents[i] / 100];
        printf(",\"p%d_us\":%.3f", percents[i], sample / 1e3);
    }
}
