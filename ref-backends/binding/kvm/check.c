// SPDX-License-Identifier: BSD-3-Clause
/* Does KVM run an ordinary guest here? There are those that emulate what a guest does in kernel mode. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "ref-backends/binding/kvm/vm.h"

#define TINY_AT	  0x10000u
#define SECONDS	  5 /* a processor of the last twenty years needs a hundredth of one */
#define TINY_DONE 0x10

extern const u8 kvm_tiny[], kvm_tiny_end[];

static void on_alarm(int number)
{
}

static const char *run_tiny(struct vm *v)
{
	static char text[160];
	const struct kvm_run *run = v->run;

	memcpy(v->ram + TINY_AT, kvm_tiny, (size_t)(kvm_tiny_end - kvm_tiny));
	if (vm_start_at(v, TINY_AT, 0))
		return vm_error;
	if (ioctl(v->vcpu, KVM_RUN, 0))
		return errno == EINTR
			       ? "a tiny guest has not done in 5 s what takes a hundredth of "
				 "one: its kernel mode is emulated, or hangs"
			       : strerror(errno);
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == 0xf4 &&
	    *((const u8 *)run + run->io.data_offset) == TINY_DONE)
		return NULL;
	snprintf(text, sizeof(text), "a tiny guest ended with exit %u", run->exit_reason);
	return text;
}

const char *kvm_check(void)
{
	struct sigaction action = { .sa_handler = on_alarm }, old;
	struct itimerval timer = { .it_value.tv_sec = SECONDS }, none = { 0 };
	const char *why;
	struct vm v;

	if (vm_open(&v, 1 << 20, false)) {
		vm_close(&v);
		return vm_error;
	}
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &timer, NULL);
	why = run_tiny(&v);
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &old, NULL);
	vm_close(&v);
	return why;
}
