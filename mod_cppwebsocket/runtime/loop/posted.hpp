// What is posted to a loop's thread. It is linked, not copied: to post it takes no memory, so that
// what has to be told can be told when there is none.
#pragma once

#include <functional>
#include <utility>

namespace cppwebsocket::runtime {

struct Posted {
  virtual void run() noexcept = 0;   // on the loop's thread; it may be posted again from then on
  virtual void drop() noexcept {}    // instead: the loop has ended

  Posted* next_posted = nullptr;     // whoever has it linked

 protected:
  ~Posted() = default;
};

class PostedFunction final : public Posted {
 public:
  explicit PostedFunction(std::function<void()> function) noexcept
      : function_(std::move(function)) {}
  void run() noexcept override {
    function_();
    delete this;
  }
  void drop() noexcept override { delete this; }

 private:
  ~PostedFunction() = default;
  std::function<void()> function_;
};

// In the order in which they came. Thread: one at a time.
class PostedList {
 public:
  bool empty() const noexcept { return !first_; }

  void push_back(Posted& posted) noexcept {
    posted.next_posted = nullptr;
    *end_ = &posted;
    end_ = &posted.next_posted;
  }
  // All of `other`, which is empty then.
  void append(PostedList& other) noexcept {
    if (other.empty()) return;
    *end_ = std::exchange(other.first_, nullptr);
    end_ = std::exchange(other.end_, &other.first_);
  }
  Posted& pop_front() noexcept {
    Posted& posted = *first_;
    first_ = posted.next_posted;
    if (!first_) end_ = &first_;
    return posted;
  }

  PostedList() = default;
  PostedList(const PostedList&) = delete;
  PostedList& operator=(const PostedList&) = delete;

 private:
  Posted* first_ = nullptr;
  Posted** end_ = &first_;
};

}  // namespace cppwebsocket::runtime
