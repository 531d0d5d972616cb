/* SPDX-License-Identifier: MIT */
/* The switch of stacks, and where a fresh stack begins: see switch.h. The layout is that of
 * struct frame in switch.c.
 *
 * What is said for unwinding (.cfi) is true at each instruction, for the watchdog's signal may come
 * at any of them, and its handler goes back through all calls. */
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
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    /* Both are slow to load, and nearly always the same on both sides. */
    movl (%rsp), %eax
    movzwl 4(%rsp), %ecx
    /* From here on the same is said of the other stack, which lies there alike. */
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
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
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
    .cfi_def_cfa_offset 160
    stp x19, x20, [sp, #0]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    stp x21, x22, [sp, #16]
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    stp x23, x24, [sp, #32]
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    stp x25, x26, [sp, #48]
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    stp x27, x28, [sp, #64]
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    stp x29, x30, [sp, #80]
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp d8, d9, [sp, #96]
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 104
    stp d10, d11, [sp, #112]
    .cfi_rel_offset d10, 112
    .cfi_rel_offset d11, 120
    stp d12, d13, [sp, #128]
    .cfi_rel_offset d12, 128
    .cfi_rel_offset d13, 136
    stp d14, d15, [sp, #144]
    .cfi_rel_offset d14, 144
    .cfi_rel_offset d15, 152
    mov x2, sp
    str x2, [x0]
    /* From here on the same is said of the other stack, which lies there alike. */
    mov sp, x1
    ldp x19, x20, [sp, #0]
    .cfi_restore x19
    .cfi_restore x20
    ldp x21, x22, [sp, #16]
    .cfi_restore x21
    .cfi_restore x22
    ldp x23, x24, [sp, #32]
    .cfi_restore x23
    .cfi_restore x24
    ldp x25, x26, [sp, #48]
    .cfi_restore x25
    .cfi_restore x26
    ldp x27, x28, [sp, #64]
    .cfi_restore x27
    .cfi_restore x28
    ldp x29, x30, [sp, #80]
    .cfi_restore x29
    .cfi_restore x30
    ldp d8, d9, [sp, #96]
    .cfi_restore d8
    .cfi_restore d9
    ldp d10, d11, [sp, #112]
    .cfi_restore d10
    .cfi_restore d11
    ldp d12, d13, [sp, #128]
    .cfi_restore d12
    .cfi_restore d13
    ldp d14, d15, [sp, #144]
    .cfi_restore d14
    .cfi_restore d15
    add sp, sp, #160
    .cfi_def_cfa_offset 0
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
