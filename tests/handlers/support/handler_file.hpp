// The real artefact: NAME_wsh.so as it was built.
#pragma once

#include <string>

namespace cppwebsocket::testing {

inline std::string file_of(const std::string& name) { return HANDLER_DIR "/" + name + "_wsh.so"; }

}  // namespace cppwebsocket::testing
