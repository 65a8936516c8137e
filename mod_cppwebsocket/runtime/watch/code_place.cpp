#include "runtime/watch/code_place.hpp"

#include <algorithm>
#include <span>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

namespace cppwebsocket::runtime {

namespace {

using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

class SymbolFile {
 public:
  explicit SymbolFile(const char* path) noexcept : file_(::open(path, O_RDONLY | O_CLOEXEC)) {}
  ~SymbolFile() {
    if (file_ >= 0) ::close(file_);
  }
  SymbolFile(const SymbolFile&) = delete;
  SymbolFile& operator=(const SymbolFile&) = delete;

  // A stripped file has its dynamic symbols only.
  void find(std::uintptr_t offset, CodePlace& place) const noexcept {
    for (const auto type : {SHT_SYMTAB, SHT_DYNSYM}) {
      Section symbols, names;
      if (!find_section(type, symbols) || !read_section(symbols.sh_link, names)) continue;
      if (find_in(symbols, names, offset, place)) return;
    }
  }

 private:
  template <typename Value>
  bool read(std::uint64_t at, Value& value) const noexcept {
    return ::pread(file_, &value, sizeof value, static_cast<off_t>(at)) == sizeof value;
  }
  bool read_section(std::uint64_t number, Section& section) const noexcept {
    ElfW(Ehdr) head;
    return file_ >= 0 && read(0, head) && number < head.e_shnum &&
           read(head.e_shoff + number * sizeof section, section);
  }
  bool find_section(std::uint32_t type, Section& section) const noexcept {
    for (std::uint64_t number = 0; read_section(number, section); ++number)
      if (section.sh_type == type) return true;
    return false;
  }

  bool find_in(const Section& symbols, const Section& names, std::uintptr_t offset,
               CodePlace& place) const noexcept {
    Symbol best{};
    std::array<Symbol, 256> some;
    for (std::uint64_t done = 0; done < symbols.sh_size;) {
      const std::uint64_t wanted = std::min<std::uint64_t>(sizeof some, symbols.sh_size - done);
      const ssize_t size = ::pread(file_, some.data(), wanted, static_cast<off_t>(symbols.sh_offset + done));
      if (size < static_cast<ssize_t>(sizeof(Symbol))) break;
      for (const Symbol& each : std::span(some).first(static_cast<std::size_t>(size) / sizeof(Symbol))) {
        if ((each.st_info & 0xf) != STT_FUNC || each.st_shndx == SHN_UNDEF) continue;
        if (offset >= each.st_value && offset < each.st_value + each.st_size) best = each;
      }
      done += static_cast<std::uint64_t>(size) / sizeof(Symbol) * sizeof(Symbol);
    }
    if (best.st_value == 0) return false;
    auto& buffer = place.name_buffer;
    const ssize_t size = ::pread(file_, buffer.data(), buffer.size(),
                                 static_cast<off_t>(names.sh_offset + best.st_name));
    if (size <= 0) return false;
    place.name_size = static_cast<std::size_t>(std::find(buffer.begin(), buffer.begin() + size, '\0') -
                                               buffer.begin());
    return place.name_size != 0;
  }

  const int file_;
};

}  // namespace

void find_code(const void* address, bool is_return, CodePlace& place) noexcept {
  place.path = {};
  place.name_size = 0;
  const auto at = reinterpret_cast<std::uintptr_t>(address) - (is_return ? 1 : 0);
  dl_find_object object;  // glibc documents this as async-signal-safe
  if (::_dl_find_object(reinterpret_cast<void*>(at), &object) != 0 || !object.dlfo_link_map) return;
  const char* const name = object.dlfo_link_map->l_name;
  place.path = name && *name ? name : "/proc/self/exe";  // which has no name there
  place.offset = at - object.dlfo_link_map->l_addr;
  SymbolFile(place.path.data()).find(place.offset, place);
}

void add_code_place(const CodePlace& place, const void* address, SignalText& to) noexcept {
  if (place.name_size != 0) add_function_name(place.function(), to);
  if (place.path.empty()) {
    to.add_hex(reinterpret_cast<std::uintptr_t>(address));
    return;
  }
  const std::string_view file = place.path.substr(place.path.rfind('/') + 1);
  to.add(place.name_size != 0 ? " (" : "(").add_escaped(file).add("+").add_hex(place.offset).add(")");
}

}  // namespace cppwebsocket::runtime
