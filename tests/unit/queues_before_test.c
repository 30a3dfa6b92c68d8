// SPDX-License-Identifier: BSD-3-Clause
/* Checks whose requests go to another queue than the first: those before it are there, and nothing is put into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/check/check.h"
#include "harness/device/vehicle.h"
#include "harness/spec/virtio14.h"

#define STARTS 16
#define QUEUES 4

/* A device that writes down what is done with its queues, by their own numbers. */
struct fake {
	struct tp tp; /* first */
	u64 features;
	unsigned starts;
	struct {
		unsigned queue;
		struct tp_queue cfg;
	} start[STARTS];
	unsigned notified[QUEUES], closed;
	u16 max[QUEUES];
	u32 caps;
	u64 now;
};

static struct fake *of(struct tp *t)
{
	return (struct fake *)t;
}

static u8 memory[1 << 18];

static int fake_open(struct tp *t)
{
	memset(memory, 0, sizeof(memory));
	t->caps = of(t)->caps;
	t->mem[0] = (struct tp_buf){ memory, { 0x1000 }, sizeof(memory) };
	t->mem_count = 1;
	return TP_OK;
}

static void fake_close(struct tp *t)
{
	of(t)->closed++;
	t->mem_count = 0;
}

static int fake_get_features(struct tp *t, u64 *features)
{
	*features = of(t)->features;
	return TP_OK;
}

static int fake_set_features(struct tp *t, u64 features)
{
	return TP_OK;
}

static int fake_ok(struct tp *t)
{
	return TP_OK;
}

static int fake_num_queues(struct tp *t, unsigned *n)
{
	*n = QUEUES;
	return TP_OK;
}

static int fake_queue_max(struct tp *t, unsigned q, u16 *size)
{
	const unsigned number = tp_number(t, q);

	*size = number < QUEUES ? of(t)->max[number] : 0;
	return TP_OK;
}

static int fake_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	struct fake *f = of(t);

	assert_true(f->starts < STARTS);
	f->start[f->starts].queue = tp_number(t, q);
	f->start[f->starts++].cfg = *cfg;
	return cfg->size > f->max[tp_number(t, q)] ? TP_EREFUSED : TP_OK;
}

static int fake_notify(struct tp *t, unsigned q)
{
	of(t)->notified[tp_number(t, q)]++;
	return TP_OK;
}

static u64 fake_now(struct tp *t)
{
	return of(t)->now += 1000000;
}

static void fake_relax(struct tp *t)
{
}

static const struct tp_ops fake_ops = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.get_features = fake_get_features,
	.set_features = fake_set_features,
	.driver_ok = fake_ok,
	.num_queues = fake_num_queues,
	.queue_max = fake_queue_max,
	.queue_start = fake_queue_start,
	.notify = fake_notify,
	.now_ns = fake_now,
	.relax = fake_relax,
};

struct said {
	struct ck_host host; /* first */
	unsigned n[VERDICTS];
};

static void vlog(struct ck_host *h, const char *fmt, va_list ap)
{
}

static void vrecord(struct ck_host *h, enum verdict v, const char *clause, const char *expected,
		    const char *fmt, va_list ap)
{
	((struct said *)h)->n[v]++;
}

static const struct check any = { .id = "any", .vehicle = true };
static struct fake f;
static struct said said;
static struct ck ck;

/* A SCSI host, whose requests go to queue 2. */
static int setup(void **state)
{
	static struct vq_slot slots[CK_SLOTS];

	said = (struct said){ .host = { .vlog = vlog, .vrecord = vrecord } };
	f = (struct fake){ .tp = { .ops = &fake_ops, .timeout_ms = 10, .quiet_ms = 1 },
			   .features = BIT_ULL(VIRTIO_F_VERSION_1),
			   .max = { 256, 256, 256, 256 } };
	ck = (struct ck){ .tp = &f.tp,
			  .check = &any,
			  .host = &said.host,
			  .device = VIRTIO_ID_SCSI,
			  .slots = slots,
			  .ring = VQ_RING_SPLIT,
			  .vehicle = vehicle_of(VIRTIO_ID_SCSI) };
	f.tp.first_queue = ck.vehicle->queue;
	assert_int_equal(f.tp.first_queue, 2);
	return 0;
}

static void started(unsigned at, unsigned queue)
{
	assert_true(at < f.starts);
	assert_int_equal(f.start[at].queue, queue);
}

/* Two idle ones, and then that of the check: in order, each with a place of its own. */
static void in_order(unsigned at)
{
	const struct tp_queue *cfg[3];

	for (unsigned i = 0; i < 3; i++) {
		started(at + i, i);
		cfg[i] = &f.start[at + i].cfg;
		assert_true(cfg[i]->size && !(cfg[i]->size & (cfg[i]->size - 1)));
		for (unsigned k = 0; k < i; k++) {
			assert_true(cfg[k]->desc.v != cfg[i]->desc.v);
			assert_true(cfg[k]->driver.v != cfg[i]->driver.v);
			assert_true(cfg[k]->device.v != cfg[i]->device.v);
		}
	}
	/* Nobody looks at them. */
	assert_true(cfg[0]->no_call && cfg[1]->no_call && !cfg[2]->no_call);
	assert_null(cfg[0]->vq);
	assert_int_equal(cfg[2]->size, 128);
}

static void empty(const struct tp_queue *cfg, u32 desc, u32 driver, u32 device)
{
	const struct tp_buf *m = &f.tp.mem[0];

	assert_int_equal(ck_not_value(m->hva + (cfg->desc.v - m->gpa.v), desc, 0), desc);
	assert_int_equal(ck_not_value(m->hva + (cfg->driver.v - m->gpa.v), driver, 0), driver);
	assert_int_equal(ck_not_value(m->hva + (cfg->device.v - m->gpa.v), device, 0), device);
}

static void test_idle(void **state)
{
	const struct vq_sg sg = { { 0x2000 }, 16 };

	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.starts, 3);
	in_order(0);
	for (unsigned i = 0; i < 2; i++)
		empty(&f.start[i].cfg, 16u * f.start[i].cfg.size, 6u + 2u * f.start[i].cfg.size,
		      6u + 8u * f.start[i].cfg.size);
	/* What the check does is done to queue 2. */
	assert_true(vq_add(&ck.q[0].vq, &sg, 1, 0, &ck) >= 0 && ck_publish(&ck, 0));
	assert_int_equal(f.notified[2], 1);
	assert_int_equal(f.notified[0] + f.notified[1] + f.notified[3], 0);
	/* A second one finds them there. */
	assert_true(ck_queue_start(&ck, 1, NULL));
	assert_int_equal(f.starts, 4);
	started(3, 3);
	assert_int_equal(f.tp.first_queue, 2);
}

static void test_packed(void **state)
{
	f.features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	ck.ring = VQ_RING_PACKED;
	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	in_order(0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(f.start[i].cfg.base, vq_start(VQ_RING_PACKED));
		/* No descriptor is available to a wrap counter of 1, and each side has nothing to say. */
		empty(&f.start[i].cfg, 16u * f.start[i].cfg.size, 4, 4);
	}
}

static void test_reset_and_session(void **state)
{
	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	/* A reset has taken them away, and features are negotiated behind it. */
	assert_true(ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.starts, 6);
	in_order(3);
	f.closed = 0;
	assert_true(ck_open(&ck));
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.starts, 6);
	assert_true(ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.starts, 9);
	in_order(6);
}

static void test_by_itself(void **state)
{
	f.caps = TP_CAP_VHOST_USER;
	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.starts, 1);
	started(0, 2);
}

static void test_none_before(void **state)
{
	f.tp.first_queue = 0;
	ck.vehicle = NULL;
	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.starts, 1);
	started(0, 0);
}

/* As large as it can be, where that is less than usual. */
static void test_sizes(void **state)
{
	f.max[0] = 5;
	f.max[1] = 1;
	assert_true(ck_open(&ck) && ck_start(&ck, ck_ring_features()));
	assert_int_equal(f.start[0].cfg.size, 4);
	assert_int_equal(f.start[1].cfg.size, 1);
}

/* Without them nothing is started: the check says so. */
static void test_refused(void **state)
{
	f.max[1] = 0;
	assert_true(ck_open(&ck));
	assert_false(ck_start(&ck, ck_ring_features()));
	assert_int_equal(said.n[VERDICT_ERROR], 1);
	assert_int_equal(f.starts, 1);
	started(0, 0);
	assert_int_equal(f.tp.first_queue, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_idle, setup),
		cmocka_unit_test_setup(test_packed, setup),
		cmocka_unit_test_setup(test_reset_and_session, setup),
		cmocka_unit_test_setup(test_by_itself, setup),
		cmocka_unit_test_setup(test_none_before, setup),
		cmocka_unit_test_setup(test_sizes, setup),
		cmocka_unit_test_setup(test_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
