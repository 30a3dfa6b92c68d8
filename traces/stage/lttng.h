/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traces that LTTng's UST tracer wrote of our own provider, read without a library: it is a few bytes to an event,
 * always the same ones. Only where the metadata says exactly that; anything else is for the library, which reads all
 * of CTF at a tenth of the speed.
 */
#ifndef TRACES_STAGE_LTTNG_H
#define TRACES_STAGE_LTTNG_H

#include "traces/stage/ctf.h"

/*
 * All traces in these folders, as ctf_read(). 1: one of them is not known here, and nothing was read; 0; -1 with one
 * line in `err`; or what `fn` returned.
 */
int lttng_read(char *const *dirs, unsigned count, ctf_fn *fn, void *arg, struct ctf_result *result,
	       char *err, size_t len);

/* What the metadata of one trace says; for tests. */
#define LTTNG_EVENTS 16

struct lttng_layout {
	bool large;	       /* headers: 16 bits of id and 32 of time; else 5 and 27 */
	u32 pid;	       /* of the process; 0: it does not say */
	u8 kind[LTTNG_EVENTS]; /* of an event's id; LTTNG_NO_EVENT: there is none of that id */
};

#define LTTNG_NO_EVENT 0xff

/* `text` is without packets, and ends with '\0'. False: it is not what is known here. */
bool lttng_parse(const char *text, struct lttng_layout *layout);

#endif
