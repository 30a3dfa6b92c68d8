/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * riscv64: control and status registers, firmware calls, interrupts.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_ARCH_RISCV64_RISCV64_H
#define HARNESS_PROBE_ARCH_RISCV64_RISCV64_H

#include "harness/probe/guest/tree.h"

#define csr_read(csr)                                                                              \
	({                                                                                         \
		u64 v_;                                                                            \
		__asm__ volatile("csrr %0, " #csr : "=r"(v_)::"memory");                           \
		v_;                                                                                \
	})
#define csr_write(csr, v) __asm__ volatile("csrw " #csr ", %0" ::"r"((u64)(v)) : "memory")
#define csr_set(csr, v)	  __asm__ volatile("csrs " #csr ", %0" ::"r"((u64)(v)) : "memory")
#define csr_clear(csr, v) __asm__ volatile("csrc " #csr ", %0" ::"r"((u64)(v)) : "memory")
#define csr_swap(csr, v)                                                                           \
	({                                                                                         \
		u64 v_ = (v);                                                                      \
		__asm__ volatile("csrrw %0, " #csr ", %0" : "+r"(v_)::"memory");                   \
		v_;                                                                                \
	})

#define SSTATUS_SIE  (1u << 1)
#define SIE_TIMER    (1u << 5)
#define SIE_EXTERNAL (1u << 9)

static inline u32 mmio_read32(u64 addr)
{
	return *(volatile u32 *)(uintptr_t)addr;
}

static inline void mmio_write32(u64 addr, u32 v)
{
	*(volatile u32 *)(uintptr_t)addr = v;
}

struct sbi_result {
	long error;
	u64 value;
};

#define SBI_BASE    0x10u
#define SBI_TIME    0x54494d45u
#define SBI_RESET   0x53525354u
#define SBI_DBCN    0x4442434eu
#define SBI_PUTCHAR 0x01u

struct sbi_result sbi_call(u64 extension, u64 function, u64 a0, u64 a1, u64 a2);

/* As start.S has saved it: x[0] is the program counter. */
struct riscv64_frame {
	u64 x[32];
};

/* Find the interrupt controller: PLIC, or IMSIC. */
void riscv64_irq_init(const struct fdt *t);
void riscv64_external(void);

void riscv64_start(u64 hart, const void *tree) __attribute__((noreturn));
void riscv64_trap(struct riscv64_frame *f);

#endif
