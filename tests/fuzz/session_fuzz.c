// SPDX-License-Identifier: BSD-3-Clause
/*
 * A back-end that lies in its messages, under the checks that speak the vhost-user socket: replies,
 * their sizes and descriptors, what it says on its own channel, when it closes.
 *
 * An honest session of the reference back-end is behind it, on a thread of its own; the input says
 * which messages go out as something else.
 *
 * Input: check (2), then one byte per message or run of messages, and what is sent instead.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/fault/fault.h"
#include "tests/fuzz/checks.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

#define RINGS  2
#define SECOND 1000000000u

static struct vub_session session;
static struct rblk blk;
static int listener;
static char path[64];
static unsigned served; /* connections that ended; atomic */

/* Of the session's thread while one is open. */
static struct input lies;
static unsigned honest; /* messages before the input is asked again */
static bool leave;

/* --- what goes out instead -------------------------------------------------------------------- */

/* A descriptor of a kind that nobody asked for. */
static int make_fd(u8 kind)
{
	int fd = -1, ends[2];

	switch (kind & 3) {
	case 0: /* an empty file, which kills who maps it and looks */
		return memfd_create("empty", MFD_CLOEXEC);
	case 1:
		fd = memfd_create("page", MFD_CLOEXEC);
		MUST(fd >= 0 && ftruncate(fd, 4096) == 0);
		return fd;
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
		close(ends[0]);
		return ends[1];
	}
}

static void lie(struct vub_reply *rep)
{
	u8 op;
	u16 at;

	if (honest) {
		honest--;
		return;
	}
	if (!lies.left)
		return;
	op = input_u8(&lies);
	switch (op >> 4) {
	default:
		honest = op;
		break;
	case 8: /* other bytes */
		at = input_u8(&lies);
		input_bytes(&lies, rep->msg.bytes + at, op & 15);
		break;
	case 9: /* another size, with bytes of before behind */
		rep->msg.hdr.size = op & 1 ? input_u16(&lies) % VU_MAX_PAYLOAD : op & 15;
		break;
	case 10:
		rep->msg.hdr.flags ^= input_u8(&lies);
		break;
	case 11:
		rep->msg.hdr.request = op & 1 ? input_u32(&lies) : input_u8(&lies) % 64;
		break;
	case 12: /* silence, or a word where silence was due */
		rep->send = op & 1;
		break;
	case 13:
		vub_set_fd(&rep->fd, op & 4 ? -1 : make_fd(op));
		rep->send = true;
		break;
	case 14: /* one bit */
		at = input_u8(&lies);
		rep->msg.bytes[at] ^= 1 << (op & 7);
		break;
	case 15:
		leave = true;
		break;
	}
}

static void on_reply(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	lie(rep);
}

static void on_channel(struct vub_session *s, struct vub_reply *msg)
{
	lie(msg);
}

static enum fault_action on_request(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	bool now = leave;

	leave = false;
	return now ? FAULT_CLOSE : FAULT_PASS;
}

static const struct fault liar = {
	.name = "fuzz", .request = on_request, .reply = on_reply, .channel = on_channel
};

/* --- the back-end ----------------------------------------------------------------------------- */

static void *serve(void *arg)
{
	for (;;) {
		int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		MUST(sock >= 0);
		vub_session_run(&session, sock);
		__atomic_add_fetch(&served, 1, __ATOMIC_ACQ_REL);
	}
	return NULL;
}

/* The back-end repairs what vanishes under it; under anybody else that is a finding. */
static struct sigaction repair;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	struct sigaction now;

	repair.sa_sigaction(sig, info, context);
	sigaction(SIGBUS, NULL, &now);
	MUST(now.sa_handler != SIG_DFL);
}

static void watch_sigbus(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &sa, &repair);
}

/* A listening socket that has no name: it is reached through a descriptor. */
static void listen_unnamed(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/ringside-fuzz-XXXXXX";
	int name;

	MUST(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(listener >= 0 && bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	MUST(listen(listener, 64) == 0);
	name = open(addr.sun_path, O_PATH | O_CLOEXEC);
	MUST(name >= 0);
	unlink(addr.sun_path);
	rmdir(dir);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", name);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rblk_store *store = store_memory_open(1 << 20);
	pthread_t thread;
	sigset_t none;
	int signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	signals = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
	MUST(store && signals >= 0);
	rblk_init(&blk, store, RINGS, false, "fuzz");
	MUST(vub_session_open(&session, &blk.dev, signals, false) == 0);
	watch_sigbus();
	listen_unnamed();
	fault_active = &liar;
	MUST(pthread_create(&thread, NULL, serve, NULL) == 0);
	return 0;
}

/*
 * Is a new connection answered? It ends before this returns, and all that came before it have, too.
 */
static bool answers(void)
{
	const struct vu_header ask = { VU_GET_FEATURES, VU_VERSION, 0 };
	int sock = vu_wire_connect(path, 10000);
	struct vu_reply r;
	unsigned before;
	bool ok;

	MUST(sock >= 0);
	ok = vu_wire_send(sock, &ask, VU_HEADER_SIZE, NULL, 0, host_now_ns() + SECOND) == TP_OK &&
	     vu_wire_recv(sock, &r, host_now_ns() + 30ull * SECOND) == TP_OK;
	before = __atomic_load_n(&served, __ATOMIC_ACQUIRE);
	close(sock);
	if (!ok)
		return false;
	vu_reply_release(&r);
	while (__atomic_load_n(&served, __ATOMIC_ACQUIRE) == before)
		sched_yield();
	return true;
}

/*
 * Nothing of the last input is left: the first connection may still have been one that is to be
 * closed.
 */
static void settle(void)
{
	lies.left = 0;
	while (!answers())
		;
}

/* --- the checks ------------------------------------------------------------------------------- */

static bool fits(const struct check *k)
{
	const u32 never = TP_CAP_CONFIG_TRIGGER | TP_CAP_MMIO | TP_CAP_PCI;

	return !(k->caps & never) && (!k->device || k->device == VIRTIO_ID_BLOCK) &&
	       (!k->transport || !strcmp(k->transport, "vhost-user"));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	const struct check *k = fuzz_check(input_u16(&in), fits);
	static struct vu_frontend fe;
	unsigned before;

	settle();
	before = open_fds();
	vu_transport_init(&fe, path);
	fe.tp.timeout_ms = 10;
	fe.tp.quiet_ms = 1;
	lies = in;
	honest = 0;
	leave = false;
	fuzz_run(k, &fe.tp, VIRTIO_ID_BLOCK, blk.dev.ops->features(&blk.dev));
	settle();
	MUST(open_fds() == before);
	return 0;
}
