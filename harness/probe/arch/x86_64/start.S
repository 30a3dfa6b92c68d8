/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry in 32-bit protected mode without paging, as PVH (note below) and multiboot have it, and the
 * way to 64 bit: the first 4 GiB mapped one to one in 2 MiB pages, SSE on, since the code that is
 * shared with the host uses it.
 */
#define PVH_MAGIC 0x336ec578 /* hvm_start_info.magic: also what we call this way in */

	/* Xen's note: where a PVH loader enters. */
	.section .note.pvh, "a", @note
	.align	4
	.long	4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	pvh_start

	.section .text.start, "ax"
	.code32
	.global	pvh_start, multiboot_start
pvh_start:
	mov	$PVH_MAGIC, %eax
multiboot_start: /* eax: the loader's magic */
	cli
	cld
	mov	$stack_top, %esp
	mov	%eax, %ebp
	mov	%ebx, %esi

	/* pml4[0] → pdpt[0…3] → four pages of 512 entries of 2 MiB. */
	mov	$pdpt + 3, %eax
	mov	%eax, pml4
	mov	$pdpt, %edi
	mov	$pd + 3, %eax
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$4096, %eax
	loop	1b
	mov	$pd, %edi
	mov	$0x83, %eax /* present, writable, large */
	mov	$2048, %ecx
2:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	2b

	mov	%cr4, %eax
	or	$0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx /* EFER.LME */
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	and	$~0xc, %eax /* not EM, TS */
	or	$0x80000003, %eax /* PG, MP, PE */
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$0x08, $long_mode

	.code64
long_mode:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$stack_top, %rsp
	mov	%ebp, %edi
	mov	%esi, %esi
	call	x86_start
	ud2

	.section .rodata
	.align	8
gdt_pointer:
	.word	gdt_end - x86_gdt - 1
	.long	x86_gdt

	.data
	.align	8
	.global	x86_gdt
x86_gdt:
	.quad	0
	.quad	0x00af9b000000ffff /* 0x08 code, 64 bit */
	.quad	0x00cf93000000ffff /* 0x10 data */
	.quad	0, 0		   /* 0x18 task state, filled in by trap.c */
gdt_end:

	.bss
	.align	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4 * 4096
	.skip	65536
stack_top:

	.section .note.GNU-stack, "", @progbits
