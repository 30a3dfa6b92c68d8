// SPDX-License-Identifier: BSD-3-Clause
/* Checks against devices that answer what no check was written for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/check/check.h"

/* A device without a ring: it has features, and takes whatever is set. */
struct fake {
	struct tp tp; /* first */
	u64 features;
	unsigned accepted; /* how often features were set */
	u16 queue_max;
	u16 queue_size; /* as started */
	u64 now;
};

static int fake_open(struct tp *t)
{
	t->caps = TP_CAP_CONFIG | TP_CAP_STATUS | TP_CAP_RESET;
	return TP_OK;
}

static void fake_close(struct tp *t)
{
}

static int fake_get_features(struct tp *t, u64 *features)
{
	*features = ((struct fake *)t)->features;
	return TP_OK;
}

static int fake_set_features(struct tp *t, u64 features)
{
	((struct fake *)t)->accepted++;
	return TP_OK;
}

static int fake_num_queues(struct tp *t, unsigned *n)
{
	*n = 1;
	return TP_OK;
}

static int fake_queue_max(struct tp *t, unsigned q, u16 *size)
{
	*size = ((struct fake *)t)->queue_max;
	return TP_OK;
}

static int fake_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	((struct fake *)t)->queue_size = cfg->size;
	return TP_OK;
}

static u64 fake_now(struct tp *t)
{
	return ((struct fake *)t)->now += 1000000;
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
	.num_queues = fake_num_queues,
	.queue_max = fake_queue_max,
	.queue_start = fake_queue_start,
	.now_ns = fake_now,
	.relax = fake_relax,
};

struct verdicts {
	struct ck_host host; /* first */
	unsigned n[VERDICTS];
};

static void vlog(struct ck_host *h, const char *fmt, va_list ap)
{
}

static void vrecord(struct ck_host *h, enum verdict v, const char *clause, const char *expected,
		    const char *fmt, va_list ap)
{
	((struct verdicts *)h)->n[v]++;
}

static struct verdicts run(struct fake *f, const char *id)
{
	struct verdicts verdicts = { .host = { .vlog = vlog, .vrecord = vrecord } };
	struct ck ck = { .tp = &f->tp,
			 .host = &verdicts.host,
			 .device = VIRTIO_ID_BLOCK,
			 .offered = f->features,
			 .queues = 1 };

	f->tp.ops = &fake_ops;
	f->tp.timeout_ms = 100;
	f->tp.quiet_ms = 10;
	for_each_check (k) {
		if (strcmp((*k)->id, id) != 0)
			continue;
		ck.check = *k;
		if ((*k)->own_session || ck_open(&ck))
			(*k)->run(&ck);
		return verdicts;
	}
	fail_msg("there is no check %s", id);
	return verdicts;
}

/* No bit is left that could be asked for without being offered. */
static void test_everything_offered(void **state)
{
	struct fake f = { .features = ~0ull };
	struct verdicts v = run(&f, "basic.features.unoffered");

	assert_int_equal(v.n[VERDICT_SKIP], 1);
	assert_int_equal(f.accepted, 0);
}

/* The largest power of two that the queue can be; none is not a size. */
static void test_queue_sizes(void **state)
{
	static u8 memory[1 << 16];
	static struct vq_slot slots[CK_SLOTS];
	static const struct {
		u16 max, size;
	} rows[] = { { 0, 0 }, { 1, 1 }, { 3, 2 }, { 100, 64 }, { 128, 128 }, { 65535, 128 } };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verdicts v = { .host = { .vlog = vlog, .vrecord = vrecord } };
		struct fake f = { .tp.ops = &fake_ops, .queue_max = rows[i].max };
		struct ck ck = { .tp = &f.tp, .host = &v.host, .slots = slots, .queues = 1 };

		f.tp.mem[0] = (struct tp_buf){ memory, { 0x1000 }, sizeof(memory) };
		f.tp.mem_count = 1;
		assert_int_equal(ck_queue_start(&ck, 0, NULL), rows[i].size != 0);
		assert_int_equal(f.queue_size, rows[i].size);
		assert_int_equal(v.n[VERDICT_ERROR], rows[i].size == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_offered),
		cmocka_unit_test(test_queue_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
