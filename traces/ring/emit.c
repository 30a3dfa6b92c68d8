// SPDX-License-Identifier: BSD-3-Clause
/* Tracepoints of a back-end that write to a buffer. Each thread has a ring of its own, at its first event. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void emit(u8 kind, u8 flags, u16 queue, u16 head, u64 seq, u32 len)
{
	struct trace_event e = {
		.seq = seq, .len = len, .queue = queue, .head = head, .kind = kind, .flags = flags
	};

	if (!mine.sink.event && !take_ring()) {
		__atomic_fetch_add(&buffer.file->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	e.tid = mine.tid;
	e.ticks = buffer_now(counter, &e.cpu);
	trace_sink_add(&mine.sink, &e);
}

#define EMIT(name, kind, flags)                                                                    \
	static void emit_##name(u16 queue, u16 head, u64 seq, u32 len)                             \
	{                                                                                          \
		emit(kind, flags, queue, head, seq, len);                                          \
	}

EMIT(fetch, TRACE_FETCH, 0)
EMIT(serve_begin, TRACE_SERVE_BEGIN, 0)
EMIT(serve_end, TRACE_SERVE_END, 0)
EMIT(publish, TRACE_PUBLISH, 0)
EMIT(call, TRACE_CALL, 0)
EMIT(start, TRACE_START, 0)
EMIT(exit, TRACE_EXIT, TRACE_F_OUTSIDE)
EMIT(kick, TRACE_KICK, TRACE_F_OUTSIDE)
EMIT(inject, TRACE_INJECT, TRACE_F_OUTSIDE)

/* Takes what is behind the path off it. False: it is not to be understood. */
static bool parse(char *spec, u32 *events, bool *on)
{
	char *comma;

	while ((comma = strrchr(spec, ',')) != NULL) {
		char *end = NULL;

		*comma++ = '\0';
		if (strcmp(comma, "on") == 0) {
			*on = true;
			continue;
		}
		if (strncmp(comma, "events=", 7) != 0)
			return false;
		*events = (u32)strtoul(comma + 7, &end, 10);
		if (*end || *events < 16 || *events > 1u << 24 || *events & (*events - 1))
			return false;
	}
	return *spec != '\0';
}

int trace_buffer_open(const char *spec, bool monitor, char *err, size_t len)
{
	char path[4096];
	u32 events = BUFFER_EVENTS;
	bool on = false;
	static struct trace_ops ops = {
		.version = TRACE_OPS_VERSION,
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

	if (trace_ops) {
		snprintf(err, len, "there is a tracer already");
		return -1;
	}
	if (snprintf(path, sizeof(path), "%s", spec) >= (int)sizeof(path) ||
	    !parse(path, &events, &on)) {
		snprintf(err, len, "'%s' is not FILE[,events=N][,on], N a power of two from 16 on",
			 spec);
		return -1;
	}
	if (buffer_create(&buffer, path, monitor ? BUFFER_MONITOR : BUFFER_BACK_END, BUFFER_RINGS,
			  events, err, len))
		return -1;
	buffer.file->on = on;
	counter = buffer.file->counter;
	ops.on = &buffer.file->on;
	trace_ops = &ops;
	return 0;
}

#else

int trace_buffer_open(const char *spec, bool monitor, char *err, size_t len)
{
	snprintf(err, len, "built without tracepoints: RINGSIDE_TRACE is OFF");
	return -1;
}

#endif
