// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/device/blk.h"
#include "harness/run/carrier.h"
#include "harness/run/evidence.h"
#include "harness/run/guess.h"
#include "harness/run/interrupt.h"
#include "harness/spec/clause.h"
#include "harness/transport/vhost_user/frontend.h"

struct runner {
	struct target *target;
	const struct runner_opts *opts;
	struct run *run;
	struct carrier carrier;
	struct core core;
	struct evidence evidence;
	bool used; /* a check was run since the target was started */
};

static void log_line(void *arg, const char *fmt, va_list ap)
{
	evidence_vlog(arg, fmt, ap);
}

static int find_device(struct runner *rn, char *error, size_t room)
{
	struct core_face *p = &rn->core.face;
	u32 told = carrier_device(&rn->carrier);

	if (rn->opts->device)
		p->device = runner_device_id(rn->opts->device);
	else if (told)
		p->device = told;
	else
		p->device = p->ok ? guess_device(rn->carrier.tp, p->features) : 0;
	if (p->device)
		return 0;
	snprintf(error, room,
		 "cannot tell from its configuration what device this is%s%s: say --device TYPE",
		 p->ok ? "" : " (", p->ok ? "" : p->why);
	return -1;
}

static int probe(struct runner *rn, char *error, size_t room)
{
	struct carrier *c = &rn->carrier;
	struct core_face *p = &rn->core.face;
	struct tp *tp;
	int rc;

	if (carrier_start(c, error, room) < 0)
		return -1;
	tp = c->tp;
	rc = carrier_reach(c);
	if (rc != TP_OK) {
		snprintf(error, room, "%s", tp->error);
		return -1;
	}
	rc = core_look(tp, p);
	p->all_features = p->features | carrier_offered(c);
	p->pf = carrier_protocol_features(c);
	/*
	 * A device with registers that cannot even be found is not there, and so is one of a QEMU that
	 * has ended: it connects before it makes its devices. One that is incomplete is for the checks
	 * to judge.
	 */
	if (!c->fe && (rc == TP_EUNSUPPORTED || (rc != TP_OK && !carrier_device(c)))) {
		snprintf(error, room, "%s", tp->error);
		rc = -1;
	} else {
		rc = find_device(rn, error, room);
	}
	tp->ops->close(tp);
	return rc;
}

static void set_verdict(struct result *res, enum verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_verdict(struct result *res, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	res->verdict = v;
	va_start(ap, fmt);
	vsnprintf(res->reason, sizeof(res->reason), fmt, ap);
	va_end(ap);
}

static void run_check(struct runner *rn, struct result *res)
{
	const struct evidence *ev = &rn->evidence;
	u64 start = host_now_ns();

	rn->core.tp = rn->carrier.tp;
	core_run(&rn->core, res->check);
	res->verdict = ev->verdict;
	res->clause = ev->clause;
	memcpy(res->reason, ev->reason, sizeof(res->reason));
	memcpy(res->expected, ev->expected, sizeof(res->expected));
	res->duration_ms = res->verdict == VERDICT_SKIP ? 0 : (double)(host_now_ns() - start) / 1e6;
	rn->used |= res->verdict != VERDICT_SKIP;
}

static void keep_evidence(struct runner *rn, struct result *res)
{
	if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP)
		return;
	res->log = evidence_take(&rn->evidence, &res->log_lines);
}

/* "split" of "split.used-len.in". */
static size_t group_len(const char *id)
{
	return strcspn(id, ".");
}

static void log_printed(void *arg, const char *text)
{
	evidence_log(arg, "  QEMU: %s", text);
}

static void note_death(struct runner *rn, struct result *res)
{
	const char *who = carrier_subject(&rn->carrier), *how = rn->target->death;

	evidence_log(&rn->evidence, "  %s %s", who, how);
	if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_INFO ||
	    res->verdict == VERDICT_SKIP || res->verdict == VERDICT_ERROR) {
		set_verdict(res, VERDICT_ERROR, "%s %s", who, how);
	} else if (!strstr(res->reason, how)) {
		size_t len = strlen(res->reason);

		snprintf(res->reason + len, sizeof(res->reason) - len, "; %s %s", who, how);
	}
}

static bool unsettled(struct runner *rn, const struct result *res)
{
	if (carrier_severed(&rn->carrier)) {
		evidence_log(&rn->evidence,
			     "  the back-end closed QEMU's connection: nobody was waited "
			     "for any longer");
		return true;
	}
	return core_unsettled(res->check, res->verdict);
}

static void stop(struct runner *rn)
{
	carrier_stop(&rn->carrier);
	rn->used = false;
}

/* Does the check want a target other than the one that the check before it had? */
static bool wants_fresh(const struct runner *rn, const struct check *k, const char *group)
{
	if (!rn->used)
		return false;
	if (group_len(k->id) != group_len(group) || strncmp(k->id, group, group_len(group)) != 0)
		return true;
	return k->fresh;
}

static void run_all(struct runner *rn)
{
	struct run *r = rn->run;
	const char *group = "";
	char error[RESULT_TEXT];
	bool gone = false, lost;

	for (unsigned i = 0; i < r->count; i++) {
		struct result *res = &r->results[i];
		const char *id = res->check->id;

		if (gone || interrupt_pending()) {
			set_verdict(res, VERDICT_ERROR, "not run: %s",
				    gone ? "the target is gone" : "interrupted");
			run_compare(r, res, rn->opts->expect);
			continue;
		}
		if (rn->opts->progress)
			fprintf(stderr, "\r\033[K%u/%u %s", i + 1, r->count, id);
		if (wants_fresh(rn, res->check, group))
			stop(rn);
		group = id;
		if (carrier_start(&rn->carrier, error, sizeof(error)) < 0) {
			set_verdict(res, VERDICT_ERROR, "%s", error);
			if (!r->died[0])
				snprintf(r->died, sizeof(r->died), "%.200s", error);
			run_compare(r, res, rn->opts->expect);
			gone = true;
			continue;
		}
		run_check(rn, res);
		lost = carrier_lost(&rn->carrier);
		carrier_printed(&rn->carrier, log_printed, &rn->evidence);
		if (lost)
			note_death(rn, res);
		if (lost || unsettled(rn, res))
			stop(rn);
		keep_evidence(rn, res);
		run_compare(r, res, rn->opts->expect);
		if (rn->target->death[0]) {
			if (res->unexpected && !r->died[0])
				snprintf(r->died, sizeof(r->died), "%s %.200s, during %s",
					 carrier_subject(&rn->carrier), rn->target->death, id);
			rn->target->restarts++;
			rn->target->death[0] = '\0';
		} else if (!carrier_ours(&rn->carrier) && res->verdict == VERDICT_ERROR) {
			/* Nobody to restart it: is it still there at all? */
			if (carrier_reach(&rn->carrier) != TP_OK) {
				snprintf(r->died, sizeof(r->died), "%.200s, during %s",
					 rn->carrier.tp->error, id);
				gone = true;
			}
		}
	}
	if (rn->opts->progress)
		fputs("\r\033[K", stderr);
}

unsigned runner_select(const struct runner_opts *o, u32 device, const char *transport,
		       const struct check **out, unsigned room)
{
	const struct core_choice c = { o->check_glob, o->clause_glob, device, transport, o->ring };

	return core_select(&c, out, room);
}

int runner_run(struct target *t, const struct runner_opts *o, struct run *r, char *error,
	       size_t room)
{
	struct runner *rn = calloc(1, sizeof(*rn));
	const struct check **selected = NULL;
	u64 start = host_now_ns();
	int rc = -1;

	memset(r, 0, sizeof(*r));
	if (!rn)
		goto out;
	rn->target = t;
	rn->opts = o;
	rn->run = r;
	rn->core.slots = calloc(CK_SLOTS, sizeof(*rn->core.slots));
	carrier_init(&rn->carrier, t);
	if (rn->carrier.fe) {
		rn->carrier.fe->vlog = log_line;
		rn->carrier.fe->log_arg = &rn->evidence;
	}
	if (o->timeout_ms)
		rn->carrier.tp->timeout_ms = o->timeout_ms;
	if (o->quiet_ms)
		rn->carrier.tp->quiet_ms = o->quiet_ms;
	evidence_init(&rn->evidence);
	rn->core.evidence = &rn->evidence;
	rn->core.ring = o->ring;
	if (!rn->core.slots || probe(rn, error, room) < 0)
		goto out;
	r->target = (struct run_target){
		.uri = t->uri,
		.command = t->command,
		.device = runner_device_name(rn->core.face.device),
		.transport = rn->carrier.tp->ops->name,
		.ring = core_ring_name(o->ring),
		.features = rn->core.face.all_features,
		.protocol_features = rn->core.face.pf,
		.queues = rn->core.face.queues,
	};
	r->count = runner_select(o, rn->core.face.device, r->target.transport, NULL, 0);
	selected = calloc(r->count + 1, sizeof(*selected));
	r->results = calloc(r->count + 1, sizeof(*r->results));
	if (!selected || !r->results)
		goto out;
	runner_select(o, rn->core.face.device, r->target.transport, selected, r->count);
	for (unsigned i = 0; i < r->count; i++)
		r->results[i].check = selected[i];
	run_all(rn);
	rc = 0;
out:
	if (rc < 0 && !error[0])
		snprintf(error, room, "out of memory");
	target_stop(t);
	if (rn) {
		carrier_destroy(&rn->carrier);
		evidence_destroy(&rn->evidence);
		free(rn->core.slots);
	}
	free(rn);
	free(selected);
	r->duration_s = (double)(host_now_ns() - start) / 1e9;
	return rc;
}
