/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bus of simulated chips: serial EEPROMs of the 24C family, and temperature sensors like the LM75.
 * They see what chips see, START, bytes, STOP, and know nothing of requests.
 *
 * Freestanding: chips and their memory are the caller's.
 */
#ifndef REF_BACKENDS_DEVICE_I2C_SIM_H
#define REF_BACKENDS_DEVICE_I2C_SIM_H

#include "ref-backends/device/i2c.h"

#define I2C_CHIPS 32

struct i2c_chip;

struct i2c_chip_ops {
	/* A START with this chip's address (`mine`), or with that of another. Does it answer? */
	bool (*start)(struct i2c_chip *chip, bool mine, bool read);
	bool (*write)(struct i2c_chip *chip, u8 byte); /* does it acknowledge? */
	u8 (*read)(struct i2c_chip *chip);
	void (*stop)(struct i2c_chip *chip);
};

struct i2c_chip {
	const struct i2c_chip_ops *ops;
	u8 addr;
};

struct i2c_sim {
	struct i2c_bus bus;
	struct i2c_chip *chips[I2C_CHIPS];
	u32 n;
};

void i2c_sim_init(struct i2c_sim *sim);
/* False: no room, or the address is taken. */
bool i2c_sim_add(struct i2c_sim *sim, struct i2c_chip *chip);

/* --- 24C EEPROM ------------------------------------------------------------------------------------------ */

/*
 * Bytes are written to a page at a time, and wrap around in it; the STOP behind them begins a write cycle, in
 * which the chip does not answer to its address. Without the STOP nothing is written.
 */
#define EEPROM_PAGE_MAX 128
#define EEPROM_CYCLE_NS 5000000u

struct eeprom_type {
	const char *name;
	u32 size;
	u16 page;
	u8 addr_bytes; /* of an address in it */
};

/* Those that answer to one address; NULL for another name. */
const struct eeprom_type *eeprom_type_find(const char *name);

struct i2c_eeprom {
	struct i2c_chip chip;
	const struct eeprom_type *type;
	u8 *memory; /* type->size bytes */
	u64 (*now_ns)(void *ctx);
	void *ctx;
	u64 busy_until;
	u32 at;	 /* the next byte */
	u8 need; /* bytes of an address that are still to come */
	bool dirty;
	u8 page[EEPROM_PAGE_MAX];
	bool fresh[EEPROM_PAGE_MAX]; /* of `page`, and not in memory yet */
};

/* `memory` is what it holds; an erased one holds 0xff. */
void i2c_eeprom_init(struct i2c_eeprom *e, u8 addr, const struct eeprom_type *type, u8 *memory,
		     u64 (*now_ns)(void *ctx), void *ctx);

/* --- LM75 ------------------------------------------------------------------------------------------------ */

struct i2c_lm75 {
	struct i2c_chip chip;
	u16 regs[4]; /* temperature, configuration (its upper byte), hysteresis, overtemperature */
	u8 pointer;
	u8 at; /* bytes of a register that were read, or of what is written to it */
	bool pointed;
};

/* The temperature in steps of 1/8 degree, -55 to 125 degrees. */
void i2c_lm75_init(struct i2c_lm75 *l, u8 addr, int eighths);

#endif
