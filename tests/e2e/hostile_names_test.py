"""The texts of tests/golden/hostile_strings.json as what facts are called: SKUs with their names and units, price
books, contracts, policies, categories and districts, out again in statements, summaries, the programme's view and
explanations. Each text is in force on a day of its own."""

import datetime
import io
import json
import re
import subprocess
import sys
import unittest
import urllib.parse
import xml.etree.ElementTree
import zipfile

from daemon import SOURCE, Daemon
from hostile_texts_test import COMMANDS
from reports import call, firm, put, rows_of, send, usage, uscc

TEXTS = json.loads((SOURCE / "tests" / "golden" / "hostile_strings.json").read_text())["texts"]
FIRST_DAY = datetime.date(2025, 1, 1)
KEY_BYTES_MAX, UNIT_BYTES_MAX = 128, 64
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
sys.path.insert(0, str(SOURCE / "tests" / "documents"))
from documents import visible  # noqa: E402


def cut(text, bytes_max):
    return text.encode()[:bytes_max].decode(errors="ignore")


def sheets_of(data):
    """{name: [[text or None]]}, as the standard says that it is read; no cell may be a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert parts.testzip() is None
        for part in parts.namelist():
            xml.etree.ElementTree.fromstring(parts.read(part))
            assert "<f>" not in parts.read(part).decode() and "hyperlink" not in part, part
        strings = ["".join(text.text or "" for text in item.iter(SHEET + "t")) for item in
                   xml.etree.ElementTree.fromstring(parts.read("xl/sharedStrings.xml")).iter(SHEET + "si")]
        names = [sheet.get("name") for sheet in
                 xml.etree.ElementTree.fromstring(parts.read("xl/workbook.xml")).iter(SHEET + "sheet")]
        sheets = {}
        for number, name in enumerate(names, 1):
            sheet = xml.etree.ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
            sheets[name] = {re.sub("_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)),
                                   strings[int(cell.find(SHEET + "v").text)])
                            for cell in sheet.iter(SHEET + "c") if cell.get("t") == "s"}
    return sheets


class HostileNamesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        cls.taken = {}  # the text of each kind that was taken, by firm
        cls.used, events = {}, []
        for index, text in enumerate(TEXTS):
            key, unit, code = cut(text, KEY_BYTES_MAX), cut(text, UNIT_BYTES_MAX), uscc(index)
            day = FIRST_DAY + datetime.timedelta(days=index)
            following = (day + datetime.timedelta(days=1)).isoformat()
            plain = f"plain-{index}"
            category = key if key.strip() and not COMMANDS.search(key) and "\n" not in key else plain
            cls.taken[code] = {"month": day.isoformat()[:7]}
            body = firm(f"企业{index}", key)
            body["eligibility"][0] |= {"category": category, "from": "2025-01-01"}
            cls.put_as("firms", code, [code], [body, {**body, "district": plain},
                                               firm(f"企业{index}", plain)])
            sku = cls.put_as("skus", code, [key, plain], [
                {"name": text, "unit": unit, "kind": "compute", "tax_rate": "0.06"},
                {"name": plain, "unit": unit, "kind": "compute", "tax_rate": "0.06"},
                {"name": plain, "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"}])
            cls.put_as("price-books", code, [key, plain],
                       [{"effective_from": day.isoformat(), "tax_inclusive": False, "prices": {sku: "8.5"}}])
            cls.put_as("contracts", code, [key, plain], [{"firm": code, "from": "2025-01-01", "until": "2026-01-01",
                                                          "discount": "0"}])
            policy = {"title": text, "document": text, "from": day.isoformat(), "until": following,
                      "categories": [category], "rate": "0.2", "annual_cap": "1000000.00", "tax_basis": "net"}
            cls.put_as("policies", code, [key, plain], [
                policy, {**policy, "title": plain, "document": plain},
                {**policy, "title": plain, "document": plain, "categories": ["ai_agent"]}])
            events.append(usage(f"e{index}", code, sku, "2", f"{day}T10:00:00+08:00"))
        cls.counts = send(cls.daemon, events)
        cls.months = sorted({taken["month"] for taken in cls.taken.values()})

    @classmethod
    def put_as(cls, kind, code, keys, bodies):
        """The first key and body that are taken; each refusal is one that says why."""
        for key in keys:
            if key in cls.used.setdefault(kind, set()):
                continue  # cut to a key's length, some are the same
            for body in bodies:
                path = f"/v1/{kind}/{urllib.parse.quote(key, safe='')}"
                status, answer = call(cls.daemon, "PUT", path, body)
                if status == 201:
                    cls.taken[code][kind] = key
                    cls.used[kind].add(key)
                    return key
                assert status in (400, 404, 405, 422), (kind, key, status, answer)
                json.loads(answer)
        raise AssertionError((kind, keys))

    def statements(self):
        for code, taken in self.taken.items():
            yield code, taken, f"/v1/statements/{taken['month']}/{code}"

    def test_most_texts_can_be_names(self):
        self.assertGreaterEqual(len(TEXTS), 200)
        self.assertEqual(self.counts["accepted"], len(TEXTS))
        for kind in ("skus", "price-books", "contracts", "policies"):
            kept = sum(1 for taken in self.taken.values() if not taken[kind].startswith("plain-"))
            self.assertGreater(kept, 200, kind)

    def test_json_gives_every_name_back_as_it_came(self):
        for code, taken, path in self.statements():
            line, = self.daemon.get_json(path)["lines"]
            self.assertEqual((line["sku"], line["price_book"], line["contract"]),
                             (taken["skus"], taken["price-books"], taken["contracts"]))
            explained = self.daemon.get_json(path + "/explain?line=1")
            policies = [policy["id"] for year in explained["subsidy"] for policy in year["policies"]]
            self.assertEqual(policies, [taken["policies"]] if line["eligible_quantity"] != "0" else [])

    def test_no_csv_has_a_formula_or_a_cell_too_many(self):
        for code, taken, path in self.statements():
            rows = rows_of(self.daemon.get(path + ".csv"))
            line, = [row for row in rows if row and row[0] == taken["month"] and len(row) > 10]
            self.assertEqual(len(line), 27)
        for path in [f"/v1/periods/{month}/summary.csv" for month in self.months] + ["/v1/programme/2025.csv"]:
            for excel in ("", "?excel=1"):
                rows_of(self.daemon.get(path + excel))

    def test_workbooks_of_statements_show_every_name_whole(self):
        for code, taken, path in self.statements():
            lines = sheets_of(self.daemon.get(path + ".xlsx"))["明细 Lines"]
            for kind in ("skus", "price-books", "contracts"):
                self.assertIn(visible(taken[kind]), lines, (code, kind))

    def test_workbooks_of_reports_show_every_name_whole(self):
        texts = {month: sheets_of(self.daemon.get(f"/v1/periods/{month}/summary.xlsx")) for month in self.months}
        for code, taken, _ in self.statements():
            self.assertIn(visible(taken["skus"]), texts[taken["month"]]["产品 SKUs"])
        districts = {item["district"] for item in self.daemon.get_json("/v1/programme/2025")["districts"]}
        self.assertGreater(len(districts), 200)
        programme = sheets_of(self.daemon.get("/v1/programme/2025.xlsx"))
        for district in districts - {None}:
            self.assertIn(visible(district), programme["区县 Districts"])
        categories = {item["category"] for item in self.daemon.get_json("/v1/programme/2025")["categories"]}
        self.assertGreater(len(categories), 150)
        for category in categories - {None}:
            self.assertIn(visible(category), programme["类别 Categories"])

    def test_a_pdf_interprets_none_of_them(self):
        for code, _, path in list(self.statements())[::9]:
            done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=self.daemon.get(path + ".pdf"),
                                  capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            # pdftotext itself puts U+202A to U+202C around what runs from the right.
            self.assertIsNone(COMMANDS.search(re.sub("[\f\u202a-\u202c]", "", done.stdout.decode())), code)

    def test_no_terminal_gets_a_command(self):
        for code, taken, _ in list(self.statements())[::11]:
            for arguments in (("statement", "show", taken["month"], code), ("explain", taken["month"], code, "--line", 1)):
                done = self.daemon.ctl(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIsNone(COMMANDS.search(done.stdout + done.stderr), arguments)
        for arguments in (("sku", "list"), ("price-book", "list"), ("contract", "list"), ("policy", "list"),
                          ("firm", "list"), ("programme", "show", 2025), ("period", "summary", self.months[0])):
            done = self.daemon.ctl(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIsNone(COMMANDS.search(done.stdout + done.stderr), arguments)


if __name__ == "__main__":
    unittest.main(verbosity=2)
