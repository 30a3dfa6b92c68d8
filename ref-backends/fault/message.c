// SPDX-License-Identifier: BSD-3-Clause
/* Devices of small messages: what an answer must not be. */
#include <linux/virtio_gpu.h>
#include <linux/virtio_snd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/device/message.h"
#include "ref-backends/fault/fault.h"

static bool is(const struct rmessage *m, u32 id)
{
	return m->dev.ops->id == id;
}

static void other_unique(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is(m, VIRTIO_ID_FS) && req->used_len)
		answer[8] ^= 1;
}

FAULT(fs_other_unique, .name = "fs-other-unique", .clause = "ROB.answer.own",
      .summary = "answers a FUSE request with the number of another",
      .message_answer = other_unique);

static void no_queues(struct rmessage *m, u8 *image)
{
	if (is(m, VIRTIO_ID_FS))
		message_put32(image + 36, 0);
}

FAULT(fs_no_queues, .name = "fs-no-request-queues", .clause = "v14.fs.cfg.dev.1",
      .summary = "says that a file system has no request queue", .message_config = no_queues);

static bool is_info(const struct rmessage *m, const struct rdev_req *req, const u8 *request,
		    u32 code)
{
	return is(m, VIRTIO_ID_SOUND) && req->queue == 0 && req->used_len > 4 &&
	       message_u32(request) == code;
}

static void pcm_direction(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_PCM_INFO))
		answer[4 + 24] = 2;
}

FAULT(pcm_direction, .name = "sound-pcm-direction", .clause = "v14.sound.pcm-info.dev.1",
      .summary = "a stream whose direction is 2", .message_answer = pcm_direction);

static void pcm_padding(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_PCM_INFO))
		answer[4 + 31] = 1;
}

FAULT(pcm_padding, .name = "sound-pcm-padding", .clause = "v14.sound.pcm-info.dev.2",
      .summary = "leaves something in the padding of a stream", .message_answer = pcm_padding);

static void jack_feature(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_JACK_INFO))
		answer[4 + 4] |= 0x80;
}

FAULT(jack_feature, .name = "sound-jack-feature", .clause = "v14.sound.jack-info.dev.1",
      .summary = "a jack with a feature that is not defined", .message_answer = jack_feature);

static void jack_padding(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_JACK_INFO))
		answer[4 + 23] = 1;
}

FAULT(jack_padding, .name = "sound-jack-padding", .clause = "v14.sound.jack-info.dev.2",
      .summary = "leaves something in the padding of a jack", .message_answer = jack_padding);

static void map_direction(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_CHMAP_INFO))
		answer[4 + 4] = 2;
}

FAULT(map_direction, .name = "sound-chmap-direction", .clause = "v14.sound.chmap-info.dev.1",
      .summary = "a channel map whose direction is 2", .message_answer = map_direction);

static void map_channels(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_info(m, req, request, VIRTIO_SND_R_CHMAP_INFO))
		answer[4 + 5] = VIRTIO_SND_CHMAP_MAX_SIZE + 1;
}

FAULT(map_channels, .name = "sound-chmap-channels", .clause = "v14.sound.chmap-info.dev.2",
      .summary = "a channel map of 19 channels", .message_answer = map_channels);

static void no_fence(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is(m, VIRTIO_ID_GPU) && req->used_len)
		message_put32(answer + 4, 0);
}

FAULT(gpu_no_fence, .name = "gpu-no-fence", .clause = "v14.gpu.header-info.dev.1a",
      .summary = "answers a fenced command without the flag", .message_answer = no_fence);

static void other_fence(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	/* As one would who keeps it in 32 bits. */
	if (is(m, VIRTIO_ID_GPU) && req->used_len)
		message_put32(answer + 12, 0);
}

FAULT(gpu_short_fence, .name = "gpu-fence-32-bits", .clause = "v14.gpu.header-info.dev.1b",
      .summary = "gives back half of a fence's id", .message_answer = other_fence);

static void spi_writes_back(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	const struct dvq_chain *c = &req->chain;

	if (is(m, VIRTIO_ID_SPI) && c->n_readable) {
		const struct dvq_seg *last = &c->segs[c->n_readable - 1];

		((u8 *)last->base)[last->len - 1] ^= 0xff;
	}
}

FAULT(spi_writes_back, .name = "spi-writes-tx-buf", .clause = "v14.spi.operation.dev.2",
      .summary = "writes to what it is to send", .message_answer = spi_writes_back);

static void spi_ok(struct rdev_req *req, u8 *answer)
{
	if (req->used_len)
		answer[req->used_len - 1] = 0;
}

static void spi_any_head(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is(m, VIRTIO_ID_SPI) && request[0] == 255)
		spi_ok(req, answer);
}

FAULT(spi_any_head, .name = "spi-any-chip", .clause = "v14.spi.operation.dev.4",
      .summary = "transfers with a chip that it does not have", .message_answer = spi_any_head);

static void spi_any_lines(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is(m, VIRTIO_ID_SPI) && request[3] == 3)
		spi_ok(req, answer);
}

FAULT(spi_any_lines, .name = "spi-any-lines", .clause = "v14.spi.operation.dev.3",
      .summary = "does not look at how many lines there are to send over",
      .message_answer = spi_any_lines);

static void spi_no_chips(struct rmessage *m, u8 *image)
{
	if (is(m, VIRTIO_ID_SPI))
		image[0] = 0;
}

FAULT(spi_no_chips, .name = "spi-no-chips", .clause = "v14.spi.operation.dev.1",
      .summary = "says that there is no chip to select", .message_config = spi_no_chips);

static void spi_change(struct rmessage *m, u8 *image)
{
	if (is(m, VIRTIO_ID_SPI))
		image[1] = 0xff;
}

FAULT(spi_change, .name = "spi-change-255", .clause = "v14.spi.operation.dev.1",
      .summary = "says 255 where it is to say whether chip selects can change",
      .message_config = spi_change);

static void spi_wide_word(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	/* As one would who shifts by it. */
	if (is(m, VIRTIO_ID_SPI) && request[1] == 40)
		spi_ok(req, answer);
}

FAULT(spi_wide_word, .name = "spi-words-modulo-32", .clause = "v14.spi.operation.dev.4",
      .summary = "transfers words of 40 bits as if they had 8", .message_answer = spi_wide_word);

static void spi_any_size(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is(m, VIRTIO_ID_SPI) && req->chain.readable - 32 != req->chain.writable - 1)
		spi_ok(req, answer);
}

FAULT(spi_any_size, .name = "spi-unequal-sizes", .clause = "v14.spi.operation.dev.6",
      .summary = "transfers what has two lengths", .message_answer = spi_any_size);

static void spi_more_received(struct rmessage *m, struct rdev_req *req, const u8 *request,
			      u8 *answer)
{
	const u64 sent = req->chain.readable - 32, received = req->chain.writable - 1;

	if (is(m, VIRTIO_ID_SPI) && req->chain.readable > 32 && sent < received)
		spi_ok(req, answer);
}

FAULT(spi_more_received, .name = "spi-receives-more", .clause = "v14.spi.operation.dev.5",
      .summary = "only looks whether less is received than sent",
      .message_answer = spi_more_received);

static u8 *spi_result(struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	const struct dvq_seg *last;

	if (!c->n_writable)
		return NULL;
	last = &c->segs[c->n_readable + c->n_writable - 1];
	return last->len ? (u8 *)last->base + last->len - 1 : NULL;
}

static void spi_result_first(struct rmessage *m, struct rdev_req *req, const u8 *request,
			     u8 *answer)
{
	/* As one would who writes a result alone as he writes one behind bytes, from where the buffer begins. */
	if (!is(m, VIRTIO_ID_SPI) || req->chain.readable != 32 || !req->used_len ||
	    !answer[req->used_len - 1])
		return;
	answer[0] = answer[req->used_len - 1];
	req->used_len = 1;
}

FAULT(spi_result_first, .name = "spi-result-first", .clause = "ROB.spi.result",
      .summary = "writes the result of a read that it refuses where the received bytes belong",
      .message_answer = spi_result_first);

static void spi_not_filled(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	u8 *const result = spi_result(req);

	if (!is(m, VIRTIO_ID_SPI) || !req->used_len || !answer[req->used_len - 1] || !result)
		return;
	*result = answer[req->used_len - 1];
	req->used_len = 0;
}

static void spi_all_used(struct rmessage *m, struct rdev_req *req)
{
	if (is(m, VIRTIO_ID_SPI) && !req->used_len)
		req->used_len = (u32)req->chain.writable;
}

FAULT(spi_not_filled, .name = "spi-used-len-refused", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "counts bytes of a transfer that it refuses, and writes none of them",
      .message_answer = spi_not_filled, .message_done = spi_all_used);

static void spi_not_done(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	u8 *const result = spi_result(req);
	const bool beside = m->on;

	if (!is(m, VIRTIO_ID_SPI) || !req->used_len || !result)
		return;
	m->on = answer[req->used_len - 1];
	if (!beside || m->on)
		return;
	*result = 0;
	req->used_len = 0;
}

FAULT(spi_not_done, .name = "spi-ok-not-done", .clause = "ROB.spi.result",
      .summary =
	      "says of a transfer behind one that it refuses that it was carried out, and did not",
      .message_answer = spi_not_done, .message_done = spi_all_used);
