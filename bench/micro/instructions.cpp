// bench_instructions: runs each of micro/cases.cpp a few times under callgrind, which counts the
// instructions of each separately. bench/instructions starts it and compares.
#include <valgrind/callgrind.h>

#include <cstdio>

#include "cases.hpp"

int main() {
  constexpr int warm_up = 3;  // what is made on first use: tables, memory
  constexpr int runs = 10;
  for (const auto& one : bench::all_cases()) {
    const bench::Run run = one.begin();
    for (int i = 0; i < warm_up; ++i) run();
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (int i = 0; i < runs; ++i) run();
    CALLGRIND_DUMP_STATS_AT(one.name.c_str());
    CALLGRIND_STOP_INSTRUMENTATION;
  }
  std::printf("runs %d\n", runs);
}
