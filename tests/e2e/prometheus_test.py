"""What operations see: a real Prometheus scrapes the daemon with the shipped configuration."""

import json
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from daemon import SOURCE, Daemon, put_facts, wait_until
from reports import put_policy

SHIPPED = SOURCE / "deploy" / "prometheus"
DEMO = SOURCE / "deploy" / "demo"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """Prometheus on the shipped configuration, with the daemon's own address and a short interval."""

    def __init__(self, target):
        self.directory = tempfile.TemporaryDirectory(prefix="prometheus-")
        root = pathlib.Path(self.directory.name)
        config = (SHIPPED / "prometheus.yml").read_text()
        config = config.replace("127.0.0.1:9464", target).replace("15s", "1s")
        (root / "prometheus.yml").write_text(config)
        (root / "voucherd.rules.yml").write_text((SHIPPED / "voucherd.rules.yml").read_text())
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(root / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={root / 'prometheus.yml'}", f"--storage.tsdb.path={root / 'data'}",
             "--web.listen-address=" + self.url.removeprefix("http://")],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()
        self.directory.cleanup()

    def value(self, expression):
        """The value of a query that gives one series; None where it gives none yet."""
        try:
            query = urllib.parse.urlencode({"query": expression})
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def alerts(self):
        with urllib.request.urlopen(f"{self.url}/api/v1/rules", timeout=10) as answer:
            groups = json.load(answer)["data"]["groups"]
        return {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}


def metrics_of(daemon):
    with urllib.request.urlopen(daemon.admin + "/metrics", timeout=10) as answer:
        return answer.read().decode()


def metric_names(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.M))


class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        put_facts(cls.daemon, DEMO)
        put_policy(cls.daemon, programme_budget="20000000.00")  # where none names one, there is no such metric
        sent = cls.daemon.ctl("--json", "events", "send", DEMO / "events.ndjson")
        cls.sent = json.loads(sent.stdout)

    def test_prometheus_sees_what_was_sent_and_no_identity_is_broken(self):
        with Prometheus(self.daemon.admin.removeprefix("http://")) as prometheus:
            wait_until("the first scrape", lambda: prometheus.value('up{job="voucherd"}') == 1)
            for name in ("received", "accepted", "duplicate", "conflict", "quarantined"):
                metric = f"voucherd_events_{name}_total"
                seen = wait_until(metric, lambda metric=metric: (prometheus.value(metric) is not None) and
                                  [prometheus.value(metric)])
                self.assertEqual(seen, [self.sent[name]], metric)
            for name in ("quantity", "lines", "subsidy", "ingest"):
                self.assertEqual(prometheus.value(f"voucherd_identity_{name}_difference"), 0, name)
            self.assertGreaterEqual(prometheus.value("voucherd_journal_position"), self.sent["position"])
            states = wait_until("the rules' first evaluation", lambda: (
                "unknown" not in prometheus.alerts().values()) and prometheus.alerts())
            firing = {name for name, state in states.items() if state == "firing"}
            self.assertEqual(firing & {"VoucherdDown", "VoucherdIdentityBroken", "VoucherdClockBehind"}, set())

    def test_promtool_finds_nothing_to_improve_in_the_metrics(self):
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics_of(self.daemon), text=True,
                                 capture_output=True, timeout=60)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_every_metric_that_an_alert_uses_exists(self):
        rules = (SHIPPED / "voucherd.rules.yml").read_text()
        used = set(re.findall(r"\bvoucherd_[a-z_]+", "\n".join(re.findall(r"expr: (?:.|\n)*?labels:", rules))))
        self.assertNotEqual(used, set())
        self.assertEqual(used - metric_names(metrics_of(self.daemon)), set())


class ShippedFilesTest(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], cwd=SHIPPED, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_configuration_and_rules_are_valid(self):
        self.promtool("check", "config", "prometheus.yml")

    def test_the_alerts_do_what_their_tests_say(self):
        self.promtool("test", "rules", "voucherd.rules.test.yml")


if __name__ == "__main__":
    unittest.main(verbosity=2)
