/* SPDX-License-Identifier: MIT */
/* The switch of stacks, and where a fresh stack begins: see switch.h. The layout is that of
 * struct frame in switch.c. */
#if defined __APPLE__
#define NAME(name) _##name
#define HIDDEN(name) .private_extern NAME(name)
#define TYPE(name)
#define END(name)
#else
#define NAME(name) name
#define HIDDEN(name) .hidden name
#define TYPE(name) .type name, %function
#define END(name) .size name, . - name
#endif

    .text

#if defined __x86_64__

    .globl NAME(switch_stack)
    HIDDEN(switch_stack)
    TYPE(switch_stack)
    .p2align 4
NAME(switch_stack):
    .cfi_startproc
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    /* Both are slow to load, and nearly always the same on both sides. */
    movl (%rsp), %eax
    movzwl 4(%rsp), %ecx
    movq %rsi, %rsp
    cmpl (%rsp), %eax
    jne 1f
    cmpw 4(%rsp), %cx
    je 2f
1:
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
2:
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    /* Nearly all switches are made at one place, so the processor guesses right where this goes,
     * and where the calls around it return to. */
    ret
    .cfi_endproc
    END(switch_stack)

    .globl NAME(switch_entry)
    HIDDEN(switch_entry)
    TYPE(switch_entry)
    .p2align 4
NAME(switch_entry):
    .cfi_startproc
    .cfi_undefined %rip
    movq %r12, %rdi
    callq *%r13
    ud2
    .cfi_endproc
    END(switch_entry)

#elif defined __aarch64__

    .globl NAME(switch_stack)
    HIDDEN(switch_stack)
    TYPE(switch_stack)
    .p2align 4
NAME(switch_stack):
    .cfi_startproc
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x2, sp
    str x2, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .cfi_endproc
    END(switch_stack)

    .globl NAME(switch_entry)
    HIDDEN(switch_entry)
    TYPE(switch_entry)
    .p2align 4
NAME(switch_entry):
    .cfi_startproc
    .cfi_undefined x30
    mov x0, x20
    blr x19
    brk #1
    .cfi_endproc
    END(switch_entry)

#endif

#if defined __linux__ && defined __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
