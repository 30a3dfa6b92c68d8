// SPDX-License-Identifier: BSD-3-Clause
/* The PCI transport against the reference's function, in one process: two halves written apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/pci/pci.h"
#include "harness/virtqueue/split.h"
#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/device/rng.h"
#include "traces/trace.h"

#define DEVFN	 (3 << 3)
#define RAM	 0x10000
#define MSI	 0x10000
#define BASE	 0xe0000000u
#define BASE_64	 0x800000000ull
#define VERSION1 BIT_ULL(VIRTIO_F_VERSION_1)

/* --- a machine with one function ------------------------------------------------------------------------ */

static struct {
	struct access access; /* first */
	_Alignas(4096) u8 ram[RAM + 0x1000];
	struct rpci function;
	struct rrng rng;
	void *memory;
	bool absent, line;
	u64 now;
} b;

static int cfg_read(struct access *a, u8 devfn, u16 offset, unsigned size, u32 *value)
{
	*value = b.absent || devfn != DEVFN ? 0xffffffffu >> (32 - 8 * size)
					    : rpci_config_read(&b.function, offset, size);
	return TP_OK;
}

static int cfg_write(struct access *a, u8 devfn, u16 offset, unsigned size, u32 value)
{
	if (devfn == DEVFN)
		rpci_config_write(&b.function, offset, size, value);
	return TP_OK;
}

static int mem_read(struct access *a, u64 addr, unsigned size, u64 *value)
{
	unsigned bar;
	u64 offset;

	*value = rpci_hit(&b.function, addr, &bar, &offset)
			 ? rpci_bar_read(&b.function, bar, offset, size)
			 : ~0ull >> (64 - 8 * size);
	return TP_OK;
}

static int mem_write(struct access *a, u64 addr, unsigned size, u64 value)
{
	unsigned bar;
	u64 offset;

	if (rpci_hit(&b.function, addr, &bar, &offset))
		rpci_bar_write(&b.function, bar, offset, size, value);
	return TP_OK;
}

static void clear_ram(struct access *a)
{
	memset(b.ram, 0, sizeof(b.ram));
}

static u64 now_ns(struct access *a)
{
	return b.now += 1000000;
}

static void relax(struct access *a)
{
}

static const struct access_ops access_ops = {
	.read = mem_read,
	.write = mem_write,
	.cfg_read = cfg_read,
	.cfg_write = cfg_write,
	.clear_ram = clear_ram,
	.now_ns = now_ns,
	.relax = relax,
};

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	if (gpa >= sizeof(b.ram))
		return NULL;
	*len = MIN(*len, sizeof(b.ram) - gpa);
	return b.ram + gpa;
}

static void line(void *ctx, bool level)
{
	b.line = level;
}

static void msi(void *ctx, u64 addr, u32 data)
{
	memcpy(b.ram + addr, &data, sizeof(data));
}

static const struct rreg_ops function_ops = { .translate = translate, .line = line, .msi = msi };

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0x77, len);
}

static int setup(void **state)
{
	struct rreg_opts o = { .dev = &b.rng.dev, .queue_size = 64, .ops = &function_ops };

	memset(&b, 0, sizeof(b));
	rrng_init(&b.rng, fill, NULL);
	b.memory = aligned_alloc(64, ALIGN_UP(rreg_memory(&o), 64));
	assert_non_null(b.memory);
	memset(b.memory, 0, ALIGN_UP(rreg_memory(&o), 64));
	rpci_init(&b.function, &o, false, b.memory);
	b.access = (struct access){
		.ops = &access_ops,
		.ram = { { b.ram, { 0 }, RAM } },
		.ram_count = 1,
		.msi = { b.ram + MSI, { MSI }, 0x1000 },
		.bar_base = BASE,
		.bar_base64 = BASE_64,
	};
	return 0;
}

static int teardown(void **state)
{
	free(b.memory);
	return 0;
}

/* --- a driver ----------------------------------------------------------------------------------------------- */

static struct pci pci;
static struct vq vq;
static struct vq_slot slots[16];

static struct tp *opened(void)
{
	pci_init(&pci, &b.access, 0);
	assert_int_equal(pci.r.tp.ops->open(&pci.r.tp), TP_OK);
	return &pci.r.tp;
}

static void start_queue(struct tp *t)
{
	const struct vq_layout l = {
		.size = 16,
		.desc = { 0x1000 },
		.driver = { 0x2000 },
		.device = { 0x3000 },
		.desc_hva = b.ram + 0x1000,
		.driver_hva = b.ram + 0x2000,
		.device_hva = b.ram + 0x3000,
	};
	const struct vq_mode mode = { .ring = VQ_RING_SPLIT };
	const struct tp_queue cfg = { 16, 0, l.desc, l.driver, l.device, &vq, false };

	vq_init(&vq, &mode, &l, slots);
	assert_int_equal(t->ops->queue_start(t, 0, &cfg), TP_OK);
}

static void start(struct tp *t, u64 features)
{
	assert_int_equal(t->ops->set_features(t, VERSION1 | features), TP_OK);
	start_queue(t);
	assert_int_equal(t->ops->driver_ok(t), TP_OK);
}

/* One buffer goes out and comes back, with a notification. */
static void ask(struct tp *t)
{
	const struct vq_sg sg = { { 0x8000 }, 32 };
	u32 id, len;
	void *token;

	b.ram[0x8000] = 0;
	assert_true(vq_add(&vq, &sg, 0, 1, &vq) >= 0);
	vq_publish(&vq);
	assert_int_equal(t->ops->notify(t, 0), TP_OK);
	assert_int_equal(t->ops->wait_call(t, 0, 10), 1);
	assert_true(vq_reap(&vq, &id, &len, &token) >= 0);
	assert_int_equal(len, 32);
	assert_int_equal(b.ram[0x8000], 0x77);
	assert_int_equal(t->ops->wait_call(t, 0, 10), 0);
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

static void test_finds_and_places(void **state)
{
	struct tp *t = opened();
	unsigned n;

	assert_int_equal(pci.devfn, DEVFN);
	assert_int_equal(pci.r.device_id, VIRTIO_ID_RNG);
	assert_false(pci.transitional);
	/* One of each kind: below 4 GiB, and above. */
	assert_int_equal(pci.bar[1].addr, BASE);
	assert_false(pci.bar[1].is_64);
	assert_true(pci.bar[4].addr == BASE_64);
	assert_true(pci.bar[4].is_64);
	assert_int_equal(pci.bar[4].size, RPCI_BAR_SIZE);
	assert_int_equal(pci.vectors, 2);
	assert_int_equal(t->ops->num_queues(t, &n), TP_OK);
	assert_int_equal(n, 1);
	/* An entropy device has no configuration space. */
	assert_false(t->caps & TP_CAP_CONFIG);
}

/* Where a machine has no room above 4 GiB all goes below, aligned to its size. */
static void test_all_below(void **state)
{
	b.access.bar_base64 = 0;
	opened();
	assert_int_equal(pci.bar[4].addr, ALIGN_UP(BASE + pci.bar[1].size, RPCI_BAR_SIZE));
}

static void test_nothing_there(void **state)
{
	b.absent = true;
	pci_init(&pci, &b.access, 0);
	assert_int_equal(pci.r.tp.ops->open(&pci.r.tp), TP_EUNSUPPORTED);
	b.absent = false;
	pci_init(&pci, &b.access, VIRTIO_ID_NET);
	assert_int_equal(pci.r.tp.ops->open(&pci.r.tp), TP_EUNSUPPORTED);
}

static void test_messages(void **state)
{
	struct tp *t = opened();

	start(t, 0);
	for (unsigned i = 0; i < 40; i++)
		ask(t);
	assert_false(b.line);
}

/* Each queue in use has a vector of its own before those that are not: they have that of the configuration. */
static void test_vectors(void **state)
{
	static const struct {
		unsigned first;
		int queue;
		unsigned vectors, vector;
	} rows[] = {
		{ 0, -1, 4, 0 }, { 0, 0, 4, 1 }, { 0, 2, 4, 3 }, { 0, 3, 4, 3 },
		{ 2, -1, 4, 0 }, { 2, 0, 4, 0 }, { 2, 1, 4, 0 }, { 2, 2, 4, 1 },
		{ 2, 3, 4, 2 },	 { 2, 9, 4, 3 }, { 2, 2, 1, 0 },
	};
	struct pci p = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		p.r.tp.first_queue = rows[i].first;
		p.vectors = rows[i].vectors;
		assert_int_equal(pci_vector(&p, rows[i].queue), rows[i].vector);
	}
}

static void test_line(void **state)
{
	struct tp *t = opened();
	u32 control;

	/* As a function without the capability, or with it disabled. */
	assert_int_equal(pci_cfg_read(&pci, pci.msix_at + PCI_MSIX_FLAGS, 2, &control), TP_OK);
	assert_int_equal(pci_cfg_write(&pci, pci.msix_at + PCI_MSIX_FLAGS, 2,
				       control & ~(u32)PCI_MSIX_FLAGS_ENABLE),
			 TP_OK);
	pci.vectors = 0;
	start(t, 0);
	for (unsigned i = 0; i < 3; i++)
		ask(t);
}

static void test_notifications(void **state)
{
	static const u64 sets[] = {
		BIT_ULL(VIRTIO_F_NOTIFICATION_DATA),
		BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA),
		BIT_ULL(VIRTIO_F_NOTIFICATION_DATA) | BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA),
	};
	struct tp *t = opened();

	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
		assert_int_equal(t->ops->set_status(t, 0), TP_OK);
		start(t, sets[i]);
		ask(t);
		ask(t);
	}
}

#ifdef RINGSIDE_HAVE_TRACE
static unsigned exits;

static void no_event(u16 queue, u16 head, u64 seq, u32 len)
{
}

static void exit_event(u16 queue, u16 head, u64 seq, u32 len)
{
	exits++;
	assert_int_equal(queue, 0);
}

/* A trace is about queues, whatever the driver has to call them. */
static void test_notifications_in_a_trace(void **state)
{
	static const u32 on = 1;
	static const struct trace_ops events = { .on = &on,
						 .fetch = no_event,
						 .serve_begin = no_event,
						 .serve_end = no_event,
						 .publish = no_event,
						 .call = no_event,
						 .start = no_event,
						 .exit = exit_event };

	exits = 0;
	trace_ops = &events;
	test_notifications(state);
	trace_ops = NULL;
	assert_int_equal(exits, 6);
}
#endif

static void test_queue_reset(void **state)
{
	struct tp *t = opened();
	u32 base;
	u32 on;

	start(t, BIT_ULL(VIRTIO_F_RING_RESET));
	ask(t);
	assert_int_equal(t->ops->queue_stop(t, 0, &base), TP_OK);
	assert_int_equal(pci.r.reg->queue_enabled(&pci.r, 0, &on), TP_OK);
	assert_int_equal(on, 0);
	start_queue(t);
	ask(t);
}

static void test_no_common(void **state)
{
	b.function.config[RPCI_CAP_COMMON + VIRTIO_PCI_CAP_CFG_TYPE] = 0xee;
	pci_init(&pci, &b.access, 0);
	assert_int_equal(pci.r.tp.ops->open(&pci.r.tp), TP_EPROTO);
	assert_non_null(strstr(pci.r.tp.error, "missing"));
}

/* A list that runs in a circle ends, whatever was found on it. */
static void test_circle(void **state)
{
	b.function.config[RPCI_CAP_WINDOW + 1] = RPCI_CAP_MSIX;
	pci_init(&pci, &b.access, 0);
	assert_int_equal(pci.r.tp.ops->open(&pci.r.tp), TP_OK);
	assert_true(pci.cap_count <= PCI_CAPS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_finds_and_places),
		TEST(test_all_below),
		TEST(test_nothing_there),
		TEST(test_messages),
		TEST(test_vectors),
		TEST(test_line),
		TEST(test_notifications),
		TEST(test_queue_reset),
		TEST(test_no_common),
		TEST(test_circle),
#ifdef RINGSIDE_HAVE_TRACE
		TEST(test_notifications_in_a_trace),
#endif
	};

	return cmocka_run_group_tests_name("regs_pci", tests, NULL, NULL);
}
