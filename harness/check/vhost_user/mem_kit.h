/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions with guest memory of the check's own choosing, and requests with buffers anywhere in it. */
#ifndef HARNESS_CHECK_VHOST_USER_MEM_KIT_H
#define HARNESS_CHECK_VHOST_USER_MEM_KIT_H

#include "harness/check/vhost_user/msg_kit.h"

/*
 * What the usual session does is the measure for what an unusual one must do: the usual one serves a
 * request. False: an error was recorded.
 */
bool ckg_usual_serves(struct ck *c);

/*
 * A new session without STATUS and with these regions; ring 0 is laid out in the first one, nothing
 * of it is sent.
 */
bool ckg_session(struct ck *c, const struct vu_region_spec *specs, unsigned n);

/*
 * The features, SET_MEM_TABLE and ring 0's messages. A refusal, or an end of the connection, breaks
 * `clause` (NULL: it is an error).
 */
bool ckg_start(struct ck *c, const char *what, const char *clause);

/*
 * A read of sector 0 with header, data and status at `at`, which lies in any region: served with
 * status OK, and the data written. Otherwise `clause` is broken (NULL: an error). 4 KiB are used.
 */
bool ckg_read_at(struct ck *c, struct tp_buf at, const char *what, const char *clause);

/* The first bytes of region `region`, behind what was allocated in it. */
bool ckg_room(struct ck *c, unsigned region, struct tp_buf *out);

/* A region beside the front-end's own table, for ADD_MEM_REG. */
bool ckg_extra_make(struct ck *c, const struct vu_region_spec *spec, struct vu_region *r);
enum ckv_reaction ckg_add(struct ck *c, const struct vu_region *r, const char *clause);
enum ckv_reaction ckg_rem(struct ck *c, const struct vu_mem_region *r, const char *clause);
struct tp_buf ckg_buf(const struct vu_region *r, u64 offset);

/* Lines of the target's memory map that show this file; -1: its map cannot be read. */
int ckg_mappings(struct ck *c, int fd);

#endif
