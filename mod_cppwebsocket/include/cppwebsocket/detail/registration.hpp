// How a file's functions get into its table: they are looked for at the end of the file, by the rules for
// overloaded functions, so that what is missing or written otherwise is told in one sentence.
// Part of the handler ABI; handlers include handler.hpp or blocking_handler.hpp instead.
#pragma once

#include <type_traits>

#include <cppwebsocket/handler_table.hpp>

// Stands for a request in these look-ups: argument-dependent look-up at the end of a file finds what is
// declared in the namespace of the arguments' types, which is the global one.
template <typename Request>
struct cppwebsocket_given {
  Request& request;
  operator Request&() const noexcept { return request; }
};

// The same for any parameter whatever: what is found with one of these only is written wrong.
template <typename Given>
struct cppwebsocket_any_object {
  template <typename T>
  operator T() const noexcept;
};
template <typename Given>
struct cppwebsocket_any_reference {
  template <typename T>
  operator T&() const noexcept;
};

// CPPWEBSOCKET_FUNCTION(result, name, is_needed, type, parameter, header, the other type, the other header)
// name_of<T>::call is the function of the file if T stands for its parameter; name_of<T>::is_there.
#define CPPWEBSOCKET_FUNCTION(result, name, is_needed, mine, parameter, header, other, other_header)          \
  template <typename Given, typename Other>                                                                   \
  struct [[gnu::visibility("hidden")]] name##_of {                                                            \
    static constexpr bool is_there = requires(Given given) { name(given); };                                  \
    static constexpr bool is_of_the_other = requires(Other given) { name(given); };                           \
    static constexpr bool is_of_any = requires(cppwebsocket_any_object<Given> any) { name(any); } ||          \
                                      requires(cppwebsocket_any_reference<Given> any) { name(any); };         \
    static_assert(is_there || !is_of_the_other,                                                               \
                  #name " takes a " #other "&: write `" #result " " #name "(" #mine                           \
                        "& " #parameter ")`, or include <cppwebsocket/" #other_header                         \
                        "> instead of <cppwebsocket/" #header ">");                                           \
    static_assert(is_there || is_of_the_other || !is_needed,                                                  \
                  "define `" #result " " #name "(" #mine "& " #parameter ")` in this file, outside of any "   \
                  "namespace; a file without it does not include <cppwebsocket/" #header ">");                \
    static_assert(is_there || is_of_the_other || is_needed || !is_of_any,                                     \
                  #name " takes something else: write `" #result " " #name "(" #mine "& " #parameter ")`");   \
    static constexpr bool has_right_type() noexcept {                                                         \
      if constexpr (is_there)                                                                                 \
        return std::is_same_v<decltype(name(std::declval<Given>())), result>;                                 \
      else                                                                                                    \
        return false;                                                                                         \
    }                                                                                                         \
    static_assert(!is_there || has_right_type(),                                                              \
                  #name " returns something else: write `" #result " " #name "(" #mine "& " #parameter ")`"); \
    static result call(mine& request) {                                                                       \
      if constexpr (has_right_type())                                                                         \
        return name(Given{request});                                                                          \
      else                                                                                                    \
        __builtin_unreachable();                                                                              \
    }                                                                                                         \
    static constexpr auto get() noexcept -> result (*)(mine&) {                                               \
      if constexpr (is_there || is_needed)                                                                    \
        return &call;                                                                                         \
      else                                                                                                    \
        return nullptr;                                                                                       \
    }                                                                                                         \
  };
