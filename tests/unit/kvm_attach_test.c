// SPDX-License-Identifier: BSD-3-Clause
/*
 * A device connected in each of the three ways: what is said to KVM and when, and a request through it. The
 * back-end behind the shim is ours, in a thread of this process.
 */
#include "tests/unit/kvm_calls.h"
#include "tests/unit/mmio_driver.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/binding/kvm/attach.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/rng.h"

#define RAM    (1u << 20)
#define NOTIFY (KVM_WINDOW + VIRTIO_MMIO_QUEUE_NOTIFY)

static struct vm vm = { .kvm = -1, .vm = -1, .vcpu = -1, .ram_size = RAM };
static struct attach a;
static struct rrng rng;
static struct kvm_opts opts;
static int gone_fd;

/* --- the driver -------------------------------------------------------------------------------------------- */

static u64 window_read(u32 offset)
{
	return attach_read(&a, offset, 4);
}

static void window_write(u32 offset, u32 value)
{
	attach_write(&a, offset, 4, value);
}

/* --- the back-end ---------------------------------------------------------------------------------------------- */

static struct {
	struct vub_session session;
	struct rrng rng;
	struct rblk blk;
	struct rblk_store *store;
	pthread_t thread;
	bool runs;
	int listener, signals;
	int end; /* of its connection, from the thread on */
	char path[64];
} back = { .listener = -1 };

static void *serve(void *arg)
{
	int sock = accept4(back.listener, NULL, NULL, SOCK_CLOEXEC);

	if (sock < 0)
		return NULL;
	__atomic_store_n(&back.end, dup(sock), __ATOMIC_RELEASE);
	vub_session_run(&back.session, sock);
	return NULL;
}

static void start_back_end(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct rdev *dev = &back.rng.dev;
	sigset_t none;

	rrng_init(&back.rng, driver_fill, NULL);
	if (opts.device_id == VIRTIO_ID_BLOCK) {
		back.store = store_memory_open(1 << 20);
		rblk_init(&back.blk, back.store, 1, false, "unit");
		dev = &back.blk.dev;
	}
	snprintf(back.path, sizeof(back.path), "/tmp/ringside-attach-%d.sock", (int)getpid());
	unlink(back.path);
	strcpy(sa.sun_path, back.path);
	back.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(back.listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(back.listener, 1), 0);
	sigemptyset(&none);
	back.signals = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
	back.end = -1;
	assert_int_equal(vub_session_open(&back.session, dev, back.signals, false), 0);
	assert_int_equal(pthread_create(&back.thread, NULL, serve, NULL), 0);
	back.runs = true;
}

static void stop_back_end(void)
{
	if (!back.runs)
		return;
	shutdown(back.listener, SHUT_RDWR);
	pthread_join(back.thread, NULL);
	vub_session_close(&back.session);
	if (back.store)
		back.store->ops->close(back.store);
	back.store = NULL;
	close(back.listener);
	if (back.end >= 0)
		close(back.end);
	close(back.signals);
	unlink(back.path);
	back.runs = false;
}

/* --- set-up ------------------------------------------------------------------------------------------------------ */

static void on_gone(void *ctx)
{
	signal_fd(gone_fd);
}

static int setup(void **state)
{
	vm.ram_fd = memfd_create("guest", MFD_CLOEXEC);
	gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm.ram_fd < 0 || gone_fd < 0 || ftruncate(vm.ram_fd, RAM))
		return -1;
	vm.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, vm.ram_fd, 0);
	if (vm.ram == MAP_FAILED)
		return -1;
	driver = (struct driver){ vm.ram, window_read, window_write };
	calls_forget();
	vm_error[0] = '\0';
	memset(&a, 0, sizeof(a));
	a.gone = on_gone;
	rrng_init(&rng, driver_fill, NULL);
	opts = (struct kvm_opts){ .mode = KVM_LIBRARY,
				  .dev = &rng.dev,
				  .queue_size = 64,
				  .device_id = VIRTIO_ID_RNG,
				  .num_queues = 1 };
	return 0;
}

static int teardown(void **state)
{
	attach_close(&a);
	stop_back_end();
	munmap(vm.ram, RAM);
	close(vm.ram_fd);
	close(gone_fd);
	return 0;
}

static void attach(enum kvm_mode mode)
{
	opts.mode = mode;
	if (mode == KVM_VHOST_USER) {
		start_back_end();
		opts.dev = NULL;
		opts.socket_path = back.path;
	}
	assert_int_equal(attach_open(&a, &opts, &vm), 0);
	assert_int_equal(rd(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_ID), opts.device_id);
}

/* --- library ------------------------------------------------------------------------------------------------------ */

static void library_serves_in_the_exit(void **state)
{
	attach(KVM_LIBRARY);
	go_live();
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	filled(1);
	assert_int_equal(calls.edges, 1);
	assert_int_equal(calls.line, KVM_WINDOW_LINE);
	assert_true(calls.level);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	assert_false(calls.level);
	assert_int_equal(calls.num_io + calls.num_irq, 0);
}

static void addresses_outside_of_memory(void **state)
{
	u64 len = 16;

	attach(KVM_LIBRARY);
	assert_null(attach_translate(&a, RAM, &len));
	assert_null(attach_translate(&a, ~0ull, &len));
	assert_ptr_equal(attach_translate(&a, RAM - 4, &len), vm.ram + RAM - 4);
	assert_int_equal(len, 4);
	len = 16;
	assert_ptr_equal(attach_translate(&a, 0, &len), vm.ram);
	assert_int_equal(len, 16);
}

/* --- eventfd ------------------------------------------------------------------------------------------------------ */

static void events_are_connected(void **state)
{
	attach(KVM_EVENTFD);
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].addr, NOTIFY);
	assert_int_equal(calls.io[0].len, 4);
	assert_int_equal(calls.io[0].datamatch, 0);
	assert_true(calls.io[0].flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	assert_int_equal(calls.num_irq, 1);
	assert_int_equal(calls.irq[0].gsi, KVM_WINDOW_LINE);
}

static void an_event_is_served_on_a_thread(void **state)
{
	attach(KVM_EVENTFD);
	go_live();
	for (u16 n = 1; n <= 20; n++) {
		add();
		signal_fd(calls.io[0].fd);
		assert_true(signalled((int)calls.irq[0].fd, PATIENCE));
		filled(n);
		/* The line falls by itself in the kernel, and the next edge is for who has acknowledged. */
		assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
		wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	}
	assert_int_equal(calls.edges, 0);
	attach_close(&a);
	assert_int_equal(attach_kicks(&a), 20);
}

static void events_that_kvm_refuses(void **state)
{
	opts.mode = KVM_EVENTFD;
	calls.refused = KVM_IOEVENTFD;
	assert_int_equal(attach_open(&a, &opts, &vm), -1);
	assert_non_null(strstr(vm_error, "KVM_IOEVENTFD"));
	attach_close(&a);
	setup(state);
	opts.mode = KVM_EVENTFD;
	calls.refused = KVM_IRQFD;
	assert_int_equal(attach_open(&a, &opts, &vm), -1);
	assert_non_null(strstr(vm_error, "KVM_IRQFD"));
}

/* --- vhost-user --------------------------------------------------------------------------------------------------- */

static void a_back_end_serves(void **state)
{
	attach(KVM_VHOST_USER);
	/* That of the configuration alone. */
	assert_int_equal(calls.num_io, 0);
	assert_int_equal(calls.num_irq, 1);
	go_live();
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].addr, NOTIFY);
	assert_int_equal(calls.num_irq, 2);
	for (u16 n = 1; n <= 20; n++) {
		assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
		add();
		signal_fd(calls.io[0].fd);
		assert_true(signalled((int)calls.irq[1].fd, PATIENCE));
		filled(n);
		assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
		wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	}
	/* A reset takes the queue's events away, and another driver has them again. */
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(calls.num_io, 0);
	assert_int_equal(calls.num_irq, 1);
	memset(vm.ram + DESC, 0, USED + 0x1000 - DESC);
	go_live();
	assert_int_equal(calls.num_io, 1);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_true(signalled((int)calls.irq[1].fd, PATIENCE));
	filled(1);
}

static void a_driver_that_wants_no_interrupt(void **state)
{
	attach(KVM_VHOST_USER);
	go_live();
	put16(AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	add();
	signal_fd(calls.io[0].fd);
	while (get16(USED + 2) != 1)
		sched_yield();
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	/* It does want to hear of the next. */
	put16(AVAIL, 0);
	add();
	signal_fd(calls.io[0].fd);
	assert_true(signalled((int)calls.irq[1].fd, PATIENCE));
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
}

static void features_are_the_back_ends(void **state)
{
	u64 features;

	attach(KVM_VHOST_USER);
	features = offered();
	assert_true(features & BIT_ULL(VIRTIO_F_VERSION_1));
	assert_true(features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	/* The back-end offers it; what is used of such a ring is not seen here. */
	assert_true(a.remote.front.offered & BIT_ULL(VIRTIO_F_RING_PACKED));
	assert_false(features & BIT_ULL(VIRTIO_F_RING_PACKED));
	/* vhost-user's own. */
	assert_false(features & BIT_ULL(VU_F_PROTOCOL_FEATURES));
}

static u32 config32(u32 offset)
{
	return rd(VIRTIO_MMIO_CONFIG + offset);
}

static void configuration_is_as_long_as_the_features_ask(void **state)
{
	opts.device_id = VIRTIO_ID_BLOCK;
	attach(KVM_VHOST_USER);
	assert_true(offered() & BIT_ULL(VIRTIO_BLK_F_SECURE_ERASE));
	assert_int_equal(config32(0), (1 << 20) / 512); /* capacity */
	/* max_secure_erase_sectors, _seg, secure_erase_sector_alignment */
	assert_int_not_equal(config32(60), 0);
	assert_int_not_equal(config32(64), 0);
	assert_int_not_equal(config32(68), 0);
	assert_int_equal(remote_config_size(VIRTIO_ID_BLOCK, 0), 60);
	assert_int_equal(remote_config_size(VIRTIO_ID_BLOCK, BIT_ULL(VIRTIO_BLK_F_ZONED)), 96);
	assert_int_equal(remote_config_size(VIRTIO_ID_RNG, ~0ull), 0);
	assert_int_equal(remote_config_size(VIRTIO_ID_NET, 0), 12);
	assert_int_equal(remote_config_size(VIRTIO_ID_NET, BIT_ULL(VIRTIO_NET_F_SPEED_DUPLEX)), 17);
	assert_int_equal(remote_config_size(VIRTIO_ID_NET, ~0ull), 28);
	assert_int_equal(remote_config_size(VIRTIO_ID_VSOCK, ~0ull), 8);
}

static void a_ring_that_the_back_end_gives_up(void **state)
{
	attach(KVM_VHOST_USER);
	go_live();
	add();
	put16(AVAIL + 4, NUM); /* no such descriptor */
	signal_fd(calls.io[0].fd);
	/* The interrupt of a configuration change. */
	assert_true(signalled((int)calls.irq[0].fd, PATIENCE));
	assert_true(rd(VIRTIO_MMIO_STATUS) & 0x40);
	assert_true(rd(VIRTIO_MMIO_INTERRUPT_STATUS) & 2);
	/* The next driver begins anew. */
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	memset(vm.ram + DESC, 0, USED + 0x1000 - DESC);
	go_live();
	add();
	signal_fd(calls.io[0].fd);
	assert_true(signalled((int)calls.irq[1].fd, PATIENCE));
	filled(1);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 15);
}

static void a_back_end_that_goes_away(void **state)
{
	attach(KVM_VHOST_USER);
	go_live();
	assert_false(signalled(gone_fd, 0));
	/* As when it dies. */
	shutdown(__atomic_load_n(&back.end, __ATOMIC_ACQUIRE), SHUT_RDWR);
	assert_true(signalled(gone_fd, PATIENCE));
}

static void no_back_end(void **state)
{
	opts.mode = KVM_VHOST_USER;
	opts.dev = NULL;
	opts.socket_path = "/nonexistent/back.sock";
	assert_int_equal(attach_open(&a, &opts, &vm), -1);
	assert_non_null(strstr(vm_error, "/nonexistent/back.sock: No such file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(library_serves_in_the_exit),
		TEST(addresses_outside_of_memory),
		TEST(events_are_connected),
		TEST(an_event_is_served_on_a_thread),
		TEST(events_that_kvm_refuses),
		TEST(a_back_end_serves),
		TEST(a_driver_that_wants_no_interrupt),
		TEST(features_are_the_back_ends),
		TEST(configuration_is_as_long_as_the_features_ask),
		TEST(a_ring_that_the_back_end_gives_up),
		TEST(a_back_end_that_goes_away),
		TEST(no_back_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
