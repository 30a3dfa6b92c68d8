// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/log_io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

u64 ckl_bytes(const struct ck *c)
{
	u64 end = 0;

	for (unsigned i = 0; i < c->tp->mem_count; i++)
		end = MAX(end, c->tp->mem[i].gpa.v + c->tp->mem[i].len);
	return ALIGN_UP(end / CKL_PAGE / 8 + 1, CKL_PAGE);
}

bool ckl_make(struct ck *c, struct ckl *l, u64 size, u64 offset, u64 behind)
{
	*l = (struct ckl){ .fd = -1, .map_len = offset + size + behind };
	l->fd = memfd_create("ringside-log", MFD_CLOEXEC);
	if (l->fd < 0 || ftruncate(l->fd, (off_t)l->map_len) < 0)
		return ck_error(c, "a log of %llu bytes: %s", (unsigned long long)l->map_len,
				strerror(errno));
	l->map = mmap(NULL, l->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
	if (l->map == MAP_FAILED) {
		l->map = NULL;
		return ck_error(c, "mapping a log: %s", strerror(errno));
	}
	l->offset = offset;
	l->size = size;
	return true;
}

void ckl_free(struct ckl *l)
{
	if (l->map)
		munmap(l->map, l->map_len);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct ckl){ .fd = -1 };
}

bool ckl_send(struct ck *c, const struct ckl *l)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_log log = { l->size, l->offset };
	struct vu_reply r;
	int rc = vu_send(fe, VU_SET_LOG_BASE, VU_VERSION, &log, sizeof(log), &l->fd, 1);

	if (rc == TP_OK)
		rc = vu_recv(fe, &r, fe->tp.timeout_ms);
	if (!ck_must(c, rc, "SET_LOG_BASE"))
		return false;
	rc = (int)r.msg.hdr.request;
	vu_reply_release(&r);
	return rc == VU_SET_LOG_BASE || ck_error(c, "SET_LOG_BASE is answered by message %d", rc);
}

bool ckl_all(struct ck *c, bool on)
{
	struct vu_frontend *fe = ckv(c);
	u64 features = fe->features & ~BIT_ULL(VU_F_LOG_ALL);

	return ck_must(c,
		       vu_set_u64(fe, VU_SET_FEATURES, features | (on ? BIT_ULL(VU_F_LOG_ALL) : 0)),
		       on ? "setting LOG_ALL" : "clearing LOG_ALL");
}

bool ckl_ring(struct ck *c, unsigned q, bool on, u64 log)
{
	struct tp_queue cfg = ckr_cfg(c, q, 0);

	return ck_must(c, vu_set_vring_addr(ckv(c), q, &cfg, on ? VU_VRING_F_LOG : 0, log),
		       "SET_VRING_ADDR with a log address");
}

bool ckl_run(struct ck *c, struct ckl *l)
{
	return ckr_session(c) && ckl_make(c, l, ckl_bytes(c), 0, 0) && ckl_send(c, l) &&
	       ckl_all(c, true) && ckr_run(c, 0, 128, 0);
}

void ckl_clear(struct ckl *l)
{
	memset(l->map + l->offset, 0, l->size);
}

bool ckl_bit(const struct ckl *l, u64 page)
{
	return page / 8 < l->size &&
	       __atomic_load_n(&l->map[l->offset + page / 8], __ATOMIC_ACQUIRE) >> page % 8 & 1;
}

u32 ckl_count(const struct ckl *l)
{
	u32 n = 0;

	for (u64 i = 0; i < l->size; i++)
		n += (u32)__builtin_popcount(l->map[l->offset + i]);
	return n;
}

bool ckl_covers(const struct ckl *l, struct gpa gpa, u32 len, u64 *page)
{
	for (*page = gpa.v / CKL_PAGE; *page <= (gpa.v + len - 1) / CKL_PAGE; (*page)++)
		if (!ckl_bit(l, *page))
			return false;
	return true;
}

u64 ckl_stray(const struct ckl *l, const struct tp_buf *bufs, unsigned n)
{
	for (u64 page = 0; page < l->size * 8; page++) {
		bool wanted = false;

		if (!ckl_bit(l, page))
			continue;
		for (unsigned i = 0; i < n; i++)
			wanted |= page >= bufs[i].gpa.v / CKL_PAGE &&
				  page <= (bufs[i].gpa.v + bufs[i].len - 1) / CKL_PAGE;
		if (!wanted)
			return page;
	}
	return ~0ull;
}
