/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest ordinary guest: into 64-bit mode with paging, some kernel-mode work, and out through
 * isa-debug-exit. A machine can have /dev/kvm and still not run it, or only by emulating each
 * instruction; the time that it takes tells.
 */
#define MAGIC	   0x1badb002
#define FLAGS	   0x00010000 /* the load addresses below count */
#define ITERATIONS 50000000
#define DONE	   0x10

	.section .text, "ax"
	.code32
	.globl _start
multiboot:
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long	multiboot, multiboot, 0, 0, _start

_start:
	/* One gigabyte mapped as it is, in pages of 2 MiB. */
	movl	$pd, %edi
	movl	$0x83, %eax
1:	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	cmpl	$pd + 4096, %edi
	jb	1b
	movl	$pd + 3, pdpt
	movl	$pdpt + 3, pml4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax /* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax /* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax /* PG, PE */
	movl	%eax, %cr0
	lgdt	gdtr
	ljmp	$8, $long_mode

	.code64
long_mode:
	movl	$ITERATIONS, %ecx
2:	decl	%ecx
	jnz	2b
	movl	$DONE, %eax
	outl	%eax, $0xf4
3:	hlt
	jmp	3b

	.balign	8
gdt:
	.quad	0, 0x00af9a000000ffff
gdtr:
	.word	. - gdt - 1
	.long	gdt

	.balign	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4096

	.section .note.GNU-stack, "", @progbits
