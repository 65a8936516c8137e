// Handler files for tests, compiled by the compiler that built the tests.
#pragma once

#include "runtime/handlers/copy_directory.hpp"
#include "runtime/handlers/library.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/support/fake_loop.hpp"

namespace cppwebsocket::testing {

namespace fs = std::filesystem;

// A whole handler, whose passive closing hook answers with `number`.
inline std::string handler_source(int number) {
  return "#include <cppwebsocket/handler.hpp>\nusing namespace cppwebsocket;\n"
         "void web_socket_do_extra_handshake(Request&) {}\n"
         "Task<> web_socket_transfer_data(Request&) { co_return; }\n"
         "Close web_socket_passive_closing_handshake(Request&) { return Close(" +
         std::to_string(number) + "); }\n";
}

// Only the table of one, which compiles faster. `fields` are in the order of HandlerTable.
inline std::string table_source(std::string_view fields, int number = 0) {
  return "#include <cppwebsocket/handler_table.hpp>\nusing namespace cppwebsocket;\n"
         "void handshake(Request&) {}\n"
         "auto* const transfer = (Task<void> (*)(Request&))&handshake;\n"
         "Close passive(Request&) { return Close(" +
         std::to_string(number) +
         "); }\n"
         "const HandlerTable& table() noexcept { static const HandlerTable made = {" +
         std::string(fields) +
         "}; return made; }\n"
         "extern \"C\" __attribute__((visibility(\"default\"))) const HandlerSymbol "
         "cppwebsocket_handler = &table;\n";
}

inline std::string good_table(int number) {
  return table_source(
      "handler_abi, sizeof(HandlerTable), handler_toolchain, &handshake, transfer, &passive",
      number);
}

class HandlerFiles : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "handler_library_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    built_ = name;
  }
  static void TearDownTestSuite() { fs::remove_all(built_); }

  static constexpr char usual_flags[] = "-fno-gnu-unique";

  // Without what is g++'s alone: clang knows neither such symbols nor the options about them.
  static std::string known(std::string flags) {
#ifdef __clang__
    for (const std::string each : {"-fno-gnu-unique", "-fgnu-unique"})
      if (const auto at = flags.find(each); at != std::string::npos) flags.erase(at, each.size());
#endif
    return flags;
  }

  // Compiles `source` to `name`.so in built_. With other flags all of it anew: g++ does not notice that
  // what is compiled already has another layout.
  static void build(const std::string& name, const std::string& source,
                    const std::string& flags = usual_flags) {
    const char* const already = flags == usual_flags ? " -include '" HANDLER_API "'" : "";
    std::ofstream(built_ / (name + ".cpp")) << source;
    const std::string command = std::string(CXX_COMPILER) + " -shared " + known(flags) + " " HANDLER_FLAGS +
                                already + " -I'" INCLUDE_DIR "' -o '" +
                                (built_ / (name + ".so")).string() + "' '" +
                                (built_ / (name + ".cpp")).string() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "handlers.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    make_directory("root");
    root_.directory = (top_ / "root").string();
  }
  void TearDown() override { fs::remove_all(top_); }

  void make_directory(const std::string& path, int mode = 0755) {
    fs::create_directories(top_ / path);
    fs::permissions(top_ / path, static_cast<fs::perms>(mode));
  }
  // Puts what was built as `which`, by default "one" or "two", at `path` in its stead, as a careful
  // installer does.
  void install(const std::string& which, const std::string& path, int mode = 0644) {
    if (!fs::exists(built_ / (which + ".so")))
      build(which, good_table(which == "one" ? 4001 : 4002));
    make_directory(fs::path(path).parent_path().string());
    const fs::path next = top_ / (path + ".new");
    fs::copy_file(built_ / (which + ".so"), next, fs::copy_options::overwrite_existing);
    fs::permissions(next, static_cast<fs::perms>(mode));
    fs::rename(next, top_ / path);
  }
  void write(const std::string& path, std::string_view text) {
    std::ofstream(top_ / path, std::ios::trunc) << text;
    fs::permissions(top_ / path, static_cast<fs::perms>(0644));
  }

  runtime::Lookup find(std::string_view resource) { return library_.find(root_, resource); }

  // The number that the handler was built with.
  static int number_of(const std::shared_ptr<const runtime::Handler>& handler) {
    FakeLoop loop;
    runtime::Session session(std::make_unique<detail::RequestRecord>(), handler, loop);
    return handler->table().passive_closing_handshake(session).code().value_or(0);
  }
  // How many mappings there are of the copies of a handler's file.
  std::size_t mapped(std::string_view name) {
    std::ifstream maps("/proc/self/maps");
    const std::string copy = copies_.path() + "/" + fs::path(name).stem().string() + ".";
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(copy) != std::string::npos;
    return count;
  }
  std::size_t copies() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(copies_.path()), fs::directory_iterator()));
  }

  static inline fs::path built_;
  fs::path top_;
  runtime::HandlerRoot root_;
  runtime::CopyDirectory copies_{built_ / "copies", static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  runtime::HandlerLibrary library_{nullptr, nullptr, &copies_};
};

}  // namespace cppwebsocket::testing
