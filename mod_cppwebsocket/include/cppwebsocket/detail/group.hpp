// What is behind when_any and when_all: branches that run beside each other until all have ended.
// Part of wait.hpp.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <cppwebsocket/detail/branches.hpp>
#include <cppwebsocket/request.hpp>

namespace cppwebsocket::detail {

// A task is moved to where it is awaited; anything else stays where the caller has it.
template <typename Awaitable>
inline constexpr bool is_task = false;
template <typename T>
inline constexpr bool is_task<Task<T>> = true;

template <typename Awaitable>
struct HeldOf {
  static_assert(!is_task<std::remove_cvref_t<Awaitable>> || !std::is_reference_v<Awaitable>,
                "a task is awaited once: write when_any(request, std::move(task), ...)");
  using type = std::conditional_t<is_task<Awaitable>, Awaitable, std::remove_reference_t<Awaitable>&>;
};
template <typename Awaitable>
using Held = typename HeldOf<Awaitable>::type;

// Of what is held: what its co_await gives.
template <typename Awaitable>
struct ResultOf {
  using type = decltype(std::declval<Awaitable>().await_resume());
};
template <typename T>
struct ResultOf<Task<T>> {
  using type = T;
};
template <typename Awaitable>
using Result = std::conditional_t<std::is_void_v<typename ResultOf<Awaitable>::type>, std::monostate,
                                  typename ResultOf<Awaitable>::type>;

// A coroutine that somebody else starts, and that is destroyed with this.
class Branch {
 public:
  struct promise_type {
    Branch get_return_object() noexcept {
      return Branch(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  explicit Branch(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  Branch(Branch&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~Branch() {
    if (coroutine_) coroutine_.destroy();
  }
  void start() const { coroutine_.resume(); }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

// The operation is the caller's wait for all.
class Group : protected Operation {
 protected:
  Group(Request& request, bool needs_all) noexcept
      : Operation(OperationKind::group), request_(request), needs_all_(needs_all) {}

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // Runs the branches; false if none of them waits.
  bool run(const Branch* branches, std::uint16_t* numbers, std::size_t count) {
    numbers_ = numbers;
    count_ = count;
    Branches& known = request_.branches();
    known.require_not_cancelled();
    for (; numbered_ < count; ++numbered_) numbers[numbered_] = known.add();
    for (started_ = 0; started_ < count && decided_ == none;) {
      ++running_;
      const Branches::Entered entered(known, numbers[started_]);
      branches[started_++].start();
    }
    if (running_ == 0) return false;
    request_.wait_for_all(*this);
    waits_ = true;
    return true;
  }
  // To be called before the branches go.
  void forget_branches() noexcept {
    while (numbered_ > 0) request_.branches().remove(numbers_[--numbered_]);
  }
  // Raises what is raised; none: all have a result.
  std::size_t decided() {
    rethrow_error();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return decided_;
  }

 private:
  template <typename Awaitable>
  friend Branch run_branch(Group& group, std::size_t index, Awaitable& awaitable,
                           std::optional<Result<Awaitable>>& result);

  // At the end of a branch. That of another may run on the same stack.
  void ended(std::size_t index, std::exception_ptr raised) noexcept {
    --running_;
    if (decided_ == none && (!needs_all_ || raised)) {
      decided_ = index;
      error_ = std::move(raised);
      for (std::size_t other = 0; other < count_; ++other)
        if (other != index) request_.cancel(numbers_[other]);
    }
    if (running_ == 0 && waits_) request_.wake(*this);
  }

  Request& request_;
  std::uint16_t* numbers_ = nullptr;
  std::size_t count_ = 0;
  std::size_t numbered_ = 0;
  std::size_t started_ = 0;
  std::size_t running_ = 0;
  std::size_t decided_ = none;  // the branch whose result, or exception, it is
  std::exception_ptr error_;
  const bool needs_all_;
  bool waits_ = false;
};

template <typename Awaitable>
Branch run_branch(Group& group, std::size_t index, Awaitable& awaitable,
                  std::optional<Result<Awaitable>>& result) {
  std::exception_ptr raised;
  try {
    using Value = typename ResultOf<Awaitable>::type;
    if constexpr (std::is_void_v<Value> && is_task<Awaitable>) {
      co_await std::move(awaitable);
      result.emplace();
    } else if constexpr (std::is_void_v<Value>) {
      co_await awaitable;
      result.emplace();
    } else if constexpr (is_task<Awaitable>) {
      Value value = co_await std::move(awaitable);
      result.emplace(std::move(value));
    } else {
      Value value = co_await awaitable;
      result.emplace(std::move(value));
    }
  } catch (...) {
    raised = std::current_exception();
  }
  group.ended(index, std::move(raised));
}

template <typename... Helds>
class GroupOf : Group {
 public:
  ~GroupOf() { forget_branches(); }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting_coroutine,
                     std::uint32_t at_line = __builtin_LINE()) {
    suspend(waiting_coroutine, at_line);
    return start(std::index_sequence_for<Helds...>());
  }

 protected:
  using Indices = std::index_sequence_for<Helds...>;

  template <typename... Awaitables>
  GroupOf(Request& request, bool needs_all, Awaitables&&... awaitables)
      : Group(request, needs_all), helds_(static_cast<Helds&&>(awaitables)...) {}

  using Group::decided;
  std::tuple<std::optional<Result<Helds>>...> results_;

 private:
  template <std::size_t... I>
  bool start(std::index_sequence<I...>) {
    branches_.emplace(std::array<Branch, sizeof...(Helds)>{
        run_branch<std::remove_reference_t<Helds>>(*this, I, std::get<I>(helds_), std::get<I>(results_))...});
    return run(branches_->data(), numbers_.data(), sizeof...(Helds));
  }

  std::tuple<Helds...> helds_;
  std::array<std::uint16_t, sizeof...(Helds)> numbers_{};
  std::optional<std::array<Branch, sizeof...(Helds)>> branches_;
};

template <typename... Helds>
class [[nodiscard]] WhenAny : public GroupOf<Helds...> {
 public:
  static_assert(sizeof...(Helds) > 0, "when_any needs something to wait for");
  template <typename... Awaitables>
  explicit WhenAny(Request& request, Awaitables&&... awaitables)
      : GroupOf<Helds...>(request, false, std::forward<Awaitables>(awaitables)...) {}

  using Value = std::variant<Result<std::remove_reference_t<Helds>>...>;
  Value await_resume() { return take(this->decided(), typename WhenAny::Indices()); }

 private:
  template <std::size_t... I>
  Value take(std::size_t index, std::index_sequence<I...>) {
    std::optional<Value> taken;
    ((I == index ? void(taken.emplace(std::in_place_index<I>, std::move(*std::get<I>(this->results_)))) : void()),
     ...);
    return std::move(*taken);
  }
};

template <typename... Helds>
class [[nodiscard]] WhenAll : public GroupOf<Helds...> {
 public:
  template <typename... Awaitables>
  explicit WhenAll(Request& request, Awaitables&&... awaitables)
      : GroupOf<Helds...>(request, true, std::forward<Awaitables>(awaitables)...) {}

  using Value = std::tuple<Result<std::remove_reference_t<Helds>>...>;
  Value await_resume() {
    this->decided();
    return std::apply([](auto&... results) { return Value(std::move(*results)...); }, this->results_);
  }
};

}  // namespace cppwebsocket::detail
