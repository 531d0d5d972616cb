/* SPDX-License-Identifier: MIT */
/* The books of a device in words for people: a table at the end, a line now and then. */
#ifndef APP_REPORT_H_INCLUDED
#define APP_REPORT_H_INCLUDED

#include <greenmq/greenmq.h>

#include <stdbool.h>
#include <stdint.h>

/* Reads a device's account; one of zeros when it cannot be read. */
struct gmq_account report_read(struct gmq_device *device);

/* The messages dropped, for all reasons. */
uint64_t report_dropped(const struct gmq_flow *flow);

/* True when messages, parts and bytes of all directions add up. */
bool report_balances(const struct gmq_account *account);

/* Prints the table to stdout. name: who speaks; type decides which directions are worth a line. */
void report_account(const char *name, enum gmq_device_type type, const struct gmq_account *account);

/* Prints one line to stdout: the rates since `before`, `elapsed_s` seconds ago, and the totals. */
void report_stats(const char *name, enum gmq_device_type type, const struct gmq_account *before,
                  const struct gmq_account *now, double elapsed_s);

#endif
