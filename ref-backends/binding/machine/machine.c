// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref-backends/binding/machine/slow.h"
#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/device/host/reactor.h"

#define SHM_LEN 8192u

struct state {
	const struct machine *m;
	union {
		struct rreg r;
		struct rmmio mmio;
		struct rpci pci;
	};
	u8 *ram;
	u64 ram_size;
	int sock, signal_fd;
	struct reactor reactor;
	struct slow slow;
	char input[4096];
	size_t have;
	bool stop;
};

static int failed(const char *what)
{
	fprintf(stderr, "ringside-backend: %s: %s\n", what, strerror(errno));
	return -1;
}

/* --- memory ---------------------------------------------------------------------------------------------- */

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct state *s = ctx;

	if (gpa >= s->ram_size)
		return NULL;
	*len = MIN(*len, s->ram_size - gpa);
	return s->ram + gpa;
}

static void line(void *ctx, bool level)
{
	/* Nobody listens: a test looks at the interrupt status. */
	(void)ctx;
	(void)level;
}

static void msi(void *ctx, u64 addr, u32 data)
{
	struct state *s = ctx;

	if (addr % 4 == 0 && addr < s->ram_size)
		__atomic_store_n((u32 *)(s->ram + addr), le32(data), __ATOMIC_RELEASE);
}

static const struct rreg_ops ops = { .translate = translate, .line = line, .msi = msi };

static u64 all_ones(unsigned size)
{
	return ~0ull >> (64 - 8 * size);
}

/* An offset into the configuration space of our function, or -1. */
static int config_offset(const struct state *s, u64 addr, unsigned size)
{
	u64 function = MACHINE_ECAM + (MACHINE_PCI_SLOT << 15);

	if (!s->m->pci || size > 4 || addr % size || addr < function ||
	    addr >= function + RPCI_CONFIG_SIZE)
		return -1;
	return (int)(addr - function);
}

static bool is_ram(const struct state *s, u64 addr, unsigned size)
{
	return addr < s->ram_size && size <= s->ram_size - addr;
}

static u64 bus_read(struct state *s, u64 addr, unsigned size)
{
	int at = config_offset(s, addr, size);
	u64 value = 0, offset;
	unsigned bar;

	if (is_ram(s, addr, size)) {
		memcpy(&value, s->ram + addr, size);
		return value;
	}
	if (at >= 0)
		return rpci_config_read(&s->pci, (u16)at, size);
	if (s->m->pci && rpci_hit(&s->pci, addr, &bar, &offset))
		return rpci_bar_read(&s->pci, bar, offset, size);
	if (!s->m->pci && addr >= MACHINE_MMIO && addr < MACHINE_MMIO + RMMIO_WINDOW)
		return rmmio_read(&s->mmio, (u32)(addr - MACHINE_MMIO), size);
	return all_ones(size);
}

static void bus_write(struct state *s, u64 addr, unsigned size, u64 value)
{
	int at = config_offset(s, addr, size);
	unsigned bar;
	u64 offset;

	if (is_ram(s, addr, size))
		memcpy(s->ram + addr, &value, size);
	else if (at >= 0)
		rpci_config_write(&s->pci, (u16)at, size, (u32)value);
	else if (s->m->pci && rpci_hit(&s->pci, addr, &bar, &offset))
		rpci_bar_write(&s->pci, bar, offset, size, value);
	else if (!s->m->pci && addr >= MACHINE_MMIO && addr < MACHINE_MMIO + RMMIO_WINDOW)
		rmmio_write(&s->mmio, (u32)(addr - MACHINE_MMIO), size, value);
}

/* --- the socket -------------------------------------------------------------------------------------------- */

static void answer(struct state *s, const char *line)
{
	size_t len = strlen(line), done = 0;

	while (done < len) {
		struct pollfd p = { .fd = s->sock, .events = POLLOUT };
		ssize_t n = send(s->sock, line + done, len - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&p, 1, -1);
		else if (errno != EINTR) {
			s->stop = true;
			return;
		}
	}
}

/* "b", "w", "l", "q"; 0: none of them. */
static unsigned width(const char *suffix)
{
	static const char letters[] = "bwlq";
	const char *at = *suffix ? strchr(letters, *suffix) : NULL;

	return at && !suffix[1] ? 1u << (at - letters) : 0;
}

/* The next number of a command. */
static bool number(char **at, u64 *value)
{
	char *end;

	*value = strtoull(*at, &end, 0);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

static void command(struct state *s, char *text)
{
	size_t len = strcspn(text, " ");
	char *at = text + len, out[64];
	bool write = strncmp(text, "write", 5) == 0;
	unsigned size = 0;
	u64 addr, value;

	if (*at)
		*at++ = '\0';
	if (write || strncmp(text, "read", 4) == 0)
		size = width(text + (write ? 5 : 4));
	if (!size || !number(&at, &addr) || (write && !number(&at, &value))) {
		answer(s, "ERR Unknown command\n");
		return;
	}
	if (write) {
		bus_write(s, addr, size, value & all_ones(size));
		answer(s, "OK\n");
		return;
	}
	snprintf(out, sizeof(out), "OK 0x%016" PRIx64 "\n", bus_read(s, addr, size));
	answer(s, out);
}

static void receive(struct state *s)
{
	ssize_t n = recv(s->sock, s->input + s->have, sizeof(s->input) - 1 - s->have, MSG_DONTWAIT);
	char *at = s->input, *end;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		s->stop = true;
	if (n <= 0)
		return;
	s->have += (size_t)n;
	s->input[s->have] = '\0';
	while (!s->stop && (end = strchr(at, '\n'))) {
		*end = '\0';
		command(s, at);
		at = end + 1;
	}
	s->have -= (size_t)(at - s->input);
	memmove(s->input, at, s->have);
	/* A line that long is none, and neither is one with a zero byte in it. */
	if (s->have == sizeof(s->input) - 1 || memchr(s->input, '\0', s->have))
		s->stop = true;
}

static void read_signals(struct state *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR1)
			rreg_resized(&s->r);
		else
			s->stop = true;
	}
}

/* Completions may queue further operations, and free slots for chains that wait. */
static void work(struct state *s)
{
	do {
		slow_run(&s->slow);
		reactor_poll(&s->reactor);
		if (rreg_pending(&s->r))
			rreg_run(&s->r);
	} while (reactor_has_uring(&s->reactor) && io_uring_sq_ready(&s->reactor.uring));
}

static void loop(struct state *s)
{
	struct pollfd p[2 + REACTOR_WATCHES_MAX];

	p[0] = (struct pollfd){ .fd = s->sock, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	while (!s->stop) {
		nfds_t n = 2;

		work(s);
		n += reactor_listen(&s->reactor, p + 2);
		if (poll(p, n, rreg_pending(&s->r) ? 0 : slow_wait_ms(&s->slow)) < 0)
			continue;
		if (p[1].revents)
			read_signals(s);
		if (p[0].revents)
			receive(s);
	}
}

/* --- start and end ----------------------------------------------------------------------------------------- */

static int map_ram(struct state *s)
{
	const char *name = s->m->ram;
	bool number = name[0] && strspn(name, "0123456789") == strlen(name);
	int fd = number ? atoi(name) : open(name, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return failed(name);
	s->ram_size = (u64)st.st_size;
	s->ram = mmap(NULL, s->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return s->ram == MAP_FAILED ? failed(name) : 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return failed("signals");
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return failed(path);
	}
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		failed(path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int open_device(struct state *s, struct rdev *dev, void **memory, u8 *shm)
{
	struct rreg_opts o = { .dev = dev,
			       .queue_size = s->m->queue_size,
			       .hidden = s->m->hidden,
			       .ops = &ops,
			       .ctx = s };
	size_t size = ALIGN_UP(rreg_memory(&o), 64);

	*memory = aligned_alloc(64, size);
	if (!*memory)
		return failed("memory");
	memset(*memory, 0, size);
	for (unsigned i = 0; shm && i < RREG_SHM_MAX; i++)
		o.shm[i] =
			(struct rreg_shm){ shm + i * SHM_LEN, SHM_LEN, MACHINE_SHM + i * SHM_LEN };
	if (s->m->pci)
		rpci_init(&s->pci, &o, s->m->shm, *memory);
	else
		rmmio_init(&s->mmio, &o, *memory);
	for (u16 q = 0; q < dev->num_queues; q++)
		if (dev->ops->queue_open(dev, q, &s->reactor))
			return -1;
	return 0;
}

int machine_serve(const struct machine *m, struct rdev *dev)
{
	static u8 shm[RREG_SHM_MAX * SHM_LEN];
	static struct state s;
	void *memory = NULL;
	int status = 1;

	s.m = m;
	s.sock = -1;
	s.signal_fd = open_signals();
	if (s.signal_fd < 0 || map_ram(&s))
		return 1;
	if (reactor_init(&s.reactor, 128)) {
		failed("io_uring");
		return 1;
	}
	if (m->latency_ms)
		dev = slow_init(&s.slow, dev, m->latency_ms);
	if (open_device(&s, dev, &memory, m->shm ? shm : NULL) == 0) {
		s.sock = connect_to(m->socket_path);
		if (s.sock >= 0) {
			loop(&s);
			status = 0;
		}
		for (u16 q = 0; q < dev->num_queues; q++)
			dev->ops->queue_close(dev, q);
	}
	reactor_exit(&s.reactor);
	if (s.sock >= 0)
		close(s.sock);
	munmap(s.ram, s.ram_size);
	close(s.signal_fd);
	free(memory);
	return status;
}
