// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/notify_io.h"

#include <errno.h>
#include <poll.h>

bool ckn_readers_gone(struct ck *c, int fd)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	struct pollfd pfd = { .fd = fd };
	int rc;

	do
		rc = poll(&pfd, 1, VU_SLICE_MS);
	while (rc < 0 ? errno == EINTR : rc == 0 && !tp_over(c->tp, deadline));
	return rc > 0 && pfd.revents & POLLERR;
}
