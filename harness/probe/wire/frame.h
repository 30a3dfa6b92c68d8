/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames: how a guest's results travel over a channel that may lose, change or add bytes.
 *
 * A frame is one line of text, so that it survives consoles, and firmware may print around it:
 *
 *   =rs1=BASE64\n       anywhere in a line; what stands before it is not ours
 *
 * The base64 (RFC 4648, with padding) holds, in little endian:
 *
 *   u32 crc      CRC-32 (IEEE 802.3) of all that follows
 *   u32 seq      0 for the first frame of a guest, then one more each
 *   u16 kind     enum wire_kind (message.h)
 *   u16 length   of the payload
 *   …            payload
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_WIRE_FRAME_H
#define HARNESS_PROBE_WIRE_FRAME_H

#include "harness/spec/types.h"

#define FRAME_MARK	  "=rs1="
#define FRAME_MARK_LEN	  5
#define FRAME_HEADER	  12u
#define FRAME_PAYLOAD_MAX 2036u
/* Of the line, with its end. */
#define FRAME_LINE_MAX (FRAME_MARK_LEN + (FRAME_HEADER + FRAME_PAYLOAD_MAX + 2) / 3 * 4 + 1)

struct frame {
	u32 seq;
	u16 kind, length;
	u8 payload[FRAME_PAYLOAD_MAX];
};

u32 frame_crc32(const void *data, size_t len);

/* The line of a frame, not ended by '\0'. Returns its length, at most FRAME_LINE_MAX. */
size_t frame_encode(const struct frame *f, char line[FRAME_LINE_MAX]);

enum frame_result {
	FRAME_OK,
	FRAME_NONE,    /* no mark: somebody else's text */
	FRAME_TORN,    /* base64 that ends early or is none */
	FRAME_LENGTH,  /* shorter or longer than the header says */
	FRAME_CORRUPT, /* the checksum is wrong */
};

/* `line` without its '\n'; a '\r' at its end is no part of it. */
enum frame_result frame_decode(const char *line, size_t len, struct frame *f);

#endif
