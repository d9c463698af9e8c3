// Files that hold secrets: private keys, tokens. One place decides who else may be able to read them, for
// both programs. Secrets come from files and systemd credentials only: arguments and environments are seen
// by others.
#pragma once

#include <string>

#include "metering/core/result.h"

namespace voucherd {

/// Beyond any key or token: what is longer is something else.
inline constexpr std::size_t secret_file_bytes_max = 1u << 20;

/// "$CREDENTIALS_DIRECTORY/name" is the systemd credential of that name; other paths are as they are. Fault
/// "credential_unknown" where systemd gave the process none.
Result<std::string> resolve_credential(const std::string& path);

/// The file's content. Faults: "file_unreadable"; "secret_exposed" where others could read it: it has to
/// belong to root or to the process' user and be readable by nobody else; root's may be readable by a
/// group, as systemd's credentials and Debian's ssl-cert are.
Result<std::string> read_secret_file(const std::string& path);

/// The same for what is no secret; anyone may be able to read it.
Result<std::string> read_small_file(const std::string& path);

}  // namespace voucherd
