/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tracepoints of a back-end: what a request goes through, as events whose two neighbours bound a
 * stage (README.md beside this file defines the stages).
 *
 * A back-end includes this header, links `ringside_trace` and calls trace_open() or
 * trace_buffer_open() when it was asked to trace. Until then a tracepoint is one load and one branch
 * that is never taken; with LTTng's provider open and no session it is an indirect call more, with a
 * buffer that nobody records a load more. LTTng itself is loaded by trace_open(): a back-end that does
 * not trace has neither its threads nor its descriptors.
 *
 * Built with RINGSIDE_TRACE=OFF (or in a freestanding program, which does not define
 * RINGSIDE_HAVE_TRACE) all of it compiles to nothing.
 *
 * Where each event goes, once per request unless said otherwise:
 *
 *   trace_fetch        the chain was taken from the available ring and its descriptors were walked
 *   trace_serve_begin  the device model is about to carry out the request
 *   trace_serve_end    the request has its result: status and data are in guest memory
 *   trace_publish      used->idx that makes the request visible was just stored. After a store that
 *                      publishes several, one event for each of them, in ring order
 *   trace_call         the driver was just notified: the write to the call descriptor returned.
 *                      Once per notification, never for one that was suppressed. `head` and `seq`
 *                      are those of the last request published, `len` is how many requests were
 *                      published since the last time the back-end decided whether to notify
 *
 *   trace_start        the back-end begins with a queue; `seq` is of the first chain that it will fetch
 *
 * A hypervisor's monitor, or a shim, sees notifications on their way, and knows of a queue only which one it is
 * (`head`, `seq` and `len` are 0):
 *
 *   trace_exit         the guest's notification has come to it
 *   trace_kick         it has told the back-end
 *   trace_inject       the interrupt is pending for the guest, for all that was published before
 *
 * `queue` is the index of the virtqueue, `head` the chain's head descriptor, `seq` counts the
 * chains fetched from this queue from 0 and is never reset while the process lives (not by a ring
 * that stops and starts), so that (process, queue, seq) names one request. `len` is the number of
 * bytes: device-readable plus device-writable for fetch and serve_begin, the used length for
 * serve_end and publish.
 */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include "harness/spec/types.h"

#ifdef RINGSIDE_HAVE_TRACE

typedef void trace_event_fn(u16 queue, u16 head, u64 seq, u32 len);

/* What the provider module, or the buffer, hands out. */
struct trace_ops {
	u32 version;   /* TRACE_OPS_VERSION */
	const u32 *on; /* 0: nobody records */
	trace_event_fn *fetch, *serve_begin, *serve_end, *publish, *call, *start;
	trace_event_fn *exit, *kick, *inject;
};

#define TRACE_OPS_VERSION 3

/* NULL while tracing is off. Set once by an open, before any thread that traces runs. */
extern const struct trace_ops *trace_ops __attribute__((visibility("hidden")));

/* Worth asking before work that only a tracepoint needs. May change from one moment to the next. */
static inline bool trace_on(void)
{
	return __builtin_expect(trace_ops != NULL, 0) &&
	       __atomic_load_n(trace_ops->on, __ATOMIC_RELAXED);
}

#define TRACE_EVENT(name)                                                                          \
	static inline void trace_##name(u16 queue, u16 head, u64 seq, u32 len)                     \
	{                                                                                          \
		if (trace_on())                                                                    \
			trace_ops->name(queue, head, seq, len);                                    \
	}

#else

#define TRACE_EVENT(name)                                                                          \
	static inline void trace_##name(u16 queue, u16 head, u64 seq, u32 len)                     \
	{                                                                                          \
		(void)queue, (void)head, (void)seq, (void)len;                                     \
	}

static inline bool trace_on(void)
{
	return false;
}

#endif

TRACE_EVENT(fetch)
TRACE_EVENT(serve_begin)
TRACE_EVENT(serve_end)
TRACE_EVENT(publish)
TRACE_EVENT(call)
TRACE_EVENT(start)
TRACE_EVENT(exit)
TRACE_EVENT(kick)
TRACE_EVENT(inject)

#undef TRACE_EVENT

/*
 * Load the LTTng-UST provider. 0, or -1 with one line in `err` (no full stop, no newline).
 *
 * The provider is ringside-trace.so in $RINGSIDE_LIBEXEC, else in ../libexec/ringside beside the
 * folder of the running program. It starts two threads, which block every signal, and may wait up
 * to 3 s for a session daemon that is alive but slow (LTTNG_UST_REGISTER_TIMEOUT). Call it after
 * fork() and before any thread is started. There is no close: LTTng cannot be unloaded.
 */
int trace_open(char *err, size_t len);

/*
 * Ring-buffer mode (ring/buffer.h): events go to a file, which is made, whenever a recorder that has found it
 * turns them on. 0, or -1 with one line in `err`. As trace_open(), with which it excludes itself: before any
 * thread is started, and there is no close.
 *
 * `spec` is the file's path, and behind it, each with a comma in front, `events=N`: so many for each thread, a power
 * of two (262144), and `on`: from the beginning, without a recorder. `monitor`: of one who serves nothing.
 */
int trace_buffer_open(const char *spec, bool monitor, char *err, size_t len);

#endif
