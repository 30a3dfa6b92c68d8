// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever a front-end sends: the back-end's session ends when the connection does, and keeps no
 * descriptor, no mapping and no ring running. Rings are served by their threads meanwhile.
 *
 * Input: records. Request (1, bit 7: need_reply), descriptors (1: kind and number; bit 7: the size
 * inside of a configuration message is made to fit), length (1), payload. Request 0xff: the bytes
 * are sent as they are. 0xfe: they go into guest memory, their place being the first two. 0xfd: so
 * many times 64 zeroes are sent.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/wire.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

#define RINGS	    2
#define MEMORY	    (1u << 20)
#define PAYLOADS    8192 /* in all: what the socket takes without anybody reading */
#define RECORDS	    64
#define DESCRIPTORS 16
#define REACH	    (64u << 10) /* of guest memory, for inputs to write to */
#define SECOND	    1000000000u

static struct vub_session session;
static struct rblk blk;
static int memory = -1;
static u8 *guest; /* its first bytes */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rblk_store *store = store_memory_open(1 << 20);
	int signals;
	sigset_t none;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	signals = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
	MUST(store && signals >= 0);
	rblk_init(&blk, store, RINGS, false, "fuzz");
	MUST(vub_session_open(&session, &blk.dev, signals, false) == 0);
	memory = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(memory >= 0 && ftruncate(memory, MEMORY) == 0);
	guest = mmap(NULL, REACH, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	MUST(guest != MAP_FAILED);
	return 0;
}

/* Descriptors of the kinds that messages carry, and one that none does. */
static unsigned make_fds(u8 how, int *fds, unsigned room)
{
	unsigned n = MIN(how & 0xf, room);

	for (unsigned i = 0; i < n; i++) {
		switch (how >> 4 & 3) {
		case 0:
			fds[i] = dup(memory);
			break;
		case 1:
			fds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
			break;
		case 2:
			fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
			break;
		default:
			fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
			break;
		}
		MUST(fds[i] >= 0);
	}
	return n;
}

static void fill_memory(struct input *in, u8 size)
{
	u32 at = input_u16(in);

	input_bytes(in, guest + at, MIN(size, REACH - at));
}

static size_t send_record(int sock, struct input *in)
{
	static const u8 zeroes[64 * 256];
	struct vu_message m = { .hdr = { .flags = VU_VERSION } };
	u8 request = input_u8(in), how = input_u8(in), size = input_u8(in);
	int fds[DESCRIPTORS];
	unsigned n = make_fds(how, fds, DESCRIPTORS);
	const void *bytes = &m.hdr;
	size_t len;

	if (request == 0xfe) {
		fill_memory(in, size);
		len = 0;
	} else if (request == 0xff) {
		bytes = input_take(in, size, &len);
	} else if (request == 0xfd) {
		bytes = zeroes;
		len = 64u * size;
	} else {
		m.hdr.request = request & 0x7f;
		m.hdr.flags |= request & 0x80 ? VU_FLAG_NEED_REPLY : 0;
		m.hdr.size = size;
		input_bytes(in, m.bytes, size);
		if (how & 0x80 && size >= VU_CONFIG_HEADER &&
		    (m.hdr.request == VU_GET_CONFIG || m.hdr.request == VU_SET_CONFIG))
			m.config.size = size - VU_CONFIG_HEADER;
		len = VU_HEADER_SIZE + size;
	}
	if (len)
		vu_wire_send(sock, bytes, len, fds, n, host_now_ns() + SECOND);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	return len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	unsigned before, records = 0;
	size_t sent = 0;
	int pair[2];

	/* What the rings' threads read; the front-end's memory is what it says it is. */
	MUST(ftruncate(memory, MEMORY) == 0);
	memset(guest, 0, REACH);
	before = open_fds();
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	while (in.left && sent < PAYLOADS && records++ < RECORDS)
		sent += send_record(pair[1], &in);
	shutdown(pair[1], SHUT_WR);
	/* Returns when it has read the end; closes its socket. */
	vub_session_run(&session, pair[0]);
	close(pair[1]);

	MUST(open_fds() == before);
	MUST(session.mem->n == 0);
	MUST(session.features == 0 && session.protocol_features == 0);
	for (unsigned i = 0; i < RINGS; i++)
		MUST(!session.rings[i].started && session.rings[i].in_flight == 0);
	return 0;
}
