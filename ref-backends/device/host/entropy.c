// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void entropy_of_the_host(void *ctx, void *to, size_t len)
{
	u8 *at = to;

	(void)ctx;
	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno != EINTR) {
			/* Never something that only looks random. */
			perror("ringside-backend: getrandom");
			abort();
		}
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}
