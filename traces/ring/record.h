/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recording of buffers (buffer.h) into a folder: what comes is taken out by a thread while it comes, so that the
 * buffers need not hold all of it.
 *
 * In the folder each buffer is a file NAME.events: the header of the buffer with ring_events 0, then chunks, each
 * a struct record_chunk and its events. The header is written again at the end, with the clock's second moment
 * and the losses; a file whose recorder died has none of that and is read all the same.
 */
#ifndef TRACES_RING_RECORD_H
#define TRACES_RING_RECORD_H

#include "traces/ring/buffer.h"

#define RECORD_SUFFIX ".events"
#define RECORD_CHUNK  0x4b4e4843u /* "CHNK" */

struct record_chunk {
	u32 magic;
	u32 ring;
	u32 events;
	u32 reserved;
};

struct recording;

/* Make the folder `dir`, which must not exist or be empty. NULL, with one line in `err`. */
struct recording *record_open(const char *dir, char *err, size_t len);

/*
 * Add the buffers of a process: whatever it has open that is one. How many, or -1 with one line in `err`. 0 is no
 * error: it has no tracepoints, or was not asked to trace. One that somebody else records is one.
 */
int record_add_process(struct recording *r, int pid, char *err, size_t len);
/* Add a buffer of this process. It must outlive the recording. 0, or -1 with one line in `err`. */
int record_add(struct recording *r, struct buffer *b, char *err, size_t len);

/* Events are on from here. 0, or -1 with one line in `err`. */
int record_start(struct recording *r, char *err, size_t len);
/* Off, and all of it is on disk. `lost`: events that found no room. 0, or -1 with one line in `err`. */
int record_stop(struct recording *r, u64 *lost, char *err, size_t len);

/* The thread that takes the events out, once it was started. */
u32 record_thread(const struct recording *r);

/* Also stops what is still recording. NULL is allowed. */
void record_close(struct recording *r);

/* For a source of its own: a new file in the folder, its header not yet written. NULL, with a line in `err`. */
struct record_file;
struct record_file *record_file_new(const char *dir, const char *name,
				    const struct buffer_file *head, char *err, size_t len);
/* 0, or -1: errno. */
int record_file_add(struct record_file *f, u32 ring, const struct trace_event *e, u32 n);
/* Writes the header as it is at the end, and frees. 0, or -1: errno. */
int record_file_end(struct record_file *f, const struct buffer_file *head);

#endif
