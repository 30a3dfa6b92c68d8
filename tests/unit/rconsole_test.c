// SPDX-License-Identifier: BSD-3-Clause
/* The console's core: control messages, data both ways, what waits, and the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/console.h"

#define PORTS 3
#define ALL   7 /* SIZE, MULTIPORT, EMERG_WRITE */
#define NOT   0xee

/* An end that takes what there is room for. */
struct test_end {
	struct con_end end;
	u8 got[20000];
	u32 have, room;
	u8 emergency;
	unsigned wanted;
};

static struct {
	struct rcon con;
	struct test_end ends[PORTS];
	struct rdev_req req;
	unsigned done;
	u64 woken; /* queues */
	u8 buf[20000];
} env;

static u32 take(struct con_end *e, const u8 *bytes, u32 len)
{
	struct test_end *t = (struct test_end *)e;
	const u32 n = MIN(len, t->room);

	memcpy(t->got + t->have, bytes, n);
	t->have += n;
	t->room -= n;
	return n;
}

static void emergency(struct con_end *e, u8 character)
{
	((struct test_end *)e)->emergency = character;
}

static void wanted(struct con_end *e)
{
	((struct test_end *)e)->wanted++;
}

static const struct con_end_ops end_ops = { .write = take,
					    .emergency = emergency,
					    .wanted = wanted };

static void wake(struct rdev *dev, u16 queue)
{
	env.woken |= BIT_ULL(queue);
}

static void set_up(u16 ports, u64 hidden)
{
	static const char *const names[PORTS] = { NULL, "second", NULL };
	const struct con_opts o = { .ports = ports, .cols = 80, .rows = 25, .hidden = hidden };

	memset(&env, 0, sizeof(env));
	rcon_init(&env.con, &o);
	env.con.dev.wake = wake;
	for (u16 i = 0; i < env.con.ports; i++) {
		env.ends[i] = (struct test_end){ .end = { .ops = &end_ops, .there = i != 2 },
						 .room = sizeof(env.ends[i].got) };
		assert_true(rcon_attach(&env.con, i, &env.ends[i].end, names[i], i == 0));
	}
}

static int setup(void **state)
{
	set_up(PORTS, 0);
	env.con.dev.ops->negotiated(&env.con.dev, ALL);
	return 0;
}

static int setup_single(void **state)
{
	set_up(PORTS, 0);
	env.con.dev.ops->negotiated(&env.con.dev, ALL & ~BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	return 0;
}

static bool is_ready(u16 queue)
{
	return env.con.dev.ops->ready(&env.con.dev, queue);
}

static void done(struct rdev_req *req)
{
	env.done++;
}

/* A chain; false when it went back. */
static bool serve(u16 queue, struct dvq_seg *segs, u32 readable, u32 writable)
{
	env.req = (struct rdev_req){ .done = done, .used_len = 0xdead, .queue = queue };
	env.req.chain.segs = segs;
	env.req.chain.n_readable = readable;
	env.req.chain.n_writable = writable;
	for (u32 k = 0; k < readable + writable; k++)
		*(k < readable ? &env.req.chain.readable : &env.req.chain.writable) += segs[k].len;
	env.done = 0;
	env.con.dev.ops->serve(&env.con.dev, &env.req);
	assert_int_equal(env.done, 1);
	return !env.req.put_back;
}

static void say(u32 id, u16 event, u16 value)
{
	struct virtio_console_control m = { le32(id), le16(event), le16(value) };
	struct dvq_seg seg = { &m, sizeof(m) };

	assert_true(is_ready(CON_CONTROL_TX));
	assert_true(serve(CON_CONTROL_TX, &seg, 1, 0));
	assert_int_equal(env.req.used_len, 0);
}

/* The next message must be this one. */
static void hear(u32 id, u16 event, u16 value, const void *more, u32 more_len)
{
	struct virtio_console_control m;
	struct dvq_seg segs[] = { { env.buf, 5 }, { env.buf + 5, 60 } };

	assert_true(is_ready(CON_CONTROL_RX));
	memset(env.buf, NOT, sizeof(env.buf));
	assert_true(serve(CON_CONTROL_RX, segs, 0, 2));
	memcpy(&m, env.buf, sizeof(m));
	assert_int_equal(le16(m.event), event);
	assert_int_equal(le32(m.id), id);
	assert_int_equal(le16(m.value), value);
	assert_int_equal(env.req.used_len, sizeof(m) + more_len);
	assert_memory_equal(env.buf + sizeof(m), more, more_len);
	assert_int_equal(env.buf[sizeof(m) + more_len], NOT);
}

static void silent(void)
{
	assert_false(is_ready(CON_CONTROL_RX));
}

static void all_ready(void)
{
	static const u8 size[] = { 80, 0, 25, 0 };

	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (u32 i = 0; i < PORTS; i++)
		hear(i, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	silent();
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL, 0);
	hear(0, VIRTIO_CONSOLE_RESIZE, 1, size, 4);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(1, VIRTIO_CONSOLE_PORT_NAME, 1, "second", 6);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	say(2, VIRTIO_CONSOLE_PORT_READY, 1);
	silent();
}

static bool put(u16 queue, u32 from, u32 len)
{
	struct dvq_seg segs[] = { { env.buf + from, len / 3 },
				  { env.buf + from + len / 3, len - len / 3 } };

	return serve(queue, segs, 2, 0);
}

static void fill(u32 len)
{
	for (u32 i = 0; i < len; i++)
		env.buf[i] = (u8)(i * 7 + i / 256);
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void test_nothing_before_device_ready(void **state)
{
	silent();
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	silent();
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	silent();
	all_ready();
}

static void test_told_once(void **state)
{
	all_ready();
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	silent();
	con_end_there(&env.ends[1].end, false);
	con_end_there(&env.ends[1].end, true);
	silent();
	con_end_there(&env.ends[1].end, false);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL, 0);
	con_end_there(&env.ends[2].end, true);
	hear(2, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	silent();
}

static void test_plug(void **state)
{
	all_ready();
	rcon_plug(&env.con, 1, false);
	hear(1, VIRTIO_CONSOLE_PORT_REMOVE, 1, NULL, 0);
	silent();
	rcon_plug(&env.con, 1, true);
	rcon_plug(&env.con, 1, false);
	silent();
	rcon_plug(&env.con, 1, true);
	hear(1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	/* One that went and came is another one. */
	rcon_plug(&env.con, 1, false);
	rcon_plug(&env.con, 1, true);
	hear(1, VIRTIO_CONSOLE_PORT_REMOVE, 1, NULL, 0);
	hear(1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(1, VIRTIO_CONSOLE_PORT_NAME, 1, "second", 6);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	/* A port that the driver cannot use. */
	say(1, VIRTIO_CONSOLE_PORT_READY, 0);
	con_end_there(&env.ends[1].end, false);
	silent();
	/* None of these is there. */
	rcon_plug(&env.con, PORTS, true);
	silent();
}

static void test_resize(void **state)
{
	static const u8 size[] = { 0x2c, 1, 100, 0 };
	struct virtio_console_config cfg;
	u8 image[RDEV_CONFIG_MAX] = { 0 };

	all_ready();
	assert_false(rcon_set_size(&env.con, 80, 25));
	silent();
	assert_true(rcon_set_size(&env.con, 300, 100));
	hear(0, VIRTIO_CONSOLE_RESIZE, 1, size, 4);
	silent();
	env.con.dev.ops->config(&env.con.dev, image);
	memcpy(&cfg, image, sizeof(cfg));
	assert_int_equal(le16(cfg.cols), 300);
	assert_int_equal(le16(cfg.rows), 100);
	assert_int_equal(le32(cfg.max_nr_ports), PORTS);
	assert_true(env.con.dev.ops->resized(&env.con.dev));
	rcon_next_size(&env.con, 301, 101);
	assert_false(env.con.dev.ops->resized(&env.con.dev)); /* as it is */
	rcon_next_size(&env.con, 10, 20);
	assert_true(env.con.dev.ops->resized(&env.con.dev));
}

static void test_a_port_that_turns(void **state)
{
	static const u8 one[] = { 81, 0, 26, 0 }, two[] = { 82, 0, 27, 0 };

	env.con.port[2].turns = true;
	all_ready();
	assert_true(env.con.dev.ops->resized(&env.con.dev));
	hear(0, VIRTIO_CONSOLE_RESIZE, 1, one, 4);
	hear(2, VIRTIO_CONSOLE_PORT_REMOVE, 1, NULL, 0);
	assert_true(env.con.dev.ops->resized(&env.con.dev));
	hear(0, VIRTIO_CONSOLE_RESIZE, 1, two, 4);
	hear(2, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	silent();
	/* Not with a size that is asked for. */
	rcon_next_size(&env.con, 82, 27);
	assert_false(env.con.dev.ops->resized(&env.con.dev));
	silent();
}

static void test_small_control_buffers(void **state)
{
	struct dvq_seg small = { env.buf, 7 }, name = { env.buf, 13 };

	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	memset(env.buf, NOT, sizeof(env.buf));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(serve(CON_CONTROL_RX, &small, 0, 1));
		assert_int_equal(env.req.used_len, 0);
		assert_int_equal(env.buf[0], NOT);
	}
	for (u32 i = 0; i < PORTS; i++)
		hear(i, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_true(serve(CON_CONTROL_RX, &name, 0, 1));
	assert_int_equal(env.req.used_len, 0);
	hear(1, VIRTIO_CONSOLE_PORT_NAME, 1, "second", 6);
	/* With nothing to say, a buffer is left where it is. */
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	assert_false(serve(CON_CONTROL_RX, &name, 0, 1));
}

static void test_bad_control_messages(void **state)
{
	static const u32 ids[] = { PORTS, 0xffff, 0xffffffff };
	struct dvq_seg seg = { env.buf, 0 };

	all_ready();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		for (u16 event = 0; event < 300; event++)
			say(ids[i], event, 1);
	for (u16 event = 7; event < 300; event++)
		say(0, event, 0);
	say(0, VIRTIO_CONSOLE_PORT_REMOVE, 1);
	say(0, VIRTIO_CONSOLE_PORT_ADD, 1);
	silent();
	memset(env.buf, 0, sizeof(env.buf));
	for (seg.len = 0; seg.len < 8; seg.len++)
		assert_true(serve(CON_CONTROL_TX, &seg, 1, 0));
	assert_true(serve(CON_CONTROL_TX, NULL, 0, 0));
	silent();
}

static void test_out(void **state)
{
	all_ready();
	fill(10000);
	assert_true(is_ready(1));
	assert_true(put(1, 0, 10000));
	assert_int_equal(env.req.used_len, 0);
	assert_int_equal(env.ends[0].have, 10000);
	assert_memory_equal(env.ends[0].got, env.buf, 10000);
	assert_true(put(5, 100, 50));
	assert_int_equal(env.ends[1].have, 50);
	assert_memory_equal(env.ends[1].got, env.buf + 100, 50);
	/* Nobody is there; there is no such port; it is unplugged. */
	assert_true(is_ready(7));
	assert_true(put(7, 0, 50));
	assert_int_equal(env.ends[2].have, 0);
	assert_true(put(9, 0, 50));
	rcon_plug(&env.con, 1, false);
	assert_true(put(5, 0, 50));
	assert_int_equal(env.ends[1].have, 50);
}

static void test_out_waits(void **state)
{
	all_ready();
	fill(1000);
	env.ends[0].room = 100;
	assert_false(put(1, 0, 1000));
	assert_false(is_ready(1));
	assert_true(is_ready(5));
	for (u32 room = 0; room < 3; room++) {
		env.ends[0].room = 250;
		env.woken = 0;
		con_end_room(&env.ends[0].end);
		assert_true(env.woken & BIT_ULL(1));
		assert_true(is_ready(1));
		assert_false(put(1, 0, 1000));
	}
	env.ends[0].room = 5000;
	con_end_room(&env.ends[0].end);
	assert_true(put(1, 0, 1000));
	assert_int_equal(env.ends[0].have, 1000);
	assert_memory_equal(env.ends[0].got, env.buf, 1000);
	assert_true(put(1, 0, 1000));
	assert_memory_equal(env.ends[0].got + 1000, env.buf, 1000);
}

/* What waits for room does not wait for somebody who has gone; and another buffer is sent whole. */
static void test_out_waits_no_more(void **state)
{
	all_ready();
	fill(1000);
	env.ends[0].room = 100;
	assert_false(put(1, 0, 1000));
	con_end_there(&env.ends[0].end, false);
	assert_true(is_ready(1));
	assert_true(put(1, 0, 1000));
	assert_int_equal(env.ends[0].have, 100);
	con_end_there(&env.ends[0].end, true);
	env.ends[0].room = 10;
	assert_false(put(1, 0, 1000));
	env.ends[0].room = 5000;
	con_end_room(&env.ends[0].end);
	assert_true(put(1, 500, 400));
	assert_int_equal(env.ends[0].have, 510);
	assert_memory_equal(env.ends[0].got + 110, env.buf + 500, 400);
}

static u32 get(u16 queue, u32 len)
{
	struct dvq_seg segs[] = { { env.buf, 1 }, { env.buf + 1, len - 1 } };

	memset(env.buf, NOT, sizeof(env.buf));
	assert_true(is_ready(queue));
	assert_true(serve(queue, segs, 0, 2));
	assert_int_equal(env.buf[env.req.used_len], NOT);
	return env.req.used_len;
}

static void test_in(void **state)
{
	u8 sent[CON_FIFO];
	u32 at;

	for (u32 i = 0; i < sizeof(sent); i++)
		sent[i] = (u8)(i * 11 + i / 256);
	all_ready();
	assert_int_equal(con_end_input(&env.ends[0].end, sent, 100), 100);
	assert_false(is_ready(0)); /* not opened */
	env.woken = 0;
	say(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_true(env.woken & 1);
	assert_int_equal(get(0, 60), 60);
	assert_memory_equal(env.buf, sent, 60);
	assert_int_equal(get(0, 60), 40);
	assert_memory_equal(env.buf, sent + 60, 40);
	assert_false(is_ready(0));
	assert_int_equal(env.ends[0].wanted, 2);
	/* The fifo's end is in the middle of it. */
	assert_int_equal(con_end_input(&env.ends[0].end, sent, CON_FIFO), CON_FIFO);
	assert_int_equal(con_end_space(&env.ends[0].end), 0);
	assert_int_equal(con_end_input(&env.ends[0].end, sent, 1), 0);
	for (at = 0; at < CON_FIFO; at += env.req.used_len) {
		assert_true(get(0, 1000) > 0);
		assert_memory_equal(env.buf, sent + at, env.req.used_len);
	}
	say(0, VIRTIO_CONSOLE_PORT_OPEN, 0);
	assert_int_equal(con_end_input(&env.ends[0].end, sent, 1), 1);
	assert_false(is_ready(0));
}

static void test_in_without_room(void **state)
{
	struct dvq_seg seg = { env.buf, 10 };

	assert_int_equal(con_end_input(&env.ends[0].end, (const u8 *)"x", 1), 1);
	assert_true(serve(0, &seg, 1, 0));
	assert_int_equal(env.req.used_len, 0);
	assert_int_equal(get(0, 5), 1);
	assert_int_equal(env.buf[0], 'x');
	assert_false(serve(0, &seg, 0, 1));
}

static void test_one_port(void **state)
{
	struct dvq_seg seg = { env.buf, 10 };

	assert_int_equal(con_end_input(&env.ends[0].end, (const u8 *)"abc", 3), 3);
	assert_int_equal(get(0, 60), 3);
	assert_int_equal(con_end_input(&env.ends[1].end, (const u8 *)"abc", 3), 3);
	assert_false(is_ready(4));
	assert_true(put(1, 0, 50));
	assert_int_equal(env.ends[0].have, 50);
	/* What there is with MULTIPORT only. */
	assert_true(put(5, 0, 50));
	assert_int_equal(env.ends[1].have, 0);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	silent();
	assert_false(serve(CON_CONTROL_RX, &seg, 0, 1));
}

static void test_emergency(void **state)
{
	static const struct {
		u32 off, len;
		bool good;
	} writes[] = { { 8, 1, true },	 { 8, 2, true },	   { 8, 4, true },
		       { 0, 12, true },	 { 4, 8, true },	   { 8, 5, false },
		       { 9, 1, false },	 { 0, 4, false },	   { 12, 1, false },
		       { 0, 13, false }, { 0xffffffff, 4, false }, { 7, 1, false } };
	u8 image[RDEV_CONFIG_MAX] = { 0 };

	env.con.dev.ops->reset(&env.con.dev);
	env.con.dev.ops->config(&env.con.dev, image);
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		env.ends[0].emergency = 0;
		image[8] = (u8)('a' + i);
		assert_int_equal(env.con.dev.ops->config_write(&env.con.dev, writes[i].off,
							       image + (writes[i].off & 15),
							       writes[i].len, false),
				 writes[i].good);
		assert_int_equal(env.ends[0].emergency, writes[i].good ? 'a' + i : 0);
	}
	image[0]++;
	assert_false(env.con.dev.ops->config_write(&env.con.dev, 0, image, 12, false));
	env.ends[0].emergency = 0;
	assert_true(env.con.dev.ops->config_write(&env.con.dev, 8, image + 8, 4, true));
	assert_int_equal(env.ends[0].emergency, 0);
}

static void test_hidden(void **state)
{
	u8 image[RDEV_CONFIG_MAX] = { 0 }, nothing[12] = { 0 };

	set_up(PORTS, ALL);
	assert_int_equal(env.con.dev.ops->features(&env.con.dev), 0);
	assert_int_equal(env.con.dev.num_queues, 2);
	env.con.dev.ops->config(&env.con.dev, image);
	assert_memory_equal(image, nothing, 12);
	assert_false(env.con.dev.ops->config_write(&env.con.dev, 8, nothing, 4, false));
	assert_false(env.con.dev.ops->resized(&env.con.dev));
	set_up(PORTS, 0);
	assert_int_equal(env.con.dev.num_queues, 2 * PORTS + 2);
	assert_false(rcon_attach(&env.con, 0, &env.ends[0].end,
				 "a name that is longer than 32 bytes", true));
}

static void test_reset(void **state)
{
	all_ready();
	fill(100);
	env.ends[0].room = 10;
	assert_false(put(1, 0, 100));
	env.con.dev.ops->reset(&env.con.dev);
	env.con.dev.ops->negotiated(&env.con.dev, ALL);
	con_end_room(&env.ends[0].end);
	env.ends[0].room = 1000;
	assert_true(put(1, 0, 100));
	assert_int_equal(env.ends[0].have, 110);
	all_ready();
}

static void test_loop(void **state)
{
	struct con_end loop;
	u32 at = 0;

	con_loop_init(&loop);
	assert_true(rcon_attach(&env.con, 0, &loop, NULL, true));
	all_ready();
	say(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	for (unsigned turn = 0; turn < 10 && at < 15000; turn++) {
		const bool whole = (fill(15000), put(1, 0, 15000));

		while (is_ready(0)) {
			const u32 n = get(0, 999);

			for (u32 i = 0; i < n; i++)
				assert_int_equal(env.buf[i], (u8)((at + i) * 7 + (at + i) / 256));
			at += n;
		}
		assert_int_equal(whole, at == 15000);
		assert_true(is_ready(1));
	}
	assert_int_equal(at, 15000);
	fill(3);
	assert_true(put(1, 0, 3));
	env.con.dev.ops->reset(&env.con.dev);
	env.con.dev.ops->negotiated(&env.con.dev, ALL & ~BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	/* It is outside already. */
	assert_int_equal(get(0, 10), 3);
	assert_false(is_ready(0));
}

/* A binding that serves a queue at once when it is woken, from within another one's serve(). */
static u8 nested[20000];
static u32 nested_have;

static void wake_at_once(struct rdev *dev, u16 queue)
{
	static bool busy;
	struct rdev_req outer = env.req;
	struct dvq_seg seg;

	if (queue != 0 || busy)
		return;
	busy = true;
	while (is_ready(0)) {
		seg = (struct dvq_seg){ nested + nested_have, 1000 };
		assert_true(serve(0, &seg, 0, 1));
		nested_have += env.req.used_len;
	}
	busy = false;
	env.req = outer;
	env.done = 0;
}

static void test_loop_at_once(void **state)
{
	struct con_end loop;

	con_loop_init(&loop);
	assert_true(rcon_attach(&env.con, 0, &loop, NULL, true));
	env.con.dev.wake = wake_at_once;
	nested_have = 0;
	fill(15000);
	assert_true(put(1, 0, 15000));
	assert_int_equal(nested_have, 15000);
	assert_memory_equal(nested, env.buf, 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_before_device_ready, setup),
		cmocka_unit_test_setup(test_told_once, setup),
		cmocka_unit_test_setup(test_plug, setup),
		cmocka_unit_test_setup(test_resize, setup),
		cmocka_unit_test_setup(test_a_port_that_turns, setup),
		cmocka_unit_test_setup(test_small_control_buffers, setup),
		cmocka_unit_test_setup(test_bad_control_messages, setup),
		cmocka_unit_test_setup(test_out, setup),
		cmocka_unit_test_setup(test_out_waits, setup),
		cmocka_unit_test_setup(test_out_waits_no_more, setup),
		cmocka_unit_test_setup(test_in, setup),
		cmocka_unit_test_setup(test_in_without_room, setup_single),
		cmocka_unit_test_setup(test_one_port, setup_single),
		cmocka_unit_test_setup(test_emergency, setup),
		cmocka_unit_test_setup(test_hidden, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_loop, setup),
		cmocka_unit_test_setup(test_loop_at_once, setup_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
