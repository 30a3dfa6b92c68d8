// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a back-end sends, on the main channel and on its own, descriptors included: the front-end
 * takes it, refuses it or says that the connection ended, and keeps no descriptor.
 *
 * Input: what the front-end does (number of bytes, 1), descriptors that come along on the main
 * channel and on the back-end's (1 each), bytes of the latter (1; with
 * ACCESS_PLATFORM eights of them), flags (1: REPLY_ACK, 2: STATUS, 4:
 * bit 30, 8: ACCESS_PLATFORM, which makes the front-end translate, 0x20 and 0x40: zeroes behind what is
 * sent, 0x80: no channel), then the front-end's doings, the back-end's channel, and the main channel.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"
#include "tests/fuzz/input.h"

#define FDS_MAX	 40
#define MAIN_MAX 65536 /* what a socket takes that nobody reads */
#define SECOND	 1000000000u

/* Formatted as in a run. */
static void vlog(void *arg, const char *fmt, va_list ap)
{
	char line[400];

	vsnprintf(line, sizeof(line), fmt, ap);
}

/*
 * All that the back-end will ever send, with zeroes behind it that fill more than the largest
 * message: then it closes its sending side, and nobody has to wait.
 */
static void preload(int sock, const u8 *bytes, size_t len, unsigned nfds, int fd, bool fill)
{
	static const u8 zeroes[2 * VU_MAX_PAYLOAD];
	int fds[FDS_MAX];

	for (unsigned i = 0; i < nfds; i++)
		fds[i] = fd;
	if (len)
		vu_wire_send(sock, bytes, len, fds, nfds, host_now_ns() + SECOND);
	if (fill)
		vu_wire_send(sock, zeroes, sizeof(zeroes), NULL, 0, host_now_ns() + SECOND);
	shutdown(sock, SHUT_WR);
}

static void raw(struct vu_frontend *fe)
{
	struct vu_reply r;

	if (fe->sock < 0)
		return;
	if (vu_wire_recv(fe->sock, &r, host_now_ns() + SECOND / 1000) == TP_OK) {
		MUST(r.nfds <= VU_MAX_FDS);
		MUST(r.msg.hdr.size <= VU_MAX_PAYLOAD);
		vu_reply_release(&r);
	}
	MUST(r.nfds == 0);
}

static void ask(struct vu_frontend *fe, u32 request, const void *payload, u32 size)
{
	struct vu_reply r;

	if (vu_call(fe, request, payload, size, &r) == TP_OK)
		vu_reply_release(&r);
}

/* The calls of a session, message by message. */
static void call(struct vu_frontend *fe, u8 what, u8 arg)
{
	const struct vu_inflight inflight = { .num_queues = 1, .queue_size = 128 };
	const struct tp_queue cfg = { .size = 4 };
	u8 config[VU_MAX_CONFIG];
	u32 base;
	u64 v = arg;

	switch (what) {
	case 0:
		raw(fe);
		break;
	case 1:
		vu_handshake(fe);
		break;
	case 2:
		vu_get_u64(fe, VU_GET_QUEUE_NUM, &v);
		break;
	case 3:
		vu_get_config(fe, arg, arg, config);
		break;
	case 4:
		vu_get_vring_base(fe, arg, &base);
		break;
	case 5:
		vu_set_u64(fe, VU_SET_FEATURES, v);
		break;
	case 6:
		memset(config, arg, sizeof(config));
		vu_set_config(fe, 0, arg, 0, config);
		break;
	case 7:
		vu_set_mem_table(fe);
		break;
	case 8:
		vu_set_vring_addr(fe, arg, &cfg, 0, 0);
		break;
	case 9:
		vu_channel_wait(fe, 1);
		break;
	case 10:
		ask(fe, arg, NULL, 0);
		break;
	case 11:
		ask(fe, VU_GET_INFLIGHT_FD, &inflight, sizeof(inflight));
		break;
	default:
		fe->hold_channel_acks = arg & 1;
		break;
	}
}

/* The same session as a transport, as checks see it. */
static void operate(struct vu_frontend *fe, u8 what, u8 arg)
{
	const struct tp_ops *ops = fe->tp.ops;
	const struct tp_queue cfg = { .size = 128 };
	struct tp *t = &fe->tp;
	unsigned q = arg % VU_FE_RINGS, n;
	u64 features;
	u32 base;
	u8 status;

	switch (what) {
	case 0:
		ops->get_features(t, &features);
		break;
	case 1:
		ops->set_features(t, arg);
		break;
	case 2:
		if (ops->queue_start(t, q, &cfg) == TP_OK) {
			ops->notify(t, q);
			ops->queue_error(t, q);
		}
		break;
	case 3:
		ops->driver_ok(t);
		break;
	case 4:
		ops->get_status(t, &status);
		break;
	case 5:
		ops->wait_config_event(t, 1);
		break;
	case 6:
		ops->queue_stop(t, q, &base);
		break;
	default:
		ops->num_queues(t, &n);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size }, doings;
	u8 does = input_u8(&in) % 64, main_fds = input_u8(&in) % FDS_MAX;
	u8 channel_fds = input_u8(&in) % FDS_MAX, channel_len = input_u8(&in), pf = input_u8(&in);
	unsigned before = open_fds();
	int main_pair[2], channel[2], ends[2];
	static struct vu_frontend fe;
	const u8 *bytes;
	size_t len;
	char byte;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, main_pair) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0);
	MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	vu_transport_init(&fe, "/nowhere");
	fe.vlog = vlog;
	fe.tp.timeout_ms = fe.tp.quiet_ms = 1;
	fe.tp.caps = ~0u;
	fe.no_channel = pf & 0x80;
	fe.pf = pf & 1 ? BIT_ULL(VU_PF_REPLY_ACK) : 0;
	fe.pf |= pf & 2 ? BIT_ULL(VU_PF_STATUS) : 0;
	fe.features = pf & 4 ? BIT_ULL(VU_F_PROTOCOL_FEATURES) : 0;
	if (pf & 8) {
		fe.features |= BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
		fe.iovas[fe.iova_count++] =
			(struct vu_iova){ 1ull << 44, 4096, { 0 }, VU_IOTLB_READ | VU_IOTLB_WRITE };
	}
	fe.sock = main_pair[0];
	fe.channel = channel[0];
	doings.p = input_take(&in, does, &doings.left);
	/* More of the back-end's own requests than are kept. */
	bytes = input_take(&in, pf & 8 ? 8u * channel_len : channel_len, &len);
	preload(channel[1], bytes, len, channel_fds, ends[1], pf & 0x20);
	bytes = input_take(&in, MAIN_MAX, &len);
	preload(main_pair[1], bytes, len, main_fds, ends[1], pf & 0x40);
	close(ends[1]);

	while (doings.left) {
		u8 what = input_u8(&doings), arg = input_u8(&doings);

		if (what & 0x80)
			operate(&fe, what % 8, arg);
		else
			call(&fe, what % 13, arg);
	}
	vu_disconnect(&fe);
	close(main_pair[1]);
	close(channel[1]);
	/* Nobody holds what came along … */
	MUST(read(ends[0], &byte, 1) == 0);
	close(ends[0]);
	/* … nor anything that was made here. */
	MUST(open_fds() == before);
	return 0;
}
