"""Starts the two programs for a test: the daemon on a directory and on ports of its own."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("VOUCHERD_BINARIES", SOURCE / "build" / "release"))
START_SECONDS_MAX = 120
LOG_CHARACTERS = 4000  # of its end, that a failure shows


def wait_until(what, condition, seconds=START_SECONDS_MAX):
    """Returns condition()'s first true value; fails the test when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


class Daemon:
    """voucherd on any free ports; `with Daemon() as daemon:` stops it at the end."""

    def __init__(self, directory=None, arguments=()):
        self._arguments = [str(argument) for argument in arguments]
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="voucherd-e2e-")
        self.directory = pathlib.Path(directory or self._temporary.name)
        self._ports = self.directory / "ports.json"
        self.process = None
        self._stopped = True

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            if self._temporary:
                self._temporary.cleanup()

    def start(self):
        self._ports.unlink(missing_ok=True)
        self._log = open(self.directory / "voucherd.log", "ab")
        self.process = subprocess.Popen(
            [BINARIES / "voucherd", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
             "--data", self.directory / "data", "--ports-file", self._ports, *self._arguments],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._stopped = False
        wait_until("the daemon to listen", self._ready)
        ports = json.loads(self._ports.read_text())
        self.api, self.admin = "http://" + ports["api"], "http://" + ports["admin"]

    def _ready(self):
        if self.process.poll() is not None:
            self._stopped = True
            raise AssertionError(f"voucherd ended with {self.process.returncode}:\n{self.log()}")
        return self._ports.exists()

    def stop(self, signal_number=signal.SIGTERM):
        """Fails the test where the daemon has ended by itself: why is in its log."""
        by_itself = not self._stopped and self.process.poll() is not None
        self._stopped = True
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
            self.process.wait(timeout=60)
        self._log.close()
        if by_itself:
            raise AssertionError(f"voucherd ended by itself with {self.process.returncode}:\n{self.log()[-LOG_CHARACTERS:]}")
        return self.process.returncode

    def log(self):
        return (self.directory / "voucherd.log").read_text(errors="replace")

    def ctl(self, *arguments, stdin=None):
        return ctl("--server", self.api, *arguments, stdin=stdin)

    def get(self, path):
        with urllib.request.urlopen(self.api + path, timeout=60) as answer:
            return answer.read()

    def get_json(self, path):
        return json.loads(self.get(path))

    def items(self, path):
        """All items of a list, page after page."""
        found, after = [], ""
        while True:
            page = self.get_json(path + ("&" if "?" in path else "?") + "limit=200&after=" + after)
            found += page["items"]
            if "next" not in page:
                return found
            after = page["next"]


def ctl(*arguments, stdin=None):
    return subprocess.run([BINARIES / "voucherctl", *map(str, arguments)], capture_output=True, text=True,
                          input=stdin if stdin is not None else "", timeout=600)


def put_facts(daemon, directory):
    """Puts every file of DIRECTORY/{skus,firms,…}/KEY.json; the file's name is the key."""
    for kind, command in (("skus", "sku"), ("firms", "firm"), ("price-books", "price-book"),
                          ("policies", "policy"), ("contracts", "contract")):
        for file in sorted((pathlib.Path(directory) / kind).glob("*.json")):
            done = daemon.ctl(command, "put", file.stem, file)
            assert done.returncode == 0, f"{file}: {done.stderr}"
