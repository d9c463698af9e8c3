"""The signed journal from outside: heads, proofs and what a start refuses; hashes are checked here, with hashlib."""

import base64
import hashlib
import json
import shutil
import signal
import unittest
import urllib.request

from daemon import SOURCE, Daemon, ctl, put_facts, wait_until

DEMO = SOURCE / "deploy" / "demo"


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of_path(leaf, index, size, hashes):
    """RFC 9162, 2.1.3.2: the root that the path leads to."""
    node, last, value = index, size - 1, leaf
    for sibling in hashes:
        if last == 0:
            return None
        if node % 2 or node == last:
            value = sha256(b"\x01" + sibling + value)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            value = sha256(b"\x01" + value + sibling)
        node, last = node // 2, last // 2
    return value if last == 0 else None


def read_checkpoint(daemon):
    note = daemon.get("/v1/audit/checkpoint").decode()
    origin, size, root = note.splitlines()[:3]
    return note, origin, int(size), base64.b64decode(root)


class AuditTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__)
        self.daemon.start()
        put_facts(self.daemon, DEMO)

    def file(self, name, text):
        path = self.daemon.directory / name
        path.write_text(text)
        return path

    def position(self):
        with urllib.request.urlopen(self.daemon.admin + "/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return int(next(line for line in lines if line.startswith("voucherd_journal_position ")).split()[1])

    def signed(self, size):
        """The checkpoint, once it covers so many records: within a second or so."""
        wait_until("the head to be signed", lambda: read_checkpoint(self.daemon)[2] >= size)
        return read_checkpoint(self.daemon)

    def test_what_was_signed_stays_and_what_comes_is_signed(self):
        key = self.file("centre.vkey", self.daemon.ctl("audit", "key").stdout)
        _, origin, size, _ = self.signed(self.position())
        self.assertTrue(origin.startswith("voucherd/"))
        saved = self.file("older.checkpoint", self.daemon.ctl("audit", "checkpoint", "--key", key).stdout)

        self.assertEqual(self.daemon.ctl("events", "send", DEMO / "events.ndjson").returncode, 1)
        position = self.position()
        self.assertGreater(position, size)
        self.signed(position)
        held = self.daemon.ctl("--json", "audit", "consistency", saved, "--key", key)
        self.assertEqual(held.returncode, 0, held.stderr)
        self.assertTrue(json.loads(held.stdout)["consistent"])
        self.assertTrue(json.loads(held.stdout)["signature_verified"])

        shown = self.daemon.ctl("--json", "audit", "proof", position, "--key", key)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        proof = json.loads(shown.stdout)
        hashes = [base64.b64decode(each) for each in proof["hashes"]]
        root = base64.b64decode(proof["checkpoint"].splitlines()[2])
        self.assertEqual(root_of_path(base64.b64decode(proof["leaf_hash"]), position - 1, proof["tree_size"], hashes), root)

        # A checkpoint of another history, and one of another key.
        lines = saved.read_text().splitlines()
        lines[2] = base64.b64encode(bytes(32)).decode()
        forged = self.file("forged.checkpoint", "\n".join(lines) + "\n")
        self.assertEqual(self.daemon.ctl("audit", "consistency", forged, "--key", key).returncode, 1)
        without_key = self.daemon.ctl("audit", "consistency", forged)
        self.assertEqual(without_key.returncode, 1)
        self.assertIn("does not begin with", without_key.stderr)
        other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        self.assertIn("not signed by the key", self.daemon.ctl("audit", "checkpoint", "--key", other).stderr)

    def test_the_last_records_are_signed_at_a_stop_and_after_a_crash_at_the_next_start(self):
        position = self.position()
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(read_checkpoint(self.daemon)[2], position)
        saved = self.file("before.checkpoint", read_checkpoint(self.daemon)[0])
        self.daemon.ctl("events", "send", DEMO / "events.ndjson")
        position = self.position()
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        self.assertEqual(read_checkpoint(self.daemon)[2], position)
        self.assertEqual(self.daemon.ctl("audit", "consistency", saved).returncode, 0)

    def test_a_start_is_refused_with_a_journal_that_is_not_the_one_that_was_signed(self):
        data = self.daemon.directory / "data"
        self.assertEqual(self.daemon.stop(), 0)
        shutil.copytree(data, self.daemon.directory / "older")
        self.daemon.start()
        self.daemon.ctl("events", "send", DEMO / "events.ndjson")
        self.assertEqual(self.daemon.stop(), 0)
        # The journal is cut back to an older state; the signed head, which lies elsewhere, is not.
        head = (data / "proof" / "signed-head").read_bytes()
        newer = data.rename(self.daemon.directory / "newer")
        shutil.copytree(self.daemon.directory / "older", data)
        (data / "proof" / "signed-head").write_bytes(head)
        with self.assertRaises(AssertionError):
            self.daemon.start()
        self.assertIn("journal_shorter_than_signed", self.daemon.log())
        checked = ctl("journal", "check", data)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("is signed up to position", checked.stdout)
        # The newer one again.
        shutil.rmtree(data)
        newer.rename(data)
        self.daemon.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
