# SPDX-License-Identifier: MIT
#
# libgreenmq.so and libgreenmq.a. The shared one exports zmq_* and gmq_* and nothing else.
add_library(greenmq_objects OBJECT ${GREENMQ_SOURCES})
target_include_directories(greenmq_objects PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(greenmq_objects PUBLIC greenmq_public PkgConfig::UV Threads::Threads)

add_library(greenmq_shared SHARED)
target_link_libraries(greenmq_shared PRIVATE greenmq_objects)
set(EXPORTS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
if(APPLE)
    target_link_options(greenmq_shared PRIVATE
        "LINKER:-exported_symbol,_zmq_*" "LINKER:-exported_symbol,_gmq_*")
else()
    target_link_options(greenmq_shared PRIVATE
        "LINKER:--version-script=${EXPORTS}" "LINKER:--no-undefined-version")
    if(NOT GREENMQ_SANITIZE)
        target_link_options(greenmq_shared PRIVATE "LINKER:-z,defs")
    endif()
endif()

add_library(greenmq_static STATIC $<TARGET_OBJECTS:greenmq_objects>)
target_link_libraries(greenmq_static INTERFACE PkgConfig::UV Threads::Threads)

set_target_properties(greenmq_shared greenmq_static PROPERTIES
    OUTPUT_NAME greenmq LINKER_LANGUAGE C)
set_target_properties(greenmq_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS ${EXPORTS})

configure_file(${PROJECT_SOURCE_DIR}/cmake/greenmq.pc.in greenmq.pc @ONLY)
install(TARGETS greenmq_shared greenmq_static)
install(FILES ${PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/greenmq)
install(FILES ${PROJECT_BINARY_DIR}/greenmq.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
