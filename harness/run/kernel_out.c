// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/kernel_out.h"

#include "traces/bpf/calls.h"

static const char *const whos[STAGE_WHOS] = {
	[STAGE_BACK_END] = "back_end",
	[STAGE_FRONT_END] = "front_end",
	[STAGE_DRIVER] = "driver",
};

const char *kernel_who_name(unsigned who)
{
	return who < STAGE_WHOS ? whos[who] : "?";
}

/* Without a driver's events nobody has counted the requests, but there are the kicks. */
static u64 unit(const struct stage_table *t, const char **name)
{
	*name = t->requests ? "request" : t->kernel.kicks ? "kick" : "recording";
	if (t->requests)
		return t->requests;
	return t->kernel.kicks ? t->kernel.kicks : 1;
}

static double per_unit(const struct stage_table *t, u64 n)
{
	const char *name;

	return (double)n / (double)unit(t, &name);
}

static json_t *waited_json(const struct stage_kernel *k)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < STAGE_WHOS; i++) {
		const struct stage_row *w = &k->waited[i];

		if (w->count)
			json_object_set_new(
				o, whos[i],
				json_pack("{s:I, s:I, s:I, s:I, s:I}", "count",
					  (json_int_t)w->count, "p50_ns", (json_int_t)w->p50_ns,
					  "p99_ns", (json_int_t)w->p99_ns, "max_ns",
					  (json_int_t)w->max_ns, "sum_ns", (json_int_t)w->sum_ns));
	}
	return o;
}

json_t *kernel_json(const struct stage_table *t)
{
	const struct stage_kernel *k = &t->kernel;
	json_t *calls, *o, *name;
	const char *per;

	if (!k->present)
		return NULL;
	calls = json_object();
	name = json_string(k->back_end);
	unit(t, &per);
	for (unsigned i = 0; i < KERNEL_CALLS; i++)
		if (k->call[i])
			json_object_set_new(calls, kernel_call_name(i),
					    json_real(per_unit(t, k->call[i])));
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "events",
		      (json_int_t)k->events, "lost", (json_int_t)k->lost, "kicks",
		      (json_int_t)k->kicks, "calls", (json_int_t)k->calls, "io", (json_int_t)k->io,
		      "io_unassigned", (json_int_t)t->unassigned, "block_io", (json_int_t)k->blocks,
		      "guest_exits", (json_int_t)k->exits, "guest_notifications",
		      (json_int_t)k->doorbells, "guest_interrupts", (json_int_t)k->irqs, "per", per,
		      "syscalls", calls, "waited", waited_json(k));
	/* A process may call itself anything; what is no UTF-8 is left out. */
	if (name)
		json_object_set_new(o, "back_end", name);
	return o;
}

static void calls_text(const struct stage_table *t, FILE *f)
{
	const char *between = "", *per;

	unit(t, &per);
	fprintf(f, "%s, system calls a %s: ", t->kernel.back_end, per);
	for (unsigned i = 0; i < KERNEL_CALLS; i++) {
		if (!t->kernel.call[i])
			continue;
		fprintf(f, "%s%.2f %s", between, per_unit(t, t->kernel.call[i]),
			kernel_call_name(i));
		between = ", ";
	}
	fprintf(f, "%s\n", *between ? "" : "none");
}

void kernel_write_text(const struct stage_table *t, FILE *f)
{
	static const char *const threads[STAGE_WHOS] = {
		[STAGE_BACK_END] = "the back-end's threads",
		[STAGE_FRONT_END] = "the front-end's threads",
		[STAGE_DRIVER] = "the driver's threads",
	};
	const struct stage_kernel *k = &t->kernel;
	const char *per;

	if (!k->present)
		return;
	unit(t, &per);
	calls_text(t, f);
	for (unsigned i = 0; i < STAGE_WHOS; i++) {
		const struct stage_row *w = &k->waited[i];

		if (w->count)
			fprintf(f,
				"%s waited for a processor %llu times: p50 %.2f, p99 %.2f, max %.2f us\n",
				threads[i], (unsigned long long)w->count, (double)w->p50_ns / 1000,
				(double)w->p99_ns / 1000, (double)w->max_ns / 1000);
	}
	if (k->doorbells || k->irqs)
		fprintf(f, "guests, a %s: %.2f exits, %.2f notifications, %.2f interrupts\n", per,
			per_unit(t, k->exits), per_unit(t, k->doorbells), per_unit(t, k->irqs));
	if (t->unassigned)
		fprintf(f,
			"%llu beginnings and ends of I/O while not exactly one request was under way: "
			"whose they are nobody can tell\n",
			(unsigned long long)t->unassigned);
}
