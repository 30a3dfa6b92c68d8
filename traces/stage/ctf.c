// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/ctf.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/stage/lttng.h"
#include "traces/stage/mend.h"

#define PROCESSES 256 /* traces in one folder */

int ctf_kind(const char *name)
{
	static const struct {
		const char *name;
		int kind;
	} names[] = {
		{ "ringside:fetch", TRACE_FETCH },
		{ "ringside:serve_begin", TRACE_SERVE_BEGIN },
		{ "ringside:serve_end", TRACE_SERVE_END },
		{ "ringside:publish", TRACE_PUBLISH },
		{ "ringside:call", TRACE_CALL },
		{ "ringside:start", TRACE_START },
		{ "ringside:exit", TRACE_EXIT },
		{ "ringside:kick", TRACE_KICK },
		{ "ringside:inject", TRACE_INJECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].kind;
	return -1;
}

/* The traces found under a folder. nftw() has no argument for its user. */
static _Thread_local struct found {
	char *dir[PROCESSES];
	unsigned count;
	bool too_many;
} * found;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char *dir;

	if (type != FTW_F || strcmp(path + ftw->base, "metadata") != 0)
		return 0;
	if (found->count == PROCESSES) {
		found->too_many = true;
		return 1;
	}
	dir = strndup(path, (size_t)ftw->base - 1);
	if (!dir)
		return -1;
	found->dir[found->count++] = dir;
	return 0;
}

static int find_traces(const char *dir, struct found *traces, char *err, size_t len)
{
	int ret;

	found = traces;
	ret = nftw(dir, visit, 16, FTW_PHYS);
	found = NULL;
	if (traces->too_many)
		snprintf(err, len, "more than %d traces under '%s'", PROCESSES, dir);
	else if (ret)
		snprintf(err, len, "cannot read '%s': %s", dir, strerror(errno));
	else
		return 0;
	return -1;
}

#ifndef RINGSIDE_HAVE_BABELTRACE2

static int read_found(const char *dir, const struct found *traces, ctf_fn *fn, void *arg,
		      struct ctf_result *result, char *err, size_t len)
{
	snprintf(err, len,
		 "built without libbabeltrace2: install libbabeltrace2-dev and build again");
	return -1;
}

#else

#include <babeltrace2/babeltrace.h>

#define KINDS 9

struct reader {
	ctf_fn *fn;
	void *arg;
	int stopped; /* what fn returned */
	bt_message_iterator *iterator;
	u64 discarded, events;
	bool alien; /* an event of our name with other fields */
	/* What an event class is: looked up by name once per class, not once per event. */
	struct {
		const bt_event_class *class;
		int kind; /* -1: not ours */
	} known[PROCESSES * KINDS];
	unsigned known_count, last_known;
	struct {
		const bt_trace *trace;
		u32 pid;
	} process[PROCESSES];
	unsigned process_count, last_process;
};

/* Field order as traces/provider/events.h has it. */
enum {
	FIELD_SEQ,
	FIELD_LEN,
	FIELD_QUEUE,
	FIELD_HEAD,
	FIELDS
};

static bool has_our_fields(const bt_event_class *class)
{
	static const char *const names[FIELDS] = { "seq", "len", "queue", "head" };
	const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(class);

	if (!payload || bt_field_class_get_type(payload) != BT_FIELD_CLASS_TYPE_STRUCTURE ||
	    bt_field_class_structure_get_member_count(payload) != FIELDS)
		return false;
	for (u64 i = 0; i < FIELDS; i++) {
		const bt_field_class_structure_member *member =
			bt_field_class_structure_borrow_member_by_index_const(payload, i);
		const bt_field_class *fc =
			bt_field_class_structure_member_borrow_field_class_const(member);

		if (strcmp(bt_field_class_structure_member_get_name(member), names[i]) != 0 ||
		    bt_field_class_get_type(fc) != BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)
			return false;
	}
	return true;
}

static int kind_by_name(struct reader *r, const bt_event_class *class)
{
	const char *name = bt_event_class_get_name(class);
	const int kind = name ? ctf_kind(name) : -1;

	if (kind < 0 || has_our_fields(class))
		return kind;
	r->alien = true;
	return -1;
}

static int event_kind(struct reader *r, const bt_event_class *class)
{
	unsigned i;

	/* Events come in a cycle: the next is most likely the one after the last. */
	for (unsigned step = 0; step < r->known_count; step++) {
		i = (r->last_known + 1 + step) % r->known_count;
		if (r->known[i].class == class) {
			r->last_known = i;
			return r->known[i].kind;
		}
	}
	i = r->known_count;
	if (i == ARRAY_SIZE(r->known))
		return kind_by_name(r, class);
	r->known[i].class = class;
	r->known[i].kind = kind_by_name(r, class);
	r->known_count++;
	r->last_known = i;
	return r->known[i].kind;
}

/* What LTTng calls the process; where it does not tell, any number that tells processes apart. */
static u32 pid_of(const struct reader *r, const bt_trace *trace)
{
	const bt_value *v = bt_trace_borrow_environment_entry_value_by_name_const(trace, "vpid");

	if (v && bt_value_get_type(v) == BT_VALUE_TYPE_SIGNED_INTEGER)
		return (u32)bt_value_integer_signed_get(v);
	return r->process_count;
}

static u32 process_of(struct reader *r, const bt_event *event)
{
	const bt_trace *trace = bt_stream_borrow_trace_const(bt_event_borrow_stream_const(event));

	if (r->process_count && r->process[r->last_process].trace == trace)
		return r->process[r->last_process].pid;
	for (unsigned i = 0; i < r->process_count; i++) {
		if (r->process[i].trace != trace)
			continue;
		r->last_process = i;
		return r->process[i].pid;
	}
	if (r->process_count < PROCESSES) {
		r->process[r->process_count].trace = trace;
		r->process[r->process_count].pid = pid_of(r, trace);
		r->last_process = r->process_count++;
	}
	return r->process[r->process_count - 1].pid;
}

static u64 field(const bt_field *payload, u64 index)
{
	return bt_field_integer_unsigned_get_value(
		bt_field_structure_borrow_member_field_by_index_const(payload, index));
}

/* LTTng's clock is CLOCK_MONOTONIC; that of the wall, which the library would make of it, is not ours. */
static u64 monotonic_ns(const bt_clock_snapshot *snapshot)
{
	const u64 hz =
		bt_clock_class_get_frequency(bt_clock_snapshot_borrow_clock_class_const(snapshot));
	const u64 ticks = bt_clock_snapshot_get_value(snapshot);

	return hz == 1000000000 ? ticks : (u64)((unsigned __int128)ticks * 1000000000 / hz);
}

static void add_event(struct reader *r, const bt_message *message)
{
	const bt_event *event = bt_message_event_borrow_event_const(message);
	int kind = event_kind(r, bt_event_borrow_class_const(event));
	const bt_field *payload;
	struct trace_event e;
	u64 ns;

	if (kind < 0)
		return;
	ns = monotonic_ns(bt_message_event_borrow_default_clock_snapshot_const(message));
	payload = bt_event_borrow_payload_field_const(event);
	e = (struct trace_event){
		.ticks = ns,
		.seq = field(payload, FIELD_SEQ),
		.len = (u32)field(payload, FIELD_LEN),
		.queue = (u16)field(payload, FIELD_QUEUE),
		.head = (u16)field(payload, FIELD_HEAD),
		.cpu = 0xffff,
		.kind = (u8)kind,
		.flags = ctf_flags((unsigned)kind),
	};
	r->events++;
	r->stopped = r->fn(r->arg, process_of(r, event), &e, ns);
}

static bt_graph_simple_sink_component_initialize_func_status
sink_start(bt_message_iterator *iterator, void *data)
{
	struct reader *r = data;

	r->iterator = iterator;
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_INITIALIZE_FUNC_STATUS_OK;
}

static bt_graph_simple_sink_component_consume_func_status
sink_consume(bt_message_iterator *iterator, void *data)
{
	struct reader *r = data;
	bt_message_array_const messages;
	uint64_t count;
	bt_message_iterator_next_status status =
		bt_message_iterator_next(iterator, &messages, &count);

	/* The values of the two enumerations are the same for all that is not an error. */
	if (status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK)
		return (bt_graph_simple_sink_component_consume_func_status)status;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t lost;

		switch (bt_message_get_type(messages[i])) {
		case BT_MESSAGE_TYPE_EVENT:
			if (!r->stopped)
				add_event(r, messages[i]);
			break;
		case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
			if (bt_message_discarded_events_get_count(messages[i], &lost) ==
			    BT_PROPERTY_AVAILABILITY_AVAILABLE)
				r->discarded += lost;
			break;
		default:
			break;
		}
		bt_message_put_ref(messages[i]);
	}
	return r->stopped ? BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_ERROR
			  : BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK;
}

/* The library's own words about what went wrong: the cause nearest to the file. */
static int library_error(const char *dir, char *err, size_t len)
{
	const bt_error *error = bt_current_thread_take_error();
	const char *why = "unknown error";

	if (error && bt_error_get_cause_count(error))
		why = bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0));
	snprintf(err, len, "cannot read the trace in '%s': %.*s", dir, (int)strcspn(why, "\n"),
		 why);
	if (error)
		bt_error_release(error);
	return -1;
}

static const bt_component_source *
add_source(bt_graph *graph, const bt_component_class_source *class, unsigned index, const char *dir)
{
	const bt_component_source *source = NULL;
	bt_value *params = bt_value_map_create();
	bt_value *inputs = NULL;
	char name[32];

	snprintf(name, sizeof(name), "trace%u", index);
	if (params &&
	    bt_value_map_insert_empty_array_entry(params, "inputs", &inputs) ==
		    BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK &&
	    bt_value_array_append_string_element(inputs, dir) ==
		    BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK)
		bt_graph_add_source_component(graph, class, name, params, BT_LOGGING_LEVEL_NONE,
					      &source);
	bt_value_put_ref(params);
	return source;
}

/* Connect every stream of every trace to the muxer. The number of streams, or -1. */
static int connect_sources(bt_graph *graph, const struct found *traces,
			   const bt_component_class_source *class, const bt_component_filter *muxer)
{
	u64 port = 0;

	for (unsigned i = 0; i < traces->count; i++) {
		const bt_component_source *source = add_source(graph, class, i, traces->dir[i]);
		u64 outputs;

		if (!source)
			return -1;
		outputs = bt_component_source_get_output_port_count(source);
		for (u64 j = 0; j < outputs; j++) {
			/* The muxer always has one free port more. */
			if (bt_graph_connect_ports(
				    graph,
				    bt_component_source_borrow_output_port_by_index_const(source,
											  j),
				    bt_component_filter_borrow_input_port_by_index_const(muxer,
											 port++),
				    NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK)
				return -1;
		}
	}
	return (int)port;
}

/* 1 when the graph is ready, 0 when there is nothing to read, -1 on errors. */
static int build_graph(bt_graph *graph, struct reader *r, const struct found *traces,
		       const bt_plugin *ctf, const bt_plugin *utils)
{
	const bt_component_filter *muxer;
	const bt_component_sink *sink;
	int streams;

	if (bt_graph_add_filter_component(
		    graph, bt_plugin_borrow_filter_component_class_by_name_const(utils, "muxer"),
		    "muxer", NULL, BT_LOGGING_LEVEL_NONE,
		    &muxer) != BT_GRAPH_ADD_COMPONENT_STATUS_OK)
		return -1;
	streams = connect_sources(graph, traces,
				  bt_plugin_borrow_source_component_class_by_name_const(ctf, "fs"),
				  muxer);
	if (streams <= 0)
		return streams;
	if (bt_graph_add_simple_sink_component(graph, "stages", sink_start, sink_consume, NULL, r,
					       &sink) != BT_GRAPH_ADD_COMPONENT_STATUS_OK)
		return -1;
	if (bt_graph_connect_ports(graph,
				   bt_component_filter_borrow_output_port_by_index_const(muxer, 0),
				   bt_component_sink_borrow_input_port_by_index_const(sink, 0),
				   NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK)
		return -1;
	return 1;
}

static int read_traces(const char *dir, const struct found *traces, struct reader *r, char *err,
		       size_t len)
{
	const bt_plugin *ctf = NULL, *utils = NULL;
	bt_graph *graph = bt_graph_create(0);
	int result = -1;

	/* From the user's folders too, as babeltrace2(1) does; not from static plug-ins. */
	if (!graph ||
	    bt_plugin_find("ctf", BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE, BT_TRUE, &ctf) !=
		    BT_PLUGIN_FIND_STATUS_OK ||
	    bt_plugin_find("utils", BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE, BT_TRUE, &utils) !=
		    BT_PLUGIN_FIND_STATUS_OK) {
		library_error(dir, err, len);
		goto out;
	}
	result = build_graph(graph, r, traces, ctf, utils);
	if (result > 0)
		result = bt_graph_run(graph) == BT_GRAPH_RUN_STATUS_OK ? 0 : -1;
	if (result < 0)
		library_error(dir, err, len);
out:
	bt_graph_put_ref(graph);
	bt_plugin_put_ref(ctf);
	bt_plugin_put_ref(utils);
	/* What came up on the way down; the library would stop the next reader for it. */
	bt_current_thread_clear_error();
	return result;
}

static int read_found(const char *dir, const struct found *traces, ctf_fn *fn, void *arg,
		      struct ctf_result *result, char *err, size_t len)
{
	struct reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	r->fn = fn;
	r->arg = arg;
	rc = read_traces(dir, traces, r, err, len);
	if (r->stopped) {
		rc = r->stopped;
	} else if (r->alien) {
		snprintf(err, len, "the trace in '%s' is of another version of Ringside", dir);
		rc = -1;
	} else if (rc && r->events) {
		/* Damaged somewhere behind what was read. */
		result->torn++;
		rc = 0;
	}
	result->discarded = r->discarded;
	free(r);
	return rc;
}

#endif

/* Those that are cut off are replaced by what is left of them. How many were, or -1. */
static int mend_all(struct found *traces, char *err, size_t len)
{
	int torn = 0;

	for (unsigned i = 0; i < traces->count; i++) {
		char *mended = NULL;

		if (ctf_mend(traces->dir[i], &mended, err, len))
			return -1;
		if (!mended)
			continue;
		free(traces->dir[i]);
		traces->dir[i] = mended;
		torn++;
	}
	return torn;
}

int ctf_read_by(bool library, const char *dir, ctf_fn *fn, void *arg, struct ctf_result *r,
		char *err, size_t len)
{
	struct found *traces = calloc(1, sizeof(*traces));
	struct found *mended = calloc(1, sizeof(*mended));
	int rc = -1, torn = 0;

	*r = (struct ctf_result){ 0 };
	if (!traces || !mended) {
		snprintf(err, len, "out of memory");
		goto out;
	}
	if (find_traces(dir, traces, err, len))
		goto out;
	r->traces = traces->count;
	for (unsigned i = 0; i < traces->count; i++) {
		mended->dir[i] = strdup(traces->dir[i]);
		if (!mended->dir[i]) {
			snprintf(err, len, "out of memory");
			goto out;
		}
		mended->count++;
	}
	if (traces->count)
		torn = mend_all(mended, err, len);
	if (torn < 0)
		goto out;
	rc = traces->count && library;
	if (traces->count && !library)
		rc = lttng_read(mended->dir, mended->count, fn, arg, r, err, len);
	/* Something that is not known by heart. */
	if (rc == 1)
		rc = read_found(dir, mended, fn, arg, r, err, len);
	r->torn = MAX(r->torn, (u32)torn);
out:
	for (unsigned i = 0; mended && i < mended->count; i++) {
		if (strcmp(mended->dir[i], traces->dir[i]) != 0)
			ctf_mend_remove(mended->dir[i]);
		free(mended->dir[i]);
	}
	for (unsigned i = 0; traces && i < traces->count; i++)
		free(traces->dir[i]);
	free(mended);
	free(traces);
	return rc;
}

int ctf_read(const char *dir, ctf_fn *fn, void *arg, struct ctf_result *r, char *err, size_t len)
{
	return ctf_read_by(false, dir, fn, arg, r, err, len);
}
