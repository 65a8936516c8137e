#include "runtime/background/background.hpp"

#include <algorithm>
#include <exception>
#include <new>

#include "runtime/loop/blocking_pool.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::chrono::seconds first_pause{1};
constexpr std::chrono::seconds longest_pause{
    60};  // and who has run for so long begins with the first again

const char* name_of(WorkKind kind) noexcept {
  return kind == WorkKind::once_per_child ? "web_socket_once_per_child"
                                          : "web_socket_once_per_httpd";
}

// No channel of a handler's has such a name.
std::string leadership_of(const std::string& file) { return "\1once per httpd: " + file; }

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return std::string(": ") + e.what();
  } catch (...) {
    return {};
  }
}

bool is_stop(const std::exception_ptr& error) noexcept {
  try {
    if (error) std::rethrow_exception(error);
    return false;
  } catch (const StoppedException&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct BackgroundWork::Item {
  std::shared_ptr<const Handler> wanted;   // of the last look; null: the file is gone
  std::shared_ptr<const Handler> handler;  // which runs, or is to run; outlives its work
  std::unique_ptr<Work> work;              // null: it does not run
  bool is_asked_to_end = false;
  bool is_done = false;    // it has returned
  std::string leadership;  // its name, once it was asked for
  bool leads = false;
  detail::TimePoint begun_at{};
  detail::TimePoint not_before{};
  std::chrono::seconds pause = first_pause;
};

BackgroundWork::BackgroundWork(EventLoop& loop, BackgroundOptions options)
    : loop_(loop), options_(std::move(options)) {
  fire = [](TimerNode& node) { static_cast<BackgroundWork&>(node).tick(); };
}

BackgroundWork::~BackgroundWork() = default;

void BackgroundWork::start() { tick(); }

void BackgroundWork::run() noexcept {
  if (is_stopping_ || !options_.is_stopping()) return;
  is_stopping_ = true;
  loop_.disarm(*this);
  step_all();
}

void BackgroundWork::tick() noexcept {
  try {
    if (is_stopping_) return;
    loop_.arm(*this, loop_.now() + interval);
    look();
  } catch (const std::exception& error) {  // no memory, no thread: the next time
    options_.log(LogLevel::error,
                 std::string("handler files could not be looked at: ") + error.what());
  }
  step_all();
}

// --- which files there are -----------------------------------------------------------------------

void BackgroundWork::look() {
  if (is_looking_ || !options_.has_work() || !options_.hold()) return;
  is_looking_ = true;
  auto found = std::make_shared<std::optional<std::vector<FoundHandler>>>();
  auto* const back = new PostedFunction([this, found] {
    is_looking_ = false;
    looked(std::move(*found));
    options_.release();
  });
  try {
    loop_.call_pool().run([&loop = loop_, back, found, &look = options_.look] {
      try {
        *found = look();
      } catch (...) {  // no memory: nothing is known, until the next look
      }
      loop.post(*back);
    });
  } catch (...) {
    back->drop();
    is_looking_ = false;
    options_.release();
    throw;
  }
}

void BackgroundWork::looked(std::optional<std::vector<FoundHandler>> found) noexcept {
  if (!found || is_stopping_) return;
  for (auto& [key, item] : items_) item->wanted = nullptr;
  for (auto& [file, handler] : *found)
    for (const WorkKind kind : {WorkKind::once_per_child, WorkKind::once_per_httpd})
      want(file, kind, handler);
  step_all();
}

void BackgroundWork::want(const std::string& file, WorkKind kind,
                          const std::shared_ptr<const Handler>& handler) noexcept {
  if (!has_work(*handler, kind)) return;
  try {
    auto& item = items_[Key(file, kind)];
    if (!item) item = std::make_unique<Item>();
    item->wanted = handler;
  } catch (const std::bad_alloc&) {  // of a new one: the next look
    std::erase_if(items_, [](const auto& each) { return !each.second; });
  }
}

// --- what each of them does ----------------------------------------------------------------------

void BackgroundWork::step_all() noexcept {
  for (auto next = items_.begin(); next != items_.end();)
    step((next++)->first);  // which may erase it
}

void BackgroundWork::step(const Key& key) noexcept {
  const auto place = items_.find(key);
  Item& item = *place->second;
  if (is_stopping_) item.wanted = nullptr;
  if (item.work) {
    if (item.wanted == item.handler || item.is_asked_to_end) return;
    item.is_asked_to_end = true;
    return item.work->end();  // which may have come here again by way of ended()
  }
  if (item.wanted != item.handler) {
    item.handler = item.wanted;
    item.is_done = false;
    item.not_before = {};
    item.pause = first_pause;
  }
  if (!item.handler) {
    if (item.leads && options_.channels) options_.channels->stop_leading(item.leadership);
    items_.erase(place);
    return;
  }
  if (!may_begin(key, item) || !options_.hold()) return;
  try {
    begin(key, item);
  } catch (...) {
    item.work = nullptr;
    failed(key.second, item, std::current_exception());
    options_.release();
  }
}

bool BackgroundWork::may_begin(const Key& key, Item& item) noexcept {
  if (item.is_done || loop_.now() < item.not_before) return false;
  if (key.second == WorkKind::once_per_child || !options_.channels || item.leads) return true;
  try {
    if (item.leadership.empty()) item.leadership = leadership_of(key.first);
    item.leads = options_.channels->try_lead(item.leadership);
  } catch (const std::exception&) {  // no memory: at the next tick
  }
  return item.leads;
}

void BackgroundWork::begin(const Key& key, Item& item) {
  item.is_asked_to_end = false;
  item.begun_at = loop_.now();
  const auto log = [&log = options_.log, name = item.handler->name()](LogLevel level,
                                                                      std::string_view text) {
    log(level, name + ": " + std::string(text));
  };
  item.work = make_work(loop_, *item.handler, key.second, log,
                        [this, key](std::exception_ptr error) { ended(key, std::move(error)); });
  item.work->run();  // which may have taken the item away
}

void BackgroundWork::ended(const Key& key, std::exception_ptr error) noexcept {
  Item& item = *items_.at(key);
  item.work = nullptr;
  item.is_done = !error;
  if (error && !(item.is_asked_to_end && is_stop(error))) failed(key.second, item, error);
  error = nullptr;  // whose code goes with the handler
  step(key);
  options_.release();
}

void BackgroundWork::failed(WorkKind kind, Item& item, const std::exception_ptr& error) noexcept {
  const detail::TimePoint now = loop_.now();
  if (now - item.begun_at >= longest_pause) item.pause = first_pause;
  item.not_before = now + item.pause;
  std::string text = name_of(kind) + (" raised an exception" + text_of(error));
  if (!item.is_asked_to_end)
    text += "; it is begun again in " + std::to_string(item.pause.count()) + " s";
  options_.log(LogLevel::error, item.handler->name() + ": " + text);
  item.pause = std::min(2 * item.pause, longest_pause);
}

}  // namespace cppwebsocket::runtime
