// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a guest writes to its channel. The first byte says how the rest is meant: as the bytes of the
 * channel, or as frames whose numbers and checksums are right, so that what is in them is reached.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/run/collect.h"
#include "tests/fuzz/input.h"

static void feed_frames(struct collect *c, struct input *in)
{
	static struct frame f;
	char line[FRAME_LINE_MAX];

	for (u32 seq = 0; in->left; seq++) {
		const u8 kind = input_u8(in);
		const u16 length = input_u16(in) & 0xfff;

		f.kind = kind & 31;
		/* A boot begins with a greeting, and begins to count anew. */
		if (f.kind == WIRE_HELLO && kind & 32)
			seq = 0;
		f.seq = seq;
		f.length = (u16)MIN(MIN(length, FRAME_PAYLOAD_MAX), in->left);
		input_bytes(in, f.payload, f.length);
		collect_feed(c, line, frame_encode(&f, line));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct collect *c = collect_new();
	static FILE *null;
	u32 number, next;

	if (!null)
		null = fopen("/dev/null", "w");
	if (input_u8(&in) & 1)
		feed_frames(c, &in);
	else
		collect_feed(c, (const char *)in.p, in.left);
	if (collect_resume(c, &number, &next) && next == 0)
		abort();
	collect_finish(c);
	for (unsigned i = 0; i < c->job_count; i++) {
		struct run *r = &c->job[i].run;

		if (c->job[i].kind != WIRE_JOB_CONFORM)
			continue;
		for (u32 k = 0; k < r->count; k++)
			run_compare(r, &r->results[k], NULL);
		run_write_junit(r, null);
	}
	/* A stream without a fault has an end. */
	if (!c->error[0] && !c->ended)
		abort();
	collect_free(c);
	return 0;
}
