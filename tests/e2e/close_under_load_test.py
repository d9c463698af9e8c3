"""Closes months while clients stream usage of them: each close freezes a consistent cut.

What was acknowledged before a close was asked for is on its statements; what came later is an adjustment
of the next month. In the end the lines of all statements add up to what was accepted, by usage month and
firm, to the last digit: nothing is on two statements or on none. Seed: VOUCHERD_CLOSE_SEED.
"""

import collections
import http.client
import json
import os
import random
import threading
import time
import unittest
import urllib.parse
from decimal import Decimal

from daemon import Daemon

SEED = int(os.environ.get("VOUCHERD_CLOSE_SEED", time.time_ns() % 1_000_000_007))
FIRMS = ["91500107MAABCDEF1R", "91500000MA5U00000W"]
MONTHS = ["2026-01", "2026-02", "2026-03", "2026-04"]
PRICE = Decimal("1")
CLIENTS = 3
BATCHES_BETWEEN_CLOSES = 25


class Api:
    """One connection kept alive."""

    def __init__(self, daemon):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(daemon.api).netloc, timeout=60)

    def call(self, method, path, body=None, content_type="application/json"):
        self.connection.request(method, path, body, {"Content-Type": content_type})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def put_facts(api):
    for path, body in [
            ("/v1/skus/gpu", {"name": "GPU", "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"}),
            ("/v1/price-books/b", {"effective_from": "2025-01-01", "tax_inclusive": False,
                                   "prices": {"gpu": str(PRICE)}})]:
        assert api.call("PUT", path, json.dumps(body))[0] in (200, 201), path
    for firm in FIRMS:
        body = {"name": "企业", "district": "两江新区", "eligibility": [], "related_party": [], "predecessors": []}
        assert api.call("PUT", f"/v1/firms/{firm}", json.dumps(body))[0] in (200, 201)


class Client(threading.Thread):
    """Streams batches of usage of all months; notes each batch with the position that acknowledged it."""

    def __init__(self, number, daemon, stop):
        super().__init__(daemon=True)
        self.number, self.api, self.stop = number, Api(daemon), stop
        self.random = random.Random(SEED * 100 + number)
        self.accepted = []  # (position, {(month, firm): quantity})
        self.failure = None

    def run(self):
        try:
            sent = 0
            while not self.stop.is_set():
                sums, lines = collections.Counter(), []
                for _ in range(self.random.choice([1, 7, 60])):
                    month, firm = self.random.choice(MONTHS), self.random.choice(FIRMS)
                    quantity = Decimal(self.random.randint(1, 10**9)) / 10**9
                    sums[month, firm] += quantity
                    day = self.random.randint(1, 28)
                    lines.append(json.dumps({
                        "specversion": "1.0", "type": "compute.usage.v1", "source": f"/client/{self.number}",
                        "id": f"e{sent}", "subject": firm, "time": f"{month}-{day:02}T12:00:00+08:00",
                        "data": {"sku": "gpu", "quantity": f"{quantity:.9f}"}}))
                    sent += 1
                status, answer = self.api.call("POST", "/v1/events", "\n".join(lines), "application/x-ndjson")
                assert status == 200 and answer["accepted"] == len(lines), answer
                self.accepted.append((answer["position"], sums))
        except Exception as failure:  # told by the test's own thread
            self.failure = failure


class CloseUnderLoadTest(unittest.TestCase):
    def test_each_close_is_a_consistent_cut(self):
        print("seed", SEED)
        with Daemon() as daemon:
            api, stop = Api(daemon), threading.Event()
            put_facts(api)
            clients = [Client(number, daemon, stop) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            positions = {}
            for month in MONTHS:
                self.wait_for_batches(clients, (len(positions) + 1) * BATCHES_BETWEEN_CLOSES)
                positions[month] = self.close(api, month)
            self.wait_for_batches(clients, (len(positions) + 1) * BATCHES_BETWEEN_CLOSES)
            stop.set()
            for client in clients:
                client.join(60)
                self.assertIsNone(client.failure)
                client.api.connection.close()
            api.connection.close()
            accepted = [entry for client in clients for entry in client.accepted]
            self.assertTrue(any(position > positions[MONTHS[-1]] for position, _ in accepted),
                            "no batch came after the last close")
            self.compare(daemon, accepted, positions)

    def wait_for_batches(self, clients, count):
        deadline = time.monotonic() + 60
        while sum(len(client.accepted) for client in clients) < count:
            for client in clients:
                self.assertIsNone(client.failure)
            self.assertLess(time.monotonic(), deadline, "the clients do not get on")
            time.sleep(0.002)

    def close(self, api, month):
        # Usage of earlier months that came meanwhile makes an adjustment: it belongs to this very month.
        status, answer = api.call("POST", f"/v1/periods/{month}/close", "{}")
        self.assertEqual(status, 200, answer)
        return answer["position"]

    def compare(self, daemon, accepted, positions):
        """Each statement's quantities against those of the batches that its cut holds."""
        billed = collections.Counter()
        for month in MONTHS:
            for firm in FIRMS:
                statement = daemon.get_json(f"/v1/statements/{month}/{firm}")
                self.assertEqual(statement["journal"]["position"], positions[month])
                now = collections.Counter()
                for line in statement["lines"]:
                    self.assertEqual(line["adjustment"], line["usage_month"] != month)
                    now[line["usage_month"]] += Decimal(line["quantity"])
                for usage_month in MONTHS[:MONTHS.index(month) + 1]:
                    known = sum(sums[usage_month, firm] for position, sums in accepted
                                if position < positions[month])
                    self.assertEqual(now[usage_month], known - billed[usage_month, firm],
                                     f"{firm}: {usage_month} on the statement of {month}")
                    billed[usage_month, firm] += now[usage_month]
        late = daemon.get_json("/v1/statements?period=2026-05")["items"]
        self.assertTrue(late, "what came after the last close is on no statement")
        for firm in FIRMS:
            statement = daemon.get_json(f"/v1/statements/2026-05/{firm}")
            for line in statement["lines"]:
                billed[line["usage_month"], firm] += Decimal(line["quantity"])
        for month in MONTHS:
            for firm in FIRMS:
                self.assertEqual(billed[month, firm], sum(sums[month, firm] for _, sums in accepted))


if __name__ == "__main__":
    unittest.main()
