// SPDX-License-Identifier: BSD-3-Clause
/* The GPIO device's core and its simulated lines: messages in, answers out, and interrupts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/gpio_drive.h"

#define LINES	8
#define NOT	0xee
#define OUT	VIRTIO_GPIO_DIRECTION_OUT
#define IN	VIRTIO_GPIO_DIRECTION_IN
#define NONE	VIRTIO_GPIO_DIRECTION_NONE
#define RISING	VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING
#define FALLING VIRTIO_GPIO_IRQ_TYPE_EDGE_FALLING
#define BOTH	VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH
#define HIGH	VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH
#define LOW	VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW

static struct {
	struct rgpio g;
	struct gpio_drive drive;
	struct virtio_gpio_request m;
	u8 answer[300];
	struct rdev_req req;
	unsigned answered;

	struct event {
		struct rdev_req req;
		struct dvq_seg segs[2];
		struct virtio_gpio_irq_request m;
		u8 status;
		unsigned done;
	} events[LINES];
} env;

static struct gpio_sim *sim(void)
{
	return &env.drive.sim;
}

static void answered(struct rdev_req *req)
{
	env.answered++;
}

static void event_done(struct rdev_req *req)
{
	((struct event *)req)->done++;
}

static int setup(void **state)
{
	memset(&env, 0, sizeof(env));
	gpio_sim_init(sim(), LINES);
	assert_true(gpio_sim_wire(sim(), 0, 1));
	rgpio_init(&env.g, &sim()->port, true);
	env.g.dev.ops->negotiated(&env.g.dev, 1);
	return 0;
}

static void serve(struct dvq_seg *segs, u32 readable, u32 writable)
{
	env.req = (struct rdev_req){ .done = answered, .used_len = 0xdead };
	env.req.chain.segs = segs;
	env.req.chain.n_readable = readable;
	env.req.chain.n_writable = writable;
	for (u32 k = 0; k < readable + writable; k++)
		*(k < readable ? &env.req.chain.readable : &env.req.chain.writable) += segs[k].len;
	env.answered = 0;
	env.g.dev.ops->serve(&env.g.dev, &env.req);
	assert_int_equal(env.answered, 1);
}

/* A message; its value, or -1 when it failed. */
static int ask(u16 type, u16 line, u32 value)
{
	struct dvq_seg segs[] = { { &env.m, sizeof(env.m) }, { env.answer, 2 } };

	env.m = (struct virtio_gpio_request){ le16(type), le16(line), le32(value) };
	memset(env.answer, NOT, sizeof(env.answer));
	serve(segs, 1, 1);
	assert_int_equal(env.req.used_len, 2);
	assert_int_equal(env.answer[2], NOT);
	assert_true(env.answer[0] <= 1);
	if (env.answer[0])
		assert_int_equal(env.answer[1], 0);
	return env.answer[0] ? -1 : env.answer[1];
}

static int direction(u16 line, u8 value)
{
	return ask(VIRTIO_GPIO_MSG_SET_DIRECTION, line, value);
}

static int set(u16 line, u32 value)
{
	return ask(VIRTIO_GPIO_MSG_SET_VALUE, line, value);
}

static int get(u16 line)
{
	return ask(VIRTIO_GPIO_MSG_GET_VALUE, line, 0);
}

static int irq(u16 line, u32 type)
{
	return ask(VIRTIO_GPIO_MSG_IRQ_TYPE, line, type);
}

/* The buffer of a line, in slot `i`. */
static struct event *unmask_in(unsigned i, u16 line, u32 len)
{
	struct event *e = &env.events[i];

	*e = (struct event){ .req = { .done = event_done, .queue = GPIO_EVENTQ },
			     .segs = { { &e->m, len }, { &e->status, 1 } },
			     .m = { le16(line) },
			     .status = NOT };
	e->req.chain.segs = e->segs;
	e->req.chain.n_readable = e->req.chain.n_writable = 1;
	e->req.chain.readable = len;
	e->req.chain.writable = 1;
	env.g.dev.ops->serve(&env.g.dev, &e->req);
	return e;
}

static struct event *unmask(u16 line)
{
	return unmask_in(line, line, 2);
}

static void came(const struct event *e, u8 status)
{
	assert_int_equal(e->done, 1);
	assert_int_equal(e->status, status);
	assert_int_equal(e->req.used_len, 1);
}

static void waits(const struct event *e)
{
	assert_int_equal(e->done, 0);
	assert_int_equal(e->status, NOT);
}

#define VALID(e)   came(e, VIRTIO_GPIO_IRQ_STATUS_VALID)
#define INVALID(e) came(e, VIRTIO_GPIO_IRQ_STATUS_INVALID)

static void test_values(void **state)
{
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0), NONE);
	assert_int_equal(get(1), 0);
	/* A value is kept for the output that the line becomes. */
	assert_int_equal(set(0, 1), 0);
	assert_int_equal(get(1), 0);
	assert_int_equal(direction(0, OUT), 0);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0), OUT);
	assert_int_equal(get(0), 1);
	assert_int_equal(get(1), 1);
	assert_int_equal(set(0, 0), 0);
	assert_int_equal(get(1), 0);
	assert_int_equal(set(0, 1), 0);
	/* NONE forgets it. */
	assert_int_equal(direction(0, NONE), 0);
	assert_int_equal(get(1), 0);
	assert_int_equal(direction(0, OUT), 0);
	assert_int_equal(get(0), 0);
}

static void test_driven(void **state)
{
	gpio_sim_drive(sim(), 4, true);
	gpio_sim_drive(sim(), 1, true);
	assert_int_equal(get(4), 1);
	assert_int_equal(get(1), 1);
	/* An output goes before. */
	assert_int_equal(direction(0, OUT), 0);
	assert_int_equal(get(1), 0);
	assert_int_equal(direction(0, NONE), 0);
	assert_int_equal(get(1), 1);
	assert_int_equal(direction(4, OUT), 0);
	assert_int_equal(get(4), 0);
	assert_false(gpio_sim_wire(sim(), 0, 2));
	assert_false(gpio_sim_wire(sim(), 2, LINES));
	assert_false(gpio_sim_wire(sim(), 2, 2));
}

static void test_refused(void **state)
{
	static u8 bytes[40];
	struct dvq_seg segs[] = { { bytes, 8 }, { env.answer, 2 } };

	assert_int_equal(ask(0, 0, 0), -1);
	assert_int_equal(ask(7, 0, 0), -1);
	assert_int_equal(ask(0xffff, 0, 0), -1);
	assert_int_equal(get(LINES), -1);
	assert_int_equal(direction(0, 3), -1);
	assert_int_equal(set(0, 2), -1);
	assert_int_equal(irq(0, 5), -1);
	assert_int_equal(irq(0, 0x10000), -1);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_NAMES, 0, 0), -1);
	/* Nothing is done that cannot be answered. */
	env.m = (struct virtio_gpio_request){ le16(VIRTIO_GPIO_MSG_SET_VALUE), 0, le32(1) };
	memcpy(bytes, &env.m, sizeof(env.m));
	segs[1].len = 1;
	serve(segs, 1, 1);
	assert_int_equal(env.req.used_len, 1);
	assert_int_equal(env.answer[0], VIRTIO_GPIO_STATUS_ERR);
	serve(segs, 1, 0);
	assert_int_equal(env.req.used_len, 0);
	segs[0].len = 7;
	segs[1].len = 2;
	serve(segs, 1, 1);
	assert_int_equal(env.answer[0], VIRTIO_GPIO_STATUS_ERR);
	segs[0].len = 40;
	serve(segs, 1, 1);
	assert_int_equal(env.answer[0], VIRTIO_GPIO_STATUS_ERR);
	serve(segs, 0, 0);
	assert_int_equal(direction(0, OUT), 0);
	assert_int_equal(get(0), 0);
}

static void test_names(void **state)
{
	static const char all[] = "a\0\0line-two\0";
	struct virtio_gpio_config cfg;
	u8 image[RDEV_CONFIG_MAX] = { 0 };
	struct dvq_seg segs[] = {
		{ &env.m, 3 }, { (u8 *)&env.m + 3, 5 }, { env.answer, 3 }, { env.answer + 3, 200 }
	};

	assert_true(gpio_port_name(&sim()->port, "a"));
	assert_true(gpio_port_name(&sim()->port, ""));
	assert_true(gpio_port_name(&sim()->port, "line-two"));
	assert_false(gpio_port_name(&sim()->port, "a name that is longer than 31 bytes"));
	env.g.dev.ops->config(&env.g.dev, image);
	memcpy(&cfg, image, sizeof(cfg));
	assert_int_equal(le16(cfg.ngpio), LINES);
	assert_int_equal(le32(cfg.gpio_names_size), sizeof(all) - 1);
	env.m = (struct virtio_gpio_request){ le16(VIRTIO_GPIO_MSG_GET_NAMES), 0, 0 };
	memset(env.answer, NOT, sizeof(env.answer));
	serve(segs, 2, 2);
	assert_int_equal(env.req.used_len, sizeof(all));
	assert_int_equal(env.answer[0], VIRTIO_GPIO_STATUS_OK);
	assert_memory_equal(env.answer + 1, all, sizeof(all) - 1);
	assert_int_equal(env.answer[sizeof(all)], NOT);
	/* One byte too few. */
	segs[3].len = sizeof(all) - 4;
	serve(segs, 2, 2);
	assert_int_equal(env.answer[0], VIRTIO_GPIO_STATUS_ERR);
	assert_int_equal(env.req.used_len, 2);
}

static void test_edges(void **state)
{
	struct event *e;

	assert_int_equal(irq(4, RISING), 0);
	e = unmask(4);
	waits(e);
	gpio_sim_drive(sim(), 4, true);
	VALID(e);
	/* The next needs a buffer, and is latched until there is one: one, however many there were. */
	for (unsigned i = 0; i < 3; i++) {
		gpio_sim_drive(sim(), 4, false);
		gpio_sim_drive(sim(), 4, true);
	}
	VALID(unmask(4));
	e = unmask(4);
	gpio_sim_drive(sim(), 4, false);
	waits(e);
	/* The other edge from here on, without NONE between. */
	assert_int_equal(irq(4, FALLING), 0);
	waits(e);
	gpio_sim_drive(sim(), 4, true);
	waits(e);
	gpio_sim_drive(sim(), 4, false);
	VALID(e);
	assert_int_equal(irq(4, BOTH), 0);
	e = unmask(4);
	gpio_sim_drive(sim(), 4, true);
	VALID(e);
	e = unmask(4);
	gpio_sim_drive(sim(), 4, false);
	VALID(e);
}

static void test_levels(void **state)
{
	struct event *e;

	assert_int_equal(irq(4, HIGH), 0);
	gpio_sim_drive(sim(), 4, true);
	gpio_sim_drive(sim(), 4, false);
	e = unmask(4);
	waits(e);
	gpio_sim_drive(sim(), 4, true);
	VALID(e);
	/* As long as it is high. */
	VALID(unmask(4));
	VALID(unmask(4));
	gpio_sim_drive(sim(), 4, false);
	waits(unmask(4));
	assert_int_equal(irq(4, 0), 0);
	assert_int_equal(irq(4, LOW), 0);
	VALID(unmask(4));
}

static void test_disabled(void **state)
{
	struct event *e;

	INVALID(unmask(4));
	assert_int_equal(irq(4, RISING), 0);
	e = unmask(4);
	INVALID(unmask_in(5, 4, 2));
	waits(e);
	assert_int_equal(irq(4, 0), 0);
	INVALID(e);
	/* What was latched is gone. */
	assert_int_equal(irq(4, RISING), 0);
	gpio_sim_drive(sim(), 4, true);
	assert_int_equal(irq(4, 0), 0);
	assert_int_equal(irq(4, RISING), 0);
	e = unmask(4);
	waits(e);
	/* With the line's direction, its interrupt. */
	assert_int_equal(direction(4, NONE), 0);
	INVALID(e);
	assert_int_equal(irq(4, HIGH), 0);
	assert_int_equal(direction(4, OUT), 0);
	INVALID(unmask(4));
	assert_int_equal(irq(4, HIGH), -1);
	assert_int_equal(irq(4, 0), 0);
}

static void test_bad_events(void **state)
{
	struct event *e;

	INVALID(unmask_in(0, LINES, 2));
	INVALID(unmask_in(0, 0xffff, 2));
	assert_int_equal(irq(2, RISING), 0);
	INVALID(unmask_in(0, 2, 1));
	e = &env.events[0];
	e->done = 0;
	e->req.chain.readable = 2;
	e->req.chain.writable = e->req.chain.n_writable = 0;
	env.g.dev.ops->serve(&env.g.dev, &e->req);
	assert_int_equal(e->done, 1);
	assert_int_equal(e->req.used_len, 0);
	/* Without the feature there is no interrupt. */
	env.g.dev.ops->reset(&env.g.dev);
	env.g.dev.ops->negotiated(&env.g.dev, 0);
	assert_int_equal(irq(2, RISING), -1);
	INVALID(unmask(2));
}

static void test_stop(void **state)
{
	struct event *e, *f;

	assert_int_equal(irq(4, RISING), 0);
	assert_int_equal(irq(5, HIGH), 0);
	e = unmask(4);
	f = unmask(5);
	env.g.dev.ops->let_go(&env.g.dev, GPIO_REQUESTQ);
	waits(e);
	env.g.dev.ops->let_go(&env.g.dev, GPIO_EVENTQ);
	INVALID(e);
	INVALID(f);
	/* They are queued again, and nothing was forgotten. */
	e = unmask(4);
	gpio_sim_drive(sim(), 4, true);
	VALID(e);
}

static void test_reset(void **state)
{
	set(0, 1);
	direction(0, OUT);
	irq(4, RISING);
	env.g.dev.ops->reset(&env.g.dev);
	env.g.dev.ops->negotiated(&env.g.dev, 1);
	assert_int_equal(get(1), 0);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0), NONE);
	INVALID(unmask(4));
}

/* --- a FIFO ------------------------------------------------------------------------------------------------ */

static void test_drive(void **state)
{
	char dir[] = "/tmp/gpio_test_XXXXXX", path[64];
	struct reactor r;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lines", dir);
	assert_int_equal(gpio_drive_open(&env.drive, path), 0);
	assert_int_equal(reactor_init(&r, 8), 0);
	assert_int_equal(env.g.dev.ops->queue_open(&env.g.dev, 0, &r), 0);
	assert_int_equal(env.g.dev.ops->queue_open(&env.g.dev, 1, &r), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "4=1\n2=", 6), 6);
	while (get(4) != 1)
		reactor_wait(&r, 1000);
	assert_int_equal(get(2), 0);
	assert_int_equal(write(fd, "1\n8=1\n4=2\n\nhello\n4=0\n", 22), 22);
	while (get(4) != 0)
		reactor_wait(&r, 1000);
	assert_int_equal(get(2), 1);
	close(fd);
	env.g.dev.ops->queue_close(&env.g.dev, 1);
	env.g.dev.ops->queue_close(&env.g.dev, 0);
	reactor_exit(&r);
	gpio_drive_close(&env.drive);
	unlink(path);
	assert_int_equal(gpio_drive_open(&env.drive, dir), -1);
	rmdir(dir);
	assert_int_equal(gpio_drive_open(&env.drive, "/nonexistent/lines"), -1);
	assert_int_equal(gpio_drive_open(&env.drive, "/dev/null"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_driven, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_edges, setup),
		cmocka_unit_test_setup(test_levels, setup),
		cmocka_unit_test_setup(test_disabled, setup),
		cmocka_unit_test_setup(test_bad_events, setup),
		cmocka_unit_test_setup(test_stop, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_drive, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
