// Reading the arguments of directives. Nothing is guessed: what is not wholly of the form is none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cppwebsocket::httpd {

// Decimal digits, nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

// Digits and an optional K, M or G (powers of 1024).
std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;

// Digits and an optional ms, s, mi, min or h, as in httpd's own directives; seconds without.
std::optional<std::chrono::milliseconds> parse_time(const char* text) noexcept;

// On or Off.
std::optional<bool> parse_switch(std::string_view text) noexcept;

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace cppwebsocket::httpd
