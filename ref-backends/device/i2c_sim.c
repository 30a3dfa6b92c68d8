// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/i2c_sim.h"

#include <string.h>

/* --- the bus ------------------------------------------------------------------------------------------- */

static void stop(struct i2c_sim *sim)
{
	for (u32 i = 0; i < sim->n; i++)
		sim->chips[i]->ops->stop(sim->chips[i]);
}

/* The chip that answers, or NULL. */
static struct i2c_chip *start(struct i2c_sim *sim, const struct i2c_message *m)
{
	struct i2c_chip *answers = NULL;

	for (u32 i = 0; i < sim->n; i++) {
		struct i2c_chip *chip = sim->chips[i];

		if (chip->ops->start(chip, chip->addr == m->addr, m->read))
			answers = chip;
	}
	return answers;
}

static bool message(struct i2c_sim *sim, const struct i2c_message *m)
{
	struct i2c_chip *chip = start(sim, m);
	struct i2c_bytes at = m->data;

	if (!chip)
		return false;
	for (u32 i = 0; i < m->len; i++) {
		if (m->read)
			*i2c_next(&at) = chip->ops->read(chip);
		else if (!chip->ops->write(chip, *i2c_next(&at)))
			return false;
	}
	return true;
}

static u32 sim_transfer(struct i2c_bus *bus, const struct i2c_message *msgs, u32 n, bool last)
{
	struct i2c_sim *sim = (struct i2c_sim *)bus;
	u32 done = 0;

	while (done < n && message(sim, &msgs[done]))
		done++;
	if (last || done < n)
		stop(sim);
	return done;
}

static const struct i2c_bus_ops sim_ops = { .transfer = sim_transfer };

void i2c_sim_init(struct i2c_sim *sim)
{
	*sim = (struct i2c_sim){ .bus = { .ops = &sim_ops } };
}

bool i2c_sim_add(struct i2c_sim *sim, struct i2c_chip *chip)
{
	for (u32 i = 0; i < sim->n; i++)
		if (sim->chips[i]->addr == chip->addr)
			return false;
	if (sim->n == I2C_CHIPS)
		return false;
	sim->chips[sim->n++] = chip;
	return true;
}

/* --- EEPROM ------------------------------------------------------------------------------------------------ */

static const struct eeprom_type types[] = {
	{ "24c01", 128, 8, 1 },	     { "24c02", 256, 8, 1 },	 { "24c32", 4096, 32, 2 },
	{ "24c64", 8192, 32, 2 },    { "24c128", 16384, 64, 2 }, { "24c256", 32768, 64, 2 },
	{ "24c512", 65536, 128, 2 },
};

const struct eeprom_type *eeprom_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t at = 0;

		while (name[at] && name[at] == types[i].name[at])
			at++;
		if (name[at] == types[i].name[at])
			return &types[i];
	}
	return NULL;
}

static bool eeprom_start(struct i2c_chip *chip, bool mine, bool read)
{
	struct i2c_eeprom *e = (struct i2c_eeprom *)chip;

	/* A START where a STOP should be: what was to be written is forgotten. */
	if (e->dirty)
		memset(e->fresh, 0, sizeof(e->fresh));
	e->dirty = false;
	if (!mine || e->now_ns(e->ctx) < e->busy_until)
		return false;
	e->need = read ? 0 : e->type->addr_bytes;
	return true;
}

static bool eeprom_write(struct i2c_chip *chip, u8 byte)
{
	struct i2c_eeprom *e = (struct i2c_eeprom *)chip;
	const u32 in_page = e->at & (e->type->page - 1u);

	if (e->need) {
		/* Of an address longer than the memory is the upper bits mean nothing. */
		e->at = e->need == e->type->addr_bytes ? byte : e->at << 8 | byte;
		e->at &= e->type->size - 1;
		e->need--;
		return true;
	}
	e->page[in_page] = byte;
	e->fresh[in_page] = e->dirty = true;
	e->at = (e->at & ~(e->type->page - 1u)) | ((in_page + 1) & (e->type->page - 1u));
	return true;
}

static u8 eeprom_read(struct i2c_chip *chip)
{
	struct i2c_eeprom *e = (struct i2c_eeprom *)chip;
	const u8 byte = e->memory[e->at];

	e->at = (e->at + 1) & (e->type->size - 1);
	return byte;
}

static void eeprom_stop(struct i2c_chip *chip)
{
	struct i2c_eeprom *e = (struct i2c_eeprom *)chip;
	const u32 page = e->at & ~(e->type->page - 1u);

	if (!e->dirty)
		return;
	for (u32 i = 0; i < e->type->page; i++)
		if (e->fresh[i])
			e->memory[page + i] = e->page[i];
	memset(e->fresh, 0, sizeof(e->fresh));
	e->dirty = false;
	e->busy_until = e->now_ns(e->ctx) + EEPROM_CYCLE_NS;
}

static const struct i2c_chip_ops eeprom_ops = {
	.start = eeprom_start,
	.write = eeprom_write,
	.read = eeprom_read,
	.stop = eeprom_stop,
};

void i2c_eeprom_init(struct i2c_eeprom *e, u8 addr, const struct eeprom_type *type, u8 *memory,
		     u64 (*now_ns)(void *ctx), void *ctx)
{
	*e = (struct i2c_eeprom){ .chip = { .ops = &eeprom_ops, .addr = addr },
				  .type = type,
				  .memory = memory,
				  .now_ns = now_ns,
				  .ctx = ctx };
}

/* --- LM75 ---------------------------------------------------------------------------------------------------- */

#define LM75_CONF     1
#define LM75_HYST     0x4b00 /* 75 degrees */
#define LM75_OVERTEMP 0x5000 /* 80 degrees */

static bool lm75_start(struct i2c_chip *chip, bool mine, bool read)
{
	struct i2c_lm75 *l = (struct i2c_lm75 *)chip;

	if (mine) {
		l->at = 0;
		l->pointed = read;
	}
	return mine;
}

static bool lm75_write(struct i2c_chip *chip, u8 byte)
{
	struct i2c_lm75 *l = (struct i2c_lm75 *)chip;
	u16 *reg;

	if (!l->pointed) {
		l->pointer = byte & 3;
		l->pointed = true;
		return true;
	}
	reg = &l->regs[l->pointer];
	/* The temperature is read only; it acknowledges all the same. */
	if (l->pointer == LM75_CONF)
		*reg = (u16)(byte << 8 | byte);
	else if (l->pointer && l->at == 0)
		*reg = (u16)(byte << 8 | (*reg & 0xff));
	else if (l->pointer && l->at == 1)
		*reg = (u16)((*reg & 0xff00) | (byte & 0x80));
	l->at = l->at < 2 ? l->at + 1 : 2;
	return true;
}

static u8 lm75_read(struct i2c_chip *chip)
{
	struct i2c_lm75 *l = (struct i2c_lm75 *)chip;
	const u16 reg = l->regs[l->pointer];

	l->at ^= 1;
	return (u8)(l->at ? reg >> 8 : reg);
}

static void lm75_stop(struct i2c_chip *chip)
{
}

static const struct i2c_chip_ops lm75_ops = {
	.start = lm75_start,
	.write = lm75_write,
	.read = lm75_read,
	.stop = lm75_stop,
};

void i2c_lm75_init(struct i2c_lm75 *l, u8 addr, int eighths)
{
	*l = (struct i2c_lm75){ .chip = { .ops = &lm75_ops, .addr = addr },
				.regs = { (u16)((u32)eighths << 5), 0, LM75_HYST, LM75_OVERTEMP } };
}
