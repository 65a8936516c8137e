# For `cmake --toolchain`: builds for arm64 with Debian's cross compiler, on what is in a root of Debian for arm64:
# -D CPPWEBSOCKET_ROOT=DIR (scripts/arm64 makes one). apxs and pkg-config would answer for this machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CPPWEBSOCKET_ROOT)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_SYSROOT ${CPPWEBSOCKET_ROOT})
set(CMAKE_FIND_ROOT_PATH ${CPPWEBSOCKET_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${CPPWEBSOCKET_ROOT})
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CPPWEBSOCKET_ROOT})
set(ENV{PKG_CONFIG_LIBDIR}
    ${CPPWEBSOCKET_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CPPWEBSOCKET_ROOT}/usr/share/pkgconfig)
set(HTTPD_INCLUDE_DIR ${CPPWEBSOCKET_ROOT}/usr/include/apache2)
set(HTTPD_MODULE_DIR /usr/lib/apache2/modules)
