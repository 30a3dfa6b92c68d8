// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/bench_ask.h"

#include <string.h>

#include "harness/device/gpio.h"
#include "harness/device/i2c.h"
#include "harness/device/net.h"
#include "harness/device/scmi.h"
#include "harness/device/vsock.h"

#define I2C_CHIP 0x50 /* where an EEPROM is, if there is one */

/* A byte of a chip. */
static bool make_i2c(struct load_ask *a, u32 bytes)
{
	struct virtio_i2c_out_hdr hdr = { .addr = le16(i2c_addr_field(I2C_CHIP)),
					  .flags = le32(VIRTIO_I2C_FLAGS_M_RD) };

	memcpy(a->out, &hdr, sizeof(hdr));
	a->out_len = sizeof(hdr);
	a->in[0] = bytes ? bytes : 1;
	a->in[1] = 1;
	a->status = 1;
	return a->in[0] <= 4096;
}

/* The direction of the first line. */
static bool make_gpio(struct load_ask *a, u32 bytes)
{
	gpio_message(a->out, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0);
	a->out_len = GPIO_REQUEST;
	a->in[0] = GPIO_ANSWER;
	a->status = 1;
	return !bytes;
}

/* The version of the base protocol: header, status, version. */
static bool make_scmi(struct load_ask *a, u32 bytes)
{
	a->out_len = scmi_command(a->out, SCMI_BASE << 10, NULL, 0);
	a->in[0] = 12;
	a->status = 4;
	a->status_at = 4;
	return !bytes;
}

/* Text, since some take it for that. */
static bool make_console(struct load_ask *a, u32 bytes)
{
	a->out_len = bytes ? bytes : 64;
	if (a->out_len > LOAD_ASK_MAX)
		return false;
	memset(a->out, '.', a->out_len);
	a->out[a->out_len - 1] = '\n';
	return true;
}

/* A frame to everybody, sent; what comes back is not looked at. */
static bool make_net(struct load_ask *a, u32 bytes)
{
	const u32 len = bytes ? bytes : 64;

	if (len < 60 || len > LOAD_ASK_MAX - NET_HDR)
		return false;
	net_build(a->out + NET_HDR, &(struct net_packet){ .payload = len - 42 });
	a->out_len = NET_HDR + len;
	return true;
}

/* The end of a connection that there never was: nothing is to be answered. */
static bool make_vsock(struct load_ask *a, u32 bytes)
{
	vsock_write_head(a->out, &(struct vsock_head){ .src_cid = 3,
						       .dst_cid = 2,
						       .src_port = 1024,
						       .dst_port = 1025,
						       .type = VIRTIO_VSOCK_TYPE_STREAM,
						       .op = VIRTIO_VSOCK_OP_RST });
	a->out_len = VSOCK_HEADER;
	return !bytes;
}

static const struct bench_ask asks[] = {
	{ "i2c", "read", 0, BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST), make_i2c },
	{ "gpio", "get", 0, 0, make_gpio },
	{ "scmi", "ask", SCMI_CMDQ, 0, make_scmi },
	{ "console", "print", 1, 0, make_console },
	{ "net", "send", 1, 0, make_net },
	{ "vsock", "send", VSOCK_TXQ, 0, make_vsock },
};

const struct bench_ask *bench_ask_find(const char *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
		if (strcmp(asks[i].device, device) == 0)
			return &asks[i];
	return NULL;
}
