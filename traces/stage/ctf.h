/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of traces that LTTng wrote (CTF): what only our provider is in, as LTTng 2.13 writes it, is read as it is
 * (lttng.h); anything else through libbabeltrace2.
 */
#ifndef TRACES_STAGE_CTF_H
#define TRACES_STAGE_CTF_H

#include "harness/spec/trace_event.h"

/* One event of process `session`. 0, or not: reading ends with that. */
typedef int ctf_fn(void *arg, u32 session, const struct trace_event *e, u64 ns);

struct ctf_result {
	u32 traces;    /* found under the folder; 0: nothing was read */
	u32 torn;      /* traces that were read up to where they are damaged */
	u64 discarded; /* events that they say they lost */
};

/*
 * Read all traces under `dir` in the order of time. 0, or -1 with one line in `err`: a folder that cannot be read, or
 * traces of something else. What `fn` returned otherwise.
 */
int ctf_read(const char *dir, ctf_fn *fn, void *arg, struct ctf_result *r, char *err, size_t len);
/* The same; `library`: even what could be read without it is read by it. */
int ctf_read_by(bool library, const char *dir, ctf_fn *fn, void *arg, struct ctf_result *r,
		char *err, size_t len);

/* The kind of an event of our provider by its name, or -1; and its flags by its kind. */
int ctf_kind(const char *name);
static inline u8 ctf_flags(unsigned kind)
{
	return kind == TRACE_EXIT || kind == TRACE_KICK || kind == TRACE_INJECT ? TRACE_F_OUTSIDE
										: 0;
}

#endif
