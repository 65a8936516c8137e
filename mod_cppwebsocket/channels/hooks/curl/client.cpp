#include "channels/hooks/curl/client.hpp"

#include <ctime>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "channels/hooks/curl/signature.hpp"

namespace cppwebsocket::channels {

namespace {

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* into) noexcept {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size > largest_hook_answer) return 0;  // and the transfer fails
  try {
    body.append(bytes, size);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size;
}

class Fields {
 public:
  ~Fields() { ::curl_slist_free_all(first_); }
  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  void add(const std::string& field) {
    curl_slist* const longer = ::curl_slist_append(first_, field.c_str());
    if (!longer) throw std::bad_alloc();
    first_ = longer;
  }
  curl_slist* get() const noexcept { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

Fields& fill(Fields& fields, const HookRequest& request) {
  fields.add("Content-Type: application/json");
  fields.add("Accept: application/json");
  fields.add("Expect:");  // a body of some hundred bytes need not ask whether it may come
  fields.add("webhook-id: " + request.id);
  const std::string now = std::to_string(std::time(nullptr));
  fields.add("webhook-timestamp: " + now);
  if (!request.secret.empty())
    fields.add("webhook-signature: " + signature_of(request.secret, request.id, now, request.body));
  for (const std::string& each : request.fields) fields.add(each);
  return fields;
}

void aim(CURL* curl, const std::string& url) {
  const std::size_t bar = url.starts_with("unix:") ? url.find('|') : url.npos;
  if (bar == url.npos) {
    ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    return;
  }
  ::curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, url.substr(5, bar - 5).c_str());
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str() + bar + 1);
}

void trust(CURL* curl, const std::string& authorities) {
  if (authorities.empty()) return;
  curl_blob pem{const_cast<char*>(authorities.data()), authorities.size(), CURL_BLOB_COPY};
  ::curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem);
  ::curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

}  // namespace

CurlClient::CurlClient() {
  if (::curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) throw std::runtime_error("libcurl cannot begin");
}

CurlClient::Handle CurlClient::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Handle handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  Handle handle(::curl_easy_init());
  if (!handle) throw std::bad_alloc();
  return handle;
}

void CurlClient::give_back(Handle&& handle) noexcept {
  ::curl_easy_reset(handle.get());  // which keeps its connections
  const std::lock_guard lock(mutex_);
  try {
    if (idle_.size() < most_idle) idle_.push_back(std::move(handle));
  } catch (const std::bad_alloc&) {  // then it goes
  }
}

HookResponse CurlClient::post(const HookRequest& request) {
  Handle handle = take();
  CURL* const curl = handle.get();
  Fields fields;
  HookResponse response;
  char problem[CURL_ERROR_SIZE] = "";
  aim(curl, request.url);
  trust(curl, request.authorities);
  ::curl_easy_setopt(curl, CURLOPT_POST, 1L);
  ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fill(fields, request).get());
  ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_cppwebsocket/" CPPWEBSOCKET_VERSION);
  ::curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.time.count()));
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.time.count()));
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  const CURLcode done = ::curl_easy_perform(curl);
  long status = 0;
  if (done == CURLE_OK)
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  else if (response.body.size() + CURL_MAX_WRITE_SIZE > largest_hook_answer && done == CURLE_WRITE_ERROR)
    response.problem = "its answer is larger than 1 MiB";
  else
    response.problem = *problem ? problem : ::curl_easy_strerror(done);
  response.status = static_cast<int>(status);
  give_back(std::move(handle));
  return response;
}

}  // namespace cppwebsocket::channels
