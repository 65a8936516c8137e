// The pieces of the protocol engine that are measured by themselves, without kernel or network:
// once by the clock (microbench), once in instructions (bench_instructions).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bench {

// Does it once. Raises std::logic_error if the outcome is wrong.
using Run = std::function<void()>;

struct Case {
  std::string name;
  std::size_t bytes;           // of payload that one run handles; 0: none
  std::function<Run()> begin;  // prepares what the runs share, which lives as long as they
};

std::vector<Case> all_cases();

// Makes the compiler believe that `value` is used.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace bench
