/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of which something comes that no access of the driver's brings at that time, for tests of bindings whose
 * accesses come on another thread: an edge of a line, a delayed response, a descriptor that is watched only since a
 * request.
 */
#ifndef TESTS_UNIT_MMIO_OUTSIDE_H
#define TESTS_UNIT_MMIO_OUTSIDE_H

#include "tests/unit/mmio_driver.h"

#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "ref-backends/device/host/gpio_drive.h"
#include "ref-backends/device/host/scmi_ini.h"
#include "ref-backends/device/host/scmi_time.h"
#include "ref-backends/device/plain.h"

#define EVENTS_AT (BUFFER + 0x400)

/* Until the device has used so much, at most PATIENCE. */
static inline void wait_used(u16 queue, u16 used)
{
	const time_t end = time(NULL) + PATIENCE / 1000;

	while (used_of(queue) != used && time(NULL) < end)
		sched_yield();
	assert_int_equal(used_of(queue), used);
}

/* --- a line that is driven from outside ------------------------------------------------------------------------- */

static struct {
	struct gpio_drive drive;
	struct rgpio gpio;
	char path[64];
} lines;

static inline struct rdev *lines_open(void)
{
	memset(&lines, 0, sizeof(lines));
	snprintf(lines.path, sizeof(lines.path), "/tmp/ringside-lines-%d", (int)getpid());
	gpio_sim_init(&lines.drive.sim, 8);
	assert_int_equal(gpio_drive_open(&lines.drive, lines.path), 0);
	rgpio_init(&lines.gpio, &lines.drive.sim.port, true);
	return &lines.gpio.dev;
}

static inline void lines_close(void)
{
	gpio_drive_close(&lines.drive);
	unlink(lines.path);
}

static inline void lines_ask(u16 type, u32 value)
{
	const struct virtio_gpio_request m = { type, 3, value };
	const u16 used = used_of(GPIO_REQUESTQ);

	offer(GPIO_REQUESTQ, BUFFER, &m, sizeof(m), 2);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, GPIO_REQUESTQ);
	wait_used(GPIO_REQUESTQ, (u16)(used + 1));
	assert_int_equal(driver.ram[BUFFER + sizeof(m)], VIRTIO_GPIO_STATUS_OK);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
}

/* Edges of line 3 are waited for. */
static inline void lines_wait(void)
{
	const struct virtio_gpio_irq_request m = { 3 };

	go_live_with(BIT_ULL(VIRTIO_GPIO_F_IRQ), 2);
	lines_ask(VIRTIO_GPIO_MSG_SET_DIRECTION, VIRTIO_GPIO_DIRECTION_IN);
	lines_ask(VIRTIO_GPIO_MSG_IRQ_TYPE, VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING);
	offer(GPIO_EVENTQ, EVENTS_AT, &m, sizeof(m), 1);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, GPIO_EVENTQ);
	assert_int_equal(used_of(GPIO_EVENTQ), 0);
}

static inline void lines_rise(void)
{
	const int fd = open(lines.path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "3=1\n", 4), 4);
	close(fd);
	wait_used(GPIO_EVENTQ, 1);
	assert_int_equal(driver.ram[EVENTS_AT + 2], VIRTIO_GPIO_IRQ_STATUS_VALID);
}

/* --- a response that comes when the hardware is ready ------------------------------------------------------------ */

static struct {
	struct scmi_platform what;
	struct scmi_time hardware;
	struct rscmi scmi;
} platform;

static inline struct rdev *platform_open(void)
{
	char why[200];

	assert_true(scmi_ini_parse(scmi_ini_usual, &platform.what, why, sizeof(why)));
	assert_int_equal(scmi_time_open(&platform.hardware, &platform.what), 0);
	rscmi_init(&platform.scmi, &platform.what, &platform.hardware.sim.hw, 1);
	return &platform.scmi.dev;
}

/* The processor's clock, which needs a while; the response has come. */
static inline void platform_delays(void)
{
	const u32 header = scmi_header(7, SCMI_CLOCK, SCMI_COMMAND, SCMI_CLOCK_RATE_SET);
	const u32 m[] = { header, SCMI_BIT(0), 0, 700000000, 0 };
	u32 answer[4];

	go_live_with(BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS), 2);
	offer(SCMI_EVENTQ, EVENTS_AT, NULL, 0, 128);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, SCMI_EVENTQ);
	offer(SCMI_CMDQ, BUFFER, m, sizeof(m), 128);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, SCMI_CMDQ);
	/* No access from here on. */
	wait_used(SCMI_EVENTQ, 1);
	memcpy(answer, driver.ram + EVENTS_AT, sizeof(answer));
	assert_int_equal(answer[0], scmi_header(7, SCMI_CLOCK, SCMI_DELAYED, SCMI_CLOCK_RATE_SET));
	assert_int_equal(answer[1], SCMI_SUCCESS);
}

static inline void platform_close(void)
{
	scmi_time_close(&platform.hardware);
}

/* --- a descriptor that is watched since a request ---------------------------------------------------------------- */

static struct {
	struct rdev dev;
	struct rdev_ops ops;
	struct reactor *reactor;
	struct reactor_watch watch;
	struct rdev_req *waits;
	int pipe[2];
} late;

static inline void late_readable(struct reactor_watch *w)
{
	struct rdev_req *req = late.waits;
	char byte;

	assert_int_equal(read(w->fd, &byte, 1), 1);
	reactor_watch_set(late.reactor, w, -1);
	late.waits = NULL;
	memset(req->chain.segs[0].base, FILL, req->chain.segs[0].len);
	req->used_len = req->chain.segs[0].len;
	req->done(req);
}

static inline int late_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	late.reactor = reactor;
	reactor_watch_add(reactor, &late.watch, late_readable);
	return 0;
}

static inline void late_serve(struct rdev *dev, struct rdev_req *req)
{
	late.waits = req;
	reactor_watch_set(late.reactor, &late.watch, late.pipe[0]);
}

static inline struct rdev *late_open(void)
{
	assert_int_equal(pipe2(late.pipe, O_CLOEXEC), 0);
	late.ops = (struct rdev_ops){ .name = "late",
				      .id = VIRTIO_ID_RNG,
				      .req_size = sizeof(struct rdev_req),
				      .features = plain_features,
				      .negotiated = plain_negotiated,
				      .config = plain_config,
				      .config_write = plain_config_write,
				      .reset = plain_reset,
				      .resized = plain_resized,
				      .queue_open = late_queue_open,
				      .queue_close = plain_queue_close,
				      .serve = late_serve };
	late.dev = (struct rdev){ .ops = &late.ops, .num_queues = 1 };
	late.waits = NULL;
	return &late.dev;
}

/* The n-th request: watched, and answered. */
static inline void late_turn(u16 n)
{
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(used_of(0), n - 1);
	assert_int_equal(write(late.pipe[1], "", 1), 1);
	wait_used(0, n);
	filled(n);
}

static inline void late_close(void)
{
	close(late.pipe[0]);
	close(late.pipe[1]);
}

#endif
