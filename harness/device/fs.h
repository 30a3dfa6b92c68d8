/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a file system device (VIRTIO 1.4, 5.11): FUSE requests. The first of a session is
 * FUSE_INIT; the number that a request is told by comes back in its answer.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_FS_H
#define HARNESS_DEVICE_FS_H

#include <linux/fuse.h>

#include "harness/device/vehicle.h"

#define FS_HIPRIOQ  0
#define FS_REQUESTQ 1

#define FS_MAJOR 7
#define FS_MINOR 31
#define FS_ROOT	 1 /* node id of the root folder */

/* An answer's header in the host's byte order. */
struct fs_answer {
	u32 len;
	int error;
	u64 unique;
};

/* The header of a request of `len` bytes with it. */
void fs_write_head(u8 *to, u32 len, u32 opcode, u64 unique, u64 node);
/* FUSE_INIT and FUSE_GETATTR with their headers: how long they are. */
u32 fs_init(u8 *to, u64 unique);
u32 fs_getattr(u8 *to, u64 unique, u64 node);
struct fs_answer fs_read_answer(const u8 *from);

#define FS_REQUEST_MAX 64
/* The longest answer to either. */
#define FS_ANSWER_MAX (sizeof(struct fuse_out_header) + sizeof(struct fuse_attr_out))

#endif
