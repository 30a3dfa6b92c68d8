// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/domain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xentoollog.h>

#include "ref-backends/binding/xen/arch.h"

#define PAGE	   4096u
#define WORDS_MAX  4096
#define EVTCHN_MAX 1023
#define POOL_BYTES (4ull << 20) /* for the guest's second level of page tables */
#define SPARE_KB   1024		/* start info, grant table, ioreq pages */

static int failed(const struct xen_domain *d, const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	(void)d;
	return -1;
}

static int make(struct xen_domain *d, const struct xen_domain_opts *o)
{
	struct xen_domctl_createdomain config = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = 1,
		.max_evtchn_port = EVTCHN_MAX,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	const u64 max_kb = (d->ram_size + o->channel_size) / 1024 + SPARE_KB;

	xen_arch_config(&config, o);
	memcpy(config.handle, "ringside-xen-dom", sizeof(config.handle));
	if (xc_domain_create(d->xch, &d->id, &config)) {
		d->id = 0;
		return failed(d, "the domain could not be created");
	}
	if (xc_domain_max_vcpus(d->xch, d->id, 1) ||
	    xc_set_paging_mempool_size(d->xch, d->id, POOL_BYTES) ||
	    xc_domain_setmaxmem(d->xch, d->id, max_kb))
		return failed(d, "the domain's limits");
	return xen_arch_processor(d, o, &config);
}

/* Everything that libxenguest does: memory, kernel, start info, the processor's registers. */
static int load(struct xen_domain *d, const struct xen_domain_opts *o, struct xc_dom_image *image)
{
	image->container_type = XC_DOM_HVM_CONTAINER;
	image->max_vcpus = 1;
	image->target_pages = d->ram_size / PAGE;
	if (xen_arch_describe(d, o, image))
		return -1;
	if (xc_dom_kernel_file(image, o->kernel))
		return failed(d, o->kernel);
	if (xc_dom_boot_xen_init(image, d->xch, d->id) || xc_dom_parse_image(image))
		return failed(d, "the kernel is none that Xen can enter");
	if (xc_dom_mem_init(image, (unsigned)(o->ram_size >> 20)) || xc_dom_boot_mem_init(image))
		return failed(d, "the domain's memory");
	if (xc_dom_build_image(image) || xc_dom_boot_image(image) || xc_dom_gnttab_init(image))
		return failed(d, "the domain could not be built");
	return 0;
}

static int build(struct xen_domain *d, const struct xen_domain_opts *o)
{
	char words[WORDS_MAX];
	struct xc_dom_image *image;
	int n, rc;

	n = d->upcall_port
		    ? snprintf(words, sizeof(words), "%s xen.upcall=%u", o->words, d->upcall_port)
		    : snprintf(words, sizeof(words), "%s", o->words);
	if (n < 0 || (size_t)n >= sizeof(words)) {
		errno = E2BIG;
		return failed(d, "the guest's command line");
	}
	image = xc_dom_allocate(d->xch, words, NULL);
	if (!image)
		return failed(d, "the domain's image");
	rc = load(d, o, image);
	xen_arch_undescribe(image);
	xc_dom_release(image);
	return rc;
}

/* Event channels whose other end is ours; the first two are what start info has to have. */
static int make_channels(struct xen_domain *d, const struct xen_domain_opts *o)
{
	int port;

	if (!o->upcall)
		return 0;
	port = xc_evtchn_alloc_unbound(d->xch, d->id, 0);
	if (port < 0)
		return failed(d, "the event channel for interrupts");
	d->upcall_port = (u32)port;
	return 0;
}

static int add_channel(struct xen_domain *d, u64 size)
{
	const u64 first = xen_channel_base(d->ram_size) / PAGE;
	xen_pfn_t frames[512];

	for (u64 at = 0; at < size / PAGE;) {
		const unsigned n = (unsigned)MIN(size / PAGE - at, ARRAY_SIZE(frames));

		for (unsigned i = 0; i < n; i++)
			frames[i] = first + at + i;
		if (xc_domain_populate_physmap_exact(d->xch, d->id, n, 0, 0, frames))
			return failed(d, "memory for the guest's results");
		at += n;
	}
	return 0;
}

int xen_domain_create(struct xen_domain *d, const struct xen_domain_opts *o)
{
	*d = (struct xen_domain){ .ram_size = o->ram_size };
	d->log = (struct xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_WARN, 0);
	d->xch = xc_interface_open(d->log, d->log, 0);
	if (!d->xch) {
		failed(d, "no way to the hypervisor");
		xen_domain_destroy(d);
		return -1;
	}
	if (make(d, o) || make_channels(d, o) || build(d, o) || add_channel(d, o->channel_size)) {
		xen_domain_destroy(d);
		return -1;
	}
	return 0;
}

int xen_domain_unpause(struct xen_domain *d)
{
	return xc_domain_unpause(d->xch, d->id) ? failed(d, "the domain does not start") : 0;
}

void xen_domain_destroy(struct xen_domain *d)
{
	if (d->xch && d->id && xc_domain_destroy(d->xch, d->id))
		failed(d, "the domain could not be destroyed");
	d->id = 0;
	if (d->xch)
		xc_interface_close(d->xch);
	d->xch = NULL;
	if (d->log)
		xtl_logger_destroy(d->log);
	d->log = NULL;
}

enum xen_domain_state xen_domain_look(const struct xen_domain *d)
{
	static const u8 states[] = {
		[SHUTDOWN_poweroff] = XEN_DOMAIN_OFF,
		[SHUTDOWN_reboot] = XEN_DOMAIN_REBOOTS,
		[SHUTDOWN_suspend] = XEN_DOMAIN_OFF,
		[SHUTDOWN_crash] = XEN_DOMAIN_CRASHED,
	};
	xc_dominfo_t info;

	if (xc_domain_getinfo(d->xch, d->id, 1, &info) != 1 || info.domid != d->id)
		return XEN_DOMAIN_GONE;
	if (info.dying)
		return XEN_DOMAIN_GONE;
	if (!info.shutdown)
		return info.crashed ? XEN_DOMAIN_CRASHED : XEN_DOMAIN_RUNS;
	if (info.shutdown_reason >= ARRAY_SIZE(states))
		return XEN_DOMAIN_CRASHED;
	return states[info.shutdown_reason];
}
