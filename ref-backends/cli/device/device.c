// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/device.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const struct cli_device *const cli_devices[] = { &cli_blk,  &cli_net,  &cli_rng,     &cli_i2c,
						 &cli_gpio, &cli_scmi, &cli_console, &cli_vsock,
						 &cli_fs,   &cli_snd,  &cli_gpu,     &cli_input,
						 &cli_can,  &cli_spi,  &cli_scsi,    &cli_null,
						 NULL };

bool cli_device_parse(const struct cli_device_program *p, int argc, char **argv, int *status)
{
	struct cli_table tables[1 + ARRAY_SIZE(cli_devices) + ARRAY_SIZE(p->rest)];
	struct cli_program program = { p->name, p->synopsis, p->ending, tables, 0 };

	tables[program.num_tables++] = p->first;
	for (unsigned i = 0; cli_devices[i]; i++)
		if (cli_devices[i]->options.n)
			tables[program.num_tables++] = cli_devices[i]->options;
	for (unsigned i = 0; i < p->num_rest; i++)
		tables[program.num_tables++] = p->rest[i];
	return cli_parse(&program, argc, argv, status);
}

/* The one whose options were given, or NULL. */
static const struct cli_device *meant(void)
{
	for (unsigned i = 0; cli_devices[i]; i++)
		if (cli_devices[i]->meant && cli_devices[i]->meant())
			return cli_devices[i];
	return NULL;
}

static const struct cli_device *by_name(const char *name)
{
	for (unsigned i = 0; cli_devices[i]; i++)
		if (strcmp(cli_devices[i]->name, name) == 0)
			return cli_devices[i];
	return NULL;
}

static const struct cli_device *find(const char *name)
{
	/* Management software knows a program and its options, but not of device types. */
	const struct cli_device *other = meant(), *found = name ? by_name(name) : other;
	char all[200] = "";

	for (unsigned i = 0; cli_devices[i]; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 cli_devices[i]->name);
	if (!found && name)
		cli_usage_error("no device type '%s': %s are", name, all);
	else if (!found)
		cli_usage_error("which device? %s", all);
	else if (other && other != found)
		cli_usage_error("%s has no use for options of %s", found->name, other->name);
	return other && other != found ? NULL : found;
}

const struct cli_device *cli_device_named(int argc, char *const *argv)
{
	if (argc - optind > 1) {
		cli_usage_error("'%s' is one argument too many", argv[optind + 1]);
		return NULL;
	}
	return find(argv[optind]);
}
