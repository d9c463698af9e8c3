// Parses addresses by the C library's own reading of them.
#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace voucherd::config {

std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  Address address;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;

  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  address.ip = std::string(host);
  if (address.ip.find('\0') != std::string::npos) return std::nullopt;
  if (bracketed) {
    in6_addr six{};
    if (inet_pton(AF_INET6, address.ip.c_str(), &six) != 1) return std::nullopt;
    address.loopback = IN6_IS_ADDR_LOOPBACK(&six);
  } else {
    in_addr four{};
    if (inet_pton(AF_INET, address.ip.c_str(), &four) != 1) return std::nullopt;
    address.loopback = (ntohl(four.s_addr) >> 24) == 127;
  }
  return address;
}

}  // namespace voucherd::config
