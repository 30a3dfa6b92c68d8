// SPDX-License-Identifier: BSD-3-Clause
/* Plain CTF 1.8: one trace for each file, a stream for it, events as the LTTng provider has them. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/bpf/file.h"
#include "traces/export/export.h"
#include "traces/ring/read.h"
#include "traces/ring/record.h"
#include "traces/stage.h"

#define PACKET_EVENTS 4096

struct packet_header {
	u32 magic, stream;
	u64 begin, end, content_bits, packet_bits, discarded;
} __attribute__((packed));

struct record {
	u8 id;
	u64 ns, seq;
	u32 len;
	u16 queue, head, cpu;
	u32 tid;
} __attribute__((packed));

struct out {
	FILE *f;
	struct record event[PACKET_EVENTS];
	u32 n;
	u64 last, lost;
};

static const char metadata_head[] =
	"/* CTF 1.8 */\n\n"
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n\n"
	"trace {\n"
	"\tmajor = 1; minor = 8; byte_order = le;\n"
	"\tpacket.header := struct { uint32_t magic; uint32_t stream_id; };\n"
	"};\n\n"
	"env { domain = \"ringside\"; vpid = %u; procname = \"%s\"; };\n\n"
	"clock { name = monotonic; freq = 1000000000; offset = 0; };\n"
	"typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := ns_t;\n\n"
	"stream {\n"
	"\tid = 0;\n"
	"\tpacket.context := struct { ns_t timestamp_begin; ns_t timestamp_end; uint64_t content_size;\n"
	"\t\tuint64_t packet_size; uint64_t events_discarded; };\n"
	"\tevent.header := struct { uint8_t id; ns_t timestamp; };\n"
	"};\n\n";

static const char metadata_event[] =
	"event { name = \"%s\"; id = %u; stream_id = 0; fields := struct { uint64_t seq; uint32_t len;\n"
	"\tuint16_t queue; uint16_t head; uint16_t cpu; uint32_t tid; }; };\n";

static int write_metadata(const char *dir, const struct events_file *info)
{
	static const char *const actors[BUFFER_ACTORS] = { "back-end", "driver", "monitor" };
	char path[4600], name[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/metadata", dir);
	f = fopen(path, "wxe");
	if (!f)
		return -1;
	fprintf(f, metadata_head, info->pid, actors[info->actor]);
	for (unsigned i = 0; i < TRACE_POINTS; i++) {
		snprintf(name, sizeof(name), "ringside:%s", stage_point_name(i));
		fprintf(f, metadata_event, name, i);
	}
	return fclose(f) ? -1 : 0;
}

static int flush(struct out *o)
{
	const u64 bits = (sizeof(struct packet_header) + o->n * sizeof(o->event[0])) * 8;
	const struct packet_header h = {
		.magic = 0xc1fc1fc1,
		.begin = o->event[0].ns,
		.end = o->n ? o->event[o->n - 1].ns : 0,
		.content_bits = bits,
		.packet_bits = bits,
		.discarded = o->lost,
	};

	if (o->n && (fwrite(&h, sizeof(h), 1, o->f) != 1 ||
		     fwrite(o->event, sizeof(o->event[0]), o->n, o->f) != o->n))
		return -1;
	o->n = 0;
	return 0;
}

static int open_out(struct out **out, const char *dir, const struct events_file *info, unsigned i)
{
	char path[4400], stream[4500];
	struct out *o = calloc(1, sizeof(*o));
	const char *name = strrchr(info->path, '/');

	if (!o)
		return -1;
	name = name ? name + 1 : info->path;
	snprintf(path, sizeof(path), "%s/%u-%.*s", dir, i, (int)strcspn(name, "."), name);
	snprintf(stream, sizeof(stream), "%s/stream", path);
	if (mkdir(path, 0777) || write_metadata(path, info) || !(o->f = fopen(stream, "wxe"))) {
		free(o);
		return -1;
	}
	o->lost = info->lost;
	*out = o;
	return 0;
}

static int write_events(struct events *in, struct out **out)
{
	struct trace_event e;
	unsigned file;
	u64 ns;

	while (events_next(in, UINT64_MAX, &e, &ns, &file)) {
		struct out *o = out[file];

		if (e.kind >= TRACE_POINTS)
			continue;
		/* A stream's times may not go back; a request that was due before has its own. */
		o->last = ns = ns > o->last ? ns : o->last;
		o->event[o->n++] =
			(struct record){ e.kind, ns, e.seq, e.len, e.queue, e.head, e.cpu, e.tid };
		if (o->n == PACKET_EVENTS && flush(o))
			return -1;
	}
	return 0;
}

static _Thread_local struct {
	const char *to;
	size_t from_len;
} tree;

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = -1;
	char block[65536];
	ssize_t n = 0;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	while (out >= 0 && (n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			goto out;
	rc = out < 0 || n ? -1 : 0;
out:
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out))
		rc = -1;
	return rc;
}

/* All that is not ours is LTTng's. */
static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;
	const size_t n = strlen(name), suffix = strlen(RECORD_SUFFIX);
	char to[4400];

	if (ftw->level == 0)
		return 0;
	if (ftw->level == 1 && type == FTW_F &&
	    (strcmp(name, "threads") == 0 || strcmp(name, KERNEL_FILE) == 0 ||
	     (n > suffix && strcmp(name + n - suffix, RECORD_SUFFIX) == 0)))
		return 0;
	snprintf(to, sizeof(to), "%s%s", tree.to, path + tree.from_len);
	if (type == FTW_D)
		return mkdir(to, 0777) && errno != EEXIST;
	return type == FTW_F ? copy_file(path, to) : 0;
}

int export_ctf(const char *path, const char *dir, char *err, size_t len)
{
	struct events *in = events_open(path, err, len);
	struct out *out[64] = { NULL };
	unsigned opened = 0;
	struct stat st;
	int rc = -1;

	if (!in)
		return -1;
	if ((mkdir(dir, 0777) && errno != EEXIST) || stat(path, &st))
		goto out;
	for (; opened < events_files(in); opened++)
		if (open_out(&out[opened], dir, events_file(in, opened), opened))
			goto out;
	rc = write_events(in, out);
	tree.to = dir;
	tree.from_len = strlen(path);
	if (!rc && S_ISDIR(st.st_mode))
		rc = nftw(path, copy_one, 16, FTW_PHYS) ? -1 : 0;
out:
	for (unsigned i = 0; i < opened; i++) {
		if (!rc)
			rc = flush(out[i]);
		if (fclose(out[i]->f))
			rc = -1;
		free(out[i]);
	}
	if (rc)
		snprintf(err, len, "cannot write '%s': %s", dir, strerror(errno));
	events_close(in);
	return rc;
}
