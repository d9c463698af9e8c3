// "ip:port" as the configuration takes it. No names: what is listened on must not depend on a resolver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace voucherd::config {

struct Address {
  std::string ip;
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8 or ::1
};

/// "127.0.0.1:8080", "[::1]:8080"; nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);

}  // namespace voucherd::config
