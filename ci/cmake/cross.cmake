# SPDX-License-Identifier: BSD-3-Clause
# A toolchain file: programs for another architecture, with Debian's cross compiler, and with the libraries of
# unpacked packages. -DRINGSIDE_ARCH=aarch64 -DRINGSIDE_SYSROOT=FOLDER
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES RINGSIDE_ARCH RINGSIDE_SYSROOT)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${RINGSIDE_ARCH})
set(triplet ${RINGSIDE_ARCH}-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_ASM_COMPILER ${triplet}-gcc)
# The C library is the compiler's own; a library's own libraries are found where it is.
set(CMAKE_C_FLAGS_INIT "-isystem ${RINGSIDE_SYSROOT}/usr/include -isystem ${RINGSIDE_SYSROOT}/usr/include/${triplet}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${RINGSIDE_SYSROOT}/usr/lib/${triplet} -Wl,-rpath-link,${RINGSIDE_SYSROOT}/usr/lib/${triplet}:${RINGSIDE_SYSROOT}/lib/${triplet}")
set(CMAKE_FIND_ROOT_PATH ${RINGSIDE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_PATH} "")
set(ENV{PKG_CONFIG_LIBDIR} ${RINGSIDE_SYSROOT}/usr/lib/${triplet}/pkgconfig:${RINGSIDE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${RINGSIDE_SYSROOT})
