// SPDX-License-Identifier: BSD-3-Clause
/*
 * A file system device (VIRTIO 1.4, 5.11) of which there is an empty root folder: FUSE_INIT, and then
 * FUSE_GETATTR of it. What is anything else is answered with an error, in FUSE's way.
 */
#include <linux/fuse.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

#define HIPRIOQ 0
#define TAG	"ringside"

#define ERR_NOENT (-2)
#define ERR_IO	  (-5)
#define ERR_INVAL (-22)
#define ERR_NOSYS (-38)

#define HEAD ((u32)sizeof(struct fuse_in_header))
#define BACK ((u32)sizeof(struct fuse_out_header))

static u32 init(const struct fuse_in_header *h, const u8 *body, u32 len, u8 *out)
{
	/* As short as it was before version 7.23: nobody here has asked for more. */
	if (len < 16 || message_u32(body) != 7)
		return 0;
	message_put32(out, 7);
	message_put32(out + 4, MIN(message_u32(body + 4), 22u));
	message_put32(out + 8, message_u32(body + 8));
	return FUSE_COMPAT_22_INIT_OUT_SIZE;
}

static u32 root(u8 *out)
{
	const struct fuse_attr_out a = {
		.attr = { .ino = le64(FUSE_ROOT_ID), .mode = le32(040755), .nlink = le32(2) },
	};

	memcpy(out, &a, sizeof(a));
	return sizeof(a);
}

/* The length of what is behind the header, or an error. */
static int carry_out(struct rmessage *m, const struct fuse_in_header *h, const u8 *body, u32 len,
		     u8 *out)
{
	const u32 opcode = le32(h->opcode);

	if (opcode == FUSE_INIT) {
		const u32 n = init(h, body, len, out);

		m->on |= n != 0;
		return n ? (int)n : ERR_INVAL;
	}
	if (!m->on)
		return ERR_IO;
	if (opcode != FUSE_GETATTR)
		return ERR_NOSYS;
	if (len < sizeof(struct fuse_getattr_in))
		return ERR_INVAL;
	return le64(h->nodeid) == FUSE_ROOT_ID ? (int)root(out) : ERR_NOENT;
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	struct fuse_out_header back = { 0 };
	struct fuse_in_header h;
	int n;

	if (len < HEAD || room < BACK)
		return 0;
	memcpy(&h, request, HEAD);
	/* FUSE_FORGET has no answer, and there is nothing to forget. */
	if (queue == HIPRIOQ && le32(h.opcode) != FUSE_INTERRUPT)
		return 0;
	n = le32(h.len) == m->len ? carry_out(m, &h, request + HEAD, len - HEAD, answer + BACK)
				  : ERR_INVAL;
	if (n > 0 && BACK + (u32)n > room)
		n = ERR_IO;
	back.unique = h.unique;
	back.error = (int)le32((u32)MIN(n, 0));
	back.len = le32(BACK + (u32)MAX(n, 0));
	memcpy(answer, &back, BACK);
	return BACK + (u32)MAX(n, 0);
}

static void config(struct rmessage *m, u8 *image)
{
	memcpy(image, TAG, sizeof(TAG) - 1);
	message_put32(image + 36, 1);
}

const struct message_ops fs_message = { .answer = answer, .config = config };

const struct rdev_ops fs_ops = {
	.name = "fs",
	.id = VIRTIO_ID_FS,
	.config_size = 40,
	.features = message_no_features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
