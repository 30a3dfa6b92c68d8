// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/guest/run.h"

#include <string.h>

#include "harness/probe/guest/out.h"
#include "harness/run/core/core.h"
#include "harness/run/core/text.h"

#define CHECKS_MAX 1024

static struct core core;
static struct evidence evidence;
static char lines[EVIDENCE_LINES][EVIDENCE_WIDTH];
static struct vq_slot slots[CK_SLOTS];
static const struct check *selected[CHECKS_MAX];
static u32 under_way;
static bool running;

static void send_plan(u32 count)
{
	char ids[1024];
	u32 first = 0, at = 0;

	for (u32 i = 0; i <= count; i++) {
		const u32 len = i < count ? (u32)strlen(selected[i]->id) : 0;

		if (i == count || at + len + 2 > sizeof(ids)) {
			struct wire_plan m = { first, ids };

			ids[at] = '\0';
			if (at)
				out_end(wire_plan(out_begin(WIRE_PLAN), &m));
			first = i;
			at = 0;
		}
		memcpy(ids + at, i < count ? selected[i]->id : "", len);
		at += len;
		ids[at++] = '\n';
	}
}

static void send_line(u32 index, const char *line)
{
	struct wire_log m = { index, line };

	out_end(wire_log(out_begin(WIRE_LOG), &m));
}

static void send_log(u32 index)
{
	u64 at = 0, left_out;
	const char *line;

	while ((line = evidence_next(&evidence, &at, &left_out))) {
		char note[64];

		if (left_out) {
			text_format(note, sizeof(note), "  … %llu lines left out …",
				    (unsigned long long)left_out);
			send_line(index, note);
		}
		send_line(index, line);
	}
}

static void send_result(u32 index, u64 duration_ns)
{
	struct wire_result m = {
		.index = index,
		.verdict = (u8)evidence.verdict,
		.duration_ns = duration_ns,
		.clause = evidence.clause ? evidence.clause : "",
		.reason = evidence.reason,
		.expected = evidence.expected,
	};

	if (evidence.verdict != VERDICT_PASS && evidence.verdict != VERDICT_SKIP)
		send_log(index);
	out_end(wire_result(out_begin(WIRE_RESULT), &m));
}

static void run_one(u32 index)
{
	struct wire_start m = { index };
	u64 start;

	out_end(wire_start(out_begin(WIRE_START), &m));
	/* With the result of the one before: should this one never end, both are known. */
	out_flush();
	under_way = index;
	running = true;
	start = guest_now_ns();
	core_run(&core, selected[index]);
	running = false;
	send_result(index, evidence.verdict == VERDICT_SKIP ? 0 : guest_now_ns() - start);
}

const char *run_interrupted(void)
{
	if (!running)
		return "";
	send_log(under_way);
	return selected[under_way]->id;
}

bool run_conform(struct guest_target *t, u32 number, u32 first, bool restart, u32 *next)
{
	const u64 start = guest_now_ns();
	struct core_choice choice = { .check_glob = t->job->check_glob,
				      .clause_glob = t->job->clause_glob,
				      .transport = t->tp->ops->name,
				      .ring = t->job->ring };
	struct core_face *face = &core.face;
	u32 count;

	*next = 0;
	memset(&core, 0, sizeof(core));
	core.tp = t->tp;
	core.evidence = &evidence;
	core.slots = slots;
	core.ring = t->job->ring;
	evidence_set_up(&evidence, lines, text_vformat);
	if (core_look(t->tp, face) == TP_EUNSUPPORTED) {
		out_text(WIRE_FAIL, "%s", t->tp->error);
		return false;
	}
	t->tp->ops->close(t->tp);
	face->device = regs_from_tp(t->tp)->device_id;
	choice.device = face->device;
	count = core_select(&choice, selected, CHECKS_MAX);
	if (count == 0 || count > CHECKS_MAX) {
		out_text(WIRE_FAIL,
			 count ? "%u checks are more than the probe has room for"
			       : "no check matches (%u)",
			 count);
		return false;
	}
	run_begin(t, number, face->all_features, face->queues, count, first);
	send_plan(count);
	for (u32 i = first; i < count; i++) {
		run_one(i);
		if (restart && i + 1 < count &&
		    (core_unsettled(selected[i], evidence.verdict) || selected[i + 1]->fresh)) {
			*next = i + 1;
			return true;
		}
	}
	run_end(number, count, start);
	return true;
}
