// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device behind the kernel's eventfds: what is served in an access and what on the thread, what the kernel is
 * told and in the end told no more. The guest is a function of the test's, in place of the monitor.
 */
#include "tests/unit/xen_calls.h"

#include <linux/virtio_ids.h>
#include <sys/mman.h>
#include <xen/hvm/ioreq.h>

#include "ref-backends/binding/xen/events.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/rng.h"
#include "tests/unit/mmio_outside.h"

#define RAM (1u << 20)

static struct rrng rng;
static u8 *ram;
static struct ioreq page[1];
static struct xen_monitor_opts monitor_opts;
static struct xen_device_opts device_opts;

/* --- the monitor ------------------------------------------------------------------------------------------------ */

static struct {
	const struct xen_monitor_ops *ops;
	void *ctx;
	struct xen_monitor *m;
	void (*guest)(void);
	bool refuses, is_open;
	int status;
} mon;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __wrap_xen_monitor_open(struct xen_monitor *m, const struct xen_monitor_opts *o);
int __wrap_xen_monitor_run(struct xen_monitor *m, const struct xen_monitor_ops *ops, void *ctx);
void __wrap_xen_monitor_close(struct xen_monitor *m);

int __wrap_xen_monitor_open(struct xen_monitor *m, const struct xen_monitor_opts *o)
{
	*m = (struct xen_monitor){ .o = o, .status = -1 };
	m->memory = (struct xen_memory){ .ram = ram, .ram_size = RAM };
	m->ioreq = (struct xen_ioreq){ .domain = 7, .page = page, .port = 23 };
	mon.m = m;
	mon.is_open = !mon.refuses;
	return mon.refuses ? -1 : 0;
}

int __wrap_xen_monitor_run(struct xen_monitor *m, const struct xen_monitor_ops *ops, void *ctx)
{
	mon.ops = ops;
	mon.ctx = ctx;
	mon.guest();
	return mon.status;
}

/* The page of requests goes with it: the kernel must not look there any more. */
void __wrap_xen_monitor_close(struct xen_monitor *m)
{
	assert_int_equal(calls.num_io + calls.num_irq, 0);
	mon.is_open = false;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static u64 window_read(u32 offset)
{
	return mon.ops->read(mon.ctx, offset, 4);
}

static void window_write(u32 offset, u32 value)
{
	mon.ops->write(mon.ctx, offset, 4, value);
}

/* --- set-up ------------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	calls_forget();
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(&mon, 0, sizeof(mon));
	mon.status = 33;
	driver = (struct driver){ ram, window_read, window_write };
	rrng_init(&rng, driver_fill, NULL);
	device_opts = (struct xen_device_opts){ .dev = &rng.dev, .queue_size = 64 };
	return ram == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	return munmap(ram, RAM);
}

static unsigned descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int run(void (*guest)(void))
{
	const unsigned before = descriptors();
	int status;

	mon.guest = guest;
	status = xen_events(&monitor_opts, &device_opts);
	assert_false(mon.is_open);
	assert_int_equal(descriptors(), before);
	assert_int_equal(calls.num_io + calls.num_irq, 0);
	return status;
}

static u64 interrupts(void)
{
	return __atomic_load_n(&mon.m->interrupt.count, __ATOMIC_RELAXED);
}

/* --- a guest's life ------------------------------------------------------------------------------------------------ */

static void nothing(void)
{
}

static void looks_at_what_the_kernel_knows(void)
{
	/* The device's queue, and the window of calibration behind its registers. */
	assert_int_equal(calls.num_io, 2);
	assert_int_equal(calls.io[0].addr, XEN_WINDOW);
	assert_int_equal(calls.io[0].vq, 0);
	assert_int_equal(calls.io[1].addr + VIRTIO_MMIO_QUEUE_NOTIFY, XEN_WINDOW + XEN_CAL_EVENT);
	assert_int_not_equal(calls.io[0].event_fd, calls.io[1].event_fd);
	assert_int_equal(calls.num_irq, 1);
	assert_int_equal(calls.op[0].u.inject_msi.data, XEN_INTERRUPT_VECTOR);
	/* The monitor polls nothing for it: all that is on the thread. */
	assert_null(mon.ops->listen);
}

static void what_the_kernel_is_told(void **state)
{
	assert_int_equal(run(looks_at_what_the_kernel_knows), 33);
}

static void is_served_on_the_thread(void)
{
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_RNG);
	go_live();
	for (u16 n = 1; n <= 20; n++) {
		add();
		signal_fd((int)calls.io[0].event_fd);
		assert_true(signalled((int)calls.irq[0].fd, PATIENCE));
		filled(n);
		assert_int_equal(interrupts(), n);
		assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
		wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
		assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	}
}

static void an_event_is_served_on_a_thread(void **state)
{
	assert_int_equal(run(is_served_on_the_thread), 33);
	/* Once more in the same process. */
	memset(ram, 0, RAM);
	assert_int_equal(run(is_served_on_the_thread), 33);
}

static void is_served_in_the_access(void)
{
	go_live();
	add();
	/* A notification that came to the monitor, whatever the kernel was to do. */
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	filled(1);
	assert_true(signalled((int)calls.irq[0].fd, 0));
	assert_int_equal(interrupts(), 1);
}

static void an_access_is_served_where_it_is(void **state)
{
	assert_int_equal(run(is_served_in_the_access), 33);
}

/* What the thread finds there while the mapping is made anew: a signal that nobody lives through. */
static void has_its_memory_mapped_anew(void)
{
	go_live();
	for (u16 n = 1; n <= 200; n++) {
		add();
		signal_fd((int)calls.io[0].event_fd);
		mon.ops->hold(mon.ctx, true);
		assert_int_equal(mprotect(ram, RAM, PROT_NONE), 0);
		sched_yield();
		assert_int_equal(mprotect(ram, RAM, PROT_READ | PROT_WRITE), 0);
		mon.ops->hold(mon.ctx, false);
		wait_used(0, n);
	}
}

static void memory_that_is_mapped_anew(void **state)
{
	assert_int_equal(run(has_its_memory_mapped_anew), 33);
}

static void wants_no_interrupt(void)
{
	go_live();
	put16(AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	filled(1);
	assert_false(signalled((int)calls.irq[0].fd, 0));
	assert_int_equal(interrupts(), 0);
}

static void a_driver_that_wants_no_interrupt(void **state)
{
	assert_int_equal(run(wants_no_interrupt), 33);
}

static void points_outside_of_memory(void)
{
	go_live();
	add();
	((struct vring_desc *)(ram + DESC))->addr = RAM - 32;
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	/* 32 bytes are there, and 32 are not: nothing was touched, and it comes back. */
	assert_int_equal(ram[RAM - 32], 0);
	assert_int_equal(get16(USED + 2), 1);
	assert_int_equal(get16(USED + 8), 0);
}

static void addresses_outside_of_memory(void **state)
{
	assert_int_equal(run(points_outside_of_memory), 33);
}

/* A guest that ends with a request that is being served, or not even looked at. */
static void leaves_a_notification_behind(void)
{
	go_live();
	add();
	signal_fd((int)calls.io[0].event_fd);
}

static void an_end_with_work_left(void **state)
{
	assert_int_equal(run(leaves_a_notification_behind), 33);
}

/* --- what no access brings --------------------------------------------------------------------------------------------- */

static void interrupted(u32 why)
{
	assert_true(signalled((int)calls.irq[0].fd, PATIENCE));
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), why);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, why);
}

static void waits_for_an_edge(void)
{
	lines_wait();
	signalled((int)calls.irq[0].fd, 0);
	lines_rise();
	interrupted(1);
}

static void an_edge(void **state)
{
	device_opts.dev = lines_open();
	assert_int_equal(run(waits_for_an_edge), 33);
	lines_close();
}

static void waits_for_a_response(void)
{
	platform_delays();
	interrupted(1);
}

static void a_delayed_response(void **state)
{
	device_opts.dev = platform_open();
	assert_int_equal(run(waits_for_a_response), 33);
	platform_close();
}

static void asks_for_what_is_watched_then(void)
{
	go_live();
	for (u16 n = 1; n <= 50; n++) {
		late_turn(n);
		interrupted(1);
	}
}

static void a_descriptor_that_is_watched_later(void **state)
{
	device_opts.dev = late_open();
	assert_int_equal(run(asks_for_what_is_watched_then), 33);
	late_close();
}

static void sees_its_disk_grow(void)
{
	go_live();
	mon.ops->resized(mon.ctx);
	interrupted(2);
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG), 2048 + RBLK_GROW_SECTORS);
}

static void an_image_that_grew(void **state)
{
	struct rblk_store *store = store_memory_open(1 << 20);
	static struct rblk blk;

	rblk_init(&blk, store, 1, false, "unit");
	device_opts.dev = &blk.dev;
	assert_int_equal(run(sees_its_disk_grow), 33);
	store->ops->close(store);
}

/* --- what can go wrong ------------------------------------------------------------------------------------------------- */

static void no_monitor(void **state)
{
	mon.refuses = true;
	assert_int_equal(run(nothing), XEN_STATUS_REFUSED);
	assert_int_equal(calls.said, 0);
}

static void a_paravirtual_dom0(void **state)
{
	calls.guest_type = "PV";
	assert_int_equal(run(nothing), XEN_STATUS_REFUSED);
	assert_int_equal(calls.said, 0);
}

/* What it had taken until then is given back. */
static void a_kernel_that_refuses(void **state)
{
	static const struct {
		unsigned long what;
		unsigned good;
	} cases[] = { { CALL_IRQFD, 0 }, { CALL_IOEVENTFD, 0 }, { CALL_IOEVENTFD, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		calls_forget();
		calls.refused = cases[i].what;
		calls.good = cases[i].good;
		assert_int_equal(run(nothing), XEN_STATUS_REFUSED);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_is_told),
		TEST(an_event_is_served_on_a_thread),
		TEST(an_access_is_served_where_it_is),
		TEST(memory_that_is_mapped_anew),
		TEST(a_driver_that_wants_no_interrupt),
		TEST(addresses_outside_of_memory),
		TEST(an_end_with_work_left),
		TEST(an_edge),
		TEST(a_delayed_response),
		TEST(a_descriptor_that_is_watched_later),
		TEST(an_image_that_grew),
		TEST(no_monitor),
		TEST(a_paravirtual_dom0),
		TEST(a_kernel_that_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
