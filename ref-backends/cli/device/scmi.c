// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/scmi_ini.h"
#include "ref-backends/device/host/scmi_time.h"

#define FILE_MAX (256 << 10)

static struct {
	const char *platform, *agent;
} opt;

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice scmi, simulated clocks, reset domains and sensors:"),
	CLI_OPTION(CLI_TEXT, "platform", "FILE", &opt.platform,
		   "what there is, and who may have it: sections and keys\n"
		   "(two clocks, one reset domain, two sensors, two agents)"),
	CLI_OPTION(CLI_TEXT, "agent", "NAME", &opt.agent,
		   "whose device this is (the first in the file)"),
};
/* clang-format on */

static bool meant(void)
{
	return opt.platform || opt.agent;
}

/* Owned; NULL after a line on stderr. */
static char *load(const char *path)
{
	FILE *f = fopen(path, "rbe");
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;

	if (!f || !text) {
		cli_failed("--platform: %s: %s", path, strerror(errno));
		goto failed;
	}
	len = fread(text, 1, FILE_MAX + 1, f);
	if (ferror(f) || len > FILE_MAX || memchr(text, 0, len)) {
		cli_failed("--platform: %s: %s", path,
			   ferror(f) ? strerror(errno) : "no text of 256 KiB at most");
		goto failed;
	}
	text[len] = '\0';
	fclose(f);
	return text;
failed:
	if (f)
		fclose(f);
	free(text);
	return NULL;
}

/* 0, or the exit status. */
static int read_platform(struct scmi_platform *p)
{
	char *text = opt.platform ? load(opt.platform) : NULL;
	char why[200];
	bool good;

	if (opt.platform && !text)
		return 1;
	good = scmi_ini_parse(text ? text : scmi_ini_usual, p, why, sizeof(why));
	free(text);
	return good ? 0 : cli_usage_error("--platform: %s: %s", opt.platform, why);
}

/* Its id; 0 after a line on stderr. */
static u32 find_agent(const struct scmi_platform *p)
{
	for (u32 i = 0; i < p->num_agents; i++)
		if (!opt.agent || strcmp(p->agents[i].name, opt.agent) == 0)
			return i + 1;
	cli_usage_error("--agent: there is no agent '%s'", opt.agent);
	return 0;
}

static int run(const struct cli_place *place)
{
	static struct scmi_platform platform;
	static struct scmi_time hardware;
	static struct rscmi scmi;
	int status = read_platform(&platform);
	u32 agent = status ? 0 : find_agent(&platform);

	if (!agent)
		return status ? status : CLI_USAGE;
	if (scmi_time_open(&hardware, &platform) < 0)
		return 1;
	rscmi_init(&scmi, &platform, &hardware.sim.hw, agent);
	status = place->serve(place, &scmi.dev);
	scmi_time_close(&hardware);
	return status;
}

const struct cli_device cli_scmi = {
	.name = "scmi",
	.options = CLI_TABLE(options),
	.no_latency = true,
	.meant = meant,
	.run = run,
};
