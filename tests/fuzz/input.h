/* SPDX-License-Identifier: BSD-3-Clause */
/* A fuzzer's input, taken from the front: what a hostile target would answer with. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <string.h>

#include "harness/spec/types.h"

struct input {
	const u8 *p;
	size_t left;
};

/* Up to `len` bytes; those that the input no longer has are zero. Returns how many it had. */
static inline size_t input_bytes(struct input *in, void *out, size_t len)
{
	size_t n = MIN(len, in->left);

	memset(out, 0, len);
	if (n)
		memcpy(out, in->p, n);
	in->p += n;
	in->left -= n;
	return n;
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
		if (!(condition))                                                                  \
			__builtin_trap();                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
