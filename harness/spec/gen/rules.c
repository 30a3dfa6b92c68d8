// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/gen/rules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	ID,
	ACTOR,
	SECTION,
	NUMBER,
	LEVEL,
	SUMMARY,
	FEATURE,
	OBSERVABLE,
	CHECK,
	NOTE,
	CLAUSE_CELLS
};

static const char *const virtio_columns[] = {
	[ID] = "id",	       [ACTOR] = "actor",	    [SECTION] = "section",
	[NUMBER] = "number",   [LEVEL] = "level",	    [SUMMARY] = "summary",
	[FEATURE] = "feature", [OBSERVABLE] = "observable", [CHECK] = "check",
	[NOTE] = "note",
};

static const char *const vu_columns[] = { "id",	     "actor",	"section", "level",
					  "summary", "feature", "check",   "note" };

enum {
	M_CHAN,
	M_ID,
	M_NAME,
	M_OLD_NAME,
	M_DIR,
	M_REQ_LAYOUT,
	M_REQ_MIN,
	M_REQ_MAX,
	M_REQ_FDS_MIN,
	M_REQ_FDS_MAX,
	M_REPLY_WHEN,
	M_REPLY_LAYOUT,
	M_REPLY_SIZE,
	M_REPLY_FDS_MIN,
	M_REPLY_FDS_MAX,
	M_GATE_PF,
	M_GATE_OTHER,
	M_REPLY_ACK,
	M_EDITION,
	M_SPEC_ERROR,
	M_NOTE,
};

static const char *const msg_columns[] = {
	[M_CHAN] = "chan",
	[M_ID] = "id",
	[M_NAME] = "name",
	[M_OLD_NAME] = "old_name",
	[M_DIR] = "dir",
	[M_REQ_LAYOUT] = "req_layout",
	[M_REQ_MIN] = "req_size_min",
	[M_REQ_MAX] = "req_size_max",
	[M_REQ_FDS_MIN] = "req_fds_min",
	[M_REQ_FDS_MAX] = "req_fds_max",
	[M_REPLY_WHEN] = "reply_when",
	[M_REPLY_LAYOUT] = "reply_layout",
	[M_REPLY_SIZE] = "reply_size",
	[M_REPLY_FDS_MIN] = "reply_fds_min",
	[M_REPLY_FDS_MAX] = "reply_fds_max",
	[M_GATE_PF] = "gate_pf",
	[M_GATE_OTHER] = "gate_other",
	[M_REPLY_ACK] = "reply_ack",
	[M_EDITION] = "edition",
	[M_SPEC_ERROR] = "spec_error",
	[M_NOTE] = "codec_note",
};

static const char *const reason_columns[] = { "clause", "reason" };

enum rules_layout rules_layout_of(const struct tsv *t)
{
	if (tsv_has_columns(t, reason_columns, ARRAY_SIZE(reason_columns)))
		return RULES_REASONS;
	if (tsv_has_columns(t, virtio_columns, ARRAY_SIZE(virtio_columns)))
		return RULES_VIRTIO;
	if (tsv_has_columns(t, vu_columns, ARRAY_SIZE(vu_columns)))
		return RULES_VHOST_USER;
	if (tsv_has_columns(t, msg_columns, ARRAY_SIZE(msg_columns)))
		return RULES_MESSAGES;
	return RULES_UNKNOWN;
}

/* A row under way: reads its cells by name, keeps where it stands. */
struct row {
	const char *cells[ARRAY_SIZE(msg_columns)];
	const char *const *columns;
	size_t line;
	struct tsv_error *err;
};

static bool bad(const struct row *r, int column, const char *why)
{
	tsv_fail(r->err, r->line, r->columns[column], "'%.60s' %s", r->cells[column], why);
	return false;
}

struct word {
	const char *name;
	u64 value;
};

static bool find_word(const struct word *words, size_t n, const char *s, size_t len, u64 *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i].name) != len || memcmp(words[i].name, s, len) != 0)
			continue;
		*value = words[i].value;
		return true;
	}
	return false;
}

/* Or-s the values of the names in a list such as "vhost-user,mmio"; blanks after commas are fine.
 */
static bool find_words(const struct word *words, size_t n, const char *s, u64 *mask)
{
	u64 value;

	*mask = 0;
	for (;;) {
		size_t len = strcspn(s, ",");

		if (!find_word(words, n, s, len, &value))
			return false;
		*mask |= value;
		if (!s[len])
			return true;
		s += len + 1;
		s += *s == ' ';
	}
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Length of one part of an id: lower-case letters, digits and dashes, up to the next dot. */
static size_t id_part(const char *s)
{
	size_t n = 0;

	while (islower((unsigned char)s[n]) || isdigit((unsigned char)s[n]) || s[n] == '-')
		n++;
	return n && s[0] != '-' && (s[n] == '.' || !s[n]) ? n : 0;
}

/* N, or xN where the text misprints its keyword, and a letter where one sentence became more rows.
 */
static bool id_number(const char *s)
{
	size_t digits;

	s += *s == 'x';
	digits = strspn(s, "0123456789");
	s += digits;
	s += islower((unsigned char)*s) != 0;
	return digits && !*s;
}

/*
 * v14.AREA.TOPIC.dev.N (or drv), VU.AREA.TOPIC.be.N (or fe), ROB.AREA.TOPIC. The virtio ids name
 * the heading that a statement stands under; who is bound is `actor`, which now and then differs.
 */
static bool parse_id(const struct row *r, enum rules_layout layout, struct clause *out)
{
	const char *s = r->cells[ID], *who = "";
	size_t parts = 1, len = strcspn(s, "."), who_len = 0;
	static const struct word docs[] = {
		{ "v14", CLAUSE_DOC_VIRTIO },
		{ "VU", CLAUSE_DOC_VHOST_USER },
		{ "ROB", CLAUSE_DOC_ROBUSTNESS },
	};
	u64 doc;

	if (!find_word(docs, ARRAY_SIZE(docs), s, len, &doc))
		return bad(r, ID, "does not begin with v14., VU. or ROB.");
	if ((doc == CLAUSE_DOC_VHOST_USER) != (layout == RULES_VHOST_USER))
		return bad(r, ID, "does not belong into a table with these columns");
	out->id = s;
	out->doc = (u8)doc;
	for (s += len; *s == '.'; s += len, parts++) {
		len = id_part(++s);
		if (!len)
			return bad(r, ID, "has a part that is not of a-z, 0-9 and '-'");
		if (parts == 3) {
			who = s;
			who_len = len;
		} else if (parts == 4 && !id_number(s)) {
			return bad(r, ID, "does not end in a number");
		}
	}
	if (parts != (doc == CLAUSE_DOC_ROBUSTNESS ? 3 : 5))
		return bad(r, ID, "has the wrong number of parts");
	if (doc == CLAUSE_DOC_VIRTIO)
		return (who_len == 3 && (starts(who, "dev") || starts(who, "drv"))) ||
		       bad(r, ID, "has neither dev nor drv before its number");
	if (doc == CLAUSE_DOC_VHOST_USER)
		return (who_len == 2 && (starts(who, "be") || starts(who, "fe"))) ||
		       bad(r, ID, "has neither be nor fe before its number");
	return true;
}

static bool parse_actor(const struct row *r, enum rules_layout layout, struct clause *out)
{
	static const struct word virtio[] = { { "device", CLAUSE_DEVICE },
					      { "driver", CLAUSE_DRIVER } };
	static const struct word vu[] = { { "backend", CLAUSE_DEVICE },
					  { "frontend", CLAUSE_DRIVER } };
	const char *s = r->cells[ACTOR];
	u64 actor;

	if (!find_word(layout == RULES_VHOST_USER ? vu : virtio, 2, s, strlen(s), &actor))
		return bad(r, ACTOR,
			   layout == RULES_VHOST_USER ? "is neither backend nor frontend"
						      : "is neither device nor driver");
	out->actor = (u8)actor;
	return true;
}

static bool parse_level(const struct row *r, struct clause *out)
{
	static const struct word levels[] = {
		{ "MUST", CLAUSE_MUST },     { "MUST_NOT", CLAUSE_MUST_NOT },
		{ "SHOULD", CLAUSE_SHOULD }, { "SHOULD_NOT", CLAUSE_SHOULD_NOT },
		{ "MAY", CLAUSE_MAY },
	};
	const char *s = r->cells[LEVEL];
	u64 level;

	if (!find_word(levels, ARRAY_SIZE(levels), s, strlen(s), &level))
		return bad(r, LEVEL, "is not MUST, MUST_NOT, SHOULD, SHOULD_NOT or MAY");
	/* The chapter on back-end programs calls itself "a good idea": nothing in it is a MUST. */
	if (starts(out->id, "VU.prog.")) {
		if (level == CLAUSE_MUST)
			level = CLAUSE_SHOULD;
		else if (level == CLAUSE_MUST_NOT)
			level = CLAUSE_SHOULD_NOT;
	}
	out->level = (u8)level;
	return true;
}

static bool parse_where(const struct row *r, enum rules_layout layout, struct clause *out)
{
	static const struct word places[] = {
		{ "vhost-user", CLAUSE_AT_VHOST_USER },
		{ "mmio", CLAUSE_AT_MMIO },
		{ "pci", CLAUSE_AT_PCI },
		{ "guest", CLAUSE_AT_GUEST },
		{ "ccw", CLAUSE_AT_CCW },
		{ "driver-side", CLAUSE_AT_DRIVER_SIDE },
	};
	u64 where = 0;

	if (layout == RULES_VHOST_USER) {
		if (!starts(out->note, "untestable"))
			where = out->actor == CLAUSE_DEVICE ? CLAUSE_AT_VHOST_USER
							    : CLAUSE_AT_DRIVER_SIDE;
	} else if (strcmp(r->cells[OBSERVABLE], "untestable") != 0 &&
		   !find_words(places, ARRAY_SIZE(places), r->cells[OBSERVABLE], &where)) {
		return bad(r, OBSERVABLE,
			   "is not 'untestable' nor a list of vhost-user, mmio, pci, guest, ccw, "
			   "driver-side");
	}
	if (out->actor == CLAUSE_DEVICE && where & CLAUSE_AT_DRIVER_SIDE)
		return bad(r, OBSERVABLE, "says driver-side of what binds the device");
	if (out->actor == CLAUSE_DRIVER && where & ~CLAUSE_AT_DRIVER_SIDE)
		return bad(r, OBSERVABLE, "says that a driver can show what binds the driver");
	out->where = (u8)where;
	return true;
}

static u8 parse_flags(const char *note)
{
	u8 flags = 0;

	if (starts(note, "[legacy]") || starts(note, "legacy interface section"))
		flags |= CLAUSE_LEGACY;
	if (starts(note, "[outside-normative]") || starts(note, "informative section"))
		flags |= CLAUSE_NON_NORMATIVE;
	if (starts(note, "[info]"))
		flags |= CLAUSE_INFO;
	if (strstr(note, "[info-part]"))
		flags |= CLAUSE_INFO_PART;
	return flags;
}

/* A tag that stands where parse_flags() does not look would be lost without a word. */
static bool check_tags(const struct row *r)
{
	static const char *const tags[] = { "[legacy]", "[outside-normative]", "[info]" };

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		const char *at = strstr(r->cells[NOTE], tags[i]);

		if (at && at != r->cells[NOTE])
			return bad(r, NOTE, "has a tag that is not at its begin");
	}
	for (const char *s = r->cells[NOTE]; (s = strchr(s, '[')); s++) {
		size_t len = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz-");

		if (len && s[1 + len] == ']' && !starts(s, "[info-part]") && !starts(s, "[info]") &&
		    !starts(s, "[legacy]") && !starts(s, "[outside-normative]"))
			return bad(r, NOTE, "has an unknown [tag]");
	}
	return true;
}

bool rules_clause(const struct tsv *t, size_t row, struct clause *out, struct tsv_error *err)
{
	enum rules_layout layout = rules_layout_of(t);
	char *const *cells = tsv_row(t, row);
	struct row r = { .columns = virtio_columns, .line = tsv_line(row), .err = err };

	*out = (struct clause){ 0 };
	for (size_t i = 0, from = 0; i < CLAUSE_CELLS; i++) {
		bool absent = layout == RULES_VHOST_USER && (i == NUMBER || i == OBSERVABLE);

		r.cells[i] = absent ? "" : cells[from++];
	}
	out->section = r.cells[SECTION];
	out->number = r.cells[NUMBER];
	out->summary = r.cells[SUMMARY];
	out->feature = r.cells[FEATURE];
	out->sketch = r.cells[CHECK];
	out->note = r.cells[NOTE];
	out->flags = parse_flags(out->note);
	if (!parse_id(&r, layout, out) || !parse_actor(&r, layout, out) || !parse_level(&r, out) ||
	    !parse_where(&r, layout, out) || !check_tags(&r))
		return false;
	if (!*out->section)
		return bad(&r, SECTION, "is empty");
	if (!*out->number && out->doc == CLAUSE_DOC_VIRTIO)
		return bad(&r, NUMBER, "is empty");
	if (strspn(out->number, "0123456789.") != strlen(out->number))
		return bad(&r, NUMBER, "is not a section number");
	if (!*out->summary)
		return bad(&r, SUMMARY, "is empty");
	if (!*out->sketch && out->where)
		return bad(&r, CHECK, "is empty, but the clause can be tested");
	return true;
}

static bool parse_u32(const struct row *r, int column, u32 max, u32 *out)
{
	const char *s = r->cells[column];
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (!isdigit((unsigned char)*s) || *end || v > max)
		return bad(r, column, "is not a number in range");
	*out = (u32)v;
	return true;
}

/* A number, or in words that there is none ("20+4*w*h", "=req", "0|8|16"). */
static bool parse_size(const struct row *r, int column, u32 *out)
{
	const char *s = r->cells[column];

	if (strspn(s, "0123456789") == strlen(s))
		return parse_u32(r, column, 1 << 20, out);
	if (!starts(s, "=req") && !strpbrk(s, "|+"))
		return bad(r, column, "is neither a size nor one of =req, A|B, A+B*x");
	*out = VU_SIZE_OPEN;
	return true;
}

static bool parse_fds(const struct row *r, int column, u8 *out)
{
	u32 v;

	if (!parse_u32(r, column, VU_MAX_FDS, &v))
		return false;
	*out = (u8)v;
	return true;
}

static bool parse_gate(const struct row *r, u64 *out)
{
	static const struct word features[] = {
#define PF(name) { #name, BIT_ULL(VU_PF_##name) }
		PF(MQ),
		PF(LOG_SHMFD),
		PF(RARP),
		PF(REPLY_ACK),
		PF(MTU),
		PF(BACKEND_REQ),
		PF(CROSS_ENDIAN),
		PF(CRYPTO_SESSION),
		PF(PAGEFAULT),
		PF(CONFIG),
		PF(BACKEND_SEND_FD),
		PF(HOST_NOTIFIER),
		PF(INFLIGHT_SHMFD),
		PF(RESET_DEVICE),
		PF(INBAND_NOTIFICATIONS),
		PF(CONFIGURE_MEM_SLOTS),
		PF(STATUS),
		PF(XEN_MMAP),
		PF(SHARED_OBJECT),
		PF(DEVICE_STATE),
		PF(GET_VRING_BASE_INFLIGHT),
		PF(GPA_ADDRESSES),
		PF(SHMEM),
		PF(GET_VRING_BASE_SKIP_DRAIN),
#undef PF
	};
	const char *s = r->cells[M_GATE_PF];

	*out = 0;
	return !*s || find_words(features, ARRAY_SIZE(features), s, out) ||
	       bad(r, M_GATE_PF, "is not a list of protocol features");
}

static const char *layout_of(const char *s)
{
	return strcmp(s, "-") == 0 ? "" : s;
}

bool rules_message(const struct tsv *t, size_t row, struct vu_msg_spec *out, struct tsv_error *err)
{
	static const struct word chans[] = { { "main", VU_CHAN_MAIN },
					     { "backend", VU_CHAN_BACKEND },
					     { "gpu", VU_CHAN_GPU } };
	static const struct word acks[] = { { "-", VU_ACK_NONE },
					    { "ack", VU_ACK_U64 },
					    { "body", VU_ACK_BODY } };
	struct row r = { .columns = msg_columns, .line = tsv_line(row), .err = err };
	const char *when, *dir;
	u64 word;

	*out = (struct vu_msg_spec){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(msg_columns); i++)
		r.cells[i] = tsv_row(t, row)[i];
	if (!find_word(chans, ARRAY_SIZE(chans), r.cells[M_CHAN], strlen(r.cells[M_CHAN]), &word))
		return bad(&r, M_CHAN, "is not main, backend or gpu");
	out->chan = (u8)word;
	dir = out->chan == VU_CHAN_MAIN ? "fe>be" : "be>fe";
	if (strcmp(r.cells[M_DIR], dir) != 0)
		return bad(&r, M_DIR, "is not the direction of its channel");
	if (!find_word(acks, ARRAY_SIZE(acks), r.cells[M_REPLY_ACK], strlen(r.cells[M_REPLY_ACK]),
		       &word))
		return bad(&r, M_REPLY_ACK, "is not ack, body or -");
	out->reply_ack = (u8)word;

	out->name = r.cells[M_NAME];
	if (!*out->name ||
	    strspn(out->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(out->name))
		return bad(&r, M_NAME, "is not of A-Z, 0-9 and '_'");
	out->old_name = r.cells[M_OLD_NAME];
	out->req_layout = layout_of(r.cells[M_REQ_LAYOUT]);
	out->reply_layout = layout_of(r.cells[M_REPLY_LAYOUT]);
	out->gate = r.cells[M_GATE_OTHER];
	out->edition = r.cells[M_EDITION];
	out->error = r.cells[M_SPEC_ERROR];
	out->note = r.cells[M_NOTE];

	when = r.cells[M_REPLY_WHEN];
	out->reply_cond = "";
	if (strcmp(when, "always") == 0) {
		out->reply_when = VU_REPLY_ALWAYS;
	} else if (starts(when, "if ")) {
		out->reply_when = VU_REPLY_CONDITIONAL;
		out->reply_cond = when;
	} else if (strcmp(when, "never") != 0) {
		return bad(&r, M_REPLY_WHEN, "is not always, never or 'if ...'");
	}
	if (!parse_u32(&r, M_ID, 0xffff, &out->id) ||
	    !parse_size(&r, M_REQ_MIN, &out->req_size_min) ||
	    !parse_size(&r, M_REQ_MAX, &out->req_size_max) ||
	    !parse_size(&r, M_REPLY_SIZE, &out->reply_size) ||
	    !parse_fds(&r, M_REQ_FDS_MIN, &out->req_fds_min) ||
	    !parse_fds(&r, M_REQ_FDS_MAX, &out->req_fds_max) ||
	    !parse_fds(&r, M_REPLY_FDS_MIN, &out->reply_fds_min) ||
	    !parse_fds(&r, M_REPLY_FDS_MAX, &out->reply_fds_max) || !parse_gate(&r, &out->gate_pf))
		return false;
	if (out->req_size_min > out->req_size_max)
		return bad(&r, M_REQ_MAX, "is less than req_size_min");
	if (out->req_fds_min > out->req_fds_max)
		return bad(&r, M_REQ_FDS_MAX, "is less than req_fds_min");
	if (out->reply_fds_min > out->reply_fds_max)
		return bad(&r, M_REPLY_FDS_MAX, "is less than reply_fds_min");
	return true;
}

bool rules_reason_is_for(const struct rules_reason *r, const char *id)
{
	size_t len = strlen(r->clause);

	if (len && r->clause[len - 1] == '*')
		return strncmp(r->clause, id, len - 1) == 0;
	return strcmp(r->clause, id) == 0;
}

bool rules_reason(const struct tsv *t, size_t row, struct rules_reason *out, struct tsv_error *err)
{
	char *const *cells = tsv_row(t, row);
	const char *star = strchr(cells[0], '*');

	*out = (struct rules_reason){ .clause = cells[0], .reason = cells[1] };
	if (star && (star[1] || star == cells[0] || star[-1] != '.')) {
		tsv_fail(err, tsv_line(row), "clause",
			 "'%.60s' is neither an id nor the first parts of some and \".*\"",
			 cells[0]);
		return false;
	}
	if (!*cells[1]) {
		tsv_fail(err, tsv_line(row), "reason", "is empty");
		return false;
	}
	return true;
}
