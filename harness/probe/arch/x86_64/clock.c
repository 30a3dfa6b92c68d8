// SPDX-License-Identifier: BSD-3-Clause
/* The frequency of the time stamp counter: told by the hypervisor, or measured against the i8254. */
#include "harness/probe/arch/x86_64/x86.h"

#define PIT_HZ 1193182u

/* KVM's clock page: how it makes nanoseconds of ticks. */
struct kvm_clock {
	u32 version, pad;
	u64 tsc, ns;
	u32 mul;
	signed char shift;
	u8 flags, pad2[2];
};

#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01

static u64 hz_of_kvm(u32 base)
{
	static volatile struct kvm_clock page __attribute__((aligned(64)));
	u32 a, b, c, d;
	u64 hz;

	cpuid(base + 1, &a, &b, &c, &d);
	if (!(a & 1u << 3)) /* KVM_FEATURE_CLOCKSOURCE2 */
		return 0;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (u64)&page | 1);
	if (!page.mul)
		return 0;
	hz = (1000000000ull << 32) / page.mul;
	hz = page.shift < 0 ? hz << -page.shift : hz >> page.shift;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	return hz;
}

static u64 hz_told(void)
{
	u32 max, b, c, d, khz;

	cpuid(1, &max, &b, &c, &d);
	if (!(c & 1u << 31))
		return 0; /* no hypervisor */
	cpuid(0x40000000, &max, &b, &c, &d);
	if (max >= 0x40000010 && max < 0x40010000) {
		u32 bus, e, f;

		cpuid(0x40000010, &khz, &bus, &e, &f);
		if (khz)
			return (u64)khz * 1000;
	}
	if (b == 0x4b4d564b && c == 0x564b4d56 && d == 0x4d) /* "KVMKVMKVM" */
		return hz_of_kvm(0x40000000);
	return x86_xen_hz();
}

/* The counter and the timer at one moment, and how far apart the two reads can be. */
struct moment {
	u64 ticks, width;
	u16 pit;
};

static u16 pit_read(void)
{
	u16 v;

	outb(0x43, 0x00); /* latch channel 0 */
	v = inb(0x40);
	return (u16)(v | inb(0x40) << 8);
}

static struct moment moment_now(unsigned tries)
{
	struct moment best = { .width = ~0ull };

	while (tries--) {
		const u64 before = clock_counter_start();
		const u16 pit = pit_read();
		const u64 width = clock_counter_start() - before;

		if (width < best.width)
			best = (struct moment){ before + width / 2, width, pit };
	}
	return best;
}

/* Channel 0 counts down from 65536 and over again: 55 ms. Its interrupt is masked. */
static u64 measure(unsigned ms, u32 *error_ppm, u64 *least)
{
	const u16 span = (u16)(PIT_HZ * MIN(ms, 40u) / 1000);
	u64 ticks, last, gap = 0;
	struct moment a, b;
	u16 counted;

	outb(0x43, 0x34); /* channel 0, both bytes, rate generator */
	outb(0x40, 0);
	outb(0x40, 0);
	pit_read();
	a = moment_now(8);
	if (pit_read() == a.pit && pit_read() == a.pit && pit_read() == a.pit)
		return 0; /* nothing there counts */
	last = a.ticks;
	do {
		b = moment_now(1);
		gap = MAX(gap, b.ticks - last);
		last = b.ticks;
	} while ((u16)(a.pit - b.pit) < span && b.ticks - a.ticks < 1ull << 36);
	b = moment_now(8);
	gap = MAX(gap, b.ticks - last);
	counted = (u16)(a.pit - b.pit);
	ticks = b.ticks - a.ticks;
	/* Being held up only ever adds ticks. */
	if (counted >= span)
		*least = MIN(*least, ticks * PIT_HZ / counted);
	/*
	 * Held up for so long that the timer may have gone round: then the counter went on a lot between
	 * two reads, which otherwise are microseconds apart; and 8 reads take no 10 ms.
	 */
	if (gap > ticks / 8 || counted < span || counted > span + PIT_HZ / 100)
		return 0;
	*error_ppm = (u32)MIN(
		((a.width + b.width) / 2 * counted / ticks + 2) * 1000000 / counted + 1, 1000000u);
	return ticks * PIT_HZ / counted;
}

/* Emulated processors may have no RDTSCP: then a fence on both sides has to do for both ends. */
static u64 read_fenced(void)
{
	return clock_counter_start();
}

static bool has_rdtscp(void)
{
	u32 a, b, c, d;

	cpuid(0x80000001, &a, &b, &c, &d);
	return d >> 27 & 1;
}

void arch_clock_init(struct clock *c)
{
	if (!has_rdtscp())
		c->read = read_fenced;
}

/*
 * Two that agree: each is right unless the machine was held up often, and then they differ. A machine
 * that shares its processors may need many tries. When it has none in peace, the least of all is near
 * enough for deadlines, and the error says that it is no more.
 */
static u64 measure_twice(unsigned ms, u32 *error_ppm)
{
	u64 before = 0, least = ~0ull;

	for (unsigned tries = 64; tries--;) {
		const u64 hz = measure(ms, error_ppm, &least);

		if (hz && before && MAX(hz, before) - MIN(hz, before) < hz / 100)
			return hz;
		if (hz)
			before = hz;
	}
	*error_ppm = 100000;
	return least == ~0ull ? 0 : least;
}

bool arch_calibrate(struct clock *c, unsigned ms)
{
	u32 error_ppm = 1;
	u64 hz = hz_told();

	if (c->hz && !c->error_ppm)
		return true; /* told on the command line */
	if (!hz)
		hz = measure_twice(ms, &error_ppm);
	/* A rough one does not take the place of one that is good. */
	if (!hz || (c->hz && error_ppm > c->error_ppm))
		return c->hz != 0;
	*c = clock_of_counter(hz);
	c->error_ppm = error_ppm;
	arch_clock_init(c);
	return true;
}
