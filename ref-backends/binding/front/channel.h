/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The back-end's own channel (SET_BACKEND_REQ_FD) from the front-end's side: messages that nobody asked for come in,
 * answers go out. A change of the configuration is all that is understood; whatever else comes is refused, where the
 * back-end wants to hear of it.
 *
 * It never sleeps. The back-end is not trusted: what makes no sense is said, and no call takes more than a few
 * messages.
 */
#ifndef REF_BACKENDS_BINDING_FRONT_CHANNEL_H
#define REF_BACKENDS_BINDING_FRONT_CHANNEL_H

#include "harness/spec/types.h"
#include "harness/spec/vu_proto.h"

struct front_channel {
	int sock; /* -1: there is none; to be polled for input. It stays until front_channel_close() */
	bool over;    /* the back-end has closed its end */
	bool changed; /* the configuration did, since whoever cares set this to false */
	u8 head[VU_HEADER_SIZE];
	u32 have; /* of it */
	u32 rest; /* of a payload that is not looked at */
};

/* The back-end's end of a new one, which the caller closes; or -1 with errno. */
int front_channel_open(struct front_channel *c);
void front_channel_close(struct front_channel *c);

/* Take what there is, if anything. NULL, or what makes no sense. */
const char *front_channel_read(struct front_channel *c);

#endif
