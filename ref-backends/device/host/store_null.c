// SPDX-License-Identifier: BSD-3-Clause
/* Holds nothing: what a request costs when the store costs nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/device/host/store.h"

static void null_submit(struct rblk_store *st, struct rblk_io *io)
{
	(void)st;
	if (io->op == RBLK_OP_READ)
		for (u32 i = 0; i < io->nsegs; i++)
			memset(io->segs[i].base, 0, io->segs[i].len);
	io->done(io, 0);
}

static u64 null_resized(struct rblk_store *st)
{
	st->sectors += RBLK_GROW_SECTORS;
	return st->sectors;
}

static void null_close(struct rblk_store *st)
{
	free(st);
}

static const struct rblk_store_ops null_ops = {
	.name = "null",
	.submit = null_submit,
	.resized = null_resized,
	.close = null_close,
};

struct rblk_store *store_null_open(u64 bytes)
{
	struct rblk_store *st = calloc(1, sizeof(*st));

	if (!st) {
		perror("ringside-backend: null store");
		return NULL;
	}
	st->ops = &null_ops;
	st->sectors = bytes / VIRTIO_BLK_SECTOR;
	st->may_unmap = true;
	return st;
}
