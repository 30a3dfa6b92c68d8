// SPDX-License-Identifier: BSD-3-Clause
/* By itself, so that the exploration can compile it as it does the rings, whose short way is in a header. */
#include "tests/stress/fetch.h"

enum dvq_error fetch_next(struct dvq *vq, struct dvq_chain *c)
{
	return dvq_ring_next(vq, c);
}
