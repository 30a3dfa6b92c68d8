// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "harness/spec/types.h"

static volatile sig_atomic_t pending;

static void note(int sig)
{
	pending = sig;
}

void interrupt_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	/* No SA_RESTART: what waits shall look up. SA_RESETHAND: the second one is not asked nicely. */
	struct sigaction sa = { .sa_handler = note, .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

int interrupt_pending(void)
{
	return pending;
}
