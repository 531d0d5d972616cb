# SPDX-License-Identifier: MIT
#
# Warnings, sanitizers and optimisation, as one interface target that all of the project links.
include(CheckIPOSupported)

# To say where a variable lies at each instruction costs a fifth of the compiler's time or more.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-var-tracking")
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")

add_library(greenmq_compiler INTERFACE)
target_compile_definitions(greenmq_compiler INTERFACE _GNU_SOURCE)
target_include_directories(greenmq_compiler SYSTEM INTERFACE ${UTHASH_INCLUDE_DIR})

# Only what gcc and clang both know, so that clang-tidy can read gcc's command lines.
target_compile_options(greenmq_compiler INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2
    -Wimplicit-fallthrough -Wmissing-declarations -Wredundant-decls -Wnested-externs
    -fno-common -fstack-protector-strong)
if(GREENMQ_WERROR)
    target_compile_options(greenmq_compiler INTERFACE -Werror)
endif()

# A target whose property GREENMQ_PLAIN is set goes without them: what is installed, and what other
# people's programs load, which bring no sanitizer's runtime.
if(GREENMQ_SANITIZE)
    target_compile_definitions(greenmq_compiler INTERFACE GREENMQ_TEST)
endif()

if(GREENMQ_SANITIZE)
    set(sanitized $<NOT:$<BOOL:$<TARGET_PROPERTY:GREENMQ_PLAIN>>>)
    target_compile_options(greenmq_compiler INTERFACE
        $<${sanitized}:-fsanitize=${GREENMQ_SANITIZE}>
        $<${sanitized}:-fno-sanitize-recover=all> $<${sanitized}:-fno-omit-frame-pointer>)
    target_link_options(greenmq_compiler INTERFACE
        $<${sanitized}:-fsanitize=${GREENMQ_SANITIZE}>)
endif()

# Only with gcc, which can make machine code of such objects for the archive (library.cmake).
if(GREENMQ_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT APPLE)
    check_ipo_supported(RESULT GREENMQ_CAN_LTO LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${GREENMQ_CAN_LTO})
endif()
