/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules: one row per clause and kind of event. A rule looks at one event and says whether it breaks
 * the clause; what it has to remember stands in struct jd_state.
 */
#ifndef REF_BACKENDS_JUDGE_RULES_H
#define REF_BACKENDS_JUDGE_RULES_H

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/console.h"
#include "ref-backends/device/gpio.h"
#include "ref-backends/device/i2c.h"
#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/device/scmi.h"
#include "ref-backends/judge/judge.h"

#define JD_RINGS 256

/* What is remembered of one connection; the session's thread only. */
struct jd_state {
	bool owner;		/* SET_OWNER was sent */
	bool stopped[JD_RINGS]; /* GET_VRING_BASE was, and nothing restarted the ring since */
};

struct jd_message {
	struct vub_session *s;
	const struct vub_request *rq;
	const struct vu_msg_spec *spec; /* NULL: unknown */
	const struct jd_state *st;
};

struct jd_message_rule {
	const char *clause;
	u32 ids[4]; /* only these messages; none: all */
	bool (*broken)(const struct jd_message *m);
};

struct jd_chain {
	const struct vub_ring *r;
	const struct dvq_chain *c;
	enum dvq_error error;
};

struct jd_chain_rule {
	const char *clause;
	bool (*broken)(const struct jd_chain *c);
	u64 with, without; /* features that must, must not be negotiated for it to apply */
};

struct jd_ring_rule {
	const char *clause;
	bool (*broken)(const struct vub_ring *r);
	u64 with, without;
};

struct jd_blk_rule {
	const char *clause;
	u32 types[3]; /* only these, when there are any (IN is 0: written as JD_IN) */
	bool (*broken)(const struct rblk *blk, const struct rblk_req *req);
};

/* A frame that was sent: its header, and its first bytes. */
struct jd_net {
	const struct rnet *n;
	const struct virtio_net_hdr_v1 *hdr;
	const struct net_frame *f;
	u8 head[NET_HEAD];
	u32 have;
	struct net_headers at;
};

struct jd_net_rule {
	const char *clause;
	bool (*broken)(const struct jd_net *t);
	u64 with, without;
};

/* A command of the control queue. */
struct jd_net_command {
	const struct rnet *n;
	const struct dvq_chain *chain;
	const struct virtio_net_ctrl_hdr *hdr;
};

struct jd_net_command_rule {
	const char *clause;
	u8 class;
	u64 commands; /* a bit for each */
	bool (*broken)(const struct jd_net_command *c);
	u64 with, without;
};

/* A receive buffer. */
struct jd_net_buffer_rule {
	const char *clause;
	bool (*concerns)(const struct rnet *n);
	/* How many bytes it has to have at least. */
	u64 (*least)(const struct rnet *n);
};

/* A request of an I2C adapter. */
struct jd_i2c {
	const struct ri2c *i2c;
	const struct dvq_chain *chain;
	const struct virtio_i2c_out_hdr *hdr;
};

struct jd_i2c_rule {
	const char *clause;
	bool (*broken)(const struct jd_i2c *q);
};

/* A message to a GPIO device, its fields zero where it is too short. */
struct jd_gpio {
	const struct rgpio *gpio;
	const struct dvq_chain *chain;
	const struct virtio_gpio_request *message;
};

struct jd_gpio_rule {
	const char *clause;
	bool (*broken)(const struct jd_gpio *t);
};

/* A buffer on its event queue. */
struct jd_gpio_event {
	const struct rgpio *gpio;
	const struct dvq_chain *chain;
	u16 line;
};

struct jd_gpio_event_rule {
	const char *clause;
	bool (*broken)(const struct jd_gpio_event *e);
};

/* A command to an SCMI device, its header and parameters zero where it is too short. */
struct jd_scmi {
	const struct rscmi *scmi;
	const struct dvq_chain *chain;
	u32 header, have; /* bytes that are there, of header and parameters */
	const u8 *params;
};

struct jd_scmi_rule {
	const char *clause;
	bool (*broken)(const struct jd_scmi *t);
};

/* A buffer on its event queue, for a message of `len` bytes. */
struct jd_scmi_event {
	const struct dvq_chain *chain;
	u32 len;
};

struct jd_scmi_event_rule {
	const char *clause;
	bool (*broken)(const struct jd_scmi_event *e);
};

/* A command that is allowed with the features of `without` only. */
bool jd_net_always(const struct jd_net_command *c);

#define JD_IN 0x80000000u /* VIRTIO_BLK_T_IN in a list that ends with 0 */

/* An indirect table that the device may read. */
static inline const u8 *jd_table(const struct vub_ring *r, u64 addr, u64 *len)
{
	void *hva;

	if (!vub_has_iommu(r->s))
		return vub_mem_gpa(r->s->mem, addr, len);
	return vub_iotlb_find(&r->s->iotlb, r->s->mem, addr, len, VU_IOTLB_READ, &hva) ==
			       VUB_IOTLB_HIT
		       ? hva
		       : NULL;
}

/* Each table ends with a row without clause. */
extern const struct jd_message_rule jd_message_rules[];
extern const struct jd_message_rule jd_status_rules[];
extern const struct jd_chain_rule jd_chain_rules[];
extern const struct jd_ring_rule jd_start_rules[]; /* when a ring starts */
extern const struct jd_ring_rule jd_avail_rules[]; /* when its available ring was looked at */
extern const struct jd_blk_rule jd_blk_rules[];
extern const struct jd_net_rule jd_net_rules[];
extern const struct jd_net_command_rule jd_net_command_rules[];
extern const struct jd_net_buffer_rule jd_net_buffer_rules[];
extern const struct jd_i2c_rule jd_i2c_rules[];
extern const struct jd_gpio_rule jd_gpio_rules[];
extern const struct jd_gpio_event_rule jd_gpio_event_rules[];
extern const struct jd_scmi_rule jd_scmi_rules[];
extern const struct jd_scmi_event_rule jd_scmi_event_rules[];

/* A clause was broken. Any thread. */
void jd_broke(const char *clause, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
