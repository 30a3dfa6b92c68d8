/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a PC's firmware loads from the disk and runs: it makes the firmware's disk driver read, write
 * and read again, compares, and tells on the first serial port. Real mode.
 */
#define DATA   64   /* where the data is on the disk, in sectors */
#define COPY   1024 /* where it is copied to */
#define COUNT  64   /* sectors: 32 KiB, half a segment */

	.code16
	.globl _start
_start:
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cld
	movb	%dl, drive
	movw	$said_start, %si
	call	say

	movb	$0x42, %ah /* read */
	call	transfer
	movl	$COPY, lba
	movb	$0x43, %ah /* write */
	call	transfer
	movw	$0x2000, segment
	movb	$0x42, %ah
	call	transfer

	pushw	%ds
	movw	$0x1000, %ax
	movw	%ax, %ds
	movw	$0x2000, %ax
	movw	%ax, %es
	xorw	%si, %si
	xorw	%di, %di
	movw	$(COUNT * 256), %cx
	repe cmpsw
	popw	%ds
	movw	$said_differs, %si
	jne	end
	movw	$said_ok, %si
end:
	call	say
2:	hlt
	jmp	2b

/* AH: the function of interrupt 0x13. */
transfer:
	movb	drive, %dl
	movw	$packet, %si
	movb	$0, %al
	int	$0x13
	movw	$said_failed, %si
	jc	end
	ret

/* SI: what, ends with 0. */
say:
	movw	$0x3fd, %dx
3:	inb	%dx, %al
	testb	$0x20, %al
	jz	3b
	movw	$0x3f8, %dx
	lodsb
	testb	%al, %al
	jz	4f
	outb	%al, %dx
	jmp	say
4:	ret

said_start:	.asciz	"\r\nringside: the boot sector runs\r\n"
said_ok:	.asciz	"ringside: end ok\r\n"
said_failed:	.asciz	"ringside: end interrupt 0x13 failed\r\n"
said_differs:	.asciz	"ringside: end what was read is not what was written\r\n"

drive:		.byte	0
	.balign	4
packet:		.byte	16, 0
		.word	COUNT
		.word	0
segment:	.word	0x1000
lba:		.quad	DATA

	.org	510
	.word	0xaa55
	.section .note.GNU-stack, "", @progbits
