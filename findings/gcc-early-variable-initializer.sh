#!/bin/bash
# g++ looks at the initializer of a template's variable where the variable is used, clang behind the file's last line.
#
# Guessed: both are templates, so argument-dependent look-up finds what is declared anywhere in the file for the
# initializer of a static data member as for the body of a function: [temp.point] has the end of the file as a
# point of instantiation for both, and clang takes that one.
# Seen with g++ 12.2: a function's body finds what is declared below, a static data member's initializer does not, if
# it could be a constant. So what a header asks about its includer (is there a function of this name?) has to be
# asked in the body of a function; asked in an initializer, g++ says no, without a warning.
#
# Needs g++ and clang++; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
cat >look.cpp <<'CPP'
struct Given {};
template <typename T>
constexpr bool is_there() { return requires(T given) { defined_below(given); }; }
template <typename T>
struct Asked {
  static bool in_a_body() {
    constexpr bool answer = is_there<T>();
    return answer;
  }
};
template <typename T>
struct AskedEarly { static const struct Answer { bool is_there; } answer; };
template <typename T>
const typename AskedEarly<T>::Answer AskedEarly<T>::answer = {requires(T given) { defined_below(given); }};

const void* const used = &AskedEarly<Given>::answer;
bool (*const function)() = &Asked<Given>::in_a_body;
void defined_below(Given) {}
int main() {
  __builtin_printf("body: %d, initializer: %d\n", function(),
                   static_cast<const AskedEarly<Given>::Answer*>(used)->is_there);
}
CPP
for compiler in g++ clang++; do
  $compiler -std=c++20 -w look.cpp -o look
  echo "$compiler: $(./look)"
done | tee seen
[[ $(<seen) == "g++: body: 1, initializer: 0
clang++: body: 1, initializer: 1" ]] || { echo "changed" >&2; exit 1; }
