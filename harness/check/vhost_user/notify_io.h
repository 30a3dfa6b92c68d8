/* SPDX-License-Identifier: BSD-3-Clause */
/* Who still holds a descriptor that was given away? */
#ifndef HARNESS_CHECK_VHOST_USER_NOTIFY_IO_H
#define HARNESS_CHECK_VHOST_USER_NOTIFY_IO_H

#include "harness/check/vhost_user/ring_io.h"

/*
 * For a pipe whose read end was given away: has everybody closed it, within the deadline? `fd` is
 * the write end. (ckv_reaches_eof() is for the other direction.)
 */
bool ckn_readers_gone(struct ck *c, int fd);

#endif
