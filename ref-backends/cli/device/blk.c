// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "ref-backends/cli/common/size.h"
#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/store.h"

#define DEFAULT_NULL_BYTES (1ull << 30)
#define MAX_BYTES	   (1ull << 60)

static struct {
	const char *image, *serial;
	u64 memory, null;
	bool read_only;
} opt = { .serial = "ringside" };

static int parse_null(const char *arg, void *out)
{
	u64 *bytes = out;

	*bytes = DEFAULT_NULL_BYTES;
	if (arg && (!parse_size(arg, bytes) || *bytes < VIRTIO_BLK_SECTOR || *bytes > MAX_BYTES))
		return cli_usage_error("--null: '%s' is not a size", arg);
	return 0;
}

static int parse_serial(const char *arg, void *out)
{
	if (strlen(arg) > VIRTIO_BLK_ID_BYTES)
		return cli_usage_error("--serial: '%s' is longer than 20 bytes", arg);
	*(const char **)out = arg;
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice blk, one of:"),
	CLI_OPTION(CLI_TEXT, "image", "FILE", &opt.image,
		   "a file or block device, through io_uring"),
	CLI_OPTION(CLI_TEXT, "blk-file", "FILE", &opt.image,
		   "the same"),
	CLI_OPTION(CLI_SIZE, "memory", "SIZE", &opt.memory,
		   "memory (64m, 1g …)",
		   .min = VIRTIO_BLK_SECTOR, .max = MAX_BYTES),
	CLI_OPTION(CLI_OWN, "null", "[=SIZE]", &opt.null,
		   "reads give zeroes, writes vanish (1g)",
		   .parse = parse_null),
	CLI_TITLED("and:"),
	CLI_OPTION(CLI_FLAG, "read-only", NULL, &opt.read_only,
		   "offer VIRTIO_BLK_F_RO; writes fail"),
	CLI_OPTION(CLI_OWN, "serial", "S", &opt.serial,
		   "what GET_ID answers, up to 20 bytes (ringside)",
		   .parse = parse_serial),
};
/* clang-format on */

static bool meant(void)
{
	return opt.image || opt.memory || opt.null;
}

static int run(const struct cli_place *place)
{
	const u16 queues = (u16)place->num_queues;
	struct rblk_store *store;
	struct rblk blk;
	int status;

	if (!!opt.image + !!opt.memory + !!opt.null != 1)
		return cli_usage_error("one of --image, --memory and --null is needed");
	store = opt.image  ? store_file_open(opt.image, opt.read_only, queues)
		: opt.null ? store_null_open(opt.null)
			   : store_memory_open(opt.memory);
	if (!store)
		return 1;
	rblk_init(&blk, store, queues, opt.read_only, opt.serial);
	status = place->serve(place, &blk.dev);
	store->ops->close(store);
	return status;
}

const struct cli_device cli_blk = {
	.name = "blk",
	.options = CLI_TABLE(options),
	.meant = meant,
	.run = run,
};
