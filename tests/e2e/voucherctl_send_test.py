"""voucherctl events send against a server that refuses, stalls, drops connections and dies.

The server is a stand-in, since the daemon can't be made to do all that on command. What is
tested is the client's promise: every line is acknowledged in the end, nothing is skipped.
"""

import http.server
import json
import pathlib
import tempfile
import threading
import unittest

from daemon import ctl

LINES = 5500
QUARANTINED_ID = "bad"


class Behaviour:
    """Which of the next requests fail, and how; what has been taken in so far."""

    def __init__(self, failures=(), known=()):
        self.lock = threading.Lock()
        self.failures = list(failures)
        self.seen = set(known)
        self.requests = 0
        self.events_in_order = []

    def take(self, body):
        with self.lock:
            self.requests += 1
            failure = self.failures.pop(0) if self.failures else None
            if failure in ("503", "429", "drop", "400"):
                return failure, None
            reply = self._count(body)
        return failure, reply

    def _count(self, body):
        reply = {"received": 0, "accepted": 0, "duplicate": 0, "conflict": 0, "quarantined": 0,
                 "position": self.requests, "problems": []}
        for index, line in enumerate(body.splitlines()):
            identity = json.loads(line)["id"]
            self.events_in_order.append(identity)
            reply["received"] += 1
            if identity == QUARANTINED_ID:
                reply["quarantined"] += 1
                reply["problems"].append({"index": index, "source": "s", "id": identity,
                                          "code": "quantity_not_positive", "detail": "data.quantity is -1"})
            elif identity in self.seen:
                reply["duplicate"] += 1
            else:
                reply["accepted"] += 1
                self.seen.add(identity)
        return reply


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failure, reply = self.server.behaviour.take(body)
        if failure in ("drop", "drop-after"):
            self.close_connection = True
            return
        if failure:
            self._answer(int(failure), {"title": "refused on command", "status": int(failure)})
        else:
            self._answer(200, reply)

    def _answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server:
    def __init__(self, behaviour):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.behaviour = behaviour
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def event_line(identity):
    return json.dumps({"id": str(identity), "source": "s"}) + "\n"


class SendTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="voucherctl-")
        self.addCleanup(self.directory.cleanup)
        self.file = pathlib.Path(self.directory.name) / "events.ndjson"
        self.file.write_text("".join(event_line(i) for i in range(LINES)))
        self.resume = pathlib.Path(str(self.file) + ".voucherctl-resume")

    def send(self, server, *options):
        return ctl("--server", server.url, "--json", "events", "send", self.file, *options)

    def all_ids(self):
        return {str(i) for i in range(LINES)}

    def test_sends_every_line_once_where_nothing_fails(self):
        behaviour = Behaviour()
        with Server(behaviour) as server:
            done = self.send(server)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["accepted"], LINES)
        self.assertEqual(sorted(behaviour.events_in_order), sorted(self.all_ids()))
        self.assertFalse(self.resume.exists())

    def test_tries_again_what_was_refused_or_lost(self):
        behaviour = Behaviour(["503", "429", "drop", "drop-after", "503", None, "drop"])
        with Server(behaviour) as server:
            done = self.send(server)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual(behaviour.seen, self.all_ids())
        self.assertEqual(summary["received"], LINES)
        # Of the request whose answer was lost, everything is a duplicate the second time.
        self.assertEqual(summary["accepted"] + summary["duplicate"], LINES)
        self.assertGreaterEqual(summary["duplicate"], 500)

    def test_reads_from_stdin(self):
        behaviour = Behaviour()
        with Server(behaviour) as server:
            done = ctl("--server", server.url, "--json", "events", "send", "-", stdin=self.file.read_text())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(behaviour.seen, self.all_ids())

    def test_says_which_line_went_to_quarantine_and_exits_with_1(self):
        lines = self.file.read_text().splitlines(keepends=True)
        lines.insert(2345, event_line(QUARANTINED_ID))
        self.file.write_text("".join(lines))
        with Server(Behaviour()) as server:
            done = self.send(server)
            text = ctl("--server", server.url, "events", "send", self.file)
        self.assertEqual(done.returncode, 1)
        summary = json.loads(done.stdout)
        self.assertEqual(summary["quarantined"], 1)
        self.assertEqual(summary["problems"][0]["line"], 2346)
        self.assertEqual(summary["problems_by_code"], {"quantity_not_positive": 1})
        self.assertIn("line 2346: quantity_not_positive", text.stderr)

    def test_goes_on_where_it_was_stopped(self):
        first = Behaviour([None, None, None, "400"])
        with Server(first) as server:
            stopped = self.send(server, "--connections", "1")
            self.assertEqual(stopped.returncode, 1)
            self.assertIn("refused on command", stopped.stderr)
            self.assertTrue(self.resume.exists())
            first.events_in_order.clear()
            done = self.send(server, "--connections", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(first.seen, self.all_ids())
        # The third batch is sent again to see whether the server knows it; the first two are not.
        self.assertEqual(first.events_in_order[0], "2000")
        self.assertIn("going on after line 2000", done.stderr)
        self.assertFalse(self.resume.exists())

    def test_sends_everything_to_a_server_that_lost_what_it_acknowledged(self):
        behaviour = Behaviour([None, None, None, "400"])
        with Server(behaviour) as server:
            self.assertEqual(self.send(server, "--connections", "1").returncode, 1)
            behaviour.seen.clear()  # the data directory was replaced
            done = self.send(server)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(behaviour.seen, self.all_ids())

    def test_begins_again_where_the_acknowledged_part_was_edited(self):
        behaviour = Behaviour([None, None, None, "400"])
        with Server(behaviour) as server:
            self.assertEqual(self.send(server, "--connections", "1").returncode, 1)
            self.file.write_text(self.file.read_text().replace('"1999"', '"x999"'))
            done = self.send(server)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("x999", behaviour.seen)

    def test_gives_up_after_the_time_it_was_given(self):
        with Server(Behaviour(["503"] * 1000)) as server:
            done = self.send(server, "--retry-for", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("503", done.stderr)

    def test_gives_up_where_nothing_listens(self):
        with Server(Behaviour()) as server:
            pass
        done = self.send(server, "--retry-for", "0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is voucherd running there?", done.stderr)


class CommandLineTest(unittest.TestCase):
    def test_a_wrong_command_line_exits_with_2(self):
        for arguments in ([], ["events"], ["events", "send"], ["no-such"], ["period", "close"],
                          ["--server", "nonsense", "firm", "list"]):
            self.assertEqual(ctl(*arguments).returncode, 2, arguments)

    def test_every_command_has_help_with_an_example(self):
        groups = {"events": ["send", "find"], "quarantine": ["list"], "statement": ["list", "show", "export"],
                  "period": ["list", "show", "close"], "journal": ["check"]}
        for fact in ("firm", "sku", "price-book", "contract", "policy", "award"):
            groups[fact] = ["list", "show", "put"]
        for group, commands in groups.items():
            for command in commands:
                shown = ctl(group, command, "--help")
                self.assertEqual(shown.returncode, 0)
                self.assertIn("Example", shown.stdout)
                self.assertIn(f"{group} {command}", shown.stdout.split("Example")[1])

    def test_a_missing_file_is_a_failure_and_not_a_crash(self):
        done = ctl("events", "send", "/nonexistent.ndjson")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.ndjson", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
