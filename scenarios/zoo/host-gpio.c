// SPDX-License-Identifier: BSD-3-Clause
/*
 * A GPIO chip of a host that has none, for back-ends that pass a host's lines through. Loaded into one with
 * LD_PRELOAD, it answers what the kernel would of /dev/gpiochip0: eight lines, of which each even one is wired to the
 * odd one after it. An input that nobody drives is low. Directions stay when a line is given back, as they do in
 * hardware.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/gpio.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LINES		 8
#define CHIP		 "/dev/gpiochip0"
#define NUMBER		 makedev(254, 0)
#define SUBSYSTEM	 "/sys/dev/char/254:0/subsystem"
#define DIRECTIONS	 (GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_OUTPUT)
#define EDGES		 (GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING)
#define CHIPS		 16
#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

/* Whoever asked for lines: events are written to one end of a pipe, and the other one is what he has. */
struct request {
	int fd, events; /* 0: nobody */
	unsigned lines;
	unsigned line[GPIO_V2_LINES_MAX];
	uint32_t seq;
};

static struct {
	uint64_t flags;
	bool value; /* as an output */
	struct request *of;
	uint32_t seq;
} line[LINES];

static struct request requests[LINES];
static int chips[CHIPS]; /* descriptors, 0: none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_output(unsigned n)
{
	return line[n].flags & GPIO_V2_LINE_FLAG_OUTPUT;
}

static bool level(unsigned n)
{
	if (is_output(n))
		return line[n].value;
	return is_output(n ^ 1) && line[n ^ 1].value;
}

static int fails(int error)
{
	errno = error;
	return -1;
}

/* --- edges ------------------------------------------------------------------------------------------------ */

static void edge(unsigned n, bool high)
{
	struct request *r = line[n].of;
	struct gpio_v2_line_event e = {
		.id = high ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
		.offset = n,
	};
	struct timespec now;

	if (!r || !(line[n].flags &
		    (high ? GPIO_V2_LINE_FLAG_EDGE_RISING : GPIO_V2_LINE_FLAG_EDGE_FALLING)))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	e.timestamp_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	e.seqno = ++r->seq;
	e.line_seqno = ++line[n].seq;
	/* What does not fit is lost, as it is in the kernel. */
	if (write(r->events, &e, sizeof(e)) < 0)
		return;
}

struct levels {
	bool was[LINES];
};

static struct levels before(void)
{
	struct levels l;

	for (unsigned n = 0; n < LINES; n++)
		l.was[n] = level(n);
	return l;
}

static void after(const struct levels *l)
{
	for (unsigned n = 0; n < LINES; n++)
		if (level(n) != l->was[n])
			edge(n, level(n));
}

/* --- lines ------------------------------------------------------------------------------------------------ */

static const struct gpio_v2_line_attribute *attribute(const struct gpio_v2_line_config *c,
						      unsigned i, uint32_t id)
{
	for (unsigned k = 0; k < c->num_attrs && k < GPIO_V2_LINE_NUM_ATTRS_MAX; k++)
		if (c->attrs[k].attr.id == id && c->attrs[k].mask & 1ull << i)
			return &c->attrs[k].attr;
	return NULL;
}

static uint64_t wanted(const struct gpio_v2_line_config *c, unsigned i)
{
	const struct gpio_v2_line_attribute *a = attribute(c, i, GPIO_V2_LINE_ATTR_ID_FLAGS);

	return a ? a->flags : c->flags;
}

static int configure(struct request *r, const struct gpio_v2_line_config *c)
{
	struct levels l = before();

	for (unsigned i = 0; i < r->lines; i++) {
		const uint64_t flags = wanted(c, i);

		if ((flags & DIRECTIONS) == DIRECTIONS ||
		    (flags & EDGES && !(flags & GPIO_V2_LINE_FLAG_INPUT)))
			return fails(EINVAL);
	}
	for (unsigned i = 0; i < r->lines; i++) {
		const struct gpio_v2_line_attribute *a =
			attribute(c, i, GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES);
		const unsigned n = r->line[i];
		const uint64_t flags = wanted(c, i);

		/* Neither an input nor an output: it stays what it is. */
		if (!(flags & DIRECTIONS))
			continue;
		line[n].flags = flags;
		if (flags & GPIO_V2_LINE_FLAG_OUTPUT)
			line[n].value = a && a->values & 1ull << i;
	}
	after(&l);
	return 0;
}

static int ask(struct gpio_v2_line_request *q)
{
	struct request *r = requests;
	int ends[2];

	while (r->fd && r < requests + LINES)
		r++;
	if (r == requests + LINES)
		return fails(EBUSY);
	if (!q->num_lines || q->num_lines > GPIO_V2_LINES_MAX)
		return fails(EINVAL);
	for (unsigned i = 0; i < q->num_lines; i++) {
		if (q->offsets[i] >= LINES)
			return fails(EINVAL);
		if (line[q->offsets[i]].of)
			return fails(EBUSY);
		r->line[i] = q->offsets[i];
	}
	r->lines = q->num_lines;
	if (configure(r, &q->config) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, 0);
	q->fd = r->fd = ends[0];
	r->events = ends[1];
	r->seq = 0;
	for (unsigned i = 0; i < r->lines; i++)
		line[r->line[i]].of = r;
	return 0;
}

static int line_info(struct gpio_v2_line_info *info)
{
	const unsigned n = info->offset;

	if (n >= LINES)
		return fails(EINVAL);
	memset(info, 0, sizeof(*info));
	info->offset = n;
	snprintf(info->name, sizeof(info->name), "%s%u", n & 1 ? "in" : "out", n / 2);
	info->flags = line[n].flags & DIRECTIONS ? line[n].flags : GPIO_V2_LINE_FLAG_INPUT;
	if (line[n].of)
		info->flags |= GPIO_V2_LINE_FLAG_USED;
	return 0;
}

static int of_chip(unsigned long request, void *arg)
{
	switch (request) {
	case GPIO_GET_CHIPINFO_IOCTL:
		*(struct gpiochip_info *)arg = (struct gpiochip_info){ .name = "gpiochip0",
								       .label = "simulated",
								       .lines = LINES };
		return 0;
	case GPIO_V2_GET_LINEINFO_IOCTL:
		return line_info(arg);
	case GPIO_V2_GET_LINE_IOCTL:
		return ask(arg);
	}
	return fails(EINVAL);
}

static int of_request(struct request *r, unsigned long request, void *arg)
{
	struct gpio_v2_line_values *v = arg;
	struct levels l = before();

	if (request == GPIO_V2_LINE_SET_CONFIG_IOCTL)
		return configure(r, arg);
	if (request != GPIO_V2_LINE_GET_VALUES_IOCTL && request != GPIO_V2_LINE_SET_VALUES_IOCTL)
		return fails(EINVAL);
	if (request == GPIO_V2_LINE_GET_VALUES_IOCTL)
		v->bits = 0;
	for (unsigned i = 0; i < r->lines; i++) {
		if (!(v->mask & 1ull << i))
			continue;
		if (request == GPIO_V2_LINE_GET_VALUES_IOCTL) {
			v->bits |= (uint64_t)level(r->line[i]) << i;
			continue;
		}
		if (!is_output(r->line[i]))
			return fails(EPERM);
		line[r->line[i]].value = v->bits >> i & 1;
	}
	after(&l);
	return 0;
}

/* --- what stands before the C library --------------------------------------------------------------------- */

static struct request *request_of(int fd)
{
	for (unsigned i = 0; i < LINES; i++)
		if (requests[i].fd && requests[i].fd == fd)
			return &requests[i];
	return NULL;
}

static int *chip_of(int fd)
{
	for (unsigned i = 0; i < CHIPS; i++)
		if (chips[i] == fd)
			return &chips[i];
	return NULL;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct request *r;
	va_list ap;
	void *arg;
	int rc = -1;
	bool ours;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	/* As the kernel has it: of 32 bits. Some have it in an int on the way here. */
	request = (uint32_t)request;
	pthread_mutex_lock(&lock);
	r = request_of(fd);
	ours = r || (fd > 0 && chip_of(fd));
	if (ours)
		rc = r ? of_request(r, request, arg) : of_chip(request, arg);
	pthread_mutex_unlock(&lock);
	if (!ours)
		rc = NEXT(int (*)(int, unsigned long, void *), "ioctl")(fd, request, arg);
	return rc;
}

int close(int fd)
{
	int (*really)(int) = NEXT(int (*)(int), "close");
	struct request *r;
	int *chip;

	pthread_mutex_lock(&lock);
	r = request_of(fd);
	chip = fd > 0 ? chip_of(fd) : NULL;
	if (chip)
		*chip = 0;
	if (r) {
		for (unsigned i = 0; i < r->lines; i++) {
			line[r->line[i]].of = NULL;
			line[r->line[i]].flags &= DIRECTIONS;
		}
		really(r->events);
		r->fd = 0;
	}
	pthread_mutex_unlock(&lock);
	return really(fd);
}

static int open_chip(void)
{
	int fd = memfd_create("gpiochip", MFD_CLOEXEC), *chip;

	pthread_mutex_lock(&lock);
	chip = chip_of(0);
	if (fd > 0 && chip)
		*chip = fd;
	pthread_mutex_unlock(&lock);
	return fd;
}

#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list ap;                                                                        \
		mode_t mode;                                                                       \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;                     \
		va_end(ap);                                                                        \
		return strcmp(path, CHIP) == 0 ? open_chip()                                       \
					       : openat(AT_FDCWD, path, flags, mode);              \
	}
OPEN(open)
OPEN(open64)

#define STAT(name)                                                                                 \
	int name(const char *path, struct stat *st)                                                \
	{                                                                                          \
		if (strcmp(path, CHIP) != 0)                                                       \
			return NEXT(int (*)(const char *, struct stat *), #name)(path, st);        \
		*st = (struct stat){ .st_mode = S_IFCHR | 0600, .st_rdev = NUMBER };               \
		return 0;                                                                          \
	}
STAT(stat)
STAT(lstat)

int stat64(const char *path, struct stat64 *st)
{
	return stat(path, (struct stat *)st);
}

int lstat64(const char *path, struct stat64 *st)
{
	return lstat(path, (struct stat *)st);
}

char *realpath(const char *path, char *to)
{
	if (strcmp(path, SUBSYSTEM) == 0)
		return to ? strcpy(to, "/sys/bus/gpio") : strdup("/sys/bus/gpio");
	return NEXT(char *(*)(const char *, char *), "realpath")(path, to);
}
