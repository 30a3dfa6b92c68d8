// SPDX-License-Identifier: BSD-3-Clause
/*
 * Both halves of a ring, each in a thread of its own and as fast as it can: what each request is follows
 * from its number, so that either side knows what it has to find.
 *
 *   ring_threads [--requests N] [--seed N] [--ring split|packed] [--size N] [--wait poll|event] [--quick]
 *
 * Requests are spread over rings of many sizes and all features, a slice to each. The seed says which; when
 * the two threads meet is up to the machine. With --quick a slice is small, so that few requests see all of
 * it. Exit status: 0, 1 when something was lost, doubled, changed, out of order or asleep, 2 for wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/stress/pair.h"

#define HELD	    8	     /* chains that the device has at once */
#define REAPED	    8	     /* requests that the driver takes at once, at most */
#define SPINS	    256	     /* looks before the processor is given away */
#define DEADLINE_MS 60000    /* nobody sleeps so long with something to do */
#define SLICE	    32000000 /* requests over a ring of 64 and more; a hundredth with notifications */
#define QUICK	    40000

struct lane {
	struct pair *pair;
	struct pair_shape shape;
	bool event, indirect;
	bool batch; /* in order, and by one entry */
	u64 requests, seed;
	int kick, call;
	u64 sleeps[2]; /* driver's, device's */
	u64 reordered, batches;
};

__attribute__((format(printf, 2, 3), noreturn)) static void fail(const struct lane *l,
								 const char *fmt, ...)
{
	va_list ap;

	flockfile(stdout);
	printf("%s ring, %u entries, %s event index, %s, %s, from %u, seed %llu: ",
	       l->shape.packed ? "packed" : "split", l->shape.size,
	       l->shape.event_idx ? "with" : "without",
	       l->shape.in_order ? "in order" : "in any order", l->indirect ? "indirect" : "direct",
	       l->shape.start, (unsigned long long)l->seed);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("");
	fflush(stdout);
	_exit(1);
}

static u64 mix(u64 v)
{
	v = (v ^ v >> 31) * 0x9e3779b97f4a7c15ull;
	return v ^ v >> 29;
}

/* What request n is. */
struct request {
	struct vq_sg sg[4];
	unsigned out, in;
	u32 used_len;
};

static void request_of(const struct lane *l, u64 n, struct request *r)
{
	const u64 v = mix(n + l->seed);

	r->out = v & 1;
	r->in = 1 + (v >> 1 & 1);
	/* Whatever the ring's size, each fits. */
	if (!l->indirect && r->out + r->in > l->shape.size)
		r->out = 0, r->in = 1;
	for (unsigned i = 0; i < r->out + r->in; i++)
		r->sg[i] = (struct vq_sg){ { PAIR_DATA + (v >> 8 << 4) % (1ull << 40) +
					     i * 0x10000ull },
					   1 + (u32)(v >> 16 & 0xfff) + i };
	r->used_len = 1 + (u32)(v >> 40 & 0xff);
}

static u32 room_of(const struct request *r)
{
	u32 room = 0;

	for (unsigned i = r->out; i < r->out + r->in; i++)
		room += r->sg[i].len;
	return room;
}

static void signal_fd(const struct lane *l, int fd)
{
	if (eventfd_write(fd, 1))
		fail(l, "eventfd: %s", strerror(errno));
}

static void sleep_on(const struct lane *l, int fd, const char *who)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t n;

	if (poll(&p, 1, DEADLINE_MS) != 1)
		fail(l, "the %s sleeps, and nobody wakes it", who);
	eventfd_read(fd, &n);
}

static void relax(unsigned *spins)
{
	if (++*spins % SPINS == 0)
		sched_yield();
}

/* The device. */

struct device {
	struct lane *l;
	u64 fetched, pushed, draws;
	struct pair_chain held[HELD];
	u32 lens[HELD];
	unsigned count;
};

static bool fetch(struct device *d)
{
	const struct lane *l = d->l;
	struct pair_chain *c = &d->held[d->count];
	struct request r;
	int rc = pair_fetch(l->pair, c);

	if (rc < 0)
		fail(l, "after %llu requests the device finds a broken ring or chain",
		     (unsigned long long)d->fetched);
	if (!rc)
		return false;
	request_of(l, d->fetched, &r);
	if (c->out != r.out || c->in != r.in || !pair_same_pieces(c->sg, r.sg, c->out + c->in))
		fail(l, "request %llu is not what the driver made available",
		     (unsigned long long)d->fetched);
	d->lens[d->count++] = r.used_len;
	d->fetched++;
	return true;
}

static void push(struct device *d)
{
	unsigned i = 0;

	if (!d->l->shape.in_order && d->count > 1)
		i = (unsigned)(mix(d->draws++) % d->count);
	d->l->reordered += i > 0;
	pair_stage(d->l->pair, &d->held[i], d->lens[i]);
	d->count--;
	memmove(&d->held[i], &d->held[i + 1], (d->count - i) * sizeof(d->held[0]));
	memmove(&d->lens[i], &d->lens[i + 1], (d->count - i) * sizeof(d->lens[0]));
	d->pushed++;
}

/* In order: some by one entry. The driver is told the length of the last. */
static void push_batch(struct device *d, unsigned n)
{
	pair_stage_batch(d->l->pair, d->held, n, d->lens[n - 1]);
	d->count -= n;
	memmove(d->held, d->held + n, d->count * sizeof(d->held[0]));
	memmove(d->lens, d->lens + n, d->count * sizeof(d->lens[0]));
	d->pushed += n;
	d->l->batches++;
}

static void *device_main(void *arg)
{
	struct device d = { .l = arg };
	struct lane *l = arg;
	unsigned spins = 0;

	pair_kick_disable(l->pair);
	while (d.pushed < l->requests) {
		while (d.count < HELD && fetch(&d))
			;
		if (d.count) {
			/* Some stay, so that others may pass them. */
			const unsigned keep = d.count == HELD ? HELD / 2 : 0;

			if (l->batch)
				push_batch(&d, d.count - keep);
			while (d.count > keep)
				push(&d);
			pair_flush(l->pair);
			if (pair_notify_due(l->pair))
				signal_fd(l, l->call);
		} else if (!l->event) {
			relax(&spins);
		} else if (!pair_kick_enable(l->pair)) {
			l->sleeps[1]++;
			sleep_on(l, l->kick, "device");
			pair_kick_disable(l->pair);
		}
	}
	return NULL;
}

/* The driver. */

struct driver {
	struct lane *l;
	u64 added, reaped;
	u64 *serials; /* of each entry that can be outstanding, + 1; 0: free */
	u32 *idle, idle_count;
};

static bool add(struct driver *d)
{
	struct lane *l = d->l;
	struct request r;
	u64 *token;

	if (d->added == l->requests || !d->idle_count)
		return false;
	request_of(l, d->added, &r);
	token = &d->serials[d->idle[d->idle_count - 1]];
	if (pair_add(l->pair, r.sg, r.out, r.in, l->indirect, token) < 0)
		return false;
	d->idle_count--;
	*token = ++d->added;
	return true;
}

static void reaped(struct driver *d, const struct vq_done *done)
{
	struct lane *l = d->l;
	u64 *serial = done->token;
	struct request r;

	if (!*serial)
		fail(l, "a request comes back twice");
	request_of(l, *serial - 1, &r);
	/* Of all but the last of a batch what they have room for. */
	if (done->len != r.used_len && !(l->batch && done->len == room_of(&r)))
		fail(l, "request %llu has a used length of %u, not %u",
		     (unsigned long long)*serial - 1, done->len, r.used_len);
	if (l->shape.in_order && *serial != d->reaped + 1)
		fail(l, "request %llu comes back before %llu", (unsigned long long)*serial - 1,
		     (unsigned long long)d->reaped);
	*serial = 0;
	d->idle[d->idle_count++] = (u32)(serial - d->serials);
	d->reaped++;
}

/* One, or some at once. */
static bool reap(struct driver *d)
{
	struct vq_done done[REAPED];
	int n = vq_reap_some(&d->l->pair->vq, done, 1 + (unsigned)(d->reaped % REAPED));

	if (n == VQ_EMPTY)
		return false;
	if (n < 0)
		fail(d->l, "after %llu requests the driver is given one that is not outstanding",
		     (unsigned long long)d->reaped);
	for (int i = 0; i < n; i++)
		reaped(d, &done[i]);
	return true;
}

static bool submit(struct driver *d, u64 batch)
{
	u64 n = 0;

	while (n < batch && add(d))
		n++;
	if (!n)
		return false;
	pair_publish(d->l->pair);
	if (pair_kick_due(d->l->pair))
		signal_fd(d->l, d->l->kick);
	return true;
}

static void drive(struct lane *l)
{
	struct driver d = { .l = l };
	unsigned spins = 0;

	d.serials = calloc(l->shape.size, sizeof(*d.serials));
	d.idle = calloc(l->shape.size, sizeof(*d.idle));
	if (!d.serials || !d.idle)
		fail(l, "no memory");
	while (d.idle_count < l->shape.size) {
		d.idle[d.idle_count] = d.idle_count;
		d.idle_count++;
	}
	pair_disable_calls(l->pair);
	while (d.reaped < l->requests) {
		bool moved = submit(&d, 1 + mix(d.added) % 32);

		while (reap(&d))
			moved = true;
		if (moved)
			continue;
		if (!l->event) {
			relax(&spins);
		} else if (!pair_enable_calls(l->pair)) {
			l->sleeps[0]++;
			sleep_on(l, l->call, "driver");
			pair_disable_calls(l->pair);
		}
	}
	if (vq_room(&l->pair->vq) != l->shape.size)
		fail(l, "%u of %u entries are free in the end", vq_room(&l->pair->vq),
		     l->shape.size);
	free(d.serials);
	free(d.idle);
}

static void run(struct lane *l)
{
	pthread_t device;

	l->pair = pair_make(&l->shape);
	l->kick = eventfd(0, EFD_CLOEXEC);
	l->call = eventfd(0, EFD_CLOEXEC);
	if (!l->pair || l->kick < 0 || l->call < 0)
		fail(l, "no memory or descriptors");
	if (pthread_create(&device, NULL, device_main, l))
		fail(l, "no thread");
	drive(l);
	pthread_join(device, NULL);
	pair_free(l->pair);
	close(l->kick);
	close(l->call);
}

struct options {
	u64 requests, seed;
	int packed, event; /* -1: both */
	u16 size;	   /* 0: many */
	bool quick;
};

static void choose(struct lane *l, const struct options *o, u64 n)
{
	static const u16 powers[] = { 1, 2, 4, 16, 64, 256, 1024 };
	static const u16 others[] = { 1, 2, 3, 5, 7, 12, 100, 255, 1000 };
	const u64 v = mix(o->seed + n);

	*l = (struct lane){ .seed = o->seed + n };
	/* Half of the requests lie where the device has its short way. */
	l->shape.near = PAIR_DATA;
	l->shape.near_bytes = 1ull << 39;
	l->shape.packed = o->packed < 0 ? n & 1 : o->packed == 1;
	l->shape.event_idx = n >> 1 & 1;
	l->indirect = n >> 2 & 1;
	l->shape.in_order = n >> 3 & 1;
	l->batch = l->shape.in_order && n >> 4 & 1;
	/* One slice in four sleeps, and is shorter. */
	l->event = o->event < 0 ? v >> 8 & 1 && v >> 9 & 1 : o->event == 1;
	l->shape.size =
		l->shape.packed ? others[v % ARRAY_SIZE(others)] : powers[v % ARRAY_SIZE(powers)];
	if (o->size)
		l->shape.size = o->size;
	/* A small ring is handed to and fro all the time. */
	l->requests = (o->quick ? QUICK : SLICE) / 64 * MIN(l->shape.size, 64);
	if (l->event)
		l->requests /= o->quick ? 10 : 100;
	l->shape.start =
		l->shape.packed ? (u16)(v >> 16) % (2u * l->shape.size) : (u16)(0 - (v >> 16) % 64);
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static int stress(const struct options *o)
{
	u64 done = 0, rings = 0, reordered = 0, batches = 0, sleeps[2] = { 0 };
	struct timespec begin;
	double s;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (; done < o->requests; rings++) {
		struct lane l;

		choose(&l, o, rings);
		l.requests = MIN(l.requests, o->requests - done);
		run(&l);
		done += l.requests;
		reordered += l.reordered;
		batches += l.batches;
		sleeps[0] += l.sleeps[0];
		sleeps[1] += l.sleeps[1];
	}
	s = seconds_since(&begin);
	printf("%llu requests over %llu rings in %.1f s, %.2f million a second; %llu returned out of order, %llu batches; "
	       "driver slept %llu times, device %llu; seed %llu: nothing lost, doubled or misordered\n",
	       (unsigned long long)done, (unsigned long long)rings, s, (double)done / s / 1e6,
	       (unsigned long long)reordered, (unsigned long long)batches,
	       (unsigned long long)sleeps[0], (unsigned long long)sleeps[1],
	       (unsigned long long)o->seed);
	return 0;
}

static bool number(const char *text, u64 min, u64 max, u64 *v)
{
	char *end;

	*v = strtoull(text, &end, 10);
	return *text && !*end && *v >= min && *v <= max;
}

static bool either(const char *text, const char *no, const char *yes, int *v)
{
	*v = !strcmp(text, yes);
	return *v || !strcmp(text, no);
}

static int usage(void)
{
	fputs("usage: ring_threads [--requests N] [--seed N] [--ring split|packed] [--size N] "
	      "[--wait poll|event] [--quick]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "requests", 1, 0, 'n' },
		{ "seed", 1, 0, 's' },
		{ "ring", 1, 0, 'r' },
		{ "size", 1, 0, 'z' },
		{ "wait", 1, 0, 'w' },
		{ "quick", 0, 0, 'q' },
		{ 0, 0, 0, 0 },
	};
	struct options o = {
		.requests = 100000000, .seed = (u64)time(NULL), .packed = -1, .event = -1
	};
	bool ok = true;
	u64 v = 0;
	int ch;

	while (ok && (ch = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (ch) {
		case 'n':
			ok = number(optarg, 1, ~0ull, &o.requests);
			break;
		case 's':
			ok = number(optarg, 0, ~0ull, &o.seed);
			break;
		case 'r':
			ok = either(optarg, "split", "packed", &o.packed);
			break;
		case 'w':
			ok = either(optarg, "poll", "event", &o.event);
			break;
		case 'z':
			ok = number(optarg, 1, 32768, &v);
			o.size = (u16)v;
			break;
		case 'q':
			o.quick = true;
			break;
		default:
			ok = false;
		}
	}
	if (!ok || optind < argc || (o.size & (o.size - 1) && o.packed != 1))
		return usage();
	return stress(&o);
}
