/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LTTng-UST provider `ringside`. LTTng reads this header several times with different meanings
 * of its macros, hence the guard that lets it in again.
 *
 * All events share one layout, in the order that packs without holes.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ringside

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "traces/provider/events.h"

#if !defined(TRACES_PROVIDER_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define TRACES_PROVIDER_EVENTS_H

#include <stdint.h>

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT_CLASS(
	ringside, request,
	LTTNG_UST_TP_ARGS(uint16_t, queue, uint16_t, head, uint64_t, seq, uint32_t, len),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, seq, seq)
		lttng_ust_field_integer(uint32_t, len, len)
		lttng_ust_field_integer(uint16_t, queue, queue)
		lttng_ust_field_integer(uint16_t, head, head)))

#define RINGSIDE_REQUEST_EVENT(name)                                                            \
	LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(                                                    \
		ringside, request, ringside, name,                                              \
		LTTNG_UST_TP_ARGS(uint16_t, queue, uint16_t, head, uint64_t, seq, uint32_t, len))

RINGSIDE_REQUEST_EVENT(fetch)
RINGSIDE_REQUEST_EVENT(serve_begin)
RINGSIDE_REQUEST_EVENT(serve_end)
RINGSIDE_REQUEST_EVENT(publish)
RINGSIDE_REQUEST_EVENT(call)
RINGSIDE_REQUEST_EVENT(start)
RINGSIDE_REQUEST_EVENT(exit)
RINGSIDE_REQUEST_EVENT(kick)
RINGSIDE_REQUEST_EVENT(inject)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
