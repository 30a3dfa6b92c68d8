// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/null.h"

static int run(const struct cli_place *place)
{
	struct rdev dev;

	rnull_init(&dev, (u16)place->num_queues);
	return place->serve(place, &dev);
}

const struct cli_device cli_null = { .name = "null", .no_registers = true, .run = run };
