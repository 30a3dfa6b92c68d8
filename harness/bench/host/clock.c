// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define NS_PER_S 1000000000ull

static u64 raw_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
}

void clock_use_gettime(struct clock *c)
{
	*c = (struct clock){
		.read = raw_ns,
		.mult = 1ull << 32,
		.hz = NS_PER_S,
		.error_ppm = 1,
		.source = "clock_gettime",
	};
}

#if defined(__x86_64__)
/* The kernel watches its clock source and drops the TSC when it drifts. */
static bool kernel_trusts_tsc(void)
{
	char name[32] = "";
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");

	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return strcmp(name, "tsc\n") == 0;
}

bool clock_counter_invariant(void)
{
	u32 eax, ebx, ecx, edx;

	if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1u << 8)
		return true;
	/* Hypervisors often hide the bit of a TSC that is fine. */
	return kernel_trusts_tsc();
}
#else
/* The generic timer and rdtime are invariant by architecture. */
bool clock_counter_invariant(void)
{
	return true;
}
#endif

/* The counter and the kernel's clock at one moment, and how far apart the two reads can be. */
struct moment {
	u64 ticks;
	u64 ns;
	u64 width; /* ticks */
};

static struct moment moment_now(void)
{
	struct moment best = { .width = UINT64_MAX };

	for (int i = 0; i < 32; i++) {
		u64 before = clock_counter_start();
		u64 ns = raw_ns();
		u64 width = clock_counter_stop() - before;

		if (width < best.width)
			best = (struct moment){ before + width / 2, ns, width };
	}
	return best;
}

static bool calibrate_once(struct clock *c)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct moment a, b;
	u64 ticks, ns, slack;

	a = moment_now();
	nanosleep(&pause, NULL);
	b = moment_now();
	ticks = b.ticks - a.ticks;
	ns = b.ns - a.ns;
	if (b.ticks <= a.ticks || b.ns <= a.ns || ticks < 1000)
		return false;
	*c = clock_of_counter((u64)((unsigned __int128)ticks * NS_PER_S / ns));
	/* Each end is known to half its bracket and to the clock's last digit. */
	slack = (a.width + b.width) / 2 + 2 * (ticks / ns + 1);
	c->error_ppm = (u32)MIN(slack * 1000000 / ticks + 1, 1000000u);
	return true;
}

void clock_calibrate(struct clock *c)
{
	struct clock best = { .error_ppm = UINT32_MAX };

	if (!clock_counter_invariant()) {
		clock_use_gettime(c);
		return;
	}
	/* A bound above 50 ppm means that a bracket was interrupted 32 times: try again. */
	for (int i = 0; i < 5 && best.error_ppm > 50; i++) {
		struct clock try;

		if (calibrate_once(&try) && try.error_ppm < best.error_ppm)
			best = try;
	}
	if (best.error_ppm > 1000)
		clock_use_gettime(c);
	else
		*c = best;
}

u64 clock_overhead_ns(const struct clock *c)
{
	u64 best = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		u64 start = clock_start(c);
		u64 ticks = clock_stop(c) - start;

		best = MIN(best, ticks);
	}
	return clock_ns(c, best);
}
