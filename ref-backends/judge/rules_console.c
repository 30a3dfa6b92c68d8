// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may do with a console (VIRTIO 1.4, 5.3.6.1 and 5.3.6.2.2). */
#include <string.h>

#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/steps.h"

enum {
	NO_READABLE,
	NO_WRITABLE,
	DEVICE_READY,
	ANSWERS,
	ANSWERS_OPEN,
	RULES
};

static const char *const clauses[RULES] = {
	[NO_READABLE] = "v14.console.operation.drv.1",
	[NO_WRITABLE] = "v14.console.operation.drv.2",
	[DEVICE_READY] = "v14.console.multiport.drv.1",
	[ANSWERS] = "v14.console.multiport.drv.3",
	[ANSWERS_OPEN] = "v14.console.multiport.drv.4",
};
static u64 looked[RULES];

/* Since the driver began. */
static struct {
	bool ready_seen, spoke;
	struct {
		bool nominated; /* CONSOLE_PORT was sent, and not answered yet … */
		bool wrote;	/* … and then the port was written to */
	} port[CON_PORTS_MAX];
} now;

void jd_console_claims(jd_claim_fn *claim)
{
	for (unsigned i = 0; i < RULES; i++)
		claim(clauses[i], looked[i]);
}

/* The first that comes, by which DEVICE_READY was due. */
static void spoke(const struct rcon *c, bool is_ready, const char *what)
{
	if (!con_multiport(c) || now.spoke)
		return;
	now.spoke = true;
	jd_look(&looked[DEVICE_READY]);
	if (!is_ready)
		jd_broke(clauses[DEVICE_READY], "%s comes, and DEVICE_READY did not", what);
}

static void sent(const struct rcon *c, u16 queue)
{
	const u16 port = queue < 2 ? 0 : (u16)((queue - 2) / 2);

	spoke(c, false, "data");
	if (port < CON_PORTS_MAX && now.port[port].nominated)
		now.port[port].wrote = true;
}

void jd_console_data(struct rcon *c, const struct dvq_chain *chain, u16 queue)
{
	const bool out = queue & 1;
	const unsigned rule = out ? NO_WRITABLE : NO_READABLE;

	jd_look(&looked[rule]);
	if (out ? chain->n_writable : chain->n_readable)
		jd_broke(clauses[rule], "queue %u: %llu bytes to read, %llu to write", queue,
			 (unsigned long long)chain->readable, (unsigned long long)chain->writable);
	if (out && chain->readable)
		sent(c, queue);
}

void jd_console_control(struct rcon *c, const struct dvq_chain *chain,
			const struct virtio_console_control *m)
{
	u32 id;

	jd_look(&looked[NO_WRITABLE]);
	if (chain->n_writable)
		jd_broke(clauses[NO_WRITABLE], "queue %u: %llu bytes to write", CON_CONTROL_TX,
			 (unsigned long long)chain->writable);
	if (!m)
		return;
	spoke(c, le16(m->event) == VIRTIO_CONSOLE_DEVICE_READY, "another control message");
	id = le32(m->id);
	if (le16(m->event) != VIRTIO_CONSOLE_PORT_OPEN || id >= CON_PORTS_MAX ||
	    !now.port[id].nominated)
		return;
	now.port[id].nominated = false;
	jd_look(&looked[ANSWERS]);
	jd_look(&looked[ANSWERS_OPEN]);
	if (le16(m->value) != 1)
		jd_broke(clauses[ANSWERS_OPEN], "port %u: PORT_OPEN with value %u", id,
			 le16(m->value));
}

void jd_console_told(struct rcon *c, const struct virtio_console_control *m)
{
	const u32 id = le32(m->id);

	if (id >= CON_PORTS_MAX)
		return;
	if (le16(m->event) == VIRTIO_CONSOLE_CONSOLE_PORT) {
		now.port[id].nominated = true;
		now.port[id].wrote = false;
	} else if (le16(m->event) == VIRTIO_CONSOLE_PORT_REMOVE) {
		now.port[id].nominated = false;
	}
}

/* A driver that has gone on to use the port had time to answer. */
void jd_console_end(void)
{
	for (u32 id = 0; id < CON_PORTS_MAX; id++) {
		if (!now.port[id].nominated || !now.port[id].wrote)
			continue;
		jd_look(&looked[ANSWERS]);
		jd_broke(clauses[ANSWERS],
			 "port %u: it was written to after CONSOLE_PORT, and PORT_OPEN never came",
			 id);
	}
	memset(&now, 0, sizeof(now));
}

void jd_console_reset(struct rcon *c)
{
	(void)c;
	jd_console_end();
}
