// SPDX-License-Identifier: BSD-3-Clause
/*
 * The answer to GET_CONFIG: it is copied within its bounds, and the guess from it what device that
 * is comes out as one that Ringside knows, or as none.
 *
 * Input: bytes to ask for and, in the highest bit, whether the message around the configuration is
 * made here (2), offset to ask for (4), features (8), then the back-end's bytes.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "harness/run/guess.h"
#include "harness/run/runner.h"
#include "harness/transport/vhost_user/frontend.h"
#include "tests/fuzz/input.h"

#define SECOND 1000000000u

static void answer(int sock, struct input *in, u32 offset, u32 len, bool framed)
{
	struct vu_message m = { .hdr = { VU_GET_CONFIG, VU_VERSION | VU_FLAG_REPLY,
					 VU_CONFIG_HEADER + len } };
	const void *bytes = &m.hdr;
	size_t n = VU_HEADER_SIZE + m.hdr.size;

	if (framed && len <= VU_MAX_CONFIG) {
		m.config.offset = offset;
		m.config.size = len;
		input_bytes(in, m.config.data, len);
	} else {
		/* As much as a socket takes that nobody reads. */
		bytes = input_take(in, 16384, &n);
	}
	if (n)
		vu_wire_send(sock, bytes, n, NULL, 0, host_now_ns() + SECOND);
	/* Nothing more will come: nobody has to wait. */
	shutdown(sock, SHUT_WR);
}

static void begin(struct vu_frontend *fe, int pair[2])
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	vu_transport_init(fe, "");
	fe->tp.timeout_ms = fe->tp.quiet_ms = 1;
	fe->sock = pair[0];
	fe->pf = BIT_ULL(VU_PF_CONFIG);
	fe->tp.caps = TP_CAP_CONFIG;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size }, again;
	u16 ask = input_u16(&in);
	u32 len = ask % (VU_MAX_CONFIG + 2), offset = input_u32(&in), device;
	u64 features = input_u64(&in);
	bool framed = ask & 0x8000;
	static struct vu_frontend fe;
	u8 *out = malloc(len + 1); /* of this very size: what is written behind it is found */
	int pair[2];

	MUST(out);
	again = in;
	begin(&fe, pair);
	answer(pair[1], &in, offset, len, framed);
	out[len] = 0x5a;
	if (vu_get_config(&fe, offset, len, out) == TP_OK)
		MUST(len <= VU_MAX_CONFIG);
	MUST(out[len] == 0x5a);
	free(out);
	vu_disconnect(&fe);
	close(pair[1]);

	begin(&fe, pair);
	answer(pair[1], &again, 0, VIRTIO_BLK_CONFIG_SIZE, framed);
	device = guess_device(&fe.tp, features);
	MUST(device == 0 || strcmp(runner_device_name(device), "unknown") != 0);
	vu_disconnect(&fe);
	close(pair[1]);
	return 0;
}
