// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/lttng.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/stage/packet.h"

#define METADATA_MAGIC	0x75d11d57u
#define METADATA_HEADER 37u
#define METADATA_MAX	(1u << 20)
#define STREAMS		1024
#define WINDOW		65536u
#define PAYLOAD		16u /* seq, len, queue, head */

struct stream {
	int fd;
	unsigned trace;
	u64 size;
	u64 next;      /* where the next packet begins */
	u64 at, end;   /* the next event, and where this packet's end */
	u64 window_at; /* what of the file is in memory */
	u32 have;
	u8 *window;
	u64 discarded;
	bool torn;
	/* The next event, when there is one. */
	bool any;
	u64 ns;
	struct trace_event e;
};

struct lttng {
	struct lttng_layout *layout;
	struct stream *stream;
	unsigned streams;
};

/* --- packets and events ----------------------------------------------------------------------------------- */

static u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return le16(v);
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return le32(v);
}

static u64 get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return le64(v);
}

/* So many bytes at an offset, or NULL. */
static const u8 *bytes(struct stream *s, u64 at, u32 n)
{
	ssize_t got;

	if (at >= s->window_at && at - s->window_at + n <= s->have)
		return s->window + (at - s->window_at);
	got = pread(s->fd, s->window, WINDOW, (off_t)at);
	s->window_at = at;
	s->have = got > 0 ? (u32)got : 0;
	return n <= s->have ? s->window : NULL;
}

/* A packet without events is none worth stopping at. */
static bool next_packet(struct stream *s)
{
	while (s->next < s->size) {
		const u8 *p = bytes(s, s->next, sizeof(struct ctf_packet));
		struct ctf_packet h;
		u64 packet, content;

		if (!p)
			break;
		memcpy(&h, p, sizeof(h));
		packet = h.packet_bits / 8;
		content = h.content_bits / 8;
		if (h.magic != CTF_MAGIC || packet < sizeof(h) || packet > s->size - s->next ||
		    content < sizeof(h) || content > packet)
			break;
		s->at = s->next + sizeof(h);
		s->end = s->next + content;
		s->next += packet;
		s->ns = h.begin;
		s->discarded = h.discarded;
		s->e.cpu = (u16)h.cpu;
		if (s->at < s->end)
			return true;
	}
	s->torn |= s->next < s->size;
	s->next = s->size;
	return false;
}

/* Of a time the lower bits; it never goes back. */
static u64 onward(u64 last, u64 low, unsigned bits)
{
	const u64 mask = (1ull << bits) - 1;
	const u64 now = (last & ~mask) | low;

	return now < last ? now + mask + 1 : now;
}

/* How long a header is; 0: the event is not all there. */
static u32 header(struct stream *s, bool large, u32 *id)
{
	const u8 *p = bytes(s, s->at, large ? 6 : 4);

	if (!p)
		return 0;
	if (large) {
		*id = get16(p);
		if (*id != 0xffff) {
			s->ns = onward(s->ns, get32(p + 2), 32);
			return 6;
		}
	} else {
		*id = get32(p) & 31;
		if (*id != 31) {
			s->ns = onward(s->ns, get32(p) >> 5, 27);
			return 4;
		}
	}
	p = bytes(s, s->at, large ? 14 : 13);
	if (!p)
		return 0;
	p += large ? 2 : 1;
	*id = get32(p);
	s->ns = get64(p + 4);
	return large ? 14 : 13;
}

static bool next_event(struct stream *s, const struct lttng_layout *l)
{
	const u8 *p;
	u32 id, head;

	s->any = false;
	if (s->at >= s->end && !next_packet(s))
		return false;
	head = header(s, l->large, &id);
	p = head ? bytes(s, s->at, head + PAYLOAD) : NULL;
	if (!p || s->at + head + PAYLOAD > s->end || id >= LTTNG_EVENTS ||
	    l->kind[id] == LTTNG_NO_EVENT) {
		s->torn = true;
		s->at = s->end = s->next = s->size;
		return false;
	}
	p += head;
	s->e = (struct trace_event){
		.ticks = s->ns,
		.seq = get64(p),
		.len = get32(p + 8),
		.queue = get16(p + 12),
		.head = get16(p + 14),
		.kind = l->kind[id],
		.flags = ctf_flags(l->kind[id]),
		.cpu = s->e.cpu,
	};
	s->at += head + PAYLOAD;
	s->any = true;
	return true;
}

/* Who is first, and until when. */
static struct stream *choose(struct lttng *t, u64 *limit)
{
	struct stream *first = NULL;

	*limit = UINT64_MAX;
	for (unsigned i = 0; i < t->streams; i++) {
		struct stream *s = &t->stream[i];

		if (!s->any)
			continue;
		if (!first || s->ns < first->ns) {
			if (first)
				*limit = MIN(*limit, first->ns);
			first = s;
		} else {
			*limit = MIN(*limit, s->ns);
		}
	}
	return first;
}

static int read_events(struct lttng *t, ctf_fn *fn, void *arg)
{
	struct stream *s;
	u64 limit;

	for (unsigned i = 0; i < t->streams; i++)
		next_event(&t->stream[i], &t->layout[t->stream[i].trace]);
	while ((s = choose(t, &limit)) != NULL) {
		const struct lttng_layout *l = &t->layout[s->trace];

		do {
			const int rc = fn(arg, l->pid ? l->pid : s->trace, &s->e, s->ns);

			if (rc)
				return rc;
		} while (next_event(s, l) && s->ns <= limit);
	}
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------------------- */

/* Both buffers are of METADATA_MAX bytes. */
static bool read_metadata(const char *dir, u8 *raw, char *text)
{
	char path[4400];
	size_t n, used = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/metadata", dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(raw, 1, METADATA_MAX, f);
	fclose(f);
	if (n == METADATA_MAX)
		return false;
	for (size_t at = 0; at < n;) {
		u32 content, packet;

		if (n - at < METADATA_HEADER || get32(raw + at) != METADATA_MAGIC)
			return false;
		content = get32(raw + at + 24) / 8;
		packet = get32(raw + at + 28) / 8;
		if (content < METADATA_HEADER || packet < content || packet > n - at)
			return false;
		memcpy(text + used, raw + at + METADATA_HEADER, content - METADATA_HEADER);
		used += content - METADATA_HEADER;
		at += packet;
	}
	text[used] = '\0';
	return used > 0 && strlen(text) == used;
}

static int open_stream(struct lttng *t, unsigned trace, const char *dir, const char *name)
{
	struct stream *s = &t->stream[t->streams];
	char path[4600];
	struct stat st;

	if (t->streams == STREAMS)
		return -EMFILE;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*s = (struct stream){ .fd = open(path, O_RDONLY | O_CLOEXEC), .trace = trace };
	if (s->fd < 0)
		return -errno;
	t->streams++;
	if (fstat(s->fd, &st))
		return -errno;
	s->size = S_ISREG(st.st_mode) ? (u64)st.st_size : 0;
	s->window = malloc(WINDOW);
	return s->window ? 0 : -ENOMEM;
}

static int open_trace(struct lttng *t, unsigned trace, const char *dir)
{
	struct dirent *d;
	DIR *list = opendir(dir);
	int rc = list ? 0 : -errno;

	while (!rc && list && (d = readdir(list)) != NULL) {
		/* "index" is a folder that LTTng keeps for itself. */
		if (d->d_name[0] == '.' || strcmp(d->d_name, "metadata") == 0 ||
		    strcmp(d->d_name, "index") == 0)
			continue;
		rc = open_stream(t, trace, dir, d->d_name);
	}
	if (list)
		closedir(list);
	return rc;
}

static void close_all(struct lttng *t)
{
	for (unsigned i = 0; t->stream && i < t->streams; i++) {
		free(t->stream[i].window);
		close(t->stream[i].fd);
	}
	free(t->stream);
	free(t->layout);
}

static bool know_all(struct lttng *t, char *const *dirs, unsigned count)
{
	char *text = malloc(METADATA_MAX);
	u8 *raw = malloc(METADATA_MAX);
	bool known = text && raw;

	for (unsigned i = 0; known && i < count; i++)
		known = read_metadata(dirs[i], raw, text) && lttng_parse(text, &t->layout[i]);
	free(raw);
	free(text);
	return known;
}

int lttng_read(char *const *dirs, unsigned count, ctf_fn *fn, void *arg, struct ctf_result *result,
	       char *err, size_t len)
{
	struct lttng t = { .layout = calloc(count, sizeof(*t.layout)),
			   .stream = calloc(STREAMS, sizeof(*t.stream)) };
	unsigned last = UINT32_MAX;
	int rc = 0;

	if (!t.layout || !t.stream) {
		rc = -ENOMEM;
	} else if (!know_all(&t, dirs, count)) {
		close_all(&t);
		return 1;
	}
	for (unsigned i = 0; !rc && i < count; i++)
		rc = open_trace(&t, i, dirs[i]);
	if (rc) {
		snprintf(err, len, "cannot read the trace in '%s': %s", dirs[0], strerror(-rc));
		close_all(&t);
		return -1;
	}
	rc = read_events(&t, fn, arg);
	for (unsigned i = 0; i < t.streams; i++) {
		const struct stream *s = &t.stream[i];

		result->discarded += s->discarded;
		/* Traces count, not their streams, which stand one behind the other. */
		if (s->torn && s->trace != last)
			result->torn++;
		if (s->torn)
			last = s->trace;
	}
	close_all(&t);
	return rc;
}
