// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/commands.h"
#include "ref-backends/device/host/console_end.h"

#define SPEC_MAX 300

struct port_option {
	char spec[SPEC_MAX]; /* taken apart in place */
	const char *kind, *at, *in, *name;
	bool console, unplugged, turns;
};

static struct {
	struct port_option ports[CON_PORTS_MAX];
	unsigned num_ports, max_ports;
	const char *commands;
	u16 cols, rows;
	bool given;
} opt = { .cols = 80, .rows = 25 };

static const char *const kinds[] = { "loop", "pty", "socket", "file", "stdio", "null" };

static int parse_flag(struct port_option *p, char *word)
{
	if (strncmp(word, "name=", 5) == 0 && strlen(word + 5) <= CON_NAME_MAX)
		p->name = word + 5;
	else if (strncmp(word, "in=", 3) == 0)
		p->in = word + 3;
	else if (strcmp(word, "console") == 0)
		p->console = true;
	else if (strcmp(word, "unplugged") == 0)
		p->unplugged = true;
	else if (strcmp(word, "turns") == 0)
		p->turns = true;
	else
		return cli_usage_error("--port: '%s' is not name=NAME, in=FILE, console, "
				       "unplugged or turns",
				       word);
	return 0;
}

/* KIND[:PATH][,WORD…] */
static int parse_port(const char *arg, void *out)
{
	struct port_option *p = &opt.ports[opt.num_ports];
	char *word, *rest = p->spec, *colon;
	bool known = false;

	if (opt.num_ports == CON_PORTS_MAX)
		return cli_usage_error("--port: more than %u", CON_PORTS_MAX);
	if (strlen(arg) >= sizeof(p->spec))
		return cli_usage_error("--port: '%s' is too long", arg);
	strcpy(p->spec, arg);
	p->kind = word = strsep(&rest, ",");
	colon = strchr(word, ':');
	if (colon) {
		*colon = '\0';
		p->at = colon + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		known |= strcmp(p->kind, kinds[i]) == 0;
	if (!known)
		return cli_usage_error("--port: '%s' is not loop, pty, socket, file, stdio or null",
				       p->kind);
	while ((word = strsep(&rest, ",")))
		if (parse_flag(p, word))
			return CLI_USAGE;
	if (!p->at && strcmp(p->kind, "socket") == 0)
		return cli_usage_error("--port: socket:PATH");
	if (!p->at && !p->in && strcmp(p->kind, "file") == 0)
		return cli_usage_error("--port: file:PATH, file,in=PATH or both");
	opt.num_ports++;
	return 0;
}

static bool scan_size(const char *text, u16 *cols, u16 *rows)
{
	unsigned c, r;
	char end;

	if (sscanf(text, "%ux%u%c", &c, &r, &end) != 2 || !c || !r || c > 65535 || r > 65535)
		return false;
	*cols = (u16)c;
	*rows = (u16)r;
	return true;
}

static int parse_size(const char *arg, void *out)
{
	if (!scan_size(arg, &opt.cols, &opt.rows))
		return cli_usage_error("--size: '%s' is not COLSxROWS", arg);
	opt.given = true;
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice console; the first port is a console, and loop when none is given:"),
	CLI_OPTION(CLI_OWN, "port", "WHERE[,WORD...]", NULL,
		   "what the next port is attached to: loop, pty[:LINK],\n"
		   "socket:PATH, file:PATH, file:OUT,in=IN, stdio, null; with\n"
		   "name=NAME, console, unplugged at first, or turns: SIGUSR1 unplugs\n"
		   "it and plugs it in again. May be repeated",
		   .parse = parse_port),
	CLI_OPTION(CLI_NUMBER, "max-ports", "N", &opt.max_ports,
		   "ports that there can be (as many as are given)",
		   .min = 1, .max = CON_PORTS_MAX),
	CLI_OPTION(CLI_OWN, "size", "COLSxROWS", NULL,
		   "80x25",
		   .parse = parse_size),
	CLI_OPTION(CLI_TEXT, "commands", "FIFO", &opt.commands,
		   "what is written there is done: size COLSxROWS, plug PORT,\n"
		   "unplug PORT"),
};
/* clang-format on */

static bool meant(void)
{
	return opt.num_ports || opt.max_ports || opt.given || opt.commands;
}

struct console {
	struct rcon con;
	struct commands commands;
	struct con_end_ops first; /* what is opened with the first port: the FIFO, too */
	const struct con_end_ops *below;
};

static struct console *console_of(struct con_end *e)
{
	return (struct console *)e->con;
}

static int open_with_commands(struct con_end *e, struct reactor *reactor)
{
	struct console *c = console_of(e);

	commands_watch(&c->commands, reactor);
	return c->below->open ? c->below->open(e, reactor) : 0;
}

/* Who serves the device looks at it when the signal comes; where nobody does, the driver of several ports is told. */
static void resize(struct console *c, u16 cols, u16 rows)
{
	sigset_t blocked;

	if (pthread_sigmask(SIG_BLOCK, NULL, &blocked) || !sigismember(&blocked, SIGUSR1)) {
		rcon_set_size(&c->con, cols, rows);
		return;
	}
	rcon_next_size(&c->con, cols, rows);
	kill(getpid(), SIGUSR1);
}

static void obey(struct commands *commands, const char *command)
{
	struct console *c =
		(struct console *)((char *)commands - offsetof(struct console, commands));
	unsigned port;
	u16 cols, rows;
	char end;

	if (strncmp(command, "size ", 5) == 0 && scan_size(command + 5, &cols, &rows))
		resize(c, cols, rows);
	else if (sscanf(command, "plug %u%c", &port, &end) == 1 && port < c->con.ports)
		rcon_plug(&c->con, (u16)port, true);
	else if (sscanf(command, "unplug %u%c", &port, &end) == 1 && port < c->con.ports)
		rcon_plug(&c->con, (u16)port, false);
	else
		fprintf(stderr,
			"ringside-backend: console: '%s' is not size COLSxROWS, plug PORT or "
			"unplug PORT\n",
			command);
}

static int open_commands(struct console *c)
{
	struct con_end *e = c->con.port[0].end;

	if (!opt.commands)
		return 0;
	if (commands_open(&c->commands, opt.commands, "console", obey) < 0)
		return 1;
	c->below = e->ops;
	c->first = *e->ops;
	c->first.open = open_with_commands;
	e->ops = &c->first;
	return 0;
}

static struct con_end *make_end(const struct port_option *p)
{
	if (strcmp(p->kind, "pty") == 0)
		return con_end_pty(p->at, opt.cols, opt.rows);
	if (strcmp(p->kind, "socket") == 0)
		return con_end_socket(p->at);
	if (strcmp(p->kind, "file") == 0)
		return con_end_files(p->at, p->in);
	if (strcmp(p->kind, "stdio") == 0)
		return con_end_stdio();
	return strcmp(p->kind, "null") == 0 ? con_end_files(NULL, NULL) : con_end_loop();
}

static int attach(struct console *c)
{
	for (unsigned i = 0; i < opt.num_ports; i++) {
		const struct port_option *p = &opt.ports[i];
		struct con_end *e = make_end(p);

		if (!e)
			return 1;
		if (i >= c->con.ports) {
			con_end_free(e);
			return cli_usage_error("--port: more than %u", c->con.ports);
		}
		rcon_attach(&c->con, (u16)i, e, p->name, p->console || i == 0);
		c->con.port[i].present = !p->unplugged;
		c->con.port[i].turns = p->turns;
	}
	return 0;
}

static int run(const struct cli_place *place)
{
	struct con_opts o = { .cols = opt.cols, .rows = opt.rows, .hidden = place->hidden };
	struct console *c;
	int status;

	if (!opt.num_ports)
		parse_port("loop", NULL);
	o.ports = (u16)(opt.max_ports ? opt.max_ports : opt.num_ports);
	if (o.ports < opt.num_ports)
		return cli_usage_error("--max-ports: more are given");
	c = calloc(1, sizeof(*c));
	if (!c)
		return cli_failed("console: %s", strerror(errno));
	rcon_init(&c->con, &o);
	c->commands.fd = -1;
	status = attach(c);
	if (!status)
		status = open_commands(c);
	if (!status)
		status = place->serve(place, &c->con.dev);
	for (unsigned i = 0; i < c->con.ports; i++)
		con_end_free(c->con.port[i].end);
	commands_close(&c->commands);
	free(c);
	return status;
}

const struct cli_device cli_console = {
	.name = "console",
	.options = CLI_TABLE(options),
	.no_latency = true,
	.meant = meant,
	.run = run,
};
