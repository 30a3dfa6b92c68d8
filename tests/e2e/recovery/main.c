// SPDX-License-Identifier: BSD-3-Clause
/*
 * A back-end that dies in the middle of a load, again and again, and a driver that does not notice:
 * the rings, the guest memory and the in-flight region live here, in the front-end, and the next
 * back-end process is given them (SET_INFLIGHT_FD) as QEMU does.
 *
 * What must hold, over all rounds:
 *  - every request is acknowledged exactly once: none is lost, none comes back twice;
 *  - every sector holds the write that was acknowledged last. Each write has a number of its own, and
 *    a sector is written again as soon as its last write was acknowledged, so that one carried out a
 *    second time later on brings an old number back;
 *  - a driver that sleeps until it is notified wakes up, also when the back-end died between the used
 *    ring and the notification.
 *
 *    recovery [OPTION…] BACKEND IMAGE SOCKET [BACKEND-OPTION…]
 *
 * Prints one line of JSON. Exit status 0, or 1 with what went wrong on stderr.
 */
#include "tests/e2e/recovery/world.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct end_kind ends[ENDS] = {
	[END_KILL] = { "kill", true, SIGKILL },
	[END_TERM] = { "term", true, SIGTERM },
	[END_DISCONNECT] = { "disconnect", false, 0 },
};

static void run(struct world *w)
{
	const u16 base[QUEUES] = { 0 };
	u64 start = host_now_ns();
	u32 at = 0;

	vu_transport_init(&w->fe, w->socket);
	/* As QEMU does: it is the same driver that goes on, and the region is given first. */
	w->fe.no_reset = true;
	w->fe.tp.timeout_ms = DEADLINE_NS / 1000000;
	start_backend(w);
	connect_backend(w);
	close(w->fe.sock);
	must(w, vu_connect(&w->fe), "connect"); /* makes the memory, too */
	for (unsigned n = 0; n < QUEUES; n++)
		make_queue(w, n, &at);
	start_session(w, base, TO_SERVICE);
	for (w->round = 1; w->round <= w->rounds; w->round++)
		one_round(w);
	drain(w);
	verify_image(w);
	kill(w->pid, SIGTERM);
	waitpid(w->pid, NULL, 0);
	printf("{\"end\": \"%s\", \"rounds\": %u, \"requests\": %llu, \"in_flight\": %llu, "
	       "\"published_unseen\": %llu, \"in_window\": %llu, \"worst_gap_ms\": %.1f, \"seconds\": %.1f}\n",
	       ends[w->end].name, w->rounds, (unsigned long long)w->acknowledged,
	       (unsigned long long)w->caught, (unsigned long long)w->published,
	       (unsigned long long)w->rewound, (double)w->worst_gap / 1e6,
	       (double)(host_now_ns() - start) / 1e9);
}

static int usage(void)
{
	fputs("usage: recovery [--rounds N] [--end kill|term|disconnect] [--event-idx] [--seed N]\n"
	      "                [--load-us N] BACKEND IMAGE SOCKET [BACKEND-OPTION…]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", 1, 0, 'r' }, { "end", 1, 0, 'e' },	   { "event-idx", 0, 0, 'i' },
		{ "seed", 1, 0, 's' },	 { "load-us", 1, 0, 'l' }, { 0, 0, 0, 0 },
	};
	static struct world w = {
		.rounds = 100,
		.load_us = 12000,
		.inflight_fd = -1,
		.rng = 0x9e3779b97f4a7c15ull,
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (ch) {
		case 'r':
			w.rounds = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'e':
			for (w.end = 0; w.end < ARRAY_SIZE(ends); w.end++)
				if (strcmp(ends[w.end].name, optarg) == 0)
					break;
			if (w.end == ARRAY_SIZE(ends))
				return usage();
			break;
		case 'i':
			w.event_idx = true;
			break;
		case 's':
			w.rng ^= strtoull(optarg, NULL, 0) * 0xbf58476d1ce4e5b9ull;
			break;
		case 'l':
			w.load_us = (unsigned)strtoul(optarg, NULL, 0);
			break;
		default:
			return usage();
		}
	}
	if (argc - optind < 3 || w.load_us == 0)
		return usage();
	w.backend_options = argv + optind + 3;
	w.backend = argv[optind];
	w.image = argv[optind + 1];
	w.socket = argv[optind + 2];
	w.image_fd = open(w.image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (w.image_fd < 0 || ftruncate(w.image_fd, IMAGE_BYTES) < 0) {
		perror(w.image);
		return 1;
	}
	run(&w);
	return 0;
}
