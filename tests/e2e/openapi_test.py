"""The API's description against the daemon: Schemathesis sends what it allows, and much that it does not."""

import os
import pathlib
import subprocess
import sys
import unittest
import venv

from daemon import BINARIES, SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"
VERSION = "4.32.5"
SECONDS_MAX = 600
SKIPPED = 77
# What a description can promise and a daemon keep: no crash, and no answer that is not described.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def schemathesis():
    """The program, in a virtual environment of the build; None where it can't be installed."""
    home = BINARIES.resolve() / "tests" / f"schemathesis-{VERSION}"
    program = home / "bin" / "schemathesis"
    if not program.exists():
        try:
            venv.create(home, with_pip=True, clear=True)
        except subprocess.CalledProcessError as failed:
            print("no virtual environment can be made here:", failed)
            return None
        try:
            subprocess.run([home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check",
                            f"schemathesis=={VERSION}"], capture_output=True, text=True, check=True, timeout=300)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
            print("schemathesis can't be installed here:", str(failed.stderr).strip()[-500:])
            return None
    return program


class OpenApiTest(unittest.TestCase):
    def test_every_answer_is_described_and_none_is_a_server_error(self):
        program = schemathesis()
        self.assertIsNotNone(program)
        seed = os.environ.get("VOUCHERD_TEST_SEED", "1")
        with Daemon() as daemon:
            put_facts(daemon, DEMO)
            sent = daemon.ctl("events", "send", DEMO / "events.ndjson")
            self.assertEqual(sent.returncode, 1, sent.stderr)  # one of them is quarantined
            done = subprocess.run(
                [program, "run", daemon.api + "/openapi.yaml", "--checks", CHECKS, "--phases",
                 "examples,coverage,fuzzing", "--max-examples", "40", "--seed", seed, "--workers", "1",
                 "--continue-on-failure", "--no-shrink", "--suppress-health-check", "all", "--warnings", "off",
                 "--request-timeout", "30"],
                capture_output=True, text=True, check=False, timeout=SECONDS_MAX, cwd=pathlib.Path(daemon.directory))
            self.assertEqual(done.returncode, 0, f"seed {seed}\n{done.stdout[-20000:]}{done.stderr[-2000:]}")
            self.assertIsNone(daemon.process.poll(), daemon.log()[-2000:])


if __name__ == "__main__":
    if schemathesis() is None:
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
