// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/prove.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/run/core/glob.h"
#include "harness/run/fault_list.h"
#include "harness/run/jobs.h"
#include "harness/run/prove_take.h"
#include "harness/run/runner.h"

/*
 * Devices of small messages, and what a quick proof asks of them when they are clean: what their answers are like,
 * and that their requests come back. What rings do is shown by the others.
 */
#define MESSAGE_DEVICES "@(fs|sound|gpu|input|can|spi|scsi)"
#define MESSAGE_CHECKS	"@(" MESSAGE_DEVICES ".*|*.answer*|split.used.ids)"

/*
 * What the reference back-end can be: no single one shows all clauses. Each is tried clean; a fault is
 * tried on the next one only when the one before did not show it.
 */
static const struct {
	const char *device;
	const char *transport;
	const char *uri;
	const char *place; /* arguments that say where it is reached */
	const char *args;
} variants[] = {
	{ "blk", "vhost-user", "vhost-user:", "--socket-path {socket}",
	  "--memory 64m --num-queues 2 --serial ringside-0123456789" },
	{ "blk", "vhost-user", "vhost-user:", "--socket-path {socket}",
	  "--memory 64m --num-queues 2 --read-only" },
	{ "blk", "pci", "machine:pci", "--registers pci --machine {socket} --ram {ram}",
	  "--memory 64m --num-queues 2 --extras" },
	{ "blk", "mmio", "machine:mmio", "--registers mmio --machine {socket} --ram {ram}",
	  "--memory 64m --num-queues 2 --extras" },
	/* Without NOTIFICATION_DATA other rules hold for notifications. */
	{ "blk", "pci", "machine:pci", "--registers pci --machine {socket} --ram {ram}",
	  "--memory 64m --num-queues 2 --without 38" },
	{ "net", "vhost-user", "vhost-user:", "--socket-path {socket}", "--loopback" },
	{ "net", "vhost-user", "vhost-user:", "--socket-path {socket}",
	  "--loopback --queue-pairs 2" },
	{ "i2c", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "gpio", "vhost-user", "vhost-user:", "--socket-path {socket}", "--wire 2:5" },
	{ "gpio", "vhost-user", "vhost-user:", "--socket-path {socket}", "--no-names" },
	{ "console", "vhost-user", "vhost-user:", "--socket-path {socket}",
	  "--port loop --port loop,name=two --port loop,turns" },
	{ "scmi", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "vsock", "vhost-user", "vhost-user:", "--socket-path {socket}",
	  "--uds-path {socket}.v --buffer 65536 --next-cid 9" },
	{ "fs", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "sound", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "gpu", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "input", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "can", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "spi", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	{ "scsi", "vhost-user", "vhost-user:", "--socket-path {socket}", "" },
	/* What a reset does to its configuration. */
	{ "scsi", "mmio", "machine:mmio", "--registers mmio --machine {socket} --ram {ram}", "" },
	{ "rng", "pci", "machine:pci", "--registers pci --machine {socket} --ram {ram}", "" },
	/* With requests that are seen in flight. */
	{ "rng", "pci", "machine:pci", "--registers pci --machine {socket} --ram {ram}",
	  "--latency 15" },
	{ "rng", "mmio", "machine:mmio", "--registers mmio --machine {socket} --ram {ram}",
	  "--latency 15" },
};

#define CLEAN (-1)
#define ARGC  26

/* One conformance run of a (possibly faulty) back-end. */
struct trial {
	int fault; /* index, or CLEAN */
	unsigned variant;
	const char *timeout, *quiet;
	const char *check_glob; /* owned when `own_glob` */
	bool own_glob;
	char command[700], out[120];
	char *argv[ARGC];
};

struct prover {
	const struct prove_opts *o;
	struct proof *p;
	char dir[64];
	struct trial *trials;
	unsigned count, total_done;
	const char *phase;
};

static void on_done(void *arg, unsigned finished, unsigned total)
{
	struct prover *pr = arg;

	if (pr->o->progress)
		fprintf(stderr, "\r\033[K%s: %u/%u", pr->phase, finished, total);
}

static int load_faults(struct prover *pr, char *error, size_t room)
{
	struct proof *p = pr->p;
	json_t *list = fault_list(pr->o->backend, error, room), *e;
	size_t i;

	if (!list)
		return -1;
	p->faults = calloc(json_array_size(list) + 1, sizeof(*p->faults));
	json_array_foreach(list, i, e)
	{
		const char *name, *clause, *summary, *transport = NULL;
		struct prove_fault *pf = &p->faults[p->fault_count];

		if (json_unpack(e, "{s:s, s:s, s:s, s?s}", "name", &name, "clause", &clause,
				"summary", &summary, "transport", &transport) < 0)
			continue;
		if (pr->o->fault_glob && !glob_match(pr->o->fault_glob, name))
			continue;
		pf->name = strdup(name);
		pf->clause = strdup(clause);
		pf->summary = strdup(summary);
		pf->transport = transport ? strdup(transport) : NULL;
		p->fault_count++;
	}
	json_decref(list);
	return 0;
}

static void load_checks(struct prover *pr)
{
	const struct runner_opts ro = { .check_glob = pr->o->check_glob };
	unsigned n = runner_select(&ro, 0, NULL, NULL, 0);
	const struct check **list = calloc(n + 1, sizeof(*list));
	struct proof *p = pr->p;

	p->checks = calloc(n + 1, sizeof(*p->checks));
	p->check_count = n;
	runner_select(&ro, 0, NULL, list, n);
	for (unsigned i = 0; i < n; i++)
		p->checks[i] = (struct prove_check){ .check = list[i], .clean = -1 };
	free(list);
}

static bool goes_with(const struct check *k, unsigned variant)
{
	return core_is_about(k, runner_device_id(variants[variant].device)) &&
	       runner_goes_over(k, variants[variant].transport);
}

/* Can the fault show on this variant to a check that names its clause? */
static bool can_show(const struct proof *p, const struct prove_fault *f, unsigned variant)
{
	const char *transport = variants[variant].transport;

	if (f->transport && strcmp(f->transport, transport) != 0 &&
	    (strcmp(f->transport, CHECK_REGISTERS) != 0 || strcmp(transport, "vhost-user") == 0))
		return false;
	for (unsigned k = 0; k < p->check_count; k++)
		if (prove_names(p->checks[k].check, f->clause) &&
		    goes_with(p->checks[k].check, variant))
			return true;
	return false;
}

static void choose_variants(struct proof *p)
{
	for (unsigned f = 0; f < p->fault_count; f++) {
		struct prove_fault *pf = &p->faults[f];

		while (pf->first < ARRAY_SIZE(variants) && !can_show(p, pf, pf->first))
			pf->first++;
		/* To no check at all: it is still to accuse nobody. */
		if (pf->first == ARRAY_SIZE(variants))
			pf->first = 0;
	}
}

/* Faults that no check names cannot be caught: leave them out of a partial run. */
static void drop_unnamed_faults(struct proof *p)
{
	unsigned kept = 0;

	for (unsigned f = 0; f < p->fault_count; f++) {
		bool named = false;

		for (unsigned k = 0; k < p->check_count; k++)
			named |= prove_names(p->checks[k].check, p->faults[f].clause);
		if (named) {
			p->faults[kept++] = p->faults[f];
			continue;
		}
		free(p->faults[f].name);
		free(p->faults[f].clause);
		free(p->faults[f].summary);
		free(p->faults[f].transport);
	}
	p->fault_count = kept;
}

/* When faults are chosen, the other checks stand by: they are to accuse nobody, and need no proof. */
static void ask(struct prover *pr)
{
	struct proof *p = pr->p;

	for (unsigned k = 0; k < p->check_count; k++) {
		p->checks[k].asked = !pr->o->fault_glob;
		for (unsigned f = 0; f < p->fault_count; f++)
			p->checks[k].asked |= prove_names(p->checks[k].check, p->faults[f].clause);
	}
}

static int prover_init(struct prover *pr, char *error, size_t room)
{
	struct proof *p = pr->p;
	const char *tmp = getenv("TMPDIR");

	snprintf(pr->dir, sizeof(pr->dir), "%.40s/ringside-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(pr->dir)) {
		snprintf(error, room, "cannot make a temporary folder: %s", strerror(errno));
		pr->dir[0] = '\0';
		return -1;
	}
	load_checks(pr);
	if (load_faults(pr, error, room) < 0)
		return -1;
	if (pr->o->quick || (pr->o->check_glob && !pr->o->all_faults))
		drop_unnamed_faults(p);
	if (!p->check_count || (pr->o->fault_glob && !p->fault_count)) {
		snprintf(error, room,
			 p->check_count ? "no fault that a check names matches"
					: "no check matches: 'ringside conform --list' lists them");
		return -ENOENT;
	}
	ask(pr);
	choose_variants(p);
	for (unsigned f = 0; f < p->fault_count; f++) {
		p->faults[f].caught_by = calloc(p->check_count + 1, sizeof(unsigned));
		p->faults[f].accused_by = calloc(p->check_count + 1, sizeof(unsigned));
	}
	/* At most: all variants clean, and each fault on each variant plus one that confirms. */
	pr->trials = calloc(p->fault_count + ARRAY_SIZE(variants) + 1, sizeof(*pr->trials));
	return 0;
}

static struct trial *trial_add(struct prover *pr, int fault, unsigned variant)
{
	struct trial *t = &pr->trials[pr->count++];

	*t = (struct trial){ .fault = fault, .variant = variant, .timeout = "2s", .quiet = "40ms" };
	t->check_glob = pr->o->check_glob;
	if (!t->check_glob && pr->o->quick && fault == CLEAN &&
	    glob_match(MESSAGE_DEVICES, variants[variant].device))
		t->check_glob = MESSAGE_CHECKS;
	return t;
}

static void trial_argv(struct prover *pr, struct trial *t, unsigned n)
{
	char **a = t->argv;

	snprintf(t->command, sizeof(t->command), "exec '%s' %s %s %s%s%s", pr->o->backend,
		 variants[t->variant].device, variants[t->variant].place, variants[t->variant].args,
		 t->fault >= 0 ? " --fault " : "",
		 t->fault >= 0 ? pr->p->faults[t->fault].name : "");
	snprintf(t->out, sizeof(t->out), "%s/%u.json", pr->dir, n);
	*a++ = (char *)pr->o->ringside;
	*a++ = "conform";
	*a++ = (char *)variants[t->variant].uri;
	*a++ = "--command";
	*a++ = t->command;
	*a++ = "--device";
	*a++ = (char *)variants[t->variant].device;
	*a++ = "--config-trigger";
	*a++ = "kill -USR1 {pid}";
	*a++ = "--uds-path";
	*a++ = "{socket}.v";
	*a++ = "--timeout";
	*a++ = (char *)t->timeout;
	*a++ = "--quiet";
	*a++ = (char *)t->quiet;
	*a++ = "--format";
	*a++ = "json";
	*a++ = "--output";
	*a++ = t->out;
	if (t->check_glob) {
		*a++ = "--check";
		*a++ = (char *)t->check_glob;
	}
	*a = NULL;
}

static int run_trials(struct prover *pr, const char *phase, char *error, size_t room)
{
	const struct jobs_opts jo = {
		.parallel = pr->o->parallel,
		.timeout_s = 600,
		.done = on_done,
		.arg = pr,
	};
	struct job *jobs = calloc(pr->count + 1, sizeof(*jobs));
	int rc = jobs ? 0 : -1;

	pr->phase = phase;
	for (unsigned i = 0; rc == 0 && i < pr->count; i++) {
		trial_argv(pr, &pr->trials[i], i);
		jobs[i].argv = pr->trials[i].argv;
	}
	if (rc == 0)
		rc = jobs_run(jobs, pr->count, &jo);
	if (pr->o->progress)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		snprintf(error, room, "conformance runs: %s", strerror(errno));
	for (unsigned i = 0; rc == 0 && i < pr->count; i++) {
		struct trial *t = &pr->trials[i];

		if (prove_take(pr->p, t->out, t->fault) < 0 && t->fault == CLEAN) {
			snprintf(
				error, room,
				"the clean reference back-end could not be run: try \"%s\" by hand",
				t->command);
			rc = -1;
		}
	}
	for (unsigned i = 0; i < pr->count; i++)
		if (pr->trials[i].own_glob)
			free((void *)pr->trials[i].check_glob);
	pr->count = 0;
	free(jobs);
	return rc;
}

/* "@(a|b|c)" of the checks that go with a variant and for which `want` says so, "" when there is none. */
static char *glob_of(const struct proof *p, const struct prove_fault *f, unsigned variant,
		     bool (*want)(const struct proof *, const struct prove_fault *, unsigned))
{
	const char *sep = "@(";
	char *out = NULL;
	size_t size;
	FILE *m = open_memstream(&out, &size);

	for (unsigned k = 0; k < p->check_count; k++) {
		if (!goes_with(p->checks[k].check, variant) || !want(p, f, k))
			continue;
		fprintf(m, "%s%s", sep, p->checks[k].check->id);
		sep = "|";
	}
	fputs(*sep == '|' ? ")" : "", m);
	fclose(m);
	return out;
}

static bool want_named(const struct proof *p, const struct prove_fault *f, unsigned k)
{
	return prove_names(p->checks[k].check, f->clause);
}

static bool want_accuser(const struct proof *p, const struct prove_fault *f, unsigned k)
{
	for (unsigned i = 0; i < f->accused; i++)
		if (f->accused_by[i] == k)
			return true;
	return false;
}

static bool want_dirty(const struct proof *p, const struct prove_fault *f, unsigned k)
{
	return p->checks[k].clean != VERDICT_PASS && p->checks[k].clean != VERDICT_SKIP;
}

/* In whose clauses there is the fault, and which no fault has proven. */
static bool want_unproven(const struct proof *p, const struct prove_fault *f, unsigned k)
{
	if (!want_named(p, f, k))
		return false;
	for (unsigned i = 0; i < p->fault_count; i++)
		for (unsigned j = 0; j < p->faults[i].caught; j++)
			if (p->faults[i].caught_by[j] == k)
				return false;
	return true;
}

/* A trial of the checks for which `want` says so, with time. Says whether there are any. */
static bool add_patient_trial(struct prover *pr, int fault, unsigned variant,
			      bool (*want)(const struct proof *, const struct prove_fault *,
					   unsigned))
{
	char *glob = glob_of(pr->p, fault == CLEAN ? NULL : &pr->p->faults[fault], variant, want);
	struct trial *t;

	if (!*glob) {
		free(glob);
		return false;
	}
	t = trial_add(pr, fault, variant);
	t->timeout = "5s";
	t->quiet = "300ms";
	t->check_glob = glob;
	t->own_glob = true;
	return true;
}

/*
 * The first round is impatient, on a machine with much else to do. What it says against a check
 * (not clean, not caught, not proven, wrongly accused) is asked again, of those checks alone and with time.
 */
static int clean_rounds(struct prover *pr, char *error, size_t room)
{
	struct proof *p = pr->p;

	for (unsigned v = 0; v < ARRAY_SIZE(variants); v++)
		for (unsigned k = 0; k < p->check_count; k++)
			if (goes_with(p->checks[k].check, v)) {
				trial_add(pr, CLEAN, v);
				break;
			}
	if (run_trials(pr, "clean", error, room) < 0)
		return -1;
	for (unsigned v = 0; v < ARRAY_SIZE(variants); v++)
		add_patient_trial(pr, CLEAN, v, want_dirty);
	for (unsigned k = 0; k < p->check_count; k++)
		if (want_dirty(p, NULL, k))
			p->checks[k].clean = -1;
	return run_trials(pr, "clean, again", error, room);
}

static int fault_rounds(struct prover *pr, char *error, size_t room)
{
	struct proof *p = pr->p;

	for (unsigned f = 0; f < p->fault_count; f++) {
		struct prove_fault *pf = &p->faults[f];
		struct trial *t = trial_add(pr, (int)f, pf->first);

		t->timeout = "400ms";
		t->quiet = "40ms";
		if (pr->o->quick) {
			t->check_glob = glob_of(p, pf, pf->first, want_named);
			t->own_glob = true;
		}
	}
	if (run_trials(pr, "faults", error, room) < 0)
		return -1;
	/* Not caught: with patience, on one variant after the other, checks of that clause only. */
	for (unsigned v = 0; v < ARRAY_SIZE(variants); v++) {
		for (unsigned f = 0; f < p->fault_count; f++) {
			if (!p->faults[f].caught && can_show(p, &p->faults[f], v) &&
			    add_patient_trial(pr, (int)f, v, want_named))
				p->faults[f].retried = true;
		}
		if (run_trials(pr, "faults, again", error, room) < 0)
			return -1;
	}
	/* What other checks caught, and one that it is there for did not: not where only some faults are tried. */
	for (unsigned f = 0; f < p->fault_count && !pr->o->fault_glob; f++)
		for (unsigned v = 0; v < ARRAY_SIZE(variants); v++)
			if (can_show(p, &p->faults[f], v))
				add_patient_trial(pr, (int)f, v, want_unproven);
	if (run_trials(pr, "checks, again", error, room) < 0)
		return -1;
	for (unsigned f = 0; f < p->fault_count; f++) {
		if (!p->faults[f].accused)
			continue;
		add_patient_trial(pr, (int)f, p->faults[f].first, want_accuser);
		p->faults[f].accused = 0;
		p->faults[f].retried = true;
	}
	return run_trials(pr, "accusations, again", error, room);
}

static void conclude(struct proof *p)
{
	for (unsigned f = 0; f < p->fault_count; f++) {
		p->caught += p->faults[f].caught > 0;
		p->accused += p->faults[f].accused;
		for (unsigned i = 0; i < p->faults[f].caught; i++)
			p->checks[p->faults[f].caught_by[i]].proven = true;
	}
	for (unsigned k = 0; k < p->check_count; k++) {
		if (p->checks[k].clean != VERDICT_PASS) {
			p->checks[k].proven = false;
			p->dirty++;
		}
		p->asked += p->checks[k].asked;
		p->proven += p->checks[k].asked && p->checks[k].proven;
	}
}

int prove_run(const struct prove_opts *o, struct proof *p, char *error, size_t room)
{
	struct prover pr = { .o = o, .p = p };
	struct timespec a, b;
	int rc;

	memset(p, 0, sizeof(*p));
	p->quick = o->quick;
	clock_gettime(CLOCK_MONOTONIC, &a);
	rc = prover_init(&pr, error, room);
	if (rc == 0)
		rc = clean_rounds(&pr, error, room);
	if (rc == 0)
		rc = fault_rounds(&pr, error, room);
	if (rc == 0)
		conclude(p);
	if (pr.dir[0]) {
		/* Results that nobody took, when it ended early. */
		for (unsigned i = 0; rc < 0 && i < p->fault_count + ARRAY_SIZE(variants); i++) {
			char path[sizeof(pr.dir) + 24];

			snprintf(path, sizeof(path), "%s/%u.json", pr.dir, i);
			unlink(path);
		}
		rmdir(pr.dir);
	}
	free(pr.trials);
	clock_gettime(CLOCK_MONOTONIC, &b);
	p->duration_s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	return rc;
}

void prove_free(struct proof *p)
{
	for (unsigned f = 0; f < p->fault_count; f++) {
		free(p->faults[f].name);
		free(p->faults[f].clause);
		free(p->faults[f].summary);
		free(p->faults[f].transport);
		free(p->faults[f].caught_by);
		free(p->faults[f].accused_by);
	}
	for (unsigned k = 0; k < p->check_count; k++)
		free(p->checks[k].clean_reason);
	free(p->faults);
	free(p->checks);
	memset(p, 0, sizeof(*p));
}
