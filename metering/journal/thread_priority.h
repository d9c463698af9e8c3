// Threads whose work can wait: flushes and checkpoints, beside those that somebody waits for.
#pragma once

namespace voucherd {

/// Gives the calling thread nice 10 of 19, a tenth of what the others have, unless it has less already. For
/// good: a process may not take it back. Where the system refuses, the thread is merely in the others' way.
void let_others_go_first();

}  // namespace voucherd
