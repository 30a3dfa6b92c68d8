/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the I2C adapter share. They take the bus as they find it: the chips are looked for, and
 * a check that needs one of a kind is skipped where there is none. What a serial EEPROM holds is overwritten.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_I2C_KIT_H
#define HARNESS_CHECK_I2C_KIT_H

#include "harness/check/check.h"
#include "harness/device/i2c.h"

#define IK_ALIVE "ROB.live.bad-request"
#define IK_OP(n) "v14.i2c.operation.dev." #n

#define IK_SLOTS 16  /* messages in flight */
#define IK_DATA	 512 /* bytes of one */
#define IK_UNSET 0xa5
#define IK_TABLE 8 /* entries of a slot's indirect table */

/* One message, and what came of it. */
struct ik_msg {
	u8 addr;
	bool read, next;
	u32 len;
	const u8 *out; /* what is written; not of a read */
	u8 unset;      /* what the buffer of a read holds before; 0: IK_UNSET */

	struct i2c_req req; /* its memory */
	u8 status;
	u32 used_len;
	unsigned turn; /* the how-many-th of them came back */
};

struct ik {
	struct tp_buf area, tables;
	u8 chip;   /* one that answers, … */
	u8 absent; /* … and an address that none has */
	u8 memory; /* an EEPROM, after ik_memory() */
	u8 addr_bytes;
};

/* Negotiate, start queue 0, and find out who is there. */
bool ik_up(struct ck *c, struct ik *k);
/* The same without looking for chips. */
bool ik_start(struct ck *c, struct ik *k);

/*
 * Up to IK_SLOTS messages, made available at once; waits until all of them are back. An error of the check
 * when they are not, or when bytes beside their buffers were written.
 */
bool ik_run(struct ck *c, struct ik *k, struct ik_msg *m, unsigned n);

/* How many of `want` messages the queue takes at once: of two pieces and a status each. */
unsigned ik_room(const struct ck *c, unsigned want);

/* Add pieces to queue 0, by an indirect table (of slot `i`) with `table`. */
bool ik_add(struct ck *c, struct ik *k, unsigned i, const struct vq_sg *sg, unsigned out,
	    unsigned in, bool table, void *token);

/* Make slot `i` the memory of a message, and lay it out. */
void ik_prepare(struct ik *k, struct ik_msg *m, unsigned i, struct vq_sg sg[I2C_PARTS],
		unsigned *out, unsigned *in);

/* Messages succeeded; else the check could not run. */
bool ik_must(struct ck *c, const struct ik_msg *m, const char *what);

/* An EEPROM that keeps what is written; the check is skipped where there is none. */
bool ik_memory(struct ck *c, struct ik *k);
/* Its address of a byte, as what is written to it begins. How many bytes those are. */
u32 ik_place(const struct ik *k, u32 at, u8 *to);
/* Wait until it answers again. */
bool ik_settle(struct ck *c, struct ik *k);
/* Write `len` bytes of one page, up to 16; read up to IK_DATA. As set-up. */
bool ik_write(struct ck *c, struct ik *k, u32 at, const u8 *bytes, u32 len);
bool ik_read(struct ck *c, struct ik *k, u32 at, u8 *bytes, u32 len);

/* A good request is served, or `clause` is broken. */
bool ik_alive(struct ck *c, struct ik *k, const char *clause, const char *after);

#endif
