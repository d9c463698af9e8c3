"""Peak memory under overload stays within the formula of daemon/README.md, computed from the configuration."""

import json
import pathlib
import random
import socket
import sys
import tempfile
import threading
import unittest

from daemon import SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"
FIRM = sorted(path.stem for path in (DEMO / "firms").glob("*.json"))[0]
SKU = sorted(path.stem for path in (DEMO / "skus").glob("*.json"))[0]
MIB = 1 << 20
LIMITS = {"body_bytes_max": 2 * MIB, "connections_max": 64, "received_bytes_max": 16 * MIB, "queue_bytes_max": 8 * MIB,
          "body_timeout_ms": 2000}
MEMORY = {"block_cache_bytes": 8 * MIB, "event_cache_bytes": 8 * MIB, "identity_bytes_max": 64 * MIB}
UNREAD_MAX = 16
SEED = random.SystemRandom().getrandbits(32)


def allowed(entries):
    """The formula of daemon/README.md, "Memory"."""
    fixed = 192 * MIB
    database = MEMORY["block_cache_bytes"] + 3 * 64 * MIB
    batch = 2 * LIMITS["body_bytes_max"] + 100_000 * 1024  # one request's events, decoded and answered
    ingest = 2 * LIMITS["queue_bytes_max"] + 4 * (8 * MIB + batch)
    connections = 2 * LIMITS["received_bytes_max"] + 2 * LIMITS["connections_max"] * 320 * 1024
    kept = MEMORY["event_cache_bytes"] + MEMORY["identity_bytes_max"] + entries * 4096
    return fixed + database + ingest + connections + kept


def good(rng, bytes_max):
    lines, size = [], 0
    while size < bytes_max - 400:
        lines.append(json.dumps({
            "specversion": "1.0", "type": "compute.usage.v1", "source": "/memory", "id": f"{rng.getrandbits(128):032x}",
            "subject": FIRM, "time": "2026-03-02T00:00:00+08:00", "data": {"sku": SKU, "quantity": "1"}}))
        size += len(lines[-1]) + 1
    return "\n".join(lines).encode()


def bad(rng):
    """As many events as a request may have, of which nothing can be counted; two thirds of them the same."""
    return b"\n".join(b"{}" if i % 3 else b'{"id":"%x"}' % (i % 3000) for i in range(99_000))


def request(body, length=None):
    return (b"POST /v1/events HTTP/1.1\r\nHost: m\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n"
            % (length or len(body))) + body


class Attack:
    def __init__(self, daemon):
        host, port = daemon.api.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self.answers = {}
        self.unread = []  # connections whose answers wait, for as long as the attack lasts
        self.lock = threading.Lock()

    def send(self, bytes_, reads=True):
        """Sends on a connection of its own; whatever becomes of it."""
        if not reads and len(self.unread) < UNREAD_MAX:
            self.unread.append(socket.create_connection(self.address, timeout=60))
            try:
                self.unread[-1].sendall(bytes_)
            except OSError:
                pass
            return
        try:
            with socket.create_connection(self.address, timeout=60) as connection:
                connection.sendall(bytes_)
                connection.shutdown(socket.SHUT_WR)
                head = connection.recv(65536)
                while connection.recv(65536):
                    pass
                status = head[9:12].decode() if head else "cut"
        except OSError:
            status = "cut"
        with self.lock:
            self.answers[status] = self.answers.get(status, 0) + 1

    def run(self, worker):
        rng = random.Random(SEED + worker)
        for round_ in range(6):
            kind = (worker + round_) % 5
            if kind == 0:
                self.send(request(good(rng, LIMITS["body_bytes_max"])))
            elif kind == 1:
                self.send(request(bad(rng)))
            elif kind == 2:
                self.send(request(good(rng, 200_000)) * 8)  # pipelined
            elif kind == 3:
                self.send(request(bad(rng)) * 4, reads=False)  # answers that nobody reads
            else:
                # Announced and never finished.
                self.send(request(b"x" * (LIMITS["body_bytes_max"] // 2), LIMITS["body_bytes_max"]), reads=False)


class MemoryTest(unittest.TestCase):
    def test_overload_stays_within_the_formula(self):
        print(f"seed {SEED}")
        with tempfile.TemporaryDirectory(prefix="voucherd-memory-") as directory:
            config = pathlib.Path(directory) / "voucherd.toml"
            lines = ["[limits]", *(f"{key} = {value}" for key, value in LIMITS.items()),
                     "[memory]", *(f"{key} = {value}" for key, value in MEMORY.items())]
            config.write_text("\n".join(lines) + "\n")
            with Daemon(directory, ["--config", config]) as daemon:
                put_facts(daemon, DEMO)
                attack = Attack(daemon)
                workers = [threading.Thread(target=attack.run, args=(worker,)) for worker in range(24)]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                for connection in attack.unread:
                    connection.close()
                accepted = sum(source["events"] for source in daemon.items("/v1/sources"))
                status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
                peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
                entries = 3000  # unlike ones, at most
                print(f"answers {attack.answers}, accepted {accepted}, peak {peak // MIB} MiB, "
                      f"allowed {allowed(entries) // MIB} MiB")
                self.assertGreater(accepted, 0)
                self.assertLess(peak, allowed(entries))
                self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
