// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the machine charges for single things, whatever device is behind: the clock itself, an exit, an access
 * that user space answers, an event, an interrupt. Beside these a request's cost is seen.
 */
#include "harness/probe/guest/out.h"
#include "harness/probe/guest/run.h"

static u64 samples[CALIBRATE_SAMPLES];
static const struct calibrate_job *cal;
static u32 seen; /* interrupts */
static u64 seen_at;

static void sort(u32 n)
{
	for (u32 i = 1; i < n; i++) {
		const u64 v = samples[i];
		u32 k = i;

		for (; k && samples[k - 1] > v; k--)
			samples[k] = samples[k - 1];
		samples[k] = v;
	}
}

static void tell(const char *what)
{
	struct wire_figure m = { .what = what, .count = cal->samples };

	for (u32 i = 0; i < cal->samples; i++)
		m.sum += samples[i];
	sort(cal->samples);
	m.min = samples[0];
	m.median = samples[cal->samples / 2];
	m.max = samples[cal->samples - 1];
	out_end(wire_figure(out_begin(WIRE_FIGURE), &m));
}

/* The first of each is not counted: it pays for tables that are filled. */
#define MEASURE(what, thing)                                                                       \
	do {                                                                                       \
		thing;                                                                             \
		for (u32 i = 0; i < cal->samples; i++) {                                           \
			const u64 start = clock_start(&machine.clock);                             \
                                                                                                   \
			thing;                                                                     \
			samples[i] = clock_stop(&machine.clock) - start;                           \
		}                                                                                  \
		tell(what);                                                                        \
	} while (0)

static void write32(u64 addr)
{
	*(volatile u32 *)(uintptr_t)addr = 0;
}

static void read32(u64 addr)
{
	(void)*(volatile u32 *)(uintptr_t)addr;
}

static void on_line(void *arg)
{
	seen_at = clock_start(&machine.clock);
	__atomic_fetch_add(&seen, 1, __ATOMIC_RELEASE);
}

/* From the write to the first instruction of the handler. False: it does not come. */
static bool interrupts(void)
{
	const u64 patience = clock_ticks(&machine.clock, 1000000000);

	if (!arch_line((int)cal->line, on_line, NULL))
		return false;
	for (u32 i = 0; i <= cal->samples; i++) {
		const u32 before = __atomic_load_n(&seen, __ATOMIC_ACQUIRE);
		const u64 start = clock_start(&machine.clock);

		write32(cal->inject);
		while (__atomic_load_n(&seen, __ATOMIC_ACQUIRE) == before) {
			if (clock_start(&machine.clock) - start > patience)
				return false;
			arch_relax();
		}
		if (i)
			samples[i - 1] = seen_at - start;
	}
	tell("interrupt");
	return true;
}

bool run_calibrate(const struct calibrate_job *job)
{
	cal = job;
	MEASURE("clock", (void)0);
	if (arch_trap())
		MEASURE("exit", arch_trap());
	if (job->user)
		MEASURE("mmio-exit", read32(job->user));
	if (job->event)
		MEASURE("ioeventfd", write32(job->event));
	if (job->inject && !interrupts()) {
		out_text(WIRE_FAIL, "line %u: no interrupt came", job->line);
		return false;
	}
	return true;
}
