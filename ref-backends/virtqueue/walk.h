/* SPDX-License-Identifier: BSD-3-Clause */
/* What walking a chain has in common whatever the ring. Internal to this folder. */
#ifndef REF_BACKENDS_VIRTQUEUE_WALK_H
#define REF_BACKENDS_VIRTQUEUE_WALK_H

#include "ref-backends/virtqueue/split.h"

/* The memory that a ring's buffers lie in, and how many descriptors a chain may have. */
struct dvq_memory {
	const struct dvq_ops *ops;
	void *ctx;
	u32 num;
};

void dvq_chain_clear(struct dvq_chain *c);

/* One more descriptor of the chain. */
enum dvq_error dvq_chain_add(const struct dvq_memory *m, struct dvq_chain *c, u64 addr, u32 len,
			     bool writable);

/* An indirect table in guest memory, which need be neither aligned nor contiguous here. */
struct dvq_table {
	const struct dvq_memory *m;
	u64 addr;
	const u8 *whole; /* NULL: it crosses from one memory region into the next */
	u32 num;
};

/* DVQ_OK, or what is wrong with a table of `len` bytes. */
enum dvq_error dvq_table_open(struct dvq_table *t, const struct dvq_memory *m, u64 addr, u32 len);
/* Copy entry `i` (16 bytes in either ring). False: it is not in memory. */
bool dvq_table_read(const struct dvq_table *t, u32 i, void *entry);

#endif
