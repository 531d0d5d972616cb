/* SPDX-License-Identifier: MIT */
/* The switch from one stack to another: some twenty instructions in switch.S, no system call. It
 * keeps what a function call must keep: the callee-saved registers and the modes of the floating
 * point units. */
#ifndef GREENMQ_GREEN_SWITCH_H
#define GREENMQ_GREEN_SWITCH_H

/* Leaves the present stack, so that it can be gone on with by what is written to *from, and goes
 * on with `to`. Returns when somebody switches to *from. */
void switch_stack(void **from, void *to);

/* Lets run(arg), which must not return, be gone on with on a fresh stack that ends at `top`.
 * Returns what to give switch_stack(). */
void *switch_prepare(void *top, void (*run)(void *arg), void *arg);

/* Where a fresh stack begins; for switch_prepare(). Debuggers see there that the stack ends. */
void switch_entry(void);

#endif
