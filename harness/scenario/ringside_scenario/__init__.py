# SPDX-License-Identifier: BSD-3-Clause
"""The scenario driver behind `ringside run`.

cli         the command line; display and table what it prints; supervise leaves nothing running
load        scenario files and complaints about them; cell multiplies a matrix out
plugin      the pytest plug-in: a cell is a test
run         one cell; needs, backend, process what it works with; outcome what became of it
hypervisor  one module per hypervisor
drivers     one module per kind of driver: the host, something in a guest
rundir      the folder of a run; results and host what is in there
"""
