/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proving the checks: every check passes on the clean reference back-end, and accuses a back-end with
 * a fault in a clause that it names; no check accuses a back-end whose fault it does not name.
 */
#ifndef HARNESS_RUN_PROVE_H
#define HARNESS_RUN_PROVE_H

#include <stdio.h>

#include "harness/check/check.h"

struct prove_opts {
	const char *ringside;	/* our own executable: each run is a process of its own */
	const char *backend;	/* ringside-backend */
	const char *check_glob; /* NULL: all */
	const char *fault_glob; /* NULL: all whose clause a selected check names */
	/* A fault is shown only to the checks that name its clause: nobody can accuse wrongly then. */
	bool quick;
	/* The selected checks also see the faults in clauses that they do not name. */
	bool all_faults;
	unsigned parallel;
	bool progress;
};

struct prove_fault {
	char *name, *clause, *summary;
	char *transport; /* where it shows: "pci", "mmio", "registers"; NULL: anywhere else, too */
	unsigned first;	 /* variant of the back-end that it is tried on first */
	unsigned *caught_by; /* indices into checks */
	unsigned caught;
	unsigned *accused_by; /* checks that do not name the clause and accused all the same */
	unsigned accused;
	bool retried;
};

struct prove_check {
	const struct check *check;
	int clean; /* enum verdict; -1: did not run */
	char *clean_reason;
	bool asked; /* names a clause of one of the chosen faults */
	bool proven;
};

struct proof {
	bool quick; /* as in the options: `accused` says nothing */
	struct prove_check *checks;
	unsigned check_count;
	struct prove_fault *faults;
	unsigned fault_count;
	unsigned asked;	  /* checks to be proven */
	unsigned proven;  /* of these */
	unsigned caught;  /* faults */
	unsigned accused; /* wrong accusations */
	unsigned dirty;	  /* checks that did not pass on the clean back-end */
	double duration_s;
};

/* 0; -ENOENT: the globs select nothing, -1: it could not be done, with one line in `error`. */
int prove_run(const struct prove_opts *o, struct proof *p, char *error, size_t room);
void prove_free(struct proof *p);

void prove_write_text(const struct proof *p, FILE *f);
void prove_write_json(const struct proof *p, FILE *f);

#endif
