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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
