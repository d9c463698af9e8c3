// The public key that an auditor gives, as text or as a file with it.
#pragma once

#include <optional>
#include <string>

#include "metering/proof/signed_note.h"

namespace voucherd::ctl {

/// nullopt where nothing is given. Faults "key_malformed", "file_unreadable".
Result<std::optional<VerifierKey>> read_verifier_key(const std::string& given);

}  // namespace voucherd::ctl
