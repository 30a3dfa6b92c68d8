/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is read before each test that unit/all.c links: its main() has a name of its own there, UNIT_MAIN.
 */
#ifndef TESTS_UNIT_MAIN_H
#define TESTS_UNIT_MAIN_H

int UNIT_MAIN(void);
#define main UNIT_MAIN

#endif
