// SPDX-License-Identifier: BSD-3-Clause
/*
 * A sound device (VIRTIO 1.4, 5.14) that tells of one jack, one stream and one channel map. What the stream is given
 * once it runs is taken at once and heard by nobody; what is asked for beyond that is not supported.
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

/* 5.14.6.6.1: from which states a command is allowed (a bit each), and to which one it leads. */
enum {
	NONE,
	SET,
	PREPARED,
	RUNNING,
	STOPPED,
};

static const struct {
	u32 code;
	u8 from, to;
} commands[] = {
	{ VIRTIO_SND_R_PCM_SET_PARAMS, 1u << NONE | 1u << SET | 1u << PREPARED, SET },
	{ VIRTIO_SND_R_PCM_PREPARE, 1u << SET | 1u << PREPARED, PREPARED },
	{ VIRTIO_SND_R_PCM_START, 1u << PREPARED | 1u << STOPPED, RUNNING },
	{ VIRTIO_SND_R_PCM_STOP, 1u << RUNNING, STOPPED },
	{ VIRTIO_SND_R_PCM_RELEASE, 1u << PREPARED | 1u << STOPPED, SET },
};

/* The parameters that the stream was told to have, and periods that fill the buffer. */
static u32 params(const u8 *request, u32 len)
{
	struct virtio_snd_pcm_set_params p;

	if (len < sizeof(p))
		return VIRTIO_SND_S_BAD_MSG;
	memcpy(&p, request, sizeof(p));
	if (!p.period_bytes || le32(p.buffer_bytes) % le32(p.period_bytes) || p.padding)
		return VIRTIO_SND_S_BAD_MSG;
	return p.features || p.channels != 2 || p.format != VIRTIO_SND_PCM_FMT_S16 ||
			       p.rate != VIRTIO_SND_PCM_RATE_48000
		       ? VIRTIO_SND_S_NOT_SUPP
		       : VIRTIO_SND_S_OK;
}

/* A command for the stream: the status of its answer. */
static u32 move(struct rmessage *m, const u8 *request, u32 len)
{
	const u32 code = message_u32(request);
	u32 said = VIRTIO_SND_S_OK;

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].code != code)
			continue;
		if (len < sizeof(struct virtio_snd_pcm_hdr) || message_u32(request + 4) != 0 ||
		    !(commands[i].from >> m->stage & 1))
			return VIRTIO_SND_S_BAD_MSG;
		if (code == VIRTIO_SND_R_PCM_SET_PARAMS)
			said = params(request, len);
		if (said == VIRTIO_SND_S_OK)
			m->stage = commands[i].to;
		return said;
	}
	return VIRTIO_SND_S_NOT_SUPP;
}

/* A buffer of a stream: its status stands behind what may be data. */
static u32 buffer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	const bool taken = queue == TXQ && m->stage == RUNNING &&
			   len > sizeof(struct virtio_snd_pcm_xfer) && message_u32(request) == 0;

	if (room < sizeof(struct virtio_snd_pcm_status))
		return 0;
	message_put32(answer + room - sizeof(struct virtio_snd_pcm_status),
		      taken ? VIRTIO_SND_S_OK : VIRTIO_SND_S_BAD_MSG);
	return room;
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	if (queue != CONTROLQ)
		return buffer(m, queue, request, len, answer, room);
	if (len < sizeof(struct virtio_snd_hdr) || room < sizeof(struct virtio_snd_hdr))
		return 0;
	if (message_u32(request) >= VIRTIO_SND_R_PCM_SET_PARAMS &&
	    message_u32(request) <= VIRTIO_SND_R_PCM_STOP)
		return status(answer, move(m, request, len));
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
