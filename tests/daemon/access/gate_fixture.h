// The API behind its gate, with tokens of every kind: who asks is an argument.
#pragma once

#include <fstream>

#include "daemon/access/access_log_files.h"
#include "daemon/access/token_text.h"
#include "daemon/api/gate.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {

class GateTest : public ApiTest {
 protected:
  GateTest() {
    access_.log =
        access::AccessLog::open(
            {directory_.path() + "/log", 180, UtcOffset{480}}, clock_,
            [this](std::function<void()> task) { loop_.post(std::move(task)); }, [](const Fault&) {})
            .value();
    access_.required = true;
    access_.authenticator =
        access::Authenticator(access::BootstrapToken{admin_id_, access::sha256_hex(admin_)});
  }

  /// Makes a token of the role with these other members; its text.
  std::string token(const std::string& role, Json more = Json::object()) {
    const std::string id = access::new_token_id(), text = access::new_token(id);
    more["role"] = role;
    more["sha256"] = access::sha256_hex(text);
    if (!more.contains("expires")) more["expires"] = nullptr;
    const auto made = ask_as(admin_, "PUT", "/v1/tokens/" + id, more.dump());
    EXPECT_EQ(made.status, 201) << made.body;
    return text;
  }
  static std::string id_of(const std::string& token) { return access::id_of_token(token).value(); }

  http::Request request_of(const std::string& token, const std::string& method, const std::string& target,
                           std::string body = "", Headers headers = {}) {
    http::Request request;
    request.method = method;
    http::parse_target(target, request).value();
    request.headers = std::move(headers);
    if (!token.empty()) request.headers.emplace_back("authorization", "Bearer " + token);
    request.body = std::move(body);
    request.peer = "127.0.0.1:50000";
    return request;
  }
  /// As the server does it: by the head first, then with the body.
  http::Response ask(http::Request request) {
    if (auto refused = gate_.admit(request)) return *refused;
    auto answer = std::make_shared<std::optional<http::Response>>();
    gate_.answer(std::move(request), [answer](http::Response response) { *answer = std::move(response); });
    return wait(answer);
  }
  http::Response ask_as(const std::string& token, const std::string& method, const std::string& target,
                        std::string body = "", Headers headers = {}) {
    return ask(request_of(token, method, target, std::move(body), std::move(headers)));
  }
  int status_as(const std::string& token, const std::string& method, const std::string& target,
                const std::string& body = "", const Headers& headers = {}) {
    return ask_as(token, method, target, body, headers).status;
  }
  /// What the access log has, once all that was asked for is written.
  std::vector<Json> access_lines() {
    bool written = false;
    access_.log->write({clock_.now(), {"local", "x"}, "", "", "", "", "end", 0, ""},
                       [&](const Result<void>&) { written = true; });
    loop_.run_until([&] { return written; });
    std::vector<Json> lines;
    for (const auto& file : access::access_log_files(directory_.path() + "/log").value()) {
      std::ifstream in(file.path);
      for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    }
    lines.pop_back();
    return lines;
  }

  const std::string admin_id_ = "adminadminad", admin_ = access::new_token(admin_id_);
  Access access_;
  Gate gate_{router_, *engine_, access_, 3};
};

}  // namespace voucherd::api
