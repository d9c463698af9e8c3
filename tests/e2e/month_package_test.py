"""The month's package: whole, always the same once the month is closed, and no larger in memory for more
firms."""

import hashlib
import io
import json
import os
import pathlib
import tempfile
import unittest
import zipfile
from fractions import Fraction

from daemon import SOURCE, Daemon, put_facts
from reports import call, firm, put, put_policy, rows_of, send, usage, uscc

DEMO = SOURCE / "deploy" / "demo"
PERIOD = "2026-03"
FIRMS, SKUS = 120, 50
MEMORY_BYTES_MAX = 60 << 20  # 1,000 firms may take 200 MiB; what does not grow with them takes less


def package(daemon, query=""):
    return daemon.get(f"/v1/statements/{PERIOD}.zip{query}")


def resident_bytes(daemon, figure):
    for line in pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines():
        if line.startswith(figure + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(figure)


class MonthPackageTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__)
        self.daemon.start()

    def put_demo(self):
        put_facts(self.daemon, DEMO)
        self.daemon.ctl("events", "send", DEMO / "events.ndjson")

    def close(self):
        status, answer = call(self.daemon, "POST", f"/v1/periods/{PERIOD}/close", {"reason": "测试"})
        self.assertEqual(status, 200, answer)

    def check_files(self, archive, extensions):
        """Each firm's files are those that the API gives, and the summary's totals are theirs."""
        self.assertIsNone(archive.testzip())
        codes = [item["firm"]["uscc"] for item in self.daemon.items(f"/v1/statements?period={PERIOD}")]
        stems = [f"{PERIOD}/{PERIOD}-{code}" for code in codes]
        expected = {f"{stem}.{extension}" for stem in stems for extension in extensions}
        expected |= {f"{PERIOD}/{PERIOD}-summary.{extension}" for extension in ("csv", "xlsx")}
        if "json" in extensions:
            expected.add(f"{PERIOD}/{PERIOD}-summary.json")
        self.assertEqual(set(archive.namelist()), expected)
        for code, stem in zip(codes, stems):
            for extension in extensions:
                self.assertEqual(archive.read(f"{stem}.{extension}"),
                                 self.daemon.get(f"/v1/statements/{PERIOD}/{code}.{extension}"), (code, extension))
        return [json.loads(archive.read(stem + ".json")) for stem in stems]

    def test_holds_every_firms_files_and_a_summary_that_is_their_sum(self):
        self.put_demo()
        self.close()
        archive = zipfile.ZipFile(io.BytesIO(package(self.daemon, "?format=pdf,xlsx,csv,json")))
        statements = self.check_files(archive, ("pdf", "xlsx", "csv", "json"))
        summary = json.loads(archive.read(f"{PERIOD}/{PERIOD}-summary.json"))
        self.assertEqual(summary, self.daemon.get_json(f"/v1/periods/{PERIOD}/summary"))
        self.assertEqual(archive.read(f"{PERIOD}/{PERIOD}-summary.csv"),
                         self.daemon.get(f"/v1/periods/{PERIOD}/summary.csv"))
        self.assertEqual(archive.read(f"{PERIOD}/{PERIOD}-summary.xlsx"),
                         self.daemon.get(f"/v1/periods/{PERIOD}/summary.xlsx"))
        for member in ("net", "tax", "gross", "eligible", "subsidy", "payable"):
            whole = sum(Fraction(statement["totals"][member]) for statement in statements)
            self.assertEqual(Fraction(summary["totals"][member]), whole)
        rows_of(archive.read(f"{PERIOD}/{PERIOD}-summary.csv"))
        self.assertEqual({info.date_time for info in archive.infolist()}, {(1980, 1, 1, 0, 0, 0)})

    def test_a_closed_months_is_the_same_for_ever(self):
        self.put_demo()
        self.close()
        first = hashlib.sha256(package(self.daemon)).hexdigest()
        self.assertEqual(hashlib.sha256(package(self.daemon)).hexdigest(), first)
        code = self.daemon.items(f"/v1/statements?period={PERIOD}")[0]["firm"]["uscc"]
        send(self.daemon, [usage("late", code, "gpu.a800", "1", "2026-03-09T10:00:00+08:00")])
        self.assertEqual(hashlib.sha256(package(self.daemon)).hexdigest(), first)
        self.daemon.stop()
        before = {name: os.environ.get(name) for name in ("TZ", "LC_ALL")}
        try:
            os.environ.update(TZ="America/Los_Angeles", LC_ALL="C")
            self.daemon.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        self.assertEqual(hashlib.sha256(package(self.daemon)).hexdigest(), first)

    def test_is_exported_with_a_file_for_each_firm_and_format(self):
        self.put_demo()
        self.close()
        with tempfile.TemporaryDirectory() as folder:
            done = self.daemon.ctl("statement", "export", "--period", PERIOD, "--format", "pdf,xlsx", "--out", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            archive = zipfile.ZipFile(io.BytesIO(package(self.daemon)))
            files = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}
            self.assertEqual(files, {pathlib.Path(name).name: archive.read(name) for name in archive.namelist()})

    def test_an_export_goes_on_behind_a_document_that_cannot_be_made(self):
        self.put_demo()
        codes = [item["firm"]["uscc"] for item in self.daemon.items(f"/v1/statements?period={PERIOD}")]
        large = codes[0]
        rows_of_a_pdf = 20_000
        events = [usage(f"p{number}", large, "gpu.a800", "1", "2026-03-05T10:00:00+08:00", project=f"p{number}")
                  for number in range(rows_of_a_pdf + 1)]
        self.assertEqual(send(self.daemon, events)["accepted"], len(events))
        self.close()
        with tempfile.TemporaryDirectory() as folder:
            command = ["statement", "export", "--period", PERIOD, "--format", "pdf,csv", "--excel", "--out", folder]
            done = self.daemon.ctl(*command)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("1 file could not be made", done.stderr)
            self.assertIn(f"{PERIOD}-{large}.pdf: ", done.stderr)
            expected = {f"{PERIOD}-{code}.{extension}" for code in codes for extension in ("pdf", "csv")}
            expected -= {f"{PERIOD}-{large}.pdf"}
            expected |= {f"{PERIOD}-summary.csv", f"{PERIOD}-summary.xlsx"}
            files = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}
            self.assertEqual(set(files), expected)
            for name, content in files.items():
                if name.endswith(".csv"):
                    self.assertTrue(content.startswith(b"\xef\xbb\xbf"), name)
            as_json = self.daemon.ctl("--json", *command)
            self.assertEqual(as_json.returncode, 1)
            self.assertEqual([failed["file"] for failed in json.loads(as_json.stdout)["failed"]],
                             [f"{PERIOD}-{large}.pdf"])

    def test_every_csv_of_voucherctl_can_be_for_excel(self):
        self.put_demo()
        code = self.daemon.items(f"/v1/statements?period={PERIOD}")[0]["firm"]["uscc"]
        for command in (("statement", "show", PERIOD, code), ("period", "summary", PERIOD), ("programme", "show", 2026)):
            plain = self.daemon.ctl(*command, "--format", "csv").stdout
            marked = self.daemon.ctl(*command, "--format", "csv", "--excel").stdout
            self.assertEqual(marked.splitlines()[0], "\ufeff" + plain.splitlines()[0])

    def test_memory_does_not_grow_with_the_firms(self):
        put_policy(self.daemon)
        prices = {f"sku-{number:02d}": f"{number + 1}.25" for number in range(SKUS)}
        for sku in prices:
            put(self.daemon, f"/v1/skus/{sku}", {"name": "资源 " + sku, "unit": "card_hour", "kind": "compute",
                                                 "tax_rate": "0.06"})
        put(self.daemon, "/v1/price-books/b", {"effective_from": "2026-01-01", "tax_inclusive": False,
                                               "prices": prices})
        events = []
        for number in range(FIRMS):
            put(self.daemon, f"/v1/firms/{uscc(number)}", firm(f"第{number}智能科技有限公司"))
            events += [usage(f"{number}-{sku}", uscc(number), sku, "12.5", "2026-03-05T10:00:00+08:00",
                             project="agent-platform") for sku in prices]
        self.assertEqual(send(self.daemon, events)["accepted"], len(events))
        self.close()
        self.daemon.get(f"/v1/statements/{PERIOD}/{uscc(0)}.pdf")  # fonts are read once
        idle = resident_bytes(self.daemon, "VmRSS")
        pathlib.Path(f"/proc/{self.daemon.process.pid}/clear_refs").write_text("5")  # the peak counts from here
        archive = zipfile.ZipFile(io.BytesIO(package(self.daemon)))
        grown = resident_bytes(self.daemon, "VmHWM") - idle
        print(f"{FIRMS} firms of {SKUS} lines: {grown / 2**20:.1f} MiB above the idle daemon", flush=True)
        self.assertEqual(len(archive.namelist()), 2 * FIRMS + 2)
        self.assertLess(grown, MEMORY_BYTES_MAX)

    def test_what_is_not_there_is_said(self):
        self.put_demo()
        for path, status in (("/v1/statements/2031-01.zip", 404), ("/v1/statements/2026-13.zip", 422),
                             ("/v1/statements/2026-03.rar", 404), ("/v1/statements/2026-03.zip?format=doc", 422)):
            self.assertEqual(call(self.daemon, "GET", path)[0], status, path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
