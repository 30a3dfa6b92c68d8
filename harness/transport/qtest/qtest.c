// SPDX-License-Identifier: BSD-3-Clause
/* The process: starting QEMU, its RAM, its end and its last words. */
#include "harness/transport/qtest/qtest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/transport/qtest/access.h"

#define RAM_SIZE (64u << 20)
#define GUARD	 65536u

static int fail(struct qtest *q, const char *what)
{
	snprintf(q->access.error, sizeof(q->access.error), "%s: %s", what, strerror(errno));
	return -1;
}

static int make_ram(struct qtest *q)
{
	u8 *area;

	q->ram_size = RAM_SIZE;
	q->ram_fd = memfd_create("ringside-qemu-ram", MFD_ALLOW_SEALING);
	if (q->ram_fd < 0 || ftruncate(q->ram_fd, RAM_SIZE) < 0)
		return fail(q, "guest memory");
	if (fcntl(q->ram_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return fail(q, "guest memory");
	area = mmap(NULL, RAM_SIZE + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return fail(q, "guest memory");
	q->ram = area + GUARD;
	if (mmap(q->ram, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, q->ram_fd, 0) ==
	    MAP_FAILED)
		return fail(q, "guest memory");
	return 0;
}

void qtest_clear_ram(struct qtest *q)
{
	/* A hole reads as zeroes, for QEMU too, and costs nothing for what was never touched. */
	fallocate(q->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, RAM_SIZE);
}

/*
 * The machine runs, since a stopped one does not start vhost back-ends, but its processor does not:
 * on x86 it executes this at the reset vector (cli; hlt; jmp back), elsewhere it is never powered on.
 * (QEMU's own qtest accelerator would do without, but distributions leave it out.)
 */
#define FIRMWARE_SIZE 65536
static const u8 reset_vector[] = { 0xfa, 0xf4, 0xeb, 0xfd };

static int write_firmware(struct qtest *q)
{
	char path[80];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/firmware", q->dir);
	f = fopen(path, "w");
	if (!f)
		return fail(q, path);
	ok = fseek(f, FIRMWARE_SIZE - 16, SEEK_SET) == 0 &&
	     fwrite(reset_vector, sizeof(reset_vector), 1, f) == 1 &&
	     fseek(f, FIRMWARE_SIZE - 1, SEEK_SET) == 0 && fputc(0xf4, f) != EOF;
	if (fclose(f) != 0 || !ok)
		return fail(q, path);
	return 0;
}

#define MAX_ARGS 96

static void build_argv(struct qtest *q, const char **argv, char (*text)[160])
{
	static const char *const names[] = {
		[QTEST_X86_64] = "qemu-system-x86_64",
		[QTEST_AARCH64] = "qemu-system-aarch64",
	};
	const struct qtest_opts *o = q->opts;
	unsigned n = 0;

	snprintf(text[0], sizeof(text[0]), "%s,memory-backend=ram", o->machine);
	snprintf(text[1], sizeof(text[1]),
		 "memory-backend-file,id=ram,size=%uM,share=on,mem-path=/dev/fd/%d", RAM_SIZE >> 20,
		 q->ram_fd);
	snprintf(text[2], sizeof(text[2]), "unix:%s/qtest", q->dir);
	snprintf(text[3], sizeof(text[3]), "%s/firmware", q->dir);
	argv[n++] = o->qemu ? o->qemu : names[o->arch];
	argv[n++] = "-nodefaults";
	argv[n++] = "-no-user-config";
	argv[n++] = "-display";
	argv[n++] = "none";
	argv[n++] = "-accel";
	argv[n++] = "tcg";
	argv[n++] = "-machine";
	argv[n++] = text[0];
	argv[n++] = "-m";
	argv[n++] = "64M";
	argv[n++] = "-object";
	argv[n++] = text[1];
	argv[n++] = "-qtest";
	argv[n++] = text[2];
	argv[n++] = "-qtest-log";
	argv[n++] = "none";
	if (o->arch == QTEST_X86_64) {
		argv[n++] = "-bios";
		argv[n++] = text[3];
	} else {
		argv[n++] = "-cpu";
		argv[n++] = "cortex-a57,start-powered-off=on";
	}
	for (const char *const *a = o->args; a && *a && n + 1 < MAX_ARGS; a++)
		argv[n++] = *a;
	argv[n] = NULL;
}

static int listen_at(struct qtest *q)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/qtest", q->dir);
	if (s < 0 || bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(s, 1) < 0) {
		if (s >= 0)
			close(s);
		return -1;
	}
	return s;
}

const char *qtest_name(const struct qtest *q)
{
	return q->opts->command ? "the target" : "QEMU";
}

/* opts->command with {socket} and {ram} filled in; NULL without memory. */
static char *expand_command(const struct qtest *q)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	for (const char *p = q->opts->command; f && *p;) {
		if (strncmp(p, "{socket}", 8) == 0) {
			fprintf(f, "%s/qtest", q->dir);
			p += 8;
		} else if (strncmp(p, "{ram}", 5) == 0) {
			fprintf(f, "/proc/%d/fd/%d", (int)getppid(), q->ram_fd);
			p += 5;
		} else {
			fputc(*p++, f);
		}
	}
	if (f)
		fclose(f);
	return out;
}

static void child(struct qtest *q)
{
	const char *argv[MAX_ARGS];
	char text[4][160], log[80];
	int null = open("/dev/null", O_RDWR), out;

	snprintf(log, sizeof(log), "%s/log", q->dir);
	out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (q->opts->command) {
		argv[0] = "/bin/sh";
		argv[1] = "-c";
		argv[2] = expand_command(q);
		argv[3] = NULL;
	} else {
		build_argv(q, argv, text);
	}
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t peer_of(int sock)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 ? cred.pid : 0;
}

/* QEMU connects to us: then its devices are there, or it has said what is wrong and ended. */
static int await_connection(struct qtest *q, int listener)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	for (unsigned waited = 0; waited < 20000; waited += 10) {
		if (poll(&pfd, 1, 10) > 0) {
			q->sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (q->sock >= 0) {
				q->peer = peer_of(q->sock);
				return 0;
			}
		}
		if (qtest_died(q)) {
			snprintf(q->access.error, sizeof(q->access.error), "%s %.230s",
				 qtest_name(q), q->death);
			return -1;
		}
	}
	snprintf(q->access.error, sizeof(q->access.error), "%s did not connect within 20 s",
		 qtest_name(q));
	return -1;
}

int qtest_start(struct qtest *q, const struct qtest_opts *o)
{
	const char *tmp = getenv("TMPDIR");
	int listener, rc;

	memset(q, 0, sizeof(*q));
	q->opts = o;
	q->sock = q->ram_fd = -1;
	snprintf(q->dir, sizeof(q->dir), "%.40s/ringside-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(q->dir)) {
		q->dir[0] = '\0';
		return fail(q, "temporary folder");
	}
	if (make_ram(q) < 0 || (o->arch == QTEST_X86_64 && !o->command && write_firmware(q) < 0))
		return -1;
	listener = listen_at(q);
	if (listener < 0)
		return fail(q, "qtest socket");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	q->pid = fork();
	if (q->pid == 0)
		child(q);
	if (q->pid < 0) {
		q->pid = 0;
		close(listener);
		return fail(q, "fork");
	}
	setpgid(q->pid, q->pid);
	rc = await_connection(q, listener);
	close(listener);
	return rc < 0 ? rc : qtest_access_init(q);
}

/* The last line that QEMU printed. */
static void last_words(struct qtest *q, char *out, size_t room)
{
	char path[80], line[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", q->dir);
	f = fopen(path, "r");
	out[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			snprintf(out, room, "%.190s", line);
	}
	if (f)
		fclose(f);
}

/*
 * End all of it, a shell and what it started, and wait until nothing is left: what a dead shell leaves is
 * our child (qtest_start). SIGKILL cannot be refused, only take its time.
 */
static void end_group(pid_t group)
{
	pid_t pid;

	kill(-group, SIGKILL);
	do
		pid = waitpid(-group, NULL, 0);
	while (pid > 0 || (pid < 0 && errno == EINTR));
}

bool qtest_died(struct qtest *q)
{
	char words[200];
	int status;

	if (q->death[0])
		return true;
	if (q->pid <= 0 || waitpid(q->pid, &status, WNOHANG) != q->pid)
		return false;
	/* Whatever it started itself goes with it. */
	end_group(q->pid);
	q->pid = 0;
	last_words(q, words, sizeof(words));
	if (WIFSIGNALED(status))
		snprintf(q->death, sizeof(q->death), "was killed by signal %d (%s)%s%s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)), words[0] ? ": " : "",
			 words);
	else
		snprintf(q->death, sizeof(q->death), "exited with status %d%s%s",
			 WEXITSTATUS(status), words[0] ? ": " : "", words);
	return true;
}

void qtest_printed(struct qtest *q, void (*line)(void *arg, const char *text), void *arg)
{
	char path[80], last[QTEST_PRINTED][256];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", q->dir);
	f = q->dir[0] ? fopen(path, "r") : NULL;
	if (!f)
		return;
	if (fseek(f, q->printed, SEEK_SET) == 0)
		while (fgets(last[n % QTEST_PRINTED], sizeof(last[0]), f))
			n++;
	q->printed = ftell(f);
	fclose(f);
	for (unsigned i = n > QTEST_PRINTED ? n - QTEST_PRINTED : 0; i < n; i++) {
		char *text = last[i % QTEST_PRINTED];

		text[strcspn(text, "\n")] = '\0';
		if (text[0])
			line(arg, text);
	}
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

/* Without its socket it ends by itself: what it has to write at its end is written. */
static void let_it_end(struct qtest *q)
{
	if (q->sock >= 0)
		close(q->sock);
	q->sock = -1;
	for (unsigned ms = 0; ms < 2000 && !qtest_died(q); ms++)
		poll(NULL, 0, 1);
}

void qtest_stop(struct qtest *q)
{
	if (q->pid > 0 && q->opts->command)
		let_it_end(q);
	if (q->pid > 0) {
		end_group(q->pid);
		q->pid = 0;
	}
	if (q->sock >= 0)
		close(q->sock);
	if (q->ram)
		munmap(q->ram - GUARD, RAM_SIZE + 2 * GUARD);
	if (q->ram_fd >= 0)
		close(q->ram_fd);
	if (q->dir[0])
		remove_dir(q->dir);
	q->sock = q->ram_fd = -1;
	q->ram = NULL;
	q->dir[0] = '\0';
}
