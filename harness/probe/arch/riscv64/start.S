/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image header of the RISC-V Linux boot protocol: entered in supervisor mode without translation, with
 * the hart's number in a0 and the device tree's address in a1.
 */
	.option	norvc
	.section .text.head, "ax"
	.global	_start
_start:
	j	start
	.long	0

	/* link.ld puts text offset and image size between. */
	.section .text.start, "ax"
	.quad	0		/* flags: little endian */
	.long	2		/* version 0.2 of the header */
	.long	0
	.quad	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\005"
	.long	0

start:
	csrw	sie, zero
	csrw	satp, zero
	mv	s0, a0
	mv	s1, a1
	lla	sp, stack_top
	lla	t0, trap_stack_top
	csrw	sscratch, t0
	lla	t0, trap
	csrw	stvec, t0
	li	t0, 1 << 13	/* floating point: shared code may move with it */
	csrs	sstatus, t0

	lla	t0, bss_start
	lla	t1, bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, (t0)
	addi	t0, t0, 8
	j	1b

	/* Pointers in data: we are linked at 0. */
2:	lla	t0, rela_start
	lla	t1, rela_end
	lla	t2, _start
	li	t6, 3		/* R_RISCV_RELATIVE */
3:	bgeu	t0, t1, 4f
	ld	t3, 0(t0)
	ld	t4, 8(t0)
	ld	t5, 16(t0)
	addi	t0, t0, 24
	bne	t4, t6, 3b
	add	t5, t5, t2
	add	t3, t3, t2
	sd	t5, (t3)
	j	3b
4:	mv	a0, s0
	mv	a1, s1
	call	riscv64_start
5:	j	5b

/* --- exceptions and interrupts, on a stack of their own --------------------------------------------- */

	.text
	.align	2
trap:
	csrrw	sp, sscratch, sp
	addi	sp, sp, -272
	sd	x1, 8(sp)
	sd	x3, 24(sp)
	sd	x4, 32(sp)
	sd	x5, 40(sp)
	sd	x6, 48(sp)
	sd	x7, 56(sp)
	sd	x8, 64(sp)
	sd	x9, 72(sp)
	sd	x10, 80(sp)
	sd	x11, 88(sp)
	sd	x12, 96(sp)
	sd	x13, 104(sp)
	sd	x14, 112(sp)
	sd	x15, 120(sp)
	sd	x16, 128(sp)
	sd	x17, 136(sp)
	sd	x18, 144(sp)
	sd	x19, 152(sp)
	sd	x20, 160(sp)
	sd	x21, 168(sp)
	sd	x22, 176(sp)
	sd	x23, 184(sp)
	sd	x24, 192(sp)
	sd	x25, 200(sp)
	sd	x26, 208(sp)
	sd	x27, 216(sp)
	sd	x28, 224(sp)
	sd	x29, 232(sp)
	sd	x30, 240(sp)
	sd	x31, 248(sp)
	csrr	t0, sscratch
	sd	t0, 16(sp)
	csrr	t0, sepc
	sd	t0, 0(sp)
	mv	a0, sp
	call	riscv64_trap
	ld	x1, 8(sp)
	ld	x3, 24(sp)
	ld	x4, 32(sp)
	ld	x5, 40(sp)
	ld	x6, 48(sp)
	ld	x7, 56(sp)
	ld	x8, 64(sp)
	ld	x9, 72(sp)
	ld	x10, 80(sp)
	ld	x11, 88(sp)
	ld	x12, 96(sp)
	ld	x13, 104(sp)
	ld	x14, 112(sp)
	ld	x15, 120(sp)
	ld	x16, 128(sp)
	ld	x17, 136(sp)
	ld	x18, 144(sp)
	ld	x19, 152(sp)
	ld	x20, 160(sp)
	ld	x21, 168(sp)
	ld	x22, 176(sp)
	ld	x23, 184(sp)
	ld	x24, 192(sp)
	ld	x25, 200(sp)
	ld	x26, 208(sp)
	ld	x27, 216(sp)
	ld	x28, 224(sp)
	ld	x29, 232(sp)
	ld	x30, 240(sp)
	ld	x31, 248(sp)
	addi	sp, sp, 272
	csrrw	sp, sscratch, sp
	sret

	.section .bss.stacks, "aw", @nobits
	.align	4
	.skip	65536
stack_top:
	.skip	16384
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
