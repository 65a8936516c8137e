#include "channels/presence/note.hpp"

namespace cppwebsocket::channels {

namespace {

using Kind = PresenceNote::Kind;

void put(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}

void put(std::string& out, std::string_view text) {
  put(out, text.size());
  out.append(text);
}

class Input {
 public:
  explicit Input(std::string_view bytes) noexcept : rest_(bytes) {}

  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return rest_.empty(); }

  std::uint64_t number() noexcept {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      // One number has one form: no bits beyond the 64th, and no zeros at the end.
      if ((shift == 63 && byte > 1) || (shift != 0 && byte == 0)) break;
      number |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return number;
    }
    failed_ = true;
    return 0;
  }

  std::string text() {
    const std::uint64_t size = number();
    failed_ = failed_ || size > rest_.size();
    if (failed_) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string encode(const PresenceNote& note) {
  std::string out(1, static_cast<char>(note.kind));
  for (const Member& member : note.members) {
    put(out, member.id);
    if (note.kind != Kind::left) put(out, member.info);
  }
  if (note.kind == Kind::counted) put(out, note.asker);
  if (note.kind == Kind::count || note.kind == Kind::counted) put(out, note.question);
  if (note.kind == Kind::counted) put(out, note.count);
  return out;
}

std::optional<PresenceNote> decode_presence_note(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  PresenceNote note;
  note.kind = static_cast<Kind>(bytes.front());
  Input in(bytes.substr(1));
  switch (note.kind) {
    case Kind::joined:
    case Kind::here:
      while (!in.at_end() && !in.failed()) {
        Member& member = note.members.emplace_back();
        member.id = in.text();
        member.info = in.text();
      }
      break;
    case Kind::left:
      note.members.push_back({in.text(), {}});
      break;
    case Kind::who:
    case Kind::all_who:
      break;
    case Kind::counted:
      note.asker = in.number();
      note.question = in.number();
      note.count = in.number();
      break;
    case Kind::count:
      note.question = in.number();
      break;
    default:
      return std::nullopt;
  }
  if (in.failed() || !in.at_end()) return std::nullopt;
  return note;
}

}  // namespace cppwebsocket::channels
