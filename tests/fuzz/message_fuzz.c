// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages of a hostile back-end: the input is what it sends, on its main channel and on its own,
 * descriptors included. The front-end must neither crash nor keep a descriptor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"
#include "tests/fuzz/input.h"

#define FDS_MAX 40

static void vlog(void *arg, const char *fmt, va_list ap)
{
	char line[200];

	vsnprintf(line, sizeof(line), fmt, ap);
}

/* All that the back-end will ever send: then it closes its sending side, and nothing needs waiting for. */
static void preload(int sock, const u8 *bytes, size_t len, unsigned nfds)
{
	int fds[FDS_MAX];
	unsigned n = MIN(nfds, FDS_MAX);

	for (unsigned i = 0; i < n; i++)
		fds[i] = STDERR_FILENO;
	if (len)
		vu_wire_send(sock, bytes, len, fds, n, host_now_ns() + 1000000);
	shutdown(sock, SHUT_WR);
}

static int lowest_free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void one_call(struct vu_frontend *fe, struct input *ops)
{
	const struct tp_queue cfg = { .size = 4 };
	u8 op = input_u8(ops);
	struct vu_reply r;
	u8 config[VU_MAX_CONFIG];
	u64 v = op;
	u32 base;

	switch (op % 12) {
	case 0:
		vu_handshake(fe);
		break;
	case 1:
		vu_get_u64(fe, VU_GET_FEATURES, &v);
		break;
	case 2:
		vu_get_config(fe, op, input_u8(ops), config);
		break;
	case 3:
		vu_get_vring_base(fe, op % 3, &base);
		break;
	case 4:
		vu_set_u64(fe, VU_SET_FEATURES, v);
		break;
	case 5:
		vu_set_config(fe, 0, 8, 0, config);
		break;
	case 6:
		vu_set_mem_table(fe);
		break;
	case 7:
		vu_set_vring_addr(fe, op % 3, &cfg, 0, 0);
		break;
	case 8:
		vu_channel_wait(fe, 1);
		break;
	case 9:
		if (vu_recv(fe, &r, 1) == TP_OK)
			vu_reply_release(&r);
		break;
	case 10:
		if (vu_call(fe, input_u8(ops), NULL, 0, &r) == TP_OK)
			vu_reply_release(&r);
		break;
	case 11:
		fe->pf = input_u64(ops);
		fe->hold_channel_acks = op & 0x80;
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u8 ops_len = input_u8(&in) % 32, main_fds = input_u8(&in) % FDS_MAX;
	u8 channel_len = input_u8(&in), channel_fds = input_u8(&in) % FDS_MAX;
	int before = lowest_free_fd(), main_pair[2], channel[2];
	u8 ops_bytes[32], channel_bytes[256];
	struct input ops = { ops_bytes, ops_len };
	struct vu_frontend *fe;

	if (size > 64 << 10 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, main_pair) < 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		abort();
	fe = malloc(sizeof(*fe));
	vu_transport_init(fe, "/nowhere");
	fe->vlog = vlog;
	fe->tp.timeout_ms = 1;
	input_bytes(&in, ops_bytes, ops_len);
	input_bytes(&in, channel_bytes, channel_len);
	fe->sock = main_pair[0];
	fe->channel = channel[0];
	preload(channel[1], channel_bytes, channel_len, channel_fds);
	preload(main_pair[1], in.p, in.left, main_fds);
	while (ops.left)
		one_call(fe, &ops);
	vu_disconnect(fe);
	free(fe);
	close(main_pair[1]);
	close(channel[1]);
	MUST(lowest_free_fd() == before);
	return 0;
}
