"""Files of facts are taken in at start and on SIGHUP; a fault changes nothing and the daemon goes on."""

import json
import pathlib
import signal
import subprocess
import tempfile
import unittest
import urllib.request

from daemon import BINARIES, Daemon, wait_until

SKU = {"name": "A800", "unit": "card_hour", "kind": "compute"}


class ReloadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="voucherd-facts-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "skus").mkdir()
        self.write("skus/gpu.json", SKU)
        self.config = self.folder / "voucherd.toml"
        self.config.write_text(f'[facts]\nfiles = ["{self.folder / "skus"}"]\n')
        self.daemon = Daemon(arguments=("--config", self.config))
        self.addCleanup(self.daemon.__exit__)

    def write(self, name, body):
        (self.folder / name).write_text(body if isinstance(body, str) else json.dumps(body))

    def hang_up(self):
        """Sends SIGHUP and waits until the import that it asks for is over."""
        ends = ("event=facts_imported", "event=facts_import_failed")
        before = sum(self.daemon.log().count(end) for end in ends)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until("the import", lambda: sum(self.daemon.log().count(end) for end in ends) > before)

    def failed(self):
        with urllib.request.urlopen(self.daemon.admin + "/metrics", timeout=60) as answer:
            return "\nvoucherd_facts_import_failed 1\n" in answer.read().decode()

    def test_files_are_facts_before_the_first_answer_and_again_after_sighup(self):
        self.daemon.start()
        self.assertEqual(self.daemon.get_json("/v1/skus/gpu")["name"], "A800")
        self.write("skus/gpu.json", {**SKU, "name": "A800 80G"})
        self.hang_up()
        versions = self.daemon.get_json("/v1/skus/gpu/history")["items"]
        self.assertEqual([version["after"]["name"] for version in versions], ["A800", "A800 80G"])
        self.assertEqual(versions[1]["by"]["kind"], "file")
        self.assertIn(f"{self.folder}/skus/gpu.json sha256:", versions[1]["by"]["id"])
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(len(self.daemon.get_json("/v1/skus/gpu/history")["items"]), 2)

    def test_a_fault_leaves_everything_as_it_was(self):
        self.daemon.start()
        self.write("skus/gpu.json", {**SKU, "name": "new"})
        self.write("skus/bad.json", "{")
        self.hang_up()
        self.assertEqual(self.daemon.get_json("/v1/skus/gpu")["name"], "A800")
        self.assertIn("bad.json: is not JSON", self.daemon.log())
        self.assertTrue(self.failed())
        (self.folder / "skus/bad.json").unlink()
        self.hang_up()
        self.assertEqual(self.daemon.get_json("/v1/skus/gpu")["name"], "new")
        self.assertFalse(self.failed())

    def test_the_daemon_starts_with_faulty_files_and_check_names_them(self):
        self.write("skus/bad.json", {"name": "x"})
        self.daemon.start()
        self.assertEqual(self.daemon.get_json("/v1/skus")["items"], [])
        checked = subprocess.run([BINARIES / "voucherd", "--config", self.config, "--check"], capture_output=True,
                                 text=True, timeout=60)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("bad.json: /unit: ", checked.stderr)

    def test_firms_come_as_csv(self):
        self.daemon.start()
        wrong = self.daemon.ctl("firm", "import", "-", stdin="uscc,name\n91500112MA5DEM001X,甲\n")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("row 2, column uscc", wrong.stderr)
        taken = self.daemon.ctl("firm", "import", "-", stdin="uscc,name\n91500112MA5DEM001H,甲\n")
        self.assertEqual(taken.returncode, 0, taken.stderr)
        self.assertEqual(self.daemon.get_json("/v1/firms/91500112MA5DEM001H")["name"], "甲")
        history = self.daemon.ctl("firm", "history", "91500112MA5DEM001H")
        self.assertIn("127.0.0.1", history.stdout)


if __name__ == "__main__":
    unittest.main()
