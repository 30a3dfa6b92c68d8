// SPDX-License-Identifier: BSD-3-Clause
/* The block device's requests: any framing, exact statuses, exact used lengths. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/blk.h"

#define SECTORS 64
#define POISON	0xa5

/* A store that notes what it is asked, and answers at once, with an error, or when told to. */
struct store {
	struct rblk_store st;
	u8 data[SECTORS * 512];
	struct rblk_io *waiting;
	int error;
	bool defer;
	unsigned ops, flushes, durable;
};

static void carry_out(struct store *s, struct rblk_io *io)
{
	u8 *at = s->data + io->offset;

	for (u32 i = 0; i < io->nsegs; i++) {
		if (io->op == RBLK_OP_READ)
			memcpy(io->segs[i].base, at, io->segs[i].len);
		else
			memcpy(at, io->segs[i].base, io->segs[i].len);
		at += io->segs[i].len;
	}
	if (io->op >= RBLK_OP_DISCARD)
		memset(at, 0, io->len);
}

static void submit(struct rblk_store *st, struct rblk_io *io)
{
	struct store *s = (struct store *)st;

	s->ops++;
	s->flushes += io->op == RBLK_OP_FLUSH;
	s->durable += io->durable;
	assert_true(io->offset + io->len <= sizeof(s->data));
	if (!s->error)
		carry_out(s, io);
	if (s->defer)
		s->waiting = io;
	else
		io->done(io, s->error);
}

static u64 resized(struct rblk_store *st)
{
	return st->sectors;
}

static const struct rblk_store_ops store_ops = { .submit = submit, .resized = resized };

static struct store store;
static struct rblk blk;
static u8 out[8192], in[8192];
static struct rblk_req req;
static unsigned done;

static void on_done(struct rdev_req *r)
{
	done++;
}

static void device(u64 features, bool read_only)
{
	memset(&store, 0, sizeof(store));
	store.st.ops = &store_ops;
	store.st.sectors = SECTORS;
	for (size_t i = 0; i < sizeof(store.data); i++)
		store.data[i] = (u8)(i * 7 + i / 512);
	rblk_init(&blk, &store.st, 1, read_only, "serial");
	blk.dev.ops->negotiated(&blk.dev, features & blk.dev.ops->features(&blk.dev));
}

static int setup(void **state)
{
	device(~0ull, false);
	return 0;
}

/* Cut `len` bytes into segments of at most `piece` bytes. */
static u32 cut(struct dvq_seg *to, u8 *base, u64 len, u64 piece)
{
	u32 n = 0;

	for (u64 at = 0; at < len; at += piece)
		to[n++] = (struct dvq_seg){ base + at, MIN(piece, len - at) };
	return n;
}

/* Serve what stands in `out` (readable bytes) with `writable` bytes of `in`. */
static void serve(u64 readable, u64 writable, u64 piece_out, u64 piece_in)
{
	struct dvq_seg *s = calloc(readable + writable + 1, sizeof(*s));

	memset(&req, 0, sizeof(req));
	memset(in, POISON, sizeof(in));
	req.base.done = on_done;
	req.base.chain.segs = s;
	req.base.chain.n_readable = cut(s, out, readable, piece_out);
	req.base.chain.n_writable = cut(s + req.base.chain.n_readable, in, writable, piece_in);
	req.base.chain.readable = readable;
	req.base.chain.writable = writable;
	done = 0;
	rblk_serve(&blk.dev, &req.base);
	if (!store.defer) {
		u64 sum = 0;

		assert_int_equal(done, 1);
		/* The writable segments are as they were. */
		for (u32 i = 0; i < req.base.chain.n_writable; i++)
			sum += s[req.base.chain.n_readable + i].len;
		assert_int_equal(sum, writable);
		free(s);
		req.base.chain.segs = NULL;
	}
}

static void header(u32 type, u64 sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(out, &h, sizeof(h));
}

static void range(unsigned i, u64 sector, u32 num, u32 flags)
{
	struct virtio_blk_discard_write_zeroes r = { .sector = sector,
						     .num_sectors = num,
						     .flags = flags };

	memcpy(out + 16 + i * sizeof(r), &r, sizeof(r));
}

/* Served with this status, and every writable byte was written and reported. */
static void expect(u8 status, u64 writable)
{
	assert_int_equal(in[writable - 1], status);
	assert_int_equal(req.base.used_len, writable);
	for (u64 i = writable; i < sizeof(in); i++)
		assert_int_equal(in[i], POISON);
}

static void expect_zeroes(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++)
		assert_int_equal(in[i], 0);
}

static void every_framing_reads_and_writes_the_same(void **state)
{
	static const u64 pieces[] = { 1, 3, 15, 16, 17, 511, 512, 513, 8192 };

	for (size_t a = 0; a < ARRAY_SIZE(pieces); a++) {
		for (size_t b = 0; b < ARRAY_SIZE(pieces); b++) {
			device(~0ull, false);
			header(VIRTIO_BLK_T_IN, 3);
			serve(16, 1025, pieces[a], pieces[b]);
			expect(VIRTIO_BLK_S_OK, 1025);
			assert_memory_equal(in, store.data + 3 * 512, 1024);

			header(VIRTIO_BLK_T_OUT, 9);
			for (unsigned i = 0; i < 1024; i++)
				out[16 + i] = (u8)(i ^ 0x5a);
			serve(16 + 1024, 1, pieces[a], pieces[b]);
			expect(VIRTIO_BLK_S_OK, 1);
			assert_memory_equal(store.data + 9 * 512, out + 16, 1024);
		}
	}
}

static void bounds(void **state)
{
	static const struct {
		u64 sector, len;
		u8 status;
	} rows[] = {
		{ 0, 512, VIRTIO_BLK_S_OK },
		{ SECTORS - 1, 512, VIRTIO_BLK_S_OK },
		{ SECTORS - 1, 1024, VIRTIO_BLK_S_IOERR },
		{ SECTORS, 512, VIRTIO_BLK_S_IOERR },
		{ SECTORS, 0, VIRTIO_BLK_S_OK },
		{ SECTORS + 1, 0, VIRTIO_BLK_S_IOERR },
		{ ~0ull, 512, VIRTIO_BLK_S_IOERR },
		{ ~0ull / 512, 512, VIRTIO_BLK_S_IOERR },
		{ 1ull << 55, 1024, VIRTIO_BLK_S_IOERR },
		{ 0, 511, VIRTIO_BLK_S_IOERR },
		{ 0, 513, VIRTIO_BLK_S_IOERR },
		{ 0, 1, VIRTIO_BLK_S_IOERR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 before[sizeof(store.data)];

		memcpy(before, store.data, sizeof(before));
		header(VIRTIO_BLK_T_IN, rows[i].sector);
		serve(16, rows[i].len + 1, 8192, 8192);
		expect(rows[i].status, rows[i].len + 1);
		if (rows[i].status != VIRTIO_BLK_S_OK)
			expect_zeroes(0, rows[i].len);
		header(VIRTIO_BLK_T_OUT, rows[i].sector);
		memset(out + 16, 0x11, 1024);
		serve(16 + rows[i].len, 1, 8192, 8192);
		expect(rows[i].status, 1);
		if (rows[i].status != VIRTIO_BLK_S_OK)
			assert_memory_equal(before, store.data, sizeof(before));
		memcpy(store.data, before, sizeof(before));
	}
}

static void read_only(void **state)
{
	static const u32 types[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
				     VIRTIO_BLK_T_SECURE_ERASE };

	device(~0ull, true);
	header(VIRTIO_BLK_T_OUT, 0);
	serve(16 + 512, 1, 8192, 8192);
	expect(VIRTIO_BLK_S_IOERR, 1);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		header(types[i], 0);
		range(0, 0, 1, 0);
		serve(32, 1, 8192, 8192);
		expect(VIRTIO_BLK_S_UNSUPP, 1);
	}
	assert_int_equal(store.ops, 0);
	header(VIRTIO_BLK_T_FLUSH, 0);
	serve(16, 1, 8192, 8192);
	expect(VIRTIO_BLK_S_OK, 1);
}

static void the_id(void **state)
{
	static const u8 id[20] = "serial";

	for (u64 len = 0; len < 40; len++) {
		header(VIRTIO_BLK_T_GET_ID, 0);
		serve(16, len + 1, 7, 9);
		expect(VIRTIO_BLK_S_OK, len + 1);
		assert_memory_equal(in, id, MIN(len, 20));
		if (len > 20)
			expect_zeroes(20, len);
	}
}

static void unknown_types_and_features_not_negotiated(void **state)
{
	static const u32 unknown[] = { 2,  3,  5,  6,  7,  9,	       10,	  12,
				       15, 16, 17, 18, 26, 0x80000000, 0xffffffff };
	static const u32 gated[] = { VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_DISCARD,
				     VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_T_SECURE_ERASE };

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		header(unknown[i], 0);
		serve(16, 101, 8192, 8192);
		expect(VIRTIO_BLK_S_UNSUPP, 101);
		expect_zeroes(0, 100);
	}
	device(0, false);
	for (size_t i = 0; i < ARRAY_SIZE(gated); i++) {
		header(gated[i], 0);
		range(0, 0, 1, 0);
		serve(32, 1, 8192, 8192);
		expect(VIRTIO_BLK_S_UNSUPP, 1);
	}
	assert_int_equal(store.ops, 0);
}

static void ranges(void **state)
{
	static const struct {
		u32 type;
		u8 with_unmap, with_unknown;
	} types[] = {
		{ VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_SECURE_ERASE, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
	};

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		device(~0ull, false);
		header(types[t].type, 12345); /* the header's sector means nothing */
		range(0, 4, 2, 0);
		range(1, SECTORS - 1, 1, 0);
		serve(16 + 32, 1, 5, 1);
		expect(VIRTIO_BLK_S_OK, 1);
		assert_int_equal(store.ops, 2);
		for (unsigned i = 4 * 512; i < 6 * 512; i++)
			assert_int_equal(store.data[i], 0);
		assert_int_not_equal(store.data[6 * 512], 0);

		store.ops = 0;
		range(0, 4, 2, 1);
		serve(32, 1, 8192, 1);
		expect(types[t].with_unmap, 1);
		for (unsigned bit = 1; bit < 32; bit++) {
			range(0, 4, 2, 1u << bit);
			/* Judged before ranges are. */
			range(1, SECTORS, 1, 0);
			serve(48, 1, 8192, 1);
			expect(types[t].with_unknown, 1);
		}
		store.ops = 0;
		/* Nothing is done when one of several is bad. */
		range(0, 0, 1, 0);
		range(1, SECTORS - 1, 2, 0);
		serve(48, 1, 8192, 1);
		expect(VIRTIO_BLK_S_IOERR, 1);
		range(1, ~0ull, 1, 0);
		serve(48, 1, 8192, 1);
		expect(VIRTIO_BLK_S_IOERR, 1);
		serve(16 + 15, 1, 8192, 1);
		expect(VIRTIO_BLK_S_IOERR, 1);
		for (unsigned i = 0; i <= RBLK_MAX_RANGES; i++)
			range(i, 0, 0, 0);
		serve(16 + (RBLK_MAX_RANGES + 1) * 16, 1, 8192, 1);
		expect(VIRTIO_BLK_S_IOERR, 1);
		assert_int_equal(store.ops, 0);
		serve(16 + RBLK_MAX_RANGES * 16, 1, 8192, 1);
		expect(VIRTIO_BLK_S_OK, 1);
		serve(16, 1, 8192, 1);
		expect(VIRTIO_BLK_S_OK, 1);
	}
}

static void what_cannot_be_parsed(void **state)
{
	header(VIRTIO_BLK_T_OUT, 0);
	serve(16 + 512, 0, 8192, 8192);
	assert_int_equal(req.base.used_len, 0);
	for (u64 len = 0; len < 16; len++) {
		serve(len, 513, 8192, 8192);
		expect(VIRTIO_BLK_S_IOERR, 513);
		expect_zeroes(0, 512);
	}
	assert_int_equal(store.ops, 0);
}

static void errors_of_the_store(void **state)
{
	store.error = EIO;
	header(VIRTIO_BLK_T_IN, 0);
	serve(16, 513, 8192, 100);
	expect(VIRTIO_BLK_S_IOERR, 513);
	expect_zeroes(0, 512);
	header(VIRTIO_BLK_T_FLUSH, 0);
	serve(16, 1, 8192, 1);
	expect(VIRTIO_BLK_S_IOERR, 1);
	header(VIRTIO_BLK_T_WRITE_ZEROES, 0);
	range(0, 0, 1, 0);
	range(1, 1, 1, 0);
	store.ops = 0;
	serve(48, 1, 8192, 1);
	expect(VIRTIO_BLK_S_IOERR, 1);
	assert_int_equal(store.ops, 1);
}

static void completion_may_come_later(void **state)
{
	store.defer = true;
	header(VIRTIO_BLK_T_IN, 2);
	serve(16, 513, 8192, 8192);
	assert_int_equal(done, 0);
	assert_int_equal(in[512], POISON);
	store.waiting->done(store.waiting, 0);
	assert_int_equal(done, 1);
	expect(VIRTIO_BLK_S_OK, 513);
	free(req.base.chain.segs);

	header(VIRTIO_BLK_T_DISCARD, 0);
	range(0, 0, 1, 0);
	range(1, 1, 1, 0);
	serve(48, 1, 8192, 1);
	store.waiting->done(store.waiting, 0);
	assert_int_equal(done, 0);
	store.waiting->done(store.waiting, 0);
	assert_int_equal(done, 1);
	expect(VIRTIO_BLK_S_OK, 1);
	free(req.base.chain.segs);
}

/* Negotiated features, what the driver wrote to the field (-1: nothing): are writes durable? */
static void cache_modes(void **state)
{
	const u64 wce = BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE), flush = BIT_ULL(VIRTIO_BLK_F_FLUSH);
	const struct {
		u64 features;
		int write;
		bool writable, durable;
		u8 field;
	} rows[] = {
		{ wce | flush, -1, true, false, 1 },
		{ wce | flush, 0, true, true, 0 },
		{ wce | flush, 1, true, false, 1 },
		{ wce, -1, true, true, 0 },
		{ wce, 1, true, false, 1 },
		{ flush, -1, false, false, 1 },
		{ flush, 0, false, false, 1 },
		{ 0, -1, false, true, 0 },
		{ 0, 1, false, true, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 image[RDEV_CONFIG_MAX] = { 0 }, value = (u8)rows[i].write;

		device(rows[i].features, false);
		if (rows[i].write >= 0)
			assert_int_equal(blk.dev.ops->config_write(&blk.dev, 32, &value, 1, false),
					 rows[i].writable);
		blk.dev.ops->config(&blk.dev, image);
		assert_int_equal(image[32], rows[i].field);
		header(VIRTIO_BLK_T_OUT, 0);
		serve(16 + 512, 1, 8192, 1);
		assert_int_equal(store.durable, rows[i].durable);
	}
}

static void configuration_space(void **state)
{
	u8 image[RDEV_CONFIG_MAX], after[RDEV_CONFIG_MAX], value[4] = { 0 };
	const struct virtio_blk_config *c = (const struct virtio_blk_config *)image;

	memset(image, 0, sizeof(image));
	blk.dev.ops->config(&blk.dev, image);
	assert_int_equal(c->capacity, SECTORS);
	assert_int_equal(c->blk_size, 512);
	assert_int_equal(c->num_queues, 1);
	assert_int_equal(image[33], 0);
	for (unsigned i = 57; i < 60; i++)
		assert_int_equal(image[i], 0);
	for (unsigned i = sizeof(*c); i < sizeof(image); i++)
		assert_int_equal(image[i], 0);
	/* One byte is writable, with two values. */
	for (u32 off = 0; off < sizeof(image); off++) {
		if (off != 32)
			assert_false(blk.dev.ops->config_write(&blk.dev, off, value, 1, false));
		assert_false(blk.dev.ops->config_write(&blk.dev, off, value, 2, false));
	}
	value[0] = 2;
	assert_false(blk.dev.ops->config_write(&blk.dev, 32, value, 1, false));
	memset(after, 0, sizeof(after));
	blk.dev.ops->config(&blk.dev, after);
	assert_memory_equal(image, after, sizeof(image));
}

static void growing(void **state)
{
	assert_false(blk.dev.ops->resized(&blk.dev));
	store.st.sectors = SECTORS - 1;
	assert_true(blk.dev.ops->resized(&blk.dev));
	header(VIRTIO_BLK_T_IN, SECTORS - 1);
	serve(16, 513, 8192, 8192);
	expect(VIRTIO_BLK_S_IOERR, 513);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_framing_reads_and_writes_the_same, setup),
		cmocka_unit_test_setup(bounds, setup),
		cmocka_unit_test_setup(read_only, setup),
		cmocka_unit_test_setup(the_id, setup),
		cmocka_unit_test_setup(unknown_types_and_features_not_negotiated, setup),
		cmocka_unit_test_setup(ranges, setup),
		cmocka_unit_test_setup(what_cannot_be_parsed, setup),
		cmocka_unit_test_setup(errors_of_the_store, setup),
		cmocka_unit_test_setup(completion_may_come_later, setup),
		cmocka_unit_test_setup(cache_modes, setup),
		cmocka_unit_test_setup(configuration_space, setup),
		cmocka_unit_test_setup(growing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
