// SPDX-License-Identifier: BSD-3-Clause
/*
 * Regions of a domain of Xen's, by the ioctls of the devices that the front-end gives a descriptor of. They
 * are few and fixed, so none of Xen's libraries is needed: the back-end is the same program everywhere.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/map.h"

#define PAGE	  4096u
#define PAGES_MAX (1u << 24)
/* gntdev takes a limited number in one call, and maps what one call gave in one piece. */
#define GRANTS_MAX (1u << 16)

/* linux/drivers/xen/privcmd.c, include/uapi/xen/privcmd.h */
struct mmap_batch {
	u32 num;
	u16 domain;
	u64 addr;
	const u64 *frames;
	int *errors;
};
#define MMAP_BATCH _IOC(_IOC_NONE, 'P', 4, sizeof(struct mmap_batch))

/* include/uapi/xen/gntdev.h */
struct map_grants {
	u32 count, padding;
	u64 index; /* out: offset for mmap() */
	struct {
		u32 domain, reference;
	} refs[];
};
struct unmap_grants {
	u64 index;
	u32 count, padding;
};
#define MAP_GRANTS   _IOC(_IOC_NONE, 'G', 0, sizeof(struct map_grants) + 8)
#define UNMAP_GRANTS _IOC(_IOC_NONE, 'G', 1, sizeof(struct unmap_grants))

static const char *map_foreign(struct vub_map *m, int fd, u64 first, u32 pages, u32 domain)
{
	u64 *frames = malloc(pages * sizeof(*frames));
	int *errors = calloc(pages, sizeof(*errors));
	struct mmap_batch batch = { pages, (u16)domain, 0, frames, errors };
	const char *why = NULL;

	if (!frames || !errors) {
		free(frames);
		free(errors);
		return "too large a region";
	}
	for (u32 i = 0; i < pages; i++)
		frames[i] = first + i;
	m->map = mmap(NULL, m->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		why = "descriptor cannot be mapped";
	} else {
		batch.addr = (u64)(uintptr_t)m->map;
		if (ioctl(fd, MMAP_BATCH, &batch))
			why = "frames of the domain cannot be mapped";
	}
	for (u32 i = 0; !why && i < pages; i++)
		if (errors[i])
			why = "a frame of the domain cannot be mapped";
	free(frames);
	free(errors);
	return why;
}

static const char *map_grants(struct vub_map *m, int fd, u64 first, u32 pages, u32 domain)
{
	struct map_grants *g = calloc(1, sizeof(*g) + pages * sizeof(g->refs[0]));
	const char *why = NULL;

	if (!g)
		return "too large a region";
	g->count = pages;
	for (u32 i = 0; i < pages; i++) {
		g->refs[i].domain = domain;
		g->refs[i].reference = (u32)first + i;
	}
	if (ioctl(fd, MAP_GRANTS, g)) {
		why = "grants cannot be mapped";
	} else {
		m->grants = pages;
		m->grant_index = g->index;
		/* The front-end's descriptor goes with its message. */
		m->grant_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		m->map = mmap(NULL, m->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      (off_t)g->index);
		if (m->map == MAP_FAILED) {
			m->map = NULL;
			why = "grants cannot be mapped";
		}
	}
	free(g);
	return why;
}

void vub_grants_return(struct vub_map *m)
{
	struct unmap_grants u = { m->grant_index, m->grants, 0 };

	if (m->grant_fd >= 0) {
		ioctl(m->grant_fd, UNMAP_GRANTS, &u);
		close(m->grant_fd);
	}
	m->grant_fd = -1;
	m->grants = 0;
}

const char *vub_map_xen(struct vub_map *m, int fd, const struct vu_mem_region_xen *r)
{
	const bool grant = r->flags & VU_XEN_GRANT;
	const u64 gpa = grant ? r->region.gpa & ~VU_XEN_GRANT_ADDR : r->region.gpa;
	const u64 offset = gpa % PAGE, pages = (offset + r->region.size + PAGE - 1) / PAGE;
	const char *why;

	*m = (struct vub_map){ .grant_fd = -1 };
	if (r->flags & ~(VU_XEN_FOREIGN | VU_XEN_GRANT))
		return "a way of mapping that is not known";
	if (grant == !!(r->flags & VU_XEN_FOREIGN))
		return "either frames or grants";
	if (grant && !(r->region.gpa & VU_XEN_GRANT_ADDR))
		return "grants without their bit in the address";
	if (r->region.size > (u64)PAGES_MAX * PAGE || pages > (grant ? GRANTS_MAX : PAGES_MAX))
		return "too large a region";
	if (r->domain > 0x7fef)
		return "no such domain";
	m->map_len = pages * PAGE;
	why = (grant ? map_grants : map_foreign)(m, fd, gpa / PAGE, (u32)pages, r->domain);
	if (!why && !vub_map_guarded(m, PAGE))
		why = "too many mappings";
	if (why) {
		if (m->map)
			munmap(m->map, m->map_len);
		vub_grants_return(m);
		m->map = NULL;
		return why;
	}
	m->at = (u8 *)m->map + offset;
	return NULL;
}
