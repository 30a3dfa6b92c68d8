/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multiboot 1 header. A loader that finds it goes no further, so it stands in an image of its own: the
 * other one is entered as PVH.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00000003 /* page-aligned modules, memory map */

	.section .multiboot, "a"
	.align	4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.section .note.GNU-stack, "", @progbits
