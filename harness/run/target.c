// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/target.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static int make_dir(struct target *t)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t->dir, sizeof(t->dir), "%.40s/ringside-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t->dir)) {
		t->dir[0] = '\0';
		return -1;
	}
	snprintf(t->log, sizeof(t->log), "%s/log", t->dir);
	return 0;
}

static int init_vhost_user(struct target *t, const char *path, const char *command, char *error,
			   size_t room)
{
	if (!*path && !command) {
		snprintf(error, room,
			 "vhost-user: has no socket path, and no --command to start one");
		return -1;
	}
	if (strlen(path) >= sizeof(t->socket)) {
		snprintf(error, room,
			 "socket path '%.60s…' is longer than the %zu bytes a socket may have",
			 path, sizeof(t->socket) - 1);
		return -1;
	}
	if (command && make_dir(t) < 0) {
		snprintf(error, room, "cannot make a temporary folder: %s", strerror(errno));
		return -1;
	}
	if (*path)
		strcpy(t->socket, path);
	else
		snprintf(t->socket, sizeof(t->socket), "%s/socket", t->dir);
	t->command = command ? strdup(command) : NULL;
	t->start_ms = 10000;
	return 0;
}

/* One that is left over from somebody who died is nobody's. */
static void remove_stale(const struct sockaddr_un *addr)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(addr->sun_path);
	if (fd >= 0)
		close(fd);
}

static int init_listen(struct target *t, const char *path, const char *command, char *error,
		       size_t room)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (init_vhost_user(t, path, command, error, room) < 0)
		return -1;
	strcpy(addr.sun_path, t->socket);
	remove_stale(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
		t->listener = fd;
		if (listen(fd, 16) == 0)
			return 0;
	} else if (fd >= 0) {
		close(fd);
	}
	snprintf(error, room, "cannot listen at '%s': %s", t->socket, strerror(errno));
	return -1;
}

static int init_qemu(struct target *t, const char *spec, const char *command, char *error,
		     size_t room)
{
	char image[80];
	const struct qemu_uri_words words = { .image = image, .socket = t->socket };
	int fd;

	t->kind = TARGET_QEMU;
	if (make_dir(t) < 0) {
		snprintf(error, room, "cannot make a temporary folder: %s", strerror(errno));
		return -1;
	}
	snprintf(image, sizeof(image), "%s/image", t->dir);
	snprintf(t->socket, sizeof(t->socket), "%s/socket", t->dir);
	if (qemu_uri_parse(&t->qemu, spec, &words, error, room) < 0)
		return -1;
	/* The command is what stands behind the device; QEMU itself is started by us. */
	if (!command != !t->qemu.backend) {
		snprintf(error, room,
			 command ? "where is QEMU to connect to what --command starts? write "
				   "{socket} in the target"
				 : "{socket} stands for what --command starts, and there is none");
		return -1;
	}
	t->command = command ? strdup(command) : NULL;
	t->start_ms = 10000;
	if (!t->qemu.image[0])
		return 0;
	fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 64 << 20) < 0) {
		snprintf(error, room, "cannot make '%s': %s", image, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int init_machine(struct target *t, const char *face, const char *command, char *error,
			size_t room)
{
	t->kind = TARGET_MACHINE;
	t->qemu.pci = strcmp(face, "pci") == 0;
	if (!t->qemu.pci && strcmp(face, "mmio") != 0) {
		snprintf(error, room, "write machine:pci or machine:mmio");
		return -1;
	}
	if (!command) {
		snprintf(error, room, "machine: needs a --command that starts it");
		return -1;
	}
	t->command = strdup(command);
	t->qemu.qtest = (struct qtest_opts){ .machine = "ringside",
					     .command = t->command,
					     .timeout_ms = 5000 };
	return 0;
}

static int init_kernel(struct target *t, enum target_kind kind, const char *spec,
		       const char *command, char *error, size_t room)
{
	t->kind = kind;
	if (kind == TARGET_VHOST && command) {
		snprintf(error, room, "vhost: is in the kernel: --command is not for it");
		return -1;
	}
	if (kind == TARGET_VHOST)
		return vhost_uri_parse(&t->kernel, spec, error, room);
	if (!command)
		return vdpa_uri_parse(&t->kernel, spec, error, room);
	if (*spec) {
		snprintf(error, room,
			 "with --command it is 'vdpa:', and the command makes {socket} a link "
			 "to its device");
		return -1;
	}
	return init_vhost_user(t, "", command, error, room) == 0
		       ? vdpa_uri_parse(&t->kernel, t->socket, error, room)
		       : -1;
}

/* Another ' WORD' for the shell behind `out`. -1: there is a quote in it, or no room. */
static int quote(char *out, size_t room, const char *word, size_t length)
{
	const size_t have = strlen(out);

	if (memchr(word, '\'', length))
		return -1;
	return snprintf(out + have, room - have, " '%.*s'", (int)length, word) < (int)(room - have)
		       ? 0
		       : -1;
}

/* A library is served by 'ringside module', at a socket of ours. `spec`: LIBRARY[,WORD…]. */
static int init_module(struct target *t, const char *spec, const char *command, char *error,
		       size_t room)
{
	char self[256], words[3000] = "exec";
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	int rc;

	if (command || !*spec) {
		snprintf(error, room,
			 command ? "module: is served by ringside: --command is not for it"
				 : "module: which library?");
		return -1;
	}
	rc = n > 0 ? quote(words, sizeof(words), self, (size_t)n) : -1;
	strcat(words, " module --socket-path {socket} --");
	while (rc == 0) {
		const size_t length = strcspn(spec, ",");

		rc = quote(words, sizeof(words), spec, length);
		spec += length;
		if (!*spec++)
			return rc ? rc : init_vhost_user(t, "", words, error, room);
	}
	snprintf(error, room, "module: a path or a word is too long, or has a quote in it");
	return -1;
}

int target_init(struct target *t, const char *uri, const char *command, char *error, size_t room)
{
	static const char vhost_user[] = "vhost-user:", listens[] = "vhost-user-listen:",
			  qemu[] = "qemu:", machine[] = "machine:", module[] = "module:",
			  vdpa[] = "vdpa:", vhost[] = "vhost:";
	int rc = -1;

	memset(t, 0, sizeof(*t));
	if (strncmp(uri, vhost_user, strlen(vhost_user)) == 0)
		rc = init_vhost_user(t, uri + strlen(vhost_user), command, error, room);
	else if (strncmp(uri, listens, strlen(listens)) == 0)
		rc = init_listen(t, uri + strlen(listens), command, error, room);
	else if (strncmp(uri, qemu, strlen(qemu)) == 0)
		rc = init_qemu(t, uri + strlen(qemu), command, error, room);
	else if (strncmp(uri, machine, strlen(machine)) == 0)
		rc = init_machine(t, uri + strlen(machine), command, error, room);
	else if (strncmp(uri, module, strlen(module)) == 0)
		rc = init_module(t, uri + strlen(module), command, error, room);
	else if (strncmp(uri, vdpa, strlen(vdpa)) == 0)
		rc = init_kernel(t, TARGET_VDPA, uri + strlen(vdpa), command, error, room);
	else if (strncmp(uri, vhost, strlen(vhost)) == 0)
		rc = init_kernel(t, TARGET_VHOST, uri + strlen(vhost), command, error, room);
	else
		snprintf(
			error, room,
			"'%.100s' is not a target: write vhost-user:PATH, vhost-user-listen:PATH, qemu:DEVICE, "
			"module:LIBRARY, vdpa:PATH, vhost:PATH,… or machine:pci|mmio",
			uri);
	if (rc < 0)
		target_destroy(t);
	else
		t->uri = strdup(uri);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	remove(path);
	return 0;
}

/* Our folder with what the target left in it: its socket, an image, a folder of its own. */
static void remove_dir(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void target_destroy(struct target *t)
{
	target_stop(t);
	if (t->listener) {
		close(t->listener);
		unlink(t->socket);
	}
	if (t->dir[0])
		remove_dir(t->dir);
	qemu_uri_free(&t->qemu);
	free(t->uri);
	free(t->command);
	memset(t, 0, sizeof(*t));
}

bool target_many(const struct target *t)
{
	/* The kernel has each device once. */
	if (t->kind == TARGET_VDPA || t->kind == TARGET_VHOST)
		return false;
	return t->kind != TARGET_VHOST_USER ||
	       (t->command && t->dir[0] && strncmp(t->socket, t->dir, strlen(t->dir)) == 0);
}

int target_another(struct target *t, const struct target *like, char *error, size_t room)
{
	/* A module's command is made of its URI. */
	const bool module = strncmp(like->uri, "module:", 7) == 0;
	int rc = target_init(t, like->uri, module ? NULL : like->command, error, room);

	if (rc == 0) {
		t->trigger = like->trigger;
		t->uds_path = like->uds_path;
		t->one_session = like->one_session;
	}
	return rc;
}

char *target_expand(const struct target *t, const char *command, pid_t pid)
{
	char number[16], *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	snprintf(number, sizeof(number), "%d", (int)pid);
	for (const char *p = command; *p;) {
		if (strncmp(p, "{socket}", 8) == 0) {
			fputs(t->socket, f);
			p += 8;
		} else if (strncmp(p, "{pid}", 5) == 0) {
			fputs(number, f);
			p += 5;
		} else {
			fputc(*p++, f);
		}
	}
	fclose(f);
	return out;
}

/* The last line of what the target printed, for the message about its end. */
static void last_line(const struct target *t, char *out, size_t room)
{
	char line[200];
	FILE *f = fopen(t->log, "r");

	out[0] = '\0';
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			snprintf(out, room, "%s", line);
	}
	fclose(f);
}

/* Did a sanitizer end it? Its exit status is one that others have, too. */
static bool sanitizer_spoke(const struct target *t)
{
	char line[400];
	FILE *f = fopen(t->log, "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "Sanitizer: ") != NULL;
	if (f)
		fclose(f);
	return found;
}

/* As one ends whose only session is over: it may say that it did not like it. */
static bool in_good_order(const struct target *t, int status)
{
	return t->one_session && t->had_session && WIFEXITED(status) && WEXITSTATUS(status) <= 1 &&
	       !sanitizer_spoke(t);
}

bool target_died(struct target *t)
{
	char last[200];
	int status;

	if (t->death[0])
		return true;
	if (t->pid <= 0 || waitpid(t->pid, &status, WNOHANG) != t->pid)
		return false;
	if (in_good_order(t, status)) {
		kill(-t->pid, SIGKILL);
		t->pid = 0;
		return false;
	}
	last_line(t, last, sizeof(last));
	if (WIFSIGNALED(status))
		snprintf(t->death, sizeof(t->death), "was killed by signal %d (%s)%s%.170s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)), last[0] ? ": " : "", last);
	else
		snprintf(t->death, sizeof(t->death), "exited with status %d%s%.190s",
			 WEXITSTATUS(status), last[0] ? ": " : "", last);
	/* Whatever it started itself goes with it. */
	kill(-t->pid, SIGKILL);
	t->pid = 0;
	return true;
}

/*
 * Is there a socket of this name, bound or accepted from it, that the kernel shows with these bits or in
 * this state? The kernel is asked: to the target a connection would already be a session, and some serve
 * only one.
 */
static bool has_socket(const struct target *t, unsigned flag, unsigned state)
{
	FILE *f = fopen("/proc/net/unix", "r");
	char line[512], link[sizeof(t->socket)] = "";
	bool found = false;

	/* Some make their socket under a name of their own: the command links ours to it. */
	if (readlink(t->socket, link, sizeof(link) - 1) < 0)
		link[0] = '\0';

	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned flags, st;
		int path;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %x %*s %x %*s %n", &flags, &st, &path) == 2)
			found = (flags & flag || st == state) &&
				(strcmp(line + path, t->socket) == 0 ||
				 (link[0] && strcmp(line + path, link) == 0));
	}
	if (f)
		fclose(f);
	return found;
}

/* Is somebody listening on the socket? Or, where we do, waiting for us to take them? */
static bool accepts(const struct target *t)
{
	struct pollfd p = { .fd = t->listener, .events = POLLIN };

	if (t->listener)
		return poll(&p, 1, 0) > 0;
	if (t->kind == TARGET_VDPA)
		return access(t->socket, R_OK | W_OK) == 0;
	return has_socket(t, 0x10000 /* __SO_ACCEPTCON */, 0);
}

bool target_connected(const struct target *t)
{
	return has_socket(t, 0, 3 /* SS_CONNECTED */);
}

bool target_lost(struct target *t)
{
	u64 deadline = now_ms() + 1000;

	if (t->pid <= 0)
		return target_died(t);
	/* Its sockets close long before a process that dumps core can be waited for. */
	while (!target_died(t)) {
		/* One of one session is then as good as new. */
		if (t->pid <= 0 || accepts(t))
			return false;
		/* One that lives and connects comes back when it likes: the next session has time for that. */
		if (now_ms() > deadline && t->listener)
			return false;
		if (now_ms() > deadline) {
			target_stop(t);
			snprintf(t->death, sizeof(t->death), "no longer accepts connections");
			break;
		}
		poll(NULL, 0, 2);
	}
	return true;
}

/* Connections of one that is no more. */
static void forget_waiting(const struct target *t)
{
	int fd;

	while ((fd = accept(t->listener, NULL, NULL)) >= 0)
		close(fd);
}

int target_start(struct target *t, char *error, size_t room)
{
	u64 deadline;
	char *cmd;

	if (!t->command || t->pid > 0)
		return 0;
	cmd = target_expand(t, t->command, 0);
	if (!cmd) {
		snprintf(error, room, "out of memory");
		return -1;
	}
	if (t->listener)
		forget_waiting(t);
	else
		unlink(t->socket);
	t->death[0] = '\0';
	t->had_session = false;
	/* What a shell leaves behind becomes our child, so that target_stop() sees it end. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t->pid = fork();
	if (t->pid == 0) {
		int null = open("/dev/null", O_RDONLY);
		int log = open(t->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

		/* Its own group, so that a shell's children end with it; and never outliving us. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(log, 1);
		dup2(log, 2);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	free(cmd);
	if (t->pid < 0) {
		t->pid = 0;
		snprintf(error, room, "cannot start the target: %s", strerror(errno));
		return -1;
	}
	setpgid(t->pid, t->pid);
	deadline = now_ms() + t->start_ms;
	while (!accepts(t)) {
		if (target_died(t)) {
			snprintf(error, room,
				 t->listener ? "the target %s before it connected to '%s'"
					     : "the target %s before its socket '%s' was there",
				 t->death, t->socket);
			return -1;
		}
		if (now_ms() > deadline) {
			snprintf(error, room,
				 t->listener ? "the target did not connect to '%s' within %u s"
					     : "the target's socket '%s' was not there after %u s",
				 t->socket, t->start_ms / 1000);
			target_stop(t);
			return -1;
		}
		poll(NULL, 0, 2);
	}
	return 0;
}

/* One that ends after its session has begun to by then; it may have gone on to listen until it does. */
#define ENDS_MS 50

int target_renew(struct target *t, char *error, size_t room)
{
	const u64 began = now_ms(), deadline = began + t->start_ms;

	while (t->had_session && t->pid > 0) {
		if (target_died(t)) {
			snprintf(error, room, "the target %.200s", t->death);
			return -1;
		}
		/* A session that it did not mind is not its last. */
		if (now_ms() > began + ENDS_MS && accepts(t))
			break;
		if (now_ms() > deadline) {
			target_stop(t);
			snprintf(t->death, sizeof(t->death),
				 "neither ended with its session nor took another one");
			snprintf(error, room, "the target %s", t->death);
			return -1;
		}
		poll(NULL, 0, 1);
	}
	if (target_start(t, error, room) < 0)
		return -1;
	t->had_session = true;
	return 0;
}

/* Take the exit status of whatever ended in the target's group. True when nothing is left of it. */
static bool group_reaped(pid_t group)
{
	pid_t pid;

	do
		pid = waitpid(-group, NULL, WNOHANG);
	while (pid > 0);
	return pid < 0 && errno == ECHILD;
}

/*
 * All of it: when a shell stands between us and the back-end, the shell ends at once and the back-end
 * may still be about to remove its socket, which by then would be that of the next one.
 */
void target_stop(struct target *t)
{
	u64 deadline = now_ms() + 3000;
	bool killed = false;

	if (t->pid <= 0)
		return;
	kill(-t->pid, SIGTERM);
	while (!group_reaped(t->pid)) {
		if (now_ms() > deadline && !killed) {
			kill(-t->pid, SIGKILL);
			killed = true;
		}
		poll(NULL, 0, 1);
	}
	t->pid = 0;
}

int target_trigger(struct target *t, pid_t pid)
{
	char *cmd = t->trigger ? target_expand(t, t->trigger, pid) : NULL;
	int status = -1;
	pid_t child;

	if (!cmd)
		return -1;
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	free(cmd);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
