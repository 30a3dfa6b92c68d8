/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults: small filters laid over the reference back-end, each of which breaks exactly one clause.
 *
 * The back-end calls a hook at every place where behaviour can be bent; with no fault selected that
 * is one predictable branch. A fault fills in the hooks it needs and registers itself with FAULT().
 * Hooks see the back-end's own structures and may do anything with them that shows the fault.
 */
#ifndef REF_BACKENDS_FAULT_FAULT_H
#define REF_BACKENDS_FAULT_FAULT_H

#include "harness/spec/types.h"

struct vub_session;
struct vub_ring;
struct vub_request; /* a received message with its descriptors */
struct vub_reply;   /* what is about to be sent; `send` says whether */
struct dvq_split;
struct dvq_chain;
struct dvq_packed;
struct dvq_packed_desc;
struct dvq_packed_used;
struct dvq_at;
struct rblk;
struct rblk_req;
struct rrng;
struct rmessage;
struct ri2c;
struct ri2c_req;
struct i2c_message;
struct rgpio;
struct virtio_gpio_request;
struct rscmi;
struct scmi_call;
struct rcon;
struct con_port;
struct con_message;
struct virtio_console_control;
struct rvsock;
struct vsock_flow;
struct virtio_vsock_hdr;
struct virtio_vsock_event;
struct rnet;
struct net_frame;
struct net_held;
struct net_rx;
struct virtio_net_hdr_v1_hash;
struct virtio_net_ctrl_hdr;
struct rdev_req;
struct rreg; /* a device with registers (binding/registers/rreg.h) */
struct rreg_queue;
struct rpci;

enum fault_action {
	FAULT_PASS,  /* go on as if nothing had happened (the hook may have edited its argument) */
	FAULT_DONE,  /* the hook did it: skip the correct handling */
	FAULT_CLOSE, /* end the connection */
};

struct fault {
	const char *name;    /* kebab-case, for --fault */
	const char *clause;  /* id of the one clause it breaks */
	const char *summary; /* one line: what it does wrong */
	/* Where it shows: "pci", "mmio", "registers" (both); NULL: not with registers alone. */
	const char *transport;

	/* What is offered. */
	u64 (*features)(u64 offered);
	u64 (*protocol_features)(u64 offered);
	/* The configuration space image before a read is answered. */
	void (*config)(struct vub_session *s, u8 *config, size_t len);

	/* Connection. */
	void (*session_start)(struct vub_session *s);
	void (*session_end)(struct vub_session *s);

	/* Bytes were read, or the end: an enum vub_recv in, what it is taken for out. */
	int (*received)(struct vub_session *s, int got);

	/* Messages: before handling, and before the reply (or no reply) goes out. */
	enum fault_action (*request)(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep);
	void (*reply)(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep);
	/* A request of the back-end's own is about to go out on its channel; `send` may be cleared. */
	void (*channel)(struct vub_session *s, struct vub_reply *msg);

	/* The configuration changed: is the front-end to be told now? `due` is the right answer. */
	bool (*announce)(struct vub_session *s, bool due);

	/* Ring state: may the ring process requests now? `allowed` is the right answer. */
	bool (*may_run)(struct vub_ring *ring, bool allowed);
	/* A ring starts (`base` is editable: as dvq_ring_base() has it), a ring was stopped. */
	void (*ring_start)(struct vub_ring *ring, u32 *base);
	void (*ring_stop)(struct vub_ring *ring);

	/* Memory: result of a translation of guest address and length (NULL: not in a region). */
	void *(*translate)(struct vub_session *s, u64 gpa, u64 len, void *hva);
	/* A write by the device to guest memory was done: dirty log. Returns whether to log it. */
	bool (*log_write)(struct vub_session *s, u64 gpa, u64 len);

	/* Ring: every value read or about to be written. */
	u16 (*avail_idx)(struct dvq_split *vq, u16 idx);
	u16 (*head)(struct dvq_split *vq, u16 head);
	enum fault_action (*chain)(struct dvq_split *vq, struct dvq_chain *c);
	/* A malformed chain was found (enum dvq_error). FAULT_DONE: the hook dealt with it. */
	enum fault_action (*bad_chain)(struct dvq_split *vq, u16 head, int error);
	/* Before a used element is published; `id` and `len` editable; FAULT_DONE: not published. */
	enum fault_action (*used)(struct dvq_split *vq, u32 *id, u32 *len);
	void (*after_used)(struct dvq_split *vq, u32 id, u32 len);
	/* Should the driver be notified? `due` is the right answer. */
	bool (*notify)(struct dvq_split *vq, bool due);
	/* used->flags and avail_event as about to be stored. */
	u16 (*used_flags)(struct dvq_split *vq, u16 flags);
	u16 (*avail_event)(struct dvq_split *vq, u16 event);

	/*
	 * The packed ring, the same way (virtqueue/packed.h). Is the descriptor at that place available,
	 * with flags as read? `avail` is the right answer. Also asked of what follows in a chain, and
	 * before the device sleeps.
	 */
	bool (*packed_avail)(struct dvq_packed *vq, const struct dvq_at *at, u16 flags, bool avail);
	/* A descriptor as it was read: editable. */
	void (*packed_desc)(struct dvq_packed *vq, const struct dvq_at *at,
			    struct dvq_packed_desc *d);
	/* A chain was taken; with FAULT_DONE it is never returned. */
	enum fault_action (*packed_chain)(struct dvq_packed *vq, struct dvq_chain *c);
	/* A malformed chain was found (enum dvq_error). FAULT_DONE: the hook dealt with it. */
	enum fault_action (*packed_bad_chain)(struct dvq_packed *vq, struct dvq_chain *c,
					      int error);
	/*
	 * Before a used descriptor is written: place, id, length, flags and the distance to the next one
	 * are editable. FAULT_DONE: not written, and the ring stands where it stood. And when it is shown.
	 */
	enum fault_action (*packed_used)(struct dvq_packed *vq, struct dvq_packed_used *u);
	void (*packed_after_used)(struct dvq_packed *vq, const struct dvq_packed_used *u);
	/* Should the driver be notified of `n` descriptors used? `due` is the right answer. */
	bool (*packed_notify)(struct dvq_packed *vq, u32 n, bool due);
	/* The device event suppression structure as about to be stored. */
	void (*packed_event)(struct dvq_packed *vq, u16 *off_wrap, u16 *flags);

	/*
	 * Registers. `reg` is an enum rreg_id. Features that are offered; what a register is about to read
	 * as; a write before it is obeyed, `value` editable; features that the driver wants, `good` is
	 * the right answer.
	 */
	u64 (*reg_features)(struct rreg *r, u64 offered);
	u32 (*reg_read)(struct rreg *r, unsigned reg, u32 value);
	enum fault_action (*reg_write)(struct rreg *r, unsigned reg, u32 *value);
	bool (*reg_acceptable)(struct rreg *r, u64 features, bool good);
	/* The configuration space image whenever it is looked at. */
	void (*reg_config)(struct rreg *r, u8 *config, size_t len);
	/* A reset is complete: of the device; of a queue, which was like that before. */
	void (*reg_reset)(struct rreg *r);
	void (*reg_queue_reset)(struct rreg_queue *q, const struct rreg_queue *was);
	/* Is the device suspended, for enum rreg_asleep `what`? `asleep` is the right answer. */
	bool (*reg_asleep)(const struct rreg *r, unsigned what, bool asleep);
	/* A queue was enabled; may it process requests now? `allowed` is the right answer. */
	void (*reg_queue_begin)(struct rreg_queue *q);
	bool (*reg_may_run)(struct rreg_queue *q, bool allowed);
	/* An interrupt for queue `q`, or for the configuration (-1), before it is raised. */
	enum fault_action (*reg_interrupt)(struct rreg *r, int q);

	/* PCI: configuration space as it was built; and what is about to be read from it. */
	void (*pci_built)(struct rpci *p);
	u32 (*pci_config_read)(struct rpci *p, u16 offset, unsigned size, u32 value);
	enum fault_action (*pci_config_write)(struct rpci *p, u16 offset, unsigned size,
					      u32 *value);
	/* The ISR status is about to be read as `value`. */
	u8 (*pci_isr)(struct rpci *p, u8 value);
	/* An MSI-X vector is due; may its message be sent? `allowed` is the right answer. */
	bool (*pci_msix)(struct rpci *p, unsigned vector, bool allowed);
	/* An access through the PCI configuration access capability. */
	enum fault_action (*pci_window)(struct rpci *p, bool write, u8 *data);

	/* Block device: a parsed request before it is carried out, and before it is completed. */
	enum fault_action (*blk_request)(struct rblk *blk, struct rblk_req *req);
	void (*blk_complete)(struct rblk *blk, struct rblk_req *req);

	/*
	 * Network device. A frame that was sent, `good` says whether it is passed on. May a frame be
	 * delivered? (`wanted` is the right answer.) To which pair? What waits for a receive queue, before
	 * it does. The header in front of it, as about to be written, num_buffers included. Buffers that
	 * were filled, lengths and all, before they are returned. A command of the control queue that was
	 * obeyed, with what is answered; and before it is returned. A reset is over.
	 */
	bool (*net_tx)(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good);
	bool (*net_wanted)(const struct rnet *n, const u8 *head, u32 len, bool wanted);
	u16 (*net_steer)(const struct rnet *n, const struct net_frame *f, u16 pair);
	void (*net_rx)(struct rnet *n, u16 pair, struct net_held *h);
	void (*net_header)(struct rnet *n, struct virtio_net_hdr_v1_hash *hdr, const u8 *frame,
			   u32 len);
	void (*net_filled)(struct rnet *n, struct rdev_req **reqs, u32 count, u32 len);
	void (*net_ctrl)(struct rnet *n, struct rdev_req *req,
			 const struct virtio_net_ctrl_hdr *hdr, u8 *answer);
	void (*net_ctrl_done)(struct rnet *n, struct rdev_req *req);
	void (*net_reset)(struct rnet *n);
	/* Buffers wait for more of them. */
	void (*net_starved)(struct rnet *n, struct net_rx *rx);

	/* Entropy device: a request before it is completed. */
	void (*rng_complete)(struct rrng *rng, struct rdev_req *req);

	/*
	 * Devices of small messages: configuration space; the answer before it is written, with its length in
	 * req->used_len; and after it was.
	 */
	void (*message_config)(struct rmessage *m, u8 *image);
	void (*message_answer)(struct rmessage *m, struct rdev_req *req, const u8 *request,
			       u8 *answer);
	void (*message_done)(struct rmessage *m, struct rdev_req *req);

	/*
	 * I2C adapter. Does it work with these features? (`good` is the right answer.) A request and the message that was made of it, before it is carried out: `good` says
	 * whether it will be. How many of `n` messages, which have been, are said to have succeeded. The
	 * status that is about to be written; and before the request is returned: FAULT_DONE when the hook
	 * will do it.
	 */
	bool (*i2c_acceptable)(struct ri2c *i, u64 features, bool good);
	bool (*i2c_request)(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good);
	u32 (*i2c_group)(struct ri2c *i, u32 n, u32 good);
	u8 (*i2c_complete)(struct ri2c *i, struct ri2c_req *r, u8 status);
	enum fault_action (*i2c_done)(struct ri2c *i, struct ri2c_req *r);

	/*
	 * GPIO device. A message before it is obeyed, editable; what is answered: status and value, and how
	 * many of these bytes are written. The names, before they are told. FAULT_DONE: the hook will return
	 * the request. An interrupt of a line: for enum gpio_what `what`, is it to be so? `due` is the right
	 * answer.
	 */
	void (*gpio_message)(struct rgpio *g, struct virtio_gpio_request *m);
	void (*gpio_answer)(struct rgpio *g, const struct virtio_gpio_request *m, u8 answer[2],
			    u32 *len);
	void (*gpio_names)(struct rgpio *g, char *names);
	enum fault_action (*gpio_done)(struct rgpio *g, const struct virtio_gpio_request *m,
				       struct rdev_req *req);
	/* A buffer on the event queue. */
	void (*gpio_event)(struct rgpio *g, const struct dvq_chain *c);
	bool (*gpio_is)(struct rgpio *g, u16 line, unsigned what, bool due);

	/*
	 * SCMI device. Something that can be otherwise (enum scmi_what): `due` is the right answer. A command
	 * of which `have` bytes are there, before it is obeyed, editable; what is answered, header and status
	 * first, and how many of these bytes are written. A message that is about to be sent on the event
	 * queue, and of how many bytes.
	 */
	bool (*scmi_is)(struct rscmi *s, unsigned what, bool due);
	void (*scmi_command)(struct rscmi *s, struct scmi_call *c, u32 have);
	void (*scmi_answer)(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len);
	void (*scmi_event)(struct rscmi *s, const struct dvq_chain *c, u8 *message, u32 *len);

	/*
	 * Console. A control message to the driver as it is about to be written, editable; one of the driver's,
	 * `good` says whether it will be obeyed. What is in a buffer of a transmit queue, and for which port
	 * (NULL: for none); what was put into one of a receive queue. Before a request is returned: FAULT_DONE
	 * when the hook will do it. For enum con_what `what`, is it to be so? `due` is the right answer.
	 */
	void (*console_message)(struct rcon *c, struct con_message *m);
	bool (*console_control)(struct rcon *c, const struct dvq_chain *chain,
				struct virtio_console_control *m, bool good);
	struct con_port *(*console_output)(struct rcon *c, struct rdev_req *req,
					   struct con_port *p);
	void (*console_input)(struct rcon *c, struct rdev_req *req, u32 len);
	enum fault_action (*console_done)(struct rcon *c, struct rdev_req *req);
	bool (*console_is)(struct rcon *c, u16 port, unsigned what, bool due);

	/*
	 * Socket device. A packet that was sent, its header and length editable, FAULT_DONE: ignored.
	 * For enum vsock_what `what` of a flow (NULL: of none), is it to be so? `due` is
	 * the right answer. How many bytes a flow may send now. Bytes that were put behind a header; the header,
	 * before it is written; and a receive buffer before it is returned.
	 */
	enum fault_action (*vsock_packet)(struct rvsock *v, struct rdev_req *req,
					  struct virtio_vsock_hdr *h, u32 *len);
	bool (*vsock_is)(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due);
	u64 (*vsock_room)(struct rvsock *v, const struct vsock_flow *f, u64 room);
	void (*vsock_payload)(struct rvsock *v, const struct vsock_flow *f,
			      const struct dvq_chain *c, u32 len);
	void (*vsock_header)(struct rvsock *v, const struct vsock_flow *f,
			     struct virtio_vsock_hdr *h);
	void (*vsock_sent)(struct rvsock *v, struct rdev_req *req);
	/* An event, before it is told. */
	void (*vsock_event)(struct rvsock *v, struct virtio_vsock_event *e);
};

/* The selected fault, or NULL. Set once before any thread runs. */
extern const struct fault *fault_active;

#define FAULT(ident, ...)                                                                          \
	static const struct fault ident##_fault = { __VA_ARGS__ };                                 \
	static const struct fault *const ident##_entry                                             \
		__attribute__((used, section("rb_faults"))) = &ident##_fault

/* NULL when there is none of that name. */
const struct fault *fault_find(const char *name);

extern const struct fault *const __start_rb_faults[];
extern const struct fault *const __stop_rb_faults[];

#define for_each_fault(f)                                                                          \
	for (const struct fault *const *f = __start_rb_faults; f < __stop_rb_faults; f++)

#endif
