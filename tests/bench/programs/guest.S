/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest for QEMU, of one sector: fills its memory from 16 to 272 MiB, twice, and ends by the
 * device isa-debug-exit at port 0xf4.
 */
	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdt table
	inb $0x92, %al
	orb $2, %al
	outb %al, $0x92
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmp $8, $flat
	.code32
flat:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	cld
	movl $2, %edx
again:
	movl $0x1000000, %edi
	movl $0x4000000, %ecx
	movl %edx, %eax
	rep stosl
	decl %edx
	jnz again
	xorl %eax, %eax
	outb %al, $0xf4
stop:
	hlt
	jmp stop
	.balign 8
descriptors:
	.quad 0
	.quad 0x00cf9a000000ffff
	.quad 0x00cf92000000ffff
table:
	.word table - descriptors - 1
	.long descriptors
	.org 510
	.word 0xaa55
