/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a request's time goes: the stages of requests, from whatever a recording holds (traces/stages.md defines
 * each stage by the two points that bound it).
 */
#ifndef TRACES_STAGE_H
#define TRACES_STAGE_H

#include "harness/spec/trace_event.h"
#include "traces/bpf/event.h"

struct line;

/* A stage, or several that nobody saw apart. */
struct stage_row {
	char name[80]; /* "fetch", "call+inject+handle" */
	u8 from, to;   /* enum trace_point */
	u64 count;     /* requests that had this stage */
	u64 p50_ns, p99_ns, max_ns, mean_ns, sum_ns;
};

/* One request's points, as far as they were seen: 1 << enum trace_point in `seen`. */
struct stage_request {
	u64 at[TRACE_POINTS]; /* ns */
	u64 seq;
	u16 queue, head;
	u16 seen;
};

#define STAGE_SLOWEST 8

#define STAGE_ROWS (TRACE_POINTS * (TRACE_POINTS - 1) / 2)

/* Latency over time: for each slice of time, how many requests took how long. */
#define STAGE_SLICES  64
#define STAGE_OCTAVES 40 /* of ns */

struct stage_heat {
	u64 begin_ns, slice_ns; /* slice 0 begins there; of the time a request ended */
	u32 count[STAGE_SLICES][STAGE_OCTAVES]; /* [i][k]: 2^k <= ns < 2^(k+1) */
};

/* Whose threads wait for a processor. */
enum stage_who {
	STAGE_BACK_END,
	STAGE_FRONT_END,
	STAGE_DRIVER,
	STAGE_WHOS,
};

/* What the kernel's events tell beside the stages. */
struct stage_kernel {
	bool present;
	bool torn;
	char back_end[16]; /* its name */
	u64 events, lost;
	u64 call[KERNEL_CALLS];	    /* system calls of the back-end */
	u64 kicks, calls;	    /* descriptors of queues that it read and wrote */
	u64 io, blocks;		    /* … its input and output, and what of that went to a disk */
	u64 exits, doorbells, irqs; /* of guests */
	struct stage_row waited[STAGE_WHOS]; /* for a processor; without names */
};

/* A guest's clock beside the host's. */
struct stage_guest {
	bool related;	   /* measured: */
	int64_t offset_ns; /* the host's time less the guest's own */
	u64 error_ns;	   /* how far off that may be; part of the table's clock_error_ns */
	double rate_ppm; /* how much faster the host's clock runs than the guest thinks its own does */
	u64 requests;	 /* that bound it */
	bool known; /* told: the guest has the host's counter, or one that is ahead by a known number */
};

struct stage_table {
	struct stage_row row[STAGE_ROWS]; /* in the order of a request's life */
	unsigned rows;
	struct stage_row whole; /* end to end: from the first point that is seen to the last */
	u64 events;		/* of requests, in the trace */
	u64 requests;		/* seen from end to end without a gap: what the rows are of */
	u64 unmatched; /* events of other requests: a partner is missing, or was not recorded */
	u64 discarded; /* events that the trace says it lost */
	u32 processes; /* that the trace holds */
	u32 torn;      /* files that end in the middle of something */
	/*
	 * The parts add up to the whole: sum of all rows' times less the sum of the whole. Not 0 where two clocks
	 * disagree about what came first; `skewed` requests had that, by `skew_max_ns` at most, which must be
	 * within the clocks' error.
	 */
	u64 sum_excess_ns;
	u64 skewed, skew_max_ns;
	u64 clock_error_ns; /* how far the clocks of the sources may be apart */
	/* Input and output of a back-end seen from outside, while not exactly one request was under way. */
	u64 unassigned;
	struct stage_guest guest;
	struct stage_request slow[STAGE_SLOWEST]; /* the slowest requests, the slowest first */
	unsigned slows;
	struct stage_heat heat;
	struct stage_kernel kernel;
};

/* Do the parts add up to the whole, within the error of the clocks? */
bool stage_adds_up(const struct stage_table *t);

/* "fetch", "serve", … of the stage that begins with this point. */
const char *stage_name(unsigned from);
/* The names of all stages between two points, joined by '+'. */
void stage_join(char *name, size_t len, unsigned from, unsigned to);
/* "submit", "serve_begin", … */
const char *stage_point_name(unsigned point);

/*
 * Read the recording `path`: a folder, or one buffer of ours. 0, or -1 with one line in `err`: nothing there, not
 * a recording, or damaged. One without a request is no error; all counts are 0 then. A file that is cut off is
 * read up to there and counted in `torn`.
 */
int stage_read(const char *path, struct stage_table *table, char *err, size_t len);
/* The same; the host's counter has so many ticks per second, whatever the files say, and times count from its 0. */
int stage_read_at(const char *path, u64 counter_hz, struct stage_table *table, char *err,
		  size_t len);

#endif
