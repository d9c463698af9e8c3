// The token that voucherctl shows: from a file, so that it stands in no argument and no environment.
#pragma once

#include <optional>
#include <string>

#include "metering/core/result.h"

namespace voucherd::ctl {

/// From `file`, else from the file that $VOUCHERD_TOKEN_FILE names, else from the systemd credential
/// voucherd-token where there is one; "" where none of them is. Faults as read_secret_file()'s, and of a text
/// that is no token.
Result<std::string> read_server_token(const std::string& file);

}  // namespace voucherd::ctl
