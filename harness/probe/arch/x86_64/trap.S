/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One stub of 16 bytes per vector. All come in on a stack of their own (IST): what they interrupt may
 * use the red zone. Only general registers are saved, since nothing behind x86_trap() uses others.
 */
	.text
	.global	x86_stubs
	.align	16
x86_stubs:
	.set	vector, 0
	.rept	256
	.align	16
	.if	!((vector >= 10 && vector <= 14) || vector == 8 || vector == 17 || vector == 21 || \
		  vector == 29 || vector == 30)
	push	$0 /* where the processor gives no error code */
	.endif
	push	$vector
	jmp	common
	.set	vector, vector + 1
	.endr

common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	x86_trap
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
