/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Simulated lines. One that nobody drives is low. Two may be wired to each other: an output then drives the
 * other; and gpio_sim_drive() is a source outside, which an output at the other end of a wire goes before.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_GPIO_SIM_H
#define REF_BACKENDS_DEVICE_GPIO_SIM_H

#include "ref-backends/device/gpio.h"

#define GPIO_NO_WIRE 0xffff

struct gpio_sim {
	struct gpio_port port; /* first */
	struct gpio_sim_line {
		u16 wire;    /* the other line, or GPIO_NO_WIRE */
		bool output; /* of the driver's */
		u8 value;    /* then */
		u8 driven;   /* from outside */
		u8 level;    /* that was seen last */
	} lines[GPIO_LINES_MAX];
};

void gpio_sim_init(struct gpio_sim *s, u16 lines);
/* False: one is none, or wired already. */
bool gpio_sim_wire(struct gpio_sim *s, u16 a, u16 b);
/* On the device's thread. */
void gpio_sim_drive(struct gpio_sim *s, u16 line, bool high);

#endif
