"""TLS from outside, with openssl s_client and curl: what is refused, who is let in, and what a reload changes."""

import hashlib
import os
import signal
import ssl
import subprocess
import unittest

from certificates import Certificates, openssl
from daemon import BINARIES, Daemon, wait_until


def toml(**keys):
    return "[tls]\n" + "".join(f"{key} = {str(value).lower() if isinstance(value, bool) else chr(34) + str(value) + chr(34)}\n"
                               for key, value in keys.items())


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.made = Certificates()
        self.made.__enter__()
        self.addCleanup(self.made.__exit__)
        self.made.issue("server")
        self.config = self.made.path("voucherd.toml")

    def start(self, environment=None, **keys):
        keys = {"certificate_file": self.made.path("server.pem"), "key_file": self.made.path("server.key"), **keys}
        self.config.write_text(toml(**keys))
        self.daemon = Daemon(arguments=("--config", self.config))
        if environment:
            os.environ.update(environment)
            self.addCleanup(lambda: [os.environ.pop(name) for name in environment])
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__)
        self.api, self.admin = (address.removeprefix("http://") for address in (self.daemon.api, self.daemon.admin))

    def curl(self, *arguments, path="/v1/firms", address=None):
        """curl's exit status and what it printed; (0, …) only where the server answered 200."""
        done = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert",
                               self.made.path("ca.pem"), *map(str, arguments), f"https://{address or self.api}{path}"],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def own(self, name):
        return "--cert", self.made.path(f"{name}.pem"), "--key", self.made.path(f"{name}.key")

    def s_client(self, *arguments):
        return openssl("s_client", "-connect", self.api, "-CAfile", self.made.path("ca.pem"), "-verify_return_error",
                       *arguments, check=False)

    def served(self):
        """SHA-256 of the certificate that is served."""
        host, port = self.api.split(":")
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))).hexdigest()

    def own_certificate(self, name):
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.made.path(f"{name}.pem").read_text())).hexdigest()

    def hang_up(self, *ends):
        """Sends SIGHUP and waits for one of these lines of the log."""
        before = sum(self.daemon.log().count(end) for end in ends)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until("the reload", lambda: sum(self.daemon.log().count(end) for end in ends) > before)

    def reload_failed(self):
        return "\nvoucherd_tls_reload_failed 1\n" in self.curl(path="/metrics", address=self.admin)[1]

    def test_both_listeners_speak_tls13_and_nothing_else(self):
        self.start()
        self.assertEqual(self.curl()[0], 0)
        self.assertEqual(self.curl(path="/healthz", address=self.admin), (0, "alive\n"))
        handshake = self.s_client("-tls1_3")
        self.assertEqual(handshake.returncode, 0, handshake.stderr)
        self.assertIn("New, TLSv1.3, Cipher is TLS_", handshake.stdout)
        self.assertIn("Verification: OK", handshake.stdout)
        self.assertIn("Secure Renegotiation IS NOT supported", handshake.stdout)  # TLS 1.3 has none
        self.assertIn("Compression: NONE", handshake.stdout)
        self.assertNotIn("New Session Ticket", handshake.stdout)
        for old in ("-tls1_2", "-tls1_1", "-tls1"):
            refused = self.s_client(old, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(refused.returncode, 0, old)
            self.assertIn("Cipher is (NONE)", refused.stdout, old)
        self.assertNotEqual(self.curl("--tls-max", "1.2")[0], 0)
        plain = subprocess.run(["curl", "--silent", "--noproxy", "*", f"http://{self.api}/v1/firms"], timeout=60,
                               capture_output=True, text=True)
        self.assertNotEqual(plain.returncode, 0)
        self.assertEqual(plain.stdout, "")

    def test_weak_cipher_suites_and_protocols_other_than_http11_are_refused(self):
        self.start()
        for suite in ("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
            refused = self.s_client("-ciphersuites", suite)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("Cipher is (NONE)", refused.stdout)
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            self.assertIn(f"Cipher is {suite}", self.s_client("-ciphersuites", suite).stdout)
        self.assertNotEqual(self.s_client("-groups", "P-521").returncode, 0)
        self.assertNotEqual(self.s_client("-alpn", "h2").returncode, 0)
        self.assertIn("ALPN protocol: http/1.1", self.s_client("-alpn", "h2,http/1.1").stdout)

    def test_a_client_sees_through_a_server_of_another_authority(self):
        self.start()
        self.made.authority("other")
        status, said = self.curl("--cacert", self.made.path("other.pem"))
        self.assertEqual(status, 60, said)  # curl's "certificate can't be authenticated"

    def test_client_certificates_are_verified(self):
        self.made.authority("other")
        for name, more in (("good", {}), ("expired", {"expired": True}), ("foreign", {"authority": "other"})):
            self.made.issue(name, **more)
        self.start(client_ca_file=self.made.path("ca.pem"), require_client_certificate=True)
        self.assertEqual(self.curl(*self.own("good"))[0], 0)
        self.assertEqual(self.curl(*self.own("good"), path="/healthz", address=self.admin), (0, "alive\n"))
        for wrong in ((), self.own("expired"), self.own("foreign")):
            status, said = self.curl(*wrong)
            self.assertNotEqual(status, 0, wrong)
            self.assertIn("alert", said, wrong)

    def test_a_client_may_come_without_a_certificate_where_none_is_required(self):
        self.made.issue("expired", expired=True)
        self.start(client_ca_file=self.made.path("ca.pem"))
        self.assertEqual(self.curl()[0], 0)
        self.assertNotEqual(self.curl(*self.own("expired"))[0], 0)

    def test_a_reload_serves_the_new_certificate_and_a_broken_file_keeps_the_old(self):
        self.start()
        self.assertEqual(self.served(), self.own_certificate("server"))
        first = self.served()
        self.made.issue("server")
        self.assertNotEqual(first, self.own_certificate("server"))
        self.assertEqual(self.served(), first)
        self.hang_up("event=tls_loaded")
        second = self.served()
        self.assertEqual(second, self.own_certificate("server"))
        for name, text in (("server.pem", "-----BEGIN CERTIFICATE-----\nbroken\n"), ("server.key", "")):
            good = self.made.path(name).read_text()
            self.made.path(name).write_text(text)
            self.hang_up("event=tls_reload_failed")
            self.assertEqual(self.served(), second)
            self.assertTrue(self.reload_failed())
            self.assertIn(f"{name} can't be used for TLS", self.daemon.log())
            self.made.path(name).write_text(good)
        self.made.path("server.key").chmod(0o644)
        self.hang_up("event=tls_reload_failed")
        self.assertIn("set it to 0600", self.daemon.log())
        self.assertEqual(self.served(), second)
        self.made.path("server.key").chmod(0o600)
        self.hang_up("event=tls_loaded")
        self.assertFalse(self.reload_failed())

    def test_a_reload_of_the_authorities_lets_in_their_clients_only(self):
        self.made.authority("other")
        self.made.issue("good")
        self.made.issue("foreign", authority="other")
        authorities = self.made.path("clients.pem")
        authorities.write_text(self.made.path("ca.pem").read_text())
        self.start(client_ca_file=authorities, require_client_certificate=True)
        self.assertEqual(self.curl(*self.own("good"))[0], 0)
        authorities.write_text(self.made.path("other.pem").read_text())
        self.hang_up("event=tls_loaded")
        self.assertNotEqual(self.curl(*self.own("good"))[0], 0)
        self.assertEqual(self.curl(*self.own("foreign"))[0], 0)

    def test_key_and_certificate_may_be_systemd_credentials(self):
        self.start(environment={"CREDENTIALS_DIRECTORY": str(self.made.folder)},
                   certificate_file="$CREDENTIALS_DIRECTORY/server.pem", key_file="$CREDENTIALS_DIRECTORY/server.key")
        self.assertEqual(self.curl()[0], 0)

    def check(self, text, *arguments):
        self.config.write_text(text)
        return subprocess.run([BINARIES / "voucherd", "--config", self.config, "--check", *arguments],
                              capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]})

    def test_check_names_what_is_wrong_with_the_files(self):
        files = {"certificate_file": self.made.path("server.pem"), "key_file": self.made.path("server.key")}
        self.assertEqual(self.check(toml(**files)).returncode, 0)
        self.made.issue("another")
        for keys, said in (({"key_file": self.made.path("another.key")}, "it is not the certificate's key"),
                           ({"key_file": self.made.path("missing.key")}, "missing.key can't be read"),
                           ({"client_ca_file": self.made.path("server.key")}, "it holds no certificate"),
                           ({"key_file": "$CREDENTIALS_DIRECTORY/k"}, "systemd sets CREDENTIALS_DIRECTORY")):
            checked = self.check(toml(**{**files, **keys}))
            self.assertEqual(checked.returncode, 1)
            self.assertIn(said, checked.stderr)
        self.made.path("server.key").chmod(0o640 | 0o004)
        self.assertIn("others can get at it", self.check(toml(**files)).stderr)

    def test_beyond_loopback_there_is_no_start_without_tls_and_access_control(self):
        tls = toml(certificate_file=self.made.path("server.pem"), key_file=self.made.path("server.key"))
        for listen in ("--listen", "--admin-listen"):
            for text, said in (("", "set tls.certificate_file"), ("", "set access.required"),
                               (tls, "set access.required"), ("[access]\nrequired = true\n", "set tls.certificate_file")):
                checked = self.check(text, listen, "0.0.0.0:0")
                self.assertEqual(checked.returncode, 1)
                self.assertIn(said, checked.stderr)
                started = subprocess.run([BINARIES / "voucherd", "--config", self.config, listen, "0.0.0.0:0", "--data",
                                          self.made.path("data")], capture_output=True, text=True, timeout=60)
                self.assertEqual((started.returncode, self.made.path("data").exists()), (1, False))
        self.assertEqual(self.check(tls + "[access]\nrequired = true\n", "--listen", "0.0.0.0:0").returncode, 0)

    def test_a_daemon_whose_files_are_broken_does_not_start(self):
        self.made.path("ca.pem").chmod(0o600)
        self.config.write_text(toml(certificate_file=self.made.path("server.pem"), key_file=self.made.path("ca.pem")))
        done = subprocess.run([BINARIES / "voucherd", "--config", self.config, "--data", self.made.path("data"),
                               "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ca.pem can't be used for TLS", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
