// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever a driver asks of the devices of small messages: an answer lies inside its buffer, is as long as is said
 * and in the form of its type, wherever request and buffer are cut; nothing behind it is written, and nothing
 * behind the request is read. A configuration space is what was written to it, or as it was.
 *
 * Input: device (1), features (8), then steps: what it is (1), and of a request its length (2) and bytes, what there
 * is to write to (2) and where these are cut (2 each); of a write to the configuration space offset, length (1 each)
 * and bytes; of a new beginning its features (8).
 */
#include <linux/fuse.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_scsi.h>
#include <linux/virtio_snd.h>

#include "ref-backends/device/message.h"
#include "tests/fuzz/input.h"

#define LENGTH	  1200 /* more than a device looks at */
#define STEPS_MAX 200
#define UNSET	  0xa5
#define PIECES	  2

/* One request, whole, and what came of it. */
struct deal {
	u16 queue;
	const u8 *request, *answer;
	u32 len, room, used;
};

static struct rmessage m;
static unsigned returned;

static void done(struct rdev_req *req)
{
	returned++;
	MUST(!req->put_back);
	MUST(req->used_len <= req->chain.writable);
}

/* --- what an answer of each type is like ------------------------------------------------------------------- */

static void judge_fs(const struct deal *d)
{
	if (!d->used)
		return;
	MUST(d->used >= sizeof(struct fuse_out_header) && message_u32(d->answer) == d->used);
	MUST(d->len >= sizeof(struct fuse_in_header));
	MUST(memcmp(d->answer + 8, d->request + 8, 8) == 0);
	MUST((int)message_u32(d->answer + 4) <= 0 && (int)message_u32(d->answer + 4) > -512);
	MUST(!message_u32(d->answer + 4) || d->used == sizeof(struct fuse_out_header));
	MUST(d->queue || message_u32(d->request + 4) == FUSE_INTERRUPT);
}

static bool is_snd_status(u32 code)
{
	return code >= VIRTIO_SND_S_OK && code <= VIRTIO_SND_S_IO_ERR;
}

static void judge_snd(const struct deal *d)
{
	if (d->queue) {
		/* The status is the last that there is. */
		MUST(d->room < 8 ? !d->used
				 : d->used == d->room &&
					   is_snd_status(message_u32(d->answer + d->room - 8)));
		return;
	}
	MUST((d->used == 0) == (d->len < 4 || d->room < 4));
	MUST(!d->used || (d->used >= 4 && is_snd_status(message_u32(d->answer))));
	MUST(d->used <= 4 || message_u32(d->answer) == VIRTIO_SND_S_OK);
}

static void judge_gpu(const struct deal *d)
{
	u32 type;

	MUST((d->used == 0) == (d->queue || d->len < 24 || d->room < 24));
	if (!d->used)
		return;
	type = message_u32(d->answer);
	MUST(d->used >= 24 &&
	     (type == VIRTIO_GPU_RESP_OK_NODATA || type == VIRTIO_GPU_RESP_OK_DISPLAY_INFO ||
	      (type >= VIRTIO_GPU_RESP_ERR_UNSPEC &&
	       type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER)));
	MUST(message_u32(d->answer + 4) == (message_u32(d->request + 4) & VIRTIO_GPU_FLAG_FENCE));
	MUST(!message_u32(d->answer + 4) || memcmp(d->answer + 8, d->request + 8, 8) == 0);
}

static void judge_input(const struct deal *d)
{
	MUST(!d->used);
}

static void judge_can(const struct deal *d)
{
	MUST(d->used == MIN(d->room, 1u) && (!d->used || d->answer[0] <= 1));
	if (!d->used || d->answer[0] || d->queue)
		return;
	MUST(d->len >= 16 && message_u16(d->request) == 1 && message_u16(d->request + 2) <= 8);
	MUST(d->len >= 16u + message_u16(d->request + 2));
	MUST(!(message_u32(d->request + 12) >> 29));
}

static void judge_spi(const struct deal *d)
{
	MUST(d->used == d->room);
	if (!d->used)
		return;
	MUST(d->answer[d->room - 1] <= 2);
	if (d->answer[d->room - 1])
		return;
	/* One chip, which sends back what it gets. */
	MUST(d->len >= 32 && d->request[0] == 0);
	MUST(d->len == 32 || d->room == 1 ||
	     (d->len - 32 == d->room - 1 && memcmp(d->request + 32, d->answer, d->room - 1) == 0));
}

static void judge_scsi(const struct deal *d)
{
	const u32 back = 12 + m.sense_size;
	u32 sense, resid;
	u8 status, response;

	if (d->queue == 0) {
		MUST(!d->used || d->answer[d->used - 1] <= VIRTIO_SCSI_S_INCORRECT_LUN);
		MUST(d->used <= 5);
		return;
	}
	MUST((d->used == 0) == (d->room < back));
	if (!d->used)
		return;
	sense = message_u32(d->answer);
	resid = message_u32(d->answer + 4);
	status = d->answer[10];
	response = d->answer[11];
	MUST(response <= VIRTIO_SCSI_S_FAILURE && sense <= m.sense_size);
	if (response != VIRTIO_SCSI_S_OK && response != VIRTIO_SCSI_S_OVERRUN) {
		MUST(d->used == back && !status && !sense);
		return;
	}
	MUST(d->used + resid == d->room);
	MUST(status == 0 || status == 2);
	MUST((sense != 0) == (status == 2 && m.sense_size));
	MUST(d->len >= 19 + m.cdb_size && d->request[0] != 0);
	MUST(d->len == 19 + m.cdb_size || d->room == back);
}

static const struct {
	const struct rdev_ops *ops;
	const struct message_ops *message;
	u16 queues;
	void (*judge)(const struct deal *d);
} types[] = {
	{ &fs_ops, &fs_message, 2, judge_fs },	     { &snd_ops, &snd_message, 4, judge_snd },
	{ &gpu_ops, &gpu_message, 2, judge_gpu },    { &input_ops, &input_message, 2, judge_input },
	{ &can_ops, &can_message, 3, judge_can },    { &spi_ops, &spi_message, 1, judge_spi },
	{ &scsi_ops, &scsi_message, 3, judge_scsi },
};

/* --- steps ------------------------------------------------------------------------------------------------------ */

/* The bytes in two allocations of their own size, or one. How many. */
static u32 cut(struct dvq_seg *segs, const u8 *bytes, u32 len, u32 where)
{
	const u32 first = len ? where % len : 0;
	u32 n = 0;

	for (u32 from = 0; from < len;) {
		const u32 size = n == 0 && first ? first : len - from;
		u8 *p = malloc(size);

		MUST(p);
		memcpy(p, bytes + from, size);
		segs[n++] = (struct dvq_seg){ p, size };
		from += size;
	}
	return n;
}

/* What a device does with nothing but the bytes themselves: as much as it looks at, of their exact size. */
static void alone(struct rmessage *twin, const struct deal *d)
{
	const u32 len = MIN(d->len, (u32)MESSAGE_MAX), room = MIN(d->room, (u32)MESSAGE_MAX);
	u8 *request = malloc(len), *answer = calloc(1, MESSAGE_MAX);

	MUST((request || !len) && answer);
	twin->len = d->len;
	twin->room = d->room;
	if (len)
		memcpy(request, d->request, len);
	MUST(twin->ops->answer(twin, d->queue, request, len, answer, room) <= room);
	free(request);
	free(answer);
}

static void request(struct input *in, unsigned type, bool honest)
{
	static u8 sent[LENGTH], filled[LENGTH], came[LENGTH];
	struct deal d = { .queue = input_u8(in) % m.dev.num_queues,
			  .request = sent,
			  .answer = came };
	struct dvq_seg segs[2 * PIECES];
	struct rdev_req req = { .done = done, .queue = d.queue };
	struct rmessage twin = m;
	u32 at = 0;

	d.len = input_u16(in) % LENGTH;
	memset(sent, 0, sizeof(sent));
	input_bytes(in, sent, MIN(d.len, 160u));
	/* A FUSE request says how long it is. */
	if (honest && types[type].ops == &fs_ops)
		message_put32(sent, d.len);
	d.room = input_u16(in) % LENGTH;
	if (!m.dev.ops->ready(&m.dev, d.queue))
		return;
	alone(&twin, &d);
	memset(filled, UNSET, sizeof(filled));
	req.chain.segs = segs;
	req.chain.cap = ARRAY_SIZE(segs);
	req.chain.n_readable = cut(segs, sent, d.len, input_u16(in));
	req.chain.n_writable = cut(segs + req.chain.n_readable, filled, d.room, input_u16(in));
	req.chain.readable = d.len;
	req.chain.writable = d.room;
	returned = 0;
	m.dev.ops->serve(&m.dev, &req);
	MUST(returned == 1);
	MUST(m.on == twin.on && m.stage == twin.stage);
	for (u32 i = 0; i < req.chain.n_readable + req.chain.n_writable; i++) {
		if (i >= req.chain.n_readable) {
			memcpy(came + at, segs[i].base, segs[i].len);
			at += (u32)segs[i].len;
		}
		free(segs[i].base);
	}
	d.used = req.used_len;
	for (u32 i = d.used; i < d.room; i++)
		MUST(came[i] == UNSET);
	types[type].judge(&d);
}

/* The configuration space; nothing lies behind it. */
static void look(u8 *image)
{
	memset(image, 0, RDEV_CONFIG_MAX);
	m.dev.ops->config(&m.dev, image);
	for (u32 i = m.dev.ops->config_size; i < RDEV_CONFIG_MAX; i++)
		MUST(image[i] == 0);
	if (m.dev.ops->id == VIRTIO_ID_INPUT)
		for (u32 i = 8u + image[2]; i < m.dev.ops->config_size; i++)
			MUST(image[i] == 0);
}

static void config_write(struct input *in, bool honest)
{
	/* Anything, or a word that is small. */
	const u32 off = honest ? input_u8(in) & ~3u : input_u8(in);
	const u32 len = honest ? 4 : 1 + input_u8(in) % 16;
	u8 *before = malloc(RDEV_CONFIG_MAX), *after = malloc(RDEV_CONFIG_MAX);
	u8 *data = malloc(len);

	MUST(before && after && data);
	memset(data, 0, len);
	input_bytes(in, data, honest ? 1 : len);
	look(before);
	if (m.dev.ops->config_write(&m.dev, off, data, len, false)) {
		look(after);
		MUST(off + len <= m.dev.ops->config_size);
		MUST(memcmp(after + off, data, len) == 0);
	} else {
		look(after);
		MUST(memcmp(after, before, RDEV_CONFIG_MAX) == 0);
	}
	free(before);
	free(after);
	free(data);
}

static void begin(struct input *in)
{
	m.dev.ops->reset(&m.dev);
	m.dev.ops->negotiated(&m.dev, m.dev.ops->features(&m.dev) & input_u64(in));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	const unsigned type = input_u8(&in) % ARRAY_SIZE(types);

	rmessage_init(&m, types[type].ops, types[type].message, types[type].queues);
	begin(&in);
	for (unsigned n = 0; in.left && n < STEPS_MAX; n++) {
		const u8 what = input_u8(&in);

		if (what < 0xc0)
			request(&in, type, what & 1);
		else if (what < 0xf8)
			config_write(&in, what & 1);
		else
			begin(&in);
	}
	return 0;
}
