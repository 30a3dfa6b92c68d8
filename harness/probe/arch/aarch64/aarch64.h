/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aarch64: system registers, interrupts.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_ARCH_AARCH64_AARCH64_H
#define HARNESS_PROBE_ARCH_AARCH64_AARCH64_H

#include "harness/probe/guest/tree.h"

#define sysreg_read(name)                                                                          \
	({                                                                                         \
		u64 v_;                                                                            \
		__asm__ volatile("mrs %0, " #name : "=r"(v_)::"memory");                           \
		v_;                                                                                \
	})
#define sysreg_write(name, v) __asm__ volatile("msr " #name ", %0" ::"r"((u64)(v)) : "memory")
#define isb()		      __asm__ volatile("isb" ::: "memory")
#define dsb()		      __asm__ volatile("dsb sy" ::: "memory")

static inline u32 mmio_read32(u64 addr)
{
	return *(volatile u32 *)(uintptr_t)addr;
}

static inline void mmio_write32(u64 addr, u32 v)
{
	*(volatile u32 *)(uintptr_t)addr = v;
}

/* As start.S has saved it. */
struct aarch64_frame {
	u64 x[31];
	u64 elr, spsr;
};

/* Caches and memory attributes: RAM is cached, all else is devices. */
void aarch64_mmu_on(void);

/* Find the interrupt controller and switch it on; without one there are no interrupts. */
void aarch64_gic_init(const struct fdt *t);
/* Take what is pending. */
void aarch64_gic_interrupt(void);

/* GICv3's translation service: messages as LPIs. */
bool aarch64_its_init(const struct fdt *t, u64 redistributor);
bool aarch64_its_message(unsigned i, struct gpa *addr, u32 *data);
#define LPI_FIRST 8192u
#define LPIS	  192u

void aarch64_start(const void *tree) __attribute__((noreturn));
void aarch64_trap(u64 kind, struct aarch64_frame *f);

#endif
