// SPDX-License-Identifier: BSD-3-Clause
/* The compiled message table: lookups, and that it agrees with the structures of vu_proto.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "harness/spec/vu_msg.h"

static void every_message_is_found(void **state)
{
	assert_int_equal(vu_msg_count, 68);
	for_each_vu_msg (m) {
		assert_ptr_equal(vu_msg_find((enum vu_chan)m->chan, m->id), m);
		assert_string_equal(vu_msg_name((enum vu_chan)m->chan, m->id), m->name);
	}
	assert_null(vu_msg_find(VU_CHAN_MAIN, 46));
	assert_null(vu_msg_find(VU_CHAN_BACKEND, 0));
}

/* Several unknown ids can be named in one line. */
static void unknown_ids_have_names(void **state)
{
	const char *a = vu_msg_name(VU_CHAN_MAIN, 200);
	const char *b = vu_msg_name(VU_CHAN_MAIN, 0xffffffff);

	assert_string_equal(a, "request-200");
	assert_string_equal(b, "request-4294967295");
}

static void agrees_with_the_structures(void **state)
{
	static const struct {
		enum vu_request id;
		u32 min, max, reply;
	} rows[] = {
		{ VU_GET_FEATURES, 0, 0, 8 },
		{ VU_SET_VRING_NUM, sizeof(struct vu_vring_state), sizeof(struct vu_vring_state),
		  0 },
		{ VU_SET_VRING_ADDR, sizeof(struct vu_vring_addr), sizeof(struct vu_vring_addr),
		  0 },
		{ VU_SET_MEM_TABLE, 8, sizeof(struct vu_mem_table), VU_SIZE_OPEN },
		{ VU_GET_INFLIGHT_FD, sizeof(struct vu_inflight), sizeof(struct vu_inflight),
		  sizeof(struct vu_inflight) },
		{ VU_GET_CONFIG, VU_CONFIG_HEADER + 1, VU_CONFIG_HEADER + VU_MAX_CONFIG,
		  VU_SIZE_OPEN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vu_msg_spec *m = vu_msg_find(VU_CHAN_MAIN, rows[i].id);

		assert_non_null(m);
		assert_int_equal(m->req_size_min, rows[i].min);
		assert_int_equal(m->req_size_max, rows[i].max);
		assert_int_equal(m->reply_size, rows[i].reply);
	}
}

static void gates(void **state)
{
	assert_int_equal(vu_msg_find(VU_CHAN_MAIN, VU_SET_STATUS)->gate_pf, BIT_ULL(VU_PF_STATUS));
	assert_int_equal(vu_msg_find(VU_CHAN_BACKEND, VU_BACKEND_CONFIG_CHANGE_MSG)->gate_pf,
			 BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_CONFIG));
	for_each_vu_msg (m)
		if (m->reply_when == VU_REPLY_ALWAYS && m->chan == VU_CHAN_MAIN)
			assert_int_equal(m->reply_ack, VU_ACK_BODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_is_found),
		cmocka_unit_test(unknown_ids_have_names),
		cmocka_unit_test(agrees_with_the_structures),
		cmocka_unit_test(gates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
