// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/guess.h"
#include "harness/run/interrupt.h"
#include "harness/run/runner_one.h"

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
static bool wants_fresh(const struct runner *rn, const struct check *k)
{
	const size_t len = group_len(rn->last);

	if (!rn->used)
		return false;
	return k->fresh || group_len(k->id) != len || strncmp(k->id, rn->last, len) != 0;
}

/* A target that ended, or may have: is there one for the next check? */
static void see_to_target(struct runner *rn, const struct result *res)
{
	struct target *t = rn->target;
	struct run *r = rn->run;
	const char *id = res->check->id;

	if (t->death[0]) {
		if (res->unexpected && !r->died[0])
			snprintf(r->died, sizeof(r->died), "%s %.200s, during %s",
				 carrier_subject(&rn->carrier), t->death, id);
		t->restarts++;
		t->death[0] = '\0';
	} else if (!carrier_ours(&rn->carrier) && res->verdict == VERDICT_ERROR &&
		   carrier_reach(&rn->carrier) != TP_OK) {
		/* Nobody to restart it. */
		snprintf(r->died, sizeof(r->died), "%.200s, during %s", rn->carrier.tp->error, id);
		rn->gone = true;
	}
}

void runner_check(struct runner *rn, struct result *res)
{
	struct run *r = rn->run;
	char error[RESULT_TEXT];
	bool lost;

	if (rn->gone || interrupt_pending()) {
		set_verdict(res, VERDICT_ERROR, "not run: %s",
			    rn->gone ? "the target is gone" : "interrupted");
		run_compare(r, res, rn->opts->expect);
		return;
	}
	if (wants_fresh(rn, res->check))
		stop(rn);
	rn->last = res->check->id;
	if (carrier_start(&rn->carrier, error, sizeof(error)) < 0) {
		set_verdict(res, VERDICT_ERROR, "%s", error);
		if (!r->died[0])
			snprintf(r->died, sizeof(r->died), "%.200s", error);
		run_compare(r, res, rn->opts->expect);
		rn->gone = true;
		return;
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
	see_to_target(rn, res);
}

static void run_all(struct runner *rn)
{
	struct run *r = rn->run;

	for (unsigned i = 0; i < r->count; i++) {
		if (rn->opts->progress)
			fprintf(stderr, "\r\033[K%u/%u %s", i + 1, r->count,
				r->results[i].check->id);
		runner_check(rn, &r->results[i]);
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

bool runner_open(struct runner *rn, struct target *t, const struct runner_opts *o, struct run *r)
{
	memset(rn, 0, sizeof(*rn));
	rn->target = t;
	rn->opts = o;
	rn->run = r;
	rn->last = "";
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
	return rn->core.slots && rn->evidence.lines;
}

void runner_close(struct runner *rn)
{
	target_stop(rn->target);
	carrier_destroy(&rn->carrier);
	evidence_destroy(&rn->evidence);
	free(rn->core.slots);
	rn->core.slots = NULL;
}

/* All checks that are selected, in the order of their ids. */
static int choose(const struct runner *rn)
{
	struct run *r = rn->run;
	const struct check **selected;

	r->count = runner_select(rn->opts, rn->core.face.device, r->target.transport, NULL, 0);
	selected = calloc(r->count + 1, sizeof(*selected));
	r->results = calloc(r->count + 1, sizeof(*r->results));
	if (selected && r->results) {
		runner_select(rn->opts, rn->core.face.device, r->target.transport, selected,
			      r->count);
		for (unsigned i = 0; i < r->count; i++)
			r->results[i].check = selected[i];
	}
	free(selected);
	return selected && r->results ? 0 : -1;
}

int runner_run(struct target *t, const struct runner_opts *o, struct run *r, char *error,
	       size_t room)
{
	struct runner *rn = malloc(sizeof(*rn));
	u64 start = host_now_ns();
	int rc = -1;

	memset(r, 0, sizeof(*r));
	if (!rn || !runner_open(rn, t, o, r) || probe(rn, error, room) < 0)
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
	rc = choose(rn);
	if (rc < 0)
		goto out;
	if (o->jobs > 1 && r->count > 1) {
		stop(rn);
		rc = crew_run(rn, error, room);
	} else {
		run_all(rn);
	}
out:
	if (rc < 0 && !error[0])
		snprintf(error, room, "out of memory");
	if (rn)
		runner_close(rn);
	free(rn);
	r->duration_s = (double)(host_now_ns() - start) / 1e9;
	return rc;
}
