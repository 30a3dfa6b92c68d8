// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sectors in anonymous memory. Address space for growth is reserved at the start, so that growing
 * moves nothing under the feet of requests in flight.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ref-backends/device/host/store.h"

#define RESERVE (1ull << 30) /* to grow into */

struct store_memory {
	struct rblk_store st;
	u8 *base;
	u64 reserved;
};

static void read_segs(const u8 *from, const struct rblk_io *io)
{
	for (u32 i = 0; i < io->nsegs; i++) {
		memcpy(io->segs[i].base, from, io->segs[i].len);
		from += io->segs[i].len;
	}
}

static void write_segs(u8 *to, const struct rblk_io *io)
{
	for (u32 i = 0; i < io->nsegs; i++) {
		memcpy(to, io->segs[i].base, io->segs[i].len);
		to += io->segs[i].len;
	}
}

static void memory_submit(struct rblk_store *st, struct rblk_io *io)
{
	struct store_memory *m = (struct store_memory *)st;
	u8 *at = m->base + io->offset;

	switch (io->op) {
	case RBLK_OP_READ:
		read_segs(at, io);
		break;
	case RBLK_OP_WRITE:
		write_segs(at, io);
		break;
	case RBLK_OP_DISCARD:
	case RBLK_OP_ZERO:
	case RBLK_OP_ERASE:
		memset(at, 0, io->len);
		break;
	case RBLK_OP_FLUSH:
		break;
	}
	io->done(io, 0);
}

static u64 memory_resized(struct rblk_store *st)
{
	struct store_memory *m = (struct store_memory *)st;

	if ((st->sectors + RBLK_GROW_SECTORS) * VIRTIO_BLK_SECTOR <= m->reserved)
		st->sectors += RBLK_GROW_SECTORS;
	return st->sectors;
}

static void memory_close(struct rblk_store *st)
{
	struct store_memory *m = (struct store_memory *)st;

	munmap(m->base, m->reserved);
	free(m);
}

static const struct rblk_store_ops memory_ops = {
	.name = "memory",
	.submit = memory_submit,
	.resized = memory_resized,
	.close = memory_close,
};

struct rblk_store *store_memory_open(u64 bytes)
{
	struct store_memory *m = calloc(1, sizeof(*m));

	if (!m)
		goto failed;
	m->reserved = bytes + RESERVE;
	m->base = mmap(NULL, m->reserved, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->base == MAP_FAILED)
		goto failed;
	m->st.ops = &memory_ops;
	m->st.sectors = bytes / VIRTIO_BLK_SECTOR;
	m->st.may_unmap = true;
	return &m->st;
failed:
	perror("ringside-backend: memory store");
	free(m);
	return NULL;
}
