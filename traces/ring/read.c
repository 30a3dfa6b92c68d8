// SPDX-License-Identifier: BSD-3-Clause
#include "traces/ring/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/ring/record.h"

#define FILES  64
#define WINDOW 2048 /* events of a stream in memory at once */

/* One writer's events, which are in order. */
struct stream {
	unsigned file;
	u32 ring;
	/* Of a buffer as it is: what is left, from `at` modulo its size. Of chunks: what is left of this one. */
	u64 left, at;
	u64 offset; /* chunks: of what comes next in the file */
	struct trace_event *window;
	u32 have, next;
	u64 ns;	  /* of the next event */
	u64 turn; /* … but its turn is after what was written before it */
};

/* ns = base_ns + (ticks - base_ticks) * mult >> 32. */
struct scale {
	u64 base_ticks, base_ns, mult;
};

struct file {
	struct events_file info;
	char *path;
	int fd;
	u64 bytes;
	struct buffer_file head;
	struct scale guest; /* BUFFER_GUEST */
};

struct events {
	struct file file[FILES];
	unsigned files;
	struct stream *stream;
	unsigned streams;
	struct stream *current; /* whose next event is the first, up to `limit` */
	u64 limit;
	bool begun;
	struct scale host; /* for all counters of this machine */
	u64 error_ns;
	bool rated; /* what its rate is, is known */
	/* events_set_hz(): the counter's way to CLOCK_MONOTONIC, as recordings that have ended say it. */
	struct scale measured;
	u64 measured_error_ns;
	bool moved;
};

static u64 clamp_ns(__int128 ns)
{
	return ns < 0 ? 0 : ns > UINT64_MAX ? UINT64_MAX : (u64)ns;
}

static u64 to_ns(const struct events *s, const struct file *f, u64 ticks)
{
	const struct scale *c = f->head.whose == BUFFER_GUEST ? &f->guest : &s->host;
	__int128 ns = ticks;

	if (f->head.whose == BUFFER_GUEST_AHEAD)
		ticks -= f->head.ahead;
	if (f->head.counter)
		ns = (__int128)c->base_ns +
		     ((__int128)(int64_t)(ticks - c->base_ticks) * (__int128)c->mult >> 32);
	return clamp_ns(ns);
}

static bool read_at(const struct file *f, u64 offset, void *to, size_t n)
{
	return offset <= f->bytes && n <= f->bytes - offset &&
	       pread(f->fd, to, n, (off_t)offset) == (ssize_t)n;
}

/* Find this ring's next chunk. */
static bool next_chunk(struct stream *st, struct file *f)
{
	struct record_chunk c;

	while (st->offset < f->bytes) {
		if (!read_at(f, st->offset, &c, sizeof(c)) || c.magic != RECORD_CHUNK ||
		    !c.events) {
			f->info.torn = true;
			break;
		}
		st->offset += sizeof(c);
		if (c.ring == st->ring) {
			st->left = c.events;
			st->at = st->offset;
			st->offset += (u64)c.events * sizeof(struct trace_event);
			return true;
		}
		st->offset += (u64)c.events * sizeof(struct trace_event);
	}
	st->offset = f->bytes;
	return false;
}

static bool refill(struct stream *st, struct file *f)
{
	const struct buffer_file *h = &f->head;
	u64 n, offset;

	if (!st->left && (h->ring_events || !next_chunk(st, f)))
		return false;
	n = MIN(st->left, WINDOW);
	if (h->ring_events) {
		u64 at = st->at & (h->ring_events - 1);

		n = MIN(n, h->ring_events - at);
		offset = h->header_bytes +
			 ((u64)st->ring * h->ring_events + at) * sizeof(*st->window);
		st->at += n;
	} else {
		offset = st->at;
		if (n > (f->bytes - MIN(offset, f->bytes)) / sizeof(*st->window)) {
			f->info.torn = true;
			n = (f->bytes - MIN(offset, f->bytes)) / sizeof(*st->window);
			st->left = n;
		}
		st->at += n * sizeof(*st->window);
	}
	if (!n || !read_at(f, offset, st->window, n * sizeof(*st->window))) {
		f->info.torn |= n != 0;
		st->left = 0;
		return false;
	}
	st->left -= n;
	st->have = (u32)n;
	st->next = 0;
	return true;
}

/* When is the next event? False at the end. */
static bool prime(struct events *s, struct stream *st)
{
	struct file *f = &s->file[st->file];

	if (st->next == st->have && !refill(st, f)) {
		st->have = st->next = 0;
		return false;
	}
	st->ns = to_ns(s, f, st->window[st->next].ticks);
	st->turn = MAX(st->ns, st->turn);
	return true;
}

/* Whose turn is it, and until when? */
static void choose(struct events *s)
{
	s->current = NULL;
	s->limit = UINT64_MAX;
	for (unsigned i = 0; i < s->streams; i++) {
		struct stream *st = &s->stream[i];

		if (!st->have)
			continue;
		if (!s->current || st->turn < s->current->turn) {
			if (s->current)
				s->limit = MIN(s->limit, s->current->turn);
			s->current = st;
		} else {
			s->limit = MIN(s->limit, st->turn);
		}
	}
}

static void begin(struct events *s)
{
	s->begun = true;
	for (unsigned i = 0; i < s->streams; i++)
		prime(s, &s->stream[i]);
	choose(s);
}

bool events_next(struct events *s, u64 until, struct trace_event *e, u64 *ns, unsigned *file)
{
	struct stream *st;

	if (!s->begun)
		begin(s);
	st = s->current;
	if (!st || st->turn > until)
		return false;
	*e = st->window[st->next++];
	*ns = st->ns;
	*file = st->file;
	if (!prime(s, st) || st->turn > s->limit)
		choose(s);
	return true;
}

/* --- opening ----------------------------------------------------------------------------------------- */

static bool fail(char *err, size_t len, const char *path, const char *why)
{
	snprintf(err, len, "cannot read '%s': %s", path, why);
	return false;
}

static bool plausible(const struct file *f)
{
	const struct buffer_file *h = &f->head;

	if (h->rings > BUFFER_RINGS || h->header_bytes < sizeof(*h) || h->actor >= BUFFER_ACTORS ||
	    h->whose >= BUFFER_WHOSE || (h->whose == BUFFER_GUEST && !h->hz))
		return false;
	if (!h->ring_events)
		return h->header_bytes == sizeof(*h);
	return !(h->ring_events & (h->ring_events - 1)) && h->ring_events <= 1u << 24;
}

static u64 scale_of(u64 hz)
{
	return (u64)(((unsigned __int128)1000000000 << 32) / hz);
}

static bool open_file(struct events *s, const char *path, char *err, size_t len)
{
	struct file *f = &s->file[s->files];
	struct stat st;

	if (s->files == FILES)
		return fail(err, len, path, "there are too many files");
	*f = (struct file){ .fd = open(path, O_RDONLY | O_CLOEXEC), .path = strdup(path) };
	s->files++;
	if (f->fd < 0 || !f->path || fstat(f->fd, &st))
		return fail(err, len, path, strerror(errno));
	f->bytes = S_ISREG(st.st_mode) ? (u64)st.st_size : 0;
	if (!read_at(f, 0, &f->head, sizeof(f->head)) ||
	    memcmp(f->head.magic, BUFFER_MAGIC, sizeof(f->head.magic)) != 0)
		return fail(err, len, path, "it is no recording");
	if (f->head.version != BUFFER_VERSION || !plausible(f))
		return fail(err, len, path, "it is of another version of Ringside, or damaged");
	f->info = (struct events_file){
		.actor = f->head.actor,
		.pid = f->head.pid,
		.peer = f->head.peer,
		.lost = f->head.lost,
		.path = f->path,
		.whose = f->head.whose,
		.hz = f->head.hz,
		.error_ppm = f->head.error_ppm,
		/* The recorder did not come to the end. */
		.torn = !f->head.ring_events && !f->head.end.ticks,
	};
	/* By its own word, until somebody knows better. */
	if (f->head.whose == BUFFER_GUEST)
		f->guest.mult = scale_of(f->head.hz);
	return true;
}

static bool open_all(struct events *s, const char *path, char *err, size_t len)
{
	const size_t suffix = strlen(RECORD_SUFFIX);
	struct dirent *d;
	struct stat st;
	bool ok = true;
	DIR *dir;

	if (stat(path, &st))
		return fail(err, len, path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return open_file(s, path, err, len);
	dir = opendir(path);
	if (!dir)
		return fail(err, len, path, strerror(errno));
	while (ok && (d = readdir(dir)) != NULL) {
		const size_t n = strlen(d->d_name);
		char name[4400];

		if (n <= suffix || strcmp(d->d_name + n - suffix, RECORD_SUFFIX) != 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		ok = open_file(s, name, err, len);
	}
	closedir(dir);
	return ok;
}

static struct scale scale_between(const struct buffer_moment *begin,
				  const struct buffer_moment *end)
{
	const unsigned __int128 mult =
		((unsigned __int128)(end->ns - begin->ns) << 32) / (end->ticks - begin->ticks);

	return (struct scale){ begin->ticks, begin->ns,
			       (u64)MIN(mult, (unsigned __int128)1 << 62) };
}

static u64 error_of(const struct buffer_moment *begin, const struct buffer_moment *end)
{
	return MIN(begin->error_ns, 1000000000u) + MIN(end->error_ns, 1000000000u);
}

/* One clock for all counters: from the two moments that are farthest apart. */
static void set_clock(struct events *s)
{
	u64 longest = 0, longest_ended = 0;

	s->host.mult = 1ull << 32;
	for (unsigned i = 0; i < s->files; i++) {
		const struct buffer_file *h = &s->file[i].head;
		struct buffer_moment end = h->end;
		u64 ticks;

		if (!h->counter || h->whose != BUFFER_HOST)
			continue;
		/* Not ended: as long as the machine runs, now is a moment of the same clocks. */
		if (!end.ticks && buffer_counter())
			end = buffer_moment(true);
		if (end.ticks <= h->begin.ticks || end.ns <= h->begin.ns)
			continue;
		ticks = end.ticks - h->begin.ticks;
		if (ticks > longest) {
			longest = ticks;
			s->rated = true;
			s->host = scale_between(&h->begin, &end);
			s->error_ns = error_of(&h->begin, &end);
		}
		/* Another machine's counter knows no now. */
		if (ticks > longest_ended && h->end.ticks) {
			longest_ended = ticks;
			s->measured = scale_between(&h->begin, &end);
			s->measured_error_ns = error_of(&h->begin, &end);
		}
	}
}

static bool add_streams(struct events *s, unsigned file)
{
	const struct buffer_file *h = &s->file[file].head;

	for (u32 i = 0; i < h->rings; i++) {
		struct stream *st = &s->stream[s->streams];
		const struct trace_ends *ends = &h->ring[i].ends;

		*st = (struct stream){ .file = file, .ring = i, .offset = h->header_bytes };
		if (h->ring_events) {
			if (ends->head - ends->tail > h->ring_events) {
				s->file[file].info.torn = true;
				continue;
			}
			st->left = ends->head - ends->tail;
			st->at = ends->tail;
			s->file[file].info.lost += ends->lost;
			if (!st->left)
				continue;
		}
		st->window = malloc(WINDOW * sizeof(*st->window));
		if (!st->window)
			return false;
		s->streams++;
	}
	return true;
}

struct events *events_open(const char *path, char *err, size_t len)
{
	struct events *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(err, len, "out of memory");
		return NULL;
	}
	if (!open_all(s, path, err, len)) {
		events_close(s);
		return NULL;
	}
	s->stream = calloc((size_t)s->files * BUFFER_RINGS + 1, sizeof(*s->stream));
	if (!s->stream)
		goto no_memory;
	for (unsigned i = 0; i < s->files; i++)
		if (!add_streams(s, i))
			goto no_memory;
	set_clock(s);
	return s;
no_memory:
	snprintf(err, len, "out of memory");
	events_close(s);
	return NULL;
}

void events_close(struct events *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->stream && i < s->streams; i++)
		free(s->stream[i].window);
	for (unsigned i = 0; i < s->files; i++) {
		if (s->file[i].fd >= 0)
			close(s->file[i].fd);
		free(s->file[i].path);
	}
	free(s->stream);
	free(s);
}

unsigned events_files(const struct events *s)
{
	return s->files;
}

const struct events_file *events_file(const struct events *s, unsigned i)
{
	return &s->file[i].info;
}

u64 events_clock_error(const struct events *s, bool other)
{
	bool counters = false, times = false;

	for (unsigned i = 0; i < s->files; i++) {
		/* A guest's has an error of its own. */
		if (s->file[i].head.whose == BUFFER_GUEST)
			continue;
		counters |= s->file[i].head.counter != 0;
		times |= s->file[i].head.counter == 0;
	}
	/* Among themselves, they read one counter. */
	if (!counters || !(times || other))
		return 0;
	return s->moved ? s->measured_error_ns : s->error_ns;
}

double events_host_hz(const struct events *s)
{
	return s->rated && s->host.mult ? 4294967296.0 * 1e9 / (double)s->host.mult : 0;
}

void events_set_hz(struct events *s, u64 hz)
{
	s->host = (struct scale){ .mult = scale_of(hz) };
	s->error_ns = 0;
	s->rated = true;
	s->moved = true;
}

bool events_monotonic(const struct events *s, u64 ns, u64 *out)
{
	const struct scale *m = &s->measured;
	__int128 ticks;

	*out = ns;
	if (!s->moved)
		return true;
	if (!m->mult)
		return false;
	ticks = ((__int128)(int64_t)(ns - m->base_ns) * ((__int128)1 << 32)) / (__int128)m->mult +
		(__int128)m->base_ticks;
	*out = clamp_ns((__int128)s->host.base_ns +
			((ticks - (__int128)s->host.base_ticks) * (__int128)s->host.mult >> 32));
	return true;
}

void events_set_guest(struct events *s, unsigned file, u64 base_ticks, u64 base_ns, u64 mult)
{
	s->file[file].guest = (struct scale){ base_ticks, base_ns, mult };
}

u64 events_ns(const struct events *s, unsigned file, u64 ticks)
{
	return to_ns(s, &s->file[file], ticks);
}
