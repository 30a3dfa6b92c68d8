// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/entropy.h"

static int run(const struct cli_place *place)
{
	struct rrng rng;

	rrng_init(&rng, entropy_of_the_host, NULL);
	return place->serve(place, &rng.dev);
}

const struct cli_device cli_rng = { .name = "rng", .run = run };
