"""Kills the daemon at random moments while clients stream, and counts afterwards.

What was acknowledged is there after every crash, once; what was not is sent again, and is then
there once as well. The moments come from a seed, which a failure prints (VOUCHERD_KILL9_SEED).
"""

import datetime
import http.client
import json
import os
import random
import re
import signal
import threading
import time
import unittest
import urllib.parse
from decimal import Decimal

from daemon import Daemon, ctl

SEED = int(os.environ.get("VOUCHERD_KILL9_SEED", time.time_ns() % 1_000_000_007))
KILLS = int(os.environ.get("VOUCHERD_KILL9_COUNT", 50))
CLIENTS = 4
FIRM = "91500107MAABCDEF1R"
CHINA = datetime.timezone(datetime.timedelta(hours=8))
# One usage time for all: an hour ago, so that no clock of this test matters.
USED_AT = (datetime.datetime.now(CHINA) - datetime.timedelta(hours=1)).isoformat(timespec="milliseconds")
QUANTITY = Decimal("1.000000001")


def put(daemon, path, body):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(daemon.api).netloc, timeout=60)
    connection.request("PUT", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status in (200, 201), (path, answer.status, answer.read())
    connection.close()


def put_facts(daemon):
    put(daemon, "/v1/skus/gpu", {"name": "GPU", "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"})
    put(daemon, f"/v1/firms/{FIRM}", {"name": "企业", "district": "两江新区", "eligibility": [], "related_party": [],
                                      "predecessors": []})
    put(daemon, "/v1/price-books/b", {"effective_from": "2025-01-01", "tax_inclusive": False,
                                      "prices": {"gpu": "1"}})


def event(source, number):
    return json.dumps({"specversion": "1.0", "type": "compute.usage.v1", "source": source, "id": f"e{number}",
                       "subject": FIRM, "time": USED_AT, "data": {"sku": "gpu", "quantity": str(QUANTITY)}})


class Client(threading.Thread):
    """Streams batches, one at a time; one that got no answer is sent again until it gets one."""

    def __init__(self, number, address, stop):
        super().__init__(daemon=True)
        self.source = f"/client/{number}"
        self.random = random.Random(SEED * 100 + number)
        self.address = address    # () → host:port of the daemon now, or None
        self.stop = stop
        self.batches = []         # acknowledged bodies
        self.events = 0           # in them
        self.sent_again = 0
        self.failure = None

    def run(self):
        try:
            while not self.stop.is_set():
                size = self.random.choice([1, 3, 50, 200])
                body = "\n".join(event(self.source, self.events + i) for i in range(size))
                self.send_until_acknowledged(body, size)
                self.batches.append(body)
                self.events += size
        except Exception as failure:  # told by the test's own thread
            self.failure = failure

    def send_until_acknowledged(self, body, size):
        again = False
        while True:
            reply = self.send(body)
            if reply:
                assert reply["received"] == size, reply
                assert reply["accepted"] + reply["duplicate"] == size, reply
                assert again or reply["duplicate"] == 0, reply
                return
            again = True
            self.sent_again += 1
            time.sleep(0.01)

    def send(self, body):
        """The reply, or None where the daemon died meanwhile or is not there."""
        address = self.address()
        if not address:
            return None
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request("POST", "/v1/events", body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status == 200:
            return json.loads(text)
        assert answer.status in (429, 503), (answer.status, text)
        return None


class Kill9Test(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__)
        self.address = None

    def start(self):
        self.daemon.start()
        self.address = urllib.parse.urlsplit(self.daemon.api).netloc

    def kill(self):
        self.address = None
        self.daemon.stop(signal.SIGKILL)

    def check_journal(self):
        done = ctl("--json", "journal", "check", self.daemon.directory / "data")
        self.assertEqual(done.returncode, 0, f"seed {SEED}: {done.stdout}{done.stderr}\n{self.daemon.log()}")
        return json.loads(done.stdout.splitlines()[-1])

    def quantity_billed(self):
        statement = self.daemon.get_json(f"/v1/statements/{USED_AT[:7]}/{FIRM}")
        return sum(Decimal(line["quantity"]) for line in statement["lines"])

    def test_no_acknowledged_event_is_lost_and_none_is_doubled(self):
        moments = random.Random(SEED)
        self.start()
        put_facts(self.daemon)
        stop = threading.Event()
        clients = [Client(i, lambda: self.address, stop) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.0, 0.25))
            known = sum(client.events for client in clients)
            self.kill()
            self.assertGreaterEqual(self.check_journal()["events"], known, f"seed {SEED}")
            self.start()
        stop.set()
        for client in clients:
            client.join(timeout=120)
            self.assertFalse(client.is_alive(), f"seed {SEED}: a client hangs")
            self.assertIsNone(client.failure, f"seed {SEED}: {client.failure!r}")
        self.assertGreater(sum(client.sent_again for client in clients), 0, "no kill met a client")
        self.check_totals(clients)
        self.send_everything_again(clients)
        self.check_totals(clients)
        print(f"{KILLS} kills, {sum(client.events for client in clients)} events")

    def check_totals(self, clients):
        events = sum(client.events for client in clients)
        self.assertEqual(self.quantity_billed(), events * QUANTITY, f"seed {SEED}")
        text = self.metrics()
        identities = re.findall(r"^# TYPE (voucherd_identity_\w+_difference)", text, re.M)
        self.assertGreaterEqual(len(identities), 3)
        for name in identities:
            self.assertRegex(text, rf"(?m)^{name} 0$", f"seed {SEED}")

    def metrics(self):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.daemon.admin).netloc, timeout=60)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def send_everything_again(self, clients):
        for client in clients:
            for body in client.batches:
                reply = client.send(body)
                self.assertEqual(reply["duplicate"], reply["received"], f"seed {SEED}")

    def test_sixty_four_submitters_of_one_event_leave_one(self):
        self.start()
        put_facts(self.daemon)
        barrier = threading.Barrier(64)
        replies = []

        def submit(number):
            client = Client(number, lambda: self.address, threading.Event())
            barrier.wait()
            replies.append(client.send(event("/one", 1)))

        threads = [threading.Thread(target=submit, args=(i,)) for i in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual(len(replies), 64)
        self.assertEqual(sum(reply["accepted"] for reply in replies), 1)
        self.assertEqual(sum(reply["duplicate"] for reply in replies), 63)
        self.assertEqual(self.quantity_billed(), QUANTITY)


if __name__ == "__main__":
    unittest.main()
