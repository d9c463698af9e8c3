// The one result type: a value, or a Fault that says what is wrong in words that
// its reader can act on. Bad input returns a Fault; a broken invariant aborts.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace voucherd {

/// What went wrong. `code` is stable and for programs (snake_case); `detail` is a
/// sentence for people: what is wrong, where, and what to do.
struct Fault {
  std::string code;
  std::string detail;
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// Called by Result::value() on a Fault: only tests and start-up use value().
[[noreturn]] inline void throw_exception_from_error(const Fault& fault, const boost::source_location&) {
  throw std::runtime_error(fault.code + ": " + fault.detail);
}

template <class T>
using Result = boost::system::result<T, Fault>;

}  // namespace voucherd
