// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "harness/probe/guest/out.h"
#include "harness/probe/guest/run.h"
#include "harness/run/core/devices.h"
#include "harness/run/core/text.h"
#include "harness/spec/version.h"

struct machine machine;

static struct jobs jobs;
static struct guest_target target;
static char words[2 * MACHINE_TEXT]; /* the job, taken apart */
static bool in_panic;

u64 guest_now_ns(void)
{
	return clock_ns(&machine.clock, clock_start(&machine.clock));
}

void run_begin(const struct guest_target *t, u32 number, u64 features, unsigned queues, u32 checks,
	       u32 first)
{
	struct wire_job m = {
		.number = number,
		.kind = (u8)t->job->kind,
		.uri = t->uri,
		.device = runner_device_name(regs_from_tp(t->tp)->device_id),
		.transport = t->tp->ops->name,
		.features = features,
		.queues = queues,
		.checks = checks,
		.first = first,
	};

	out_end(wire_job(out_begin(WIRE_JOB), &m));
	out_flush();
}

void run_end(u32 number, u32 results, u64 since_ns)
{
	struct wire_job_end m = { number, results, guest_now_ns() - since_ns };

	out_end(wire_job_end(out_begin(WIRE_JOB_END), &m));
	out_flush();
}

void guest_panic(const char *fmt, ...)
{
	static char text[1024];
	const char *during = "";
	va_list ap;

	if (in_panic)
		arch_exit(GUEST_PANIC, jobs.exit);
	in_panic = true;
	va_start(ap, fmt);
	text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	during = run_interrupted();
	out_text(WIRE_PANIC, "%s%s%s", text, *during ? "\nduring " : "", during);
	out_flush();
	arch_exit(GUEST_PANIC, jobs.exit);
}

static void hello(const char *job)
{
	struct wire_hello m = {
		.version = WIRE_VERSION,
		.ringside = ringside_version,
		.arch = machine.arch,
		.machine = machine.name,
		.clock = machine.clock.source ? machine.clock.source : "",
		.hz = machine.clock.hz,
		.error_ppm = machine.clock.error_ppm,
		.job = job,
	};

	out_end(wire_hello(out_begin(WIRE_HELLO), &m));
}

/* The command line; where that has no job, with what fw_cfg says behind it. */
static void gather(char *job, size_t room)
{
	size_t n;

	text_copy(job, room, machine.text);
	n = strlen(job);
	/* Reading fw_cfg takes an exit for each byte: only when there is need. */
	if (!strstr(job, "job=") && n + 2 < room) {
		job[n] = ' ';
		if (fw_cfg_job(job + n + 1, room - n - 1) == 0)
			job[n] = '\0';
	}
	memcpy(words, job, MIN(strlen(job) + 1, sizeof(words) - 1));
}

static void set_clock(void)
{
	if (jobs.counter_hz) {
		machine.clock = clock_of_counter(jobs.counter_hz);
		arch_clock_init(&machine.clock);
	} else if (!machine.clock.hz && !arch_calibrate(&machine.clock, 4)) {
		guest_panic("no clock to calibrate the counter by: say counter-hz=");
	}
}

static bool run_job(u32 number, u32 *next)
{
	const u32 first = jobs.resume && number == jobs.resume_job ? jobs.resume_check : 0;
	const struct job *j = &jobs.job[number];

	if (j->kind == WIRE_JOB_LIST) {
		guest_target_list();
		return true;
	}
	if (j->kind == WIRE_JOB_CALIBRATE)
		return run_calibrate(&j->calibrate);
	if (!guest_target_find(&target, j, jobs.msi)) {
		out_text(WIRE_FAIL, "%s", target.why);
		return false;
	}
	return j->kind == WIRE_JOB_CONFORM ? run_conform(&target, number, first, jobs.restart, next)
					   : run_bench(&target, number);
}

void guest_main(void)
{
	static char job[2 * MACHINE_TEXT];
	char error[160] = "";
	struct wire_end end = { 0 };
	bool understood;

	gather(job, sizeof(job));
	understood = job_parse(&jobs, words, error, sizeof(error));
	if (!out_open(jobs.channel ? jobs.channel : machine.channel) && jobs.channel) {
		out_open(machine.channel);
		text_format(error, sizeof(error), "channel=%s: no such channel", jobs.channel);
		understood = false;
	}
	if (jobs.ecam)
		machine.ecam = jobs.ecam;
	if (jobs.bar_base)
		machine.bar_base = jobs.bar_base;
	set_clock();
	hello(job);
	if (!understood) {
		out_text(WIRE_FAIL, "%s", error);
		end.failed = 1;
	}
	for (u32 i = jobs.resume_job; understood && i < jobs.count && !end.restart; i++) {
		end.failed = (u8)(end.failed + !run_job(i, &end.next));
		end.restart = end.next != 0;
		end.number = i;
	}
	end.frames = out_frames() + 1;
	out_end(wire_end(out_begin(WIRE_END), &end));
	out_flush();
	arch_exit(end.restart ? GUEST_RESTART : end.failed ? GUEST_FAILED : GUEST_DONE, jobs.exit);
}
