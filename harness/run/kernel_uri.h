/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands behind "vdpa:" and "vhost:" in a target. */
#ifndef HARNESS_RUN_KERNEL_URI_H
#define HARNESS_RUN_KERNEL_URI_H

#include "harness/transport/vhost/kernel.h"

/* "PATH" of a /dev/vhost-vdpa-N. 0, or -1 with one line in `error`. */
int vdpa_uri_parse(struct kdev_where *w, const char *spec, char *error, size_t room);

/*
 * "PATH,tap=NAME" of a /dev/vhost-net, "PATH,cid=N" of a /dev/vhost-vsock, "PATH,wwpn=NAME" of a
 * /dev/vhost-scsi: which of them it is follows from that.
 */
int vhost_uri_parse(struct kdev_where *w, const char *spec, char *error, size_t room);

#endif
