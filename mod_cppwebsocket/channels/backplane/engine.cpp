#include "channels/backplane/engine.hpp"

#include <stdexcept>

namespace cppwebsocket::channels {

namespace {

std::string_view engine_of(const BackplaneUrl& url) noexcept { return url.is_nats() ? "nats" : "redis"; }

}  // namespace

std::string why_no_engine(const BackplaneUrl& url) {
  return why_no_object(engine_of(url), url.is_nats() ? "libnats" : "libhiredis");
}

std::unique_ptr<Backplane> make_backplane(const BackplaneUrl& url, BackplaneOptions options,
                                          runtime::EventLoop& loop) {
  if (std::string problem = why_no_engine(url); !problem.empty())
    throw std::runtime_error(problem);
  auto& make = *reinterpret_cast<MakeBackplane*>(load_function(engine_of(url), make_backplane_symbol));
  std::string problem;
  Backplane* const made = make(url, options, loop, problem);
  if (!made) throw std::runtime_error(problem);
  return std::unique_ptr<Backplane>(made);
}

KeptObject keep_engine(const BackplaneUrl& url) { return keep_object(engine_of(url)); }

}  // namespace cppwebsocket::channels
