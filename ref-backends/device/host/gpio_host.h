/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of a chip of the host's, by libgpiod: for builds that have it. */
#ifndef REF_BACKENDS_DEVICE_HOST_GPIO_HOST_H
#define REF_BACKENDS_DEVICE_HOST_GPIO_HOST_H

#include "ref-backends/device/gpio.h"

/*
 * All lines of a chip ("gpiochip0", or a path), under the names that the host has for them where these are
 * not too long and not there twice. A line that somebody else of the host uses cannot be given a direction.
 * NULL after a line on stderr, also in a build without libgpiod.
 */
struct gpio_port *gpio_host_open(const char *chip);

#endif
