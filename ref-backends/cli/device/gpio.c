// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/gpio_drive.h"
#include "ref-backends/device/host/gpio_host.h"

#define LINES_USUAL 8

static struct {
	unsigned lines;
	const char *names, *drive, *chip;
	bool no_names, given;
	struct {
		u16 a, b;
	} wires[GPIO_LINES_MAX / 2];
	unsigned num_wires;
} opt = { .lines = LINES_USUAL };

static int parse_wire(const char *arg, void *out)
{
	unsigned a, b;
	char end;

	if (sscanf(arg, "%u:%u%c", &a, &b, &end) != 2 || a >= GPIO_LINES_MAX || b >= GPIO_LINES_MAX)
		return cli_usage_error("--wire: '%s' is not LINE:LINE", arg);
	if (opt.num_wires == ARRAY_SIZE(opt.wires))
		return cli_usage_error("--wire: more than there are lines");
	opt.wires[opt.num_wires].a = (u16)a;
	opt.wires[opt.num_wires++].b = (u16)b;
	return 0;
}

static int parse_lines(const char *arg, void *out)
{
	char end;

	if (sscanf(arg, "%u%c", &opt.lines, &end) != 1 || !opt.lines || opt.lines > GPIO_LINES_MAX)
		return cli_usage_error("--lines: '%s' is not a number from 1 to %u", arg,
				       GPIO_LINES_MAX);
	opt.given = true;
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice gpio, simulated lines, or those of a chip of the host's:"),
	CLI_OPTION(CLI_OWN, "lines", "N", NULL,
		   "how many (8)",
		   .parse = parse_lines),
	CLI_OPTION(CLI_TEXT, "line-names", "A,B,...", &opt.names,
		   "what they are called; others have no name (line0,line1,...)"),
	CLI_OPTION(CLI_FLAG, "no-names", NULL, &opt.no_names,
		   "the device does not tell names"),
	CLI_OPTION(CLI_OWN, "wire", "A:B", NULL,
		   "connect two lines: what is driven out of one comes in at the\n"
		   "other. May be repeated",
		   .parse = parse_wire),
	CLI_OPTION(CLI_TEXT, "drive", "FIFO", &opt.drive,
		   "lines are driven by what is written there: LINE=0, LINE=1"),
	CLI_OPTION(CLI_TEXT, "gpio-chip", "CHIP", &opt.chip,
		   "the lines of gpiochip0, or of another chip of the host's"),
};
/* clang-format on */

static bool simulated(void)
{
	return opt.given || opt.names || opt.no_names || opt.num_wires || opt.drive;
}

static bool meant(void)
{
	return simulated() || opt.chip;
}

/* "A,B,..." or, without, line0 and so on. */
static int name_lines(struct gpio_port *p)
{
	const char *rest = opt.names;

	for (unsigned i = 0; i < p->lines; i++) {
		char name[256];
		size_t len = 0;

		if (!opt.names)
			snprintf(name, sizeof(name), "line%u", i);
		else {
			len = rest ? strcspn(rest, ",") : 0;
			if (len >= GPIO_NAME_MAX)
				return cli_usage_error(
					"--line-names: '%.*s' is longer than %d bytes", (int)len,
					rest, GPIO_NAME_MAX - 1);
			snprintf(name, sizeof(name), "%.*s", (int)len, rest ? rest : "");
			rest = rest && rest[len] ? rest + len + 1 : NULL;
		}
		/* 5.18.6.9: names are unique, where there are any. */
		for (u32 at = 0; at < p->names_size; at += (u32)strlen(p->names + at) + 1)
			if (*name && strcmp(p->names + at, name) == 0)
				return cli_usage_error("--line-names: '%s' is there twice", name);
		gpio_port_name(p, name);
	}
	return rest ? cli_usage_error("--line-names: more than %u", p->lines) : 0;
}

static int prepare(struct gpio_sim *sim)
{
	int status = 0;

	gpio_sim_init(sim, (u16)opt.lines);
	if (!opt.no_names)
		status = name_lines(&sim->port);
	for (unsigned i = 0; i < opt.num_wires && !status; i++)
		if (!gpio_sim_wire(sim, opt.wires[i].a, opt.wires[i].b))
			status = cli_usage_error("--wire: %u:%u: no such line, or wired already",
						 opt.wires[i].a, opt.wires[i].b);
	return status;
}

static int serve_lines(const struct cli_place *place, struct gpio_port *port)
{
	struct rgpio *g = calloc(1, sizeof(*g));
	int status;

	if (!g)
		return cli_failed("gpio: %s", strerror(errno));
	rgpio_init(g, port, !(place->hidden & BIT_ULL(VIRTIO_GPIO_F_IRQ)));
	status = place->serve(place, &g->dev);
	free(g);
	return status;
}

static int serve_host(const struct cli_place *place)
{
	struct gpio_port *port = gpio_host_open(opt.chip);
	int status;

	if (!port)
		return 1;
	status = serve_lines(place, port);
	port->ops->free(port);
	return status;
}

static int run(const struct cli_place *place)
{
	struct gpio_drive *d;
	int status;

	if (opt.names && opt.no_names)
		return cli_usage_error("--line-names and --no-names exclude each other");
	if (opt.chip && simulated())
		return cli_usage_error("--gpio-chip has lines of its own, and names for them");
	if (opt.chip)
		return serve_host(place);
	d = calloc(1, sizeof(*d));
	if (!d)
		return cli_failed("gpio: %s", strerror(errno));
	d->commands.fd = -1;
	status = prepare(&d->sim);
	if (!status && opt.drive && gpio_drive_open(d, opt.drive) < 0)
		status = 1;
	if (!status)
		status = serve_lines(place, &d->sim.port);
	gpio_drive_close(d);
	free(d);
	return status;
}

const struct cli_device cli_gpio = {
	.name = "gpio",
	.options = CLI_TABLE(options),
	.no_latency = true,
	.meant = meant,
	.run = run,
};
