# SPDX-License-Identifier: MIT
#
# docs/NAME.SECTION.scd becomes the man page NAME.SECTION, where scdoc is installed.
file(GLOB MANUAL_SOURCES CONFIGURE_DEPENDS docs/*.scd)
find_program(SCDOC scdoc)

if(SCDOC)
    set(pages "")
    foreach(source IN LISTS MANUAL_SOURCES)
        cmake_path(GET source STEM LAST_ONLY name)
        cmake_path(GET name EXTENSION LAST_ONLY section)
        string(REPLACE "." "man" folder ${section})
        set(page ${PROJECT_BINARY_DIR}/man/${name})
        add_custom_command(OUTPUT ${page}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
            COMMAND ${SCDOC} < ${source} > ${page}
            DEPENDS ${source} VERBATIM)
        list(APPEND pages ${page})
        install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/${folder})
    endforeach()
    add_custom_target(manual ALL DEPENDS ${pages})
endif()
