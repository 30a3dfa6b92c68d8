// SPDX-License-Identifier: BSD-3-Clause
/* Console: ports that are added and removed over the control queues (5.3.6.2). */
#include "harness/check/console_kit.h"

#define ADD_ONCE  "v14.console.multiport.dev.1a"
#define ADD_RANGE "v14.console.multiport.dev.1b"
#define REMOVE	  "v14.console.multiport.dev.2"

/* Is that a port which is there? */
static bool there(const struct tk *k, u32 port)
{
	return port < TK_KNOWN && k->port[port].added;
}

static void add_once(struct ck *c)
{
	struct console_said said;
	struct tk k;

	if (!tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k))
		return;
	for (unsigned turn = 0; turn < 3; turn++) {
		if (!tk_say(c, &k, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1))
			return;
		for (unsigned i = 0; i < CK_FLOOD; i++) {
			const struct tk before = k;
			/* That something comes at all is waited for, once. */
			const int rc =
				turn || i ? tk_overhear(c, &k, &said) : tk_hear(c, &k, &said);

			if (rc < 0)
				return;
			if (rc == 0)
				break;
			if (said.event != VIRTIO_CONSOLE_PORT_ADD)
				continue;
			if (there(&before, said.port)) {
				ck_fail(c, ADD_ONCE, "no port is added that is there already",
					"port %u is added again after DEVICE_READY number %u",
					said.port, turn + 1);
				return;
			}
			if (!tk_say(c, &k, said.port, VIRTIO_CONSOLE_PORT_READY, 1))
				return;
		}
		if (!k.adds) {
			ck_skip(c, "no port is added");
			return;
		}
	}
}

CHECK(add_once, .id = "console.ports.add-once", .clauses = { ADD_ONCE },
      .stimulus = "DEVICE_READY three times, and PORT_READY for each port that is added",
      .oracle = "no DEVICE_ADD names a port that is there already", .device = VIRTIO_ID_CONSOLE,
      .caps = TP_CAP_CONFIG, .features = TK_MULTI, .queues = 4, .run = add_once);

static void add_range(struct ck *c)
{
	struct console_said said;
	struct tk k;
	int rc;

	if (!tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k) ||
	    !tk_say(c, &k, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1))
		return;
	rc = tk_hear(c, &k, &said);
	for (unsigned i = 0; rc > 0 && i < CK_FLOOD; i++) {
		if (said.event == VIRTIO_CONSOLE_PORT_ADD && said.port >= k.max_ports) {
			ck_fail(c, ADD_RANGE, "port numbers below max_nr_ports",
				"port %u is added, and max_nr_ports is %u", said.port, k.max_ports);
			return;
		}
		rc = tk_overhear(c, &k, &said);
	}
	if (rc == 0 && !k.adds)
		ck_skip(c, "no port is added");
}

CHECK(add_range, .id = "console.ports.add-range", .clauses = { ADD_RANGE },
      .stimulus = "DEVICE_READY", .oracle = "ports that are added have numbers below max_nr_ports",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG, .features = TK_MULTI, .queues = 4,
      .run = add_range);

static void removed(struct ck *c)
{
	struct console_said said;
	struct tk k;

	if (!tk_up(c, &k, TK_MULTI) || !tk_talk(c, &k))
		return;
	for (unsigned turn = 0; turn < 4; turn++) {
		if (!ck_must(c, c->tp->ops->trigger_config(c->tp), "changing the device"))
			return;
		for (unsigned i = 0; i < CK_FLOOD; i++) {
			const struct tk before = k;
			/* What a process does in its own time is waited for in each turn, as long as none came. */
			const int rc =
				k.removes || i ? tk_overhear(c, &k, &said) : tk_hear(c, &k, &said);

			if (rc < 0)
				return;
			if (rc == 0)
				break;
			if (said.event == VIRTIO_CONSOLE_PORT_REMOVE &&
			    !there(&before, said.port)) {
				ck_fail(c, REMOVE, "only ports that are there are removed",
					"port %u is removed, which was not added", said.port);
				return;
			}
			if (said.event == VIRTIO_CONSOLE_PORT_ADD && there(&before, said.port)) {
				ck_fail(c, ADD_ONCE, "no port is added that is there already",
					"port %u is added again", said.port);
				return;
			}
		}
		if (!k.removes && turn) {
			ck_skip(c, "the trigger does not make it remove a port");
			return;
		}
	}
}

CHECK(removed, .id = "console.ports.removed", .clauses = { REMOVE, ADD_ONCE },
      .stimulus = "make the target unplug a port and plug it in again (--config-trigger), twice",
      .oracle =
	      "each DEVICE_REMOVE names a port that is there, and each DEVICE_ADD one that is not",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER,
      .features = TK_MULTI, .queues = 4, .run = removed);
