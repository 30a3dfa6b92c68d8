// SPDX-License-Identifier: BSD-3-Clause
/* A line is an output, is set, is read; a line that is not there is asked for. */
#include "harness/device/gpio.h"
#include "tests/bench/soaks/soak.h"

#define ABSENT 65535

static void request(struct soak *s, struct soak_req *r)
{
	switch (r->n % 4) {
	case 0:
		gpio_message(r->out.hva, VIRTIO_GPIO_MSG_SET_DIRECTION, 0,
			     VIRTIO_GPIO_DIRECTION_OUT);
		break;
	case 1:
		gpio_message(r->out.hva, VIRTIO_GPIO_MSG_SET_VALUE, 0, 1);
		break;
	case 2:
		gpio_message(r->out.hva, VIRTIO_GPIO_MSG_GET_VALUE, 0, 0);
		break;
	default:
		gpio_message(r->out.hva, VIRTIO_GPIO_MSG_GET_VALUE, ABSENT, 0);
		break;
	}
	r->out.len = GPIO_REQUEST;
	r->in.len = GPIO_ANSWER;
	r->in.hva[0] = 0xa5;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const u8 want = r->n % 4 == 3 ? VIRTIO_GPIO_STATUS_ERR : VIRTIO_GPIO_STATUS_OK;

	if (r->used_len != GPIO_ANSWER || r->in.hva[0] != want)
		return soak_wrong(s, "length %u, status %u", r->used_len, r->in.hva[0]);
	return r->n % 4 != 2 || r->in.hva[1] == 1 || soak_wrong(s, "the line is %u", r->in.hva[1]);
}

const struct soak_device soak_gpio = {
	.name = "gpio", .queues = 1, .request = request, .good = good
};
