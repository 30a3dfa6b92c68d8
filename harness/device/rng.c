// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/rng.h"

#include <string.h>

unsigned rng_prepare(const struct rng_req *r, struct vq_sg sg[RNG_PARTS])
{
	const unsigned parts = MIN(MAX(r->parts, 1u), MIN(r->buf.len, (u32)RNG_PARTS));
	u32 each;

	if (parts == 0)
		return 0;
	each = r->buf.len / parts;
	memset(r->buf.hva, RNG_UNSET, r->buf.len);
	for (unsigned i = 0; i < parts; i++)
		sg[i] = (struct vq_sg){ gpa_add(r->buf.gpa, (u64)i * each), each };
	/* The rest of the division: pieces need not be of one size. */
	sg[parts - 1].len = r->buf.len - (parts - 1) * each;
	return parts;
}

u32 rng_untouched(const struct rng_req *r)
{
	u32 n = 0;

	while (n < r->buf.len && r->buf.hva[r->buf.len - 1 - n] == RNG_UNSET)
		n++;
	return n;
}
