// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/collect_take.h"
#include "harness/spec/version.h"

struct collect *collect_new(void)
{
	return calloc(1, sizeof(struct collect));
}

bool collect_broken(struct collect *c, const char *fmt, ...)
{
	va_list ap;

	if (c->error[0])
		return false;
	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
	return false;
}

static void keep(char **list, unsigned *count, const char *text)
{
	if (*count == COLLECT_NOTES)
		return;
	list[*count] = strdup(text);
	if (list[*count])
		(*count)++;
}

static struct collect_job *current(struct collect *c)
{
	struct collect_job *j = c->job_count ? &c->job[c->job_count - 1] : NULL;

	return j && !j->ended ? j : NULL;
}

struct collect_job *collect_current_of(struct collect *c, enum wire_job_kind kind)
{
	struct collect_job *j = current(c);

	return j && j->kind == kind ? j : NULL;
}

bool collect_out_of_order(struct collect *c, const char *what)
{
	return collect_broken(c, "frame %u: %s where none can be", c->frame.seq, what);
}

static const struct check *find_check(const char *id)
{
	for_each_check (k)
		if (strcmp((*k)->id, id) == 0)
			return *k;
	return NULL;
}

/* --- messages, one function each; false: the stream is broken, and c->error says why --------------------- */

/* What the check under way comes to when the guest does not end it. */
static void end_open_check(struct collect *c, struct collect_job *j, const char *why);

/* Another boot: it goes on where the last one stopped, which asked for it, panicked or was ended. */
static void begin_again(struct collect *c)
{
	struct collect_job *j = current(c);

	if (c->open_check && j) {
		char why[RESULT_TEXT];

		snprintf(why, sizeof(why), "%s%.*s",
			 c->panic[0] ? "the guest panicked: " : "the guest ended",
			 (int)MIN(strcspn(c->panic, "\n"), 150u), c->panic);
		end_open_check(c, j, why);
	}
	c->panic[0] = '\0';
	c->ended = c->restart = false;
	c->resuming = true;
	free(c->given);
	c->given = NULL;
}

static bool take_hello(struct collect *c)
{
	struct wire_hello m;

	if (c->greeted)
		begin_again(c);
	c->boots++;

	if (!wire_hello(&c->wire, &m))
		return collect_out_of_order(c, "a greeting that ends early");
	if (m.version != WIRE_VERSION)
		return collect_broken(c,
				      "the guest speaks version %u of the stream, this ringside %u",
				      m.version, WIRE_VERSION);
	snprintf(c->guest.ringside, sizeof(c->guest.ringside), "%s", m.ringside);
	snprintf(c->guest.arch, sizeof(c->guest.arch), "%s", m.arch);
	snprintf(c->guest.machine, sizeof(c->guest.machine), "%s", m.machine);
	snprintf(c->guest.clock, sizeof(c->guest.clock), "%s", m.clock);
	c->guest.hz = m.hz;
	c->guest.error_ppm = m.error_ppm;
	c->given = strdup(m.job);
	c->greeted = true;
	return true;
}

/* The job that was under way goes on with the first check that has no verdict. */
static bool resume_job(struct collect *c, const struct wire_job *m)
{
	const struct collect_job *j = collect_current_of(c, WIRE_JOB_CONFORM);

	if (!j || m->number != j->number || m->kind != WIRE_JOB_CONFORM || m->first != j->taken ||
	    m->checks != j->planned || strcmp(m->uri, j->uri) != 0)
		return collect_broken(c, "the guest started over: the machine was reset");
	c->resuming = false;
	return true;
}

static bool take_job(struct collect *c)
{
	struct collect_job *j = &c->job[c->job_count];
	struct wire_job m;

	if (!wire_job(&c->wire, &m))
		return collect_out_of_order(c, "a job that ends early");
	if (c->resuming)
		return resume_job(c, &m);
	if (current(c) || m.first)
		return collect_out_of_order(c, "a job");
	if (c->job_count == COLLECT_JOBS || m.checks > 65536 ||
	    (m.kind != WIRE_JOB_CONFORM && m.kind != WIRE_JOB_BENCH))
		return collect_broken(c, "frame %u: a job that this ringside does not know",
				      c->frame.seq);
	*j = (struct collect_job){
		.kind = m.kind,
		.number = m.number,
		.uri = strdup(m.uri),
		.device = strdup(m.device),
		.transport = strdup(m.transport),
		.features = m.features,
		.queues = m.queues,
		.planned = m.kind == WIRE_JOB_CONFORM ? m.checks : 0,
	};
	c->job_count++;
	j->run.results = calloc(j->planned + 1, sizeof(*j->run.results));
	j->figures.latency = m.kind == WIRE_JOB_BENCH ? malloc(sizeof(struct hist)) : NULL;
	if (!j->uri || !j->device || !j->transport || !j->run.results ||
	    (m.kind == WIRE_JOB_BENCH && !j->figures.latency))
		return collect_broken(c, "out of memory");
	if (j->figures.latency)
		hist_reset(j->figures.latency);
	return true;
}

static bool take_plan(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_CONFORM);
	struct wire_plan m;
	char *rest, *id;
	u32 at;

	if (!wire_plan(&c->wire, &m) || !j || m.first > j->run.count)
		return collect_out_of_order(c, "a plan");
	/* A boot behind the first says it again. */
	at = m.first;
	/* A reader's texts are its own to take apart. */
	for (id = strtok_r((char *)m.ids, "\n", &rest); id; id = strtok_r(NULL, "\n", &rest)) {
		const struct check *k = find_check(id);

		if (!k)
			return collect_broken(
				c,
				"the guest (version %s) has a check '%.60s' that this "
				"ringside (%s) does not know",
				c->guest.ringside, id, ringside_version);
		if (at == j->planned || (at < j->run.count && j->run.results[at].check != k))
			return collect_out_of_order(c, "a plan that is another than announced");
		j->run.results[at++].check = k;
		j->run.count = MAX(j->run.count, at);
	}
	return true;
}

static bool take_start(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_CONFORM);
	struct wire_start m;

	if (!wire_start(&c->wire, &m) || !j || c->open_check || m.index != j->taken ||
	    m.index >= j->run.count)
		return collect_out_of_order(c, "the start of a check");
	c->open_check = m.index + 1;
	return true;
}

static bool take_log(struct collect *c)
{
	struct wire_log m;
	char **log;

	if (!wire_log(&c->wire, &m) || !current(c) || c->open_check != m.index + 1)
		return collect_out_of_order(c, "evidence");
	if (c->log_lines > EVIDENCE_LINES + 1)
		return collect_out_of_order(c, "more evidence than a check keeps");
	log = realloc(c->log, (c->log_lines + 1) * sizeof(*log));
	if (!log)
		return collect_broken(c, "out of memory");
	c->log = log;
	c->log[c->log_lines] = strdup(m.line);
	if (c->log[c->log_lines])
		c->log_lines++;
	return true;
}

/* What the guest has logged of the check under way becomes its evidence. */
static void give_log(struct collect *c, struct result *res)
{
	res->log = c->log;
	res->log_lines = c->log_lines;
	c->log = NULL;
	c->log_lines = 0;
	c->open_check = 0;
}

static void end_open_check(struct collect *c, struct collect_job *j, const char *why)
{
	struct result *res = &j->run.results[c->open_check - 1];

	res->verdict = VERDICT_ERROR;
	snprintf(res->reason, sizeof(res->reason), "%s", why);
	if (!j->run.died[0])
		snprintf(j->run.died, sizeof(j->run.died), "%.180s, during %.60s", why,
			 res->check->id);
	give_log(c, res);
	j->taken++;
}

static bool take_result(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_CONFORM);
	struct wire_result m;
	struct result *res;

	if (!wire_result(&c->wire, &m) || !j || c->open_check != m.index + 1 ||
	    m.verdict >= VERDICTS)
		return collect_out_of_order(c, "a verdict");
	res = &j->run.results[m.index];
	for (unsigned i = 0; *m.clause && i < CHECK_CLAUSES && res->check->clauses[i]; i++)
		if (strcmp(res->check->clauses[i], m.clause) == 0)
			res->clause = res->check->clauses[i];
	if (*m.clause && !res->clause)
		return collect_broken(
			c, "frame %u: %s accuses under %.60s, which it does not name here",
			c->frame.seq, res->check->id, m.clause);
	res->verdict = (enum verdict)m.verdict;
	res->duration_ms = (double)m.duration_ns / 1e6;
	snprintf(res->reason, sizeof(res->reason), "%s", m.reason);
	snprintf(res->expected, sizeof(res->expected), "%s", m.expected);
	give_log(c, res);
	j->taken++;
	return true;
}

static bool take_job_end(struct collect *c)
{
	struct collect_job *j = current(c);
	struct wire_job_end m;

	if (!wire_job_end(&c->wire, &m) || !j || j->taken != j->planned || c->open_check ||
	    m.results != j->taken)
		return collect_out_of_order(c, "the end of a job");
	if (j->kind == WIRE_JOB_BENCH && !collect_bench_whole(c, j))
		return false;
	j->run.duration_s = (double)m.duration_ns / 1e9;
	j->ended = true;
	return true;
}

static bool take_mark(struct collect *c)
{
	struct wire_mark m;

	if (!wire_mark(&c->wire, &m))
		return collect_out_of_order(c, "a mark that ends early");
	if (!c->first_request && strcmp(m.what, "first request served") == 0)
		c->first_request = m.ticks;
	return true;
}

static bool take_figure(struct collect *c)
{
	struct wire_figure m;
	struct collect_figure *f = &c->figure[c->figure_count];

	if (!wire_figure(&c->wire, &m) || !m.count)
		return collect_out_of_order(c, "a figure that ends early");
	if (c->figure_count == COLLECT_FIGURES)
		return true;
	*f = (struct collect_figure){
		.count = m.count, .min = m.min, .median = m.median, .max = m.max, .sum = m.sum
	};
	snprintf(f->what, sizeof(f->what), "%s", m.what);
	c->figure_count++;
	return true;
}

static bool take_note(struct collect *c)
{
	struct wire_text m;

	if (!wire_text(&c->wire, &m))
		return collect_out_of_order(c, "a note that ends early");
	keep(c->notes, &c->note_count, m.text);
	return true;
}

/* A job that could not be done, or not to its end: the next one may begin. */
static bool take_fail(struct collect *c)
{
	struct collect_job *j = current(c);
	struct wire_text m;

	if (!wire_text(&c->wire, &m))
		return collect_out_of_order(c, "a failure that ends early");
	keep(c->fails, &c->fail_count, m.text);
	if (j)
		j->ended = true;
	return true;
}

static bool take_panic(struct collect *c)
{
	struct wire_text m;

	if (!wire_text(&c->wire, &m))
		return collect_out_of_order(c, "a panic that ends early");
	snprintf(c->panic, sizeof(c->panic), "%s", m.text);
	c->ended = true;
	return true;
}

static bool take_end(struct collect *c)
{
	struct wire_end m;

	if (!wire_end(&c->wire, &m) || m.frames != c->frame.seq + 1 ||
	    (current(c) != NULL) != (m.restart != 0))
		return collect_out_of_order(c, "the end");
	c->restart = m.restart;
	c->ended = true;
	return true;
}

static bool (*const takers[WIRE_KINDS])(struct collect *c) = {
	[WIRE_HELLO] = take_hello,
	[WIRE_JOB] = take_job,
	[WIRE_PLAN] = take_plan,
	[WIRE_START] = take_start,
	[WIRE_LOG] = take_log,
	[WIRE_RESULT] = take_result,
	[WIRE_BENCH] = collect_take_bench,
	[WIRE_HIST] = collect_take_hist,
	[WIRE_RAW] = collect_take_raw,
	[WIRE_JOB_END] = take_job_end,
	[WIRE_MARK] = take_mark,
	[WIRE_NOTE] = take_note,
	[WIRE_FAIL] = take_fail,
	[WIRE_PANIC] = take_panic,
	[WIRE_END] = take_end,
	[WIRE_FIGURE] = take_figure,
	[WIRE_UNTRACED] = collect_take_untraced,
	[WIRE_TRACE] = collect_take_trace,
	[WIRE_EVENTS] = collect_take_events,
};

/* --- frames ----------------------------------------------------------------------------------------------- */

static bool right_place(struct collect *c)
{
	const struct frame *f = &c->frame;

	if (f->seq == 0 && f->kind == WIRE_HELLO && c->greeted) {
		if (current(c) && !c->resuming)
			return true;
		return collect_broken(
			c, "the guest started over behind frame %u: the machine was reset",
			c->next_seq - 1);
	}
	if (c->ended)
		return collect_broken(c, "frame %u comes behind the end", f->seq);
	if (f->seq == c->next_seq + 1)
		return collect_broken(c, "frame %u is missing", c->next_seq);
	if (f->seq > c->next_seq)
		return collect_broken(c, "frames %u to %u are missing", c->next_seq, f->seq - 1);
	if (f->seq < c->next_seq)
		return collect_broken(c, "frame %u comes behind frame %u", f->seq, c->next_seq - 1);
	if ((f->kind == WIRE_HELLO) != (f->seq == 0) || f->kind >= WIRE_KINDS || !takers[f->kind])
		return collect_broken(c, "frame %u is of kind %u, which cannot be", f->seq,
				      f->kind);
	return true;
}

static void take_frame(struct collect *c)
{
	if (!c->error[0])
		right_place(c);
	/* The guest's last words are heard whatever came before. */
	if (c->error[0] && c->frame.kind != WIRE_PANIC)
		return;
	c->next_seq = c->frame.seq + 1;
	wire_read(&c->wire, &c->frame);
	takers[c->frame.kind](c);
}

static void take_line(struct collect *c)
{
	static const char *const what[] = {
		[FRAME_TORN] = "torn",
		[FRAME_LENGTH] = "not as long as it says",
		[FRAME_CORRUPT] = "corrupt (its checksum is wrong)",
	};
	const enum frame_result r = frame_decode(c->line, c->line_len, &c->frame);

	if (r == FRAME_OK) {
		take_frame(c);
	} else if (r != FRAME_NONE) {
		collect_broken(c, "the frame behind number %d is %s", (int)c->next_seq - 1,
			       what[r]);
	} else if (c->line_len) {
		const size_t n = MIN(c->line_len, sizeof(c->noise) - 1);

		memcpy(c->noise, c->line, n);
		c->noise[n] = '\0';
		c->noise[strcspn(c->noise, "\r")] = '\0';
	}
	c->line_len = 0;
}

void collect_feed(struct collect *c, const char *data, size_t len)
{
	for (; len; len--, data++) {
		if (*data == '\n') {
			take_line(c);
		} else if (c->line_len < sizeof(c->line)) {
			c->line[c->line_len++] = *data;
		} else {
			/* Somebody else's long line; a frame may yet begin in it. */
			memmove(c->line, c->line + FRAME_LINE_MAX / 2,
				sizeof(c->line) - FRAME_LINE_MAX / 2);
			c->line_len -= FRAME_LINE_MAX / 2;
			c->line[c->line_len++] = *data;
		}
	}
}

/* --- the end ---------------------------------------------------------------------------------------------- */

static void settle_conform(struct collect *c, struct collect_job *j, const char *why)
{
	struct run *r = &j->run;

	r->target = (struct run_target){
		.uri = j->uri,
		.device = j->device,
		.transport = j->transport,
		.features = j->features,
		.queues = j->queues,
		.guest = &c->guest,
	};
	if (j->taken == j->planned && j->ended)
		return;
	if (!r->died[0])
		snprintf(r->died, sizeof(r->died), "%.180s%s%s", why,
			 c->open_check ? ", during " : "",
			 c->open_check ? r->results[c->open_check - 1].check->id : "");
	for (u32 i = j->taken; i < r->count; i++) {
		struct result *res = &r->results[i];
		const bool under_way = c->open_check == i + 1;

		res->verdict = VERDICT_ERROR;
		snprintf(res->reason, sizeof(res->reason), "%s%.200s",
			 under_way ? "" : "not run: ", why);
		if (under_way)
			give_log(c, res);
	}
}

bool collect_resume(const struct collect *c, u32 *number, u32 *next)
{
	const struct collect_job *j = c->job_count ? &c->job[c->job_count - 1] : NULL;

	if (c->error[0] || !j || j->ended || j->kind != WIRE_JOB_CONFORM ||
	    j->run.count != j->planned || !(c->restart || c->open_check))
		return false;
	*number = j->number;
	*next = j->taken + (c->open_check != 0);
	return *next < j->planned;
}

void collect_finish(struct collect *c)
{
	char why[RESULT_TEXT];

	/* A line without an end is a frame only if it is whole. */
	if (c->line_len)
		take_line(c);
	if (!c->greeted && !c->error[0])
		collect_broken(c, "no guest has spoken%s%.150s",
			       c->noise[0] ? "; the last line is: " : "", c->noise);
	else if (c->restart && !c->error[0])
		collect_broken(c, "the stream ends where the guest asks to be booted again");
	else if (!c->ended && !c->error[0])
		collect_broken(c, "the stream ends behind frame %u, before the guest was done",
			       c->next_seq - 1);
	if (c->panic[0])
		snprintf(why, sizeof(why), "the guest panicked: %.*s", (int)strcspn(c->panic, "\n"),
			 c->panic);
	else
		snprintf(why, sizeof(why), "%s",
			 c->error[0]	 ? c->error
			 : c->fail_count ? c->fails[c->fail_count - 1]
					 : "the job did not end");
	for (unsigned i = 0; i < c->job_count; i++)
		if (c->job[i].kind == WIRE_JOB_CONFORM)
			settle_conform(c, &c->job[i], why);
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->job_count; i++) {
		struct collect_job *j = &c->job[i];

		run_free(&j->run);
		bench_figures_free(&j->figures);
		bench_figures_free(&j->untraced);
		free(j->raw);
		free(j->event);
		free(j->uri);
		free(j->device);
		free(j->transport);
	}
	for (unsigned i = 0; i < c->fail_count; i++)
		free(c->fails[i]);
	for (unsigned i = 0; i < c->note_count; i++)
		free(c->notes[i]);
	for (unsigned i = 0; i < c->log_lines; i++)
		free(c->log[i]);
	free(c->log);
	free(c->given);
	free(c);
}
