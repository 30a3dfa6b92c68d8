// SPDX-License-Identifier: BSD-3-Clause
/* Sound device: what it tells of jacks and streams (5.14.6.4, 5.14.6.6). */
#include <linux/virtio_snd.h>
#include <string.h>

#include "harness/check/message_kit.h"
#include "harness/device/snd.h"

#define PCM_DEFINED   "v14.sound.pcm-info.dev.1"
#define PCM_PADDING   "v14.sound.pcm-info.dev.2"
#define JACK_DEFINED  "v14.sound.jack-info.dev.1"
#define JACK_PADDING  "v14.sound.jack-info.dev.2"
#define MAP_DIRECTION "v14.sound.chmap-info.dev.1"
#define MAP_CHANNELS  "v14.sound.chmap-info.dev.2"

/* The first of a kind; false: there is none, or the check is over. */
static bool first(struct ck *c, struct mk *m, u32 code, void *item, u32 size)
{
	if (!mk_start(c, m, 0))
		return false;
	snd_query(m->out.hva, code, 0, 1, size);
	if (!mk_ask(c, m, sizeof(struct virtio_snd_query_info),
		    (u32)sizeof(struct virtio_snd_hdr) + size))
		return false;
	if (snd_status(m->in.hva) != VIRTIO_SND_S_OK)
		return ck_skip(c, "there is none: status 0x%x", snd_status(m->in.hva));
	memcpy(item, m->in.hva + sizeof(struct virtio_snd_hdr), size);
	return true;
}

static bool zero(const u8 *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

static void pcm(struct ck *c)
{
	const u64 formats = (BIT_ULL(VIRTIO_SND_PCM_FMT_IEC958_SUBFRAME) << 1) - 1;
	const u64 rates = (BIT_ULL(VIRTIO_SND_PCM_RATE_384000) << 1) - 1;
	const u32 features = (1u << VIRTIO_SND_PCM_F_EVT_XRUNS << 1) - 1;
	struct virtio_snd_pcm_info i;
	struct mk m;

	if (!first(c, &m, VIRTIO_SND_R_PCM_INFO, &i, sizeof(i)))
		return;
	if (le64(i.formats) & ~formats || le64(i.rates) & ~rates || le32(i.features) & ~features ||
	    i.direction > VIRTIO_SND_D_INPUT)
		ck_fail(c, PCM_DEFINED, "values that are defined",
			"features 0x%x, formats 0x%llx, rates 0x%llx, direction %u",
			le32(i.features), (unsigned long long)le64(i.formats),
			(unsigned long long)le64(i.rates), i.direction);
	else if (!zero(i.padding, sizeof(i.padding)))
		ck_fail(c, PCM_PADDING, "padding of zeroes", "a byte of it is not 0");
}

CHECK(pcm, .id = "sound.pcm-info", .clauses = { PCM_DEFINED, PCM_PADDING },
      .stimulus = "PCM_INFO of the first stream",
      .oracle = "features, formats, rates and direction that are defined, padding of zeroes",
      .device = VIRTIO_ID_SOUND, .run = pcm);

static void jack(struct ck *c)
{
	struct virtio_snd_jack_info i;
	struct mk m;

	if (!first(c, &m, VIRTIO_SND_R_JACK_INFO, &i, sizeof(i)))
		return;
	if (le32(i.features) & ~(1u << VIRTIO_SND_JACK_F_REMAP))
		ck_fail(c, JACK_DEFINED, "features that are defined", "features 0x%x",
			le32(i.features));
	else if (!zero(i.padding, sizeof(i.padding)))
		ck_fail(c, JACK_PADDING, "padding of zeroes", "a byte of it is not 0");
}

CHECK(jack, .id = "sound.jack-info", .clauses = { JACK_DEFINED, JACK_PADDING },
      .stimulus = "JACK_INFO of the first jack",
      .oracle = "features that are defined, padding of zeroes", .device = VIRTIO_ID_SOUND,
      .run = jack);

static void chmap(struct ck *c)
{
	struct virtio_snd_chmap_info i;
	struct mk m;

	if (!first(c, &m, VIRTIO_SND_R_CHMAP_INFO, &i, sizeof(i)))
		return;
	if (i.direction > VIRTIO_SND_D_INPUT)
		ck_fail(c, MAP_DIRECTION, "a direction that is defined", "direction %u",
			i.direction);
	else if (i.channels > VIRTIO_SND_CHMAP_MAX_SIZE)
		ck_fail(c, MAP_CHANNELS, "18 channels at most", "%u channels", i.channels);
}

CHECK(chmap, .id = "sound.chmap-info", .clauses = { MAP_DIRECTION, MAP_CHANNELS },
      .stimulus = "CHMAP_INFO of the first channel map",
      .oracle = "a direction that is defined, and 18 channels at most", .device = VIRTIO_ID_SOUND,
      .run = chmap);
