// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/ask.h"

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
	{ "i2c", "read", 0, 1, 0, BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST), make_i2c, 0, NULL },
	{ "gpio", "get", 0, 1, 0, 0, make_gpio, 0, NULL },
	{ "scmi", "ask", SCMI_CMDQ, 1, 0, 0, make_scmi, 0, NULL },
	{ "console", "print", 1, 1, 0, 0, make_console, 0, NULL },
	{ "net", "send", 1, 1, 0, 0, make_net, 0, NULL },
	{ "vsock", "send", VSOCK_TXQ, 1, 0, 0, make_vsock, 0, NULL },
};

const struct bench_ask *bench_ask_at(unsigned i)
{
	if (i < ARRAY_SIZE(asks))
		return &asks[i];
	i -= ARRAY_SIZE(asks);
	return i < bench_ask_type_count ? &bench_ask_types[i] : NULL;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

const struct bench_ask *bench_ask_find(const char *device, const char *op)
{
	const struct bench_ask *a;

	for (unsigned i = 0; (a = bench_ask_at(i)); i++)
		if (same(a->device, device) && (!op || same(a->op, op)))
			break;
	return a;
}

u32 bench_ask_idle(const struct bench_ask *a)
{
	return (u32)(BIT_ULL(a->queue) - 1) | a->beside;
}
