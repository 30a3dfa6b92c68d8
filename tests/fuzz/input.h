/* SPDX-License-Identifier: BSD-3-Clause */
/* What every fuzz target needs: its input, taken from the front, and a rule that must hold. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/spec/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct input {
	const u8 *p;
	size_t left;
};

/* At most `len` bytes of the input in place; `*got` is how many. */
static inline const u8 *input_take(struct input *in, size_t len, size_t *got)
{
	const u8 *p = in->p;

	*got = MIN(len, in->left);
	in->p += *got;
	in->left -= *got;
	return p;
}

/* Up to `len` bytes; those that the input no longer has are zero. */
static inline void input_bytes(struct input *in, void *out, size_t len)
{
	size_t n;
	const u8 *p = input_take(in, len, &n);

	memset(out, 0, len);
	if (n)
		memcpy(out, p, n);
}

static inline u8 input_u8(struct input *in)
{
	u8 v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

static inline u16 input_u16(struct input *in)
{
	u16 v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

static inline u32 input_u32(struct input *in)
{
	u32 v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

static inline u64 input_u64(struct input *in)
{
	u64 v;

	input_bytes(in, &v, sizeof(v));
	return v;
}

/* What must hold whatever the input: a finding if it does not. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* How many descriptors this process has open, among the first few hundred. One system call. */
static inline unsigned open_fds(void)
{
	struct pollfd p[512];
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (struct pollfd){ .fd = (int)i };
	poll(p, ARRAY_SIZE(p), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		n += !(p[i].revents & POLLNVAL);
	return n;
}

#endif
