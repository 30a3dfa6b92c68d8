/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HARNESS_SPEC_VERSION_H
#define HARNESS_SPEC_VERSION_H

/* "0.1.0": of everything that is built from this tree. */
extern const char ringside_version[];

#endif
