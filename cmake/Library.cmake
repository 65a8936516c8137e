# cppwebsocket_sources(VARIABLE PATH... [EXCEPT PATH...])
# Sets VARIABLE to the sources below mod_cppwebsocket that these folders hold, or that these files are.
function(cppwebsocket_sources variable)
  cmake_parse_arguments(PARSE_ARGV 1 given "" "" "EXCEPT")
  set(sources)
  foreach(path ${given_UNPARSED_ARGUMENTS})
    file(GLOB_RECURSE file_or_folder CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/mod_cppwebsocket/${path}
         ${PROJECT_SOURCE_DIR}/mod_cppwebsocket/${path}/*.cpp)
    list(APPEND sources ${file_or_folder})
  endforeach()
  foreach(path ${given_EXCEPT})
    list(FILTER sources EXCLUDE REGEX "/mod_cppwebsocket/${path}(/|$)")
  endforeach()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

# cppwebsocket_compile_by_folder(TARGET)
# All of a folder's files at once: what they include is most of what there is to compile.
function(cppwebsocket_compile_by_folder target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${CPPWEBSOCKET_BY_FOLDER} UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/mod_cppwebsocket)
    string(MAKE_C_IDENTIFIER ${folder} group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()

# cppwebsocket_library(NAME PATH... [EXCEPT PATH...])
# cppwebsocket_NAME, a static library of those sources.
function(cppwebsocket_library name)
  cppwebsocket_sources(sources ${ARGN})
  add_library(cppwebsocket_${name} STATIC ${sources})
  set_target_properties(cppwebsocket_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  cppwebsocket_compile_by_folder(cppwebsocket_${name})
  target_include_directories(cppwebsocket_${name} PUBLIC ${PROJECT_SOURCE_DIR}/mod_cppwebsocket)
  target_link_libraries(cppwebsocket_${name} PUBLIC cppwebsocket PRIVATE cppwebsocket_flags)
endfunction()

# cppwebsocket_engine(NAME FOLDER LIBRARY...)
# cppwebsocket_NAME.so, a part that is loaded when it is asked for, from cppwebsocket_NAME_parts: the folder's sources
# and those libraries. What it shows is in exports.map one folder above.
function(cppwebsocket_engine name folder)
  cppwebsocket_library(${name}_parts ${folder} EXCEPT ${folder}/object.cpp)
  target_link_libraries(cppwebsocket_${name}_parts PUBLIC cppwebsocket_channels ${ARGN})
  add_library(cppwebsocket_${name} MODULE ${PROJECT_SOURCE_DIR}/mod_cppwebsocket/${folder}/object.cpp)
  cmake_path(GET folder PARENT_PATH above)
  set(exports ${PROJECT_SOURCE_DIR}/mod_cppwebsocket/${above}/exports.map)
  set_target_properties(cppwebsocket_${name} PROPERTIES PREFIX "" LINK_DEPENDS ${exports})
  target_link_options(cppwebsocket_${name} PRIVATE -Wl,--version-script=${exports})
  target_link_libraries(cppwebsocket_${name} PRIVATE cppwebsocket_${name}_parts cppwebsocket_flags)
endfunction()

# The public API, parsed once for all: of a small file it is most of what there is to compile.
# *handler.hpp define a handler's table, and asio.hpp needs Asio, so they are not in it.
if(CPPWEBSOCKET_PRECOMPILE)
  file(GLOB api ${PROJECT_SOURCE_DIR}/mod_cppwebsocket/include/cppwebsocket/*.hpp)
  list(FILTER api EXCLUDE REGEX "(handler|asio).hpp$")
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
  add_library(cppwebsocket_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
  set_target_properties(cppwebsocket_precompiled PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(cppwebsocket_precompiled PRIVATE cppwebsocket cppwebsocket_flags)
  target_precompile_headers(cppwebsocket_precompiled PRIVATE ${api})
endif()

# cppwebsocket_precompile(TARGET...)
# Lets these targets begin where the above ends. It takes the same compiler options.
function(cppwebsocket_precompile)
  if(CPPWEBSOCKET_PRECOMPILE)
    foreach(target ${ARGN})
      target_precompile_headers(${target} REUSE_FROM cppwebsocket_precompiled)
      # g++ 12 sees more ghosts this way. The other trees, without, look for the real ones.
      target_compile_options(${target} PRIVATE
        $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)
    endforeach()
  endif()
endfunction()
