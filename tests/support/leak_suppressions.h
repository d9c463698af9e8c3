// What AddressSanitizer's leak checker must not report: fontconfig and cairo keep caches for the process'
// life and give no call that frees all of them. To be included by one file of a test program.
#pragma once

extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libfontconfig\nleak:libcairo\nleak:libpango\n";
}
