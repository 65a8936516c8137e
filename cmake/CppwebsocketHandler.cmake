# cppwebsocket_add_handler(NAME SOURCE...)
# Builds NAME_wsh.so, ready to be dropped under WebSocketHandlerRoot. NAME may have directories:
# cppwebsocket_add_handler(foo/bar bar.cpp) makes foo/bar_wsh.so, which answers /foo/bar.
# The files go to CPPWEBSOCKET_HANDLER_DIR (default: handlers/ in the build tree).
set(CPPWEBSOCKET_HANDLER_DIR "${CMAKE_BINARY_DIR}/handlers" CACHE PATH "where handlers are built to")

function(cppwebsocket_add_handler name)
  cmake_path(GET name PARENT_PATH directory)
  cmake_path(GET name FILENAME file)
  string(REPLACE "/" "_" target "${name}_wsh")
  add_library(${target} MODULE ${ARGN})
  target_link_libraries(${target} PRIVATE cppwebsocket)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE -fvisibility=hidden
                         $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  if(NOT CPPWEBSOCKET_SANITIZE)  # a sanitizer's runtime is httpd's, so it is undefined here
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME "${file}_wsh"
                        LIBRARY_OUTPUT_DIRECTORY "${CPPWEBSOCKET_HANDLER_DIR}/${directory}")
endfunction()
