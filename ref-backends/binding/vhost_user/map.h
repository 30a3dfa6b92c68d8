/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared mappings of descriptors that came from the front-end, and what happens when the file
 * behind one shrinks under us.
 *
 * A size is checked against the file when it is mapped. A front-end can truncate the file later;
 * the access then raises SIGBUS. The handler puts a page of zeroes in the place of the page that
 * vanished, remembers the fact and wakes the session, which closes the connection.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_MAP_H
#define REF_BACKENDS_BINDING_VHOST_USER_MAP_H

#include "harness/spec/types.h"

struct vub_map {
	void *map; /* NULL: nothing */
	size_t map_len;
	u8 *at; /* the byte that was asked for */
};

/*
 * Map bytes [offset, offset + size) of fd for reading and writing. The offset need not be aligned.
 * NULL, or why not.
 */
const char *vub_map(struct vub_map *m, int fd, u64 offset, u64 size);
void vub_unmap(struct vub_map *m);

/* Install the handler. `wake_fd` is an eventfd that is written after each hit. */
void vub_map_guard(int wake_fd);

/* Did memory vanish since the last call? */
bool vub_map_vanished(void);

#endif
