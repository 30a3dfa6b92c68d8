// SPDX-License-Identifier: BSD-3-Clause
/* The module ringside-trace.so: the tracepoints themselves, behind plain functions. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "traces/provider/events.h"

#include "traces/trace.h"

extern const struct trace_ops ringside_trace_ops;

#define EMIT(name)                                                                                 \
	static void emit_##name(u16 queue, u16 head, u64 seq, u32 len)                             \
	{                                                                                          \
		lttng_ust_tracepoint(ringside, name, queue, head, seq, len);                       \
	}

EMIT(fetch)
EMIT(serve_begin)
EMIT(serve_end)
EMIT(publish)
EMIT(call)
EMIT(start)
EMIT(exit)
EMIT(kick)
EMIT(inject)

/* LTTng asks its sessions itself. */
static const u32 always = 1;

const struct trace_ops ringside_trace_ops = {
	.version = TRACE_OPS_VERSION,
	.on = &always,
	.fetch = emit_fetch,
	.serve_begin = emit_serve_begin,
	.serve_end = emit_serve_end,
	.publish = emit_publish,
	.call = emit_call,
	.start = emit_start,
	.exit = emit_exit,
	.kick = emit_kick,
	.inject = emit_inject,
};
