// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/snd.h"

#include <string.h>

#include "harness/spec/virtio14.h"

void snd_query(u8 *to, u32 code, u32 start, u32 count, u32 size)
{
	const struct virtio_snd_query_info q = {
		.hdr.code = le32(code),
		.start_id = le32(start),
		.count = le32(count),
		.size = le32(size),
	};

	memcpy(to, &q, sizeof(q));
}

void snd_pcm(u8 *to, u32 code, u32 stream)
{
	const struct virtio_snd_pcm_hdr h = {
		.hdr.code = le32(code),
		.stream_id = le32(stream),
	};

	memcpy(to, &h, sizeof(h));
}

void snd_set_params(u8 *to, u32 stream)
{
	struct virtio_snd_pcm_set_params p = {
		.buffer_bytes = le32(4 * SND_PERIOD),
		.period_bytes = le32(SND_PERIOD),
		.channels = 2,
		.format = VIRTIO_SND_PCM_FMT_S16,
		.rate = VIRTIO_SND_PCM_RATE_48000,
	};

	snd_pcm((u8 *)&p.hdr, VIRTIO_SND_R_PCM_SET_PARAMS, stream);
	memcpy(to, &p, sizeof(p));
}

/* --- the vehicle: what the first stream is like ------------------------------------------------------------ */

#define INFO ((u32)sizeof(struct virtio_snd_pcm_info))

static void fill(u8 *readable, u64 n)
{
	snd_query(readable, VIRTIO_SND_R_PCM_INFO, 0, 1, INFO);
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return snd_is_status(snd_status(writable));
}

static u32 length(const u8 *writable)
{
	return (u32)sizeof(struct virtio_snd_hdr) +
	       (snd_status(writable) == VIRTIO_SND_S_OK ? INFO : 0);
}

const struct vehicle snd_vehicle = {
	.device = VIRTIO_ID_SOUND,
	.name = "PCM_INFO",
	.queue = SND_CONTROLQ,
	.queues = 1,
	.size = 64,
	.readable = sizeof(struct virtio_snd_query_info),
	.writable = sizeof(struct virtio_snd_hdr) + INFO,
	.fill = fill,
	.answered = answered,
	.length = length,
};
