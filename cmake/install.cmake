# SPDX-License-Identifier: MIT
#
# What programs find after cmake --install: headers in include/greenmq, the libraries,
# greenmq.pc, the CMake package with greenmq::greenmq and greenmq::greenmq_static, in
# lib/greenmq/compat libzmq.so.5 and libzmq.pc, and in share/greenmq what teaches gdb of green
# threads. The whole may be moved elsewhere afterwards.
include(CMakePackageConfigHelpers)

set(COMPAT ${CMAKE_INSTALL_LIBDIR}/greenmq/compat)
set(PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/greenmq)

# Programs say <greenmq/zmq.h>, or <zmq.h> as with libzmq.
set(include $<INSTALL_PREFIX>/${CMAKE_INSTALL_INCLUDEDIR})
foreach(target IN ITEMS ${INSTALLED_SHARED} ${INSTALLED_STATIC})
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include/greenmq>
        $<INSTALL_INTERFACE:${include}> $<INSTALL_INTERFACE:${include}/greenmq>)
endforeach()
set_target_properties(${INSTALLED_SHARED} PROPERTIES EXPORT_NAME greenmq)
set_target_properties(${INSTALLED_STATIC} PROPERTIES EXPORT_NAME greenmq_static)
add_library(greenmq::greenmq ALIAS ${INSTALLED_SHARED})
add_library(greenmq::greenmq_static ALIAS ${INSTALLED_STATIC})

install(FILES ${PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/greenmq)
install(FILES ${PROJECT_SOURCE_DIR}/share/gdb/greenmq.py
    DESTINATION ${CMAKE_INSTALL_DATADIR}/greenmq/gdb)
install(TARGETS ${INSTALLED_SHARED} EXPORT greenmq-shared)
install(TARGETS ${INSTALLED_STATIC} EXPORT greenmq-static)
install(TARGETS greenmq_compat LIBRARY DESTINATION ${COMPAT})

# greenmq.pc and libzmq.pc: the latter once for the build, once for what is installed.
function(write_pc template made prefix libdir includedir)
    string(REPLACE ";" " " requires "${GREENMQ_REQUIRES}")
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${template} ${made} @ONLY)
endfunction()
set(pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(installed "\${prefix}/${CMAKE_INSTALL_LIBDIR}" "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
file(RELATIVE_PATH up /${pkgconfig} /)
string(REGEX REPLACE "/$" "" up ${up})
write_pc(greenmq.pc.in ${PROJECT_BINARY_DIR}/greenmq.pc "\${pcfiledir}/${up}" ${installed})
file(RELATIVE_PATH up /${COMPAT} /)
string(REGEX REPLACE "/$" "" up ${up})
list(TRANSFORM installed APPEND /greenmq/compat AT 0)
write_pc(libzmq.pc.in ${PROJECT_BINARY_DIR}/libzmq.pc "\${pcfiledir}/${up}" ${installed})
write_pc(libzmq.pc.in ${PROJECT_BINARY_DIR}/lib/compat/libzmq.pc
    ${PROJECT_SOURCE_DIR} "\${pcfiledir}" "\${prefix}/include")
install(FILES ${PROJECT_BINARY_DIR}/greenmq.pc DESTINATION ${pkgconfig})
install(FILES ${PROJECT_BINARY_DIR}/libzmq.pc DESTINATION ${COMPAT})

# The two targets are exported apart: who has no libsodium to link with can use the shared one.
foreach(kind IN ITEMS shared static)
    install(EXPORT greenmq-${kind} NAMESPACE greenmq:: DESTINATION ${PACKAGE})
endforeach()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/greenmq-config.cmake.in
    ${PROJECT_BINARY_DIR}/greenmq-config.cmake INSTALL_DESTINATION ${PACKAGE})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/greenmq-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/greenmq-config.cmake
    ${PROJECT_BINARY_DIR}/greenmq-config-version.cmake DESTINATION ${PACKAGE})
