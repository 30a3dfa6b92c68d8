# SPDX-License-Identifier: BSD-3-Clause
"""Other people's back-ends as targets, behind `ringside zoo`.

cli          the command line; what is printed
description  one file for each target: where it comes from, how it is started
source       where one comes from, one class each: a crate, packages of Debian, a program that is there, a script
build        the cache: what was built stays until its description says something else
judge        one target through `ringside conform` and `ringside bench`
page         what is kept of a run: no paths, no logs, no times but those that were measured
"""
