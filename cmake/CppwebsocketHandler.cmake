# cppwebsocket_add_handler(NAME SOURCE...)
# Builds NAME_wsh.so, ready to be dropped under WebSocketHandlerRoot. NAME may have directories:
# cppwebsocket_add_handler(foo/bar bar.cpp) makes foo/bar_wsh.so, which answers /foo/bar.
# Sources in which g++ 12 would break a co_await expression are refused.
# The files go to CPPWEBSOCKET_HANDLER_DIR (default: handlers/ in the build tree).
set(CPPWEBSOCKET_HANDLER_DIR "${CMAKE_BINARY_DIR}/handlers" CACHE PATH "where handlers are built to")

function(cppwebsocket_add_handler name)
  cmake_path(GET name PARENT_PATH directory)
  cmake_path(GET name FILENAME file)
  string(REPLACE "/" "_" target "${name}_wsh")
  add_library(${target} MODULE ${ARGN})
  target_link_libraries(${target} PRIVATE cppwebsocket::cppwebsocket)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE -fvisibility=hidden
                         # What a handler that forgets one does not survive, or does not do.
                         -Werror=return-type -Werror=unused-result
                         $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  if(NOT CPPWEBSOCKET_SANITIZE)  # a sanitizer's runtime is httpd's, so it is undefined here
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  if(CPPWEBSOCKET_CO_AWAIT_FAULTS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
     CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    set(sources)
    foreach(source ${ARGN})
      cmake_path(ABSOLUTE_PATH source)
      list(APPEND sources "${source}")
    endforeach()
    add_custom_command(TARGET ${target} PRE_LINK VERBATIM
                       COMMAND perl ${CPPWEBSOCKET_CO_AWAIT_FAULTS} ${sources})
  endif()
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME "${file}_wsh"
                        LIBRARY_OUTPUT_DIRECTORY "${CPPWEBSOCKET_HANDLER_DIR}/${directory}")
endfunction()
