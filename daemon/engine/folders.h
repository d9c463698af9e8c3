// Where the folders of what is derived lie in a data directory.
#pragma once

namespace voucherd {

inline constexpr const char* checkpoint_folder = "/checkpoints";
inline constexpr const char* proof_folder = "/proof";
inline constexpr const char* runs_folder = "/checkpoints/identity-runs";

}  // namespace voucherd
