// SPDX-License-Identifier: BSD-3-Clause
/* Devices of small messages: requests and answers as such, whatever a check asks of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fuse.h>
#include <linux/virtio_scsi.h>
#include <linux/virtio_snd.h>

#include "ref-backends/device/message.h"

#define ROOM  2000u
#define UNSET 0xa5

static struct rmessage m;
static u8 in[ROOM];
static unsigned returned;

static void done(struct rdev_req *req)
{
	returned++;
}

/* How many bytes are said to have been written, of `room` in two pieces. */
static u32 ask(u16 queue, const void *request, u32 len, u32 room)
{
	const u32 first = room / 3;
	struct dvq_seg segs[] = { { (void *)request, len },
				  { in, first },
				  { in + first, room - first } };
	struct rdev_req req = { .done = done, .queue = queue };

	memset(in, UNSET, sizeof(in));
	req.chain.segs = segs;
	req.chain.n_readable = 1;
	req.chain.n_writable = 2;
	req.chain.readable = len;
	req.chain.writable = room;
	returned = 0;
	m.dev.ops->serve(&m.dev, &req);
	assert_int_equal(returned, 1);
	for (u32 i = room; i < ROOM; i++)
		assert_int_equal(in[i], UNSET);
	return req.used_len;
}

/* The result is the last byte, however far away. */
static void test_spi_long(void **state)
{
	u8 request[32 + 600] = { [1] = 8, [3] = 1, [12] = 100 };

	rmessage_init(&m, &spi_ops, &spi_message, 1);
	memset(request + 32, 0x3c, 600);
	assert_int_equal(ask(0, request, 32 + 400, 401), 401);
	assert_memory_equal(in, request + 32, 400);
	assert_int_equal(in[400], 0);
	assert_int_equal(ask(0, request, sizeof(request), 601), 601);
	assert_int_equal(in[600], 1);
	for (u32 i = 0; i < 600; i++)
		assert_int_equal(in[i], 0);
}

static void test_snd_long(void **state)
{
	const u8 stream[4] = { 0 };

	rmessage_init(&m, &snd_ops, &snd_message, 4);
	for (u32 room = 8; room <= 1024; room += 127) {
		assert_int_equal(ask(3, stream, sizeof(stream), room), room);
		assert_int_equal(message_u32(in + room - 8), VIRTIO_SND_S_BAD_MSG);
	}
}

static u32 stream(const void *command, u32 len)
{
	assert_int_equal(ask(0, command, len, 4), 4);
	return message_u32(in);
}

/* A command for stream 0 that is no more than that. */
static u32 move(u32 code)
{
	const struct virtio_snd_pcm_hdr h = { .hdr.code = le32(code) };

	return stream(&h, sizeof(h));
}

static u32 period(u16 queue)
{
	const u8 frames[4 + 64] = { 0 };

	assert_int_equal(ask(queue, frames, sizeof(frames), 8), 8);
	return message_u32(in);
}

/* A stream takes what its state allows, and periods while it runs. */
static void test_snd_states(void **state)
{
	const u32 ok = VIRTIO_SND_S_OK, bad = VIRTIO_SND_S_BAD_MSG;
	struct virtio_snd_pcm_set_params p = {
		.hdr.hdr.code = le32(VIRTIO_SND_R_PCM_SET_PARAMS),
		.buffer_bytes = le32(256),
		.period_bytes = le32(64),
		.channels = 2,
		.format = VIRTIO_SND_PCM_FMT_S16,
		.rate = VIRTIO_SND_PCM_RATE_48000,
	};

	rmessage_init(&m, &snd_ops, &snd_message, 4);
	assert_int_equal(move(VIRTIO_SND_R_PCM_PREPARE), bad);
	p.channels = 3;
	assert_int_equal(stream(&p, sizeof(p)), VIRTIO_SND_S_NOT_SUPP);
	p.channels = 2;
	p.period_bytes = le32(100);
	assert_int_equal(stream(&p, sizeof(p)), bad);
	p.period_bytes = 0;
	assert_int_equal(stream(&p, sizeof(p)), bad);
	p.period_bytes = le32(64);
	assert_int_equal(stream(&p, sizeof(p) - 1), bad);
	/* None of that has brought it anywhere. */
	assert_int_equal(move(VIRTIO_SND_R_PCM_PREPARE), bad);
	assert_int_equal(stream(&p, sizeof(p)), ok);
	assert_int_equal(move(VIRTIO_SND_R_PCM_START), bad);
	assert_int_equal(move(VIRTIO_SND_R_PCM_PREPARE), ok);
	assert_int_equal(period(2), bad);
	assert_int_equal(move(VIRTIO_SND_R_PCM_START), ok);
	assert_int_equal(period(2), ok);
	/* It is one that plays. */
	assert_int_equal(period(3), bad);
	assert_int_equal(stream(&p, sizeof(p)), bad);
	assert_int_equal(move(VIRTIO_SND_R_PCM_STOP), ok);
	assert_int_equal(period(2), bad);
	assert_int_equal(move(VIRTIO_SND_R_PCM_RELEASE), ok);
	assert_int_equal(move(VIRTIO_SND_R_PCM_START), bad);
	/* Another stream is none of it. */
	p.hdr.stream_id = le32(1);
	assert_int_equal(stream(&p, sizeof(p)), bad);
	m.dev.ops->reset(&m.dev);
	assert_int_equal(move(VIRTIO_SND_R_PCM_PREPARE), bad);
}

static void test_fs_long(void **state)
{
	u8 request[1000] = { 0 };
	struct fuse_in_header h = { .len = le32(56), .opcode = le32(FUSE_INIT) };

	rmessage_init(&m, &fs_ops, &fs_message, 2);
	memcpy(request, &h, sizeof(h));
	message_put32(request + sizeof(h), 7);
	ask(1, request, 56, 200);
	assert_int_equal((int)message_u32(in + 4), 0);
	/* What it does not have is not there, and the request as long as it says. */
	h = (struct fuse_in_header){ .len = le32(sizeof(request)), .opcode = le32(FUSE_WRITE) };
	memcpy(request, &h, sizeof(h));
	ask(1, request, sizeof(request), 200);
	assert_int_equal((int)message_u32(in + 4), -38);
}

/* --- SCSI -------------------------------------------------------------------------------------------------------- */

#define CDB_AT 19
#define BACK   108u

static const u8 inquiry[] = { 0x12, 0, 0, 0, 36 };

/* To an address, a command, with so much room for data. The response. */
static u8 scsi(u32 lun, const u8 *cdb, u32 len, u32 data)
{
	u8 request[CDB_AT + 32] = { (u8)(lun >> 24), (u8)(lun >> 16), (u8)(lun >> 8), (u8)lun };

	memcpy(request + CDB_AT, cdb, len);
	assert_true(ask(2, request, sizeof(request), BACK + data) >= BACK);
	return in[11];
}

static void test_scsi_residual(void **state)
{
	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	for (u32 data = 36; data < 1500; data += 200) {
		assert_int_equal(scsi(0x01004000, inquiry, sizeof(inquiry), data), 0);
		assert_int_equal(message_u32(in + 4), data - 36);
	}
	assert_int_equal(scsi(0x01004000, inquiry, sizeof(inquiry), 10), VIRTIO_SCSI_S_OVERRUN);
	assert_int_equal(message_u32(in + 4), 0);
}

static void test_scsi_allocation(void **state)
{
	static const u8 enough[12] = { 0xa0, [9] = 16 }, little[12] = { 0xa0, [9] = 8 };

	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	assert_int_equal(scsi(0x01004000, enough, sizeof(enough), 64), 0);
	assert_int_equal(in[10], 0);
	assert_int_equal(message_u32(in + 4), 64 - 16);
	assert_int_equal(scsi(0x01004000, little, sizeof(little), 64), 0);
	assert_int_equal(in[10], 2);
	assert_int_equal(in[12 + 12], 0x24);
}

static void test_scsi_unit(void **state)
{
	static const u8 ready[6] = { 0 };

	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	assert_int_equal(scsi(0x01004000, ready, sizeof(ready), 0), 0);
	assert_int_equal(in[12 + 12], 0x3a);
	assert_int_equal(scsi(0x01004005, ready, sizeof(ready), 0), 0);
	assert_int_equal(in[10], 2);
	assert_int_equal(in[12 + 12], 0x25);
	assert_int_equal(scsi(0x01004005, inquiry, sizeof(inquiry), 36), 0);
	assert_int_equal(in[BACK], 0x7f);
	assert_int_equal(scsi(0xc1010000, inquiry, sizeof(inquiry), 36), 0);
	assert_int_equal(in[BACK], 0x1e);
	assert_int_equal(scsi(0x01ff4000, ready, sizeof(ready), 0), VIRTIO_SCSI_S_BAD_TARGET);
	assert_int_equal(scsi(0x02004000, ready, sizeof(ready), 0), VIRTIO_SCSI_S_FAILURE);
}

static void test_scsi_both_ways(void **state)
{
	u8 request[CDB_AT + 32 + 16] = { 1, 0, 0x40 };

	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	memcpy(request + CDB_AT, inquiry, sizeof(inquiry));
	assert_int_equal(ask(2, request, sizeof(request), BACK + 36), BACK);
	assert_int_equal(in[11], VIRTIO_SCSI_S_FAILURE);
	assert_int_equal(ask(2, request, CDB_AT + 32, BACK + 36), BACK + 36);
	assert_int_equal(in[11], VIRTIO_SCSI_S_OK);
}

static u8 tmf(u32 lun, u32 function)
{
	u8 request[24] = { [4] = (u8)function,
			   [8] = (u8)(lun >> 24),
			   [9] = (u8)(lun >> 16),
			   [10] = (u8)(lun >> 8),
			   [11] = (u8)lun };

	/* The response is the first byte, whatever there is behind it. */
	assert_int_equal(ask(0, request, sizeof(request), 9), 1);
	return in[0];
}

static void test_scsi_tmf(void **state)
{
	const u8 subscription[16] = { 2, 0, 0, 0, 1, 0, 0x40 };

	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	for (u32 f = 0; f < 8; f++) {
		assert_int_equal(tmf(0x01004000, f), 0);
		assert_int_equal(tmf(0x01014000, f), VIRTIO_SCSI_S_BAD_TARGET);
	}
	assert_int_equal(tmf(0x01004009, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET),
			 VIRTIO_SCSI_S_INCORRECT_LUN);
	assert_int_equal(tmf(0x01004000, 8), VIRTIO_SCSI_S_FUNCTION_REJECTED);
	/* No event, and the response behind that. */
	assert_int_equal(ask(0, subscription, sizeof(subscription), 5), 5);
	assert_int_equal(message_u32(in), 0);
	assert_int_equal(in[4], 0);
}

static u32 config_at(u32 off)
{
	u8 image[RDEV_CONFIG_MAX] = { 0 };

	m.dev.ops->config(&m.dev, image);
	return message_u32(image + off);
}

static bool config_set(u32 off, u32 value)
{
	u8 bytes[4];

	message_put32(bytes, value);
	return m.dev.ops->config_write(&m.dev, off, bytes, sizeof(bytes), false);
}

/* What a driver sets is what is used, until a reset. */
static void test_scsi_sizes(void **state)
{
	const u8 request[CDB_AT + 16] = { 1, 0, 0x40, [CDB_AT] = 0x5a };

	rmessage_init(&m, &scsi_ops, &scsi_message, 3);
	assert_int_equal(config_at(20), 96);
	assert_int_equal(config_at(24), 32);
	assert_true(config_set(20, 10) && config_set(24, 16));
	assert_int_equal(config_at(20), 10);
	assert_int_equal(config_at(24), 16);
	assert_int_equal(ask(2, request, sizeof(request), 22), 22);
	assert_int_equal(in[11], 0);
	assert_int_equal(message_u32(in), 10);
	/* Neither what is no size nor what is none of the two. */
	assert_false(config_set(24, 5) || config_set(24, 256) || config_set(20, 253));
	assert_false(config_set(0, 7) || config_set(22, 7));
	m.dev.ops->reset(&m.dev);
	assert_int_equal(config_at(20), 96);
	assert_int_equal(config_at(24), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spi_long),      cmocka_unit_test(test_snd_long),
		cmocka_unit_test(test_snd_states),    cmocka_unit_test(test_fs_long),
		cmocka_unit_test(test_scsi_residual), cmocka_unit_test(test_scsi_allocation),
		cmocka_unit_test(test_scsi_unit),     cmocka_unit_test(test_scsi_both_ways),
		cmocka_unit_test(test_scsi_tmf),      cmocka_unit_test(test_scsi_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
