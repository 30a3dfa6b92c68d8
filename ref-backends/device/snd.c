// SPDX-License-Identifier: BSD-3-Clause
/*
 * A sound device (VIRTIO 1.4, 5.14) that tells of one jack, one stream and one channel map, and plays nothing:
 * what is asked for beyond that is not supported.
 */
#include <linux/virtio_snd.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	CONTROLQ,
	EVENTQ,
	TXQ,
	RXQ,
	QUEUES
};

/* What there is of one kind. */
static const struct {
	u32 code, size;
} kinds[] = {
	{ VIRTIO_SND_R_JACK_INFO, sizeof(struct virtio_snd_jack_info) },
	{ VIRTIO_SND_R_PCM_INFO, sizeof(struct virtio_snd_pcm_info) },
	{ VIRTIO_SND_R_CHMAP_INFO, sizeof(struct virtio_snd_chmap_info) },
};

static void item(u32 code, u8 *to)
{
	const struct virtio_snd_jack_info jack = { .connected = 1 };
	const struct virtio_snd_pcm_info pcm = {
		.formats = le64(BIT_ULL(VIRTIO_SND_PCM_FMT_S16)),
		.rates = le64(BIT_ULL(VIRTIO_SND_PCM_RATE_48000)),
		.direction = VIRTIO_SND_D_OUTPUT,
		.channels_min = 2,
		.channels_max = 2,
	};
	const struct virtio_snd_chmap_info chmap = {
		.direction = VIRTIO_SND_D_OUTPUT,
		.channels = 2,
		.positions = { VIRTIO_SND_CHMAP_FL, VIRTIO_SND_CHMAP_FR },
	};

	if (code == VIRTIO_SND_R_JACK_INFO)
		memcpy(to, &jack, sizeof(jack));
	else if (code == VIRTIO_SND_R_PCM_INFO)
		memcpy(to, &pcm, sizeof(pcm));
	else
		memcpy(to, &chmap, sizeof(chmap));
}

static u32 status(u8 *answer, u32 code)
{
	message_put32(answer, code);
	return sizeof(struct virtio_snd_hdr);
}

static u32 query(const u8 *request, u32 len, u8 *answer, u32 room)
{
	struct virtio_snd_query_info q;
	u32 code = 0, size = 0;

	memcpy(&code, request, sizeof(code));
	code = le32(code);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].code == code)
			size = kinds[i].size;
	if (!size)
		return status(answer, VIRTIO_SND_S_NOT_SUPP);
	if (len < sizeof(q))
		return status(answer, VIRTIO_SND_S_BAD_MSG);
	memcpy(&q, request, sizeof(q));
	/* There is one of each. */
	if (le32(q.start_id) != 0 || le32(q.count) != 1 || le32(q.size) != size ||
	    room < sizeof(struct virtio_snd_hdr) + size)
		return status(answer, VIRTIO_SND_S_BAD_MSG);
	item(code, answer + sizeof(struct virtio_snd_hdr));
	return status(answer, VIRTIO_SND_S_OK) + size;
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	if (queue != CONTROLQ) {
		/* A buffer of a stream that does not run; its status stands behind the data. */
		if (room < sizeof(struct virtio_snd_pcm_status))
			return 0;
		message_put32(answer + room - sizeof(struct virtio_snd_pcm_status),
			      VIRTIO_SND_S_BAD_MSG);
		return room;
	}
	if (len < sizeof(struct virtio_snd_hdr) || room < sizeof(struct virtio_snd_hdr))
		return 0;
	return query(request, len, answer, room);
}

static void config(struct rmessage *m, u8 *image)
{
	/* Jacks, streams, channel maps. */
	for (unsigned i = 0; i < 3; i++)
		message_put32(image + 4 * i, 1);
}

const struct message_ops snd_message = {
	.answer = answer,
	.config = config,
	.tail = sizeof(struct virtio_snd_pcm_status),
	.idle = 1u << EVENTQ,
};

const struct rdev_ops snd_ops = {
	.name = "sound",
	.id = VIRTIO_ID_SOUND,
	.config_size = 12,
	.features = message_no_features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
