// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/vhost_user/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD 65536u

int vu_region_create(struct vu_region *r, const struct vu_region_spec *spec)
{
	u8 *area;
	int err;

	*r = (struct vu_region){
		.fd = memfd_create("ringside-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		.gpa = { spec->gpa },
		.uva = { spec->uva },
		.size = spec->size,
		.mmap_offset = spec->mmap_offset,
	};
	if (r->fd < 0)
		return -1;
	if (ftruncate(r->fd, (off_t)(spec->mmap_offset + spec->size)) < 0)
		goto fail;
	/* The target holds this file too: it must not be able to cut it short under our feet. */
	if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	area = mmap(NULL, spec->size + 2 * GUARD, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		goto fail;
	if (mmap(area + GUARD, spec->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
		 (off_t)spec->mmap_offset) == MAP_FAILED) {
		munmap(area, spec->size + 2 * GUARD);
		goto fail;
	}
	r->hva = area + GUARD;
	return 0;
fail:
	err = errno;
	close(r->fd);
	r->fd = -1;
	errno = err;
	return -1;
}

void vu_region_destroy(struct vu_region *r)
{
	if (r->fd < 0)
		return;
	if (r->hva)
		munmap(r->hva - GUARD, r->size + 2 * GUARD);
	close(r->fd);
	*r = (struct vu_region){ .fd = -1 };
}
