// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/carrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int trigger(struct vu_frontend *fe)
{
	struct carrier *c = (struct carrier *)((char *)fe - offsetof(struct carrier, frontend));

	return target_trigger(c->target, fe->peer) == 0
		       ? TP_OK
		       : vu_error(fe, TP_ELOCAL, "the configuration trigger failed");
}

static int renew(struct vu_frontend *fe)
{
	struct carrier *c = (struct carrier *)((char *)fe - offsetof(struct carrier, frontend));
	const pid_t before = c->target->pid;
	char error[sizeof(fe->tp.error)];

	if (target_renew(c->target, error, sizeof(error)) < 0)
		return vu_error(fe, TP_EGONE, "%s", error);
	fe->renewed = c->target->pid != before;
	return TP_OK;
}

static int trigger_registers(struct access *a)
{
	struct carrier *c = (struct carrier *)((char *)a - offsetof(struct carrier, qtest.access));

	if (target_trigger(c->target, c->qtest.peer) == 0)
		return TP_OK;
	snprintf(a->error, sizeof(a->error), "the configuration trigger failed");
	return TP_ELOCAL;
}

/* With reconnect= QEMU connects again, in its own time. */
static bool severed(struct access *a)
{
	struct carrier *c = (struct carrier *)((char *)a - offsetof(struct carrier, qtest.access));

	for (const char *const *arg = c->qtest.opts->args; arg && *arg; arg++)
		if (strstr(*arg, "reconnect"))
			return false;
	return carrier_severed(c);
}

/* The transport starts anew with each QEMU: nothing that was found in the last one holds. */
static void init_registers(struct carrier *c)
{
	unsigned timeout_ms = c->tp ? c->tp->timeout_ms : 0, quiet_ms = c->tp ? c->tp->quiet_ms : 0;

	if (c->target->qemu.pci) {
		pci_init(&c->pci, &c->qtest.access, 0);
		c->tp = &c->pci.r.tp;
	} else {
		mmio_init(&c->mmio, &c->qtest.access, 0);
		c->tp = &c->mmio.r.tp;
	}
	if (c->peer.path[0])
		c->tp->peer = &c->peer.peer;
	if (timeout_ms) {
		c->tp->timeout_ms = timeout_ms;
		c->tp->quiet_ms = quiet_ms;
	}
}

/* What is too long for a socket is not found by anybody else either. */
static void init_peer(struct carrier *c)
{
	char *path = c->target->uds_path ? target_expand(c->target, c->target->uds_path, 0) : NULL;

	if (path && !peer_unix_init(&c->peer, path))
		c->peer.path[0] = '\0';
	free(path);
}

static bool in_kernel(const struct carrier *c)
{
	return c->target->kind == TARGET_VDPA || c->target->kind == TARGET_VHOST;
}

/* Is there a QEMU, or what is driven as one, that has the device? */
static bool has_machine(const struct carrier *c)
{
	return c->target->kind == TARGET_QEMU || c->target->kind == TARGET_MACHINE;
}

void carrier_init(struct carrier *c, struct target *t)
{
	memset(c, 0, sizeof(*c));
	c->target = t;
	init_peer(c);
	if (in_kernel(c)) {
		if (t->kind == TARGET_VDPA)
			vdpa_transport_init(&c->kernel, &t->kernel);
		else
			vhost_transport_init(&c->kernel, &t->kernel);
		c->tp = &c->kernel.tp;
		if (t->kernel.cid) {
			peer_vsock_init(&c->peer, (u32)t->kernel.cid);
			c->tp->peer = &c->peer.peer;
		}
		return;
	}
	if (has_machine(c)) {
		init_registers(c);
		return;
	}
	vu_transport_init(&c->frontend, t->socket);
	c->frontend.listener = t->listener;
	c->fe = &c->frontend;
	c->tp = &c->frontend.tp;
	if (t->trigger)
		c->frontend.config_trigger = trigger;
	if (c->peer.path[0])
		c->tp->peer = &c->peer.peer;
	if (t->one_session)
		c->frontend.renew = renew;
}

void carrier_destroy(struct carrier *c)
{
	if (!c->tp)
		return;
	if (c->fe || in_kernel(c))
		c->tp->ops->close(c->tp);
	carrier_stop(c);
	c->tp = NULL;
}

int carrier_start(struct carrier *c, char *error, size_t room)
{
	if (!has_machine(c))
		return target_start(c->target, error, room);
	if (c->machine_runs)
		return 0;
	c->target->death[0] = '\0';
	if (c->target->kind == TARGET_QEMU && target_start(c->target, error, room) < 0)
		return -1;
	c->machine_runs = true;
	if (qtest_start(&c->qtest, &c->target->qemu.qtest) < 0) {
		snprintf(error, room, "%s", c->qtest.access.error);
		carrier_stop(c);
		return -1;
	}
	if (c->target->trigger)
		c->qtest.access.config_trigger = trigger_registers;
	c->qtest.access.severed = severed;
	init_registers(c);
	return 0;
}

bool carrier_ours(const struct carrier *c)
{
	return (!c->fe && !in_kernel(c)) || c->target->command;
}

void carrier_stop(struct carrier *c)
{
	if (!has_machine(c)) {
		target_stop(c->target);
	} else if (c->machine_runs) {
		qtest_stop(&c->qtest);
		c->machine_runs = false;
		if (c->target->kind == TARGET_QEMU)
			target_stop(c->target);
	}
}

/* The back-end behind a device of QEMU's. */
static bool backend_lost(struct target *t)
{
	char how[sizeof(t->death)];

	if (t->kind != TARGET_QEMU || !t->command || !target_lost(t))
		return false;
	memcpy(how, t->death, sizeof(how));
	snprintf(t->death, sizeof(t->death), "lost its back-end, which %.200s", how);
	return true;
}

const char *carrier_subject(const struct carrier *c)
{
	return c->target->kind == TARGET_QEMU ? "QEMU" : "the target";
}

void carrier_printed(struct carrier *c, void (*line)(void *arg, const char *text), void *arg)
{
	if (c->machine_runs)
		qtest_printed(&c->qtest, line, arg);
}

bool carrier_severed(const struct carrier *c)
{
	const struct target *t = c->target;

	return c->machine_runs && t->kind == TARGET_QEMU && t->command && !target_connected(t);
}

bool carrier_lost(struct carrier *c)
{
	u64 ignored;

	if (!has_machine(c))
		return target_lost(c->target);
	if (!c->machine_runs)
		return false;
	/* An access tells a QEMU that lives from one that is about to be found dead. */
	if (!qtest_died(&c->qtest) &&
	    c->qtest.access.ops->read(&c->qtest.access, c->qtest.ram_gpa, 1, &ignored) == TP_OK)
		return backend_lost(c->target);
	snprintf(c->target->death, sizeof(c->target->death), "%s",
		 c->qtest.death[0] ? c->qtest.death : "no longer answers");
	return true;
}

int carrier_reach(struct carrier *c)
{
	int rc;

	if (c->fe) {
		rc = vu_connect(c->fe);
		vu_disconnect(c->fe);
		return rc;
	}
	if (in_kernel(c)) {
		rc = c->tp->ops->open(c->tp);
		c->tp->ops->close(c->tp);
		return rc;
	}
	return c->machine_runs ? TP_OK : TP_EGONE;
}

u64 carrier_offered(const struct carrier *c)
{
	return c->fe ? c->fe->offered : 0;
}

u64 carrier_protocol_features(const struct carrier *c)
{
	return c->fe ? c->fe->pf_offered : 0;
}

u32 carrier_device(const struct carrier *c)
{
	if (c->fe)
		return 0;
	if (in_kernel(c))
		return c->kernel.device_id;
	return c->target->qemu.pci ? c->pci.r.device_id : c->mmio.r.device_id;
}
