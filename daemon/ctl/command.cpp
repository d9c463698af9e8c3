// What the groups share: faults on stderr, text on stdout, files as a whole.
#include "daemon/ctl/command.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

int report(const Fault& fault) {
  std::cerr << "voucherctl: " << printable(fault.detail, true) << '\n';  // it may quote what others wrote
  return exit_failed;
}

void print(const std::string& text) { std::cout << text << '\n' << std::flush; }

Result<std::string> read_whole(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return Fault{"file_unreadable", "can't open " + file};
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) return Fault{"file_unreadable", "can't read " + file};
  return Result<std::string>(boost::system::in_place_value, std::move(text));
}

}  // namespace voucherd::ctl
