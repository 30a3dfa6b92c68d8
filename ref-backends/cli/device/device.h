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

extern const struct cli_device cli_blk, cli_net, cli_rng, cli_i2c, cli_gpio, cli_scmi, cli_console,
	cli_vsock, cli_fs, cli_snd, cli_gpu, cli_input, cli_can, cli_spi, cli_scsi, cli_null;

/* All of them, with NULL at the end. */
extern const struct cli_device *const cli_devices[];

/* The tables of a program in the order of its --help: its own, those of the devices, what is the same for all. */
struct cli_device_program {
	const char *name, *synopsis, *ending; /* as of struct cli_program */
	struct cli_table first;
	struct cli_table rest[6];
	unsigned num_rest;
};

/* As cli_parse(). */
bool cli_device_parse(const struct cli_device_program *p, int argc, char **argv, int *status);

/* By the only argument that is no option; without one, that whose options were given. NULL after a line on stderr. */
const struct cli_device *cli_device_named(int argc, char *const *argv);

#endif
