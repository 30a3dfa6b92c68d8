// SPDX-License-Identifier: BSD-3-Clause
/* A guest's image, in guest memory: segments, the PVH note, command line and memory map. */
#include "tests/unit/kvm_calls.h"

#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM	 (4u << 20)
#define LOAD_AT	 0x100000u
#define ENTRY	 0x100040u
#define NOTES_AT 0x200u
#define CODE_AT	 0x400u
#define CODE	 0x80u

/* hvm_start_info and hvm_memmap_table_entry of the boot protocol. */
struct start_info {
	u32 magic, version, flags, modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

struct map_entry {
	u64 addr, size;
	u32 type, reserved;
};

static struct vm vm = { .kvm = -1, .vm = -1, .vcpu = -1, .ram_fd = -1, .ram_size = RAM };

/* A file of either class: a segment of notes, and one of code with room behind it. */
static u8 file[CODE_AT + CODE];
static size_t file_size;

static void put_note(u32 type, const char *owner, const void *desc, u32 size, u8 **at)
{
	const Elf32_Nhdr n = { (u32)strlen(owner) + 1, size, type };

	memcpy(*at, &n, sizeof(n));
	*at += sizeof(n);
	memcpy(*at, owner, n.n_namesz);
	*at += ALIGN_UP(n.n_namesz, 4);
	memcpy(*at, desc, size);
	*at += ALIGN_UP(size, 4);
}

static u32 put_notes(void)
{
	u8 *at = file + NOTES_AT;
	const u32 entry = ENTRY, other = 7;

	put_note(1, "GNU", &other, sizeof(other), &at);
	put_note(5, "Xen", &other, sizeof(other), &at);
	put_note(18, "Xen", &entry, sizeof(entry), &at);
	return (u32)(at - file) - NOTES_AT;
}

/* The same file in the two layouts that ELF has. */
#define MAKE(bits)                                                                                 \
	static void make##bits(void)                                                               \
	{                                                                                          \
		Elf##bits##_Ehdr h = { .e_phoff = sizeof(h),                                       \
				       .e_phentsize = sizeof(Elf##bits##_Phdr),                    \
				       .e_phnum = 2 };                                             \
		Elf##bits##_Phdr p[2] = {                                                          \
			{ .p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = put_notes() },      \
			{ .p_type = PT_LOAD,                                                       \
			  .p_offset = CODE_AT,                                                     \
			  .p_paddr = LOAD_AT,                                                      \
			  .p_filesz = CODE,                                                        \
			  .p_memsz = 0x1000 }                                                      \
		};                                                                                 \
                                                                                                   \
		memcpy(h.e_ident, ELFMAG, SELFMAG);                                                \
		h.e_ident[EI_CLASS] = ELFCLASS##bits;                                              \
		memcpy(file, &h, sizeof(h));                                                       \
		memcpy(file + sizeof(h), p, sizeof(p));                                            \
	}

MAKE(64)
MAKE(32)

static Elf64_Phdr *code64(void)
{
	return (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr)) + 1;
}

static int setup(void **state)
{
	memset(file, 0, sizeof(file));
	memset(file + CODE_AT, 0x90, CODE);
	file_size = sizeof(file);
	make64();
	calls_forget();
	memset(&calls.regs, 0, sizeof(calls.regs));
	vm_error[0] = '\0';
	vm.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return vm.ram == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	return munmap(vm.ram, RAM);
}

static int load(const char *append)
{
	char path[32];
	int fd = memfd_create("kernel", MFD_CLOEXEC), status;

	assert_int_equal(write(fd, file, file_size), file_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = vm_load(&vm, path, append, true);
	close(fd);
	return status;
}

static void refused(const char *why)
{
	assert_int_equal(load(""), -1);
	if (!strstr(vm_error, why))
		fail_msg("'%s' does not say '%s'", vm_error, why);
}

static void is_loaded(void)
{
	assert_int_equal(load("job=list"), 0);
	assert_int_equal(vm.ram[LOAD_AT], 0x90);
	assert_int_equal(vm.ram[LOAD_AT + CODE - 1], 0x90);
	assert_int_equal(vm.ram[LOAD_AT + CODE], 0);
	/* 32-bit protected mode, no paging, interrupts off. */
	assert_int_equal(calls.regs.rip, ENTRY);
	assert_int_equal(calls.regs.rflags, 2);
	assert_int_equal(calls.sregs.cr0 & 0x80000001, 1);
	assert_int_equal(calls.sregs.cr4, 0);
	assert_true(calls.sregs.cs.db && calls.sregs.cs.limit == 0xffffffff);
}

static void a_64_bit_file(void **state)
{
	is_loaded();
}

static void a_32_bit_file(void **state)
{
	memset(file, 0, CODE_AT);
	make32();
	is_loaded();
}

static void the_start_info(void **state)
{
	struct start_info info;
	struct map_entry map[2];

	assert_int_equal(load("job=list device=blk"), 0);
	memcpy(&info, vm.ram + calls.regs.rbx, sizeof(info));
	assert_int_equal(info.magic, 0x336ec578);
	assert_int_equal(info.version, 1);
	assert_int_equal(info.memmap_entries, 2);
	assert_int_equal(info.modules, 0);
	memcpy(map, vm.ram + info.memmap, sizeof(map));
	assert_int_equal(map[0].addr, 0);
	assert_int_equal(map[0].type, 1);
	assert_int_equal(map[1].addr, 1 << 20);
	assert_int_equal(map[1].addr + map[1].size, RAM);
	assert_string_equal((char *)vm.ram + info.cmdline,
			    "job=list device=blk virtio_mmio.device=0x200@0xfeb00000:5");
}

static void a_command_line_of_any_length(void **state)
{
	static char text[8192];

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(load(text), -1);
	assert_non_null(strstr(vm_error, "the command line"));
}

static void no_elf_file(void **state)
{
	file[1] = 'x';
	refused("not an ELF file");
	setup(state);
	file_size = 20;
	refused("not an ELF file");
	setup(state);
	file_size = 0;
	refused("not an ELF file");
}

static void no_entry(void **state)
{
	memset(file + NOTES_AT, 0, CODE_AT - NOTES_AT);
	refused("no PVH entry");
}

static void notes_that_are_cut(void **state)
{
	Elf64_Phdr *notes = code64() - 1;

	/* The entry's own note is not wholly in the file. */
	notes->p_filesz = 1u << 20;
	memmove(file + CODE_AT + CODE - 8, file + NOTES_AT, 8);
	notes->p_offset = CODE_AT + CODE - 8;
	refused("no PVH entry");
	setup(state);
	notes->p_offset = ~0ull - 4;
	refused("no PVH entry");
}

static void a_segment_outside(void **state)
{
	code64()->p_paddr = RAM - 0x800;
	refused("does not fit");
	setup(state);
	code64()->p_paddr = ~0ull - 0x7ff;
	refused("does not fit");
	setup(state);
	code64()->p_memsz = CODE - 1; /* more in the file than in memory */
	refused("does not fit");
	setup(state);
	code64()->p_offset = CODE_AT + 1;
	refused("does not fit");
	setup(state);
	code64()->p_offset = ~0ull;
	refused("does not fit");
}

static void headers_outside(void **state)
{
	((Elf64_Ehdr *)file)->e_phoff = ~0ull - 8;
	refused("no PVH entry");
	setup(state);
	((Elf64_Ehdr *)file)->e_phoff = sizeof(file) - 8;
	refused("no PVH entry");
}

static void no_file(void **state)
{
	assert_int_equal(vm_load(&vm, "/nonexistent/kernel", "", true), -1);
	assert_non_null(strstr(vm_error, "/nonexistent/kernel: No such file"));
}

static void a_processor_that_refuses(void **state)
{
	calls.refused = KVM_SET_SREGS;
	refused("KVM_SET_SREGS");
	calls.refused = KVM_SET_REGS;
	refused("KVM_SET_REGS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_64_bit_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_32_bit_file, setup, teardown),
		cmocka_unit_test_setup_teardown(the_start_info, setup, teardown),
		cmocka_unit_test_setup_teardown(a_command_line_of_any_length, setup, teardown),
		cmocka_unit_test_setup_teardown(no_elf_file, setup, teardown),
		cmocka_unit_test_setup_teardown(no_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(notes_that_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_segment_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(headers_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_processor_that_refuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
