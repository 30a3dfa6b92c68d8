/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the BPF programs know of the kernel's own structures: those members that they read, and no more. Where they
 * really are is looked up in the running kernel's BTF when the programs are loaded.
 */
#ifndef TRACES_BPF_KERNEL_H
#define TRACES_BPF_KERNEL_H

#include "traces/bpf/event.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
	unsigned int __state; /* since Linux 5.14 */
	int pid;
	int tgid;
	char comm[KERNEL_NAME];
};

struct task_struct___before_5_14 {
	long state;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, ax;
};
#define CALL_ARGUMENT(regs) ((regs)->di)
#define ARGUMENT_1(regs)    ((regs)->di)
#define ARGUMENT_2(regs)    ((regs)->si)
#define ARGUMENT_3(regs)    ((regs)->dx)
#define RETURNED(regs)	    ((regs)->ax)
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
};
#define CALL_ARGUMENT(regs) (((const struct user_pt_regs *)(regs))->regs[0])
#define ARGUMENT_1(regs)    (((const struct user_pt_regs *)(regs))->regs[0])
#define ARGUMENT_2(regs)    (((const struct user_pt_regs *)(regs))->regs[1])
#define ARGUMENT_3(regs)    (((const struct user_pt_regs *)(regs))->regs[2])
#define RETURNED(regs)	    (((const struct user_pt_regs *)(regs))->regs[0])
#elif defined(__TARGET_ARCH_riscv)
struct pt_regs {
	unsigned long orig_a0, a0, a1, a2;
};
#define CALL_ARGUMENT(regs) ((regs)->orig_a0)
#define ARGUMENT_1(regs)    ((regs)->a0)
#define ARGUMENT_2(regs)    ((regs)->a1)
#define ARGUMENT_3(regs)    ((regs)->a2)
#define RETURNED(regs)	    ((regs)->a0)
#endif

struct io_kiocb {
	u8 opcode;
};

#pragma clang attribute pop

#endif
