// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/mend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/stage/packet.h"

/*
 * Walk a stream's packets: is it cut off? `*last`: where the packet begins that is not all there. What does not look
 * like packets at all is left to the library.
 */
static bool is_cut(int fd, u64 size, u64 *last)
{
	struct ctf_packet p;
	u64 at = 0, bytes;

	while (at < size) {
		*last = at;
		if (size - at < sizeof(p))
			return at > 0;
		if (pread(fd, &p, sizeof(p), (off_t)at) != sizeof(p) || p.magic != CTF_MAGIC)
			return false;
		bytes = p.packet_bits / 8;
		if (bytes < sizeof(p) || p.content_bits > p.packet_bits)
			return false;
		if (bytes > size - at)
			return true;
		at += bytes;
	}
	return false;
}

static int copy(int from, int to, u64 bytes)
{
	off_t at = 0;

	while (bytes) {
		ssize_t n = copy_file_range(from, &at, to, NULL, bytes, 0);
		char block[65536];

		if (n <= 0) {
			n = pread(from, block, MIN(bytes, sizeof(block)), at);
			if (n <= 0 || write(to, block, (size_t)n) != n)
				return -1;
			at += n;
		}
		bytes -= (u64)n;
	}
	return 0;
}

/* The last packet ends where the file does. What it then still lacks of an event, the library complains of. */
static int copy_cut(int fd, u64 size, u64 last, const char *to)
{
	struct ctf_packet p;
	u64 left = size - last;
	int out, rc = -1;

	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -1;
	if (left <= sizeof(p)) {
		rc = copy(fd, out, last);
	} else if (pread(fd, &p, sizeof(p), (off_t)last) == sizeof(p) && !copy(fd, out, size)) {
		p.packet_bits = left * 8;
		p.content_bits = MIN(p.content_bits, p.packet_bits);
		rc = pwrite(out, &p, sizeof(p), (off_t)last) == sizeof(p) ? 0 : -1;
	}
	return close(out) || rc ? -1 : 0;
}

static int make_folder(char **mended)
{
	const char *tmp = getenv("TMPDIR");
	char path[4200];

	if (*mended)
		return 0;
	snprintf(path, sizeof(path), "%s/ringside-mend-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(path))
		return -1;
	*mended = strdup(path);
	return *mended ? 0 : -1;
}

/* One stream: -1 on errors, else whether it is cut off. With `mended`, what is to be read of it goes there. */
static int look_at(const char *dir, const char *name, char **mended, bool link_whole)
{
	char path[4600], to[4600];
	struct stat st;
	u64 last = 0;
	bool cut;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		rc = -1;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = 0;
		goto out;
	}
	cut = strcmp(name, "metadata") != 0 && is_cut(fd, (u64)st.st_size, &last);
	rc = cut;
	if (!link_whole)
		goto out;
	snprintf(to, sizeof(to), "%s/%s", *mended, name);
	if (cut)
		rc = copy_cut(fd, (u64)st.st_size, last, to) ? -1 : 1;
	else if (path[0] == '/')
		rc = symlink(path, to);
	else
		rc = copy_cut(fd, (u64)st.st_size, (u64)st.st_size, to);
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

static int each(const char *dir, char **mended, bool link_whole)
{
	struct dirent *d;
	int any = 0, rc = 0;
	DIR *list = opendir(dir);

	if (!list)
		return -1;
	while (rc >= 0 && (d = readdir(list)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		rc = look_at(dir, d->d_name, mended, link_whole);
		any |= rc > 0;
	}
	closedir(list);
	return rc < 0 ? -1 : any;
}

int ctf_mend(const char *dir, char **mended, char *err, size_t len)
{
	int rc = each(dir, mended, false);

	*mended = NULL;
	if (rc > 0)
		rc = make_folder(mended) || each(dir, mended, true) < 0 ? -1 : 0;
	if (!rc)
		return 0;
	snprintf(err, len, "cannot mend the trace in '%s': %s", dir, strerror(errno));
	if (*mended)
		ctf_mend_remove(*mended);
	free(*mended);
	*mended = NULL;
	return -1;
}

void ctf_mend_remove(const char *dir)
{
	struct dirent *d;
	DIR *list = opendir(dir);
	char path[4600];

	while (list && (d = readdir(list)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlink(path);
	}
	if (list)
		closedir(list);
	rmdir(dir);
}
