// SPDX-License-Identifier: BSD-3-Clause
/*
 * The lines that QEMU answers on its qtest socket. An answer is a value, an error or the end; none
 * is taken twice, and none is made up.
 *
 * Input: board (1), number of operations (1), then a byte for each, then QEMU's bytes.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/qtest/access.h"
#include "tests/fuzz/input.h"

#define OPERATIONS_MAX 96 /* what a socket takes that nobody reads */

static const struct qtest_opts boards[] = {
	{ .machine = "q35", .arch = QTEST_X86_64, .timeout_ms = 1 },
	{ .machine = "microvm", .arch = QTEST_X86_64, .timeout_ms = 1 },
	{ .machine = "virt", .arch = QTEST_AARCH64, .timeout_ms = 1 },
};

static int operate(struct access *a, u8 op)
{
	const unsigned size = 1u << (op >> 3 & 3);
	u32 word = 0;
	u64 value = 0;

	switch (op & 7) {
	case 0:
		return a->ops->write(a, 0x1000, size, op);
	case 1:
		return a->ops->cfg_read ? a->ops->cfg_read(a, op, op, MIN(size, 4), &word) : TP_OK;
	case 2:
		return a->ops->cfg_write ? a->ops->cfg_write(a, op, op, MIN(size, 4), op) : TP_OK;
	default:
		return a->ops->read(a, 0x1000, size, &value);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	const struct qtest_opts *board = &boards[input_u8(&in) % ARRAY_SIZE(boards)];
	unsigned count = input_u8(&in) % OPERATIONS_MAX, lines = 0, good = 0;
	u8 operations[OPERATIONS_MAX];
	static struct qtest q;
	static u8 ram; /* never looked into */
	const u8 *bytes;
	size_t len;
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	memset(&q, 0, sizeof(q));
	q.opts = board;
	q.sock = pair[0];
	q.ram = &ram;
	/* There is no process: nobody has to wait for its end. */
	strcpy(q.death, "ended");
	MUST(qtest_access_init(&q) == 0);
	input_bytes(&in, operations, count);
	bytes = input_take(&in, 65536, &len);
	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	MUST(send(pair[1], bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
	shutdown(pair[1], SHUT_WR);

	for (unsigned i = 0; i < count; i++) {
		int rc;

		q.access.error[0] = '\0';
		rc = operate(&q.access, operations[i]);
		good += rc == TP_OK && !(!q.access.ops->cfg_read && (operations[i] & 7) - 1u < 2);
		MUST(rc == TP_OK || rc == TP_EGONE || rc == TP_EPROTO || rc == TP_ETIMEOUT);
		MUST(rc == TP_OK || memchr(q.access.error, '\0', sizeof(q.access.error)));
		MUST(rc == TP_OK || q.access.error[0]);
		MUST(q.have <= sizeof(q.input));
	}
	MUST(good <= lines);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
