// All work without a connection in one child: which handlers have some, when each begins, and that
// it ends when its file goes or the child does.
//
//                       ┌──── pause ◀─── raised ────┐
//   a file is loaded ─▶ wait for the lead, if need be ─▶ run ─▶ returned: done
//                                                         └─ end(): another file, or the child
//                                                         stops
//
// Thread: the loop's, but for the look at the files, which may take its time: the call pool's.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cppwebsocket/detail/channel_service.hpp>

#include "runtime/background/work.hpp"
#include "runtime/loop/loop_source.hpp"

namespace cppwebsocket::runtime {

// A handler file as it is now.
struct FoundHandler {
  std::string file;  // absolute
  std::shared_ptr<const Handler> handler;
};

struct BackgroundOptions {
  // Whether there may be any; while not, nobody looks. Thread: the loop's.
  std::function<bool()> has_work = [] { return true; };
  // The handlers that there are now and that have work. Thread: a pool's, one at a time.
  std::function<std::vector<FoundHandler>()> look;
  Work::Log log;  // a line for the server's log; thread: any
  detail::ChannelService* channels =
      nullptr;                        // whose leaderships there are; null: this child always leads
  std::function<bool()> is_stopping;  // the child is, from then on
  std::function<bool()> hold = [] {
    return true;
  };                                      // the loop goes on until release(); false: it has ended
  std::function<void()> release = [] {};  // once for each
};

class BackgroundWork final : public LoopSource, private detail::TimerNode {
 public:
  BackgroundWork(EventLoop& loop, BackgroundOptions options);
  ~BackgroundWork() override;

  void start();  // looks for the first time, and then once a second

  int descriptor() const noexcept override { return -1; }
  bool prepare_to_wait() noexcept override { return true; }
  void waited() noexcept override {}
  void run() noexcept override;  // sees that the child stops

 private:
  struct Item;
  using Key = std::pair<std::string, WorkKind>;

  void tick() noexcept;
  void look();
  void looked(std::optional<std::vector<FoundHandler>> found) noexcept;
  void want(const std::string& file, WorkKind kind,
            const std::shared_ptr<const Handler>& handler) noexcept;
  void step_all() noexcept;
  void step(const Key& key) noexcept;
  bool may_begin(const Key& key, Item& item) noexcept;
  void begin(const Key& key, Item& item);
  void ended(const Key& key, std::exception_ptr error) noexcept;
  void failed(WorkKind kind, Item& item, const std::exception_ptr& error) noexcept;

  EventLoop& loop_;
  const BackgroundOptions options_;
  std::map<Key, std::unique_ptr<Item>> items_;
  bool is_looking_ = false;
  bool is_stopping_ = false;
};

}  // namespace cppwebsocket::runtime
