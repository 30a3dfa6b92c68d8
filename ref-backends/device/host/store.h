/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the sectors of a block device are: stores for struct rblk. */
#ifndef REF_BACKENDS_DEVICE_HOST_STORE_H
#define REF_BACKENDS_DEVICE_HOST_STORE_H

#include "ref-backends/device/blk.h"

/*
 * Each returns NULL after a line on stderr. Close with ops->close.
 *
 * memory: anonymous memory; resized() grows it by RBLK_GROW_SECTORS.
 * null:   reads give zeroes, writes vanish; resized() grows it likewise.
 * file:   a file or block device through io_uring; resized() reads its size again.
 */
struct rblk_store *store_memory_open(u64 bytes);
struct rblk_store *store_null_open(u64 bytes);
struct rblk_store *store_file_open(const char *path, bool read_only, u16 num_queues);

#define RBLK_GROW_SECTORS 2048

#endif
