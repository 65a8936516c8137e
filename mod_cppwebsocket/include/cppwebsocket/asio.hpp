// Asio in coroutine handlers: its asynchronous operations, awaited. Optional; include it beside
// handler.hpp.
//
//   Task<> web_socket_transfer_data(Request& request) {
//     asio::ip::tcp::socket socket(io_context());
//     const asio::ip::tcp::endpoint echo(asio::ip::address_v4::loopback(), 7);
//     co_await socket.async_connect(echo, resume_in(request, socket));
//     std::string bytes(1024, '\0');
//     const std::size_t count =
//         co_await socket.async_read_some(asio::buffer(bytes), resume_in(request, socket));
//     co_await msgutil::send_message(request, Message::binary(bytes.substr(0, count)));
//   }
//
// `asio` is cppwebsocket::asio here: stand-alone Asio if <asio.hpp> is included before this file or
// CPPWEBSOCKET_STANDALONE_ASIO is defined, else Boost's. From Asio 1.18 (Boost 1.74) on.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include <pthread.h>
#include <signal.h>

#if defined(CPPWEBSOCKET_STANDALONE_ASIO) || (defined(ASIO_VERSION) && !defined(BOOST_ASIO_VERSION))
#define CPPWEBSOCKET_ASIO_IS_STANDALONE
#include <asio.hpp>
#else
#include <boost/asio.hpp>
#endif

#include <cppwebsocket/background.hpp>
#include <cppwebsocket/handler_table.hpp>

namespace cppwebsocket {

// The two are not the same where one file of a program has this one and another that.
#ifdef CPPWEBSOCKET_ASIO_IS_STANDALONE
#define CPPWEBSOCKET_ASIO_VERSION ASIO_VERSION
inline namespace standalone_asio {
namespace asio = ::asio;
#else
#define CPPWEBSOCKET_ASIO_VERSION BOOST_ASIO_VERSION
inline namespace boost_asio {
namespace asio = ::boost::asio;
#endif

namespace asio_detail {

using namespace cppwebsocket::detail;

#ifdef CPPWEBSOCKET_ASIO_IS_STANDALONE
using AsioErrorCode = std::error_code;
using AsioSystemError = std::system_error;
#else
using AsioErrorCode = boost::system::error_code;
using AsioSystemError = boost::system::system_error;
#endif

// 1.19: operations can be cancelled one by one.
inline constexpr bool asio_cancels = CPPWEBSOCKET_ASIO_VERSION >= 101900;

// The context of this handler file, and its thread. It goes before the file is unloaded, when
// nobody waits any more.
class [[gnu::visibility("hidden")]] AsioThread {
 public:
  // From the first call on. Thread: any.
  static asio::io_context& context() {
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    if (!the_only_) {
      the_only_ = new AsioThread;
      next_to_unload_ = before_unload;
      before_unload = []() noexcept {
        delete std::exchange(the_only_, nullptr);
        before_unload = next_to_unload_;
        if (before_unload) before_unload();
      };
    }
    return the_only_->context_;
  }

 private:
  AsioThread() {
    sigset_t all, before;  // httpd's signals are for httpd's threads
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);  // the server tells of them
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "asio");
      context_.run();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~AsioThread() {
    context_.stop();
    thread_.join();
  }

  static inline AsioThread* the_only_ = nullptr;
  static inline void (*next_to_unload_)() noexcept = nullptr;  // what there was before
  asio::io_context context_{1};                                // threads
  asio::executor_work_guard<asio::io_context::executor_type> has_work_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace asio_detail

// What co_await raises of Asio's errors: asio's system_error, with a code().
using AsioError = asio_detail::AsioSystemError;

// Where the objects of Asio live that a handler awaits. It belongs to the library: it has one
// thread in each child, started with the first call and ended before the file is unloaded, and what
// is asynchronous is begun and completed there. So an object needs no strand: touch it from the
// handler while nothing that it does is waited for, or on this context's thread (asio::post).
// Callbacks of your own run there, too, and must not throw. Thread: any.
inline asio::io_context& io_context() { return asio_detail::AsioThread::context(); }

namespace asio_detail {

struct NothingToCancel {};

// What an asynchronous function of Asio is given: see resume_in.
template <typename Owner, typename Object, bool with_error>
struct AsioToken {
  Owner& owner;
  Object* object;
};

// Between the thread of Asio and the coroutine's. The result is Asio's until the operation is
// complete.
template <typename Object, typename... Results>
struct AsioCall : std::enable_shared_from_this<AsioCall<Object, Results...>> {
  using Result = std::tuple<Results...>;

  // Thread: Asio's.
  void complete(OutsideOperation& operation) noexcept {
    is_complete = true;
    operation.complete();
  }
  void cancel_here() {
    if (is_complete) return;
#if CPPWEBSOCKET_ASIO_VERSION >= 101900
    signal.emit(asio::cancellation_type::terminal);
#else
    // What consists of several steps may be between two of them, so until it has heard of it.
    if constexpr (!std::is_same_v<Object, NothingToCancel>) object->cancel();
    asio::post(io_context(), [self = this->shared_from_this()] { self->cancel_here(); });
#endif
  }

  // Thread: the coroutine's.
  void cancel() noexcept try {
    asio::post(io_context(), [self = this->shared_from_this()] { self->cancel_here(); });
  } catch (const std::exception&) {  // no memory: it is waited for until it ends by itself
  }

#if CPPWEBSOCKET_ASIO_VERSION >= 101900
  asio::cancellation_signal signal;
#endif
  Object* object = nullptr;
  bool is_complete = false;
  std::optional<Result> result;
  std::exception_ptr error;  // raised by what should have begun it
};

// What Asio calls when the operation is complete.
template <typename Object, typename... Results>
struct AsioHandler {
  void operator()(Results... results) {
    call->result.emplace(std::move(results)...);
    call->complete(*operation);
  }

  using executor_type = asio::io_context::executor_type;
  executor_type get_executor() const noexcept { return io_context().get_executor(); }
#if CPPWEBSOCKET_ASIO_VERSION >= 101900
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return call->signal.slot(); }
#endif

  std::shared_ptr<AsioCall<Object, Results...>> call;
  OutsideOperation* operation;
};

// What co_await gives: without an error code in front nothing is taken off; one value is that, none
// is void.
template <bool with_error, typename... Results>
struct AsioResult {
  static auto of(std::tuple<Results...>&& all) {
    if constexpr (sizeof...(Results) == 1)
      return std::get<0>(std::move(all));
    else if constexpr (sizeof...(Results) > 1)
      return std::move(all);
  }
};
template <typename... Results>
struct AsioResult<false, AsioErrorCode, Results...> {
  static auto of(std::tuple<AsioErrorCode, Results...>&& all) {
    return std::apply(
        [](const AsioErrorCode& error, Results&&... results) {
          if (error) throw AsioSystemError(error);
          return AsioResult<true, Results...>::of(std::tuple<Results...>(std::move(results)...));
        },
        std::move(all));
  }
};

template <typename Token, typename Begin, typename... Results>
class AsioAwaiter;

template <typename Owner, typename Object, bool with_error, typename Begin, typename... Results>
class [[nodiscard]] AsioAwaiter<AsioToken<Owner, Object, with_error>, Begin, Results...>
    : OutsideOperation {
  using Call = AsioCall<Object, Results...>;

 public:
  AsioAwaiter(Owner& owner, Object* object, Begin&& begin)
      : OutsideOperation([](OutsideOperation& operation) noexcept {
          static_cast<AsioAwaiter&>(operation).call_->cancel();
        }),
        owner_(owner),
        begin_(std::move(begin)),
        call_(std::make_shared<Call>()) {
    call_->object = object;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting_coroutine,
                     std::uint32_t at_line = __builtin_LINE()) {
    suspend(waiting_coroutine, at_line);
    owner_.begin(*this);
    try {
      asio::post(io_context(), [this] { begin(); });
    } catch (...) {  // no memory, or no thread
      fail();
    }
  }
  auto await_resume() {
    rethrow_error();
    if (call_->error) std::rethrow_exception(call_->error);
    return AsioResult<with_error, Results...>::of(std::move(*call_->result));
  }

 private:
  void begin() noexcept {
    const auto call = call_;  // the coroutine may have gone on by the end of this
    try {
      begin_(AsioHandler<Object, Results...>{call, this});
    } catch (...) {
      fail();
    }
  }
  void fail() noexcept {
    call_->error = std::current_exception();
    call_->complete(*this);
  }

  Owner& owner_;
  Begin begin_;
  const std::shared_ptr<Call> call_;
};

template <typename Owner>
concept AsioOwner = std::is_same_v<Owner, Request> || std::is_same_v<Owner, Background>;

}  // namespace asio_detail

// For the last parameter of Asio's asynchronous functions: co_await async_…(…, resume_in(request))
// begins the operation, goes on on the connection's thread when it is complete, and gives its
// result; several are a std::tuple. Raises its error as AsioError. Whatever it refers to, as the
// object itself and a buffer, has to stay until then. When the connection begins to end, the
// operation is cancelled (a terminal cancellation), and co_await raises
// ConnectionTerminatedException once Asio is done with it. In a Background likewise, with
// StoppedException. Before Asio 1.19 (Boost 1.77), which is Debian 12's Boost, name what is to be
// cancelled for that, such as a socket, a timer, a resolver: resume_in(request, socket).
template <asio_detail::AsioOwner Owner>
asio_detail::AsioToken<Owner, asio_detail::NothingToCancel, false> resume_in(
    Owner& owner) noexcept {
  return {owner, nullptr};
}
template <asio_detail::AsioOwner Owner, typename Object>
asio_detail::AsioToken<Owner, Object, false> resume_in(Owner& owner, Object& to_cancel) noexcept {
  return {owner, &to_cancel};
}

// The same, but the error is a part of the result, in front, and nothing is raised for it:
// std::tuple(error, count).
template <asio_detail::AsioOwner Owner>
asio_detail::AsioToken<Owner, asio_detail::NothingToCancel, true> resume_with_error_in(
    Owner& owner) noexcept {
  return {owner, nullptr};
}
template <asio_detail::AsioOwner Owner, typename Object>
asio_detail::AsioToken<Owner, Object, true> resume_with_error_in(Owner& owner,
                                                                 Object& to_cancel) noexcept {
  return {owner, &to_cancel};
}

}  // inline namespace
}  // namespace cppwebsocket

// How Asio finds out what its functions return for such a token.
#ifdef CPPWEBSOCKET_ASIO_IS_STANDALONE
namespace asio {
#else
namespace boost::asio {
#endif

template <typename Owner, typename Object, bool with_error, typename... Results>
class async_result<cppwebsocket::asio_detail::AsioToken<Owner, Object, with_error>,
                   void(Results...)> {
 public:
  template <typename Initiation, typename... Arguments>
  static auto initiate(Initiation&& initiation,
                       cppwebsocket::asio_detail::AsioToken<Owner, Object, with_error> token,
                       Arguments&&... arguments) {
    using namespace cppwebsocket::asio_detail;
    static_assert(
        asio_cancels || !std::is_same_v<Object, NothingToCancel>,
        "this Asio is older than 1.19 (Boost 1.77): name what is to be cancelled when the "
        "connection ends, as in resume_in(request, socket)");
    auto begin = [initiation = std::forward<Initiation>(initiation),
                  all = std::tuple<std::decay_t<Arguments>...>(
                      std::forward<Arguments>(arguments)...)](auto handler) mutable {
      std::apply(
          [&](auto&... each) { std::move(initiation)(std::move(handler), std::move(each)...); },
          all);
    };
    return AsioAwaiter<AsioToken<Owner, Object, with_error>, decltype(begin),
                       std::decay_t<Results>...>(token.owner, token.object, std::move(begin));
  }
};

}  // namespace asio
