/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recorded buffers (record.h), or one as its writer left it, as one stream of events in the order of their times;
 * with a bounded amount of memory. Nothing in a file is trusted.
 */
#ifndef TRACES_RING_READ_H
#define TRACES_RING_READ_H

#include "traces/ring/buffer.h"

struct events;

/* What a file says about itself. */
struct events_file {
	u32 actor; /* enum buffer_actor */
	u32 pid, peer;
	u64 lost;
	bool torn; /* ends in the middle of something; known when all is read */
	const char *path;
};

/*
 * Open all recorded files in the folder `path`, or the one file. NULL, with one line in `err`, when there is something
 * that cannot be used; a folder without any gives a stream without events.
 */
struct events *events_open(const char *path, char *err, size_t len);
void events_close(struct events *s);

unsigned events_files(const struct events *s);
const struct events_file *events_file(const struct events *s, unsigned i);

/* How far the clocks of these files may be apart from each other, or from CLOCK_MONOTONIC where `other`. */
u64 events_clock_error(const struct events *s, bool other);

/* The next event at or before `until`. False: there is none. */
bool events_next(struct events *s, u64 until, struct trace_event *e, u64 *ns, unsigned *file);

#endif
