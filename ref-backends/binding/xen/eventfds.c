// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/eventfds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xen/hvm/dm_op.h>

#include "ref-backends/binding/xen/interrupt.h"

/* Newer than the headers of Debian 12: include/uapi/xen/privcmd.h. */
struct irqfd {
	u64 dm_op;
	u32 size, fd, flags;
	u16 domain;
	u8 pad[2];
};

struct ioeventfd {
	u64 ioreq, ports, addr;
	u32 addr_len, event_fd, vcpus, vq, flags;
	u16 domain;
	u8 pad[2];
};

#define IRQFD	  _IOW('P', 8, struct irqfd)
#define IOEVENTFD _IOW('P', 9, struct ioeventfd)
#define DEASSIGN  1u

/* What dom0 is: "PV", "PVH", … */
static bool guest_type(char *text, size_t room)
{
	FILE *f = fopen("/sys/hypervisor/guest_type", "re");
	const bool read = f && fgets(text, (int)room, f);

	if (f)
		fclose(f);
	if (read)
		text[strcspn(text, "\n")] = '\0';
	return read;
}

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what,
		errno == EOPNOTSUPP || errno == ENOTTY
			? "the kernel has none of it (CONFIG_XEN_PRIVCMD_EVENTFD)"
			: strerror(errno));
	return -1;
}

int eventfds_open(struct eventfds *e, const struct xen_ioreq *s)
{
	char type[16];

	*e = (struct eventfds){ .ioreq = s, .privcmd = -1 };
	if (!guest_type(type, sizeof(type)))
		return failed("/sys/hypervisor/guest_type");
	if (strcmp(type, "PV") == 0) {
		fputs("ringside-xen: eventfds need a PVH dom0: the kernel of a PV dom0 does not find "
		      "the page of requests\n",
		      stderr);
		return -1;
	}
	e->privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	return e->privcmd < 0 ? failed("/dev/xen/privcmd") : 0;
}

void eventfds_close(struct eventfds *e)
{
	if (e->privcmd >= 0)
		close(e->privcmd);
	e->privcmd = -1;
}

int eventfds_kick(const struct eventfds *e, u64 base, u16 queue, int fd, bool on)
{
	u32 port = e->ioreq->port; /* of the guest's only processor */
	struct ioeventfd a = {
		.ioreq = (u64)(uintptr_t)e->ioreq->page,
		.ports = (u64)(uintptr_t)&port,
		.addr = base,
		.addr_len = 4,
		.event_fd = (u32)fd,
		.vcpus = 1,
		.vq = queue,
		.flags = on ? 0 : DEASSIGN,
		.domain = (u16)e->ioreq->domain,
	};

	return ioctl(e->privcmd, IOEVENTFD, &a) ? failed("ioeventfd") : 0;
}

int eventfds_msi(const struct eventfds *e, u8 vector, int fd, bool on)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_inject_msi,
		.u.inject_msi = { .data = vector, .addr = XEN_MSI_ADDRESS },
	};
	struct irqfd a = {
		.dm_op = (u64)(uintptr_t)&op,
		.size = sizeof(op),
		.fd = (u32)fd,
		.flags = on ? 0 : DEASSIGN,
		.domain = (u16)e->ioreq->domain,
	};

	return ioctl(e->privcmd, IRQFD, &a) ? failed("irqfd") : 0;
}
