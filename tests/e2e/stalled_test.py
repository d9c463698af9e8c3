"""A thousand stalled sockets (slowhttptest: slow headers, slow bodies, slow readers of pages and of exports), plain
and over TLS, while a good client goes on: all its requests are answered, and memory stays within what daemon/README.md
says of connections. Its p99 within twice its own baseline of the same run is asserted where VOUCHERD_NIGHTLY is set.

The daemon and the good client run with real-time priority where that is allowed, slowhttptest without: who else uses
the machine is no matter of the daemon's, and would be most of what is measured. Caches and the disk are shared all
the same, so that on a machine that others use the figure says something, and is not asserted."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from certificates import Certificates
from daemon import Daemon, put_facts, wait_until
from load import DEMO, FIRM, GoodClient, client_context, events, resident_bytes

STALLED = 1000
REQUESTS = 1000
IDLE_LOOKS = 20  # a second
KIB = 1 << 10
# Of daemon/README.md, "Memory", and daemon/http/README.md.
PLAIN_BYTES_MAX, TLS_BYTES_MAX = 320 * KIB, 450 * KIB
EXPORTED_EVENTS = 4000  # more than the kernel takes of an answer


def real_time_priority():
    """For this process and the daemons that it starts, where it is allowed."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def ordinary_priority():
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Attack:
    """slowhttptest in one of its modes, with all its connections open for as long as the block lasts."""

    def __init__(self, daemon, folder, *arguments):
        self.daemon, self.ticks, self.idle_looks = daemon, 0, 0
        self.log = folder / "slowhttptest.log"
        self.arguments = ["slowhttptest", "-c", str(STALLED), "-r", "400", "-l", "240", "-p", "60", "-v", "1", *arguments]

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=ordinary_priority)
        wait_until(f"{STALLED} stalled connections", lambda: self.open() >= STALLED * 98 // 100)
        wait_until("the daemon to have done what they asked for", self.idle)
        return self

    def idle(self):
        """Whether the daemon had next to nothing to do for some looks: slowhttptest may be slow to ask, too."""
        ticks = sum(map(int, pathlib.Path(f"/proc/{self.daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        before, self.ticks = self.ticks, ticks
        self.idle_looks = self.idle_looks + 1 if ticks - before <= 1 else 0
        return self.idle_looks >= IDLE_LOOKS

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def open(self):
        text = self.daemon.admin_get("/metrics")
        return next(int(float(line.split()[1])) for line in text.splitlines()
                    if line.startswith("voucherd_http_connections "))


@unittest.skipUnless(shutil.which("slowhttptest"), "slowhttptest is not installed")
class StalledTest(unittest.TestCase):
    def start(self, tls=""):
        real_time_priority()
        self.addCleanup(ordinary_priority)
        folder = tempfile.TemporaryDirectory(prefix="voucherd-stalled-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        config = self.folder / "voucherd.toml"
        # Time enough for a slow machine to measure in; all sockets come from one address here.
        config.write_text("[limits]\nconnections_per_address_max = 2000\nhandshakes_per_second = 0\nheader_timeout_ms = 120000\n"
                          f"body_timeout_ms = 120000\ntransfer_grace_ms = 120000\n{tls}")
        self.daemon = Daemon(arguments=("--config", config))
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__)

    def attack_all(self, modes, bytes_max, client, scheme):
        # The better of two each time: the disk's other users have no priority.
        baseline = min(client.p99("warm", REQUESTS), client.p99("baseline", REQUESTS))
        for name, *arguments in modes:
            with self.subTest(mode=name):
                before = resident_bytes(self.daemon)
                url = self.daemon.api.replace("http", scheme) + arguments.pop()
                with Attack(self.daemon, self.folder, *arguments, "-u", url) as attack:
                    p99 = min(client.p99(name, REQUESTS), client.p99(name + " again", REQUESTS))
                    grown = resident_bytes(self.daemon) - before
                    self.assertGreaterEqual(attack.open(), STALLED * 98 // 100, "they were not stalled throughout")
                print(f"{scheme} {name}: p99 {p99:.2f} ms, baseline {baseline:.2f} ms, {grown // KIB} KiB more")
                self.assertLess(grown, STALLED * bytes_max)
                if os.environ.get("VOUCHERD_NIGHTLY"):
                    self.assertLess(p99, 2 * baseline)
                wait_until("the connections to be closed", lambda: attack.open() < 10)

    modes = [("headers", "-H", "-i", "10", "/v1/firms"), ("bodies", "-B", "-i", "10", "-s", "1000000", "/v1/events")]

    def test_a_good_client_goes_on(self):
        self.start()
        self.daemon.admin_get = lambda path: urllib.request.urlopen(self.daemon.admin + path, timeout=60).read().decode()
        put_facts(self.daemon, DEMO)
        client = GoodClient(self.daemon.api)
        client.send("export", EXPORTED_EVENTS)
        export = f"/v1/events?subject={FIRM}&from=2026-03-01&until=2026-04-01"
        slowly = ("-X", "-i", "10", "-n", "10", "-w", "512", "-y", "1024", "-z", "32")
        # A thousand pages that wait together are fewer bytes than limits.received_bytes_max: beyond, some are cut.
        readers = [("readers of pages", *slowly, export + "&limit=800"), ("readers of exports", *slowly, export + "&format=ndjson")]
        self.attack_all([*self.modes, *readers], PLAIN_BYTES_MAX, client, "http")

    def test_a_good_client_goes_on_over_tls(self):
        with Certificates() as made:
            certificate, key = made.issue("server")
            context = client_context(made.path("ca.pem"))
            self.start(f'[tls]\ncertificate_file = "{certificate}"\nkey_file = "{key}"\n')
            admin = self.daemon.admin.replace("http", "https")
            self.daemon.admin_get = lambda path: urllib.request.urlopen(admin + path, timeout=60, context=context).read().decode()
            for kind, name in (("skus", "skus"), ("firms", "firms")):
                for file in sorted((DEMO / kind).glob("*.json")):
                    put = urllib.request.Request(self.daemon.api.replace("http", "https") + f"/v1/{name}/{file.stem}",
                                                 file.read_bytes(), {"Content-Type": "application/json"}, method="PUT")
                    urllib.request.urlopen(put, timeout=60, context=context).read()
            self.attack_all(self.modes, TLS_BYTES_MAX, GoodClient(self.daemon.api, context), "https")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
