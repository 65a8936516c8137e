// Events that are told afterwards, and applications that are asked.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "channels/hooks/deliveries.hpp"
#include "channels/hooks/hook.hpp"

namespace cppwebsocket::channels {
namespace {

// An application that answers as a test says.
class FakeClient final : public HttpClient {
 public:
  explicit FakeClient(std::function<HookResponse(const HookRequest&)> answer) : answer_(std::move(answer)) {}

  HookResponse post(const HookRequest& request) override {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    changed_.notify_all();
    return answer_(request);
  }

  std::vector<HookRequest> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  const std::function<HookResponse(const HookRequest&)> answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HookRequest> requests_;
};

struct Lost {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> why;

  std::function<void(const HookRequest&, const std::string&)> teller() {
    return [this](const HookRequest&, const std::string& reason) {
      const std::lock_guard lock(mutex);
      why.push_back(reason);
      changed.notify_all();
    };
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !why.empty(); });
  }
};

DeliveryOptions hasty(Lost& lost) {
  DeliveryOptions options;
  options.first_pause = std::chrono::milliseconds(0);
  options.lost = lost.teller();
  return options;
}

HookRequest event(std::string id) { return {"http://a/", "", "", std::move(id), "{}", {}, std::chrono::milliseconds(1)}; }

TEST(Deliveries, WhatIsTakenIsToldOnce) {
  FakeClient client([](const HookRequest&) { return HookResponse{204, "", ""}; });
  Lost lost;
  {
    Deliveries deliveries(client, hasty(lost));
    for (const char* id : {"1", "2", "3"}) deliveries.add(event(id));
    client.wait_for(3);
  }
  EXPECT_EQ(client.wait_for(3).size(), 3u);
  EXPECT_TRUE(lost.why.empty());
}

TEST(Deliveries, WhatIsNotTakenIsToldAgainWithItsIdUntilItIs) {
  int times = 0;
  FakeClient client([&times](const HookRequest&) {
    constexpr int statuses[] = {0, 500, 503, 408, 425, 429, 200};
    return HookResponse{statuses[std::min(times++, 6)], "", "refused"};
  });
  Lost lost;
  Deliveries deliveries(client, hasty(lost));
  deliveries.add(event("one"));
  for (const HookRequest& each : client.wait_for(7)) EXPECT_EQ(each.id, "one");
  EXPECT_TRUE(lost.why.empty());
}

TEST(Deliveries, AreGivenUpAfterTheLastTry) {
  FakeClient client([](const HookRequest&) { return HookResponse{0, "", "refused"}; });
  Lost lost;
  Deliveries deliveries(client, hasty(lost));
  deliveries.add(event("one"));
  lost.wait();
  EXPECT_EQ(client.wait_for(8).size(), 8u);
  EXPECT_EQ(lost.why, std::vector<std::string>{"refused"});
}

TEST(Deliveries, ARefusalIsTheLastWord) {
  FakeClient client([](const HookRequest&) { return HookResponse{410, "", ""}; });
  Lost lost;
  Deliveries deliveries(client, hasty(lost));
  deliveries.add(event("one"));
  lost.wait();
  EXPECT_EQ(client.wait_for(1).size(), 1u);
  EXPECT_EQ(lost.why, std::vector<std::string>{"answered with 410"});
}

TEST(Deliveries, MoreThanMayWaitAreLost) {
  std::mutex gate;
  gate.lock();
  FakeClient client([&gate](const HookRequest&) {
    const std::lock_guard wait(gate);
    return HookResponse{200, "", ""};
  });
  Lost lost;
  DeliveryOptions options = hasty(lost);
  options.most = 2;
  options.threads = 1;
  Deliveries deliveries(client, std::move(options));
  for (const char* id : {"1", "2", "3"}) deliveries.add(event(id));
  EXPECT_EQ(deliveries.waiting(), 2u);
  EXPECT_EQ(lost.why, std::vector<std::string>{"too many others wait"});
  gate.unlock();
}

TEST(Deliveries, AtTheEndEachIsTriedOnceMoreWhateverItsPause) {
  FakeClient client([](const HookRequest&) { return HookResponse{0, "", "refused"}; });
  Lost lost;
  DeliveryOptions options = hasty(lost);
  options.first_pause = std::chrono::hours(1);
  options.threads = 1;
  Deliveries deliveries(client, std::move(options));
  deliveries.add(event("one"));
  deliveries.add(event("two"));
  client.wait_for(2);  // so the first waits for its pause
  deliveries.finish();
  EXPECT_EQ(client.wait_for(3)[2].id, "one");
  lost.wait();
}

TEST(Applications, EachQuestionHasAnIdOfItsOwn) {
  auto made = std::make_unique<FakeClient>([](const HookRequest&) { return HookResponse{200, "", ""}; });
  FakeClient& client = *made;
  Lost lost;
  Applications applications(std::move(made), 1, hasty(lost));
  const Hook hook{"http://a/", "secret", "", std::chrono::milliseconds(5), false};
  EXPECT_EQ(applications.ask(hook, "1", {"Cookie: a"}).word, HookAnswer::Word::yes);
  EXPECT_EQ(applications.ask_on_worker(hook, "2", {}).word, HookAnswer::Word::yes);
  applications.tell(hook, "3");
  const auto requests = client.wait_for(3);
  EXPECT_NE(requests[0].id, requests[1].id);
  EXPECT_NE(requests[1].id, requests[2].id);
  EXPECT_EQ(requests[0].fields, std::vector<std::string>{"Cookie: a"});
  EXPECT_EQ(requests[0].secret, "secret");
  EXPECT_EQ(requests[0].time.count(), 5);
}

TEST(Applications, OnAWorkerNoMoreWaitThanMay) {
  Applications* all = nullptr;
  const Hook hook{"http://a/", "", "", std::chrono::milliseconds(5), false};
  HookAnswer second, elsewhere;
  auto made = std::make_unique<FakeClient>([&](const HookRequest& request) {
    if (request.body == "first") {
      second = all->ask_on_worker(hook, "second", {});
      elsewhere = all->ask(hook, "third", {});
    }
    return HookResponse{200, "", ""};
  });
  Lost lost;
  Applications applications(std::move(made), 1, hasty(lost));
  all = &applications;
  EXPECT_EQ(applications.ask_on_worker(hook, "first", {}).word, HookAnswer::Word::yes);
  EXPECT_EQ(second.word, HookAnswer::Word::none);
  EXPECT_EQ(elsewhere.word, HookAnswer::Word::yes);
  EXPECT_EQ(applications.ask_on_worker(hook, "later", {}).word, HookAnswer::Word::yes);
}

}  // namespace
}  // namespace cppwebsocket::channels
