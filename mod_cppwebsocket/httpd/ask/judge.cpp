#include "httpd/ask/judge.hpp"

#include "httpd/ask/question.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "runtime/permission/rechecks.hpp"
#include "runtime/runtime.hpp"

#include <cppwebsocket/exceptions.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

std::string answered_with(const Asker::Answer& answer) {
  return "for it would be answered with " + std::to_string(answer.status) + (answer.why.empty() ? "" : ", for " + answer.why);
}

int level_of_question() noexcept { return Child::current()->log_level_of(Cause::still_allowed); }

// Whether those whose handshakes were alike may still be where they are.
class OwnAddress final : public runtime::Matter {
 public:
  explicit OwnAddress(std::shared_ptr<const Asker> asker) noexcept : asker_(std::move(asker)) {}

  Allowed ask() override {
    answer_ = asker_->ask_again();
    return answer_.word();
  }

  void tell(const runtime::Verdict& verdict) noexcept override {
    try {
      const std::string code = std::to_string(verdict.closed_with);
      if (verdict.answer == Allowed::no)
        log_server(asker_->server(), APLOG_NOTICE,
                   "CWS0084: no longer allowed, " + answered_with(answer_) + "; closing with " + code + whose(verdict));
      else if (verdict.closed_with != 0)
        log_server(asker_->server(), APLOG_NOTICE,
                   "CWS0084: for the time of unknown= it could not be found out whether this is allowed, " +
                       answered_with(answer_) + "; closing with " + code + whose(verdict));
      else
        log_server(asker_->server(), level_of_question(),
                   "CWS0085: whether this is still allowed cannot be found out, " + answered_with(answer_) +
                       "; left open" + whose(verdict));
    } catch (const std::exception&) {  // no memory for a line
    }
  }

 private:
  // The query may hold secrets.
  std::string whose(const runtime::Verdict& verdict) const {
    const std::string_view target = asker_->target();
    return ": connections: " + std::to_string(verdict.connections) + ", user: \"" + asker_->user() + "\", from " +
           asker_->client() + ", " + std::string(target.substr(0, std::min<std::size_t>(target.find('?'), 200)));
  }

  const std::shared_ptr<const Asker> asker_;
  Asker::Answer answer_;
};

class ConnectionJudge final : public detail::Judge {
 public:
  ConnectionJudge(std::shared_ptr<const Asker> asker, runtime::Runtime& runtime) noexcept
      : asker_(std::move(asker)), runtime_(runtime) {}

  void check_again(const AuthCheck& rule) {
    recheck_ = runtime_.rechecks().add(
        asker_->key() + std::to_string(rule.interval.count()) + "/" + std::to_string(rule.code) + "/" +
            std::to_string(rule.longest_unknown.count()),
        {rule.interval, rule.code, rule.longest_unknown},
        [&] { return std::make_shared<OwnAddress>(asker_); });
  }
  // Nobody asks anything else.
  void forget_asker() noexcept { asker_.reset(); }

  Allowed ask(std::string_view method, std::string_view path) override {
    if (loop_->runs_here())
      throw BadOperationException("is_allowed may wait, which a ping handler must not: it runs on the thread of many connections");
    return answer(method, path);
  }

  void ask(detail::QuestionOperation& operation) noexcept override {
    try {
      runtime_.question_pool().run([this, &operation] {
        try {
          operation.answer = answer(operation.method, operation.path);
        } catch (const std::exception&) {  // no memory: unknown
        }
        operation.complete();
      });
    } catch (const std::exception&) {  // the same, or no thread
      operation.complete();
    }
  }

  void opened(Request& request) override {
    auto& connection = static_cast<runtime::Connection&>(request);
    loop_ = &connection.loop();
    if (recheck_) recheck_->begin(connection);
  }

 private:
  Allowed answer(std::string_view method, std::string_view path) const {
    const std::string method_name(method);
    const Asker::Answer answer = asker_->ask(method_name.c_str(), path);
    if (answer.word() == Allowed::unknown || !answer.why.empty())
      log_server(asker_->server(), level_of_question(),
                 "CWS0085: whether a client is allowed " + method_name + " " + std::string(path.substr(0, 200)) +
                     " cannot be found out, " + answered_with(answer));
    return answer.word();
  }

  std::shared_ptr<const Asker> asker_;
  runtime::Runtime& runtime_;
  runtime::EventLoop* loop_ = nullptr;
  std::unique_ptr<runtime::Recheck> recheck_;
};

}  // namespace

void appoint_judge(request_rec* r, runtime::Runtime& runtime, runtime::Session& session) {
  const auto& rule = directory_config_of(r).auth_check;
  const bool* const asks = session.handler().table().asks_httpd;
  const bool is_checked = rule && rule->interval.count() != 0;
  const bool is_asked = asks && *asks;
  if (!is_checked && !is_asked) return;
  auto judge = std::make_shared<ConnectionJudge>(std::make_shared<const Asker>(r), runtime);
  if (is_checked) judge->check_again(*rule);
  if (!is_asked) judge->forget_asker();
  session.record().make_seldom().judge = std::move(judge);
}

}  // namespace cppwebsocket::httpd
