// SPDX-License-Identifier: BSD-3-Clause
/* A round of writes, each of a block of its own with its own contents, and a round of reads of these. */
#include <string.h>

#include "harness/device/blk.h"
#include "tests/bench/soaks/soak.h"

#define BLOCK 512u

static void request(struct soak *s, struct soak_req *r)
{
	const bool write = r->n / SOAK_DEPTH % 2 == 0;
	const struct virtio_blk_outhdr hdr = { .type = le32(write ? VIRTIO_BLK_T_OUT
								  : VIRTIO_BLK_T_IN),
					       .sector = le64(r->n % SOAK_DEPTH) };

	memcpy(r->out.hva, &hdr, sizeof(hdr));
	memset(r->out.hva + sizeof(hdr), (int)(r->n % SOAK_DEPTH), BLOCK);
	r->out.len = sizeof(hdr) + (write ? BLOCK : 0);
	r->in.len = (write ? 0 : BLOCK) + 1;
	r->in.hva[r->in.len - 1] = BLK_STATUS_UNSET;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const u8 want = (u8)(r->n % SOAK_DEPTH);

	if (r->used_len != r->in.len || r->in.hva[r->in.len - 1] != VIRTIO_BLK_S_OK)
		return soak_wrong(s, "length %u, status %u", r->used_len, r->in.hva[r->in.len - 1]);
	/* A read may overtake the first write. */
	if (r->in.len > 1 && r->n >= 4 * SOAK_DEPTH &&
	    (r->in.hva[0] != want || r->in.hva[BLOCK - 1] != want))
		return soak_wrong(s, "another block was read");
	return true;
}

const struct soak_device soak_blk = {
	.name = "blk", .queues = 1, .request = request, .good = good
};
