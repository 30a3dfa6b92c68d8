// SPDX-License-Identifier: BSD-3-Clause
#include "traces/bpf/record.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <record.skel.h>
#include "traces/bpf/calls.h"
#include "traces/bpf/fds.h"
#include "traces/ring/buffer.h"

#define TURN_US	      5000
#define LINKS	      48
#define TURNS_TO_LOOK 20 /* at descriptors: every tenth of a second */

/* Where a program goes, and which kind of event it is the source of. */
static const struct {
	const char *program;
	u8 kind;
} sources[] = {
	{ "on_sys_enter", KERNEL_CALL },
	{ "on_sys_exit", KERNEL_CALL },
	{ "on_wakeup", KERNEL_WAKEUP },
	{ "on_switch", KERNEL_SWITCH },
	{ "on_kvm_exit", KERNEL_EXIT },
	{ "on_kvm_mmio", KERNEL_MMIO },
	{ "on_kvm_fast_mmio", KERNEL_FAST_MMIO },
	{ "on_kvm_msi", KERNEL_IRQ },
	{ "on_kvm_irq", KERNEL_IRQ },
	{ "on_io_submit_req", KERNEL_IO_BEGIN },
	{ "on_io_submit_sqe", KERNEL_IO_BEGIN },
	{ "on_io_complete", KERNEL_IO_END },
	{ "on_block_issue", KERNEL_BLOCK_BEGIN },
	{ "on_block_complete", KERNEL_BLOCK_END },
};

/* Functions that take a chain from a ring, and that give it back: libvhost-user's and QEMU's. */
static const struct {
	const char *name;
	bool pop;
	u8 queue, element; /* which argument */
} functions[] = {
	{ "vu_queue_pop", true, 1, 0 },
	{ "vu_queue_push", false, 1, 2 },
	{ "virtqueue_pop", true, 0, 0 },
	{ "virtqueue_push", false, 0, 1 },
};

struct kernel_recording {
	struct kernel_options o;
	struct kernel_file head;
	struct record_bpf *bpf;
	struct ring_buffer *ring;
	struct bpf_link *link[LINKS];
	unsigned links;
	FILE *f;
	pthread_t thread;
	bool running;
	int stop; /* atomic */
	int error;
	struct kernel_fd_use use[KERNEL_FD_NUMBERS]; /* of the back-end's descriptors */
	u64 seen;				     /* kernel_find_fds() */
	bool look; /* the back-end may have been given descriptors */
	struct buffer_moment began;
};

/* The library's own words, all of them; they tell a maintainer more than a user. */
static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	return getenv("RINGSIDE_BPF_DEBUG") ? vfprintf(stderr, format, args) : 0;
}

const char *kernel_missing(void)
{
	if (geteuid() != 0)
		return "that needs root";
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		return "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
	return NULL;
}

/* --- events ------------------------------------------------------------------------------------------ */

static void note_use(struct kernel_recording *r, const struct kernel_event *e)
{
	if (e->kind != KERNEL_CALL || e->pid != (u32)r->o.pid)
		return;
	r->look |= e->what == KERNEL_RECVMSG;
	if (e->c != 8 || e->a >= KERNEL_FD_NUMBERS)
		return;
	r->use[e->a].read += e->what == KERNEL_READ;
	r->use[e->a].written += e->what == KERNEL_WRITE;
}

static int on_event(void *arg, void *data, size_t size)
{
	struct kernel_recording *r = arg;

	if (size != sizeof(struct kernel_event) || r->error)
		return 0;
	if (!r->o.queue)
		note_use(r, data);
	if (fwrite(data, size, 1, r->f) != 1)
		r->error = errno ? errno : EIO;
	return 0;
}

static void watch(struct kernel_recording *r)
{
	for (u32 i = 0; i < r->head.processes; i++) {
		r->bpf->bss->roles[i] = r->head.process[i].role;
		__atomic_store_n(&r->bpf->bss->watched[i], r->head.process[i].pid,
				 __ATOMIC_RELEASE);
	}
}

/* A front-end may come, or have other descriptors. The back-end may be gone; what was seen of it remains. */
static void look_again(struct kernel_recording *r)
{
	char ignored[200];

	if (r->o.queue)
		return;
	r->look = false;
	kernel_find_fds(&r->head, (u32)r->o.pid, &r->seen, ignored, sizeof(ignored));
	watch(r);
}

static void *run(void *arg)
{
	const struct timespec turn = { .tv_nsec = TURN_US * 1000 };
	struct kernel_recording *r = arg;

	kernel_record_ignore(r, (u32)syscall(SYS_gettid));
	for (unsigned i = 0; !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE); i++) {
		ring_buffer__consume(r->ring);
		/* A front-end that has just come does not wait for the next tenth of a second. */
		if (i % TURNS_TO_LOOK == 0 || r->look)
			look_again(r);
		nanosleep(&turn, NULL);
	}
	return NULL;
}

/* --- opening ----------------------------------------------------------------------------------------- */

static int refuse(const char *what, int error, char *err, size_t len)
{
	snprintf(err, len, "cannot %s: %s", what, strerror(error < 0 ? -error : error));
	return -1;
}

static int write_head(struct kernel_recording *r)
{
	return fseek(r->f, 0, SEEK_SET) || fwrite(&r->head, sizeof(r->head), 1, r->f) != 1 ||
	       fflush(r->f);
}

static int make_file(struct kernel_recording *r, char *err, size_t len)
{
	char path[4200];

	memcpy(r->head.magic, KERNEL_MAGIC, sizeof(r->head.magic));
	r->head.version = KERNEL_VERSION;
	r->head.header_bytes = sizeof(r->head);
	r->head.event_bytes = sizeof(struct kernel_event);
	snprintf(path, sizeof(path), "%s/" KERNEL_FILE, r->o.dir);
	r->f = fopen(path, "wxe");
	if (r->f && !write_head(r))
		return 0;
	snprintf(err, len, "cannot make '%s': %s", path, strerror(errno));
	return -1;
}

static int load(struct kernel_recording *r, char *err, size_t len)
{
	int rc;

	libbpf_set_print(print);
	r->bpf = record_bpf__open();
	if (!r->bpf)
		return refuse("open the BPF programs", errno, err, len);
	kernel_calls((u8 *)r->bpf->rodata->call_of);
	bpf_program__set_autoload(r->bpf->progs.on_pop, r->o.probes);
	bpf_program__set_autoload(r->bpf->progs.on_popped, r->o.probes);
	bpf_program__set_autoload(r->bpf->progs.on_push, r->o.probes);
	bpf_program__set_autoload(r->bpf->progs.on_pushed, r->o.probes);
	rc = record_bpf__load(r->bpf);
	if (rc)
		return refuse("load the BPF programs", rc, err, len);
	watch(r);
	r->ring = ring_buffer__new(bpf_map__fd(r->bpf->maps.events), on_event, r, NULL);
	return r->ring ? 0 : refuse("map the BPF ring buffer", errno, err, len);
}

static int find(struct kernel_recording *r, char *err, size_t len)
{
	if (r->o.queue)
		return kernel_match_fds(&r->head, (u32)r->o.pid, r->o.queue, r->o.queues, err, len);
	return kernel_find_fds(&r->head, (u32)r->o.pid, &r->seen, err, len);
}

struct kernel_recording *kernel_record_open(const struct kernel_options *o, char *err, size_t len)
{
	struct kernel_recording *r = calloc(1, sizeof(*r));
	const char *missing = kernel_missing();

	if (!r || missing) {
		snprintf(err, len, "%s", r ? missing : "out of memory");
		free(r);
		return NULL;
	}
	r->o = *o;
	kernel_add_process(&r->head, (u32)o->pid,
			   KERNEL_BACK_END | (o->inside ? KERNEL_INSIDE : 0));
	if (o->driver)
		kernel_add_process(&r->head, (u32)getpid(), KERNEL_DRIVER);
	if (find(r, err, len) || load(r, err, len) || make_file(r, err, len)) {
		kernel_record_close(r);
		return NULL;
	}
	return r;
}

/* --- on and off -------------------------------------------------------------------------------------- */

static void keep(struct kernel_recording *r, struct bpf_link *l, u8 kind)
{
	if (!l)
		return;
	r->head.sources |= 1u << kind;
	r->link[r->links++] = l;
}

static void attach_functions(struct kernel_recording *r)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", r->o.pid);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const bool pop = functions[i].pop;
		LIBBPF_OPTS(bpf_uprobe_opts, to, .func_name = functions[i].name,
			    .bpf_cookie = functions[i].queue | (u64)functions[i].element << 8);
		LIBBPF_OPTS(bpf_uprobe_opts, back, .func_name = functions[i].name,
			    .retprobe = true);

		keep(r,
		     bpf_program__attach_uprobe_opts(pop ? r->bpf->progs.on_pop
							 : r->bpf->progs.on_push,
						     r->o.pid, path, 0, &to),
		     KERNEL_PROBE);
		keep(r,
		     bpf_program__attach_uprobe_opts(pop ? r->bpf->progs.on_popped
							 : r->bpf->progs.on_pushed,
						     r->o.pid, path, 0, &back),
		     KERNEL_PROBE);
	}
}

/* A kernel without KVM, or of another version, lacks some. Without the first it is not worth while. */
static int attach(struct kernel_recording *r, char *err, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct bpf_program *p =
			bpf_object__find_program_by_name(r->bpf->obj, sources[i].program);
		struct bpf_link *l = bpf_program__attach(p);

		if (!l && sources[i].kind <= KERNEL_SWITCH)
			return refuse("attach to the kernel's tracepoints", errno, err, len);
		keep(r, l, sources[i].kind);
	}
	if (r->o.probes)
		attach_functions(r);
	if (r->o.probes && !(r->head.sources & 1u << KERNEL_PROBE)) {
		snprintf(err, len, "process %d has none of the functions that can be probed",
			 r->o.pid);
		return -1;
	}
	return 0;
}

static void detach(struct kernel_recording *r)
{
	for (unsigned i = 0; i < r->links; i++)
		bpf_link__destroy(r->link[i]);
	r->links = 0;
}

void kernel_record_ignore(struct kernel_recording *r, u32 tid)
{
	for (unsigned i = 0; i < ARRAY_SIZE(r->head.recorder); i++) {
		u32 none = 0;

		if (__atomic_compare_exchange_n(&r->head.recorder[i], &none, tid, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
	}
}

int kernel_record_start(struct kernel_recording *r, char *err, size_t len)
{
	r->began = buffer_moment(buffer_counter());
	r->head.begin_ns = buffer_gettime();
	if (attach(r, err, len)) {
		detach(r);
		return -1;
	}
	if (pthread_create(&r->thread, NULL, run, r)) {
		snprintf(err, len, "cannot start a thread");
		return -1;
	}
	r->running = true;
	return 0;
}

static u64 measured_hz(const struct kernel_recording *r)
{
	const struct buffer_moment end = buffer_moment(buffer_counter());

	if (!buffer_counter() || end.ns <= r->began.ns || end.ticks <= r->began.ticks)
		return 0;
	return (u64)((unsigned __int128)(end.ticks - r->began.ticks) * 1000000000 /
		     (end.ns - r->began.ns));
}

int kernel_record_stop(struct kernel_recording *r, u64 *lost, char *err, size_t len)
{
	*lost = 0;
	detach(r);
	if (r->running) {
		__atomic_store_n(&r->stop, 1, __ATOMIC_RELEASE);
		pthread_join(r->thread, NULL);
		r->running = false;
	}
	if (!r->f)
		return 0;
	look_again(r);
	ring_buffer__consume(r->ring);
	kernel_name_fds(&r->head, (u32)r->o.pid, r->use);
	r->head.end_ns = buffer_gettime();
	r->head.counter_hz = measured_hz(r);
	r->head.lost = *lost = r->bpf->bss->lost;
	if ((write_head(r) || fclose(r->f)) && !r->error)
		r->error = errno ? errno : EIO;
	r->f = NULL;
	if (!r->error)
		return 0;
	snprintf(err, len, "cannot write '%s/" KERNEL_FILE "': %s", r->o.dir, strerror(r->error));
	return -1;
}

void kernel_record_close(struct kernel_recording *r)
{
	char err[200];
	u64 lost;

	if (!r)
		return;
	if (r->running)
		kernel_record_stop(r, &lost, err, sizeof(err));
	detach(r);
	if (r->f)
		fclose(r->f);
	ring_buffer__free(r->ring);
	record_bpf__destroy(r->bpf);
	free(r);
}
