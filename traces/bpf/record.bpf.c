// SPDX-License-Identifier: BSD-3-Clause
/*
 * The programs. Each sits on a tracepoint and writes one event. For a process that is not of interest that is some
 * comparisons; front-ends may come while it is recorded.
 *
 * Tracepoints whose arguments have to be looked into are attached to by their types in the kernel's BTF; the others
 * by name, which also finds those of modules.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "traces/bpf/event.h"
#include "traces/bpf/kernel.h"

/* What the kernel asks a program to say that calls its helpers; the file's licence allows it. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

u32 watched[KERNEL_PROCESSES];
u32 roles[KERNEL_PROCESSES];
const volatile u8 call_of[KERNEL_NUMBERS]; /* enum kernel_call */
u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} events SEC(".maps");

/* The system call that a thread is in, or the function. */
struct pending {
	u64 begin, argument, more;
	u32 what;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct pending);
} pending SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, u32);
} blocks SEC(".maps");

static __always_inline u32 role_of(u32 pid)
{
	u32 found = 0;

#pragma unroll
	for (int i = 0; i < KERNEL_PROCESSES; i++)
		if (watched[i] == pid)
			found = roles[i];
	return pid ? found : 0;
}

static __always_inline struct kernel_event *begin(u8 kind, u8 what)
{
	struct kernel_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	const u64 id = bpf_get_current_pid_tgid();

	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	e->ns = bpf_ktime_get_ns();
	e->pid = id >> 32;
	e->tid = (u32)id;
	e->cpu = (u16)bpf_get_smp_processor_id();
	e->kind = kind;
	e->what = what;
	return e;
}

/* The recorder looks after a while: waking it for each would cost more than all the rest. */
static __always_inline int end(struct kernel_event *e, u32 a, u64 b, u64 c)
{
	if (!e)
		return 0;
	e->a = a;
	e->b = b;
	e->c = c;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline u32 role_of_current(void)
{
	return role_of(bpf_get_current_pid_tgid() >> 32);
}

/* --- system calls ------------------------------------------------------------------------------------ */

SEC("tp_btf/sys_enter")
int on_sys_enter(u64 *ctx)
{
	const struct pt_regs *regs = (const struct pt_regs *)ctx[0];
	const u64 thread = (u32)bpf_get_current_pid_tgid();
	const u32 what =
		ctx[1] < KERNEL_NUMBERS ? call_of[ctx[1] & (KERNEL_NUMBERS - 1)] : KERNEL_OTHER;
	const u32 role = role_of_current();
	struct pending p;

	if (what == KERNEL_TRACER)
		return 0;
	/* A front-end passes notifications on. */
	if (!(role & KERNEL_BACK_END) &&
	    !(role & KERNEL_FRONT_END && (what == KERNEL_READ || what == KERNEL_WRITE)))
		return 0;
	p = (struct pending){
		.begin = bpf_ktime_get_ns(),
		.argument = CALL_ARGUMENT(regs),
		.what = what,
	};
	bpf_map_update_elem(&pending, &thread, &p, BPF_ANY);
	return 0;
}

SEC("tp_btf/sys_exit")
int on_sys_exit(u64 *ctx)
{
	const u64 thread = (u32)bpf_get_current_pid_tgid();
	const struct pending *p;
	struct kernel_event *e;

	if (!(role_of_current() & (KERNEL_BACK_END | KERNEL_FRONT_END)))
		return 0;
	p = bpf_map_lookup_elem(&pending, &thread);
	if (!p)
		return 0; /* it began before the recording */
	e = begin(KERNEL_CALL, (u8)p->what);
	if (e)
		end(e, (u32)p->argument, e->ns - p->begin, ctx[1]);
	bpf_map_delete_elem(&pending, &thread);
	return 0;
}

/* --- threads and processors ---------------------------------------------------------------------------- */

SEC("tp_btf/sched_wakeup")
int on_wakeup(u64 *ctx)
{
	const struct task_struct *task = (const struct task_struct *)ctx[0];

	if (!role_of((u32)task->tgid))
		return 0;
	return end(begin(KERNEL_WAKEUP, 0), (u32)task->pid, (u32)task->tgid, 0);
}

static __always_inline bool may_go_on(const struct task_struct *task)
{
	const struct task_struct___before_5_14 *old = (const void *)task;

	if (bpf_core_field_exists(task->__state))
		return !BPF_CORE_READ(task, __state);
	return !BPF_CORE_READ(old, state);
}

/* All of them: what else a processor had to do is what makes a request wait. */
SEC("tp_btf/sched_switch")
int on_switch(u64 *ctx)
{
	const struct task_struct *before = (const struct task_struct *)ctx[1];
	const struct task_struct *next = (const struct task_struct *)ctx[2];
	struct kernel_event *e = begin(KERNEL_SWITCH, !may_go_on(before));

	if (!e)
		return 0;
	e->a = (u32)next->pid;
	bpf_probe_read_kernel(&e->b, KERNEL_NAME, next->comm);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/* --- guests ------------------------------------------------------------------------------------------ */

SEC("raw_tp/kvm_exit")
int on_kvm_exit(u64 *ctx)
{
	if (!(role_of_current() & KERNEL_FRONT_END))
		return 0;
	return end(begin(KERNEL_EXIT, 0), 0, 0, 0);
}

SEC("raw_tp/kvm_mmio")
int on_kvm_mmio(u64 *ctx)
{
	u64 value = 0;

	if (!(role_of_current() & KERNEL_FRONT_END))
		return 0;
	if (ctx[3])
		bpf_probe_read_kernel(&value, sizeof(value), (const void *)ctx[3]);
	return end(begin(KERNEL_MMIO, (u8)ctx[0]), (u32)ctx[1], ctx[2], value);
}

SEC("raw_tp/kvm_fast_mmio")
int on_kvm_fast_mmio(u64 *ctx)
{
	if (!(role_of_current() & KERNEL_FRONT_END))
		return 0;
	return end(begin(KERNEL_FAST_MMIO, 0), 0, ctx[0], 0);
}

/* Whoever writes to the descriptor, or a thread of the kernel on their behalf. */
SEC("raw_tp/kvm_msi_set_irq")
int on_kvm_msi(u64 *ctx)
{
	return end(begin(KERNEL_IRQ, 1), 0, ctx[0], ctx[1]);
}

SEC("raw_tp/kvm_set_irq")
int on_kvm_irq(u64 *ctx)
{
	/* Its being taken back is none. */
	if (!(int)ctx[1])
		return 0;
	return end(begin(KERNEL_IRQ, 0), (u32)ctx[0], ctx[1], 0);
}

/* --- input and output -------------------------------------------------------------------------------- */

static __always_inline int on_io(u8 kind, const void *req)
{
	const struct io_kiocb *r = req;

	if (!req || !bpf_core_field_exists(r->opcode) || !(role_of_current() & KERNEL_BACK_END))
		return 0;
	return end(begin(kind, BPF_CORE_READ(r, opcode)), 0, (u64)req, 0);
}

/* Since Linux 6.4 … */
SEC("raw_tp/io_uring_submit_req")
int on_io_submit_req(u64 *ctx)
{
	return on_io(KERNEL_IO_BEGIN, (const void *)ctx[0]);
}

/* … and 6.0. */
SEC("raw_tp/io_uring_submit_sqe")
int on_io_submit_sqe(u64 *ctx)
{
	return on_io(KERNEL_IO_BEGIN, (const void *)ctx[0]);
}

SEC("raw_tp/io_uring_complete")
int on_io_complete(u64 *ctx)
{
	return on_io(KERNEL_IO_END, (const void *)ctx[1]);
}

/* Since Linux 5.11. */
SEC("raw_tp/block_rq_issue")
int on_block_issue(u64 *ctx)
{
	const u64 rq = ctx[0];
	const u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!(role_of(pid) & KERNEL_BACK_END))
		return 0;
	bpf_map_update_elem(&blocks, &rq, &pid, BPF_ANY);
	return end(begin(KERNEL_BLOCK_BEGIN, 0), pid, rq, 0);
}

SEC("raw_tp/block_rq_complete")
int on_block_complete(u64 *ctx)
{
	const u64 rq = ctx[0];
	const u32 *pid = bpf_map_lookup_elem(&blocks, &rq);

	if (!pid)
		return 0;
	end(begin(KERNEL_BLOCK_END, 0), *pid, rq, 0);
	bpf_map_delete_elem(&blocks, &rq);
	return 0;
}

/* --- functions of a back-end --------------------------------------------------------------------------- */

/*
 * The cookie says which argument is the queue, and which the element: what was taken from the ring, whose first
 * member is the head.
 */
static __always_inline u64 argument(const struct pt_regs *regs, u32 n)
{
	u64 one = ARGUMENT_1(regs), two = ARGUMENT_2(regs), three = ARGUMENT_3(regs);

	/* All are read, each from where it is: an address that depends on something the kernel refuses. */
	__asm__ volatile("" : "+r"(one), "+r"(two), "+r"(three));
	n &= 3;
	return !n ? one : n == 1 ? two : three;
}

/* System calls of the thread are another key. */
static __always_inline u64 probe_key(void)
{
	return (u64)1 << 32 | (u32)bpf_get_current_pid_tgid();
}

static __always_inline u32 head_at(u64 element)
{
	u32 head = 0;

	bpf_probe_read_user(&head, sizeof(head), (const void *)element);
	return head;
}

SEC("uprobe")
int on_pop(struct pt_regs *ctx)
{
	const u64 cookie = bpf_get_attach_cookie(ctx), key = probe_key();
	const struct pending p = { .argument = argument(ctx, (u32)cookie) };

	bpf_map_update_elem(&pending, &key, &p, BPF_ANY);
	return 0;
}

SEC("uretprobe")
int on_popped(struct pt_regs *ctx)
{
	const u64 key = probe_key(), element = RETURNED(ctx);
	const struct pending *p = bpf_map_lookup_elem(&pending, &key);

	if (p && element)
		end(begin(KERNEL_PROBE, KERNEL_POP), head_at(element), p->argument, 0);
	if (p)
		bpf_map_delete_elem(&pending, &key);
	return 0;
}

SEC("uprobe")
int on_push(struct pt_regs *ctx)
{
	const u64 cookie = bpf_get_attach_cookie(ctx), key = probe_key();
	const u64 queue = argument(ctx, (u32)cookie);
	const u32 head = head_at(argument(ctx, (u32)(cookie >> 8)));
	const struct pending p = { .argument = queue, .more = head };

	bpf_map_update_elem(&pending, &key, &p, BPF_ANY);
	return end(begin(KERNEL_PROBE, KERNEL_PUSH), head, queue, 0);
}

SEC("uretprobe")
int on_pushed(struct pt_regs *ctx)
{
	const u64 key = probe_key();
	const struct pending *p = bpf_map_lookup_elem(&pending, &key);

	if (!p)
		return 0;
	end(begin(KERNEL_PROBE, KERNEL_PUSHED), (u32)p->more, p->argument, 0);
	bpf_map_delete_elem(&pending, &key);
	return 0;
}
