#include "runtime/handlers/shared_object.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include <dlfcn.h>

#include "runtime/handlers/elf_image.hpp"

namespace cppwebsocket::runtime {

namespace {

using Section = ElfW(Shdr);
using Entry = ElfW(Dyn);
using Symbol = ElfW(Sym);
using Relocation = ElfW(Rela);
using Word = ElfW(Word);

// Zero bytes that no compiler leaves, between functions and at an end of a section; a block of a
// file has more.
constexpr std::size_t longest_gap = 511;
constexpr std::size_t longest_edge = 8;

constexpr std::string_view no_sections = "it is not complete: its section headers are missing";
constexpr std::string_view no_code = "it is not complete: a part of its code is missing";
constexpr std::string_view no_dynamic = "it is not complete: its dynamic section is missing";
constexpr std::string_view no_symbols = "it is not complete: its symbols are missing";
constexpr std::string_view no_relocations = "it is not complete: its relocations are missing";

constexpr std::string_view needs_origin =
    "its RUNPATH says $ORIGIN, which would be the directory of the private copy that is loaded: "
    "link "
    "it with the whole path of the directory (-Wl,-rpath,/the/directory)";

struct Sanitizer {
  std::string_view symbol;  // as it stands in a table of strings
  std::string_view refusal;
};
using namespace std::string_view_literals;
constexpr Sanitizer sanitizers[] = {{"\0__asan_init\0"sv,
                                     "it was built with AddressSanitizer, and this server runs "
                                     "without: `cppwebsocket serve --sanitize "
                                     "address` has it, or build the handler without"},
                                    {"\0__tsan_init\0"sv,
                                     "it was built with ThreadSanitizer, and this server runs "
                                     "without: `cppwebsocket serve --sanitize "
                                     "thread` has it, or build the handler without"}};

constexpr auto symbol_of(const Relocation& each) noexcept {
  if constexpr (sizeof each.r_info == 8)
    return each.r_info >> 32;
  else
    return each.r_info >> 8;
}

class Object {
 public:
  explicit Object(const ElfImage& image) noexcept : image_(image) {}

  std::string_view problem() noexcept {
    using Check = std::string_view (Object::*)() noexcept;
    constexpr Check in_order[] = {&Object::check_sections,  &Object::check_dynamic,
                                  &Object::check_strings,   &Object::check_hash,
                                  &Object::check_needed,    &Object::check_all_relocations,
                                  &Object::check_sanitizers};
    for (const Check check : in_order)
      if (const std::string_view problem = (this->*check)(); !problem.empty()) return problem;
    return {};
  }

 private:
  // The headers are the last thing in a file as linkers write it: what grows has none.
  std::string_view check_sections() noexcept {
    const ElfW(Ehdr)& head = image_.head();
    if (head.e_shnum == 0) return {};
    Section names;
    if (head.e_shentsize != sizeof names || head.e_shstrndx >= head.e_shnum ||
        !image_.read(head.e_shoff + head.e_shstrndx * sizeof names, names) ||
        names.sh_type != SHT_STRTAB || names.sh_addralign == 0)  // the last bytes that are not zero
      return no_sections;
    for (std::uint64_t i = 0; i < head.e_shnum; ++i) {
      Section each;
      if (!image_.read(head.e_shoff + i * sizeof each, each)) return no_sections;
      if (each.sh_type == SHT_NULL || each.sh_type == SHT_NOBITS) continue;
      if (!image_.has(each.sh_offset, each.sh_size)) return no_sections;
      if ((each.sh_flags & SHF_EXECINSTR) != 0 &&
          has_gap(image_.bytes(each.sh_offset, each.sh_size)))
        return no_code;
    }
    return {};
  }

  static bool has_gap(std::span<const char> code) noexcept {
    std::size_t zeros = 0;
    std::size_t longest = longest_edge;  // at the beginning
    for (const char each : code) {
      zeros = each == 0 ? zeros + 1 : 0;
      if (zeros > longest) return true;
      if (zeros == 0) longest = longest_gap;
    }
    return zeros > longest_edge;
  }

  std::string_view check_dynamic() noexcept {
    std::uint64_t offset = 0;
    if (!image_.dynamic() ||
        !image_.find(image_.dynamic()->p_vaddr, image_.dynamic()->p_filesz, offset))
      return no_dynamic;
    for (std::uint64_t at = 0; at < image_.dynamic()->p_filesz; at += sizeof(Entry)) {
      Entry each;
      if (!image_.read(offset + at, each)) return no_dynamic;
      if (each.d_tag == DT_NULL) return {};
      take(each);
    }
    return no_dynamic;  // without an end
  }

  void take(const Entry& each) noexcept {
    const std::pair<ElfW(Sxword), std::uint64_t*> wanted[] = {{DT_STRTAB, &strings_},
                                                              {DT_STRSZ, &strings_size_},
                                                              {DT_SYMTAB, &symbols_},
                                                              {DT_GNU_HASH, &gnu_hash_},
                                                              {DT_HASH, &hash_},
                                                              {DT_RELA, &relocations_},
                                                              {DT_RELASZ, &relocations_size_},

                                                              {DT_JMPREL, &jumps_},
                                                              {DT_PLTRELSZ, &jumps_size_},
                                                              {DT_PLTREL, &jumps_kind_}};
    for (const auto& [tag, value] : wanted)
      if (each.d_tag == tag) *value = each.d_un.d_val;
  }

  // gABI: the table's first byte is zero, and the last, because each string ends.
  std::string_view check_strings() noexcept {
    if (strings_size_ < 2 || !image_.find(strings_, strings_size_, strings_at_)) return no_symbols;
    const auto table = image_.bytes(strings_at_, strings_size_);
    return table.front() != 0 || table.back() != 0 ? no_symbols : std::string_view();
  }
  bool is_name(std::uint64_t at) const noexcept {
    return at < strings_size_ && image_.bytes(strings_at_ + at, 1).front() != 0;
  }

  std::string_view check_hash() noexcept {
    if (gnu_hash_ == 0 && hash_ == 0) return no_symbols;
    if (gnu_hash_ != 0 && !count_by_gnu_hash()) return no_symbols;
    if (gnu_hash_ == 0 && !count_by_hash()) return no_symbols;
    std::uint64_t offset = 0;
    const bool known = symbols_count_ != unknown;
    if (known && !image_.find(symbols_, symbols_count_ * sizeof(Symbol), offset)) return no_symbols;
    return {};
  }

  bool count_by_hash() noexcept {
    std::array<Word, 2> sizes;  // buckets, chains: one for each symbol
    std::uint64_t offset = 0;
    if (!image_.read_at(hash_, sizes) || sizes[0] == 0) return false;
    symbols_count_ = sizes[1];
    const std::uint64_t words = 2 + std::uint64_t{sizes[0]} + sizes[1];
    return image_.find(hash_, words * sizeof(Word), offset);
  }

  // Number of buckets, first symbol, words in the filter, shift; the filter; buckets; chains, whose
  // last words are odd. The chain of the highest bucket ends with the last symbol.
  bool count_by_gnu_hash() noexcept {
    std::array<Word, 4> sizes;
    if (!image_.read_at(gnu_hash_, sizes) || sizes[0] == 0 || !std::has_single_bit(sizes[2]))
      return false;
    const std::uint64_t buckets =
        gnu_hash_ + sizeof sizes + std::uint64_t{sizes[2]} * sizeof(ElfW(Addr));
    const std::uint64_t chains = buckets + std::uint64_t{sizes[0]} * sizeof(Word);
    std::uint64_t offset = 0;
    if (!image_.find(gnu_hash_, chains - gnu_hash_, offset)) return false;
    Word highest = 0;
    for (std::uint64_t i = 0; i < sizes[0]; ++i) {
      Word first;
      if (!image_.read_at(buckets + i * sizeof first, first) || (first != 0 && first < sizes[1]))
        return false;
      highest = std::max(highest, first);
    }
    if (highest == 0) return true;  // it exports nothing
    for (std::uint64_t i = highest;; ++i) {
      Word hash;
      if (!image_.read_at(chains + (i - sizes[1]) * sizeof hash, hash)) return false;
      if ((hash & 1) == 0) continue;
      symbols_count_ = i + 1;
      return true;
    }
  }

  // What it needs, by the dynamic section's entries.
  std::string_view check_needed() noexcept {
    std::uint64_t offset = 0;
    image_.find(image_.dynamic()->p_vaddr, image_.dynamic()->p_filesz, offset);
    for (Entry each; image_.read(offset, each) && each.d_tag != DT_NULL; offset += sizeof each)
      if (const std::string_view problem = problem_of_entry(each); !problem.empty()) return problem;
    return {};
  }
  std::string_view problem_of_entry(const Entry& each) const noexcept {
    const bool is_needed = each.d_tag == DT_NEEDED;
    if ((is_needed || each.d_tag == DT_SONAME) && !is_name(each.d_un.d_val)) return no_symbols;
    const bool is_path = is_needed || each.d_tag == DT_RUNPATH || each.d_tag == DT_RPATH;
    return is_path && names_origin(each.d_un.d_val) ? needs_origin : std::string_view();
  }
  bool names_origin(std::uint64_t at) const noexcept {
    if (at >= strings_size_) return false;
    const std::string_view text = image_.bytes(strings_at_ + at, strings_size_ - at).data();
    return text.find("$ORIGIN") != text.npos || text.find("${ORIGIN}") != text.npos;
  }

  // Loaded by a process that has not its runtime, such a file ends the process.
  std::string_view check_sanitizers() noexcept {
    const auto table = image_.bytes(strings_at_, strings_size_);
    for (const Sanitizer& each : sanitizers) {
      const auto found =
          std::search(table.begin(), table.end(), each.symbol.begin(), each.symbol.end());
      if (found != table.end() && !::dlsym(RTLD_DEFAULT, each.symbol.data() + 1))
        return each.refusal;
    }
    return {};
  }

  std::string_view check_all_relocations() noexcept {
    if (relocations_size_ != 0 && !check_relocations(relocations_, relocations_size_))
      return no_relocations;
    if (jumps_size_ != 0 && jumps_kind_ == DT_RELA && !check_relocations(jumps_, jumps_size_))
      return no_relocations;
    return {};
  }

  // One of no kind is one that is not written: linkers leave none (of 1,604 objects of a Debian).
  bool check_relocations(std::uint64_t address, std::uint64_t size) const noexcept {
    std::uint64_t offset = 0;
    if (size % sizeof(Relocation) != 0 || !image_.find(address, size, offset)) return false;
    for (std::uint64_t at = 0; at < size; at += sizeof(Relocation)) {
      Relocation each;
      if (!image_.read(offset + at, each) || each.r_info == 0) return false;
      if (!image_.is_mapped(each.r_offset) || !is_symbol(symbol_of(each))) return false;
    }
    return true;
  }

  bool is_symbol(std::uint64_t number) const noexcept {
    if (number == 0) return true;  // none
    Symbol symbol;
    if (number >= symbols_count_ || !image_.read_at(symbols_ + number * sizeof symbol, symbol))
      return false;
    // One without a name is a section, and local.
    return symbol.st_name == 0 ? symbol.st_info != 0 : is_name(symbol.st_name);
  }

  const ElfImage& image_;
  // Addresses and sizes in bytes, from the dynamic section.
  std::uint64_t strings_ = 0, strings_size_ = 0, symbols_ = 0, gnu_hash_ = 0, hash_ = 0;
  std::uint64_t relocations_ = 0, relocations_size_ = 0, jumps_ = 0, jumps_size_ = 0;
  std::uint64_t jumps_kind_ = 0;
  std::uint64_t strings_at_ = 0;  // offset in the file
  static constexpr std::uint64_t unknown = UINT64_MAX;
  std::uint64_t symbols_count_ = unknown;
};

}  // namespace

std::string_view problem_of_object(std::span<const char> file) noexcept {
  const ElfImage image(file);
  return image.problem().empty() ? Object(image).problem() : image.problem();
}

}  // namespace cppwebsocket::runtime
