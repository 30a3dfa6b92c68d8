# SPDX-License-Identifier: BSD-3-Clause
"""A scratch repository that holds somebody else's back-end: QEMU's storage daemon, which a library of the project's is
loaded into. The second commit makes reads slower, and sets a reserved bit in the header of one reply.
"""
import re
import shutil
import subprocess

MAKEFILE = """\
layer.so: layer.c
\tcc -O2 -Wall -shared -fPIC -o $@ layer.c -ldl
"""
BACKEND = "#!/bin/sh\n" """\
# usage: backend SOCKET IMAGE
here=$(dirname "$(realpath "$0")")
exec env LD_PRELOAD="$here/layer.so" qemu-storage-daemon \\
	--blockdev driver=file,node-name=file0,filename="$2" \\
	--blockdev driver=raw,node-name=disk0,file=file0,discard=unmap \\
	--export type=vhost-user-blk,id=export0,node-name=disk0,addr.type=unix,addr.path="$1",writable=on,num-queues=2
"""
GOOD = "/* Nothing yet. */\n"
BAD = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static void slow(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000000l + now.tv_nsec - from.tv_nsec < 400000);
}

#define SLOW(name, type, size)                                                \
	ssize_t name(int fd, type at, size n, off_t off)                      \
	{                                                                     \
		static ssize_t (*next)(int, type, size, off_t);               \
                                                                              \
		if (!next)                                                    \
			next = dlsym(RTLD_NEXT, #name);                       \
		slow();                                                       \
		return next(fd, at, n, off);                                  \
	}
SLOW(pread, void *, size_t)
SLOW(pread64, void *, size_t)
SLOW(preadv, const struct iovec *, int)
SLOW(preadv64, const struct iovec *, int)

/* The header of the reply to GET_QUEUE_NUM. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);
	uint32_t *header = m->msg_iovlen ? m->msg_iov[0].iov_base : 0;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendmsg");
	if (header && m->msg_iov[0].iov_len == 12 && header[0] == 17)
		header[1] |= 0x10;
	return next(fd, m, flags);
}
"""
RINGSIDE = """\
scenario: their-blk
summary: their block back-end
timeout: 3m
backends:
  their-blk:
    command: ./backend {socket} {image}
matrix: {device: blk, backend: their-blk, wait: event}
expect:
  - file: ringside.expect
jobs:
  - conform: {check: 'vu.msg.@(form|order|answered.*|ack.*)', timeout: 5s}
  - bench: {op: read, block-size: 4096, queue-depth: 1, requests: 300}
"""
POLICY = """\
# Runners that others work on, too: only what takes several times as long is to be found.
paired: {detect: 150%, effect: 50%}
"""
VIOLATED = "VU.hdr.reply.be.3"


def missing():
    """Why there can be no such project here, or None."""
    if not shutil.which("qemu-storage-daemon") or not shutil.which("cc"):
        return "qemu-storage-daemon or cc is not installed"
    return None


def make(folder, repo):
    """The repository; what its second commit is to be compared with."""
    def git(*argv):
        return subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *argv], cwd=folder,
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    said = subprocess.run(["qemu-storage-daemon", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    version = re.search(r"version (\d+\.\d+)", said).group(1)
    expect = repo / f"scenarios/expect/qemu-storage-daemon-{version}.expect"
    folder.mkdir()
    git("init", "-q", "-b", "main")
    for name, text in (("Makefile", MAKEFILE), ("backend", BACKEND), ("layer.c", GOOD), ("ringside.yaml", RINGSIDE),
                       ("ringside-policy.yaml", POLICY), ("ringside.expect", expect.read_text(encoding="utf-8")),
                       (".gitignore", "layer.so\nringside-*/\n")):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "backend").chmod(0o755)
    git("add", "-A")
    git("commit", "-q", "-m", "a good one")
    good = git("rev-parse", "HEAD")
    (folder / "layer.c").write_text(BAD, encoding="utf-8")
    git("commit", "-q", "-am", "a bad one")
    return good
