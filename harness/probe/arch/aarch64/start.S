/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image header of the arm64 Linux boot protocol: loaded anywhere, entered with the MMU off and the
 * device tree's address in x0.
 */
	.section .text.head, "ax"
	.global	_start
_start:
	b	start
	.long	0

	/* link.ld puts text offset and image size between: a size is no address to relocate. */
	.section .text.start, "ax"
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	mov	x19, x0
	msr	daifset, #15
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	2f

	/* From EL2 to EL1: 64 bit, timers and the interrupt controller's registers for us. */
	mov	x0, #(1 << 31)
	msr	hcr_el2, x0
	mov	x0, #3
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x33ff
	msr	cptr_el2, x0
	mrs	x0, id_aa64pfr0_el1
	ubfx	x0, x0, #24, #4
	cbz	x0, 1f
	mrs	x0, S3_4_C12_C9_5		/* ICC_SRE_EL2 */
	mov	x1, #9
	orr	x0, x0, x1
	msr	S3_4_C12_C9_5, x0
	isb
1:	mov	x0, #0x0800
	movk	x0, #0x30d0, lsl #16		/* sctlr_el1: RES1 bits, MMU off */
	msr	sctlr_el1, x0
	mov	x0, #0x3c5			/* EL1h, all masked */
	msr	spsr_el2, x0
	adr	x0, 2f
	msr	elr_el2, x0
	eret

	/* The stack of exceptions, and ours. */
2:	msr	spsel, #1
	adrp	x0, trap_stack_top
	add	x0, x0, :lo12:trap_stack_top
	mov	sp, x0
	msr	spsel, #0
	adrp	x0, stack_top
	add	x0, x0, :lo12:stack_top
	mov	sp, x0
	mov	x0, #(3 << 20)			/* SIMD registers: shared code uses them */
	msr	cpacr_el1, x0
	isb

	adrp	x0, bss_start
	add	x0, x0, :lo12:bss_start
	adrp	x1, bss_end
	add	x1, x1, :lo12:bss_end
3:	cmp	x0, x1
	b.hs	4f
	stp	xzr, xzr, [x0], #16
	b	3b

	/* Pointers in data: we are linked at 0. */
4:	adrp	x0, rela_start
	add	x0, x0, :lo12:rela_start
	adrp	x1, rela_end
	add	x1, x1, :lo12:rela_end
	adrp	x2, image_start
	add	x2, x2, :lo12:image_start
5:	cmp	x0, x1
	b.hs	6f
	ldp	x3, x4, [x0], #16
	ldr	x5, [x0], #8
	cmp	w4, #1027			/* R_AARCH64_RELATIVE */
	b.ne	5b
	add	x5, x5, x2
	str	x5, [x3, x2]
	b	5b
6:	mov	x0, x19
	bl	aarch64_start
	b	.

/* --- exceptions -------------------------------------------------------------------------------- */

	.macro	entry kind
	.align	7
	sub	sp, sp, #272
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	common
	.endm

	.text
	.align	11
	.global	aarch64_vectors
aarch64_vectors:
	entry	0	/* our stack: synchronous, IRQ, FIQ, SError */
	entry	1
	entry	2
	entry	3
	entry	4	/* the exceptions' stack: while one is served */
	entry	5
	entry	6
	entry	7
	entry	8	/* from EL0, 64 and 32 bit: there is none */
	entry	9
	entry	10
	entry	11
	entry	12
	entry	13
	entry	14
	entry	15

common:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x30, x1, [sp, #240]
	str	x2, [sp, #256]
	mov	x1, sp
	bl	aarch64_trap
	ldp	x30, x1, [sp, #240]
	ldr	x2, [sp, #256]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldp	x0, x1, [sp]
	add	sp, sp, #272
	eret

	.section .bss.stacks, "aw", @nobits
	.align	4
	.skip	65536
stack_top:
	.skip	16384
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
