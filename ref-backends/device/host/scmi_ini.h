/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an SCMI platform has, from a text of sections and keys:
 *
 *	[platform]        vendor, sub-vendor, version
 *	[agent NAME]      trusted = yes; deny = DEVICE[:clock|sensor|reset], ...
 *	[device NAME]     clocks, resets, sensors = NAME, ...
 *	[clock NAME]      rates = HZ, ... or range = LOW..HIGH/STEP; rate, enabled, latency-us, stuck
 *	[reset NAME]      latency-us, stuck
 *	[sensor NAME]     type, scale, wave, low, high, period-ms, clock, trips, intervals-ms, latency-us
 *
 * '#' and ';' begin a comment. Names may be used before they are there.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_SCMI_INI_H
#define REF_BACKENDS_DEVICE_HOST_SCMI_INI_H

#include "ref-backends/device/scmi.h"

/* False: it is wrong, `why` says what and in which line. The text is not changed. */
bool scmi_ini_parse(const char *text, struct scmi_platform *p, char *why, size_t size);

/* The one that there is when nothing is told. */
extern const char scmi_ini_usual[];

#endif
