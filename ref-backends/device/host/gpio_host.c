// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/gpio_host.h"

#include <stdio.h>

#ifdef RINGSIDE_HAVE_GPIOD

#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/device/host/reactor.h"

struct gpio_host {
	struct gpio_port port; /* first */
	struct gpiod_chip *chip;
	struct reactor *reactor;
	struct host_line {
		struct reactor_watch watch;
		struct gpio_host *host;
		struct gpiod_line *line;
		u8 direction;
		bool watched; /* requested for its edges */
		bool in_reactor;
	} lines[GPIO_LINES_MAX];
};

static struct host_line *line_of(struct gpio_port *p, u16 line)
{
	return &((struct gpio_host *)p)->lines[line];
}

/* Its descriptor, when it has one, is watched; without, nothing is. */
static void watch_fd(struct host_line *l, int fd)
{
	if (l->in_reactor)
		reactor_watch_set(l->host->reactor, &l->watch, fd);
	else
		l->watch.fd = fd;
}

static void release(struct host_line *l)
{
	watch_fd(l, -1);
	if (gpiod_line_is_requested(l->line))
		gpiod_line_release(l->line);
	l->watched = false;
}

/* Requested anew, for this. The chip is left as it was when that fails. */
static bool request(struct host_line *l, u8 direction, u8 value, bool edges)
{
	int rc = 0;

	release(l);
	if (direction == VIRTIO_GPIO_DIRECTION_OUT)
		rc = gpiod_line_request_output(l->line, "ringside", value);
	else if (edges)
		rc = gpiod_line_request_both_edges_events(l->line, "ringside");
	else if (direction == VIRTIO_GPIO_DIRECTION_IN)
		rc = gpiod_line_request_input(l->line, "ringside");
	if (rc < 0)
		return false;
	l->direction = direction;
	l->watched = edges;
	if (edges)
		watch_fd(l, gpiod_line_event_get_fd(l->line));
	return true;
}

static bool host_direction(struct gpio_port *p, u16 line, u8 direction, u8 value)
{
	struct host_line *l = line_of(p, line);

	/* It stays an input whose edges are told. */
	if (direction == VIRTIO_GPIO_DIRECTION_IN && l->watched)
		return true;
	return request(l, direction, value, false);
}

static bool host_set(struct gpio_port *p, u16 line, u8 value)
{
	return gpiod_line_set_value(line_of(p, line)->line, value) == 0;
}

static int host_get(struct gpio_port *p, u16 line)
{
	struct host_line *l = line_of(p, line);
	int value;

	/* Nobody asked for it to be an input yet: for a moment it is one. */
	if (!gpiod_line_is_requested(l->line) && gpiod_line_request_input(l->line, "ringside") < 0)
		return -1;
	value = gpiod_line_get_value(l->line);
	if (!l->watched && l->direction == VIRTIO_GPIO_DIRECTION_NONE)
		gpiod_line_release(l->line);
	return value;
}

static bool host_watch(struct gpio_port *p, u16 line, u8 type)
{
	struct host_line *l = line_of(p, line);

	if (!!type == l->watched)
		return true;
	return request(l, l->direction, 0, type);
}

static void readable(struct reactor_watch *w)
{
	struct host_line *l = (struct host_line *)((char *)w - offsetof(struct host_line, watch));
	struct gpiod_line_event e;

	if (gpiod_line_event_read(l->line, &e) < 0)
		return;
	rgpio_edge(l->host->port.gpio, (u16)(l - l->host->lines),
		   e.event_type == GPIOD_LINE_EVENT_RISING_EDGE);
}

static int host_open(struct gpio_port *p, struct reactor *reactor)
{
	struct gpio_host *h = (struct gpio_host *)p;

	h->reactor = reactor;
	for (u16 i = 0; i < p->lines; i++) {
		reactor_watch_add(reactor, &h->lines[i].watch, readable);
		h->lines[i].in_reactor = true;
	}
	return 0;
}

static void host_close(struct gpio_port *p)
{
	struct gpio_host *h = (struct gpio_host *)p;

	for (u16 i = 0; i < p->lines; i++)
		h->lines[i].in_reactor = false;
}

static void host_free(struct gpio_port *p)
{
	struct gpio_host *h = (struct gpio_host *)p;

	for (u16 i = 0; i < p->lines; i++)
		if (gpiod_line_is_requested(h->lines[i].line))
			gpiod_line_release(h->lines[i].line);
	gpiod_chip_close(h->chip);
	free(h);
}

static const struct gpio_port_ops host_ops = {
	.open = host_open,
	.close = host_close,
	.direction = host_direction,
	.set = host_set,
	.get = host_get,
	.watch = host_watch,
	.free = host_free,
};

static bool has_name(const struct gpio_port *p, const char *name)
{
	for (u32 at = 0; at < p->names_size; at += (u32)strlen(p->names + at) + 1)
		if (strcmp(p->names + at, name) == 0)
			return true;
	return false;
}

static bool find_lines(struct gpio_host *h)
{
	for (u16 i = 0; i < h->port.lines; i++) {
		const char *name;

		h->lines[i].host = h;
		h->lines[i].watch.fd = -1;
		h->lines[i].line = gpiod_chip_get_line(h->chip, i);
		if (!h->lines[i].line)
			return false;
		name = gpiod_line_name(h->lines[i].line);
		if (!name || has_name(&h->port, name) || !gpio_port_name(&h->port, name))
			gpio_port_name(&h->port, "");
	}
	return true;
}

struct gpio_port *gpio_host_open(const char *chip)
{
	struct gpio_host *h = calloc(1, sizeof(*h));

	if (!h || !(h->chip = gpiod_chip_open_lookup(chip)))
		goto failed;
	errno = E2BIG;
	if (gpiod_chip_num_lines(h->chip) > GPIO_LINES_MAX)
		goto failed;
	h->port.ops = &host_ops;
	h->port.lines = (u16)gpiod_chip_num_lines(h->chip);
	if (!find_lines(h))
		goto failed;
	return &h->port;
failed:
	fprintf(stderr, "ringside-backend: gpio '%s': %s\n", chip, strerror(errno));
	if (h && h->chip)
		gpiod_chip_close(h->chip);
	free(h);
	return NULL;
}

#else

struct gpio_port *gpio_host_open(const char *chip)
{
	fprintf(stderr, "ringside-backend: gpio '%s': this build has no libgpiod\n", chip);
	return NULL;
}

#endif
