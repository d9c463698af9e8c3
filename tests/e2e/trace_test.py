"""A real cluster's five months, billed by the daemon and counted again: equal to the fen.

The trace is not part of the repository. It is looked for in $VOUCHERD_TRACE, then beside the
source; without it the test is skipped.
"""

import os
import subprocess
import sys

from daemon import BINARIES, SOURCE

trace = os.environ.get("VOUCHERD_TRACE", SOURCE.parent / "shared" / "data" / "alibaba-gpu-2023-pods.csv")
if not os.path.exists(trace):
    print(f"skipped: there is no trace at {trace}; name it in VOUCHERD_TRACE")
    sys.exit(77)
sys.exit(subprocess.run([SOURCE / "deploy" / "trace" / "run.sh", trace, BINARIES],
                        stdin=subprocess.DEVNULL).returncode)
