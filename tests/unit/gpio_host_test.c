// SPDX-License-Identifier: BSD-3-Clause
/*
 * Lines of a chip of the host's: what is asked of libgpiod for what a driver asks. The library's functions
 * are those below, over three lines of memory and a pipe: no kernel that is to be had everywhere has a
 * chip to try it on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/gpio_host.h"

#ifdef RINGSIDE_HAVE_GPIOD

#include <errno.h>
#include <gpiod.h>

#include "ref-backends/device/host/reactor.h"

#define LINES 3

enum {
	FREE,
	INPUT,
	OUTPUT,
	EDGES
};

static struct {
	unsigned lines, requests, closed;
	bool refuse;
	int state[LINES], value[LINES];
	int pipe[2];
	unsigned reads;
} host;

static struct gpiod_line *handle(unsigned line)
{
	return (struct gpiod_line *)(uintptr_t)(line + 1);
}

static unsigned number(struct gpiod_line *line)
{
	return (unsigned)(uintptr_t)line - 1;
}

struct gpiod_chip *gpiod_chip_open_lookup(const char *descr)
{
	errno = ENOENT;
	return strcmp(descr, "chip") == 0 ? (struct gpiod_chip *)&host : NULL;
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
	host.closed++;
}

unsigned gpiod_chip_num_lines(struct gpiod_chip *chip)
{
	return host.lines;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *chip, unsigned offset)
{
	return handle(offset);
}

const char *gpiod_line_name(struct gpiod_line *line)
{
	static const char *const names[LINES] = { "led", NULL, "led" };

	return names[number(line)];
}

bool gpiod_line_is_requested(struct gpiod_line *line)
{
	return host.state[number(line)] != FREE;
}

void gpiod_line_release(struct gpiod_line *line)
{
	assert_int_not_equal(host.state[number(line)], FREE);
	host.state[number(line)] = FREE;
}

static int request(struct gpiod_line *line, int state, const char *consumer)
{
	assert_int_equal(host.state[number(line)], FREE);
	assert_string_equal(consumer, "ringside");
	if (host.refuse)
		return -1;
	host.requests++;
	host.state[number(line)] = state;
	return 0;
}

int gpiod_line_request_input(struct gpiod_line *line, const char *consumer)
{
	return request(line, INPUT, consumer);
}

int gpiod_line_request_output(struct gpiod_line *line, const char *consumer, int value)
{
	host.value[number(line)] = value;
	return request(line, OUTPUT, consumer);
}

int gpiod_line_request_both_edges_events(struct gpiod_line *line, const char *consumer)
{
	return request(line, EDGES, consumer);
}

int gpiod_line_get_value(struct gpiod_line *line)
{
	assert_int_not_equal(host.state[number(line)], FREE);
	return host.value[number(line)];
}

int gpiod_line_set_value(struct gpiod_line *line, int value)
{
	assert_int_equal(host.state[number(line)], OUTPUT);
	host.value[number(line)] = value;
	return 0;
}

int gpiod_line_event_get_fd(struct gpiod_line *line)
{
	assert_int_equal(host.state[number(line)], EDGES);
	return host.pipe[0];
}

int gpiod_line_event_read(struct gpiod_line *line, struct gpiod_line_event *event)
{
	char c;

	assert_int_equal(read(host.pipe[0], &c, 1), 1);
	host.reads++;
	event->event_type = c == 'r' ? GPIOD_LINE_EVENT_RISING_EDGE : GPIOD_LINE_EVENT_FALLING_EDGE;
	return 0;
}

/* --- a driver ------------------------------------------------------------------------------------------------ */

static struct {
	struct rgpio g;
	struct reactor reactor;
	struct rdev_req wait;
	struct dvq_seg segs[2];
	u8 line[2], status;
	unsigned done;
} env;

static void answered(struct rdev_req *req)
{
}

static void event_done(struct rdev_req *req)
{
	env.done++;
}

static int ask(u16 type, u16 line, u32 value)
{
	struct virtio_gpio_request m = { le16(type), le16(line), le32(value) };
	u8 answer[2];
	struct dvq_seg segs[] = { { &m, sizeof(m) }, { answer, sizeof(answer) } };
	struct rdev_req req = { .done = answered };

	req.chain = (struct dvq_chain){
		.segs = segs, .n_readable = 1, .n_writable = 1, .readable = 8, .writable = 2
	};
	env.g.dev.ops->serve(&env.g.dev, &req);
	return answer[0] ? -1 : answer[1];
}

static void unmask(u16 line)
{
	env.line[0] = (u8)line;
	env.status = 0xee;
	env.done = 0;
	env.segs[0] = (struct dvq_seg){ env.line, 2 };
	env.segs[1] = (struct dvq_seg){ &env.status, 1 };
	env.wait = (struct rdev_req){ .done = event_done, .queue = GPIO_EVENTQ };
	env.wait.chain = (struct dvq_chain){
		.segs = env.segs, .n_readable = 1, .n_writable = 1, .readable = 2, .writable = 1
	};
	env.g.dev.ops->serve(&env.g.dev, &env.wait);
}

static int setup(void **state)
{
	struct gpio_port *p;

	memset(&env, 0, sizeof(env));
	memset(&host, 0, sizeof(host));
	host.lines = LINES;
	assert_int_equal(pipe(host.pipe), 0);
	p = gpio_host_open("chip");
	assert_non_null(p);
	rgpio_init(&env.g, p, true);
	env.g.dev.ops->negotiated(&env.g.dev, 1);
	assert_int_equal(reactor_init(&env.reactor, 8), 0);
	assert_int_equal(env.g.dev.ops->queue_open(&env.g.dev, 0, &env.reactor), 0);
	return 0;
}

static int teardown(void **state)
{
	env.g.dev.ops->let_go(&env.g.dev, GPIO_EVENTQ);
	env.g.dev.ops->reset(&env.g.dev);
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(host.state[i], FREE);
	env.g.dev.ops->queue_close(&env.g.dev, 0);
	reactor_exit(&env.reactor);
	env.g.port->ops->free(env.g.port);
	assert_int_equal(host.closed, 1);
	close(host.pipe[0]);
	close(host.pipe[1]);
	return 0;
}

static void test_lines(void **state)
{
	assert_int_equal(env.g.port->lines, LINES);
	/* One that is there twice, and one that has none. */
	assert_int_equal(env.g.port->names_size, 6);
	assert_memory_equal(env.g.port->names, "led\0\0", 6);
	assert_int_equal(host.requests, 0);
}

static void test_values(void **state)
{
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_VALUE, 0, 1), 0);
	assert_int_equal(host.state[0], FREE);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_OUT), 0);
	assert_int_equal(host.state[0], OUTPUT);
	assert_int_equal(host.value[0], 1);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_VALUE, 0, 0), 0);
	assert_int_equal(host.value[0], 0);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_NONE), 0);
	assert_int_equal(host.state[0], FREE);
	/* Looked at, and let go of. */
	host.value[1] = 1;
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_VALUE, 1, 0), 1);
	assert_int_equal(host.state[1], FREE);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 1, VIRTIO_GPIO_DIRECTION_IN), 0);
	assert_int_equal(host.state[1], INPUT);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_VALUE, 1, 0), 1);
	assert_int_equal(host.state[1], INPUT);
}

/* A line that somebody else has. */
static void test_taken(void **state)
{
	host.refuse = true;
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_OUT), -1);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0), VIRTIO_GPIO_DIRECTION_NONE);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_GET_VALUE, 0, 0), -1);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_IRQ_TYPE, 0, VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH), -1);
	unmask(0);
	assert_int_equal(env.status, VIRTIO_GPIO_IRQ_STATUS_INVALID);
	host.refuse = false;
}

static void test_edges(void **state)
{
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 1, VIRTIO_GPIO_DIRECTION_IN), 0);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_IRQ_TYPE, 1, VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING), 0);
	assert_int_equal(host.state[1], EDGES);
	/* It is an input already. */
	assert_int_equal(ask(VIRTIO_GPIO_MSG_SET_DIRECTION, 1, VIRTIO_GPIO_DIRECTION_IN), 0);
	assert_int_equal(host.state[1], EDGES);
	unmask(1);
	/* The other edge is not for it. */
	assert_int_equal(write(host.pipe[1], "fr", 2), 2);
	while (!env.done)
		reactor_wait(&env.reactor, 1000);
	assert_int_equal(host.reads, 2);
	assert_int_equal(env.status, VIRTIO_GPIO_IRQ_STATUS_VALID);
	assert_int_equal(ask(VIRTIO_GPIO_MSG_IRQ_TYPE, 1, VIRTIO_GPIO_IRQ_TYPE_NONE), 0);
	assert_int_equal(host.state[1], INPUT);
	/* A level is looked at when it is asked for. */
	host.value[1] = 1;
	assert_int_equal(ask(VIRTIO_GPIO_MSG_IRQ_TYPE, 1, VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH), 0);
	unmask(1);
	assert_int_equal(env.status, VIRTIO_GPIO_IRQ_STATUS_VALID);
}

static void test_no_chip(void **state)
{
	host.lines = GPIO_LINES_MAX + 1;
	host.closed = 0;
	assert_null(gpio_host_open("chip"));
	assert_int_equal(host.closed, 1);
	assert_null(gpio_host_open("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edges, setup, teardown),
		cmocka_unit_test(test_no_chip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_says_so(void **state)
{
	assert_null(gpio_host_open("gpiochip0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_says_so) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
