# SPDX-License-Identifier: BSD-3-Clause
# What a build can be asked for. Presets (CMakePresets.json) set these.
set(RINGSIDE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined; thread)")
option(RINGSIDE_FUZZ "Build the libFuzzer targets in tests/fuzz (needs clang)" OFF)
option(RINGSIDE_TRACE "Tracepoints in the reference back-ends" ON)
option(RINGSIDE_WERROR "Treat warnings as errors" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes
                    -Wpointer-arith -Wvla -Wno-unused-parameter -fno-strict-aliasing
                    -fno-common)
add_compile_definitions(_GNU_SOURCE)
if(RINGSIDE_WERROR)
  add_compile_options(-Werror)
endif()
if(RINGSIDE_SANITIZE)
  add_compile_options(-fsanitize=${RINGSIDE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RINGSIDE_SANITIZE})
endif()
if(RINGSIDE_SANITIZE MATCHES "thread")
  # A fence between a driver and a device orders memory of two processes, which ThreadSanitizer does
  # not see anyway; what threads of one process share goes through atomics.
  add_compile_options(-Wno-tsan)
endif()
if(RINGSIDE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Every include path starts at the top of the tree, so that an include line tells which folder it
# crosses into (ci/check-includes reads them).
include_directories(${PROJECT_SOURCE_DIR})

# Code of a freestanding folder is compiled as it will be for the probe and for bare metal.
function(ringside_freestanding target)
  target_compile_options(${target} PRIVATE -ffreestanding)
endfunction()
