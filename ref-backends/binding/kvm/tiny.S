/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The least that an ordinary guest does: from 32-bit protected mode to long mode with its own page tables,
 * SSE, a loop that an emulated kernel mode takes seconds for, and a word to port 0xf4. Placed and entered at
 * 0x10000.
 */
#define AT(label) (0x10000 + (label) - kvm_tiny)

	.section .rodata
	.global	kvm_tiny, kvm_tiny_end
	.code32
kvm_tiny:
	mov	$0x21003, %eax		/* pml4 at 0x20000, pdpt at 0x21000: one page of 1 GiB is not
					 * everywhere, so a directory at 0x22000 */
	mov	%eax, 0x20000
	movl	$0x22003, 0x21000
	movl	$0x83, 0x22000
	mov	%cr4, %eax
	or	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$0x20000, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	and	$~0xc, %eax
	or	$0x80000003, %eax
	mov	%eax, %cr0
	lgdt	AT(pointer)
	ljmp	$0x08, $AT(long_mode)
	.code64
long_mode:
	pxor	%xmm0, %xmm0
	pcmpeqd	%xmm1, %xmm1
	paddd	%xmm1, %xmm0
	movd	%xmm0, %ebx		/* -1 */
	mov	$20000000, %ecx
1:	dec	%ecx
	jnz	1b
	lea	0x11(%rbx), %eax	/* 0x10 */
	out	%al, $0xf4
	hlt
	.balign	8
gdt:	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
pointer:
	.word	pointer - gdt - 1
	.long	AT(gdt)
kvm_tiny_end:

	.section .note.GNU-stack, "", @progbits
