// SPDX-License-Identifier: BSD-3-Clause
/*
 * What comes to a device of ringside-vmm's that its guest has not just asked for: a processor that stands still, or
 * runs and does not leave the guest, gets its interrupt all the same. In both ways in which the device is in this
 * process.
 */
#include "tests/unit/kvm_calls.h"
#include "tests/unit/mmio_outside.h"

#include <sys/mman.h>

#include "ref-backends/binding/kvm/attach.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/rng.h"

#define RAM (1u << 20)

static struct vm vm = { .kvm = -1, .vm = -1, .vcpu = -1, .ram_fd = -1, .ram_size = RAM };
static struct attach a;
static struct kvm_opts opts;
static const enum kvm_mode modes[] = { KVM_LIBRARY, KVM_EVENTFD };

static u64 window_read(u32 offset)
{
	return attach_read(&a, offset, 4);
}

static void window_write(u32 offset, u32 value)
{
	attach_write(&a, offset, 4, value);
}

static int setup(void **state)
{
	vm.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	driver = (struct driver){ vm.ram, window_read, window_write };
	return vm.ram == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	return munmap(vm.ram, RAM);
}

static void attach(enum kvm_mode mode, struct rdev *dev)
{
	calls_forget();
	memset(vm.ram, 0, RAM);
	memset(&a, 0, sizeof(a));
	opts = (struct kvm_opts){ .mode = mode, .dev = dev, .queue_size = 64 };
	assert_int_equal(attach_open(&a, &opts, &vm), 0);
}

static bool line_is_up(void)
{
	bool up;

	pthread_mutex_lock(&calls.lock);
	up = calls.level;
	pthread_mutex_unlock(&calls.lock);
	return up;
}

/* Of before: each is for itself. */
static void forget_interrupts(void)
{
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 3);
	if (opts.mode == KVM_EVENTFD)
		signalled((int)calls.irq[0].fd, 0);
	else
		assert_false(line_is_up());
}

/* Without an access of the driver's. */
static void interrupted(u32 why)
{
	if (opts.mode == KVM_EVENTFD) {
		assert_true(signalled((int)calls.irq[0].fd, PATIENCE));
	} else {
		const time_t end = time(NULL) + PATIENCE / 1000;

		while (!line_is_up() && time(NULL) < end)
			sched_yield();
		assert_true(line_is_up());
	}
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), why);
}

static void an_edge(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		attach(modes[i], lines_open());
		lines_wait();
		forget_interrupts();
		lines_rise();
		interrupted(1);
		attach_close(&a);
		lines_close();
	}
}

static void a_delayed_response(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		attach(modes[i], platform_open());
		platform_delays();
		interrupted(1);
		attach_close(&a);
		platform_close();
	}
}

/* The thread sleeps already, and has to be told. */
static void a_descriptor_that_is_watched_later(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		attach(modes[i], late_open());
		go_live();
		for (u16 n = 1; n <= 50; n++) {
			late_turn(n);
			interrupted(1);
			forget_interrupts();
		}
		attach_close(&a);
		late_close();
	}
}

static void an_image_that_grew(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct rblk_store *store = store_memory_open(1 << 20);
		static struct rblk blk;

		rblk_init(&blk, store, 1, false, "unit");
		attach(modes[i], &blk.dev);
		go_live();
		assert_int_equal(rd(VIRTIO_MMIO_CONFIG), 2048);
		attach_resized(&a);
		interrupted(2);
		assert_int_equal(rd(VIRTIO_MMIO_CONFIG), 2048 + RBLK_GROW_SECTORS);
		attach_close(&a);
		store->ops->close(store);
	}
}

/* Whoever waits for nothing but its driver has no thread to pay for. */
static void no_thread_for_nothing(void **state)
{
	static struct rrng rng;

	rrng_init(&rng, driver_fill, NULL);
	attach(KVM_LIBRARY, &rng.dev);
	assert_false(a.loop.runs);
	attach_close(&a);
	attach(KVM_LIBRARY, lines_open());
	assert_true(a.loop.runs);
	attach_close(&a);
	lines_close();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_edge),
		TEST(a_delayed_response),
		TEST(a_descriptor_that_is_watched_later),
		TEST(an_image_that_grew),
		TEST(no_thread_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
