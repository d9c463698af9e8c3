// What this build is: from the build system, in one place.
#pragma once

#include <string>

namespace voucherd {

/// "0.1.0": the project's version in CMakeLists.txt.
inline std::string version_text() { return VOUCHERD_VERSION; }

}  // namespace voucherd
