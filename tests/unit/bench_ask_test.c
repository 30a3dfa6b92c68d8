// SPDX-License-Identifier: BSD-3-Clause
/* Loads of messages: what is written stays where it belongs, no two are confused, and silence is no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/bench/ask.h"
#include "harness/device/can.h"
#include "harness/device/fs.h"
#include "harness/device/gpu.h"
#include "harness/device/scsi.h"
#include "harness/device/snd.h"
#include "harness/device/spi.h"

/* What a message and the last piece of its answer are as bytes. */
struct talk {
	struct load_ask ask;
	u8 out[LOAD_ASK_MAX + 1], in[4096 + 512];
};

static void begin(struct talk *t, bool (*make)(struct load_ask *a, u32 bytes))
{
	memset(t, 0, sizeof(*t));
	assert_true(make(&t->ask, 0));
	memcpy(t->out, t->ask.out, LOAD_ASK_MAX);
	t->out[LOAD_ASK_MAX] = 0x77;
	memset(t->in, LOAD_UNSET, sizeof(t->in));
}

static void bounds(void **state)
{
	const struct bench_ask *a;

	for (unsigned i = 0; (a = bench_ask_at(i)); i++) {
		const struct load_ask *m;
		struct talk t;

		begin(&t, a->make);
		m = &t.ask;
		assert_ptr_equal(bench_ask_find(a->device, a->op), a);
		assert_true(m->out_len && m->in[0] + m->in[1] <= sizeof(t.in));
		assert_true(m->status_at + m->status <= (m->in[1] ? m->in[1] : m->in[0]));
		assert_true(__builtin_popcount(bench_ask_idle(a)) <= ASK_IDLE_MAX);
		assert_false(bench_ask_idle(a) >> a->queue & 1);
		for (u64 n = 0; m->fill && n < 300; n++) {
			const size_t len = MIN(m->out_len, LOAD_ASK_MAX);
			u8 last[LOAD_ASK_MAX + 1];

			memcpy(last, t.out, sizeof(last));
			m->fill(t.out, n);
			assert_memory_equal(t.out + len, last + len, sizeof(last) - len);
		}
		for (const struct ask_step *s = a->steps; s && s->what; s++) {
			begin(&t, s->make);
			assert_true(t.ask.out_len <= LOAD_ASK_MAX && t.ask.status);
			assert_true(load_ask_bytes(&t.ask) <= ASK_STEP_BYTES);
			assert_true(bench_ask_idle(a) >> s->queue & 1 || s->queue == a->queue);
		}
	}
	assert_null(bench_ask_find("fs", "no such"));
	assert_null(bench_ask_find("f", NULL));
}

/* The first of each device is what it is measured by when nothing is named. */
static void first(void **state)
{
	const struct bench_ask *a;

	for (unsigned i = 0; (a = bench_ask_at(i)); i++)
		assert_string_equal(bench_ask_find(a->device, NULL)->device, a->device);
	assert_string_equal(bench_ask_find("scsi", NULL)->op, "ready");
}

static void silence(void **state)
{
	const struct bench_ask *a;
	unsigned judged = 0;

	for (unsigned i = 0; (a = bench_ask_at(i)); i++) {
		struct talk t;

		begin(&t, a->make);
		if (!t.ask.wrong)
			continue;
		judged++;
		assert_int_not_equal(t.ask.wrong(t.out, t.in), 0);
	}
	assert_true(judged >= 4);
}

static void fuse(void **state)
{
	const struct bench_ask *a = bench_ask_find("fs", "getattr");
	struct talk t;

	begin(&t, a->steps[0].make);
	assert_int_equal(vehicle_u32(t.out + 4), FUSE_INIT);
	begin(&t, a->make);
	t.ask.fill(t.out, 0);
	assert_int_equal(vehicle_u32(t.out + 4), FUSE_GETATTR);
	memset(t.in, 0, 16);
	t.in[0] = 16;
	memcpy(t.in + 8, t.out + 8, 8);
	assert_int_equal(t.ask.wrong(t.out, t.in), 0);
	/* -ENOENT; then the answer to another. */
	memset(t.in + 4, 0xff, 4);
	t.in[4] = 0xfe;
	assert_int_equal(t.ask.wrong(t.out, t.in), 2);
	memset(t.in + 4, 0, 4);
	t.ask.fill(t.out, 1);
	assert_int_not_equal(t.ask.wrong(t.out, t.in), 0);
}

static void sound(void **state)
{
	const struct bench_ask *a = bench_ask_find("sound", "play");
	struct talk t;

	/* The stream is at the end of its way when the first period comes. */
	begin(&t, a->steps[2].make);
	assert_int_equal(vehicle_u32(t.out), VIRTIO_SND_R_PCM_START);
	assert_null(a->steps[3].what);
	memset(t.in, 0, 8);
	t.in[1] = 0x80;
	assert_int_equal(t.ask.wrong(t.out, t.in), 0); /* OK is 0x8000 */
	t.in[0] = 3;
	assert_int_equal(t.ask.wrong(t.out, t.in), VIRTIO_SND_S_IO_ERR);
	/* More than LOAD_ASK_MAX: what is behind that is whatever lies there. */
	begin(&t, a->make);
	assert_int_equal(t.ask.out_len, 4 + SND_PERIOD);
	assert_false(a->make(&t.ask, SND_PERIOD + 4));
	assert_false(a->make(&t.ask, 3));
}

static void gpu(void **state)
{
	const struct bench_ask *a = bench_ask_find("gpu", NULL);
	struct gpu_head back = { VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, VIRTIO_GPU_FLAG_FENCE,
				 8 };
	struct talk t;

	begin(&t, a->make);
	t.ask.fill(t.out, 7);
	gpu_write_head(t.in, &back);
	assert_int_equal(t.ask.wrong(t.out, t.in), 0);
	back.fence = 9;
	gpu_write_head(t.in, &back);
	assert_int_not_equal(t.ask.wrong(t.out, t.in), 0);
	/* What is not there cannot have been taken away. */
	back = (struct gpu_head){ VIRTIO_GPU_RESP_OK_NODATA, VIRTIO_GPU_FLAG_FENCE, 8 };
	gpu_write_head(t.in, &back);
	assert_int_not_equal(t.ask.wrong(t.out, t.in), 0);
}

static void scsi(void **state)
{
	const struct bench_ask *a = bench_ask_find("scsi", "ready");
	struct talk t;

	begin(&t, a->make);
	memset(t.in, 0, SCSI_RESPONSE);
	t.in[10] = 2; /* CHECK CONDITION: a unit without a medium is one */
	assert_int_equal(t.ask.wrong(t.out, t.in), 0);
	t.in[11] = 3; /* VIRTIO_SCSI_S_BAD_TARGET */
	assert_int_equal(t.ask.wrong(t.out, t.in), 3);
}

static void can(void **state)
{
	const struct bench_ask *a = bench_ask_find("can", NULL);
	struct talk t;

	begin(&t, a->steps[0].make);
	assert_int_equal(vehicle_u16(t.out), CAN_SET_CTRL_START);
	assert_int_equal(a->steps[0].queue, CAN_CTRLQ);
	assert_int_equal(bench_ask_idle(a), 1u << CAN_RXQ | 1u << CAN_CTRLQ);
	/* 32 of them fill the ring that every device takes. */
	begin(&t, a->make);
	assert_int_equal(a->size, 32 * bench_ask_pieces(&t.ask));
}

static void spi(void **state)
{
	struct talk t;

	/* The result stands behind what is received. */
	begin(&t, bench_ask_find("spi", NULL)->make);
	assert_int_equal(t.ask.status_at + t.ask.status, t.ask.in[0]);
	assert_int_equal(t.ask.status_at, SPI_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds), cmocka_unit_test(first), cmocka_unit_test(silence),
		cmocka_unit_test(fuse),	  cmocka_unit_test(gpu),   cmocka_unit_test(scsi),
		cmocka_unit_test(can),	  cmocka_unit_test(spi),   cmocka_unit_test(sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
