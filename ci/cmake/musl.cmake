# SPDX-License-Identifier: BSD-3-Clause
# A toolchain file: static programs with musl. ci/static builds the libraries and calls cmake with it.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_ASM_COMPILER musl-gcc)
# The kernel's headers, and none of the C library that is beside them: ci/static makes this folder.
set(CMAKE_C_FLAGS_INIT "-isystem ${CMAKE_CURRENT_LIST_DIR}/../../build-static/root/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(ENV{PKG_CONFIG_PATH} "")
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_CURRENT_LIST_DIR}/../../build-static/root/lib/pkgconfig)
