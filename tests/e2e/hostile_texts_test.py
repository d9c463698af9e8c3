"""The texts of tests/golden/hostile_strings.json through every text that the daemon takes, and out again by every
way but the documents' (tests/documents): JSON gives them back as they came, no CSV has a formula, no terminal
gets a command, and nothing answers with a failure of its own."""

import json
import re
import unittest
import urllib.parse

from daemon import SOURCE, Daemon
from reports import call, firm, put, put_policy, rows_of, send, usage, uscc

CORPUS = json.loads((SOURCE / "tests" / "golden" / "hostile_strings.json").read_text())
# Of what a terminal or its bidirectional layout would obey; a line feed ends our own lines.
COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
PERIOD = "2026-03"


class HostileTextsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        put(cls.daemon, "/v1/skus/gpu", {"name": "GPU", "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"})
        put(cls.daemon, "/v1/price-books/b", {"effective_from": "2026-01-01", "tax_inclusive": False,
                                              "prices": {"gpu": "8.5"}})
        put_policy(cls.daemon)
        cls.names, cls.refused, events = {}, 0, []
        for index, text in enumerate(CORPUS["texts"]):
            code = uscc(index)
            body = firm(text, text)
            body["eligibility"][0]["basis"] = text
            status, answer = call(cls.daemon, "PUT", f"/v1/firms/{code}", body)
            if status == 422:
                cls.refused += 1
                json.loads(answer)
                put(cls.daemon, f"/v1/firms/{code}", firm("企业"))
                cls.names[code] = "企业"
            else:
                assert status == 201, (text, status, answer)
                cls.names[code] = text
            label = text.encode()[:128].decode(errors="ignore")
            events.append(usage(f"{index} {text}"[:60], code, "gpu", "2", "2026-03-05T10:00:00+08:00",
                                project=label, node=label, job=label))
            events.append(usage(f"sku {index}", code, label, "2", "2026-03-05T10:00:00+08:00"))
            events.append(usage(f"firm {index}", label, "gpu", "2", "2026-03-05T10:00:00+08:00"))
        cls.counts = send(cls.daemon, events)
        # Firms whose event's own texts were refused have usage all the same.
        send(cls.daemon, [usage(f"plain {code}", code, "gpu", "1", "2026-03-06T10:00:00+08:00")
                          for code in cls.names])

    def check_console(self, *arguments):
        done = self.daemon.ctl(*arguments)
        for output in (done.stdout, done.stderr):
            self.assertIsNone(COMMANDS.search(output), (arguments, output[:2000]))
        return done

    def test_enough_texts_are_tried_and_most_are_taken(self):
        self.assertGreaterEqual(len(CORPUS["texts"]), 200)
        self.assertGreater(len(self.names) - self.refused, 200)
        self.assertGreater(self.counts["accepted"], 200)
        self.assertEqual(self.counts["received"], self.counts["accepted"] + self.counts["quarantined"])

    def test_json_gives_every_text_back_as_it_came(self):
        for code, name in self.names.items():
            statement = self.daemon.get_json(f"/v1/statements/{PERIOD}/{code}")
            self.assertEqual(statement["firm"]["name"], name)
            self.daemon.get_json(f"/v1/statements/{PERIOD}/{code}/explain?line=1")

    def test_no_csv_has_a_formula_or_a_cell_too_many(self):
        for code in self.names:
            rows = rows_of(self.daemon.get(f"/v1/statements/{PERIOD}/{code}.csv"))
            lines = [row for row in rows if row and row[0] == PERIOD and len(row) > 10]
            self.assertEqual({len(row) for row in lines}, {27})
            events = rows_of(self.daemon.get(f"/v1/events?subject={code}&format=csv&excel=1"))
            self.assertEqual({len(row) for row in events}, {18})
        for path in (f"/v1/periods/{PERIOD}/summary.csv", "/v1/programme/2026.csv"):
            rows_of(self.daemon.get(path))

    def test_no_terminal_gets_a_command(self):
        for code in list(self.names)[::7]:
            self.assertEqual(self.check_console("statement", "show", PERIOD, code).returncode, 0)
            self.assertEqual(self.check_console("explain", PERIOD, code, "--line", 1).returncode, 0)
        for arguments in (("statement", "list", "--period", PERIOD), ("quarantine", "list"), ("firm", "list"),
                          ("period", "summary", PERIOD), ("programme", "show", "2026"), ("period", "show", PERIOD),
                          ("sources",), ("usage", "--firm", uscc(0)), ("events", "list", "--firm", uscc(0))):
            self.assertEqual(self.check_console(*arguments).returncode, 0, arguments)
        for text in CORPUS["texts"][::11]:
            if "\x00" not in text:
                self.check_console("firm", "show", text)

    def test_texts_as_paths_and_queries_are_answered(self):
        for text in CORPUS["texts"]:
            part = urllib.parse.quote(text, safe="")
            for path in (f"/v1/statements/{PERIOD}/{part}", f"/v1/statements/{part}", f"/v1/programme/{part}",
                         f"/v1/periods/{part}/summary", f"/v1/statements/{PERIOD}/{part}/explain",
                         f"/v1/events?subject={part}&format=csv"):
                status, _ = call(self.daemon, "GET", path)
                self.assertLess(status, 500, (path, text))

    def test_what_is_no_text_is_refused(self):
        for entry in CORPUS["refused"]:
            literal = bytes.fromhex(entry["json_hex"])
            body = json.dumps(firm("NAME")).encode().replace(b'"NAME"', literal)
            status, answer = call(self.daemon, "PUT", f"/v1/firms/{uscc(999_999)}", body)
            self.assertIn(status, (400, 422), (entry["what"], answer))
            event = json.dumps(usage("refused", uscc(0), "gpu", "1", "2026-03-05T10:00:00+08:00", project="NAME"))
            status, answer = call(self.daemon, "POST", "/v1/events", event.encode().replace(b'"NAME"', literal),
                                  "application/x-ndjson")
            self.assertTrue(status == 400 or json.loads(answer)["accepted"] == 0, (entry["what"], answer))


if __name__ == "__main__":
    unittest.main(verbosity=2)
