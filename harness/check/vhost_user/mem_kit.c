// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/mem_kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool ckg_usual_serves(struct ck *c)
{
	return ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, ckm_setup_count) && ckm_serves(c);
}

bool ckg_session(struct ck *c, const struct vu_region_spec *specs, unsigned n)
{
	return ckv_handshake(c, CKM_PF_NO_STATUS) &&
	       ck_must(c, vu_set_regions(ckv(c), specs, n), "making regions") &&
	       ck_must(c, vu_ring_fds_make(ckv(c), 0), "making event descriptors") &&
	       ck_queue_start(c, 0, &(struct ck_queue_opts){ .size = 16, .not_start = true });
}

bool ckg_start(struct ck *c, const char *what, const char *clause)
{
	for (unsigned i = 0; i < ckm_setup_count; i++) {
		struct ckm_msg m;
		int rc;

		if (ckm_order[i] == VU_SET_LOG_BASE || ckm_order[i] == VU_SET_BACKEND_REQ_FD ||
		    !ckm_make(c, ckm_order[i], &m))
			continue;
		rc = vu_cmd(ckv(c), m.request, m.bytes, m.size, m.fds, m.nfds);
		ckm_done(&m);
		if (clause && (rc == TP_EREFUSED || rc == TP_EGONE))
			return ck_fail(c, clause, "the set-up is carried out", "%s: %s", what,
				       c->tp->error);
		if (!ck_must(c, rc, m.spec->name))
			return false;
	}
	return true;
}

bool ckg_room(struct ck *c, unsigned region, struct tp_buf *out)
{
	return ck_alloc_in(c, region, 2048, 64, out);
}

bool ckg_read_at(struct ck *c, struct tp_buf at, const char *what, const char *clause)
{
	struct blk_req r;
	struct ck_used u;
	u8 status;

	blk_carve(&r, at, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR);
	memset(r.data.hva, 0xa5, r.data.len);
	if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	if (!ck_reap(c, 0, &u))
		return clause ? ck_fail(c, clause, "a request is served",
					"%s: a request is not served", what)
			      : ck_error(c, "%s: a request is not served", what);
	status = blk_status(&r);
	if (u.token != &r || u.head == VQ_BADID)
		return ck_error(c, "%s: used element with id %u", what, u.id);
	/* A sector that happens to be full of this very byte is no sector of ours. */
	if (status == VIRTIO_BLK_S_OK && ck_not_value(r.data.hva, r.data.len, 0xa5) < r.data.len)
		return true;
	return clause ? ck_fail(c, clause, "a request is served",
				"%s: a request comes back with status %u, its data %s", what,
				status,
				ck_not_value(r.data.hva, r.data.len, 0xa5) < r.data.len
					? "written"
					: "untouched")
		      : ck_error(c, "%s: a request comes back with status %u", what, status);
}

bool ckg_extra_make(struct ck *c, const struct vu_region_spec *spec, struct vu_region *r)
{
	return vu_region_create(r, spec) == 0 || ck_error(c, "guest memory: %s", strerror(errno));
}

enum ckv_reaction ckg_add(struct ck *c, const struct vu_region *r, const char *clause)
{
	struct ckm_msg m = { .request = VU_ADD_MEM_REG, .size = sizeof(m.single), .nfds = 1 };

	m.single.region = vu_region_wire(r);
	m.fds[0] = r->fd;
	return ckm_provoke(c, &m, clause);
}

enum ckv_reaction ckg_rem(struct ck *c, const struct vu_mem_region *r, const char *clause)
{
	struct ckm_msg m = { .request = VU_REM_MEM_REG, .size = sizeof(m.single) };

	m.single.region = *r;
	return ckm_provoke(c, &m, clause);
}

struct tp_buf ckg_buf(const struct vu_region *r, u64 offset)
{
	return (struct tp_buf){ r->hva + offset, gpa_add(r->gpa, offset),
				(u32)MIN(r->size - offset, 2048) };
}

int ckg_mappings(struct ck *c, int fd)
{
	unsigned long long inode;
	char path[64], line[256];
	struct stat st;
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)ckv(c)->peer);
	f = fopen(path, "re");
	if (!f || fstat(fd, &st) < 0) {
		if (f)
			fclose(f);
		return -1;
	}
	/* address perms offset dev inode path */
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %llu", &inode) == 1 && inode == st.st_ino)
			n++;
	fclose(f);
	return n;
}
