# SPDX-License-Identifier: MIT
#
# libgreenmq.so and libgreenmq.a. Both offer zmq_* and gmq_* and no other name.
add_library(greenmq_objects OBJECT ${GREENMQ_SOURCES})
target_include_directories(greenmq_objects PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(greenmq_objects PUBLIC greenmq_public PkgConfig::UV Threads::Threads)

# For the tests that look inside: they take what they need and nothing else is linked.
add_library(greenmq_inside STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:greenmq_objects>)
target_include_directories(greenmq_inside INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(greenmq_inside INTERFACE greenmq_public PkgConfig::UV Threads::Threads)
set_target_properties(greenmq_inside PROPERTIES LINKER_LANGUAGE C)

add_library(greenmq_shared SHARED)
target_link_libraries(greenmq_shared PRIVATE greenmq_objects)
set(EXPORTS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
if(APPLE)
    target_link_options(greenmq_shared PRIVATE
        "LINKER:-exported_symbol,_zmq_*" "LINKER:-exported_symbol,_gmq_*")
else()
    target_link_options(greenmq_shared PRIVATE "LINKER:--version-script=${EXPORTS}")
    if(NOT GREENMQ_SANITIZE)
        target_link_options(greenmq_shared PRIVATE "LINKER:-z,defs")
    endif()
endif()

# The archive holds one object, linked beforehand so that the names of the inside (peer_open and
# the like) become local to it and cannot clash with those of a program. It is machine code, also
# when the objects are input for link-time optimisation, so that any compiler can link it.
if(APPLE OR GREENMQ_SANITIZE)
    set(ARCHIVED $<TARGET_OBJECTS:greenmq_objects>)
else()
    set(ARCHIVED ${PROJECT_BINARY_DIR}/greenmq.o)
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
        set(TO_CODE -O3 -g -flto=auto -flinker-output=nolto-rel)
    endif()
    add_custom_command(OUTPUT ${ARCHIVED}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${TO_CODE} -o ${ARCHIVED}
            $<TARGET_OBJECTS:greenmq_objects>
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${ARCHIVED}
        DEPENDS greenmq_objects $<TARGET_OBJECTS:greenmq_objects>
        COMMENT "Linking C object greenmq.o" COMMAND_EXPAND_LISTS VERBATIM)
endif()
add_library(greenmq_static STATIC ${ARCHIVED})
target_link_libraries(greenmq_static INTERFACE PkgConfig::UV Threads::Threads)

set_target_properties(greenmq_shared greenmq_static PROPERTIES
    OUTPUT_NAME greenmq LINKER_LANGUAGE C)
set_target_properties(greenmq_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS ${EXPORTS})

configure_file(${PROJECT_SOURCE_DIR}/cmake/greenmq.pc.in greenmq.pc @ONLY)
install(TARGETS greenmq_shared greenmq_static)
install(FILES ${PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/greenmq)
install(FILES ${PROJECT_BINARY_DIR}/greenmq.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
