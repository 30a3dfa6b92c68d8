// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/catalogue.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/cli/cli.h"
#include "harness/run/runner.h"

#define WHERE_BITS 6

/* `pattern` matches all of `s`, or the part of it up to one of its dots. */
static bool match_dotted(const char *pattern, const char *s)
{
	char part[128];
	size_t len = strlen(s);

	if (len >= sizeof(part))
		return false;
	memcpy(part, s, len + 1);
	for (;;) {
		char *dot;

		if (fnmatch(pattern, part, 0) == 0)
			return true;
		dot = strrchr(part, '.');
		if (!dot)
			return false;
		*dot = '\0';
	}
}

static bool match_device(const char *device, const struct clause *c)
{
	size_t len;
	const char *s = clause_device(c, &len);

	return !s || (strlen(device) == len && strncmp(device, s, len) == 0);
}

bool catalogue_match(const struct catalogue_filter *f, const struct clause *c)
{
	if (f->actors && !(f->actors & 1u << c->actor))
		return false;
	if (f->levels && !(f->levels & 1u << c->level))
		return false;
	if (f->where && !(f->where & c->where))
		return false;
	if (f->device && !match_device(f->device, c))
		return false;
	return !f->section || match_dotted(f->section, c->id) ||
	       fnmatch(f->section, c->section, FNM_CASEFOLD) == 0 ||
	       (*c->number && match_dotted(f->section, c->number));
}

int catalogue_parse_actor(struct catalogue_filter *f, const char *arg)
{
	static const struct {
		const char *name;
		enum clause_actor actor;
	} names[] = {
		{ "device", CLAUSE_DEVICE },   { "driver", CLAUSE_DRIVER },
		{ "back-end", CLAUSE_DEVICE }, { "front-end", CLAUSE_DRIVER },
		{ "backend", CLAUSE_DEVICE },  { "frontend", CLAUSE_DRIVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(arg, names[i].name) != 0)
			continue;
		f->actors |= 1u << names[i].actor;
		return 0;
	}
	cli_error("--actor: '%s' is neither device nor driver", arg);
	return -1;
}

/* "MUST NOT", "must-not", "must_not". */
static bool is_level(const char *arg, size_t len, const char *name)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = arg[i] == '-' || arg[i] == '_' ? ' ' : arg[i];

		if (strncasecmp(&c, &name[i], 1) != 0)
			return false;
	}
	return true;
}

int catalogue_parse_levels(struct catalogue_filter *f, const char *arg)
{
	for (const char *s = arg;; s++) {
		size_t len = strcspn(s, ",");
		int level;

		for (level = CLAUSE_MAY; level >= 0; level--)
			if (is_level(s, len, clause_level_name((enum clause_level)level)))
				break;
		if (level < 0) {
			cli_error("--level: '%.*s' is none of must, must-not, should, should-not, "
				  "may",
				  (int)len, s);
			return -1;
		}
		f->levels |= 1u << level;
		s += len;
		if (!*s)
			return 0;
	}
}

int catalogue_parse_transport(struct catalogue_filter *f, const char *arg)
{
	char known[100];

	for (unsigned i = 0; i < WHERE_BITS; i++) {
		if (strcmp(arg, clause_where_name(1u << i)) != 0)
			continue;
		f->where |= 1u << i;
		return 0;
	}
	cli_error("--transport: '%s' is none of %s", arg,
		  catalogue_where_text((1u << WHERE_BITS) - 1, known, sizeof(known)));
	return -1;
}

int catalogue_parse_device(struct catalogue_filter *f, const char *arg)
{
	/* Names that Linux and QEMU use for types that the ids call after their chapter. */
	static const char *const aliases[][2] = {
		{ "block", "blk" },
		{ "rng", "entropy" },
		{ "snd", "sound" },
	};
	char known[400] = "";
	const char *last = "";
	size_t last_len = 0, at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(arg, aliases[i][0]) == 0)
			arg = aliases[i][1];
	for_each_clause (c) {
		size_t len;
		const char *s = clause_device(c, &len);

		if (!s || c->doc != CLAUSE_DOC_VIRTIO ||
		    (len == last_len && strncmp(s, last, len) == 0))
			continue;
		if (strlen(arg) == len && strncmp(s, arg, len) == 0) {
			f->device = arg;
			return 0;
		}
		if (at < sizeof(known))
			at += (size_t)snprintf(known + at, sizeof(known) - at, " %.*s", (int)len,
					       s);
		last = s;
		last_len = len;
	}
	cli_error("--device: '%s' is no device type with a section in VIRTIO 1.4:%s", arg, known);
	return -1;
}

static bool is_proof(json_t *result)
{
	json_t *checks = json_object_get(result, "checks"), *x;
	size_t i;

	if (!json_is_array(checks))
		return false;
	json_array_foreach(checks, i,
			   x) if (!json_is_string(json_object_get(x, "id")) ||
				  !json_is_boolean(json_object_get(x, "proven"))) return false;
	return true;
}

int catalogue_load_proof(struct catalogue_proof *p, const char *path)
{
	json_error_t err;

	p->result = json_load_file(path, 0, &err);
	if (!p->result) {
		if (err.line > 0)
			cli_error("--proof: %s, line %d: %s", path, err.line, err.text);
		else
			cli_error("--proof: %s", err.text);
		return -1;
	}
	if (!is_proof(p->result)) {
		cli_error("--proof: '%s' is no result of 'ringside prove --format json'", path);
		catalogue_free_proof(p);
		return -1;
	}
	return 0;
}

void catalogue_free_proof(struct catalogue_proof *p)
{
	json_decref(p->result);
	p->result = NULL;
}

bool catalogue_proven(const struct catalogue_proof *p, const struct check *check)
{
	json_t *x;
	size_t i;

	if (!p->result)
		return true;
	json_array_foreach(json_object_get(p->result, "checks"), i,
			   x) if (strcmp(json_string_value(json_object_get(x, "id")), check->id) ==
				  0) return json_is_true(json_object_get(x, "proven"));
	return false;
}

bool catalogue_covers(const struct check *check, const struct clause *c)
{
	for (size_t i = 0; i < CHECK_CLAUSES && check->clauses[i]; i++)
		if (strcmp(check->clauses[i], c->id) == 0)
			return true;
	return false;
}

bool catalogue_goes_over(const struct check *check, unsigned where)
{
	/* What a check may need that only the one transport, or not that one, has. */
	static const struct {
		enum clause_where where;
		const char *name;
		u32 lacks;
		bool has_pf;
	} transports[] = {
		{ CLAUSE_AT_VHOST_USER, "vhost-user", TP_CAP_MMIO | TP_CAP_PCI, true },
		{ CLAUSE_AT_MMIO | CLAUSE_AT_GUEST, "mmio",
		  TP_CAP_VHOST_USER | TP_CAP_PCI | TP_CAP_QUEUE_BASE | TP_CAP_CALL_COUNT |
			  TP_CAP_OWN_CALL,
		  false },
		{ CLAUSE_AT_PCI | CLAUSE_AT_GUEST, "pci",
		  TP_CAP_VHOST_USER | TP_CAP_MMIO | TP_CAP_QUEUE_BASE | TP_CAP_CALL_COUNT, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if ((!where || where & transports[i].where) &&
		    runner_goes_over(check, transports[i].name) &&
		    !(check->caps & transports[i].lacks) && (!check->pf || transports[i].has_pf))
			return true;
	return false;
}

bool catalogue_covered(const struct catalogue_proof *p, const struct clause *c, unsigned where)
{
	for_each_check (check)
		if (catalogue_covers(*check, c) && catalogue_goes_over(*check, where) &&
		    catalogue_proven(p, *check))
			return true;
	return false;
}

json_t *catalogue_json(const struct catalogue_proof *p, const struct clause *c)
{
	json_t *where = json_array(), *on = json_array(), *checks = json_array();

	for (unsigned i = 0; i < WHERE_BITS; i++) {
		if (!(c->where & 1u << i))
			continue;
		json_array_append_new(where, json_string(clause_where_name(1u << i)));
		if (catalogue_covered(p, c, 1u << i))
			json_array_append_new(on, json_string(clause_where_name(1u << i)));
	}
	for_each_check (check)
		if (catalogue_covers(*check, c))
			json_array_append_new(checks, json_string((*check)->id));
	return json_pack("{ss ss ss ss ss ss ss so so sb sb so ss*}", "id", c->id, "actor",
			 clause_actor_name(c->actor), "level", clause_level_name(c->level),
			 "section", c->section, "number", c->number, "summary", c->summary,
			 "feature", c->feature, "observable", where, "checks", checks, "testable",
			 clause_testable(c, 0), "covered", catalogue_covered(p, c, 0), "covered_on",
			 on, "reason", *c->reason ? c->reason : NULL);
}

const char *catalogue_where_text(unsigned where, char *buf, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < WHERE_BITS && at < size; i++)
		if (where & 1u << i)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "",
					       clause_where_name(1u << i));
	return at ? buf : "nowhere";
}
