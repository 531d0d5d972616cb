# SPDX-License-Identifier: MIT
#
# libgreenmq.so and libgreenmq.a, and under libzmq's name lib/compat/libzmq.so.5: the same library
# for programs that were linked with that. All offer zmq_* and gmq_* and no other name.
#
# A build with sanitizers makes them twice: for its own tests with them, and without them in
# lib/plain, for what is installed and for other people's programs.
set(EXPORTS ${PROJECT_SOURCE_DIR}/cmake/exports.map)

# What the library needs, by its names in pkg-config.
set(GREENMQ_REQUIRES libsodium)
set(GREENMQ_NEEDS PkgConfig::SODIUM Threads::Threads)

# The compiled sources, once for all libraries that are made of them.
function(add_objects name plain)
    add_library(${name} OBJECT ${GREENMQ_SOURCES})
    set_target_properties(${name} PROPERTIES GREENMQ_PLAIN ${plain})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC greenmq_public ${GREENMQ_NEEDS})
endfunction()

# -Bsymbolic-functions: what the library calls is its own also in a process that holds libzmq too.
function(add_shared name objects plain)
    add_library(${name} SHARED)
    set_target_properties(${name} PROPERTIES
        GREENMQ_PLAIN ${plain} LINKER_LANGUAGE C LINK_DEPENDS ${EXPORTS})
    target_link_libraries(${name} PRIVATE ${objects})
    if(APPLE)
        target_link_options(${name} PRIVATE
            "LINKER:-exported_symbol,_zmq_*" "LINKER:-exported_symbol,_gmq_*")
    else()
        target_link_options(${name} PRIVATE
            "LINKER:--version-script=${EXPORTS}" "LINKER:-Bsymbolic-functions")
        if(plain)
            target_link_options(${name} PRIVATE "LINKER:-z,defs")
        endif()
    endif()
endfunction()

# The archive holds one object, linked beforehand so that the names of the inside (peer_open and
# the like) become local to it and cannot clash with those of a program. It is machine code, also
# when the objects are input for link-time optimisation, so that any compiler can link it.
function(add_static name objects plain)
    if(APPLE OR NOT plain)
        set(archived $<TARGET_OBJECTS:${objects}>)
    else()
        set(archived ${PROJECT_BINARY_DIR}/greenmq.o)
        if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
            set(to_code -O3 -g -flto=auto -flinker-output=nolto-rel)
        endif()
        add_custom_command(OUTPUT ${archived}
            COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${to_code} -o ${archived}
                $<TARGET_OBJECTS:${objects}>
            COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${archived}
            DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
            COMMENT "Linking C object greenmq.o" COMMAND_EXPAND_LISTS VERBATIM)
    endif()
    add_library(${name} STATIC ${archived})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(${name} INTERFACE ${GREENMQ_NEEDS})
endfunction()

if(GREENMQ_SANITIZE)
    set(plain OFF)
else()
    set(plain ON)
endif()
add_objects(greenmq_objects ${plain})
add_shared(greenmq_shared greenmq_objects ${plain})
add_static(greenmq_static greenmq_objects ${plain})
set_target_properties(greenmq_shared greenmq_static PROPERTIES OUTPUT_NAME greenmq)
set_target_properties(greenmq_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)

# For the tests that look inside: they take what they need and nothing else is linked.
add_library(greenmq_inside STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:greenmq_objects>)
target_include_directories(greenmq_inside INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(greenmq_inside INTERFACE greenmq_public ${GREENMQ_NEEDS})
set_target_properties(greenmq_inside PROPERTIES LINKER_LANGUAGE C)

if(plain)
    set(INSTALLED_OBJECTS greenmq_objects)
    set(INSTALLED_SHARED greenmq_shared)
    set(INSTALLED_STATIC greenmq_static)
else()
    set(INSTALLED_OBJECTS plain_objects)
    set(INSTALLED_SHARED plain_shared)
    set(INSTALLED_STATIC plain_static)
    add_objects(plain_objects ON)
    add_shared(plain_shared plain_objects ON)
    add_static(plain_static plain_objects ON)
    set_target_properties(plain_shared plain_static PROPERTIES OUTPUT_NAME greenmq
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/plain
        ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/plain)
    set_target_properties(plain_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
endif()

add_shared(greenmq_compat ${INSTALLED_OBJECTS} ON)
set_target_properties(greenmq_compat PROPERTIES OUTPUT_NAME zmq VERSION 5.2.5 SOVERSION 5
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/compat)

include(cmake/install.cmake)
