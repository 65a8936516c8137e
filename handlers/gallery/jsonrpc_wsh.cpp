// ws://host/gallery/jsonrpc: JSON-RPC 2.0 (jsonrpc.org/specification) with nlohmann-json: requests,
// notifications and batches. A method is one line of the table; what it raises becomes an error's text.
// cppwebsocket-libs: nlohmann_json
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using nlohmann::json;

using Method = std::function<json(const json& parameters)>;

static const std::map<std::string, Method> methods = {
    {"subtract", [](const json& numbers) { return numbers.at(0).get<double>() - numbers.at(1).get<double>(); }},
    {"echo", [](const json& anything) { return anything; }},
};

static json error(int code, const std::string& text, const json& id = nullptr) {
  return {{"jsonrpc", "2.0"}, {"error", {{"code", code}, {"message", text}}}, {"id", id}};
}

// Null for a notification, which is not answered.
static json answer_to(const json& call) {
  if (!call.is_object() || call.value("jsonrpc", json()) != "2.0" || !call.value("method", json()).is_string())
    return error(-32600, "not a JSON-RPC 2.0 request");
  const json id = call.value("id", json());
  const auto method = methods.find(call["method"]);
  json answer = {{"jsonrpc", "2.0"}, {"id", id}};
  try {
    if (method == methods.end())
      answer = error(-32601, "no such method", id);
    else
      answer["result"] = method->second(call.value("params", json::array()));
  } catch (const json::exception& wrong) {
    answer = error(-32602, wrong.what(), id);
  } catch (const std::exception& failed) {
    answer = error(-32000, failed.what(), id);
  }
  return call.contains("id") ? answer : json();
}

static json answer_to_all(const json& calls) {
  if (calls.is_discarded()) return error(-32700, "not JSON");
  if (!calls.is_array()) return answer_to(calls);
  if (calls.empty()) return error(-32600, "an empty batch");
  json answers = json::array();
  for (const json& call : calls)
    if (json answer = answer_to(call); !answer.is_null()) answers.push_back(std::move(answer));
  return answers.empty() ? json() : answers;
}

void web_socket_do_extra_handshake(Request& request) { request.select_ws_protocol({"jsonrpc"}); }

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request)) {
    if (message->is_binary()) throw UnsupportedFrameException("JSON is text");
    const json answer = answer_to_all(json::parse(message->payload(), nullptr, false));
    std::string text = answer.dump(-1, ' ', false, json::error_handler_t::replace);
    if (!answer.is_null()) co_await msgutil::send_message(request, std::move(text));
  }
}
