"""Who reads a large export slowly delays nobody: another export, an acknowledgement and a statement come meanwhile;
what the slow reader gets is whole; and one that hardly reads at all is cut."""

import pathlib
import socket
import sys
import tempfile
import unittest
import urllib.request

from daemon import Daemon, put_facts, wait_until
from load import DEMO, FIRM, GoodClient, resident_bytes

EVENTS = 40_000
READERS = 40
MIB = 1 << 20
EXPORT = f"/v1/events?subject={FIRM}&from=2026-03-01&until=2026-04-01"


class SlowReader:
    """Has asked for the export and taken the first bytes of it."""

    def __init__(self, address):
        host, port = address.removeprefix("http://").split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(120)
        self.socket.connect((host, int(port)))
        self.socket.sendall(f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\nConnection: close\r\n\r\n".encode())
        self.got = self.socket.recv(1024)

    def read_all(self):
        with self.socket:
            while piece := self.socket.recv(1 << 20):
                self.got += piece
        return self.got


def body_of(answer):
    """Of an answer in chunks."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return body


class SlowReaderTest(unittest.TestCase):
    def start(self, limits=""):
        folder = tempfile.TemporaryDirectory(prefix="voucherd-readers-")
        self.addCleanup(folder.cleanup)
        config = pathlib.Path(folder.name) / "voucherd.toml"
        config.write_text(limits)
        self.daemon = Daemon(arguments=("--config", config))
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__)
        put_facts(self.daemon, DEMO)
        self.client = GoodClient(self.daemon.api)
        for _ in range(EVENTS // 10_000):
            self.client.send("export", 10_000)

    def test_slow_readers_of_an_export_delay_nobody(self):
        self.start()
        fast = SlowReader(self.daemon.api).read_all()
        before = resident_bytes(self.daemon)
        readers = [SlowReader(self.daemon.api) for _ in range(READERS)]
        self.addCleanup(lambda: [reader.socket.close() for reader in readers])
        for i in range(100):
            self.client.send("meanwhile")
        self.assertEqual(self.daemon.get_json(f"/v1/statements/2026-03/{FIRM}")["firm"]["uscc"], FIRM)
        self.assertGreaterEqual(body_of(SlowReader(self.daemon.api).read_all()).count(b"\n"), EVENTS)
        grown = resident_bytes(self.daemon) - before
        print(f"{READERS} slow readers of {len(fast) // MIB} MiB each: {grown // MIB} MiB more")
        self.assertLess(grown, READERS * MIB + 64 * MIB)  # a piece each, not the export
        lines = body_of(readers[0].read_all()).splitlines()
        self.assertGreaterEqual(len(lines), EVENTS)

    def test_a_reader_that_hardly_reads_is_cut(self):
        self.start("[limits]\ntransfer_bytes_per_second_min = 100000000\ntransfer_grace_ms = 200\n")
        reader = SlowReader(self.daemon.api)
        metric = "voucherd_http_connections "
        self.client.connection.close()

        def open_connections():
            text = urllib.request.urlopen(self.daemon.admin + "/metrics", timeout=60).read().decode()
            return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith(metric))

        wait_until("the reader to be cut", lambda: open_connections() == 0)
        try:
            got = len(reader.read_all())
        except OSError:
            got = 0
        self.assertLess(got, EVENTS * 100)
        self.assertEqual(self.daemon.get_json("/v1/firms")["items"][0]["uscc"], FIRM)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
