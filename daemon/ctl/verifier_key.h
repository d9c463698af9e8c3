// The public key that an auditor gives, as text or as a file with it.
#pragma once

#include <optional>
#include <string>

#include "metering/proof/signed_note.h"

namespace voucherd::ctl {

/// What is wrong with a --key that was given: an empty one must not turn the check of signatures off.
inline std::string refuse_empty_key(const std::string& given) {
  return given.empty() ? "it is empty; name the key, or a file with it" : "";
}

/// nullopt where nothing is given. Faults "key_malformed", "file_unreadable".
Result<std::optional<VerifierKey>> read_verifier_key(const std::string& given);

}  // namespace voucherd::ctl
