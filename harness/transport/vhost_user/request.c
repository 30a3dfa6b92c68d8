// SPDX-License-Identifier: BSD-3-Clause
/* Typed requests: one function per message a front-end sends in a usual session. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"

int vu_set_u64(struct vu_frontend *fe, u32 request, u64 v)
{
	return vu_cmd(fe, request, &v, sizeof(v), NULL, 0);
}

int vu_set_state(struct vu_frontend *fe, u32 request, u32 index, u32 num)
{
	struct vu_vring_state s = { fe->tp.first_queue + index, num };

	return vu_cmd(fe, request, &s, sizeof(s), NULL, 0);
}

int vu_set_mem_table(struct vu_frontend *fe)
{
	struct vu_mem_table t = { .nregions = fe->region_count };
	int fds[VU_MAX_REGIONS];

	for (unsigned i = 0; i < fe->region_count; i++) {
		t.regions[i] = vu_region_wire(&fe->regions[i]);
		fds[i] = fe->regions[i].fd;
	}
	return vu_cmd(fe, VU_SET_MEM_TABLE, &t, 8 + 32 * fe->region_count, fds, fe->region_count);
}

u64 vu_uva(const struct vu_frontend *fe, struct gpa gpa)
{
	for (unsigned i = 0; i < fe->region_count; i++) {
		const struct vu_region *r = &fe->regions[i];

		if (gpa.v - r->gpa.v < r->size)
			return r->uva.v + (gpa.v - r->gpa.v);
	}
	return 0;
}

/* How the back-end is told of a part of a ring. */
static u64 ring_address(const struct vu_frontend *fe, struct gpa gpa)
{
	return vu_has_iommu(fe) ? gpa.v + fe->ring_iova : vu_uva(fe, gpa);
}

int vu_set_vring_addr(struct vu_frontend *fe, unsigned q, const struct tp_queue *cfg, u32 flags,
		      u64 log)
{
	struct vu_vring_addr a = {
		.index = fe->tp.first_queue + q,
		.flags = flags,
		.desc = ring_address(fe, cfg->desc),
		.used = ring_address(fe, cfg->device),
		.avail = ring_address(fe, cfg->driver),
		.log = log,
	};

	return vu_cmd(fe, VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
}

int vu_get_vring_base(struct vu_frontend *fe, unsigned q, u32 *base)
{
	struct vu_vring_state s = { fe->tp.first_queue + q, 0 };
	struct vu_reply r;
	int rc = vu_call(fe, VU_GET_VRING_BASE, &s, sizeof(s), &r);

	if (rc != TP_OK)
		return rc;
	if (r.msg.hdr.size != sizeof(s))
		rc = vu_error(fe, TP_EPROTO, "GET_VRING_BASE: the reply has %u bytes, not 8",
			      r.msg.hdr.size);
	*base = r.msg.state.num;
	vu_reply_release(&r);
	if (rc == TP_OK && q < VU_FE_RINGS)
		fe->rings[q].started = false;
	return rc;
}

int vu_set_vring_fd(struct vu_frontend *fe, u32 request, unsigned q, int fd)
{
	u64 v = (fe->tp.first_queue + q) | (fd < 0 ? VU_VRING_NOFD : 0);

	return vu_cmd(fe, request, &v, sizeof(v), &fd, fd >= 0);
}

int vu_get_config(struct vu_frontend *fe, u32 offset, u32 len, void *buf)
{
	struct vu_config c = { .offset = offset, .size = len };
	struct vu_reply r;
	int rc;

	if (len > VU_MAX_CONFIG)
		return vu_error(fe, TP_ELOCAL, "GET_CONFIG of %u bytes", len);
	rc = vu_call(fe, VU_GET_CONFIG, &c, VU_CONFIG_HEADER + len, &r);
	if (rc != TP_OK)
		return rc;
	if (r.msg.hdr.size == 0 || (r.msg.hdr.size == VU_CONFIG_HEADER && r.msg.config.size == 0))
		rc = vu_error(fe, TP_EREFUSED, "GET_CONFIG: refused");
	else if (r.msg.hdr.size != VU_CONFIG_HEADER + len)
		rc = vu_error(fe, TP_EPROTO, "GET_CONFIG: the reply has %u bytes, not %u",
			      r.msg.hdr.size, VU_CONFIG_HEADER + len);
	else
		memcpy(buf, r.msg.config.data, len);
	vu_reply_release(&r);
	return rc;
}

int vu_set_config(struct vu_frontend *fe, u32 offset, u32 len, u32 flags, const void *buf)
{
	struct vu_config c = { .offset = offset, .size = len, .flags = flags };

	if (len > VU_MAX_CONFIG)
		return vu_error(fe, TP_ELOCAL, "SET_CONFIG of %u bytes", len);
	memcpy(c.data, buf, len);
	return vu_cmd(fe, VU_SET_CONFIG, &c, VU_CONFIG_HEADER + len, NULL, 0);
}

int vu_set_channel(struct vu_frontend *fe)
{
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return vu_error(fe, TP_ELOCAL, "socketpair: %s", strerror(errno));
	rc = vu_cmd(fe, VU_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
	close(pair[1]);
	if (rc != TP_OK) {
		close(pair[0]);
		return rc;
	}
	if (fe->channel >= 0)
		close(fe->channel);
	fe->channel = pair[0];
	return TP_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int vu_ring_fds_make(struct vu_frontend *fe, unsigned q)
{
	struct vu_ring_fds *r = &fe->rings[q];
	int *const fds[] = { &r->kick, &r->call, &r->err };

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		close_fd(fds[i]);
		*fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (*fds[i] < 0)
			return vu_error(fe, TP_ELOCAL, "eventfd: %s", strerror(errno));
	}
	return TP_OK;
}
