// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/gpio_sim.h"

#include <string.h>

static struct gpio_sim *sim_of(struct gpio_port *p)
{
	return (struct gpio_sim *)p;
}

static u8 level(const struct gpio_sim *s, u16 line)
{
	const struct gpio_sim_line *l = &s->lines[line];

	if (l->output)
		return l->value;
	if (l->wire != GPIO_NO_WIRE && s->lines[l->wire].output)
		return s->lines[l->wire].value;
	return l->driven;
}

static void look(struct gpio_sim *s, u16 line)
{
	const u8 now = level(s, line), before = s->lines[line].level;

	s->lines[line].level = now;
	if (now != before && s->port.gpio)
		rgpio_edge(s->port.gpio, line, now);
}

/* Something about a line is different: it, and what it is wired to. */
static void look_around(struct gpio_sim *s, u16 line)
{
	look(s, line);
	if (s->lines[line].wire != GPIO_NO_WIRE)
		look(s, s->lines[line].wire);
}

static bool sim_direction(struct gpio_port *p, u16 line, u8 direction, u8 value)
{
	struct gpio_sim *s = sim_of(p);

	s->lines[line].output = direction == VIRTIO_GPIO_DIRECTION_OUT;
	s->lines[line].value = value;
	look_around(s, line);
	return true;
}

static bool sim_set(struct gpio_port *p, u16 line, u8 value)
{
	struct gpio_sim *s = sim_of(p);

	s->lines[line].value = value;
	look_around(s, line);
	return true;
}

static int sim_get(struct gpio_port *p, u16 line)
{
	return level(sim_of(p), line);
}

static const struct gpio_port_ops sim_ops = {
	.direction = sim_direction,
	.set = sim_set,
	.get = sim_get,
};

void gpio_sim_init(struct gpio_sim *s, u16 lines)
{
	memset(s, 0, sizeof(*s));
	s->port.ops = &sim_ops;
	s->port.lines = lines;
	for (u32 i = 0; i < GPIO_LINES_MAX; i++)
		s->lines[i].wire = GPIO_NO_WIRE;
}

bool gpio_sim_wire(struct gpio_sim *s, u16 a, u16 b)
{
	if (a >= s->port.lines || b >= s->port.lines || a == b ||
	    s->lines[a].wire != GPIO_NO_WIRE || s->lines[b].wire != GPIO_NO_WIRE)
		return false;
	s->lines[a].wire = b;
	s->lines[b].wire = a;
	return true;
}

void gpio_sim_drive(struct gpio_sim *s, u16 line, bool high)
{
	s->lines[line].driven = high;
	look_around(s, line);
}
