"""An auditor's way from outside: fetch the key and a bundle, check them with both programs and by hand as
deploy/AUDIT.md says, check the whole directory, draw a sample."""

import contextlib
import http.server
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import threading
import unittest

from daemon import BINARIES, SOURCE, Daemon, ctl, put_facts

DEMO = SOURCE / "deploy" / "demo"
PERIOD, FIRM = "2026-03", "91500112MA5DEM001H"
SECOND_VERIFIER = SOURCE / "deploy" / "verify" / "verify_bundle.py"


def commands_of(page):
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", (SOURCE / "deploy" / page).read_text("utf-8"), re.M | re.S))


@contextlib.contextmanager
def answering(pieces):
    """The address of a server that answers everything with these pieces, one after another."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in [*pieces, b""]:
                self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class AuditBundleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="voucherd-audit-")
        cls.at = pathlib.Path(cls.folder.name)
        cls.daemon = Daemon(cls.at / "daemon")
        cls.daemon.directory.mkdir()
        cls.daemon.start()
        put_facts(cls.daemon, DEMO)
        cls.daemon.ctl("events", "send", DEMO / "events.ndjson")
        closed = cls.daemon.ctl("period", "close", PERIOD, "--reason", "test data")
        assert closed.returncode == 0, closed.stderr
        (cls.at / "centre.vkey").write_text(cls.daemon.ctl("audit", "key").stdout)
        cls.bundle = cls.at / "march.tar"
        fetched = cls.daemon.ctl("audit", "bundle", PERIOD, FIRM, "--out", cls.bundle)
        assert fetched.returncode == 0, fetched.stderr

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.folder.cleanup()

    def key(self):
        return self.at / "centre.vkey"

    def test_voucherctl_verifies_the_bundle(self):
        done = ctl("--json", "audit", "verify", self.bundle, "--key", self.key())
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        statement = self.daemon.get_json(f"/v1/statements/{PERIOD}/{FIRM}.json")
        self.assertEqual((found["net"], found["subsidy"]),
                         (statement["totals"]["net"], statement["totals"]["subsidy"]))
        self.assertTrue(found["verified"] and found["signature_checked"])

    def test_without_a_key_it_says_what_is_not_proven(self):
        done = ctl("audit", "verify", self.bundle)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nothing shows who made it", done.stdout)
        self.assertIn("Who made this bundle", done.stdout)

    def test_the_second_verifier_agrees(self):
        try:
            import cryptography  # noqa: F401
        except ImportError:
            self.skipTest("the package cryptography is not there")
        done = subprocess.run([sys.executable, "-B", SECOND_VERIFIER, self.bundle, "--key", self.key()],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("All of it holds.", done.stdout)

    def test_a_changed_bundle_is_refused_with_what_and_where(self):
        changed = self.at / "changed.tar"
        bundle = self.bundle.read_bytes()
        at = bundle.index(b'"gross":"')
        digit = b"8" if bundle[at + 9:at + 10] == b"9" else b"9"
        changed.write_bytes(bundle[:at + 9] + digit + bundle[at + 10:])
        done = ctl("audit", "verify", changed, "--key", self.key())
        self.assertEqual(done.returncode, 1)
        self.assertIn("statement.json: is not the statement that was closed", done.stderr)

    def test_the_pages_commands_check_it_by_hand(self):
        for page in ("AUDIT.md", "AUDIT.zh-CN.md"):
            with tempfile.TemporaryDirectory(dir=self.at) as folder:
                for file in (self.bundle, self.key()):
                    (pathlib.Path(folder) / file.name).write_bytes(file.read_bytes())
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands_of(page)], cwd=folder,
                                      capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for sentence in ("Signature Verified Successfully", "all records are in the tree",
                             "all parts are parts of their records", "the statement is the one that was closed",
                             "the events are those that the close fixed"):
                self.assertIn(sentence, done.stdout, page)

    def test_by_hand_a_changed_event_is_noticed(self):
        with tempfile.TemporaryDirectory(dir=self.at) as folder:
            for file in (self.bundle, self.key()):
                (pathlib.Path(folder) / file.name).write_bytes(file.read_bytes())
            commands = commands_of("AUDIT.md").replace(
                "march && cd march", "march && cd march && sed -i 's/gpu.a800/gpu.a900/' events/*/*.bin", 1)
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=folder, capture_output=True,
                                  text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("are others", done.stdout)

    def test_a_bundle_larger_than_memory_is_received(self):
        memory, piece = 512 << 20, bytes(1 << 20)
        with answering([piece] * 1100) as server:
            done = subprocess.run(
                [BINARIES / "voucherctl", "--server", server, "audit", "bundle", PERIOD, FIRM, "--out", "-"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_bundle_that_ends_early_is_left_under_no_name(self):
        for pieces in ([], [b"x" * 2000], [bytes(1000)]):
            with answering(pieces) as server, tempfile.TemporaryDirectory(dir=self.at) as folder:
                done = ctl("--server", server, "audit", "bundle", PERIOD, FIRM, "--out", folder + "/march.tar")
                self.assertEqual(done.returncode, 1)
                self.assertIn("ended the bundle early", done.stderr)
                self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_a_fact_s_history_says_what_was_before_and_after(self):
        firm = json.loads((DEMO / "firms" / f"{FIRM}.json").read_text("utf-8"))
        changed = self.at / "firm.json"
        changed.write_text(json.dumps(firm | {"name": "Another Name"}))
        self.assertEqual(self.daemon.ctl("firm", "put", FIRM, changed).returncode, 0)
        history = json.loads(self.daemon.ctl("--json", "firm", "history", FIRM).stdout)
        self.assertEqual(history[0]["before"], None)
        for one, next_one in zip(history, history[1:]):
            self.assertEqual(next_one["before"], one["after"])
        self.assertEqual(history[-1]["after"]["name"], "Another Name")

    def test_a_sample_is_the_same_again(self):
        for what in ("--events", "--lines"):
            first = self.daemon.ctl("--json", "audit", "sample", "--seed", "4711", what, "5")
            self.assertEqual(first.returncode, 0, first.stderr)
            sample = json.loads(first.stdout)
            self.assertEqual(len(sample["items"]), 5)
            again = self.daemon.ctl("--json", "audit", "sample", "--seed", "4711", what, "5", "--population",
                                    sample["population"])
            self.assertEqual(json.loads(again.stdout)["items"], sample["items"])
            other = self.daemon.ctl("--json", "audit", "sample", "--seed", "4712", what, "5")
            self.assertNotEqual(json.loads(other.stdout)["items"], sample["items"])

    def test_the_directory_verifies_once_the_daemon_is_stopped(self):
        self.daemon.stop()
        try:
            directory = self.daemon.directory / "data"
            done = ctl("--json", "audit", "verify", directory, "--key", self.key())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            found = json.loads(done.stdout)
            self.assertEqual((found["closes"], found["statements"], found["findings"]), (1, 4, []))
            (directory / "proof" / "signed-head").rename(self.at / "signed-head")
            done = ctl("audit", "verify", directory, "--key", self.key())
            (self.at / "signed-head").rename(directory / "proof" / "signed-head")
            self.assertEqual(done.returncode, 1)
            self.assertIn("There is no signed head", done.stdout)
        finally:
            self.daemon.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
