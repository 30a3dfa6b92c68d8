// SPDX-License-Identifier: BSD-3-Clause
/* FUSE_INIT, and then attributes of the root folder, of a node that is not there, and an operation that is none. */
#include "harness/device/fs.h"
#include "tests/bench/soaks/soak.h"

#define NOWHERE	  77
#define ERR_NOENT (-2)
#define ERR_NOSYS (-38)
#define OPERATION 4000

static void request(struct soak *s, struct soak_req *r)
{
	r->in.len = FS_ANSWER_MAX;
	if (r->n == 0) {
		r->out.len = fs_init(r->out.hva, 1);
		return;
	}
	r->out.len = fs_getattr(r->out.hva, r->n + 1, r->n % 4 == 1 ? NOWHERE : FS_ROOT);
	if (r->n % 4 == 2)
		fs_write_head(r->out.hva, r->out.len, OPERATION, r->n + 1, FS_ROOT);
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const struct fs_answer a = fs_read_answer(r->in.hva);
	const int want = !r->n ? 0 : r->n % 4 == 1 ? ERR_NOENT : r->n % 4 == 2 ? ERR_NOSYS : 0;

	if (a.unique != r->n + 1 || a.error != want || a.len != r->used_len)
		return soak_wrong(s, "number %llu for %llu, error %d, length %u of %u",
				  (unsigned long long)a.unique, (unsigned long long)r->n + 1,
				  a.error, a.len, r->used_len);
	return a.error || r->used_len > sizeof(struct fuse_out_header) ||
	       soak_wrong(s, "there are no attributes");
}

const struct soak_device soak_fs = {
	.name = "fs", .queues = 2, .queue = FS_REQUESTQ, .request = request, .good = good
};
