/* SPDX-License-Identifier: MIT */
/* What a fresh stack looks like before its first switch: see switch.h. It is laid out as
 * switch.S would have left it. */
#include "green/switch.h"

#include <stdint.h>
#include <string.h>

#if defined __x86_64__

/* From low to high, as switch_stack() takes them off: the modes, six registers, where to go. */
struct frame {
    uint32_t mxcsr;
    uint16_t x87, unused;
    void *r15, *r14, *r13, *r12, *rbx, *rbp, *go;
};

static void fill(struct frame *frame, void (*run)(void *arg), void *arg)
{
    __asm__ volatile("stmxcsr %0" : "=m"(frame->mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(frame->x87));
    memcpy(&frame->r13, &run, sizeof run);
    frame->r12 = arg;
    void (*entry)(void) = switch_entry;
    memcpy(&frame->go, &entry, sizeof entry);
}

#elif defined __aarch64__

/* x19 to x28, the frame pointer, where to go, d8 to d15. */
struct frame {
    void *x19, *x20, *x[8], *fp, *go;
    double d[8];
};

static void fill(struct frame *frame, void (*run)(void *arg), void *arg)
{
    memcpy(&frame->x19, &run, sizeof run);
    frame->x20 = arg;
    void (*entry)(void) = switch_entry;
    memcpy(&frame->go, &entry, sizeof entry);
}

#else
#error "green threads need a switch for this processor: see green/switch.S"
#endif

void *switch_prepare(void *top, void (*run)(void *arg), void *arg)
{
    /* switch_entry() is reached with the stack aligned to 16. */
    uintptr_t end = (uintptr_t)top & ~(uintptr_t)15;
    struct frame *frame = (struct frame *)(end - sizeof *frame);
    memset(frame, 0, sizeof *frame);
    fill(frame, run, arg);
    return frame;
}
