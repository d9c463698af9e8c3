"""A disk that fills up under the daemon: refused with 507, read all the while, and on again without a restart."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from daemon import SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"
FIRM = sorted(path.stem for path in (DEMO / "firms").glob("*.json"))[0]
SKU = sorted(path.stem for path in (DEMO / "skus").glob("*.json"))[0]
DISK_BYTES = 48 << 20  # less than what RocksDB would allocate for a log beforehand
LEFT_FREE_BYTES = 2 << 20
BATCHES_MAX = 400
SKIPPED = 77


def batch(number, count=500):
    rng = random.Random(number)  # ids that don't pack
    return "\n".join(json.dumps({
        "specversion": "1.0", "type": "compute.usage.v1", "source": "/full", "id": f"{number}-{i}-{rng.getrandbits(400):x}",
        "subject": FIRM, "time": "2026-03-02T00:00:00+08:00", "data": {"sku": SKU, "quantity": "1"}})
        for i in range(count)).encode()


def ask(method, url, body, content_type):
    """(status, body as JSON, headers), whatever the status."""
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal as answer:
            return answer.code, json.load(answer), answer.headers


class FullDiskTest(unittest.TestCase):
    def setUp(self):
        self.disk = tempfile.mkdtemp(prefix="voucherd-full-")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.disk],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            os.rmdir(self.disk)
            self.skipTest("no right to mount a small disk here: " + mounted.stderr.decode().strip())
        self.addCleanup(os.rmdir, self.disk)
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)

    def fill(self):
        filler = pathlib.Path(self.disk) / "filler"
        free = os.statvfs(self.disk)
        with open(filler, "wb") as out:
            os.posix_fallocate(out.fileno(), 0, free.f_bavail * free.f_frsize - LEFT_FREE_BYTES)
        return filler

    def send(self, number):
        return ask("POST", self.daemon.api + "/v1/events", batch(number), "application/x-ndjson")

    def accepted(self):
        return sum(source["events"] for source in self.daemon.items("/v1/sources"))

    def test_refuses_with_507_reads_on_and_recovers(self):
        with Daemon(self.disk) as self.daemon:
            put_facts(self.daemon, DEMO)
            filler = self.fill()
            taken = 0
            while taken < BATCHES_MAX:
                status, answer, headers = self.send(taken)
                if status != 200:
                    break
                taken += 1
            self.assertEqual(status, 507, answer)
            self.assertEqual(answer["type"], "urn:voucherd:problem:disk-full")
            self.assertIn("Retry-After", headers)
            self.assertEqual(self.accepted(), taken * 500)
            sku = (DEMO / "skus" / f"{SKU}.json").read_text().replace('"name": "', '"name": "x')
            self.assertEqual(ask("PUT", f"{self.daemon.api}/v1/skus/{SKU}", sku.encode(), "application/json")[0], 507)
            # What needs no write is answered.
            status, answer, _ = self.send(0)
            self.assertEqual((status, answer["duplicate"]), (200, 500))

            filler.unlink()
            status, answer, _ = self.send(taken)
            self.assertEqual((status, answer["accepted"]), (200, 500), answer)
            self.daemon.stop()
            self.daemon.start()
            self.assertEqual(self.accepted(), (taken + 1) * 500)
            self.daemon.stop()
            checked = subprocess.run(
                [os.path.join(os.environ["VOUCHERD_BINARIES"], "voucherctl"), "journal", "check",
                 str(self.daemon.directory / "data")], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    sys.exit(SKIPPED if result.skipped else not result.wasSuccessful())
