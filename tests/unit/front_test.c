// SPDX-License-Identifier: BSD-3-Clause
/*
 * The front-end's half of vhost-user, before a back-end whose every answer is written down here: what is sent
 * in which order and with which descriptors, and answers that make no sense.
 */
#include "tests/unit/front_back.h"

#include <sys/mman.h>

#include "harness/spec/vu_msg.h"

/* --- what is said -------------------------------------------------------------------------------------------------- */

static void only_what_is_used_is_negotiated(void **state)
{
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.offered, BIT_ULL(VIRTIO_F_VERSION_1) | 0x10);
	assert_int_equal(front.num_queues, 2);
	assert_true(front.has_protocol);
	hang_up();
	assert_int_equal(sent(VU_SET_PROTOCOL_FEATURES, NULL)->u64,
			 BIT_ULL(VU_PF_MQ) | BIT_ULL(VU_PF_REPLY_ACK) | BIT_ULL(VU_PF_BACKEND_REQ) |
				 BIT_ULL(VU_PF_CONFIG) | BIT_ULL(VU_PF_RESET_DEVICE));
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

/* --- what the back-end says unasked --------------------------------------------------------------------------------- */

#define CHANGE	   VU_BACKEND_CONFIG_CHANGE_MSG
#define NEED_REPLY (VU_VERSION | VU_FLAG_NEED_REPLY)

static void a_change_is_told(void **state)
{
	unsigned fds = 0;

	assert_int_equal(front_open(&front, back.path, 0), 0);
	sent(VU_SET_BACKEND_REQ_FD, &fds);
	assert_int_equal(fds, 1);
	assert_int_equal(front_channel(&front), 0);
	assert_false(front_changed(&front));
	tell(CHANGE, NEED_REPLY, 0);
	assert_int_equal(front_channel(&front), 0);
	take_answer(CHANGE, 0);
	assert_true(front_changed(&front));
	assert_false(front_changed(&front));
	tell(CHANGE, VU_VERSION, 0);
	assert_int_equal(front_channel(&front), 0);
	assert_true(front_changed(&front));
	/* Nobody wanted an answer. */
	assert_int_equal(recv(back.channel, &fds, sizeof(fds), MSG_DONTWAIT), -1);
}

static void no_channel_without_a_configuration(void **state)
{
	back.protocol = ~BIT_ULL(VU_PF_CONFIG);
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.channel.sock, -1);
	assert_int_equal(front_channel(&front), 0);
	assert_false(was_sent(VU_SET_BACKEND_REQ_FD));
}

static void no_channel_where_the_back_end_takes_none(void **state)
{
	back.protocol = ~BIT_ULL(VU_PF_BACKEND_REQ);
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front.channel.sock, -1);
	assert_false(was_sent(VU_SET_BACKEND_REQ_FD));
}

/* It is refused, and what comes behind it is found. */
static void what_is_not_understood(void **state)
{
	assert_int_equal(front_open(&front, back.path, 0), 0);
	tell(VU_BACKEND_IOTLB_MSG, NEED_REPLY, 40);
	tell(CHANGE, NEED_REPLY, 8);
	tell(VU_BACKEND_VRING_CALL, VU_VERSION, 8);
	assert_int_equal(front_channel(&front), 0);
	take_answer(VU_BACKEND_IOTLB_MSG, 1);
	take_answer(CHANGE, 1);
	assert_false(front_changed(&front));
	tell(CHANGE, NEED_REPLY, 0);
	assert_int_equal(front_channel(&front), 0);
	take_answer(CHANGE, 0);
	assert_true(front_changed(&front));
}

static void a_change_in_pieces(void **state)
{
	const struct vu_header hdr = { CHANGE, VU_VERSION, 0 };

	assert_int_equal(front_open(&front, back.path, 0), 0);
	for (size_t i = 0; i < sizeof(hdr); i++) {
		assert_false(front_changed(&front));
		assert_int_equal(send(back.channel, (const u8 *)&hdr + i, 1, 0), 1);
		assert_int_equal(front_channel(&front), 0);
	}
	assert_true(front_changed(&front));
}

static void messages_that_are_none(void **state)
{
	static const struct vu_header none[] = {
		{ CHANGE, 0, 0 },
		{ CHANGE, VU_VERSION | VU_FLAG_REPLY, 0 },
		{ CHANGE, VU_VERSION, VU_MAX_PAYLOAD + 1 },
		{ CHANGE, VU_VERSION, 0xffffffff },
	};

	hang_up();
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_int_equal(back_setup(state), 0);
		assert_int_equal(front_open(&front, back.path, 0), 0);
		tell(none[i].request, none[i].flags, none[i].size);
		assert_int_equal(front_channel(&front), -1);
		assert_non_null(strstr(front.error, "a message of its own is none"));
		assert_false(front_changed(&front));
		assert_int_equal(front_features(&front, 0), -1);
		hang_up();
	}
}

static void a_back_end_that_hangs_up_its_channel(void **state)
{
	assert_int_equal(front_open(&front, back.path, 0), 0);
	tell(CHANGE, NEED_REPLY, 0);
	close(back.channel);
	back.channel = -1;
	assert_int_equal(front_channel(&front), 0);
	assert_true(front_changed(&front));
	assert_int_equal(front_channel(&front), 0);
	assert_true(front.channel.over);
	assert_int_equal(front_features(&front, 0x10), 0);
}

/* It wants to know that we know before it tells what. */
static void a_back_end_that_waits_for_us(void **state)
{
	u8 image[8];

	back.tells_at = VU_GET_CONFIG;
	assert_int_equal(front_open(&front, back.path, 0), 0);
	assert_int_equal(front_config_read(&front, image, sizeof(image)), 0);
	assert_true(front_changed(&front));
}

/* Whoever says much does not keep us for ever. */
static void many_messages(void **state)
{
	unsigned calls = 0;
	u8 byte;

	assert_int_equal(front_open(&front, back.path, 0), 0);
	for (unsigned i = 0; i < 200; i++)
		tell(CHANGE, VU_VERSION, 0);
	while (recv(front.channel.sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
		assert_int_equal(front_channel(&front), 0);
		assert_true(front_changed(&front));
		calls++;
	}
	assert_in_range(calls, 5, 200);
}

/* And takes no answer. */
static void a_back_end_that_does_not_listen(void **state)
{
	unsigned n = 0;

	assert_int_equal(front_open(&front, back.path, 0), 0);
	do
		tell(CHANGE, NEED_REPLY, 0);
	while (front_channel(&front) == 0 && ++n < 1u << 20);
	assert_non_null(strstr(front.error, "takes no answers"));
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

		assert_int_equal(back_setup(state), 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, back_setup, back_teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_what_is_used_is_negotiated),
		TEST(what_a_shim_wants_besides),
		TEST(without_protocol_features),
		TEST(queues_without_end),
		TEST(no_queue_at_all),
		TEST(memory_and_a_ring),
		TEST(more_memory_than_a_message_has_room_for),
		TEST(configuration_space),
		TEST(no_configuration_space),
		TEST(a_change_is_told),
		TEST(no_channel_without_a_configuration),
		TEST(no_channel_where_the_back_end_takes_none),
		TEST(what_is_not_understood),
		TEST(a_change_in_pieces),
		TEST(messages_that_are_none),
		TEST(a_back_end_that_hangs_up_its_channel),
		TEST(a_back_end_that_waits_for_us),
		TEST(many_messages),
		TEST(a_back_end_that_does_not_listen),
		TEST(answers_that_make_no_sense),
		TEST(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
