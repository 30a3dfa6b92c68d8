// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sectors in a file or on a block device, through the queue's own io_uring; without one, by plain
 * system calls.
 *
 * What the kernel does in part is continued until it is whole: short reads and writes, and lists of
 * more segments than one call takes. Stable writes are RWF_DSYNC, a flush is fdatasync. What
 * deallocates or zeroes is fallocate; where the file system has no such thing, zeroes are written,
 * and a discard is left out, since it promises nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ref-backends/device/host/reactor.h"
#include "ref-backends/device/host/store.h"

#define ZEROES (64u << 10) /* bytes per call where zeroes are written */

struct store_file {
	struct rblk_store st;
	int fd;
	struct reactor **reactors; /* per queue */
};

/* An operation under way; in rblk_io.priv. */
struct progress {
	struct reactor_op op;
	struct store_file *f;
	u64 done;	    /* bytes so far */
	struct iovec *rest; /* what is left, once it is not the list of segments any more */
	int (*call)(struct rblk_io *io, struct io_uring_sqe *sqe); /* what is under way */
};

_Static_assert(sizeof(struct progress) <= sizeof(((struct rblk_io *)0)->priv), "fits");
_Static_assert(sizeof(struct iovec) == sizeof(struct dvq_seg) &&
		       offsetof(struct iovec, iov_base) == offsetof(struct dvq_seg, base) &&
		       offsetof(struct iovec, iov_len) == offsetof(struct dvq_seg, len),
	       "a list of segments is a list of iovecs");

static struct progress *progress_of(struct rblk_io *io)
{
	return (struct progress *)io->priv;
}

static struct rblk_io *io_of(struct reactor_op *op)
{
	return (struct rblk_io *)((u8 *)op - offsetof(struct rblk_io, priv) -
				  offsetof(struct progress, op));
}

/*
 * Calls. With a place in the ring they prepare it and return 0; without one they do the same
 * synchronously. Results are as io_uring's: a negative errno, or a number of bytes.
 */

static int sys(long res)
{
	return res < 0 ? -errno : (int)MIN(res, INT_MAX);
}

/* The list from byte `done` on, in p->rest; its length, or a negative errno. */
static int rest_of(const struct rblk_io *io, struct progress *p)
{
	u64 skip = p->done;
	u32 first = 0;
	int n;

	while (skip >= io->segs[first].len)
		skip -= io->segs[first++].len;
	n = (int)MIN(io->nsegs - first, IOV_MAX);
	if (!p->rest) {
		p->rest = malloc(IOV_MAX * sizeof(*p->rest));
		if (!p->rest)
			return -ENOMEM;
	}
	memcpy(p->rest, &io->segs[first], (size_t)n * sizeof(*p->rest));
	p->rest[0].iov_base = (u8 *)p->rest[0].iov_base + skip;
	p->rest[0].iov_len -= skip;
	return n;
}

/* musl has no name for this one. Offsets are whole on 64-bit processors, and the upper half is ignored. */
static ssize_t write_vector(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	return syscall(SYS_pwritev2, fd, iov, (long)n, (long)at, (long)(at >> 31 >> 1), flags);
}

static int call_rw(struct rblk_io *io, struct io_uring_sqe *sqe)
{
	struct progress *p = progress_of(io);
	const struct iovec *iov = (const struct iovec *)io->segs;
	off_t at = (off_t)(io->offset + p->done);
	int flags = io->durable ? RWF_DSYNC : 0, n = (int)io->nsegs;

	if (p->done || io->nsegs > IOV_MAX) {
		n = rest_of(io, p);
		if (n < 0)
			return n;
		iov = p->rest;
	}
	if (io->op == RBLK_OP_READ) {
		if (!sqe)
			return sys(preadv(p->f->fd, iov, n, at));
		io_uring_prep_readv(sqe, p->f->fd, iov, (unsigned)n, (u64)at);
	} else {
		if (!sqe)
			return sys(write_vector(p->f->fd, iov, n, at, flags));
		io_uring_prep_writev2(sqe, p->f->fd, iov, (unsigned)n, (u64)at, flags);
	}
	return 0;
}

static int call_flush(struct rblk_io *io, struct io_uring_sqe *sqe)
{
	int fd = progress_of(io)->f->fd;

	if (!sqe)
		return sys(fdatasync(fd));
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	return 0;
}

static int call_fallocate(struct rblk_io *io, struct io_uring_sqe *sqe)
{
	bool hole = io->op == RBLK_OP_DISCARD || (io->op == RBLK_OP_ZERO && io->unmap);
	int mode = FALLOC_FL_KEEP_SIZE | (hole ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
	int fd = progress_of(io)->f->fd;

	if (!sqe)
		return sys(fallocate(fd, mode, (off_t)io->offset, (off_t)io->len));
	io_uring_prep_fallocate(sqe, fd, mode, (off_t)io->offset, (off_t)io->len);
	return 0;
}

/* A piece of zeroes; the buffer is read only, so all threads share it. */
static int call_zeroes(struct rblk_io *io, struct io_uring_sqe *sqe)
{
	static const u8 zeroes[ZEROES];
	struct progress *p = progress_of(io);
	u64 at = io->offset + p->done;
	unsigned n = (unsigned)MIN(io->len - p->done, ZEROES);

	if (!sqe)
		return sys(pwrite(p->f->fd, zeroes, n, (off_t)at));
	io_uring_prep_write(sqe, p->f->fd, zeroes, n, at);
	return 0;
}

/* What comes first for each operation. */
static int (*const first_call[])(struct rblk_io *io, struct io_uring_sqe *sqe) = {
	[RBLK_OP_READ] = call_rw,	 [RBLK_OP_WRITE] = call_rw,
	[RBLK_OP_FLUSH] = call_flush,	 [RBLK_OP_DISCARD] = call_fallocate,
	[RBLK_OP_ZERO] = call_fallocate, [RBLK_OP_ERASE] = call_zeroes,
};

/*
 * A call returned `res`. True: the operation is over, with *error. False: p->call is what has to be
 * done next.
 */
static bool advance(struct rblk_io *io, int res, int *error)
{
	struct progress *p = progress_of(io);
	bool unsupported = res == -EOPNOTSUPP || res == -ENODEV || res == -EINVAL;

	*error = 0;
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (p->call == call_fallocate && unsupported) {
		if (io->op == RBLK_OP_DISCARD)
			return true;
		p->call = call_zeroes;
		return false;
	}
	if (res < 0) {
		*error = -res;
		return true;
	}
	if (p->call == call_rw || p->call == call_zeroes) {
		if (res == 0) { /* the file became shorter than it was */
			*error = EIO;
			return true;
		}
		p->done += (u64)res;
		if (p->done < io->len)
			return false;
	}
	/* Writes bring their own flag. */
	if (p->call == call_flush || p->call == call_rw)
		return true;
	if (!io->durable && io->op != RBLK_OP_ERASE)
		return true;
	p->call = call_flush;
	return false;
}

static void finish(struct rblk_io *io, int error)
{
	free(progress_of(io)->rest);
	io->done(io, error);
}

static void go_on(struct rblk_io *io)
{
	struct progress *p = progress_of(io);
	struct reactor *r = p->f->reactors[io->queue];
	struct io_uring_sqe *sqe;
	int res, error;

	if (reactor_has_uring(r)) {
		sqe = reactor_sqe(r);
		res = p->call(io, sqe);
		if (res < 0) /* the place is taken; use it for nothing */
			io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, res < 0 ? NULL : &p->op);
		if (res < 0)
			finish(io, -res);
		return;
	}
	do {
		res = p->call(io, NULL);
	} while (!advance(io, res, &error));
	finish(io, error);
}

static void op_done(struct reactor_op *op, int res)
{
	struct rblk_io *io = io_of(op);
	int error;

	if (advance(io, res, &error))
		finish(io, error);
	else
		go_on(io);
}

static void file_submit(struct rblk_store *st, struct rblk_io *io)
{
	struct progress *p = progress_of(io);

	*p = (struct progress){
		.op.done = op_done,
		.f = (struct store_file *)st,
		.call = first_call[io->op],
	};
	/* A range of nothing; some calls refuse a length of 0. */
	if (io->len == 0 && io->op != RBLK_OP_FLUSH)
		finish(io, 0);
	else
		go_on(io);
}

static int file_queue_open(struct rblk_store *st, u16 queue, struct reactor *reactor)
{
	((struct store_file *)st)->reactors[queue] = reactor;
	return 0;
}

static int file_size(int fd, u64 *bytes)
{
	struct stat s;

	if (fstat(fd, &s))
		return -1;
	if (S_ISBLK(s.st_mode))
		return ioctl(fd, BLKGETSIZE64, bytes);
	if (!S_ISREG(s.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	*bytes = (u64)s.st_size;
	return 0;
}

static u64 file_resized(struct rblk_store *st)
{
	u64 bytes;

	if (file_size(((struct store_file *)st)->fd, &bytes) == 0)
		st->sectors = bytes / VIRTIO_BLK_SECTOR;
	return st->sectors;
}

static void file_close(struct rblk_store *st)
{
	struct store_file *f = (struct store_file *)st;

	close(f->fd);
	free(f->reactors);
	free(f);
}

static const struct rblk_store_ops file_ops = {
	.name = "file",
	.submit = file_submit,
	.queue_open = file_queue_open,
	.resized = file_resized,
	.close = file_close,
};

struct rblk_store *store_file_open(const char *path, bool read_only, u16 num_queues)
{
	struct store_file *f = calloc(1, sizeof(*f));
	u64 bytes;

	if (!f)
		goto failed;
	f->st.ops = &file_ops;
	f->st.may_unmap = true;
	f->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	f->reactors = calloc(num_queues, sizeof(struct reactor *));
	if (f->fd < 0 || !f->reactors || file_size(f->fd, &bytes))
		goto failed;
	f->st.sectors = bytes / VIRTIO_BLK_SECTOR;
	return &f->st;
failed:
	fprintf(stderr, "ringside-backend: image '%s': %s\n", path, strerror(errno));
	if (f && f->fd >= 0)
		close(f->fd);
	if (f)
		free(f->reactors);
	free(f);
	return NULL;
}
