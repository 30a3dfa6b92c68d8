// SPDX-License-Identifier: BSD-3-Clause
/*
 * libblkio's virtio-blk-vhost-user driver under the load that `ringside bench` makes: random reads of one
 * size, a number of them outstanding, each timed from when it is handed over until it is seen complete.
 * tests/bench/peers compiles it where libblkio is.
 *
 *   blkio SOCKET DEPTH poll|event REQUESTS [read|write]
 *
 * One line of JSON: {"iops":..., "p50":..., "p99":..., "requests":...}, times in nanoseconds.
 */
#include <blkio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK	  4096
#define DEPTH_MAX 128
#define WARM_UP	  200000000 /* ns from the first request, in which none is counted */

struct slot {
	char *buf;
	uint64_t start;
};

static void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "blkio: %s: %s: %s\n", what, strerror(-rc), blkio_get_error_msg());
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct blkioq *open_queue(struct blkio **b, const char *socket, int depth, bool poll,
				 struct slot *slots)
{
	struct blkio_mem_region region;
	bool has_poll_queues = false;
	struct blkioq *q;

	must(blkio_create("virtio-blk-vhost-user", b), "create");
	must(blkio_set_str(*b, "path", socket), "path");
	must(blkio_connect(*b), "connect");
	blkio_get_bool(*b, "supports-poll-queues", &has_poll_queues);
	has_poll_queues = has_poll_queues && poll;
	must(blkio_set_int(*b, "num-queues", has_poll_queues ? 0 : 1), "num-queues");
	if (has_poll_queues)
		must(blkio_set_int(*b, "num-poll-queues", 1), "num-poll-queues");
	must(blkio_start(*b), "start");
	must(blkio_alloc_mem_region(*b, &region, (size_t)depth * BLOCK), "memory");
	must(blkio_map_mem_region(*b, &region), "mapping memory");
	for (int i = 0; i < depth; i++)
		slots[i].buf = (char *)region.addr + (size_t)i * BLOCK;
	q = has_poll_queues ? blkio_get_poll_queue(*b, 0) : blkio_get_queue(*b, 0);
	if (!q) {
		fprintf(stderr, "blkio: no queue\n");
		exit(1);
	}
	if (poll && !has_poll_queues)
		blkioq_set_completion_fd_enabled(q, false);
	fprintf(stderr, "blkio: %s\n",
		has_poll_queues ? "a poll queue"
		: poll		? "a queue without notifications"
				: "a queue with notifications");
	return q;
}

struct load {
	struct blkioq *q;
	struct slot *slots;
	uint64_t blocks, random;
	bool write;
};

static void submit(struct load *l, struct slot *s)
{
	uint64_t at;

	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	at = l->random % l->blocks * BLOCK;
	s->start = now();
	if (l->write)
		blkioq_write(l->q, at, s->buf, BLOCK, s, 0);
	else
		blkioq_read(l->q, at, s->buf, BLOCK, s, 0);
}

int main(int argc, char **argv)
{
	static struct slot slots[DEPTH_MAX];
	struct blkio_completion done[DEPTH_MAX];
	const int depth = argc > 2 ? atoi(argv[2]) : 0;
	const bool poll = argc > 3 && !strcmp(argv[3], "poll");
	const uint64_t total = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t out = 0, seen = 0, begin, end, capacity = 0;
	bool warm = false;
	uint32_t *times = calloc(total ? total : 1, sizeof(*times));
	struct load l = { .slots = slots, .random = 88172645463325252ull };
	struct blkio *b;

	if (depth < 1 || depth > DEPTH_MAX || total < (uint64_t)depth || !times) {
		fprintf(stderr, "usage: blkio SOCKET DEPTH poll|event REQUESTS [read|write]\n");
		return 2;
	}
	l.write = argc > 5 && !strcmp(argv[5], "write");
	l.q = open_queue(&b, argv[1], depth, poll, slots);
	must(blkio_get_uint64(b, "capacity", &capacity), "capacity");
	l.blocks = capacity / BLOCK;
	begin = now();
	for (; out < (uint64_t)depth; out++)
		submit(&l, &slots[out]);
	while (out) {
		const int n = blkioq_do_io(l.q, done, poll ? 0 : 1, depth, NULL);
		const uint64_t t = now();

		must(n, "do_io");
		for (int i = 0; i < n; i++) {
			struct slot *s = done[i].user_data;

			must(done[i].ret, "request");
			if (warm)
				times[seen++] = (uint32_t)(t - s->start);
			out--;
			if (!warm || seen + out < total) {
				submit(&l, s);
				out++;
			}
		}
		if (!warm && t - begin >= WARM_UP) {
			warm = true;
			begin = t;
		}
	}
	end = now();
	qsort(times, total, sizeof(*times), by_size);
	printf("{\"iops\": %.0f, \"p50\": %u, \"p99\": %u, \"requests\": %llu}\n",
	       (double)total * 1e9 / (double)(end - begin), times[total / 2],
	       times[total * 99 / 100], (unsigned long long)total);
	blkio_destroy(&b);
	return 0;
}
