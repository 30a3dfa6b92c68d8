// SPDX-License-Identifier: BSD-3-Clause
/* Interrupts: messages to the local APIC, lines of virtio-mmio windows through I/O APICs. */
#include "harness/probe/arch/x86_64/x86.h"

#define LAPIC	    0xfee00000ull
#define LAPIC_ID    0x020
#define LAPIC_EOI   0x0b0
#define LAPIC_SVR   0x0f0
#define LAPIC_TIMER 0x320
#define LAPIC_INIT  0x380
#define LAPIC_COUNT 0x390
#define LAPIC_DIV   0x3e0

#define IOAPIC_FIRST  0xfec00000ull
#define IOAPIC_SECOND 0xfec10000ull /* microvm with ACPI */
#define IOAPIC_PINS   24

#define VECTOR_TIMER	0x20
#define VECTOR_LINE	0x21
#define VECTOR_MSI	0x30
#define VECTORS_MSI	(0xf0 - VECTOR_MSI)
#define VECTOR_SPURIOUS 0xff

static u32 *flags[VECTORS_MSI];
static void (*line_handler)(void *arg);
static void *line_arg;

static u32 lapic_read(u32 offset)
{
	return *(volatile u32 *)(LAPIC + offset);
}

static void lapic_write(u32 offset, u32 v)
{
	*(volatile u32 *)(LAPIC + offset) = v;
}

void x86_apic_init(void)
{
	outb(0x21, 0xff); /* 8259: everything masked */
	outb(0xa1, 0xff);
	/* In its usual place, by memory accesses rather than by model-specific registers. */
	wrmsr(0x1b, (rdmsr(0x1b) & 0x1ff & ~0x400ull) | LAPIC | 0x800);
	lapic_write(LAPIC_SVR, 0x100 | VECTOR_SPURIOUS);
	lapic_write(LAPIC_DIV, 0x3); /* by 16 */
	lapic_write(LAPIC_TIMER, VECTOR_TIMER);
	__asm__ volatile("sti");
}

/* Under Xen, lines are messages to us, which come whether anybody asked for them or not. */
static void take_line(void)
{
	if (line_handler)
		line_handler(line_arg);
}

bool x86_apic_interrupt(u64 vector)
{
	if (vector == VECTOR_SPURIOUS)
		return true;
	if (vector == X86_VECTOR_XEN) {
		x86_xen_interrupt(); /* not by way of the APIC: nothing is to be acknowledged there */
		return true;
	}
	if (vector >= VECTOR_MSI && vector < VECTOR_MSI + VECTORS_MSI && flags[vector - VECTOR_MSI])
		__atomic_store_n(flags[vector - VECTOR_MSI], 1, __ATOMIC_RELEASE);
	else if (vector == VECTOR_LINE && (line_handler || x86_xen_hz()))
		take_line();
	else if (vector != VECTOR_TIMER)
		return false;
	lapic_write(LAPIC_EOI, 0);
	return true;
}

bool arch_msi(unsigned i, u32 *flag, struct gpa *addr, u32 *data)
{
	if (i >= VECTORS_MSI)
		return false;
	flags[i] = flag;
	addr->v = LAPIC | (lapic_read(LAPIC_ID) >> 24) << 12;
	*data = VECTOR_MSI + i;
	return true;
}

static void ioapic_write(u64 base, u32 reg, u32 v)
{
	*(volatile u32 *)base = reg;
	*(volatile u32 *)(base + 0x10) = v;
}

bool arch_line(int line, void (*handler)(void *arg), void *arg)
{
	const u64 base = line < IOAPIC_PINS ? IOAPIC_FIRST : IOAPIC_SECOND;
	const u32 pin = (u32)line % IOAPIC_PINS;

	if (x86_xen_line(handler, arg))
		return true;
	if (line < 0 || line >= 2 * IOAPIC_PINS)
		return false;
	line_handler = handler;
	line_arg = arg;
	/* Edge: the handler takes what the device has to say, which lets the line fall. */
	ioapic_write(base, 0x10 + 2 * pin + 1, lapic_read(LAPIC_ID) & 0xff000000);
	ioapic_write(base, 0x10 + 2 * pin, VECTOR_LINE);
	return true;
}

/* Ticks of the APIC's timer in about a millisecond, by the counter. */
static u32 timer_per_ms(void)
{
	static u32 rate;
	const u64 span = clock_ticks(&machine.clock, 1000000);
	u64 start;

	if (rate)
		return rate;
	lapic_write(LAPIC_INIT, 0xffffffff);
	start = clock_counter_start();
	while (clock_counter_start() - start < span)
		arch_relax();
	rate = MAX(0xffffffffu - lapic_read(LAPIC_COUNT), 1u);
	lapic_write(LAPIC_INIT, 0);
	return rate;
}

bool arch_sleep(u32 *flag, u64 deadline)
{
	const u64 now = clock_counter_start();
	const u64 ns = deadline > now ? clock_ns(&machine.clock, deadline - now) : 0;
	const u64 timer = (u64)timer_per_ms() * (ns / 1000) / 1000;

	/* Interrupts wait until the processor does: none falls between the look and the sleep. */
	__asm__ volatile("cli");
	if (ns && !__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		lapic_write(LAPIC_INIT, (u32)MIN(MAX(timer, 1u), 0xffffffffu));
		__asm__ volatile("sti\n\thlt" ::: "memory");
		lapic_write(LAPIC_INIT, 0);
	}
	__asm__ volatile("sti" ::: "memory");
	return __atomic_exchange_n(flag, 0, __ATOMIC_ACQ_REL) != 0;
}
