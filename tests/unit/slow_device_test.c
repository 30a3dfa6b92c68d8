// SPDX-License-Identifier: BSD-3-Clause
/* A device that takes its time: nothing comes early, everything in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/binding/machine/slow.h"

static struct rdev_req *served[4];
static unsigned count;

static void serve(struct rdev *dev, struct rdev_req *req)
{
	served[count++] = req;
}

static u64 features(struct rdev *dev)
{
	return 0x55;
}

static const struct rdev_ops ops = {
	.name = "test",
	.id = 7,
	.config_size = 12,
	.req_size = 100,
	.features = features,
	.serve = serve,
};

static void as_the_one_below(void **state)
{
	struct rdev below = { .ops = &ops, .num_queues = 3 };
	struct slow s;
	struct rdev *dev = slow_init(&s, &below, 1);

	assert_int_equal(dev->num_queues, 3);
	assert_int_equal(dev->ops->id, 7);
	assert_int_equal(dev->ops->config_size, 12);
	assert_int_equal(dev->ops->req_size, 100);
	assert_int_equal(dev->ops->features(dev), 0x55);
	assert_int_equal(slow_wait_ms(&s), -1);
}

static void late_and_in_order(void **state)
{
	struct rdev below = { .ops = &ops, .num_queues = 1 };
	struct rdev_req reqs[4];
	struct slow s;
	struct rdev *dev = slow_init(&s, &below, 20);

	count = 0;
	for (unsigned i = 0; i < 4; i++)
		dev->ops->serve(dev, &reqs[i]);
	slow_run(&s);
	assert_int_equal(count, 0);
	assert_in_range(slow_wait_ms(&s), 1, 20);
	while (slow_wait_ms(&s) >= 0) {
		usleep((useconds_t)slow_wait_ms(&s) * 1000);
		slow_run(&s);
	}
	assert_int_equal(count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(served[i], &reqs[i]);
}

/* The place of a request that was passed on is used again. */
static void round_and_round(void **state)
{
	struct rdev below = { .ops = &ops, .num_queues = 1 };
	struct rdev_req req;
	struct slow s;
	struct rdev *dev = slow_init(&s, &below, 0);

	for (unsigned i = 0; i < 3 * SLOW_MAX; i++) {
		count = 0;
		dev->ops->serve(dev, &req);
		slow_run(&s);
		assert_int_equal(count, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_one_below),
		cmocka_unit_test(late_and_in_order),
		cmocka_unit_test(round_and_round),
	};

	return cmocka_run_group_tests_name("slow_device", tests, NULL, NULL);
}
