// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/device.h"

#include <stdio.h>
#include <string.h>

const struct cli_device *const cli_devices[] = { &cli_blk,  &cli_net,  &cli_rng, &cli_i2c,
						 &cli_gpio, &cli_null, NULL };

unsigned cli_device_tables(struct cli_table *tables)
{
	unsigned n = 0;

	for (unsigned i = 0; cli_devices[i]; i++)
		if (cli_devices[i]->options.n)
			tables[n++] = cli_devices[i]->options;
	return n;
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

const struct cli_device *cli_device_find(const char *name)
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
