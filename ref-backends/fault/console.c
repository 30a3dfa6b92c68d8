// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the console. */
#include <string.h>

#include "ref-backends/device/console.h"
#include "ref-backends/fault/fault.h"

#define CONSOLE(ident, name_, clause_, summary_, ...)                                              \
	FAULT(console_##ident, .name = "console-" name_, .clause = clause_, .summary = summary_,   \
	      __VA_ARGS__)

/* --- configuration ---------------------------------------------------------------------------------------- */

static bool not_early(struct rcon *c, u16 port, unsigned what, bool due)
{
	return what == CON_WRITABLE ? due && c->features : due;
}

CONSOLE(not_early, "emergency-refused", "v14.console.init.dev.1",
	"emerg_wr is refused before features are negotiated", .console_is = not_early);

static bool not_emitted(struct rcon *c, u16 port, unsigned what, bool due)
{
	return what == CON_EMITTED ? false : due;
}

CONSOLE(not_emitted, "emergency-lost", "v14.console.init.dev.2",
	"what is written to emerg_wr goes nowhere", .console_is = not_emitted);

static bool never(struct vub_session *s, bool due)
{
	return false;
}

CONSOLE(never, "size-unannounced", "ROB.console.size", "a size that changes is not announced",
	.announce = never);

static void rows_first(struct rcon *c, struct con_message *m)
{
	u8 cols[2];

	if (le16(m->hdr.event) != VIRTIO_CONSOLE_RESIZE)
		return;
	memcpy(cols, m->more, 2);
	memcpy(m->more, m->more + 2, 2);
	memcpy(m->more + 2, cols, 2);
}

CONSOLE(rows_first, "rows-first", "ROB.console.size", "RESIZE has rows first",
	.console_message = rows_first);

/* --- ports ------------------------------------------------------------------------------------------------- */

static bool again(struct rcon *c, const struct dvq_chain *chain, struct virtio_console_control *m,
		  bool good)
{
	for (u16 i = 0; good && m->event == le16(VIRTIO_CONSOLE_DEVICE_READY) && i < c->ports; i++)
		c->port[i].announced = false;
	return good;
}

CONSOLE(again, "added-again", "v14.console.multiport.dev.1a",
	"each DEVICE_READY makes it add all ports", .console_control = again);

static void beyond(struct rcon *c, struct con_message *m)
{
	if (le16(m->hdr.event) == VIRTIO_CONSOLE_PORT_ADD && le32(m->hdr.id) == 1)
		m->hdr.id = le32(c->ports);
}

CONSOLE(beyond, "added-beyond", "v14.console.multiport.dev.1b",
	"port 1 is added with the number max_nr_ports", .console_message = beyond);

static void another(struct rcon *c, struct con_message *m)
{
	if (le16(m->hdr.event) == VIRTIO_CONSOLE_PORT_REMOVE)
		m->hdr.id = le32(c->ports + 1u);
}

CONSOLE(another, "removes-unknown", "v14.console.multiport.dev.2",
	"a port is removed by a number that is no port's", .console_message = another);

/* --- data --------------------------------------------------------------------------------------------------- */

static void last_wrong(struct rcon *c, struct rdev_req *req, u32 len)
{
	const struct dvq_seg *s = &req->chain.segs[req->chain.n_readable];

	if (len == req->chain.writable && len == 777)
		((u8 *)s[req->chain.n_writable - 1].base)[s[req->chain.n_writable - 1].len - 1] ^=
			1;
}

CONSOLE(last_wrong, "byte-wrong", "ROB.console.data",
	"the last byte of a receive buffer that is full is wrong", .console_input = last_wrong);

static struct con_port *drops(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	return p && req->chain.readable == 5003 && con_end_space(p->end) < 5003 ? NULL : p;
}

CONSOLE(drops, "full-drops", "ROB.console.data",
	"what there is no room for is dropped, not left to wait", .console_output = drops);

static struct con_port *mixed(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	return p && p != &c->port[0] ? &c->port[0] : p;
}

CONSOLE(mixed, "ports-mixed", "ROB.console.data", "what is sent on any port goes out at the first",
	.console_output = mixed);

static struct con_port *first_pieces(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	struct dvq_chain *chain = &req->chain;

	while (chain->n_readable > 3)
		chain->readable -= chain->segs[--chain->n_readable].len;
	return p;
}

CONSOLE(first_pieces, "three-pieces", "v14.split-ring.message-framing.dev.1",
	"what is in the fourth descriptor and behind is not sent", .console_output = first_pieces);

static enum fault_action its_length(struct rcon *c, struct rdev_req *req)
{
	if (req->queue == 1 && req->chain.n_writable)
		req->used_len = (u32)req->chain.writable;
	return FAULT_PASS;
}

CONSOLE(its_length, "tx-length", "v14.split-ring.used-ring.dev.2",
	"a buffer that was sent is returned with the length of its writable part",
	.console_done = its_length);

/* --- what no driver does ------------------------------------------------------------------------------------- */

static bool dead;

static void revive(struct vub_session *s)
{
	dead = false;
}

static bool short_kills(struct rcon *c, const struct dvq_chain *chain,
			struct virtio_console_control *m, bool good)
{
	dead |= !good;
	return good && !dead;
}

CONSOLE(short_kills, "short-message-kills", "ROB.live.bad-request",
	"after a control message that is too short no other is obeyed",
	.console_control = short_kills, .session_start = revive);

static enum fault_action empty_kills(struct rcon *c, struct rdev_req *req)
{
	dead |= req->queue == 1 && !req->chain.readable;
	return FAULT_PASS;
}

static bool goes_out(struct rcon *c, u16 port, unsigned what, bool due)
{
	return what == CON_GOES_OUT ? due && !dead : due;
}

CONSOLE(empty_kills, "empty-kills", "ROB.live.bad-request",
	"after a buffer with nothing to send nothing is sent", .console_done = empty_kills,
	.console_is = goes_out, .session_start = revive);

static enum fault_action small_kills(struct rcon *c, struct rdev_req *req)
{
	dead |= req->queue == CON_CONTROL_RX && req->chain.writable < 8;
	return FAULT_PASS;
}

static bool told(struct rcon *c, u16 port, unsigned what, bool due)
{
	return what == CON_MAY_TELL ? due && !dead : due;
}

CONSOLE(small_kills, "small-buffer-kills", "ROB.live.bad-request",
	"after a control buffer that is too small nobody is told anything",
	.console_done = small_kills, .console_is = told);

static enum fault_action runs_over(struct rcon *c, struct rdev_req *req)
{
	if (req->queue == CON_CONTROL_RX && req->chain.writable < 8 && req->chain.n_writable)
		memset(req->chain.segs[req->chain.n_readable].base, 0, 8);
	return FAULT_PASS;
}

CONSOLE(runs_over, "small-buffer-overrun", "ROB.mem.outside",
	"a message is written over the end of its buffer", .console_done = runs_over);

static enum fault_action says_eight(struct rcon *c, struct rdev_req *req)
{
	if (req->queue == CON_CONTROL_RX && req->chain.writable < 8)
		req->used_len = 8;
	return FAULT_PASS;
}

CONSOLE(says_eight, "small-buffer-length", "v14.split-ring.used-ring.dev.2",
	"a control buffer that is too small is returned with length 8", .console_done = says_eight);

static struct con_port *closed_kills(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	dead |= p && p->ready && !p->opened && con_multiport(c);
	return dead ? NULL : p;
}

CONSOLE(closed_kills, "closed-kills", "ROB.live.bad-request",
	"after data for a port that the driver has closed nothing is sent",
	.console_output = closed_kills);

/* --- what is received --------------------------------------------------------------------------------------- */

static bool several;

static void note_several(struct rcon *c, struct rdev_req *req, u32 len)
{
	several = len == 10;
}

/* As one would who returns a buffer with each byte that comes. */
static void returned_again(struct dvq_split *vq, u32 id, u32 len)
{
	if (!several)
		return;
	several = false;
	vq->used->ring[vq->used_idx & (vq->num - 1)] =
		(struct vring_used_elem){ .id = le32(id), .len = le32(len) };
	vq->used_idx++;
	__atomic_store_n(&vq->used->idx, le16(vq->used_idx), __ATOMIC_RELEASE);
}

CONSOLE(several, "buffer-twice", "ROB.chain.once", "returns a buffer with ten letters twice",
	.console_input = note_several, .after_used = returned_again);

static bool input;

static void note_input(struct rcon *c, struct rdev_req *req, u32 len)
{
	input = true;
}

static enum fault_action dropped(struct dvq_split *vq, u32 *id, u32 *len)
{
	const bool lost = input && !vq->event_idx;

	input = false;
	return lost ? FAULT_DONE : FAULT_PASS;
}

CONSOLE(dropped, "input-needs-event-idx", "ROB.console.data",
	"without EVENT_IDX receive buffers are not returned", .console_input = note_input,
	.used = dropped);
