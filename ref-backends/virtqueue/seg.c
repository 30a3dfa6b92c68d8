// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/virtqueue/seg.h"

#include <string.h>

u32 dvq_gather(const struct dvq_seg *segs, u32 n, void *to, u32 len)
{
	u32 at = 0;

	for (u32 i = 0; i < n && at < len; i++) {
		const u32 some = (u32)MIN(segs[i].len, (size_t)(len - at));

		memcpy((u8 *)to + at, segs[i].base, some);
		at += some;
	}
	return at;
}

u32 dvq_scatter(const struct dvq_seg *segs, u32 n, u32 skip, const void *from, u32 len)
{
	u32 at = 0;

	for (u32 i = 0; i < n && at < len; i++) {
		u32 some;

		if (skip >= segs[i].len) {
			skip -= (u32)segs[i].len;
			continue;
		}
		some = (u32)MIN(segs[i].len - skip, (size_t)(len - at));
		memcpy((u8 *)segs[i].base + skip, (const u8 *)from + at, some);
		at += some;
		skip = 0;
	}
	return at;
}
