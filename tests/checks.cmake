# The tests that need more than one build tree or a real httpd. ./check turns them on with
# CPPWEBSOCKET_CHECKS and builds the other trees first.
set(builds ${PROJECT_SOURCE_DIR}/build)
set(python /usr/bin/python3)  # Debian's, which has its pytest and websockets

# Live: one run per MPM.
foreach(mpm event worker prefork)
  add_test(NAME apache-test.${mpm}
           COMMAND ${python} -m pytest ${PROJECT_SOURCE_DIR}/apache-test --mpm ${mpm} -q --again)
  set_tests_properties(apache-test.${mpm} PROPERTIES TIMEOUT 2700 COST 1000  # begins first
    ENVIRONMENT "CPPWEBSOCKET_MODULE=$<TARGET_FILE:mod_cppwebsocket>;CPPWEBSOCKET_HANDLERS=${CPPWEBSOCKET_HANDLER_DIR};CPPWEBSOCKET_SOURCE=${PROJECT_SOURCE_DIR}")
endforeach()

# Restarts under load, in full: on the MPM that most will run.
add_test(NAME restarts.event
         COMMAND ${python} ${PROJECT_SOURCE_DIR}/apache-test/restarts.py --mpm event)
set_tests_properties(restarts.event PROPERTIES TIMEOUT 600
  ENVIRONMENT "CPPWEBSOCKET_MODULE=$<TARGET_FILE:mod_cppwebsocket>;CPPWEBSOCKET_HANDLERS=${CPPWEBSOCKET_HANDLER_DIR};CPPWEBSOCKET_SOURCE=${PROJECT_SOURCE_DIR}")

# The JavaScript client's own: what they find by themselves in its folder.
add_test(NAME client_tests COMMAND node --test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/client)
set_tests_properties(client_tests PROPERTIES TIMEOUT 300)

# The same unit tests under the sanitizers, and thousands of rude clients with httpd loading the
# module that was built with them, whose handlers are ours and the manual's examples.
foreach(sanitizer asan tsan)
  set(filter)
  if(sanitizer STREQUAL "tsan")  # what one thread does has no races, and processes that die take minutes
    set(filter --gtest_filter=-DeathAtEveryStep.*:*PublicationInSteps.*:HandlerLibrary.*:*BrokenHandler.*:Copies.*)
  endif()
  foreach(area protocol runtime channels handlers)  # nice to the live tests beside them
    if(sanitizer STREQUAL "tsan" AND area STREQUAL "protocol")
      continue()  # it has no threads
    endif()
    add_test(NAME ${sanitizer}.${area}_tests
             COMMAND nice ${builds}/${sanitizer}/tests/${area}_tests --gtest_brief=1 ${filter})
    set_tests_properties(${sanitizer}.${area}_tests PROPERTIES TIMEOUT 900 COST 300)  # minutes, some
  endforeach()
  string(REPLACE "asan" "address" kind ${sanitizer})
  string(REPLACE "tsan" "thread" kind ${kind})
  add_test(NAME ${sanitizer}.soak
           COMMAND ${python} ${PROJECT_SOURCE_DIR}/apache-test/soak.py --connections 5000)
  add_test(NAME ${sanitizer}.leaving
           COMMAND ${python} ${PROJECT_SOURCE_DIR}/apache-test/leaving.py --connections 300)
  set_tests_properties(${sanitizer}.soak ${sanitizer}.leaving PROPERTIES TIMEOUT 1200
    ENVIRONMENT "CPPWEBSOCKET_SANITIZER=${kind};CPPWEBSOCKET_MODULE=${builds}/${sanitizer}/mod_cppwebsocket.so;CPPWEBSOCKET_HANDLERS=${builds}/${sanitizer}/handlers;CPPWEBSOCKET_SOURCE=${PROJECT_SOURCE_DIR}")
endforeach()

# Pool memory that is used after its pool is gone: ASan sees it with an APR that takes each allocation
# from malloc. Only files whose requests do not make httpd itself break that APR's rules about
# tables, as mod_dir does.
set(live ${PROJECT_SOURCE_DIR}/apache-test)
add_test(NAME asan.pools
         COMMAND ${python} -m pytest ${live}/test_150_tls.py ${live}/test_155_tls_httpd.py
                 ${live}/test_160_http2.py ${live}/test_170_filters.py ${live}/test_400_closing.py
                 ${live}/test_600_seed.py ${live}/test_880_life_cycle.py ${live}/test_890_hot_swap.py
                 --mpm event -q --again)
set_tests_properties(asan.pools PROPERTIES TIMEOUT 1200 COST 500 SKIP_RETURN_CODE 77
  ENVIRONMENT "CPPWEBSOCKET_APR=${builds}/apr-debug/lib;CPPWEBSOCKET_SANITIZER=address;CPPWEBSOCKET_MODULE=${builds}/asan/mod_cppwebsocket.so;CPPWEBSOCKET_HANDLERS=${builds}/asan/handlers;CPPWEBSOCKET_SOURCE=${PROJECT_SOURCE_DIR}")

# A short run of each fuzz target from its seeds. What it finds to be interesting goes to a scratch
# folder; an input that breaks it stays in the build tree.
file(GLOB fuzz_targets CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*_fuzz.cpp)
foreach(source ${fuzz_targets})
  cmake_path(GET source STEM name)
  set(corpus ${builds}/fuzz/corpus/${name})
  file(MAKE_DIRECTORY ${corpus})
  add_test(NAME fuzz.${name}
           COMMAND ${builds}/fuzz/tests/fuzz/${name} -max_total_time=5 -timeout=10 -verbosity=0
                   -artifact_prefix=${builds}/fuzz/ ${corpus}
                   ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/seeds/${name})
  set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120)
endforeach()
