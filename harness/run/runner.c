// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/runner.h"

#include <fnmatch.h>
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

/* The types of chapter 5. For most there are no checks of their own: then those for all devices run. */
static const struct {
	const char *name;
	u32 id;
} devices[] = {
	{ "net", VIRTIO_ID_NET },	  { "blk", VIRTIO_ID_BLOCK },
	{ "console", VIRTIO_ID_CONSOLE }, { "rng", VIRTIO_ID_RNG },
	{ "balloon", VIRTIO_ID_BALLOON }, { "scsi", VIRTIO_ID_SCSI },
	{ "9p", VIRTIO_ID_9P },		  { "gpu", VIRTIO_ID_GPU },
	{ "input", VIRTIO_ID_INPUT },	  { "vsock", VIRTIO_ID_VSOCK },
	{ "crypto", VIRTIO_ID_CRYPTO },	  { "iommu", VIRTIO_ID_IOMMU },
	{ "mem", VIRTIO_ID_MEM },	  { "sound", VIRTIO_ID_SOUND },
	{ "fs", VIRTIO_ID_FS },		  { "pmem", VIRTIO_ID_PMEM },
	{ "rpmb", VIRTIO_ID_RPMB },	  { "scmi", VIRTIO_ID_SCMI },
	{ "i2c", VIRTIO_ID_I2C_ADAPTER }, { "watchdog", VIRTIO_ID_WATCHDOG },
	{ "can", VIRTIO_ID_CAN },	  { "bt", VIRTIO_ID_BT },
	{ "gpio", VIRTIO_ID_GPIO },
};

u32 runner_device_id(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (strcmp(devices[i].name, name) == 0)
			return devices[i].id;
	return 0;
}

const char *runner_device_name(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].id == id)
			return devices[i].name;
	return "unknown";
}

/* What the target is, found out once: decides what is skipped. */
struct probe {
	bool ok; /* false: the handshake itself is broken; skip nothing, let the checks say why */
	char why[160];
	u64 features, pf, all_features;
	u32 caps;
	unsigned queues;
	u32 device;
};

struct runner {
	struct target *target;
	const struct runner_opts *opts;
	struct run *run;
	struct carrier carrier;
	struct probe probe;
	struct ck ck;
	struct evidence evidence;
	struct vq_split_slot *slots;
	unsigned broken_opens; /* in a row, for the same reason: see run_check() */
	char broken_why[RESULT_TEXT];
};

static void log_line(void *arg, const char *fmt, va_list ap)
{
	evidence_vlog(arg, fmt, ap);
}

static int find_device(struct runner *rn, char *error, size_t room)
{
	struct probe *p = &rn->probe;
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
	struct probe *p = &rn->probe;
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
	rc = tp->ops->open(tp);
	if (rc == TP_OK)
		rc = tp->ops->get_features(tp, &p->features);
	if (rc == TP_OK)
		rc = tp->ops->num_queues(tp, &p->queues);
	p->ok = rc == TP_OK;
	snprintf(p->why, sizeof(p->why), "%s", p->ok ? "" : tp->error);
	p->all_features = p->features | carrier_offered(c);
	p->pf = carrier_protocol_features(c);
	p->caps = tp->caps;
	/*
	 * A device with registers that cannot even be found is not there. One that is incomplete is
	 * for the checks to judge.
	 */
	if (rc == TP_EUNSUPPORTED && !c->fe) {
		snprintf(error, room, "%s", tp->error);
		rc = -1;
	} else {
		rc = find_device(rn, error, room);
	}
	tp->ops->close(tp);
	return rc;
}

/* Why a check does not apply to this target; false: it does. */
static bool skip_reason(const struct runner *rn, const struct check *k, char *why, size_t room)
{
	static const struct {
		u32 cap;
		const char *what;
	} caps[] = {
		{ TP_CAP_CONFIG,
		  "the target has no configuration space (protocol feature CONFIG)" },
		{ TP_CAP_STATUS, "the target has no device status (protocol feature STATUS)" },
		{ TP_CAP_RESET, "the target cannot be reset within a session" },
		{ TP_CAP_CONFIG_EVENT, "the target cannot announce configuration changes "
				       "(protocol features CONFIG and BACKEND_REQ)" },
		{ TP_CAP_CONFIG_TRIGGER, "nothing makes the target change its configuration "
					 "(--config-trigger)" },
		{ TP_CAP_PROCESS, "the target's process cannot be looked at" },
		{ TP_CAP_OWN_CALL, "one interrupt stands for all queues" },
	};
	const struct probe *p = &rn->probe;

	if (!p->ok)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (k->caps & caps[i].cap && !(p->caps & caps[i].cap)) {
			snprintf(why, room, "%s", caps[i].what);
			return true;
		}
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		u64 mask = BIT_ULL(bit);

		if (k->features & mask & ~p->all_features) {
			snprintf(why, room, "feature bit %u is not offered", bit);
			return true;
		}
		if (k->lacks & mask & p->all_features) {
			snprintf(why, room, "feature bit %u is offered", bit);
			return true;
		}
		if (k->pf & mask & ~p->pf) {
			snprintf(why, room, "protocol feature bit %u is not offered", bit);
			return true;
		}
	}
	if (k->queues > p->queues) {
		snprintf(why, room, "needs %u queues, the target has %u", k->queues, p->queues);
		return true;
	}
	return false;
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

static void take_verdict(struct runner *rn, struct result *res)
{
	struct evidence *ev = &rn->evidence;

	res->verdict = ev->verdict;
	res->clause = ev->clause;
	memcpy(res->reason, ev->reason, sizeof(res->reason));
	memcpy(res->expected, ev->expected, sizeof(res->expected));
	/* An accusation must name a clause that the check exercises: anything else is our own mistake. */
	if (res->clause) {
		bool named = false;

		for (unsigned i = 0; i < CHECK_CLAUSES && res->check->clauses[i]; i++)
			named |= strcmp(res->check->clauses[i], res->clause) == 0;
		if (!named)
			set_verdict(res, VERDICT_ERROR,
				    "the check accuses under %s, which it does not name",
				    res->clause);
	}
}

static void run_open_check(struct runner *rn, struct result *res)
{
	const struct check *k = res->check;
	struct ck *c = &rn->ck;

	if (!k->own_session && !ck_open(c)) {
		if (strcmp(rn->broken_why, rn->evidence.reason) == 0)
			rn->broken_opens++;
		else
			rn->broken_opens = 1;
		memcpy(rn->broken_why, rn->evidence.reason, sizeof(rn->broken_why));
	} else {
		rn->broken_opens = 0;
		k->run(c);
	}
	c->tp->ops->close(c->tp);
}

static void run_check(struct runner *rn, struct result *res)
{
	const struct check *k = res->check;
	struct ck *c = &rn->ck;
	u64 start = host_now_ns();
	char why[RESULT_TEXT];

	if (skip_reason(rn, k, why, sizeof(why))) {
		set_verdict(res, VERDICT_SKIP, "%s", why);
		return;
	}
	/* A target whose handshake is broken would cost a deadline for each check that is left. */
	if (!k->own_session && rn->broken_opens >= 3) {
		set_verdict(res, VERDICT_ERROR, "%s (as three times before; not tried again)",
			    rn->broken_why);
		return;
	}
	evidence_reset(&rn->evidence);
	*c = (struct ck){
		.tp = rn->carrier.tp,
		.check = k,
		.host = &rn->evidence.host,
		.device = rn->probe.device,
		.slots = rn->slots,
		.rng = 0x9e3779b97f4a7c15ull,
		/* What a check with a session of its own goes by. */
		.offered = rn->probe.features,
		.queues = rn->probe.queues,
	};
	run_open_check(rn, res);
	take_verdict(rn, res);
	res->duration_ms = (double)(host_now_ns() - start) / 1e6;
}

static void keep_evidence(struct runner *rn, struct result *res)
{
	if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP)
		return;
	res->log = evidence_take(&rn->evidence, &res->log_lines);
}

static void compare(const struct runner_opts *o, struct run *r, struct result *res)
{
	const struct expectation *e = o->expect ? expect_find(o->expect, res->check->id) : NULL;
	bool good = res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP ||
		    res->verdict == VERDICT_INFO;

	res->anticipated = e ? e->verdict : VERDICT_PASS;
	res->anticipated_why = e ? e->reason : NULL;
	if (!e)
		res->unexpected = !good;
	else if (res->verdict == VERDICT_SKIP)
		res->fixed = false; /* not asked: neither as it was nor better */
	else if (res->verdict != e->verdict && good)
		res->fixed = true;
	else
		res->unexpected = res->verdict != e->verdict;
	r->tally[res->verdict]++;
	r->unexpected += res->unexpected;
	r->fixed += res->fixed;
}

/* "split" of "split.used-len.in". */
static size_t group_len(const char *id)
{
	return strcspn(id, ".");
}

static void note_death(struct runner *rn, struct result *res, const char *how)
{
	if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_INFO ||
	    res->verdict == VERDICT_ERROR)
		set_verdict(res, VERDICT_ERROR, "the target %s", how);
	evidence_log(&rn->evidence, "  the target %s", how);
}

static void run_all(struct runner *rn)
{
	struct run *r = rn->run;
	const char *group = "";
	char error[RESULT_TEXT];
	bool gone = false;

	for (unsigned i = 0; i < r->count; i++) {
		struct result *res = &r->results[i];
		const char *id = res->check->id;

		if (gone || interrupt_pending()) {
			set_verdict(res, VERDICT_ERROR, "not run: %s",
				    gone ? "the target is gone" : "interrupted");
			compare(rn->opts, r, res);
			continue;
		}
		if (rn->opts->progress)
			fprintf(stderr, "\r\033[K%u/%u %s", i + 1, r->count, id);
		if (group_len(id) != group_len(group) || strncmp(id, group, group_len(id)) != 0) {
			if (i > 0)
				carrier_stop(&rn->carrier);
			group = id;
		}
		if (carrier_start(&rn->carrier, error, sizeof(error)) < 0) {
			set_verdict(res, VERDICT_ERROR, "%s", error);
			if (!r->died[0])
				snprintf(r->died, sizeof(r->died), "%.200s", error);
			compare(rn->opts, r, res);
			gone = true;
			continue;
		}
		run_check(rn, res);
		if (carrier_lost(&rn->carrier))
			note_death(rn, res, rn->target->death);
		else if (res->check->disturbs)
			carrier_stop(&rn->carrier);
		keep_evidence(rn, res);
		compare(rn->opts, r, res);
		if (rn->target->death[0]) {
			if (res->unexpected && !r->died[0])
				snprintf(r->died, sizeof(r->died), "%.150s, during %s",
					 rn->target->death, id);
			rn->target->restarts++;
			rn->target->death[0] = '\0';
		} else if (!rn->target->command && res->verdict == VERDICT_ERROR) {
			/* Nobody to restart it: is it still there at all? */
			if (carrier_reach(&rn->carrier) != TP_OK) {
				snprintf(r->died, sizeof(r->died), "%.150s, during %s",
					 rn->carrier.tp->error, id);
				gone = true;
			}
		}
	}
	if (rn->opts->progress)
		fputs("\r\033[K", stderr);
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct check *const *)a)->id, (*(const struct check *const *)b)->id);
}

static bool clause_selected(const struct check *k, const char *glob)
{
	if (!glob)
		return true;
	for (unsigned i = 0; i < CHECK_CLAUSES && k->clauses[i]; i++)
		if (fnmatch(glob, k->clauses[i], FNM_EXTMATCH) == 0)
			return true;
	return false;
}

bool runner_goes_over(const struct check *k, const char *transport)
{
	if (!k->transport || !transport)
		return true;
	if (strcmp(k->transport, CHECK_REGISTERS) == 0)
		return strcmp(transport, "pci") == 0 || strcmp(transport, "mmio") == 0;
	return strcmp(k->transport, transport) == 0;
}

unsigned runner_select(const struct runner_opts *o, u32 device, const char *transport,
		       const struct check **out, unsigned room)
{
	unsigned n = 0;

	for_each_check (k) {
		if ((*k)->device && device && (*k)->device != device)
			continue;
		if (!runner_goes_over(*k, transport))
			continue;
		if (o->check_glob && fnmatch(o->check_glob, (*k)->id, FNM_EXTMATCH) != 0)
			continue;
		if (!clause_selected(*k, o->clause_glob))
			continue;
		if (out && n < room)
			out[n] = *k;
		n++;
	}
	if (out)
		qsort(out, MIN(n, room), sizeof(*out), by_id);
	return n;
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
	rn->slots = calloc(CK_SLOTS, sizeof(*rn->slots));
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
	if (!rn->slots || probe(rn, error, room) < 0)
		goto out;
	r->target = (struct run_target){
		.uri = t->uri,
		.command = t->command,
		.device = runner_device_name(rn->probe.device),
		.transport = rn->carrier.tp->ops->name,
		.features = rn->probe.all_features,
		.protocol_features = rn->probe.pf,
		.queues = rn->probe.queues,
	};
	r->count = runner_select(o, rn->probe.device, r->target.transport, NULL, 0);
	selected = calloc(r->count + 1, sizeof(*selected));
	r->results = calloc(r->count + 1, sizeof(*r->results));
	if (!selected || !r->results)
		goto out;
	runner_select(o, rn->probe.device, r->target.transport, selected, r->count);
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
		free(rn->slots);
	}
	free(rn);
	free(selected);
	r->duration_s = (double)(host_now_ns() - start) / 1e9;
	return rc;
}
