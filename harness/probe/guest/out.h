/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the guest says: messages become frames, frames go into a buffer, the buffer goes out in one
 * piece: a write to a console costs an exit for each byte or for each piece.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_GUEST_OUT_H
#define HARNESS_PROBE_GUEST_OUT_H

#include "harness/probe/guest/guest.h"
#include "harness/probe/wire/message.h"

/* "NAME" or "NAME:SPEC". False: there is no such channel here; then nothing changes. */
bool out_open(const char *channel);

/* Begin a message; the caller writes it with a wire_*() function and hands it to out_end(). */
struct wire *out_begin(enum wire_kind kind);
/* Puts it into the stream, before the next one can begin. */
void out_end(bool whole);
void out_flush(void);

u32 out_frames(void);

/* One message each. */
void out_text(enum wire_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_mark(const char *what, u64 ticks);

#endif
