// How channels are called in NATS.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

// What a site's subjects begin with: "cppws.", or "cppws.SITE.", which no channel's of the first is.
inline std::string subjects_of_site(std::string_view site) {
  return "cppws." + std::string(site) + (site.empty() ? "" : ".");
}

// A channel's name as one token of a subject: dots, blanks and wildcards mean something there.
inline std::string subject_of(std::string_view site_subjects, std::string_view channel) {
  std::string subject(site_subjects);
  for (const unsigned char c : channel) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (is_plain) {
      subject += static_cast<char>(c);
    } else {
      subject += '=';
      subject += "0123456789abcdef"[c >> 4];
      subject += "0123456789abcdef"[c & 15];
    }
  }
  return subject;
}

// The channel whose subject it is; nothing if it is none's.
inline std::optional<std::string> channel_of(std::string_view site_subjects, std::string_view subject) {
  if (!subject.starts_with(site_subjects)) return std::nullopt;
  subject.remove_prefix(site_subjects.size());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string channel;
  for (std::size_t i = 0; i < subject.size(); ++i) {
    if (subject[i] != '=') {
      channel += subject[i];
      continue;
    }
    if (i + 2 >= subject.size()) return std::nullopt;
    const std::size_t high = digits.find(subject[i + 1]), low = digits.find(subject[i + 2]);
    if (high == digits.npos || low == digits.npos) return std::nullopt;
    channel += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return channel;
}

// A subject of this child alone, and of no channel.
inline std::string echo_subject(std::string_view site_subjects) {
  std::random_device random;
  return std::string(site_subjects) + "=echo-" + std::to_string(random()) + "-" +
         std::to_string(random());
}

}  // namespace cppwebsocket::channels
