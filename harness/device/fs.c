// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/fs.h"

#include <string.h>

#include "harness/spec/virtio14.h"

#define HEAD	((u32)sizeof(struct fuse_in_header))
#define GETATTR (HEAD + (u32)sizeof(struct fuse_getattr_in))
/* FUSE_INIT as it was when it ended with the flags; a version of 7 or less has no more. */
#define INIT (HEAD + 16)

void fs_write_head(u8 *to, u32 len, u32 opcode, u64 unique, u64 node)
{
	const struct fuse_in_header h = {
		.len = le32(len),
		.opcode = le32(opcode),
		.unique = le64(unique),
		.nodeid = le64(node),
	};

	memcpy(to, &h, sizeof(h));
}

u32 fs_init(u8 *to, u64 unique)
{
	const u32 body[] = { le32(FS_MAJOR), le32(FS_MINOR), le32(65536), 0 };

	fs_write_head(to, INIT, FUSE_INIT, unique, 0);
	memcpy(to + HEAD, body, sizeof(body));
	return INIT;
}

u32 fs_getattr(u8 *to, u64 unique, u64 node)
{
	const struct fuse_getattr_in body = { 0 };

	fs_write_head(to, GETATTR, FUSE_GETATTR, unique, node);
	memcpy(to + HEAD, &body, sizeof(body));
	return GETATTR;
}

struct fs_answer fs_read_answer(const u8 *from)
{
	return (struct fs_answer){ vehicle_u32(from), (int)vehicle_u32(from + 4),
				   vehicle_u64(from + 8) };
}

/* --- the vehicle: attributes of the root folder, behind the FUSE_INIT that begins a session ------------ */

_Static_assert(INIT == GETATTR, "both have the same length");

static void fill(u8 *readable, u64 n)
{
	if (n == 0)
		fs_init(readable, 1);
	else
		fs_getattr(readable, n + 1, FS_ROOT);
}

static bool answered(const u8 *readable, const u8 *writable)
{
	const struct fs_answer a = fs_read_answer(writable);

	return a.unique == vehicle_u64(readable + 8) && a.len >= sizeof(struct fuse_out_header) &&
	       a.len <= FS_ANSWER_MAX;
}

static u32 length(const u8 *writable)
{
	return fs_read_answer(writable).len;
}

const struct vehicle fs_vehicle = {
	.device = VIRTIO_ID_FS,
	.name = "FUSE_GETATTR",
	.queue = FS_REQUESTQ,
	.readable = GETATTR,
	.writable = FS_ANSWER_MAX,
	.fill = fill,
	.answered = answered,
	.length = length,
};
