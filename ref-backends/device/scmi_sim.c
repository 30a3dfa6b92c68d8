// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/scmi_sim.h"

#include <string.h>

#define US 1000u

static struct scmi_sim *sim_of(struct scmi_hw *hw)
{
	return (struct scmi_sim *)hw;
}

static void sim_reset(struct scmi_hw *hw)
{
	struct scmi_sim *sim = sim_of(hw);

	for (u32 i = 0; i < sim->p->num_clocks; i++) {
		sim->clocks[i].rate = sim->p->clocks[i].rate;
		sim->clocks[i].enabled = sim->p->clocks[i].enabled;
	}
	for (u32 i = 0; i < sim->p->num_resets; i++)
		sim->resets[i].asserted = false;
}

static int sim_clock_rate(struct scmi_hw *hw, u32 clock, u64 rate)
{
	struct scmi_sim *sim = sim_of(hw);

	if (sim->p->clocks[clock].stuck && rate != sim->clocks[clock].rate)
		return SCMI_HARDWARE_ERROR;
	sim->clocks[clock].rate = rate;
	return SCMI_SUCCESS;
}

static int sim_clock_enable(struct scmi_hw *hw, u32 clock, bool enable)
{
	sim_of(hw)->clocks[clock].enabled = enable;
	return SCMI_SUCCESS;
}

static int sim_reset_domain(struct scmi_hw *hw, u32 domain, bool assert, bool pulse)
{
	struct scmi_sim *sim = sim_of(hw);

	if (sim->p->resets[domain].stuck)
		return SCMI_HARDWARE_ERROR;
	sim->resets[domain].count += pulse || (assert && !sim->resets[domain].asserted);
	sim->resets[domain].asserted = assert && !pulse;
	return SCMI_SUCCESS;
}

/* --- sensors ----------------------------------------------------------------------------------------------- */

/* xorshift and multiply: neighbours have nothing to do with each other. */
static u64 scatter(u64 n)
{
	n = (n ^ n >> 31) * 0x9e3779b97f4a7c15;
	n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9;
	return n ^ n >> 32;
}

/* `part` of `whole`, from low to high: parts are of less than 2^32. */
static int64_t between(const struct scmi_sensor *of, u64 part, u64 whole)
{
	const u64 span = (u64)((int64_t)of->high - of->low);

	return whole ? of->low + (int64_t)(span * part / whole) : of->low;
}

static int64_t follows(const struct scmi_sim *sim, const struct scmi_sensor *of)
{
	const struct scmi_clock *clock = &sim->p->clocks[of->clock];
	u64 high = clock->rates[clock->range ? 1 : clock->num_rates - 1];
	u64 rate = sim->clocks[of->clock].enabled ? sim->clocks[of->clock].rate : 0;

	for (; high > UINT32_MAX; high /= 2)
		rate /= 2;
	return between(of, MIN(rate, high), high);
}

int64_t scmi_sim_reading(const struct scmi_sim *sim, u32 sensor, u64 now)
{
	const struct scmi_sensor *of = &sim->p->sensors[sensor];
	const u64 period = (u64)of->period_ms * 1000, at = period ? now / US % period : 0;

	switch (of->wave) {
	case SCMI_WAVE_RAMP:
		return between(of, at, period);
	case SCMI_WAVE_TRIANGLE:
		return between(of, at < period / 2 ? at : period - at, period / 2);
	case SCMI_WAVE_SQUARE:
		return at < period / 2 ? of->low : of->high;
	case SCMI_WAVE_NOISE:
		return between(of, scatter(now / US / MAX(period / 64, 1u) + sensor) & 0xffff,
			       0xffff);
	case SCMI_WAVE_FOLLOWS:
		return follows(sim, of);
	default:
		return of->low;
	}
}

static int sim_read(struct scmi_hw *hw, u32 sensor, int64_t *value)
{
	*value = scmi_sim_reading(sim_of(hw), sensor, hw->ops->now(hw));
	return SCMI_SUCCESS;
}

void scmi_sim_init(struct scmi_sim *sim, const struct scmi_platform *p)
{
	memset(sim, 0, sizeof(*sim));
	sim->ops = (struct scmi_hw_ops){
		.reset = sim_reset,
		.clock_rate = sim_clock_rate,
		.clock_enable = sim_clock_enable,
		.reset_domain = sim_reset_domain,
		.read = sim_read,
	};
	sim->hw.ops = &sim->ops;
	sim->p = p;
	sim_reset(&sim->hw);
}
