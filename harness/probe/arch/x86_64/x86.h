/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * x86_64: ports, model-specific registers, interrupts.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_ARCH_X86_64_X86_H
#define HARNESS_PROBE_ARCH_X86_64_X86_H

#include "harness/probe/guest/guest.h"

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u16 inw(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u32 inl(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"a"((u32)v), "d"((u32)(v >> 32)), "c"(msr) : "memory");
}

static inline void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}

/* What a stub has pushed, and what the processor had before. */
struct x86_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* Exceptions are reported, interrupts are off. */
void x86_trap_init(void);
/* The local APIC on, the old controllers masked. */
void x86_apic_init(void);
/* From an interrupt's stub: true when it was one of ours. */
bool x86_apic_interrupt(u64 vector);

/* --- xen.c: all of it does nothing elsewhere ---------------------------------------------------------- */

#define X86_VECTOR_XEN 0x22
/* The counter's rate, when Xen tells it; 0: it does not. */
u64 x86_xen_hz(void);
/* Interrupts of the one device come by the event channel that "xen.upcall=PORT" names. */
bool x86_xen_line(void (*to)(void *arg), void *with);
void x86_xen_interrupt(void);
/* Add to the counter what stands at the address that "xen.counter=ADDRESS" names. */
void x86_xen_counter(void);
/*
 * All of RAM is granted to dom0, page n by the reference N + n, where "xen.grants=N" says so: what devices are
 * given then are addresses of grants.
 */
void x86_xen_grants(void);

/* 'QEMU' answers at the fw_cfg ports. */
bool x86_fw_cfg_present(void);
/* RAM below 4 GiB by fw_cfg; 0: not told. */
u64 x86_fw_cfg_ram(void);

void x86_start(u32 magic, u32 info) __attribute__((noreturn));
void x86_trap(struct x86_frame *f);

#endif
