// SPDX-License-Identifier: BSD-3-Clause
/* The I2C adapter's core, its simulated chips, and the host's bus behind it: chains in, chains out. */
#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/i2c_dev.h"
#include "ref-backends/device/i2c_sim.h"

#define NEXT VIRTIO_I2C_FLAGS_FAIL_NEXT
#define RD   VIRTIO_I2C_FLAGS_M_RD
#define REQS 64
#define NOT  0xee

static struct {
	struct ri2c dev;
	struct i2c_sim sim;
	struct i2c_eeprom eeprom;
	struct i2c_lm75 lm75;
	u8 memory[256];
	u64 now;
	struct ri2c_req reqs[REQS];
	struct dvq_seg segs[REQS][8];
	struct virtio_i2c_out_hdr hdr[REQS];
	u8 in[REQS][80];
	unsigned order[REQS], done;
} env;

static u64 now_ns(void *ctx)
{
	return env.now;
}

static void done(struct rdev_req *req)
{
	env.order[env.done++] = (unsigned)((struct ri2c_req *)req - env.reqs);
}

static int setup(void **state)
{
	memset(&env, 0, sizeof(env));
	memset(env.memory, 0xff, sizeof(env.memory));
	i2c_sim_init(&env.sim);
	i2c_eeprom_init(&env.eeprom, 0x50, eeprom_type_find("24c02"), env.memory, now_ns, NULL);
	i2c_lm75_init(&env.lm75, 0x48, 25 * 8 + 4);
	assert_true(i2c_sim_add(&env.sim, &env.eeprom.chip));
	assert_true(i2c_sim_add(&env.sim, &env.lm75.chip));
	assert_false(i2c_sim_add(&env.sim, &env.lm75.chip));
	ri2c_init(&env.dev, &env.sim.bus);
	env.dev.dev.ops->negotiated(&env.dev.dev, BIT_ULL(VIRTIO_F_VERSION_1) |
							  env.dev.dev.ops->features(&env.dev.dev));
	return 0;
}

static void served(void)
{
	env.dev.dev.ops->served(&env.dev.dev, 0);
}

/* Request `i` in these pieces, the first `readable` of them the driver's. */
static void raw(unsigned i, const struct dvq_seg *segs, u32 readable, u32 writable)
{
	struct ri2c_req *r = &env.reqs[i];

	*r = (struct ri2c_req){ .req = { .done = done, .used_len = 0xdead } };
	memcpy(env.segs[i], segs, (readable + writable) * sizeof(*segs));
	r->req.chain.segs = env.segs[i];
	r->req.chain.n_readable = readable;
	r->req.chain.n_writable = writable;
	for (u32 k = 0; k < readable + writable; k++)
		*(k < readable ? &r->req.chain.readable : &r->req.chain.writable) += segs[k].len;
	env.dev.dev.ops->serve(&env.dev.dev, &r->req);
}

/* A message: a read into env.in[i], or a write of `out`; the status is behind what is read. */
static void message(unsigned i, u8 addr, u32 flags, const void *out, u32 len)
{
	struct dvq_seg segs[3] = { { &env.hdr[i], sizeof(env.hdr[i]) } };
	u32 n = 1;

	env.hdr[i] =
		(struct virtio_i2c_out_hdr){ .addr = le16((u16)(addr << 1)), .flags = le32(flags) };
	memset(env.in[i], NOT, sizeof(env.in[i]));
	if (!(flags & RD) && len)
		segs[n++] = (struct dvq_seg){ (void *)out, len };
	segs[n] = (struct dvq_seg){ env.in[i], (flags & RD ? len : 0) + 1 };
	raw(i, segs, n, 1);
}

static u8 status(unsigned i)
{
	const struct dvq_chain *c = &env.reqs[i].req.chain;

	assert_int_equal(env.reqs[i].req.used_len, c->writable);
	assert_int_equal(env.in[i][c->writable], NOT);
	return env.in[i][c->writable - 1];
}

#define OK(i)  assert_int_equal(status(i), VIRTIO_I2C_MSG_OK)
#define ERR(i) assert_int_equal(status(i), VIRTIO_I2C_MSG_ERR)

static void test_eeprom(void **state)
{
	static const u8 page[] = { 6, 1, 2, 3, 4 }, at[] = { 0 };

	/* Four bytes from 6 on wrap around in the page of 8. */
	message(0, 0x50, 0, page, 5);
	OK(0);
	assert_memory_equal(env.memory, "\3\4\xff\xff\xff\xff\1\2\xff", 9);
	/* It is busy then, and nobody else is. */
	message(1, 0x50, RD, NULL, 1);
	message(2, 0x48, RD, NULL, 1);
	ERR(1);
	OK(2);
	env.now += EEPROM_CYCLE_NS;
	message(3, 0x50, NEXT, at, 1);
	message(4, 0x50, RD, NULL, 16);
	OK(3);
	OK(4);
	assert_memory_equal(env.in[4], env.memory, 16);
	/* The next byte is that behind the last. */
	env.memory[16] = 0x77;
	message(5, 0x50, RD, NULL, 1);
	OK(5);
	assert_int_equal(env.in[5][0], 0x77);
	assert_int_equal(env.done, 6);
}

static void test_no_stop(void **state)
{
	static const u8 page[] = { 16, 1, 2 };

	message(0, 0x50, NEXT, page, 3);
	message(1, 0x50, RD, NULL, 1);
	OK(0);
	OK(1);
	assert_int_equal(env.memory[16], 0xff);
	/* What comes behind does not belong to it any more. */
	message(2, 0x50, RD, NULL, 1);
	OK(2);
}

static void test_large_eeprom(void **state)
{
	static u8 memory[4096];
	static const u8 page[] = { 0x0f, 0xff, 1, 2 }, at[] = { 0x0f, 0xe0 };
	struct i2c_eeprom e;

	i2c_eeprom_init(&e, 0x51, eeprom_type_find("24c32"), memory, now_ns, NULL);
	assert_true(i2c_sim_add(&env.sim, &e.chip));
	message(0, 0x51, 0, page, 4);
	OK(0);
	assert_int_equal(memory[4095], 1);
	assert_int_equal(memory[4064], 2);
	env.now += EEPROM_CYCLE_NS;
	message(1, 0x51, NEXT, at, 2);
	message(2, 0x51, RD, NULL, 40);
	OK(2);
	assert_int_equal(env.in[2][0], 2);
	assert_int_equal(env.in[2][31], 1);
	assert_int_equal(env.in[2][32], memory[0]);
	assert_null(eeprom_type_find("24c3"));
	assert_null(eeprom_type_find("24c322"));
}

static void test_lm75(void **state)
{
	static const u8 limit[] = { 3, 0x20, 0xff }, conf[] = { 1, 0x55 }, none[] = { 0 };
	static const u8 cool[] = { 0, 1, 2 };

	message(0, 0x48, RD, NULL, 3);
	OK(0);
	assert_memory_equal(env.in[0], "\x19\x80\x19", 3);
	message(1, 0x48, 0, limit, 3);
	message(2, 0x48, RD, NULL, 2);
	OK(2);
	assert_memory_equal(env.in[2], "\x20\x80", 2);
	message(3, 0x48, 0, conf, 2);
	message(4, 0x48, RD, NULL, 2);
	assert_memory_equal(env.in[4], "\x55\x55", 2);
	/* The temperature is what it is. */
	message(5, 0x48, 0, cool, 3);
	message(6, 0x48, NEXT, none, 1);
	message(7, 0x48, RD, NULL, 2);
	OK(7);
	assert_memory_equal(env.in[7], "\x19\x80", 2);
}

static void test_below_zero(void **state)
{
	struct i2c_lm75 l;

	i2c_lm75_init(&l, 0x49, -55 * 8);
	assert_true(i2c_sim_add(&env.sim, &l.chip));
	message(0, 0x49, RD, NULL, 2);
	assert_memory_equal(env.in[0], "\xc9\x00", 2);
}

static void test_nobody(void **state)
{
	static const u8 byte;

	message(0, 0x33, RD, NULL, 4);
	message(1, 0x33, 0, &byte, 1);
	message(2, 0x33, 0, NULL, 0);
	message(3, 0x48, 0, NULL, 0);
	message(4, 0x48, RD, NULL, 0);
	ERR(0);
	ERR(1);
	ERR(2);
	OK(3);
	OK(4);
	/* What was to be read is said to have been written, and was. */
	assert_memory_equal(env.in[0], "\0\0\0\0", 4);
}

static void test_group(void **state)
{
	static const u8 page[] = { 24, 1 };

	message(0, 0x48, NEXT | RD, NULL, 1);
	message(1, 0x33, NEXT | RD, NULL, 1);
	message(2, 0x50, NEXT, page, 2);
	message(3, 0x48, RD, NULL, 1);
	assert_int_equal(env.done, 4);
	OK(0);
	ERR(1);
	ERR(2);
	ERR(3);
	assert_int_equal(env.memory[24], 0xff);
	/* Of the next nothing is to be seen. */
	message(4, 0x50, 0, page, 2);
	OK(4);
	assert_int_equal(env.memory[24], 1);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(env.order[i], i);
}

/* A driver that holds back the rest of a group gets an answer to what it gave. */
static void test_part_of_group(void **state)
{
	static const u8 at[] = { 9 };

	message(0, 0x50, NEXT, at, 1);
	assert_int_equal(env.done, 0);
	served();
	OK(0);
	env.memory[9] = 0x42;
	message(1, 0x50, RD, NULL, 1);
	OK(1);
	assert_int_equal(env.in[1][0], 0x42);
	message(2, 0x33, NEXT | RD, NULL, 1);
	served();
	ERR(2);
	message(3, 0x48, NEXT | RD, NULL, 1);
	message(4, 0x48, RD, NULL, 1);
	message(5, 0x48, RD, NULL, 1);
	ERR(3);
	ERR(4);
	OK(5);
	/* A reset ends it. */
	message(6, 0x33, NEXT | RD, NULL, 1);
	served();
	env.dev.dev.ops->reset(&env.dev.dev);
	env.dev.dev.ops->negotiated(&env.dev.dev, 1);
	message(7, 0x48, RD, NULL, 1);
	OK(7);
}

static void test_long_group(void **state)
{
	for (unsigned i = 0; i < I2C_GROUP + 3; i++)
		message(i, 0x48, RD | (i < I2C_GROUP + 2 ? NEXT : 0), NULL, 1);
	assert_int_equal(env.done, I2C_GROUP + 3);
	for (unsigned i = 0; i < I2C_GROUP + 3; i++)
		OK(i);
}

static void test_refused(void **state)
{
	static const u16 addrs[] = { 0x91, 0x190, 0x8090, 0x00f0, 0x00fe };
	static u8 many[I2C_LEN_MAX + 2];
	u8 end = NOT, in[4] = { NOT, NOT, NOT, NOT };
	const struct dvq_seg hdr = { &env.hdr[0], 8 };
	struct dvq_seg segs[3] = { hdr };

	for (unsigned i = 0; i < ARRAY_SIZE(addrs); i++) {
		message(1, 0x48, RD, NULL, 1);
		OK(1);
		env.hdr[0] = (struct virtio_i2c_out_hdr){ .addr = le16(addrs[i]),
							  .flags = le32((u32)RD) };
		segs[1] = (struct dvq_seg){ in, 2 };
		raw(0, segs, 1, 1);
		assert_int_equal(in[1], VIRTIO_I2C_MSG_ERR);
		assert_int_equal(env.reqs[0].req.used_len, 2);
	}
	/* Both ways. */
	env.hdr[0] = (struct virtio_i2c_out_hdr){ .addr = le16(0x90), .flags = le32((u32)RD) };
	segs[1] = (struct dvq_seg){ many, 1 };
	segs[2] = (struct dvq_seg){ in, 3 };
	memset(in, NOT, sizeof(in));
	raw(0, segs, 2, 1);
	assert_memory_equal(in, "\0\0\1\xee", 4);
	/* Too long, either way. */
	segs[1] = (struct dvq_seg){ many, I2C_LEN_MAX + 2 };
	raw(0, segs, 1, 1);
	assert_int_equal(many[I2C_LEN_MAX + 1], VIRTIO_I2C_MSG_ERR);
	assert_int_equal(env.reqs[0].req.used_len, 0);
	env.hdr[0].flags = 0;
	segs[1].len = I2C_LEN_MAX + 1;
	segs[2] = (struct dvq_seg){ &end, 1 };
	raw(0, segs, 2, 1);
	assert_int_equal(end, VIRTIO_I2C_MSG_ERR);
	/* No header, no status. */
	segs[0].len = 7;
	segs[1] = (struct dvq_seg){ &end, 1 };
	end = NOT;
	raw(0, segs, 1, 1);
	assert_int_equal(end, VIRTIO_I2C_MSG_ERR);
	raw(0, &hdr, 1, 0);
	assert_int_equal(env.reqs[0].req.used_len, 0);
	raw(0, &hdr, 0, 0);
	assert_int_equal(env.reqs[0].req.used_len, 0);
	message(1, 0x48, RD, NULL, 1);
	OK(1);
}

static void test_in_pieces(void **state)
{
	u8 in[5] = { NOT, NOT, NOT, NOT, NOT };
	u8 *h = (u8 *)&env.hdr[0];
	const struct dvq_seg segs[] = { { h, 3 }, { h + 3, 5 }, { in, 1 }, { in + 1, 4 } };

	env.hdr[0] = (struct virtio_i2c_out_hdr){ .addr = le16(0x90), .flags = le32((u32)RD) };
	raw(0, segs, 2, 2);
	assert_memory_equal(in, "\x19\x80\x19\x80\0", 5);
	assert_int_equal(env.reqs[0].req.used_len, 5);
}

static void test_without_the_feature(void **state)
{
	const struct rdev_ops *ops = env.dev.dev.ops;

	assert_true(rdev_acceptable(&env.dev.dev, BIT_ULL(VIRTIO_F_VERSION_1) | 1));
	assert_false(rdev_acceptable(&env.dev.dev, BIT_ULL(VIRTIO_F_VERSION_1)));
	ops->reset(&env.dev.dev);
	ops->negotiated(&env.dev.dev, BIT_ULL(VIRTIO_F_VERSION_1));
	message(0, 0x48, RD, NULL, 1);
	ERR(0);
}

/* --- the host's bus -------------------------------------------------------------------------------------- */

static struct {
	unsigned long can;
	int fail;
	u32 n;
	struct i2c_msg msgs[I2C_GROUP];
	u8 first;
} host;

static int control(int fd, unsigned long request, void *arg)
{
	struct i2c_rdwr_ioctl_data *data = arg;

	if (request == I2C_FUNCS) {
		*(unsigned long *)arg = host.can;
		return 0;
	}
	assert_int_equal(request, I2C_RDWR);
	errno = host.fail;
	if (host.fail)
		return -1;
	host.n = data->nmsgs;
	memcpy(host.msgs, data->msgs, data->nmsgs * sizeof(*data->msgs));
	for (u32 i = 0; i < data->nmsgs; i++) {
		if (data->msgs[i].flags & I2C_M_RD)
			memset(data->msgs[i].buf, 0x5a, data->msgs[i].len);
		else if (data->msgs[i].len)
			host.first = data->msgs[i].buf[0];
	}
	return (int)data->nmsgs;
}

static void test_host_bus(void **state)
{
	static const u8 at[] = { 0x21 }, large[8193];
	struct i2c_bus *bus;

	host.can = 0;
	errno = 0;
	assert_null(i2c_dev_over(-1, control));
	assert_int_equal(errno, EOPNOTSUPP);
	host.can = I2C_FUNC_I2C;
	bus = i2c_dev_over(-1, control);
	assert_non_null(bus);
	env.dev.bus = bus;
	message(0, 0x50, NEXT, at, 1);
	message(1, 0x50, RD, NULL, 4);
	OK(0);
	OK(1);
	assert_int_equal(host.n, 2);
	assert_int_equal(host.first, 0x21);
	assert_int_equal(host.msgs[0].addr, 0x50);
	assert_int_equal(host.msgs[0].flags, 0);
	assert_int_equal(host.msgs[1].flags, I2C_M_RD);
	assert_int_equal(host.msgs[1].len, 4);
	assert_memory_equal(env.in[1], "\x5a\x5a\x5a\x5a", 4);
	host.fail = EREMOTEIO;
	message(2, 0x50, RD, NULL, 4);
	ERR(2);
	assert_memory_equal(env.in[2], "\0\0\0\0", 4);
	host.fail = 0;
	message(3, 0x50, 0, large, sizeof(large));
	ERR(3);
	message(4, 0x50, 0, NULL, 0);
	OK(4);
	assert_int_equal(host.n, 1);
	assert_int_equal(host.msgs[0].len, 0);
	bus->ops->free(bus);
}

static void test_no_host_bus(void **state)
{
	assert_null(i2c_dev_open("/nonexistent/i2c-0"));
	/* No bus: it does not know the request. */
	assert_null(i2c_dev_open("/dev/null"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_eeprom, setup),
		cmocka_unit_test_setup(test_no_stop, setup),
		cmocka_unit_test_setup(test_large_eeprom, setup),
		cmocka_unit_test_setup(test_lm75, setup),
		cmocka_unit_test_setup(test_below_zero, setup),
		cmocka_unit_test_setup(test_nobody, setup),
		cmocka_unit_test_setup(test_group, setup),
		cmocka_unit_test_setup(test_part_of_group, setup),
		cmocka_unit_test_setup(test_long_group, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_in_pieces, setup),
		cmocka_unit_test_setup(test_without_the_feature, setup),
		cmocka_unit_test_setup(test_host_bus, setup),
		cmocka_unit_test(test_no_host_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
