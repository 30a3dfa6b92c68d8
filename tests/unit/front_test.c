// SPDX-License-Identifier: BSD-3-Clause
/*
 * The front-end's half of vhost-user, before a back-end whose every answer is written down here: what is sent
 * in which order and with which descriptors, and answers that make no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/spec/vu_msg.h"
#include "harness/spec/virtio14.h"
#include "ref-backends/binding/front/front.h"

#define SEEN_MAX 64
#define FEATURES (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES) | 0x10)

/* --- the back-end ---------------------------------------------------------------------------------------------- */

enum wrong {
	NOTHING_WRONG,
	OTHER_REQUEST, /* the answer is one to something else */
	NO_REPLY_FLAG,
	BAD_VERSION,
	TOO_LONG,
	TOO_SHORT,
	TORN, /* the answer's end is missing */
	CLOSES,
	REFUSES, /* an acknowledgement that is not 0 */
	OTHER_QUEUE,
};

static struct {
	int listener;
	pthread_t thread;
	char path[64];
	u64 features, protocol, queues;
	u32 at; /* the request whose answer is wrong */
	enum wrong wrong;
	/* What came. */
	struct vu_message seen[SEEN_MAX];
	unsigned fds[SEEN_MAX], count;
} back;

static bool read_all(int sock, void *to, size_t len, unsigned *fds)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)];
	struct iovec iov = { to, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	while (iov.iov_len) {
		ssize_t n;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return false;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			const unsigned got = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

			for (unsigned i = 0; i < got; i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
				close(fd);
			}
			*fds += got;
		}
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	return true;
}

/* The payload that a right answer has; its size. ~0: there is none of its own. */
static u32 answer(struct vu_message *m)
{
	switch (m->hdr.request) {
	case VU_GET_FEATURES:
		m->u64 = back.features;
		return 8;
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = back.protocol;
		return 8;
	case VU_GET_QUEUE_NUM:
		m->u64 = back.queues;
		return 8;
	case VU_GET_VRING_BASE:
		m->state.num = 7;
		return sizeof(m->state);
	case VU_GET_CONFIG:
		memset(m->config.data, 0xc5, m->config.size);
		return m->hdr.size;
	default:
		return ~0u;
	}
}

static void spoil(struct vu_message *m)
{
	switch (back.wrong) {
	case OTHER_REQUEST:
		m->hdr.request++;
		break;
	case NO_REPLY_FLAG:
		m->hdr.flags &= ~VU_FLAG_REPLY;
		break;
	case BAD_VERSION:
		m->hdr.flags ^= VU_FLAG_VERSION;
		break;
	case TOO_LONG:
		m->hdr.size = 0x7fffffff;
		break;
	case TOO_SHORT:
		m->hdr.size = 4;
		break;
	case REFUSES:
		m->u64 = 1;
		break;
	case OTHER_QUEUE:
		m->state.index++;
		break;
	default:
		break;
	}
}

/* False: the connection ends. */
static bool reply(int sock, struct vu_message *m)
{
	const bool wrong = m->hdr.request == back.at;
	u32 size = answer(m);
	size_t len;

	if (size == ~0u && !(m->hdr.flags & VU_FLAG_NEED_REPLY))
		return true;
	if (size == ~0u) {
		m->u64 = 0;
		size = 8;
	}
	if (wrong && back.wrong == CLOSES)
		return false;
	m->hdr.flags = VU_VERSION | VU_FLAG_REPLY;
	m->hdr.size = size;
	len = VU_HEADER_SIZE + size;
	if (wrong) {
		spoil(m);
		len = VU_HEADER_SIZE + MIN(size, m->hdr.size) - (back.wrong == TORN ? 3 : 0);
	}
	return send(sock, &m->hdr, len, MSG_NOSIGNAL) == (ssize_t)len &&
	       !(wrong && back.wrong == TORN);
}

static void *serve(void *arg)
{
	int sock = accept4(back.listener, NULL, NULL, SOCK_CLOEXEC);

	while (sock >= 0 && back.count < SEEN_MAX) {
		struct vu_message *m = &back.seen[back.count], copy;
		unsigned *fds = &back.fds[back.count];

		if (!read_all(sock, &m->hdr, VU_HEADER_SIZE, fds) ||
		    m->hdr.size > sizeof(m->bytes) || !read_all(sock, m->bytes, m->hdr.size, fds))
			break;
		back.count++;
		copy = *m;
		if (!reply(sock, &copy))
			break;
	}
	if (sock >= 0)
		close(sock);
	return NULL;
}

/* --- the front-end --------------------------------------------------------------------------------------------- */

static struct front front;

static int setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memset(&back, 0, sizeof(back));
	back.features = FEATURES;
	back.protocol = ~0ull;
	back.queues = 2;
	back.at = ~0u;
	snprintf(back.path, sizeof(back.path), "/tmp/ringside-front-%d.sock", (int)getpid());
	unlink(back.path);
	strcpy(sa.sun_path, back.path);
	back.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(back.listener, (struct sockaddr *)&sa, sizeof(sa)) || listen(back.listener, 1))
		return -1;
	front.sock = -1;
	return pthread_create(&back.thread, NULL, serve, NULL);
}

/* What came can be looked at afterwards. */
static void hang_up(void)
{
	if (back.listener < 0)
		return;
	front_close(&front);
	shutdown(back.listener, SHUT_RDWR);
	pthread_join(back.thread, NULL);
	close(back.listener);
	back.listener = -1;
	unlink(back.path);
}

static int teardown(void **state)
{
	hang_up();
	return 0;
}

static const struct vu_message *sent(u32 request, unsigned *fds)
{
	for (unsigned i = 0; i < back.count; i++)
		if (back.seen[i].hdr.request == request) {
			if (fds)
				*fds = back.fds[i];
			return &back.seen[i];
		}
	fail_msg("request %u was not sent", request);
	return NULL;
}

static bool was_sent(u32 request)
{
	for (unsigned i = 0; i < back.count; i++)
		if (back.seen[i].hdr.request == request)
			return true;
	return false;
}

/* --- what is said -------------------------------------------------------------------------------------------------- */

static void only_what_is_used_is_negotiated(void **state)
{
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.offered, BIT_ULL(VIRTIO_F_VERSION_1) | 0x10);
	assert_int_equal(front.num_queues, 2);
	assert_true(front.has_protocol);
	hang_up();
	assert_int_equal(sent(VU_SET_PROTOCOL_FEATURES, NULL)->u64,
			 BIT_ULL(VU_PF_MQ) | BIT_ULL(VU_PF_REPLY_ACK) | BIT_ULL(VU_PF_CONFIG) |
				 BIT_ULL(VU_PF_RESET_DEVICE));
	assert_int_equal(back.seen[0].hdr.request, VU_SET_OWNER);
}

static void what_a_shim_wants_besides(void **state)
{
	assert_int_equal(front_open(&front, back.path, BIT_ULL(VU_PF_XEN_MMAP)), 0);
	assert_true(front.protocol & BIT_ULL(VU_PF_XEN_MMAP));
}

static void without_protocol_features(void **state)
{
	back.features = BIT_ULL(VIRTIO_F_VERSION_1);
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.num_queues, 1);
	assert_int_equal(front_features(&front, BIT_ULL(VIRTIO_F_VERSION_1)), 0);
	assert_int_equal(front_reset(&front), 0);
	hang_up();
	assert_false(was_sent(VU_GET_PROTOCOL_FEATURES));
	assert_false(was_sent(VU_GET_QUEUE_NUM));
	assert_false(was_sent(VU_RESET_DEVICE));
	assert_int_equal(sent(VU_SET_FEATURES, NULL)->u64, BIT_ULL(VIRTIO_F_VERSION_1));
}

static void queues_without_end(void **state)
{
	back.queues = ~0ull;
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.num_queues, FRONT_QUEUES);
}

static void no_queue_at_all(void **state)
{
	back.queues = 0;
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.num_queues, 1);
}

static void memory_and_a_ring(void **state)
{
	const int fd = memfd_create("guest", MFD_CLOEXEC);
	const struct front_region ram = { .gpa = 0x1000, .size = 0x10000, .hva = 0x7000, .fd = fd };
	const struct front_ring ring = { .size = 64,
					 .base = 3,
					 .desc = 0x7000,
					 .avail = 0x8000,
					 .used = 0x9000,
					 .kick = fd,
					 .call = fd,
					 .err = fd };
	unsigned fds = 0;
	u16 base;

	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front_memory(&front, &ram, 1), 0);
	assert_int_equal(front_features(&front, 0x10), 0);
	assert_int_equal(front_queue_start(&front, 1, &ring), 0);
	assert_int_equal(front_queue_stop(&front, 1, &base), 0);
	assert_int_equal(base, 7);
	assert_int_equal(front_reset(&front), 0);
	hang_up();
	close(fd);
	assert_int_equal(sent(VU_SET_MEM_TABLE, &fds)->mem_table.nregions, 1);
	assert_int_equal(fds, 1);
	assert_int_equal(sent(VU_SET_MEM_TABLE, NULL)->mem_table.regions[0].uva, 0x7000);
	assert_int_equal(sent(VU_SET_FEATURES, NULL)->u64, 0x10 | BIT_ULL(VU_F_PROTOCOL_FEATURES));
	assert_int_equal(sent(VU_SET_VRING_NUM, NULL)->state.num, 64);
	assert_int_equal(sent(VU_SET_VRING_BASE, NULL)->state.num, 3);
	assert_int_equal(sent(VU_SET_VRING_ADDR, NULL)->addr.used, 0x9000);
	assert_int_equal(sent(VU_SET_VRING_KICK, &fds)->u64, 1);
	assert_int_equal(fds, 1);
	assert_int_equal(sent(VU_SET_VRING_CALL, &fds)->u64, 1);
	assert_int_equal(fds, 1);
	assert_int_equal(sent(VU_SET_VRING_ERR, &fds)->u64, 1);
	assert_int_equal(fds, 1);
	assert_int_equal(sent(VU_SET_VRING_ENABLE, NULL)->state.num, 1);
	assert_true(was_sent(VU_RESET_DEVICE));
}

static void more_memory_than_a_message_has_room_for(void **state)
{
	struct front_region ram[VU_MAX_REGIONS + 1] = { 0 };

	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front_memory(&front, ram, VU_MAX_REGIONS + 1), -1);
	assert_non_null(strstr(front.error, "more than"));
}

static void configuration_space(void **state)
{
	u8 image[VU_MAX_CONFIG + 1] = { 0 };

	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front_config_read(&front, image, 60), 0);
	assert_int_equal(image[59], 0xc5);
	assert_int_equal(image[60], 0);
	assert_int_equal(front_config_write(&front, 32, (const u8 *)"\1", 1), 0);
	assert_int_equal(front_config_read(&front, image, sizeof(image)), -1);
	hang_up();
	assert_int_equal(sent(VU_SET_CONFIG, NULL)->config.offset, 32);
}

static void no_configuration_space(void **state)
{
	u8 image[8];

	back.protocol = BIT_ULL(VU_PF_REPLY_ACK);
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front_config_read(&front, image, sizeof(image)), -1);
	assert_non_null(strstr(front.error, "no configuration space"));
}

/* --- answers that make no sense ------------------------------------------------------------------------------------ */

static const struct {
	u32 request;
	enum wrong wrong;
	const char *says;
} wrongs[] = {
	{ VU_GET_FEATURES, OTHER_REQUEST, "is none" },
	{ VU_GET_FEATURES, NO_REPLY_FLAG, "is none" },
	{ VU_GET_FEATURES, BAD_VERSION, "is none" },
	{ VU_GET_FEATURES, TOO_LONG, "is none" },
	{ VU_GET_FEATURES, TOO_SHORT, "too short" },
	{ VU_GET_FEATURES, TORN, "closed the connection" },
	{ VU_GET_FEATURES, CLOSES, "closed the connection" },
	{ VU_GET_QUEUE_NUM, TOO_SHORT, "too short" },
	{ VU_SET_FEATURES, REFUSES, "refused request 2" },
	{ VU_SET_FEATURES, TOO_SHORT, "refused request 2" },
	{ VU_GET_VRING_BASE, OTHER_QUEUE, "another queue" },
	{ VU_GET_VRING_BASE, TOO_SHORT, "too short" },
	{ VU_GET_CONFIG, TOO_SHORT, "too short" },
	{ VU_GET_CONFIG, REFUSES, "does not tell" }, /* another offset and size */
};

static void use_all(void)
{
	u8 image[8];
	u16 base;

	if (front_open(&front, back.path, 0) == 0 && front_features(&front, 0x10) == 0 &&
	    front_queue_stop(&front, 0, &base) == 0)
		front_config_read(&front, image, sizeof(image));
}

static void answers_that_make_no_sense(void **state)
{
	hang_up();
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		u16 base;

		assert_int_equal(setup(state), 0);
		back.at = wrongs[i].request;
		back.wrong = wrongs[i].wrong;
		use_all();
		if (!front.broken || !strstr(front.error, wrongs[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, front.error, wrongs[i].says);
		/* From then on nothing is said any more. */
		assert_int_equal(front_features(&front, 0), -1);
		assert_int_equal(front_queue_stop(&front, 0, &base), -1);
		assert_non_null(strstr(front.error, wrongs[i].says));
		hang_up();
	}
}

static void nobody_there(void **state)
{
	char path[200];

	hang_up();
	assert_int_equal(front_open(&front, back.path, 0), -1);
	assert_non_null(strstr(front.error, "No such file"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(front_open(&front, path, 0), -1);
	assert_non_null(strstr(front.error, "107 bytes"));
	front_close(&front);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_used_is_negotiated, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_shim_wants_besides, setup, teardown),
		cmocka_unit_test_setup_teardown(without_protocol_features, setup, teardown),
		cmocka_unit_test_setup_teardown(queues_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(no_queue_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_and_a_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(more_memory_than_a_message_has_room_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(configuration_space, setup, teardown),
		cmocka_unit_test_setup_teardown(no_configuration_space, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_that_make_no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
