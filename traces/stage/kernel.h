/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel saw (traces/bpf), as events of requests, and what else it tells: system calls, how long threads
 * waited for a processor, and who had it meanwhile. Nothing in a recording is trusted.
 */
#ifndef TRACES_STAGE_KERNEL_H
#define TRACES_STAGE_KERNEL_H

#include "traces/bpf/file.h"
#include "traces/stage/line.h"

struct kernel_source;

/* `path`: the folder of a recording. 0, `*out` NULL when it has none of this; or -1 with one line in `err`. */
int kernel_source_open(struct kernel_source **out, const char *path, char *err, size_t len);
void kernel_source_close(struct kernel_source *s);

/* When the next event of a request was; UINT64_MAX: there is none. `s` may be NULL. */
u64 kernel_source_peek(struct kernel_source *s);
/* That event, after a peek that was not UINT64_MAX. The back-end's process is the session. */
void kernel_source_next(struct kernel_source *s, struct trace_event *e, u64 *ns, u32 *session);

/* The one back-end in it; 0: none, or several. */
u32 kernel_source_back_end(const struct kernel_source *s);
/* … and after all was read: when it last received a message. */
u64 kernel_source_spoken(const struct kernel_source *s);
/* Ticks per second of the host's counter; 0: not known. */
double kernel_source_hz(const struct kernel_source *s);
/* After all was read. */
void kernel_source_sum(const struct kernel_source *s, struct stage_kernel *out);

/* Somebody on a processor that a request depended on. */
struct kernel_ran {
	u16 cpu;
	u32 tid; /* 0: nobody, it was idle */
	char name[KERNEL_NAME];
	u64 ns; /* between the first point of the request and the last */
};

#define KERNEL_RAN 32

struct kernel_context {
	struct kernel_ran ran[KERNEL_RAN]; /* who ran longest first */
	unsigned rans;
	u64 waited[STAGE_WHOS]; /* ns that their threads wanted a processor and had none */
};

/*
 * What went on while each of these requests was under way, on the processors of its driver and its back-end. 0, and
 * `*out` NULL where the recording does not tell, or an array of `n` to free(); -1 with one line in `err`.
 */
int kernel_contexts(const char *path, const struct line *lines, unsigned n,
		    struct kernel_context **out, char *err, size_t len);

#endif
