// SPDX-License-Identifier: BSD-3-Clause
/* An SPI controller (VIRTIO 1.4, 5.21) whose one chip gives back what it is sent. */
#include <string.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	OK,
	PARAM_ERR,
	TRANS_ERR
};

#define HEAD	 32u
#define FREQ_MAX 1000000u
#define MODES	 0x3u /* clock phase and polarity */

/* Can a transfer be as its head says (5.21.6.4)? */
static bool valid(const u8 *head, u32 sent, u32 received)
{
	const u32 freq = message_u32(head + 12);

	return head[0] == 0 && (head[1] == 0 || head[1] == 8) && head[2] <= 1 && head[3] <= 1 &&
	       head[4] <= 1 && !(message_u32(head + 8) & ~MODES) && freq && freq <= FREQ_MAX &&
	       (!sent || !received || sent == received);
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	const u32 sent = len > HEAD ? len - HEAD : 0, received = room ? room - 1 : 0;
	/* A transfer that is longer than what is looked at is none that this controller has. */
	const bool good = m->len <= MESSAGE_MAX && m->room <= MESSAGE_MAX && len >= HEAD &&
			  valid(request, sent, received);

	if (!room)
		return 0;
	if (good && sent)
		memcpy(answer, request + HEAD, MIN(sent, received));
	answer[received] = good ? OK : PARAM_ERR;
	return room;
}

static void config(struct rmessage *m, u8 *image)
{
	image[0] = 1;			   /* chip selects */
	image[1] = 1;			   /* which can change between transfers */
	message_put32(image + 4, 1u << 7); /* words of 8 bits */
	message_put32(image + 8, MODES);
	message_put32(image + 12, FREQ_MAX);
}

const struct message_ops spi_message = { .answer = answer, .config = config, .tail = 1 };

const struct rdev_ops spi_ops = {
	.name = "spi",
	.id = VIRTIO_ID_SPI,
	.config_size = 32,
	.features = message_no_features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
