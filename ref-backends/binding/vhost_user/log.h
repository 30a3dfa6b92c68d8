/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dirty log of a migration: a bitmap of guest pages of 4 KiB that the front-end shares with
 * SET_LOG_BASE. Bits are set by atomic OR, since the front-end clears them meanwhile; what lies
 * outside the bitmap is not logged.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_LOG_H
#define REF_BACKENDS_BINDING_VHOST_USER_LOG_H

#include "ref-backends/binding/vhost_user/map.h"

#define VUB_LOG_PAGE 4096

struct vub_log {
	struct vub_map map;
	u64 size; /* bytes of the bitmap; 0: no log */
};

/* Replaces the log that was. NULL, or why it was refused (the old one stays). */
const char *vub_log_set(struct vub_log *log, int fd, u64 offset, u64 size);
void vub_log_clear(struct vub_log *log);

/* Guest bytes [gpa, gpa + len) were written. */
void vub_log_mark(struct vub_log *log, u64 gpa, u64 len);

#endif
