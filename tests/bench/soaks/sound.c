// SPDX-License-Identifier: BSD-3-Clause
/* What there is of jacks, streams and channel maps, and a question that is none. */
#include "harness/device/snd.h"
#include "tests/bench/soaks/soak.h"

#define HEAD ((u32)sizeof(struct virtio_snd_hdr))

static const struct {
	u32 code, size, status;
} queries[] = {
	{ VIRTIO_SND_R_JACK_INFO, sizeof(struct virtio_snd_jack_info), VIRTIO_SND_S_OK },
	{ VIRTIO_SND_R_PCM_INFO, sizeof(struct virtio_snd_pcm_info), VIRTIO_SND_S_OK },
	{ VIRTIO_SND_R_CHMAP_INFO, sizeof(struct virtio_snd_chmap_info), VIRTIO_SND_S_OK },
	{ 0x7777, 8, VIRTIO_SND_S_NOT_SUPP },
};

static void request(struct soak *s, struct soak_req *r)
{
	const unsigned i = r->n % ARRAY_SIZE(queries);

	snd_query(r->out.hva, queries[i].code, 0, 1, queries[i].size);
	r->out.len = sizeof(struct virtio_snd_query_info);
	r->in.len = HEAD + queries[i].size;
	r->in.hva[0] = 0xa5;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const unsigned i = r->n % ARRAY_SIZE(queries);
	const u32 status = queries[i].status;
	const u32 want = HEAD + (status == VIRTIO_SND_S_OK ? queries[i].size : 0);

	return (r->used_len == want && snd_status(r->in.hva) == status) ||
	       soak_wrong(s, "length %u, status 0x%x", r->used_len, snd_status(r->in.hva));
}

const struct soak_device soak_sound = {
	.name = "sound", .queues = 4, .queue = SND_CONTROLQ, .request = request, .good = good
};
