// SPDX-License-Identifier: BSD-3-Clause
/* What dom0's kernel is told for its ioeventfds and irqfds, and when it is not asked at all. */
#include "tests/unit/xen_calls.h"

#include <xen/hvm/ioreq.h>

#include "ref-backends/binding/xen/eventfds.h"
#include "ref-backends/binding/xen/interrupt.h"

#define WINDOW 0xd0000000ull

static struct ioreq page[1];
static struct xen_ioreq ioreq;
static struct eventfds e;

static int setup(void **state)
{
	calls_forget();
	ioreq = (struct xen_ioreq){ .domain = 7, .page = page, .port = 23 };
	return 0;
}

static int teardown(void **state)
{
	eventfds_close(&e);
	return 0;
}

static void a_notification(void **state)
{
	assert_int_equal(eventfds_open(&e, &ioreq), 0);
	assert_int_equal(eventfds_kick(&e, WINDOW, 3, 40, true), 0);
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].ioreq, (uintptr_t)page);
	assert_int_equal(calls.port[0], 23);
	/* The kernel adds QueueNotify's offset itself. */
	assert_int_equal(calls.io[0].addr, WINDOW);
	assert_int_equal(calls.io[0].addr_len, 4);
	assert_int_equal(calls.io[0].event_fd, 40);
	assert_int_equal(calls.io[0].vcpus, 1);
	assert_int_equal(calls.io[0].vq, 3);
	assert_int_equal(calls.io[0].domain, 7);
	assert_int_equal(eventfds_kick(&e, WINDOW, 3, 40, false), 0);
	assert_int_equal(calls.num_io, 0);
}

static void an_interrupt(void **state)
{
	assert_int_equal(eventfds_open(&e, &ioreq), 0);
	assert_int_equal(eventfds_msi(&e, 0x21, 41, true), 0);
	assert_int_equal(calls.num_irq, 1);
	assert_int_equal(calls.irq[0].fd, 41);
	assert_int_equal(calls.irq[0].domain, 7);
	assert_int_equal(calls.irq[0].size, sizeof(struct xen_dm_op));
	assert_int_equal(calls.op[0].op, XEN_DMOP_inject_msi);
	assert_int_equal(calls.op[0].u.inject_msi.data, 0x21);
	assert_int_equal(calls.op[0].u.inject_msi.addr, XEN_MSI_ADDRESS);
	assert_int_equal(eventfds_msi(&e, 0x21, 41, false), 0);
	assert_int_equal(calls.num_irq, 0);
}

static void a_kernel_that_would_die_is_not_asked(void **state)
{
	calls.guest_type = "PV";
	assert_int_equal(eventfds_open(&e, &ioreq), -1);
	assert_int_equal(e.privcmd, -1);
	calls.guest_type = NULL;
	assert_int_equal(eventfds_open(&e, &ioreq), -1);
	assert_int_equal(calls.said, 0);
	/* What was never opened can be closed, and twice. */
	eventfds_close(&e);
	eventfds_close(&e);
}

static void a_kernel_that_has_none_of_it(void **state)
{
	static const int reasons[] = { ENOTTY, EOPNOTSUPP, EINVAL };

	assert_int_equal(eventfds_open(&e, &ioreq), 0);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		calls.why = reasons[i];
		calls.refused = CALL_IOEVENTFD;
		assert_int_equal(eventfds_kick(&e, WINDOW, 0, 40, true), -1);
		calls.refused = CALL_IRQFD;
		assert_int_equal(eventfds_msi(&e, 0x21, 41, true), -1);
	}
	assert_int_equal(calls.num_io + calls.num_irq, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_notification),
		TEST(an_interrupt),
		TEST(a_kernel_that_would_die_is_not_asked),
		TEST(a_kernel_that_has_none_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
