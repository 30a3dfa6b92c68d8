/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a GPIO device (VIRTIO 1.4, 5.18): messages and their answers, and buffers that wait
 * for a line's interrupt.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_GPIO_H
#define HARNESS_DEVICE_GPIO_H

#include <linux/virtio_gpio.h>

#include "harness/transport/transport.h"
#include "harness/virtqueue/vq.h"

#define GPIO_REQUESTQ 0
#define GPIO_EVENTQ   1

#define GPIO_REQUEST 8 /* bytes of a message */
#define GPIO_ANSWER  2
#define GPIO_EVENT   2 /* bytes of what names a line on the event queue */
/* What an event's status holds until the device writes it. */
#define GPIO_NO_EVENT 0xa5

/* A message into `to`, of GPIO_REQUEST bytes. */
void gpio_message(u8 *to, u16 type, u16 line, u32 value);
/* What waits for an interrupt of a line, into `to`: GPIO_EVENT bytes, and one for the status. */
void gpio_event(u8 *to, u16 line);

#endif
