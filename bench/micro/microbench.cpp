// microbench: Google Benchmark over micro/cases.cpp.
#include <benchmark/benchmark.h>

#include "cases.hpp"

namespace {

void measure(benchmark::State& state, const bench::Case& one) {
  const bench::Run run = one.begin();
  for (auto _ : state) run();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * one.bytes));
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& one : bench::all_cases()) {
    benchmark::RegisterBenchmark(one.name.c_str(),
                                 [one](benchmark::State& state) { measure(state, one); });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
