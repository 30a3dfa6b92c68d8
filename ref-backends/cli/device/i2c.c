// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/i2c_dev.h"
#include "ref-backends/device/i2c_sim.h"

#define ADDR_MIN   0x08u /* what is below is reserved */
#define LM75_USUAL 168	 /* 21 degrees */

static struct {
	const char *chips[I2C_CHIPS];
	unsigned num_chips;
	const char *bus;
} opt;

static int parse_chip(const char *arg, void *out)
{
	if (opt.num_chips == I2C_CHIPS)
		return cli_usage_error("--chip: more than %u chips", I2C_CHIPS);
	opt.chips[opt.num_chips++] = arg;
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice i2c, a bus of simulated chips, or one of the host's:"),
	CLI_OPTION(CLI_OWN, "chip", "TYPE@ADDR[=X]", NULL,
		   "24c01, 24c02, 24c32 … 24c512, an EEPROM with the contents of\n"
		   "file X; or lm75, a sensor at X degrees (21). May be repeated\n"
		   "(24c02@0x50 and lm75@0x48)",
		   .parse = parse_chip),
	CLI_OPTION(CLI_TEXT, "i2c-bus", "/dev/i2c-N", &opt.bus,
		   "the bus of that name"),
};
/* clang-format on */

static bool meant(void)
{
	return opt.num_chips || opt.bus;
}

/* --- chips ------------------------------------------------------------------------------------------------ */

struct chip {
	union {
		struct i2c_chip chip;
		struct i2c_eeprom eeprom;
		struct i2c_lm75 lm75;
	};
	u8 *memory;
};

static u64 now_ns(void *ctx)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static int load(u8 *memory, u32 size, const char *path)
{
	FILE *f = fopen(path, "rbe");
	int status = 0;

	if (!f)
		return cli_failed("--chip: %s: %s", path, strerror(errno));
	if (fread(memory, 1, size, f) == size && fgetc(f) != EOF)
		status = cli_failed("--chip: %s: more than the %u bytes of the chip", path, size);
	else if (ferror(f))
		status = cli_failed("--chip: %s: %s", path, strerror(errno));
	fclose(f);
	return status;
}

static int make_eeprom(struct chip *chip, u8 addr, const struct eeprom_type *type, const char *path)
{
	chip->memory = malloc(type->size);
	if (!chip->memory)
		return cli_failed("--chip: %s", strerror(errno));
	memset(chip->memory, 0xff, type->size);
	i2c_eeprom_init(&chip->eeprom, addr, type, chip->memory, now_ns, NULL);
	return path ? load(chip->memory, type->size, path) : 0;
}

static int make_lm75(struct i2c_lm75 *l, u8 addr, const char *degrees)
{
	double t = LM75_USUAL / 8.0;
	char *end;

	if (degrees) {
		t = strtod(degrees, &end);
		if (end == degrees || *end || !(t >= -55 && t <= 125))
			return cli_usage_error("--chip: '%s' is no temperature from -55 to 125",
					       degrees);
	}
	i2c_lm75_init(l, addr, (int)(t * 8));
	return 0;
}

/* "TYPE@ADDR[=X]" */
static int make_chip(struct chip *chip, const char *arg)
{
	const char *at = strchr(arg, '@'), *equals = at ? strchr(at, '=') : NULL;
	const char *given = equals ? equals + 1 : NULL;
	const struct eeprom_type *type;
	unsigned long addr;
	char name[16], *end;

	if (!at || at - arg >= (long)sizeof(name))
		return cli_usage_error("--chip: '%s' is not TYPE@ADDR[=X]", arg);
	snprintf(name, sizeof(name), "%.*s", (int)(at - arg), arg);
	addr = strtoul(at + 1, &end, 0);
	if (end == at + 1 || end != (equals ? equals : end + strlen(end)) || addr < ADDR_MIN ||
	    addr >= I2C_ADDRS)
		return cli_usage_error("--chip: '%s': the address is none from 0x08 to 0x77", arg);
	type = eeprom_type_find(name);
	if (type)
		return make_eeprom(chip, (u8)addr, type, given);
	if (strcmp(name, "lm75") == 0)
		return make_lm75(&chip->lm75, (u8)addr, given);
	return cli_usage_error("--chip: no chip '%s': 24c01, 24c02, 24c32, 24c64, 24c128, 24c256, "
			       "24c512 and lm75 are",
			       name);
}

static int serve_chips(const struct cli_place *place)
{
	static const char *const usual[] = { "24c02@0x50", "lm75@0x48" };
	const char *const *args = opt.num_chips ? opt.chips : usual;
	const unsigned n = opt.num_chips ? opt.num_chips : ARRAY_SIZE(usual);
	static struct chip chips[I2C_CHIPS];
	struct i2c_sim sim;
	struct ri2c i2c;
	int status = 0;

	i2c_sim_init(&sim);
	for (unsigned i = 0; i < n && !status; i++) {
		status = make_chip(&chips[i], args[i]);
		if (!status && !i2c_sim_add(&sim, &chips[i].chip))
			status = cli_usage_error("--chip: '%s': the address is taken", args[i]);
	}
	ri2c_init(&i2c, &sim.bus);
	if (!status)
		status = place->serve(place, &i2c.dev);
	for (unsigned i = 0; i < n; i++)
		free(chips[i].memory);
	return status;
}

static int run(const struct cli_place *place)
{
	struct i2c_bus *bus;
	struct ri2c i2c;
	int status;

	if (opt.num_chips && opt.bus)
		return cli_usage_error("--chip and --i2c-bus exclude each other");
	if (!opt.bus)
		return serve_chips(place);
	bus = i2c_dev_open(opt.bus);
	if (!bus)
		return 1;
	ri2c_init(&i2c, bus);
	status = place->serve(place, &i2c.dev);
	bus->ops->free(bus);
	return status;
}

const struct cli_device cli_i2c = {
	.name = "i2c",
	.options = CLI_TABLE(options),
	.meant = meant,
	.run = run,
};
