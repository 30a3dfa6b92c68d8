// SPDX-License-Identifier: BSD-3-Clause
/* Console: the emergency write and the size (5.3.4, 5.3.5, 5.3.6). */
#include <string.h>

#include "harness/check/console_kit.h"

#define EARLY	"v14.console.init.dev.1"
#define EMITTED "v14.console.init.dev.2"
#define SIZED	"ROB.console.size"

/* --- one character --------------------------------------------------------------------------------------- */

static bool emergency(struct ck *c, u32 value)
{
	const u8 raw[] = { (u8)value, (u8)(value >> 8), (u8)(value >> 16), (u8)(value >> 24) };
	const int rc = c->tp->ops->write_config(c->tp, CONSOLE_EMERGENCY, raw, sizeof(raw));

	if (rc == TP_ELOCAL)
		return ck_must(c, rc, "writing emerg_wr");
	return rc == TP_OK || ck_fail(c, EARLY, "emerg_wr is written before anything else",
				      "writing it: %s", tp_result_text(rc));
}

static void early(struct ck *c)
{
	struct tk k;

	for (unsigned i = 0; i < 3; i++)
		if (!emergency(c, (u32) "\r\n "[i]))
			return;
	/* It is a device like any other afterwards. */
	if (!tk_up(c, &k, 0) || !tk_post(c, &k, 0, TK_IN) || !tk_send(c, &k, 0, 20, 1) ||
	    !tk_sent(c, &k, 0, NULL))
		return;
	ck_log(c, "  characters were taken, and then a buffer was");
}

CHECK(early, .id = "console.emergency.early", .clauses = { EARLY },
      .stimulus = "three characters are written to emerg_wr before anything is negotiated",
      .oracle = "none is refused, and the device can be brought up", .device = VIRTIO_ID_CONSOLE,
      .caps = TP_CAP_CONFIG_WRITE, .features = TK_EMERG, .run = early);

static void emitted(struct ck *c)
{
	struct tk k;

	if (!tk_loop(c, &k, 0) || !ck_open(c) || !emergency(c, 0x12345600 | 'R') ||
	    !tk_up(c, &k, 0) || !tk_post(c, &k, 0, TK_IN) || !tk_receive(c, &k, 0, 1))
		return;
	if (k.have != 1 || k.got.hva[0] != 'R')
		ck_fail(c, EMITTED,
			"the low byte comes out of the port, as what is sent on it does",
			"%u bytes come, the first is 0x%02x", k.have, k.have ? k.got.hva[0] : 0);
}

CHECK(emitted, .id = "console.emergency.emitted", .clauses = { EMITTED },
      .stimulus = "0x12345652 is written to emerg_wr of a device whose port is in loop-back, "
		  "before anything is negotiated",
      .oracle = "'R', and nothing else, is received once it is brought up",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG_WRITE, .features = TK_EMERG,
      .run = emitted);

/* --- the size ----------------------------------------------------------------------------------------------- */

static bool read_size(struct ck *c, u16 *cols, u16 *rows)
{
	u8 raw[4];

	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, raw, sizeof(raw)), "reading the size"))
		return false;
	*cols = (u16)(raw[0] | raw[1] << 8);
	*rows = (u16)(raw[2] | raw[3] << 8);
	return true;
}

/* Make it change: false when it is over, or it does not. */
static bool change(struct ck *c, u16 *cols, u16 *rows)
{
	const struct tp_ops *ops = c->tp->ops;
	u16 was_cols, was_rows;
	u64 end;

	for (unsigned i = 0; i < CK_FLOOD && ops->wait_config_event(c->tp, 0) > 0; i++)
		;
	if (!read_size(c, &was_cols, &was_rows) ||
	    !ck_must(c, ops->trigger_config(c->tp), "changing the configuration"))
		return false;
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	while (read_size(c, cols, rows)) {
		if (*cols != was_cols || *rows != was_rows)
			return true;
		if (tp_late(c->tp, end))
			return ck_skip(c, "the trigger does not change the size: still %u x %u",
				       *cols, *rows);
		c->tp->ops->relax(c->tp);
	}
	return false;
}

static void announced(struct ck *c)
{
	u16 cols, rows;
	struct tk k;

	if (!tk_up(c, &k, TK_SIZE))
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (!change(c, &cols, &rows))
			return;
		if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms)) {
			ck_fail(c, SIZED, "a configuration change notification",
				"the size is %u x %u now, without one", cols, rows);
			return;
		}
	}
}

CHECK(announced, .id = "console.size.announced", .clauses = { SIZED },
      .stimulus = "make the target change its size (--config-trigger), twice",
      .oracle = "each time a configuration change notification comes", .device = VIRTIO_ID_CONSOLE,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_EVENT | TP_CAP_CONFIG_TRIGGER, .features = TK_SIZE,
      .run = announced);

static void resize_message(struct ck *c)
{
	u16 cols, rows, said_cols, said_rows;
	struct console_said said;
	struct tk k;

	if (!tk_up(c, &k, TK_SIZE | TK_MULTI) || !tk_talk(c, &k))
		return;
	if (!k.port[0].console) {
		ck_skip(c, "port 0 is no console");
		return;
	}
	if (!change(c, &cols, &rows))
		return;
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		const int rc = tk_hear(c, &k, &said);

		if (rc < 0)
			return;
		if (rc == 0) {
			ck_fail(c, SIZED, "a RESIZE message",
				"the size is %u x %u now, and none comes within %u ms", cols, rows,
				c->tp->timeout_ms);
			return;
		}
		if (said.event != VIRTIO_CONSOLE_RESIZE)
			continue;
		if (!console_read_size(&said, &said_cols, &said_rows) || said.port != 0)
			ck_fail(c, SIZED, "a port that has a size, and the size",
				"port %u, and %u bytes", said.port, said.more_len);
		else if (said_cols != cols || said_rows != rows)
			ck_fail(c, SIZED, "columns, then rows",
				"the size is %u x %u, and the message says %u, %u", cols, rows,
				said_cols, said_rows);
		return;
	}
}

CHECK(resize_message, .id = "console.size.message", .clauses = { SIZED },
      .stimulus =
	      "make the target change its size (--config-trigger) while there are several ports",
      .oracle = "a RESIZE message for port 0 has the columns and rows of the configuration",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER,
      .features = TK_SIZE | TK_MULTI, .queues = 4, .run = resize_message);
