// SPDX-License-Identifier: BSD-3-Clause
/* Tracepoints of a back-end that write to a buffer. Each thread has a ring of its own, at its first event. */
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "traces/ring/buffer.h"
#include "traces/trace.h"

#ifdef RINGSIDE_HAVE_TRACE

static struct buffer buffer = { .fd = -1 };
static bool counter;

static __thread struct {
	struct trace_sink sink;
	u32 tid;
	bool tried;
} mine;

static __attribute__((noinline, cold)) bool take_ring(void)
{
	char name[16] = "";

	if (mine.tried)
		return false;
	mine.tried = true;
	pthread_getname_np(pthread_self(), name, sizeof(name));
	if (!buffer_sink(&buffer, __atomic_fetch_add(&buffer.file->taken, 1, __ATOMIC_RELAXED),
			 name, &mine.sink))
		return false;
	mine.tid = (u32)syscall(SYS_gettid);
	return true;
}

static void emit(u8 kind, u16 queue, u16 head, u64 seq, u32 len)
{
	struct trace_event e = {
		.seq = seq, .len = len, .queue = queue, .head = head, .kind = kind
	};

	if (!mine.sink.event && !take_ring()) {
		__atomic_fetch_add(&buffer.file->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	e.tid = mine.tid;
	e.ticks = buffer_now(counter, &e.cpu);
	trace_sink_add(&mine.sink, &e);
}

#define EMIT(name, kind)                                                                           \
	static void emit_##name(u16 queue, u16 head, u64 seq, u32 len)                             \
	{                                                                                          \
		emit(kind, queue, head, seq, len);                                                 \
	}

EMIT(fetch, TRACE_FETCH)
EMIT(serve_begin, TRACE_SERVE_BEGIN)
EMIT(serve_end, TRACE_SERVE_END)
EMIT(publish, TRACE_PUBLISH)
EMIT(call, TRACE_CALL)

int trace_buffer_open(const char *path, char *err, size_t len)
{
	static struct trace_ops ops = {
		.version = TRACE_OPS_VERSION,
		.fetch = emit_fetch,
		.serve_begin = emit_serve_begin,
		.serve_end = emit_serve_end,
		.publish = emit_publish,
		.call = emit_call,
	};

	if (trace_ops) {
		snprintf(err, len, "there is a tracer already");
		return -1;
	}
	if (buffer_create(&buffer, path, BUFFER_BACK_END, BUFFER_RINGS, err, len))
		return -1;
	counter = buffer.file->counter;
	ops.on = &buffer.file->on;
	trace_ops = &ops;
	return 0;
}

#else

int trace_buffer_open(const char *path, char *err, size_t len)
{
	snprintf(err, len, "built without tracepoints: RINGSIDE_TRACE is OFF");
	return -1;
}

#endif
