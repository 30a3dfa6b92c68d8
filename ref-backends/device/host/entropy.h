/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes for struct rrng, from the kernel. */
#ifndef REF_BACKENDS_DEVICE_HOST_ENTROPY_H
#define REF_BACKENDS_DEVICE_HOST_ENTROPY_H

#include "ref-backends/device/rng.h"

/* `ctx` is not used. */
void entropy_of_the_host(void *ctx, void *to, size_t len);

#endif
