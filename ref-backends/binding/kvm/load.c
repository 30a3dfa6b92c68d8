// SPDX-License-Identifier: BSD-3-Clause
/* The PVH boot protocol (xen/include/public/arch-x86/hvm/start_info.h tells it): an ELF file of either
 * class with a note that names its 32-bit entry; EBX points to the start info. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/vm.h"

#define NOTE_PHYS32_ENTRY 18
#define START_MAGIC	  0x336ec578u
/* Below 1 MiB, where no image is. */
#define INFO_AT	    0x6000u
#define MAP_AT	    0x6100u
#define CMDLINE_AT  0x7000u
#define CMDLINE_MAX 4096u

struct start_info {
	u32 magic, version, flags, modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

struct map_entry {
	u64 addr, size;
	u32 type, reserved;
};

struct image {
	const u8 *data;
	size_t size;
	u64 entry; /* of PVH; ~0: none */
};

static int wrong(const char *kernel, const char *what)
{
	snprintf(vm_error, sizeof(vm_error), "%s: %s", kernel, what);
	return -1;
}

/* Bytes of the file, or NULL when they are not all there. */
static const void *at(const struct image *f, u64 offset, u64 len)
{
	return offset <= f->size && len <= f->size - offset ? f->data + offset : NULL;
}

/* One segment, of either class. */
struct segment {
	u32 type;
	u64 offset, addr, in_file, in_memory;
};

static bool segment(const struct image *f, unsigned i, struct segment *s)
{
	const u8 *ident = f->data;

	if (ident[EI_CLASS] == ELFCLASS64) {
		const Elf64_Ehdr *h = at(f, 0, sizeof(*h));
		const Elf64_Phdr *p =
			h ? at(f, h->e_phoff + (u64)i * h->e_phentsize, sizeof(*p)) : NULL;

		if (!p || i >= h->e_phnum)
			return false;
		*s = (struct segment){ p->p_type, p->p_offset, p->p_paddr, p->p_filesz,
				       p->p_memsz };
	} else {
		const Elf32_Ehdr *h = at(f, 0, sizeof(*h));
		const Elf32_Phdr *p =
			h ? at(f, h->e_phoff + (u64)i * h->e_phentsize, sizeof(*p)) : NULL;

		if (!p || i >= h->e_phnum)
			return false;
		*s = (struct segment){ p->p_type, p->p_offset, p->p_paddr, p->p_filesz,
				       p->p_memsz };
	}
	return true;
}

static void take_notes(struct image *f, const struct segment *s)
{
	u64 off = s->offset;

	while (off + sizeof(Elf32_Nhdr) <= s->offset + s->in_file) {
		const Elf32_Nhdr *n = at(f, off, sizeof(*n));
		u64 name = off + sizeof(*n), desc, next;
		const char *owner;

		if (!n)
			return;
		desc = name + ALIGN_UP((u64)n->n_namesz, 4);
		next = desc + ALIGN_UP((u64)n->n_descsz, 4);
		owner = at(f, name, n->n_namesz);
		if (owner && n->n_namesz == 4 && memcmp(owner, "Xen", 4) == 0 &&
		    n->n_type == NOTE_PHYS32_ENTRY && n->n_descsz >= 4 &&
		    at(f, desc, n->n_descsz)) {
			f->entry = 0;
			memcpy(&f->entry, f->data + desc, MIN(n->n_descsz, 8u));
		}
		off = next;
	}
}

static int load_image(struct vm *v, struct image *f, const char *kernel)
{
	struct segment s;

	if (f->size < sizeof(Elf32_Ehdr) || memcmp(f->data, ELFMAG, SELFMAG))
		return wrong(kernel, "not an ELF file");
	for (unsigned i = 0; segment(f, i, &s); i++) {
		u8 *to;

		if (s.type == PT_NOTE)
			take_notes(f, &s);
		if (s.type != PT_LOAD)
			continue;
		to = vm_memory(v, s.addr, s.in_memory);
		if (!to || s.in_file > s.in_memory || !at(f, s.offset, s.in_file))
			return wrong(kernel, "it does not fit into guest memory, or is cut");
		memcpy(to, f->data + s.offset, s.in_file);
	}
	if (f->entry > 0xffffffff)
		return wrong(kernel, "no PVH entry");
	return 0;
}

static int write_info(struct vm *v, const char *append, bool window)
{
	const struct map_entry map[] = {
		{ .addr = 0, .size = 0xa0000, .type = 1 },
		{ .addr = 1 << 20, .size = v->ram_size - (1 << 20), .type = 1 },
	};
	const struct start_info info = {
		.magic = START_MAGIC,
		.version = 1,
		.cmdline = CMDLINE_AT,
		.memmap = MAP_AT,
		.memmap_entries = ARRAY_SIZE(map),
	};
	char *const words = (char *)v->ram + CMDLINE_AT;
	const int n = window ? snprintf(words, CMDLINE_MAX, "%s virtio_mmio.device=0x%x@0x%x:%u",
					append, KVM_WINDOW_SIZE, KVM_WINDOW, KVM_WINDOW_LINE)
			     : snprintf(words, CMDLINE_MAX, "%s", append);

	if (n < 0 || (unsigned)n >= CMDLINE_MAX) {
		errno = E2BIG;
		return vm_failed("the command line");
	}
	memcpy(v->ram + INFO_AT, &info, sizeof(info));
	memcpy(v->ram + MAP_AT, map, sizeof(map));
	return 0;
}

int vm_load(struct vm *v, const char *kernel, const char *append, bool window)
{
	struct image f = { .entry = ~0ull };
	int fd = open(kernel, O_RDONLY | O_CLOEXEC), status;
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st)) {
		vm_failed(kernel);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	f.size = (size_t)st.st_size;
	data = mmap(NULL, MAX(f.size, 1u), PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return vm_failed(kernel);
	f.data = data;
	status = load_image(v, &f, kernel) || write_info(v, append, window) ||
		 vm_start_at(v, (u32)f.entry, INFO_AT);
	munmap(data, MAX(f.size, 1u));
	return status ? -1 : 0;
}
