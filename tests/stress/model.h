/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a virtqueue must do, whatever its layout, as lists of buffers: random legal operations of both
 * sides go to the real rings and to this model, and the first difference ends the run.
 *
 * An operation is four bytes that always mean something legal: what they ask for is cut down to what
 * the model's state allows. So any part of a sequence is a sequence, and a failure can be shrunk.
 */
#ifndef TESTS_STRESS_MODEL_H
#define TESTS_STRESS_MODEL_H

#include "tests/stress/pair.h"

struct model_op {
	u8 what, a, b, c;
};

/* Mistakes to make on purpose, so that it can be shown that the model sees them. */
enum model_mistake {
	MISTAKE_NONE,
	MISTAKE_LENGTH,	 /* a used length is one too many */
	MISTAKE_TWICE,	 /* now and then a buffer is returned twice */
	MISTAKE_LOST,	 /* now and then a buffer is not returned */
	MISTAKE_NO_CALL, /* now and then a due notification is not sent */
	MISTAKE_NO_KICK,
	MISTAKE_LAST_PIECE, /* the last piece of a long buffer is not seen */
	MISTAKES,
};

struct model_result {
	u64 ops, buffers;  /* done, returned to the driver */
	u64 at;		   /* failure: position of the operation */
	char failure[160]; /* "" = none */
};

/* One run over `count` operations, and to the end of what they left open. */
void model_run(const struct pair_shape *shape, enum model_mistake mistake,
	       const struct model_op *ops, u64 count, struct model_result *r);

/* Leave out operations as long as a run still fails. Returns the new count. */
u64 model_shrink(const struct pair_shape *shape, enum model_mistake mistake, struct model_op *ops,
		 u64 count);

/* One line for an operation: "add 2+1 indirect". */
void model_op_text(const struct model_op *op, char *text, size_t room);

#endif
