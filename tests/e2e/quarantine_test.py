"""voucherctl quarantine list, release and dismiss, against the daemon."""

import json
import unittest

from daemon import Daemon

FIRM = "91500000MA5U00000W"
SKU = {"name": "H20", "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"}


def usage(identity, quantity, sku="gpu.h20"):
    return json.dumps({
        "specversion": "1.0", "type": "compute.usage.v1", "source": "/s", "id": identity, "subject": FIRM,
        "time": "2026-03-01T09:00:00+08:00", "data": {"sku": sku, "quantity": quantity}})


class QuarantineTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__)
        self.put("firm", FIRM, {"name": "甲"})
        sent = self.daemon.ctl("events", "send", "-", stdin="\n".join([usage("1", "2"), usage("2", "-1")]))
        self.assertEqual(sent.returncode, 1, sent.stderr)  # done, with problems

    def put(self, command, key, body):
        done = self.daemon.ctl(command, "put", key, "-", stdin=json.dumps(body))
        self.assertEqual(done.returncode, 0, done.stderr)

    def held(self, *filters):
        done = self.daemon.ctl("--json", "quarantine", "list", *filters)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {item["id"]: item["quarantine"] for item in json.loads(done.stdout)}

    def json_of(self, done, status=0):
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def test_release_counts_what_is_good_now_and_says_why_the_rest_stays(self):
        self.put("sku", "gpu.h20", SKU)
        done = self.json_of(self.daemon.ctl("--json", "quarantine", "release", "--all"), status=1)
        self.assertEqual((done["released"], done["still_quarantined"]), (1, 1))
        self.assertEqual(done["problems"][0]["code"], "quantity_not_positive")
        self.assertEqual(set(self.held()), {"2"})

    def test_release_takes_one_number_or_a_filter(self):
        self.put("sku", "gpu.h20", SKU)
        self.assertEqual(self.daemon.ctl("quarantine", "release").returncode, 2)
        by_code = self.json_of(self.daemon.ctl("--json", "quarantine", "release", "--code", "firm_unknown"))
        self.assertEqual(by_code["released"], 0)
        number = self.held("--code", "sku_unknown")["1"]
        one = self.json_of(self.daemon.ctl("--json", "quarantine", "release", number))
        self.assertEqual(one["released"], 1)
        again = self.daemon.ctl("quarantine", "release", number)
        self.assertEqual(again.returncode, 1)
        self.assertIn(number, again.stderr)

    def test_dismiss_needs_a_reason_and_closes_the_entry(self):
        number = self.held()["2"]
        self.assertEqual(self.daemon.ctl("quarantine", "dismiss", number).returncode, 2)
        self.json_of(self.daemon.ctl("--json", "quarantine", "dismiss", number, "--reason", "测试数据"))
        self.assertNotIn("2", self.held())


if __name__ == "__main__":
    unittest.main()
