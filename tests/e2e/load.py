"""A good client: one connection, one small batch after another, and how long each takes."""

import http.client
import json
import pathlib
import ssl
import time

from daemon import SOURCE

DEMO = SOURCE / "deploy" / "demo"
FIRM = sorted(path.stem for path in (DEMO / "firms").glob("*.json"))[0]
SKU = sorted(path.stem for path in (DEMO / "skus").glob("*.json"))[0]
EVENTS_PER_REQUEST = 10


def events(prefix, first, count):
    """NDJSON of so many new events."""
    return "".join(json.dumps({
        "specversion": "1.0", "type": "compute.usage.v1", "source": "/load", "id": f"{prefix}-{first + i}",
        "subject": FIRM, "time": "2026-03-02T00:00:00+08:00", "data": {"sku": SKU, "quantity": "1"}}) + "\n"
        for i in range(count))


class GoodClient:
    def __init__(self, address, context=None, source="127.0.0.1"):
        host, port = address.removeprefix("http://").removeprefix("https://").split(":")
        options = {"timeout": 120, "source_address": (source, 0)}
        self.connection = (http.client.HTTPSConnection(host, int(port), context=context, **options) if context
                           else http.client.HTTPConnection(host, int(port), **options))
        self.sent = 0

    def send(self, prefix, count=EVENTS_PER_REQUEST):
        """Fails where not all of them were accepted. Returns milliseconds."""
        body = events(prefix, self.sent, count)
        self.sent += count
        begun = time.monotonic()
        self.connection.request("POST", "/v1/events", body, {"Content-Type": "application/x-ndjson"})
        answer = self.connection.getresponse()
        said = answer.read()
        taken = (time.monotonic() - begun) * 1e3
        assert answer.status == 200 and json.loads(said)["accepted"] == count, (answer.status, said)
        return taken

    def p99(self, prefix, requests):
        taken = sorted(self.send(prefix) for _ in range(requests))
        return taken[len(taken) * 99 // 100]


def resident_bytes(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def client_context(ca_file):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
