// SPDX-License-Identifier: BSD-3-Clause
/* How long the front-end waits for a back-end that never sleeps, and what it does for it meanwhile. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/transport/vhost_user/frontend.h"

#define TIMEOUT_MS 300
#define MS	   1000000ull

static struct vu_frontend fe;
static int back_sock, back_channel;

/* --- the back-end's side: it turns all the time ------------------------------------------------------- */

static void turn(unsigned ms)
{
	for (u64 end = host_now_ns() + ms * MS; host_now_ns() < end;)
		;
}

static void say(u32 request, const void *payload, u32 size)
{
	struct {
		struct vu_header hdr;
		u8 payload[64];
	} __attribute__((packed)) m = { .hdr = { request, VU_VERSION, size } };

	memcpy(m.payload, payload, size);
	while (send(back_channel, &m, sizeof(m.hdr) + size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		;
}

/* A translation, for which it takes its time. */
static void ask_for_translation(void)
{
	const struct vu_iotlb miss = { .iova = 0x1000,
				       .perm = VU_IOTLB_READ,
				       .type = VU_IOTLB_MISS };
	const struct {
		struct vu_header hdr;
		u64 v;
	} __attribute__((packed)) good = { { VU_IOTLB_MSG, VU_VERSION | VU_FLAG_REPLY, 8 }, 0 };
	u8 update[VU_HEADER_SIZE + sizeof(miss)];

	say(VU_BACKEND_IOTLB_MSG, &miss, sizeof(miss));
	while (recv(back_sock, update, sizeof(update), MSG_DONTWAIT) != (ssize_t)sizeof(update))
		;
	turn(4 * VU_SLICE_MS);
	send(back_sock, &good, sizeof(good), MSG_NOSIGNAL);
}

static void translates_late(void)
{
	turn(TIMEOUT_MS + 50);
	for (unsigned i = 0; i < 3; i++)
		ask_for_translation();
	eventfd_write(fe.rings[0].call, 1);
}

static void floods(void)
{
	for (;;)
		say(VU_BACKEND_CONFIG_CHANGE_MSG, "", 0);
}

static void does_nothing(void)
{
}

static void something_else_first(void)
{
	const u64 area[3] = { 0 };

	turn(10);
	say(VU_BACKEND_VRING_HOST_NOTIFIER_MSG, area, sizeof(area));
	turn(TIMEOUT_MS);
	say(VU_BACKEND_CONFIG_CHANGE_MSG, "", 0);
}

/* --- the front-end's ------------------------------------------------------------------------------------ */

static void begin(void (*back_end)(void))
{
	int main_ends[2], channel_ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, main_ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel_ends), 0);
	vu_transport_init(&fe, "");
	fe.tp.timeout_ms = TIMEOUT_MS;
	fe.sock = main_ends[0];
	fe.channel = channel_ends[0];
	fe.features = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	fe.iovas[0] = (struct vu_iova){ 0x1000, 0x1000, { 0x1000 }, VU_IOTLB_READ };
	fe.iova_count = 1;
	fe.rings[0].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(fe.rings[0].call >= 0);
	back_sock = main_ends[1];
	back_channel = channel_ends[1];
	fe.peer = fork();
	if (fe.peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		back_end();
		for (;;)
			;
	}
	assert_true(fe.peer > 0);
	close(back_sock);
	close(back_channel);
}

static int teardown(void **state)
{
	if (fe.peer > 0) {
		kill(fe.peer, SIGKILL);
		waitpid(fe.peer, NULL, 0);
	}
	vu_disconnect(&fe);
	return 0;
}

/* Each translation takes longer than what the wait was put off by. */
static void misses_are_answered_after_the_deadline(void **state)
{
	begin(translates_late);
	assert_int_equal(fe.tp.ops->wait_call(&fe.tp, 0, TIMEOUT_MS), 1);
}

static void a_flood_does_not_put_it_off_for_ever(void **state)
{
	u64 start;

	begin(floods);
	start = host_now_ns();
	assert_int_equal(fe.tp.ops->wait_call(&fe.tp, 0, TIMEOUT_MS), 0);
	assert_true(host_now_ns() - start >= TP_PATIENCE * TIMEOUT_MS * MS);
}

static void another_message_does_not_cut_it_short(void **state)
{
	begin(something_else_first);
	assert_int_equal(fe.tp.ops->wait_config_event(&fe.tp, TIMEOUT_MS), 1);
}

static void what_must_not_come_is_not_waited_for_longer(void **state)
{
	u64 start;

	begin(does_nothing);
	start = host_now_ns();
	assert_int_equal(fe.tp.ops->wait_call(&fe.tp, 0, TIMEOUT_MS / 10), 0);
	assert_int_equal(fe.tp.ops->wait_config_event(&fe.tp, TIMEOUT_MS / 10), 0);
	assert_true(host_now_ns() - start < (TP_PATIENCE - 1) * TIMEOUT_MS * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(misses_are_answered_after_the_deadline, teardown),
		cmocka_unit_test_teardown(a_flood_does_not_put_it_off_for_ever, teardown),
		cmocka_unit_test_teardown(another_message_does_not_cut_it_short, teardown),
		cmocka_unit_test_teardown(what_must_not_come_is_not_waited_for_longer, teardown),
	};

	return cmocka_run_group_tests_name("vu_wait", tests, NULL, NULL);
}
