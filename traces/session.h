/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recording of a back-end's tracepoints (traces/trace.h) into a folder, through liblttng-ctl.
 *
 *   trace_session_open()    session daemon up, the back-end's tracepoints seen, session made;
 *                           nothing is recorded yet: now is the time for the untraced run
 *   trace_session_start()   every registered process records from here
 *   trace_session_stop()    nothing records any more, and all of it is on disk
 *   trace_session_close()   session gone, session daemon ended if it was ours
 *
 * Each traced process has buffers of its own, so that the trace tells processes apart. A full
 * buffer discards events, it never makes the back-end wait; trace_session_stop() tells how many.
 */
#ifndef TRACES_SESSION_H
#define TRACES_SESSION_H

#include "harness/spec/types.h"

struct trace_session;

struct trace_session_options {
	const char *dir;  /* where the trace goes: must not exist, or be empty */
	int pid;	  /* record this process only; 0: every process that has the tracepoints */
	unsigned wait_ms; /* how long to wait for the process to register; 0: 5000 */
	u64 buffer_bytes; /* per process, shared out over the CPUs; 0: 128 MiB, less where /dev/shm
			     is small */
};

/* Every call: 0, or -1 with one line in `err`. */
int trace_session_open(struct trace_session **out, const struct trace_session_options *options,
		       char *err, size_t len);
int trace_session_start(struct trace_session *s, char *err, size_t len);
/* `discarded`: events that found no room. The trace has gaps when it is not 0. */
int trace_session_stop(struct trace_session *s, u64 *discarded, char *err, size_t len);

/* Also stops what is still recording. NULL is allowed. */
void trace_session_close(struct trace_session *s);

#endif
