// SPDX-License-Identifier: BSD-3-Clause
/* The judge: rules on registers that no driver of ours breaks or comes near to. tests/e2e/test_judge_registers.py has
 * the others. */
#include "tests/unit/judge_book.h"

#include <linux/virtio_ids.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/judge/registers.h"

static const char again[] = "v14.basic.vq-reenable.drv.1", done[] = "v14.basic.vq-reset.drv.1";

static const struct rdev_ops dev_ops = { .id = VIRTIO_ID_RNG };
static const struct rreg_face face = { .pci = true };
static struct rdev dev = { .ops = &dev_ops };
static struct rreg r;

static int setup(void **state)
{
	memset(&r, 0, sizeof(r));
	r.dev = &dev;
	r.face = &face;
	r.num_queues = 1;
	r.queues[0].r = &r;
	r.features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_RESET);
	jd_watch_ops.reg_start(&r);
	return 0;
}

static void wr(enum rreg_id reg, u32 value)
{
	jd_watch_ops.reg_write(&r, reg, value);
}

/* `vector`: RREG_NO_VECTOR where nothing is said of it. */
static void enable(u32 vector)
{
	wr(RREG_QUEUE_SIZE, 8);
	wr(RREG_DESC_LO, 0x1000);
	wr(RREG_AVAIL_LO, 0x2000);
	wr(RREG_USED_LO, 0x3000);
	if (vector != RREG_NO_VECTOR)
		wr(RREG_QUEUE_VECTOR, vector);
	wr(RREG_QUEUE_ENABLE, 1);
}

static void reset(void)
{
	wr(RREG_QUEUE_RESET, 1);
	jd_watch_ops.reg_read(&r, RREG_QUEUE_RESET, 0);
}

/* What is in flight keeps the queue as it was: that it is enabled is no reset that is done. */
static void a_reset_that_goes_on(void **state)
{
	const u64 before = count_of(done);

	enable(1);
	r.queues[0].enabled = true;
	wr(RREG_QUEUE_RESET, 1);
	jd_watch_ops.reg_read(&r, RREG_QUEUE_RESET, 1);
	enable(1);
	assert_int_equal(count_of(done), before + 1);
	/* It has been said; and a queue that is enabled already may be told so. */
	enable(1);
	assert_int_equal(count_of(done), before + 1);
}

static void a_vector_that_is_left_out(void **state)
{
	const u64 before = count_of(again);

	enable(1);
	reset();
	enable(2);
	assert_int_equal(count_of(again), before);
	reset();
	enable(RREG_NO_VECTOR);
	assert_int_equal(count_of(again), before + 1);
}

/* A driver that gets no message for each queue, and goes on with the line, has set a vector and taken it back. */
static void a_vector_that_was_taken_back(void **state)
{
	const u64 before = count_of(NULL);

	wr(RREG_QUEUE_VECTOR, 1);
	wr(RREG_QUEUE_VECTOR, RREG_NO_VECTOR);
	enable(RREG_NO_VECTOR);
	reset();
	enable(RREG_NO_VECTOR);
	assert_int_equal(count_of(NULL), before);
}

static void every_rule_names_a_clause_of_a_driver(void **state)
{
	claims = 0;
	jd_reg_claims(claim_of_the_other_side);
	assert_int_equal(claims, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_reset_that_goes_on, setup),
		cmocka_unit_test_setup(a_vector_that_is_left_out, setup),
		cmocka_unit_test_setup(a_vector_that_was_taken_back, setup),
		cmocka_unit_test(every_rule_names_a_clause_of_a_driver),
	};

	return cmocka_run_group_tests(tests, book_open, book_close);
}
