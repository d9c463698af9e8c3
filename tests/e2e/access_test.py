"""Who may do what, from outside: curl and voucherctl with tokens of every kind, and what is left in the logs."""

import json
import os
import pathlib
import subprocess
import unittest

from certificates import Certificates
from daemon import SOURCE, Daemon, ctl, put_facts, wait_until

DEMO = SOURCE / "deploy" / "demo"
FIRM = "91500112MA5DEM001H"
OTHER_FIRM = "91500107MA5DEM003G"
HOSTILE = ["/v1/%0d%0aforged%20line=1", "/v1/%1b[2Jx", "/v1/%E2%80%A8x", "/v1/%E2%80%AEx", "/v1/%22,%22x%22:%22", "/v1/%C2%9Bx"]


class AccessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.secrets = []
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        directory = cls.daemon.directory
        admin_hash = directory / "admin.hash"
        made = ctl("token", "bootstrap", admin_hash)
        assert made.returncode == 0, made.stderr
        cls.admin = cls.keep("admin", made.stdout)
        configuration = directory / "voucherd.toml"
        configuration.write_text(f'[access]\nrequired = true\nbootstrap_token_file = "{admin_hash}"\n[log]\nlevel = "debug"\n')
        cls.daemon._arguments = ["--config", str(configuration)]
        cls.daemon.start()
        cls.finance = cls.token("finance", "--role", "finance")
        cls.ingest = cls.token("ingest", "--role", "ingest", "--source", "/centre/demo")
        cls.auditor = cls.token("auditor", "--role", "auditor")
        cls.operator = cls.token("operator", "--role", "operator")
        cls.firm = cls.token("firm", "--role", "firm", "--firm", FIRM)
        with cls.as_(cls.finance):
            put_facts(cls.daemon, DEMO)

    @classmethod
    def keep(cls, name, text):
        """A file with the token, which nobody else can read."""
        cls.secrets.append(text.strip().split("_")[2])
        file = cls.daemon.directory / f"{name}.token"
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(text)
        return file

    @classmethod
    def token(cls, name, *arguments, expires="90d"):
        made = cls.ctl(cls.admin, "token", "create", *arguments, "--expires", expires)
        assert made.returncode == 0, made.stderr
        return cls.keep(name, made.stdout)

    @classmethod
    def ctl(cls, token, *arguments, stdin=None):
        return cls.daemon.ctl("--token-file", token, *arguments, stdin=stdin)

    class as_:
        """voucherctl's token for all that is done within."""

        def __init__(self, token):
            self._token = str(token)

        def __enter__(self):
            os.environ["VOUCHERD_TOKEN_FILE"] = self._token

        def __exit__(self, *_):
            del os.environ["VOUCHERD_TOKEN_FILE"]

    def curl(self, token, path, *arguments, base=None):
        """(status, headers, body); the token comes from a file, as curl's man page advises."""
        config = f'header = "Authorization: Bearer {pathlib.Path(token).read_text().strip()}"\n' if token else ""
        done = subprocess.run(["curl", "-sS", "-i", "--path-as-is", "--globoff", "--max-time", "30", "-K", "-", *arguments,
                               (base or self.daemon.api) + path],
                              input=config, capture_output=True, text=True, check=True)
        head, _, body = done.stdout.partition("\n\n")
        return int(head.split()[1]), head, body

    def status(self, token, path, *arguments, base=None):
        return self.curl(token, path, *arguments, base=base)[0]

    def id_of(self, token):
        return pathlib.Path(token).read_text().split("_")[1]

    def event(self, source, identity):
        return json.dumps({"specversion": "1.0", "type": "compute.usage.v1", "source": source, "id": identity, "subject": FIRM,
                           "time": "2026-03-05T09:00:00+08:00", "data": {"sku": "gpu.a800", "quantity": "1"}})

    def post(self, token, body):
        return self.curl(token, "/v1/events", "-H", "Content-Type: application/json", "-d", body)

    def test_nobody_without_a_token(self):
        status, head, body = self.curl(None, "/v1/periods")
        self.assertEqual(status, 401)
        self.assertIn('WWW-Authenticate: Bearer realm="voucherd"', head)
        self.assertIn("application/problem+json", head)
        self.assertIn("Authorization", json.loads(body)["detail"])

    def test_each_role_keeps_to_its_part(self):
        statement = f"/v1/statements/2026-03/{FIRM}"
        cells = {"/v1/periods": (self.finance, self.auditor, self.operator),
                 "/v1/sources": (self.auditor, self.operator),
                 "/v1/firms": (self.finance, self.auditor),
                 "/v1/tokens": (self.admin, self.auditor),
                 f"/v1/usage?firm={FIRM}": (self.finance, self.auditor, self.operator, self.firm)}
        for path, allowed in cells.items():
            for token in (self.finance, self.auditor, self.operator, self.firm, self.ingest, self.admin):
                self.assertEqual(self.status(token, path), 200 if token in allowed else 403, (path, token.name))
        for token in (self.operator, self.ingest, self.admin):
            self.assertEqual(self.status(token, statement), 403, token.name)

    def test_a_large_body_of_who_may_not_send_it_is_not_received(self):
        body = self.daemon.directory / "large"
        body.write_bytes(b"x" * (8 << 20))
        status, _, answer = self.curl(self.auditor, "/v1/events", "-H", "Content-Type: application/x-ndjson", "-H", "Expect:",
                                      "--data-binary", f"@{body}")
        self.assertEqual(status, 403)
        self.assertIn("ingest", json.loads(answer)["detail"])

    def test_sources(self):
        self.assertEqual(self.post(self.ingest, self.event("/centre/demo/a", "s1"))[0], 200)
        status, _, body = self.post(self.ingest, self.event("/centre/demonstration", "s2"))
        self.assertEqual(status, 403)
        self.assertIn("/centre/demonstration", json.loads(body)["errors"][0]["detail"])
        status, _, body = self.post(self.ingest, f'[{self.event("/centre/demo/a", "s3")},{self.event("/x", "s4")}]')
        self.assertEqual(status, 200)
        reply = json.loads(body)
        self.assertEqual((reply["accepted"], reply["refused"], reply["problems"][0]["code"]), (1, 1, "source_not_allowed"))

    def test_firms(self):
        for path in (f"/v1/statements/2026-03/{OTHER_FIRM}", f"/v1/usage?firm={OTHER_FIRM}", f"/v1/firms/{OTHER_FIRM}/subsidy/2026",
                     "/v1/statements?period=2026-03", "/v1/statements/2026-03.zip", f"/v1/firms/{FIRM}"):
            self.assertEqual(self.status(self.firm, path), 403, path)
        self.assertEqual(self.status(self.firm, f"/v1/firms/{FIRM}/subsidy/2026"), 200)

    def test_expiry_revocation_and_rotation(self):
        now = subprocess.run(["date", "-u", "-d", "+2 seconds", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True,
                             check=True).stdout.strip()
        short = self.token("short", "--role", "auditor", expires=now)
        wait_until("the token to expire", lambda: self.status(short, "/v1/periods") == 401)
        self.assertIn("has expired", self.curl(short, "/v1/periods")[2])

        lost = self.token("lost", "--role", "auditor")
        self.assertEqual(self.status(lost, "/v1/periods"), 200)
        self.assertEqual(self.ctl(self.admin, "token", "revoke", self.id_of(lost), "--reason", "lost").returncode, 0)
        self.assertIn("is revoked", self.curl(lost, "/v1/periods")[2])

        old = self.token("old", "--role", "auditor")
        rotated = self.ctl(self.admin, "token", "rotate", self.id_of(old), "--overlap", "1")
        self.assertEqual(rotated.returncode, 0, rotated.stderr)
        new = self.keep("new", rotated.stdout)
        self.assertEqual((self.status(old, "/v1/periods"), self.status(new, "/v1/periods")), (200, 200))
        again = self.ctl(self.admin, "token", "rotate", self.id_of(old), "--overlap", "0")
        self.assertEqual(self.status(new, "/v1/periods"), 401)
        self.assertEqual(self.status(self.keep("newer", again.stdout), "/v1/periods"), 200)

    def test_tokens_outlive_a_restart_and_are_listed_without_secrets(self):
        listed = self.ctl(self.auditor, "--json", "token", "list")
        self.assertIn(self.id_of(self.finance), listed.stdout)
        for secret in self.secrets:
            self.assertNotIn(secret, listed.stdout)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.status(self.finance, "/v1/periods"), 200)

    def test_metrics_are_for_operators_and_health_is_for_all(self):
        admin = self.daemon.admin
        self.assertEqual(self.status(None, "/metrics", base=admin), 401)
        self.assertEqual(self.status(self.finance, "/metrics", base=admin), 403)
        self.assertEqual(self.status(self.operator, "/metrics", base=admin), 200)
        self.assertEqual(self.status(self.auditor, "/metrics", base=admin), 200)
        self.assertEqual(self.status(None, "/healthz", base=admin), 200)
        self.assertEqual(self.status(None, "/readyz", base=admin), 200)

    def test_voucherctl_reads_its_token_from_a_private_file_only(self):
        exposed = self.daemon.directory / "exposed.token"
        exposed.write_text(self.auditor.read_text())
        exposed.chmod(0o644)
        refused = self.ctl(exposed, "firm", "list")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("0644", refused.stderr)
        nowhere = ctl("--server", "http://192.0.2.1:8080", "--token-file", self.auditor, "firm", "list")
        self.assertEqual(nowhere.returncode, 2)
        self.assertIn("https", nowhere.stderr)
        for token, command in ((self.auditor, ["firm", "list"]), (self.operator, ["quarantine", "list"]),
                               (self.finance, ["period", "list"]), (self.auditor, ["token", "list"])):
            done = self.ctl(token, *command)
            self.assertEqual(done.returncode, 0, done.stderr)
        sent = self.ctl(self.ingest, "events", "send", "-", stdin=self.event("/centre/demo/b", "c1") + "\n")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(self.ctl(self.ingest, "firm", "list").returncode, 1)

    def test_the_logs_tell_who_and_hold_no_secret_and_no_forged_line(self):
        self.assertEqual(self.status(self.firm, f"/v1/statements/2026-03/{FIRM}"), 200 if self.has_usage() else 404)
        for path in HOSTILE:
            self.status(self.auditor, path)
        self.status(self.auditor, "/v1/" + self.auditor.read_text().strip())
        self.status(None, "/v1/tokens?t=" + self.auditor.read_text().strip())
        self.curl(None, "/v1/periods", "-H", "Authorization: Bearer vch_x\tforged", "-H", "X-Evil: \u2028event=forged")
        command_lines = pathlib.Path(f"/proc/{self.daemon.process.pid}/cmdline").read_bytes().decode()
        environment = pathlib.Path(f"/proc/{self.daemon.process.pid}/environ").read_bytes().decode(errors="replace")
        self.daemon.stop()
        try:
            files = sorted((self.daemon.directory / "data" / "access-log").glob("access-*.jsonl"))
            checked = ctl("access-log", "verify", *files)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            lines = [json.loads(line) for file in files for line in file.read_text("ascii").splitlines()]
            reads = [line for line in lines if line.get("route") == "/v1/statements/{}/{}" and line["event"] == "answered"]
            self.assertIn(self.id_of(self.firm), [line["actor"]["id"] for line in reads])
            self.assertTrue(any(line.get("status") == 401 for line in lines))
            self.assertTrue(any(line.get("status") == 403 and line["actor"]["kind"] == "token" for line in lines))
            for line in self.daemon.log().splitlines():
                self.assertRegex(line, r"^time=\S+ level=\w+ event=\w+")
            logs = self.daemon.log() + "".join(file.read_text() for file in files)
            self.assertNotRegex(logs, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")
            for secret in self.secrets:
                self.assertNotIn(secret, logs + command_lines + environment)
            written = files[-1].read_text()
            files[-1].write_text(written.replace('"status":401', '"status":200', 1))
            self.assertEqual(ctl("access-log", "verify", *files).returncode, 1)
            files[-1].write_text(written)
        finally:
            self.daemon.start()

    def has_usage(self):
        return self.status(self.finance, f"/v1/statements/2026-03/{FIRM}") == 200


class CertificateTest(unittest.TestCase):
    def test_a_client_certificate_is_bound_to_a_role_and_voucherctl_shows_it(self):
        with Certificates() as made, Daemon() as daemon:
            daemon.stop()
            server, server_key = made.issue("server")
            client, client_key = made.issue("auditor")
            admin_hash = daemon.directory / "admin.hash"
            admin = daemon.directory / "admin.token"
            admin.touch(0o600)
            admin.write_text(ctl("token", "bootstrap", admin_hash).stdout)
            configuration = daemon.directory / "voucherd.toml"
            configuration.write_text(f'[access]\nrequired = true\nbootstrap_token_file = "{admin_hash}"\n'
                                     f'[tls]\ncertificate_file = "{server}"\nkey_file = "{server_key}"\n'
                                     f'client_ca_file = "{made.path("ca.pem")}"\n')
            daemon._arguments = ["--config", str(configuration)]
            daemon.start()
            https = ["--server", daemon.api.replace("http://", "https://"), "--ca-file", made.path("ca.pem")]
            shown = ["--certificate-file", client, "--key-file", client_key]
            unbound = ctl(*https, *shown, "period", "list")
            self.assertIn("bound to no role", unbound.stderr)
            bound = ctl(*https, "--token-file", admin, "token", "create", "--role", "auditor", "--certificate", client,
                        "--expires", "90d")
            self.assertEqual(bound.returncode, 0, bound.stderr)
            listed = ctl(*https, *shown, "period", "list")
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertEqual(ctl(*https, *shown, "period", "close", "2026-03").returncode, 1)
            stranger = ctl("--server", https[1], "--token-file", admin, "token", "list")
            self.assertIn("certificate", stranger.stderr, "the system's authorities don't know the server")
            self.assertNotIn(admin.read_text().strip(), daemon.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
