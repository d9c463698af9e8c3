"""Every role on every request, over TLS: what the daemon answers, what its description says and what the table in the
documentation says are the same. And voucherctl as each role's user has it: a token in a file, or a certificate."""

import http.client
import json
import re
import ssl
import unittest

from certificates import Certificates
from daemon import SOURCE, Daemon, ctl, put_facts

DEMO = SOURCE / "deploy" / "demo"
FIRM = "91500112MA5DEM001H"
OTHER_FIRM = "91500107MA5DEM003G"
ROLES = ("ingest", "operator", "finance", "firm", "auditor", "admin")
REFUSED = (401, 403)


def pattern_of(path):
    return re.sub(r"{[^}]*}", "{}", path)


def described():
    """{(method, pattern): (path, roles)} of daemon/openapi.yaml, by its indents."""
    found, path, method = {}, None, None
    for line in (SOURCE / "daemon" / "openapi.yaml").read_text().split("\ncomponents:")[0].splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (get|put|post|delete|patch):", line):
            method = match[1].upper()
            found[method, pattern_of(path)] = (path, set())
        elif match := re.fullmatch(r"      x-roles: \[(.*)\]", line):
            found[method, pattern_of(path)] = (path, set(match[1].split(", ")))
    return found


def documented():
    """{(method, pattern): {role: cell}} of the table in daemon/access/README.md."""
    found = {}
    for line in (SOURCE / "daemon" / "access" / "README.md").read_text().splitlines():
        if match := re.fullmatch(r"\| `(\w+) (/\S*)` \|(.*)\|", line):
            cells = [cell.strip() for cell in match[3].split("|")]
            found[match[1], match[2]] = dict(zip(ROLES, cells))
    return found


def target_of(path, firm):
    """A target of the path, with `firm` wherever one can be named."""
    values = {"uscc": firm, "period": "2026-03", "package": "2026-03", "year": "2026"}
    target = re.sub(r"{([^}]*)}", lambda name: values.get(name[1], "aaaaaaaaaaaa"), path)
    query = {"/v1/usage": "firm", "/v1/events": "subject"}.get(path)
    return f"{target}?{query}={firm}" if query else target


class Client:
    """One connection for all that is sent: nobody's authority may outlive a request."""

    def __init__(self, address, context):
        host, _, port = address.rpartition("//")[2].partition(":")
        self._connection = http.client.HTTPSConnection(host, int(port), timeout=60, context=context)

    def close(self):
        self._connection.close()

    def status(self, method, target, token):
        """What is answered to a body that none can read: nothing is to change."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        self._connection.request(method, target, body=None if method == "GET" else "?", headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


class SecuredDaemon:
    """A daemon with TLS and tokens, client certificates welcome, and a token of each role in a file."""

    def __init__(self, case, made):
        server, server_key = made.issue("server")
        self.ca = made.path("ca.pem")
        daemon = Daemon()
        case.addClassCleanup(daemon.__exit__)
        self.directory = daemon.directory
        self.tokens = {"admin": self.keep("admin", ctl("token", "bootstrap", daemon.directory / "admin.hash").stdout)}
        configuration = daemon.directory / "voucherd.toml"
        configuration.write_text(
            f'[access]\nrequired = true\nbootstrap_token_file = "{daemon.directory / "admin.hash"}"\n'
            f'[tls]\ncertificate_file = "{server}"\nkey_file = "{server_key}"\nclient_ca_file = "{self.ca}"\n'
            "[limits]\nrequests_per_second = 0\n")
        daemon._arguments = ["--config", str(configuration)]
        daemon.start()
        self.daemon = daemon
        self.api = daemon.api.replace("http://", "https://")
        self.admin = daemon.admin.replace("http://", "https://")
        self.token("ingest", "--source", "/centre/demo")
        self.token("firm", "--firm", FIRM)
        for role in ("operator", "finance", "auditor"):
            self.token(role)

    def keep(self, name, text):
        file = self.directory / f"{name}.token"
        file.touch(0o600)
        file.write_text(text)
        return file

    def token(self, role, *arguments, name=None):
        made = self.ctl("admin", "token", "create", "--role", role, *arguments, "--expires", "90d")
        assert made.returncode == 0, made.stderr
        self.tokens[name or role] = self.keep(name or role, made.stdout)

    def ctl(self, role, *arguments, stdin=None, ca=None):
        return ctl("--server", self.api, "--ca-file", ca or self.ca, "--token-file", self.tokens[role], *arguments, stdin=stdin)

    def secret(self, name):
        return self.tokens[name].read_text().strip()


class RolesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = cls.enterClassContext(Certificates())
        cls.secured = SecuredDaemon(cls, cls.made)
        cls.secured.token("admin", name="revoked")
        revoked = cls.secured.ctl("admin", "token", "revoke", cls.secured.secret("revoked").split("_")[1], "--reason", "test")
        assert revoked.returncode == 0, revoked.stderr
        context = ssl.create_default_context(cafile=cls.secured.ca)
        cls.clients = {}
        for name, address in (("api", cls.secured.api), ("admin", cls.secured.admin)):
            cls.clients[name] = Client(address, context)
            cls.addClassCleanup(cls.clients[name].close)

    def test_the_table_has_every_request_that_is_described_and_says_the_same_of_it(self):
        table = documented()
        of_operators = {("GET", path) for path in ("/metrics", "/healthz", "/readyz")}
        self.assertEqual(set(table) - of_operators, set(described()))
        for request, (_, roles) in described().items():
            self.assertEqual({role for role, cell in table[request].items() if cell}, roles, request)

    def test_each_role_gets_what_the_table_says_and_nothing_else(self):
        asked = 0
        for (method, pattern), cells in documented().items():
            path, _ = described().get((method, pattern), (pattern, None))
            client = self.clients["api" if (method, pattern) in described() else "admin"]
            for role, cell in cells.items():
                with self.subTest(request=f"{method} {pattern}", role=role):
                    status = client.status(method, target_of(path, FIRM), self.secured.secret(role))
                    self.assertIn(cell, ("", "yes", "own", "all"))
                    self.assertEqual(status == 403, cell == "", status)
                    self.assertNotEqual(status, 401)
                    self.assertLess(status, 500)
                    if cell == "own":
                        other = client.status(method, target_of(path, OTHER_FIRM), self.secured.secret(role))
                        self.assertEqual(other, 403, "another firm's")
                    asked += 1
        self.assertGreater(asked, 6 * 60)

    def test_nobody_gets_anything_but_what_is_for_all(self):
        nobody = {"no token": None, "an unknown token": "vch_aaaaaaaaaaaa_" + self.secured.secret("admin").split("_", 2)[2],
                  "a revoked token": self.secured.secret("revoked"), "no text of a token": "x"}
        for (method, pattern), cells in documented().items():
            path, _ = described().get((method, pattern), (pattern, None))
            client = self.clients["api" if (method, pattern) in described() else "admin"]
            for who, token in nobody.items():
                with self.subTest(request=f"{method} {pattern}", who=who):
                    status = client.status(method, target_of(path, FIRM), token)
                    self.assertEqual(status in REFUSED, cells["ingest"] != "all", status)
                    if status in REFUSED:
                        self.assertEqual(status, 401)

    def test_what_has_no_row_is_denied_to_every_role(self):
        for role in ROLES:
            for method, target in (("GET", "/v1/nothing"), ("DELETE", f"/v1/firms/{FIRM}"), ("PATCH", "/v1/settings"),
                                   ("POST", "/v1/statements/2026-03")):
                self.assertIn(self.clients["api"].status(method, target, self.secured.secret(role)), (403, 404, 405), (role, target))


class VoucherctlTest(unittest.TestCase):
    """From a collector's events to an auditor's bundle, each with the token of who does it."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.enterClassContext(Certificates())
        cls.secured = SecuredDaemon(cls, cls.made)

    def done(self, role, *arguments, stdin=None, status=0):
        done = self.secured.ctl(role, *arguments, stdin=stdin)
        self.assertEqual(done.returncode, status, (arguments, done.stdout, done.stderr))
        return done.stdout

    def shown(self, role, *arguments):
        return json.loads(self.done(role, "--json", *arguments))

    def test_a_month_from_ingest_to_the_bundle_with_a_token_for_each_hand(self):
        class AsFinance:
            ctl = staticmethod(lambda *arguments, stdin=None: self.secured.ctl("finance", *arguments, stdin=stdin))

        put_facts(AsFinance, DEMO)
        self.done("ingest", "events", "send", DEMO / "events.ndjson", status=1)  # one of them is quarantined
        for role in ROLES:
            if role != "ingest":
                self.done(role, "events", "send", DEMO / "events.ndjson", status=1)
        collector = {"kind": "token", "id": self.secured.secret("ingest").split("_")[1]}
        events = [json.loads(line) for line in (DEMO / "events.ndjson").read_text().splitlines()]
        first = next(event for event in events if event["subject"] == FIRM)
        found = self.shown("auditor", "events", "find", "--source", first["source"], "--id", first["id"])
        self.assertEqual(found["submitted_by"], collector)
        held = [entry for entry in self.shown("operator", "quarantine", "list") if entry["source"].startswith("/centre/demo")]
        self.assertEqual([entry["submitted_by"] for entry in held], [collector] * len(held))
        listed = self.done("firm", "events", "list", "--firm", FIRM)
        self.assertNotIn(collector["id"], listed, "a firm sees what was measured, not the centre's tokens")

        closed = self.done("finance", "period", "close", "2026-03", "--reason", "quarantine is looked into")
        self.assertIn("2026-03", closed)
        for role in ("operator", "auditor", "admin", "firm", "ingest"):
            self.done(role, "period", "close", "2026-04", status=1)
        tokens = self.shown("admin", "token", "list")
        self.assertEqual({token["role"] for token in tokens}, set(ROLES) - {"admin"}, "the first admin's is a file")
        for role in ("auditor", "firm"):
            bundle = self.secured.directory / f"{role}.zip"
            self.done(role, "audit", "bundle", "2026-03", FIRM, "--out", bundle)
            self.assertNotIn(collector["id"].encode(), bundle.read_bytes())
        self.done("firm", "audit", "bundle", "2026-03", OTHER_FIRM, status=1)

    def test_a_server_of_another_authority_is_sent_nothing(self):
        self.made.authority("other")
        for arguments in (("firm", "list"), ("token", "list"), ("period", "close", "2026-03")):
            refused = self.secured.ctl("admin", *arguments, ca=self.made.path("other.pem"))
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("certificate", refused.stderr)
            self.assertNotIn(self.secured.secret("admin"), refused.stdout + refused.stderr)
        # And is not tried again for minutes, as one that can't be reached is: ctl() has a limit of its own.
        refused = self.secured.ctl("admin", "events", "send", "-", ca=self.made.path("other.pem"), stdin="{}\n")
        self.assertIn("no trust", refused.stderr)

    def test_a_client_certificate_does_what_its_role_may(self):
        certificate, key = self.made.issue("collector")
        shown = ("--server", self.secured.api, "--ca-file", self.secured.ca, "--certificate-file", certificate, "--key-file", key)
        self.assertIn("bound to no role", ctl(*shown, "token", "list").stderr)
        self.secured.ctl("admin", "token", "create", "--role", "ingest", "--source", "/centre/certified", "--certificate",
                         certificate, "--expires", "90d")
        event = json.dumps({"specversion": "1.0", "type": "compute.usage.v1", "source": "/centre/certified", "id": "1",
                            "subject": "nobody", "time": "2026-03-05T09:00:00+08:00", "data": {"sku": "x", "quantity": "1"}})
        sent = ctl(*shown, "events", "send", "-", stdin=event + "\n")
        self.assertEqual(sent.returncode, 1, sent.stderr)
        self.assertIn("subject_invalid", sent.stdout + sent.stderr)
        held = self.shown("operator", "quarantine", "list")
        entry = next(entry for entry in held if entry["source"] == "/centre/certified")
        self.assertEqual(entry["submitted_by"]["kind"], "certificate")
        self.assertEqual(ctl(*shown, "token", "list").returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
