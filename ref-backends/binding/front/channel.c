// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/front/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 16 /* pieces of messages for one call */

int front_channel_open(struct front_channel *c)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	*c = (struct front_channel){ .sock = ends[0] };
	return ends[1];
}

void front_channel_close(struct front_channel *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
}

static const char *answer(struct front_channel *c, const struct vu_header *hdr, u64 value)
{
	const struct {
		struct vu_header hdr;
		u64 value;
	} __attribute__((packed))
	a = { { hdr->request, VU_VERSION | VU_FLAG_REPLY, sizeof(value) }, value };

	/* So few bytes go whole or not at all: who takes none of them has many that he does not read. */
	if (send(c->sock, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(a))
		return NULL;
	return errno == EPIPE ? NULL : "it takes no answers to its own messages";
}

/* A whole one has come. */
static const char *take(struct front_channel *c)
{
	struct vu_header hdr;
	bool known;

	memcpy(&hdr, c->head, sizeof(hdr));
	c->have = 0;
	known = hdr.request == VU_BACKEND_CONFIG_CHANGE_MSG && hdr.size == 0;
	c->changed |= known;
	return hdr.flags & VU_FLAG_NEED_REPLY ? answer(c, &hdr, !known) : NULL;
}

static const char *look_at_head(struct front_channel *c)
{
	struct vu_header hdr;

	memcpy(&hdr, c->head, sizeof(hdr));
	if ((hdr.flags & VU_FLAG_VERSION) != VU_VERSION || hdr.flags & VU_FLAG_REPLY ||
	    hdr.size > VU_MAX_PAYLOAD)
		return "a message of its own is none";
	c->rest = hdr.size;
	return c->rest ? NULL : take(c);
}

const char *front_channel_read(struct front_channel *c)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < AT_ONCE && c->sock >= 0 && !c->over && !wrong; i++) {
		u8 unread[256];
		const bool in_head = c->have < sizeof(c->head);
		/* Descriptors that come along are dropped by the kernel: there is no room. */
		const ssize_t n = in_head ? recv(c->sock, c->head + c->have,
						 sizeof(c->head) - c->have, MSG_DONTWAIT)
					  : recv(c->sock, unread, MIN(c->rest, (u32)sizeof(unread)),
						 MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return NULL;
		if (n <= 0) {
			c->over = true;
		} else if (in_head) {
			c->have += (u32)n;
			if (c->have == sizeof(c->head))
				wrong = look_at_head(c);
		} else {
			c->rest -= (u32)n;
			if (!c->rest)
				wrong = take(c);
		}
	}
	return wrong;
}
