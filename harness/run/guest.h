/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest that a result was found in. */
#ifndef HARNESS_RUN_GUEST_H
#define HARNESS_RUN_GUEST_H

#include <jansson.h>

#include "harness/spec/types.h"

struct run_guest {
	char ringside[24]; /* version of the probe */
	char arch[24], machine[64];
	char clock[24];
	u64 hz;
	u32 error_ppm;
};

/* New reference. */
json_t *guest_json(const struct run_guest *g);

#endif
