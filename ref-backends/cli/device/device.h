/* SPDX-License-Identifier: BSD-3-Clause */
/* Device types as programs offer them: a name, options, and how one is made of these. */
#ifndef REF_BACKENDS_CLI_DEVICE_DEVICE_H
#define REF_BACKENDS_CLI_DEVICE_DEVICE_H

#include "ref-backends/cli/common/option.h"
#include "ref-backends/device/device.h"

/* What a device is made for, and by whom it is served. */
struct cli_place {
	unsigned num_queues; /* at most, for a type that has as many as one likes */
	u64 hidden; /* features that will not be offered, for a type whose layout they change */
	/* Serves it until the end; the exit status. */
	int (*serve)(const struct cli_place *place, struct rdev *dev);
	void *self; /* the server's */
};

struct cli_device {
	const char *name;
	struct cli_table options;
	bool no_registers; /* it is no device type of the specification */
	bool no_latency;   /* its buffers wait for what comes from outside */
	/* Whether options were given that only this one has; NULL: it has none. */
	bool (*meant)(void);
	/* Makes it, has it served, and cleans up: the exit status. */
	int (*run)(const struct cli_place *place);
};

extern const struct cli_device cli_blk, cli_net, cli_rng, cli_i2c, cli_gpio, cli_null;

/* All of them, with NULL at the end. */
extern const struct cli_device *const cli_devices[];

/* The tables of their options into `tables`; how many those are. */
unsigned cli_device_tables(struct cli_table *tables);

/* By its name; without one, that whose options were given. NULL after a line on stderr. */
const struct cli_device *cli_device_find(const char *name);

#endif
