#include "runtime/handlers/elf_image.hpp"

#include <algorithm>
#include <bit>

namespace cppwebsocket::runtime {

namespace {

constexpr std::uint64_t most_memory = 1u << 30;  // bytes mapped
constexpr std::string_view no_object = "it is not a shared object (ELF) for this machine";
constexpr std::string_view cut_off = "it is not complete: it ends too early";
constexpr std::string_view contradiction = "its program headers contradict each other";

constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char own_order =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

}  // namespace

std::string_view ElfImage::read_all() noexcept {
  if (!read(0, head_) || std::memcmp(head_.e_ident, ELFMAG, SELFMAG) != 0 ||
      head_.e_ident[EI_CLASS] != own_class || head_.e_ident[EI_DATA] != own_order ||
      head_.e_type != ET_DYN || head_.e_phentsize != sizeof(Segment))
    return no_object;
  if (head_.e_phnum > segments_.size()) return contradiction;
  for (; count_ < head_.e_phnum; ++count_) {
    Segment& segment = segments_[count_];
    if (!read(head_.e_phoff + count_ * sizeof segment, segment)) return cut_off;
    if (const std::string_view problem = read_segment(segment); !problem.empty()) return problem;
  }
  return end_ == 0 ? contradiction : std::string_view();
}

std::string_view ElfImage::read_segment(Segment& segment) noexcept {
  if (!has(segment.p_offset, segment.p_filesz)) return cut_off;
  if (segment.p_type == PT_DYNAMIC) dynamic_ = &segment;
  if (segment.p_type != PT_LOAD) return {};
  // In ascending order, gABI chapter 5; p_align: what mmap() can do.
  const bool is_sane = segment.p_filesz <= segment.p_memsz && segment.p_vaddr >= end_ &&
                       std::has_single_bit(segment.p_align) &&
                       (segment.p_vaddr - segment.p_offset) % segment.p_align == 0 &&
                       segment.p_vaddr <= most_memory &&
                       segment.p_memsz <= most_memory - segment.p_vaddr;
  if (!is_sane) return contradiction;
  end_ = segment.p_vaddr + segment.p_memsz;
  return {};
}

bool ElfImage::find(std::uint64_t address, std::uint64_t size,
                    std::uint64_t& offset) const noexcept {
  for (const Segment& each : std::span(segments_.data(), count_)) {
    if (each.p_type != PT_LOAD || address < each.p_vaddr) continue;
    const std::uint64_t into = address - each.p_vaddr;
    if (into > each.p_filesz || size > each.p_filesz - into) continue;
    offset = each.p_offset + into;
    return true;
  }
  return false;
}

bool ElfImage::is_mapped(std::uint64_t address) const noexcept {
  const std::span segments(segments_.data(), count_);
  return std::any_of(segments.begin(), segments.end(), [address](const Segment& each) {
    return each.p_type == PT_LOAD && address >= each.p_vaddr &&
           address - each.p_vaddr < each.p_memsz;
  });
}

}  // namespace cppwebsocket::runtime
