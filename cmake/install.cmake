# Installs the library, its headers, the command line where it was built, and what find_package and pkg-config read.
# Every installed path is relative to the file that names it, so that an installed tree can be moved.
include(CMakePackageConfigHelpers)

install(TARGETS alng EXPORT alng-targets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/alng DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Where libalng looks for it.
if(TARGET alng_cuda)
  install(TARGETS alng_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET alng_cli)
  file(RELATIVE_PATH libdir_from_bindir ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(alng_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${libdir_from_bindir}")
  install(TARGETS alng_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(alng_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/alng)
install(EXPORT alng-targets NAMESPACE alng:: DESTINATION ${alng_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/alng-config.cmake.in
  ${PROJECT_BINARY_DIR}/alng-config.cmake INSTALL_DESTINATION ${alng_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break callers, and find_package must not hand 0.2 to who asks for 0.1.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(alng_compatibility SameMinorVersion)
else()
  set(alng_compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/alng-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY ${alng_compatibility})
install(FILES ${PROJECT_BINARY_DIR}/alng-config.cmake ${PROJECT_BINARY_DIR}/alng-config-version.cmake
  DESTINATION ${alng_package_dir})

# A static library leaves its own needs to whoever links it: threads, and the C++ runtime where the linker is a C compiler.
if(BUILD_SHARED_LIBS)
  set(alng_pc_cflags "")
else()
  set(alng_pc_cflags " -DALNG_STATIC")
endif()
file(RELATIVE_PATH alng_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" alng_pc_prefix "${alng_pc_prefix}")
# Absolute where the packager made them so, as Nix does; else moving with the prefix.
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(alng_pc_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(alng_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/cmake/alng.pc.in ${PROJECT_BINARY_DIR}/alng.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/alng.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
