// SPDX-License-Identifier: BSD-3-Clause
/* SCMI's sensor protocol, version 3.0, for sensors of one value. */
#include "ref-backends/device/scmi_call.h"

#define US	    1000u
#define MS	    1000000u
#define DESCRIPTION (12 + SCMI_NAME) /* bytes of one */
#define EXPONENT    0x1fu	     /* of five bits */
#define STAMP_SCALE (-6)	     /* microseconds */
#define MS_SCALE    (-3)

/* Ways to round an interval. */
enum {
	ROUND_DOWN,
	ROUND_UP,
	ROUND_AS_IT_LIKES,
	ROUNDS
};

static const struct scmi_sensor *sensor_of(struct rscmi *s, u32 id)
{
	return id < s->p->num_sensors ? &s->p->sensors[id] : NULL;
}

static int usable(struct scmi_call *c, u32 id)
{
	if (!sensor_of(c->s, id))
		return SCMI_NOT_FOUND;
	return scmi_allowed(c->s, SCMI_SENSOR, offsetof(struct scmi_device, sensors), id)
		       ? SCMI_SUCCESS
		       : SCMI_DENIED;
}

void scmi_sensor_init(struct rscmi *s)
{
	for (u32 i = 0; i < s->p->num_sensors; i++)
		s->sensors[i] =
			(struct scmi_of_sensor){ .enabled = true,
						 .stamps = true,
						 .interval_ms = s->p->sensors[i].intervals_ms[0],
						 .next = SCMI_NEVER };
}

/* --- what there is ----------------------------------------------------------------------------------------- */

static void attributes(struct scmi_call *c)
{
	const u32 async = scmi_says_events(c->s) ? SCMI_PENDING_OF : 0;

	scmi_word(c, async << 16 | c->s->p->num_sensors);
	/* No shared memory region. */
	scmi_word64(c, 0);
	scmi_word(c, 0);
}

static u32 exponent(int scale)
{
	return (u32)scale & EXPONENT;
}

static void describe(struct scmi_call *c, u32 id)
{
	const struct scmi_sensor *of = sensor_of(c->s, id);
	u32 low = SCMI_SENSOR_STAMPS | exponent(STAMP_SCALE) << SCMI_SENSOR_STAMP_EXP;

	/* Nobody is told of a trip point without an event queue. */
	if (scmi_says_events(c->s))
		low |= SCMI_SENSOR_HAS_ASYNC | SCMI_SENSOR_UPDATES | of->trips;
	if (scmi_is_long(of->name))
		low |= SCMI_SENSOR_HAS_NAME;
	scmi_word(c, id);
	scmi_word(c, low);
	scmi_word(c, exponent(of->scale) << SCMI_SENSOR_SCALE | of->type);
	scmi_text(c, of->name, SCMI_NAME);
}

static int description(struct scmi_call *c)
{
	const u32 from = scmi_param(c, 0), all = c->s->p->num_sensors;
	u32 n;

	if (from > all || (from == all && all))
		return SCMI_OUT_OF_RANGE;
	n = MIN(all - from, (MIN(c->room, (u32)SCMI_ANSWER_MAX) - 4) / DESCRIPTION);
	if (all > from && !n)
		return SCMI_PROTOCOL_ERROR;
	scmi_word(c, (all - from - n) << 16 | n);
	for (u32 i = 0; i < n; i++)
		describe(c, from + i);
	return SCMI_SUCCESS;
}

static int name(struct scmi_call *c)
{
	const struct scmi_sensor *of = sensor_of(c->s, scmi_param(c, 0));

	return of ? scmi_whole_name(c, of->name) : SCMI_NOT_FOUND;
}

/* [20:5] a number, [4:0] of ten to the power of it, seconds: milliseconds, where they fit. */
static u32 interval(u32 ms)
{
	return ms <= 0xffff ? ms << 5 | exponent(MS_SCALE) : (ms / 1000) << 5;
}

static int intervals(struct scmi_call *c)
{
	const struct scmi_sensor *of = sensor_of(c->s, scmi_param(c, 0));
	const u32 from = scmi_param(c, 1);
	u32 n;

	if (!of)
		return SCMI_NOT_FOUND;
	if (from > of->num_intervals)
		return SCMI_OUT_OF_RANGE;
	n = MIN(of->num_intervals - from, (c->room - 4) / 4);
	if (of->num_intervals > from && !n)
		return SCMI_PROTOCOL_ERROR;
	scmi_word(c, (of->num_intervals - from - n) << 16 | n);
	for (u32 i = 0; i < n; i++)
		scmi_word(c, interval(of->intervals_ms[from + i]));
	return SCMI_SUCCESS;
}

/* --- readings ---------------------------------------------------------------------------------------------- */

/* Its value now, or why there is none. */
static int measure(struct rscmi *s, u32 id, int64_t *value, u64 *stamp)
{
	const struct scmi_of_sensor *of = &s->sensors[id];
	const u64 now = s->hw->ops->now(s->hw);

	*value = 0;
	*stamp = of->stamps ? now / US : 0;
	return of->enabled ? s->hw->ops->read(s->hw, id, value) : SCMI_HARDWARE_ERROR;
}

void scmi_sensor_done(struct rscmi *s, struct scmi_pending *p)
{
	p->status = measure(s, p->id, &p->value, &p->stamp);
}

static int reading(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), flags = scmi_param(c, 1);
	int status = usable(c, id);
	int64_t value;
	u64 stamp;

	if (status)
		return status;
	if (flags & ~SCMI_READ_ASYNC)
		return SCMI_INVALID_PARAMETERS;
	/* What it says is seen when it is time. */
	if (flags)
		return scmi_delay(c, id, sensor_of(c->s, id)->latency_us) ? SCMI_SUCCESS
									  : SCMI_BUSY;
	status = measure(c->s, id, &value, &stamp);
	if (status)
		return status;
	scmi_word64(c, (u64)value);
	scmi_word64(c, stamp);
	return SCMI_SUCCESS;
}

/* --- configuration ------------------------------------------------------------------------------------------ */

static bool is_sampled(const struct scmi_of_sensor *of)
{
	bool trips = false;

	for (u32 i = 0; i < SCMI_TRIPS_MAX; i++)
		trips |= of->trips[i].at;
	return of->enabled && (of->updates || (of->trips_told && trips));
}

/* What it is sampled for may be different: beginning with now. */
static void resample(struct rscmi *s, u32 id)
{
	struct scmi_of_sensor *of = &s->sensors[id];
	const bool wanted = is_sampled(of);

	if (!wanted)
		of->sampled = false;
	if (wanted != (of->next != SCMI_NEVER))
		of->next = wanted ? s->hw->ops->now(s->hw) : SCMI_NEVER;
}

static int config_get(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0);
	const int status = usable(c, id);
	const struct scmi_of_sensor *of = &c->s->sensors[id % SCMI_MAX];

	if (status)
		return status;
	scmi_word(c, (interval(of->interval_ms) & EXPONENT) << SCMI_SENSOR_INTERVAL |
			     (interval(of->interval_ms) >> 5) << 16 |
			     (of->stamps ? SCMI_SENSOR_STAMPED : 0) |
			     (of->enabled ? SCMI_SENSOR_ENABLED : 0));
	return SCMI_SUCCESS;
}

/* In milliseconds; what is beyond measure is as much as a number holds. */
static u64 asked_ms(u32 config)
{
	int exp = config >> SCMI_SENSOR_INTERVAL & EXPONENT;
	u64 ms = (u64)(config >> 16) * 1000;

	for (exp = exp & 0x10 ? exp - 0x20 : exp; exp > 0 && ms < BIT_ULL(40); exp--)
		ms *= 10;
	for (; exp < 0; exp++)
		ms /= 10;
	return ms;
}

/* One of those that it has, or 0. */
static u32 round_interval(const struct scmi_sensor *of, u64 ms, u32 how)
{
	u32 below = 0, above = 0;

	for (u32 i = 0; i < of->num_intervals; i++) {
		if (of->intervals_ms[i] <= ms)
			below = of->intervals_ms[i];
		else if (!above)
			above = of->intervals_ms[i];
	}
	if (below == ms || how == ROUND_DOWN)
		return below;
	return how == ROUND_UP || !below ? above : below;
}

static int config_set(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), config = scmi_param(c, 1);
	const u32 how = config >> SCMI_SENSOR_ROUND & 3;
	struct scmi_of_sensor *of = &c->s->sensors[id % SCMI_MAX];
	const int status = usable(c, id);
	u32 ms = of->interval_ms;

	if (status)
		return status;
	/* No interval: it stays. */
	if (config >> 16)
		ms = round_interval(sensor_of(c->s, id), asked_ms(config), how);
	if (!ms || how >= ROUNDS || config & 0x1fc)
		return SCMI_INVALID_PARAMETERS;
	of->interval_ms = ms;
	of->stamps = config & SCMI_SENSOR_STAMPED;
	of->enabled = config & SCMI_SENSOR_ENABLED;
	resample(c->s, id);
	return SCMI_SUCCESS;
}

/* --- trip points, and updates ------------------------------------------------------------------------------- */

static int trip_config(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), control = scmi_param(c, 1);
	const u32 point = control >> SCMI_TRIP_ID & 0xff;
	const int status = usable(c, id);
	struct scmi_trip *t;

	if (status)
		return status;
	if (point >= sensor_of(c->s, id)->trips ||
	    control & ~(u32)(0xff << SCMI_TRIP_ID | SCMI_TRIP_UP | SCMI_TRIP_DOWN))
		return SCMI_INVALID_PARAMETERS;
	t = &c->s->sensors[id].trips[point];
	*t = (struct scmi_trip){
		.at = control & (SCMI_TRIP_UP | SCMI_TRIP_DOWN),
		.value = (int64_t)(scmi_param(c, 2) | (u64)scmi_param(c, 3) << 32),
	};
	resample(c->s, id);
	return SCMI_SUCCESS;
}

static int notify(struct scmi_call *c, bool updates)
{
	const u32 id = scmi_param(c, 0), control = scmi_param(c, 1);
	const int status = usable(c, id);
	struct scmi_of_sensor *of = &c->s->sensors[id % SCMI_MAX];

	if (status)
		return status;
	if (control & ~SCMI_NOTIFY_ENABLE)
		return SCMI_INVALID_PARAMETERS;
	*(updates ? &of->updates : &of->trips_told) = control;
	if (updates)
		of->updated &= control;
	for (u32 i = 0; i < SCMI_TRIPS_MAX && !updates && !control; i++)
		of->trips[i].due = 0;
	resample(c->s, id);
	return SCMI_SUCCESS;
}

static int trip_notify(struct scmi_call *c)
{
	return notify(c, false);
}

static int update_notify(struct scmi_call *c)
{
	return notify(c, true);
}

static void sample(struct rscmi *s, u32 id)
{
	struct scmi_of_sensor *of = &s->sensors[id];
	int64_t value;
	u64 stamp;

	if (measure(s, id, &value, &stamp))
		return;
	for (u32 i = 0; i < SCMI_TRIPS_MAX && of->sampled && of->trips_told; i++) {
		struct scmi_trip *t = &of->trips[i];

		if (t->at & SCMI_TRIP_UP && of->value < t->value && value >= t->value)
			t->due = SCMI_TRIP_UP;
		if (t->at & SCMI_TRIP_DOWN && of->value > t->value && value <= t->value)
			t->due = SCMI_TRIP_DOWN;
	}
	of->sampled = true;
	of->value = value;
	of->stamp = stamp;
	of->updated |= of->updates && scmi_is(s, SCMI_READ, true);
}

u64 scmi_sensor_tick(struct rscmi *s, u64 now)
{
	u64 first = SCMI_NEVER;

	for (u32 i = 0; i < s->p->num_sensors; i++) {
		struct scmi_of_sensor *of = &s->sensors[i];

		if (of->next <= now) {
			sample(s, i);
			/* Those that were missed are not made up for. */
			of->next = now + (u64)of->interval_ms * MS;
		}
		first = MIN(first, of->next);
	}
	return first;
}

static u32 trip_event(struct rscmi *s, u32 id, u8 *payload, u8 *message)
{
	for (u32 i = 0; i < SCMI_TRIPS_MAX; i++) {
		struct scmi_trip *t = &s->sensors[id].trips[i];

		if (!t->due)
			continue;
		if (payload) {
			*message = SCMI_SENSOR_TRIPPED;
			scmi_put(payload, s->agent);
			scmi_put(payload + 4, id);
			scmi_put(payload + 8, (t->due == SCMI_TRIP_UP ? SCMI_TRIP_WAS_UP : 0) | i);
			t->due = 0;
		}
		return 12;
	}
	return 0;
}

static u32 event(struct rscmi *s, u8 *payload, u8 *message)
{
	for (u32 i = 0; i < s->p->num_sensors; i++) {
		struct scmi_of_sensor *of = &s->sensors[i];
		const u32 len = trip_event(s, i, payload, message);

		if (len)
			return len;
		if (!of->updated)
			continue;
		if (payload) {
			*message = SCMI_SENSOR_UPDATED;
			of->updated = false;
			scmi_put(payload, s->agent);
			scmi_put(payload + 4, i);
			scmi_put64(payload + 8, (u64)of->value);
			scmi_put64(payload + 16, of->stamp);
		}
		return 24;
	}
	return 0;
}

static const struct scmi_command commands[] = {
	[SCMI_SENSOR_DESCRIPTION] = { description, .params = 4, .answer = 4 },
	[SCMI_SENSOR_TRIP_NOTIFY] = { trip_notify, .params = 8, .notify = 2 },
	[SCMI_SENSOR_TRIP_CONFIG] = { trip_config, .params = 16 },
	[SCMI_SENSOR_READING] = { reading, .params = 8, .async = 2, .async_bit = SCMI_READ_ASYNC,
				  .at_once = 16 },
	[SCMI_SENSOR_INTERVALS] = { intervals, .params = 8, .answer = 4 },
	[SCMI_SENSOR_CONFIG_GET] = { config_get, .params = 4, .answer = 4 },
	[SCMI_SENSOR_CONFIG_SET] = { config_set, .params = 8 },
	[SCMI_SENSOR_UPDATE_NOTIFY] = { update_notify, .params = 8, .notify = 2 },
	[SCMI_SENSOR_NAME] = { name, .params = 4, .answer = 4 + SCMI_NAME_LONG },
};

const struct scmi_protocol scmi_sensor_protocol = {
	.id = SCMI_SENSOR,
	.num = ARRAY_SIZE(commands),
	.version = 0x30001,
	.commands = commands,
	.answer = 16,
	.attributes = attributes,
	.event = event,
};
