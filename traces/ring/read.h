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
	u32 whose; /* enum buffer_whose */
	u64 hz;	   /* BUFFER_GUEST */
	u32 error_ppm;
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

/* Ticks per second of the host's counter; 0: not known, since no file has it. */
double events_host_hz(const struct events *s);
/* … and from here on it is this, and its times count from when it was 0. */
void events_set_hz(struct events *s, u64 hz);
/*
 * A time of CLOCK_MONOTONIC among those of the events. False: after events_set_hz() there is no recording that has ended,
 * so that nothing says how that clock stands to the counter.
 */
bool events_monotonic(const struct events *s, u64 ns, u64 *out);
/* Ticks of this file, a guest's, are ns = base_ns + ((ticks - base_ticks) * mult >> 32). Before events_next(). */
void events_set_guest(struct events *s, unsigned file, u64 base_ticks, u64 base_ns, u64 mult);

/* What so many ticks of a file are in ns. */
u64 events_ns(const struct events *s, unsigned file, u64 ticks);

/* How far the clocks of these files may be apart from each other, or from CLOCK_MONOTONIC where `other`. */
u64 events_clock_error(const struct events *s, bool other);

/* The next event at or before `until`. False: there is none. */
bool events_next(struct events *s, u64 until, struct trace_event *e, u64 *ns, unsigned *file);

#endif
