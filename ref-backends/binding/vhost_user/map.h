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

#include "harness/spec/vu_proto.h"

struct vub_map {
	void *map; /* NULL: nothing */
	size_t map_len;
	u8 *at; /* the byte that was asked for */
	/* Grants: what has to be given back, to gntdev by a descriptor of our own. -1 or 0: nothing. */
	int grant_fd;
	u32 grants;
	u64 grant_index;
};

/*
 * Map bytes [offset, offset + size) of fd for reading and writing. The offset need not be aligned.
 * NULL, or why not.
 */
const char *vub_map(struct vub_map *m, int fd, u64 offset, u64 size);
/*
 * Map a region of a domain of Xen's: frames through privcmd, grants through gntdev, whichever `fd` is.
 * NULL, or why not.
 */
const char *vub_map_xen(struct vub_map *m, int fd, const struct vu_mem_region_xen *r);
void vub_unmap(struct vub_map *m);

/* Between map.c and map_xen.c: what the handler may repair. False: there are too many. */
bool vub_map_guarded(const struct vub_map *m, uintptr_t page);
void vub_grants_return(struct vub_map *m);

/* Install the handler. `wake_fd` is an eventfd that is written after each hit. */
void vub_map_guard(int wake_fd);

/* Did memory vanish since the last call? */
bool vub_map_vanished(void);

#endif
