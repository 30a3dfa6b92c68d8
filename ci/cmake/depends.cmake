# SPDX-License-Identifier: BSD-3-Clause
# What must be there, and what is optional. What is missing is said here and again at run time.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

pkg_check_modules(LTTNG_UST IMPORTED_TARGET lttng-ust)
pkg_check_modules(LTTNG_CTL IMPORTED_TARGET lttng-ctl)
pkg_check_modules(BABELTRACE2 IMPORTED_TARGET babeltrace2)

# What the kernel sees of any back-end: programs for BPF, and a library that loads them.
pkg_check_modules(LIBBPF IMPORTED_TARGET libbpf>=1.0)
find_program(BPF_CLANG NAMES clang clang-14)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin)
set(RINGSIDE_BPF_ARCH "")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  set(RINGSIDE_BPF_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(RINGSIDE_BPF_ARCH arm64)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL riscv64)
  set(RINGSIDE_BPF_ARCH riscv)
endif()
set(RINGSIDE_BPF OFF)
if(LIBBPF_FOUND AND BPF_CLANG AND BPFTOOL AND RINGSIDE_BPF_ARCH)
  set(RINGSIDE_BPF ON)
else()
  message(STATUS "ringside: the kernel's events (bench --trace of back-ends without tracepoints of ours) need "
                 "libbpf, clang and bpftool; left out, and said when asked")
endif()

pkg_check_modules(XEN IMPORTED_TARGET xencontrol xenguest xentoollog xendevicemodel xenforeignmemory
                  xenevtchn xengnttab)

# The first interface of it: version 2 has another one.
pkg_check_modules(GPIOD IMPORTED_TARGET libgpiod<2)

foreach(dep CMOCKA LTTNG_UST LTTNG_CTL BABELTRACE2 XEN GPIOD)
  if(NOT ${dep}_FOUND)
    message(STATUS "ringside: ${dep} not found; what needs it is left out and says so when asked")
  endif()
endforeach()

# traces/trace.h compiles to nothing without the first; the second is one of its tracers.
if(RINGSIDE_TRACE)
  add_compile_definitions(RINGSIDE_HAVE_TRACE=1)
  if(LTTNG_UST_FOUND)
    add_compile_definitions(RINGSIDE_HAVE_LTTNG=1)
  endif()
endif()
