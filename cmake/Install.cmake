# What `cmake --install` installs: the module for httpd, and what authors of handlers need. The latter is
# the component "development", which goes to any prefix.
include(CMakePackageConfigHelpers)
install(TARGETS mod_cppwebsocket LIBRARY DESTINATION ${HTTPD_MODULE_DIR} COMPONENT module)
if(engines)
  install(TARGETS ${engines} LIBRARY DESTINATION ${CPPWEBSOCKET_ENGINE_DIR} COMPONENT module)
endif()

set(package ${CMAKE_INSTALL_DATADIR}/cmake/cppwebsocket)  # no library, so of any architecture
install(DIRECTORY mod_cppwebsocket/include/cppwebsocket TYPE INCLUDE COMPONENT development)
install(TARGETS cppwebsocket cppwebsocket_testing EXPORT cppwebsocketTargets
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT cppwebsocketTargets NAMESPACE cppwebsocket:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/cppwebsocketConfig.cmake.in cppwebsocketConfig.cmake
                              INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(cppwebsocketConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES cmake/CppwebsocketHandler.cmake ${PROJECT_BINARY_DIR}/cppwebsocketConfig.cmake
        ${PROJECT_BINARY_DIR}/cppwebsocketConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)
configure_file(cmake/cppwebsocket.pc.in cppwebsocket.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cppwebsocket.pc
        DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT development)

add_custom_target(uninstall VERBATIM COMMAND ${CMAKE_COMMAND}
  -DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt -P ${PROJECT_SOURCE_DIR}/cmake/Uninstall.cmake)
