"""Authorities, certificates and keys for a test, made by openssl in a folder of their own."""

import datetime
import pathlib
import subprocess
import tempfile


def openssl(*arguments, stdin="", check=True):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}: {done.stderr}")
    return done


class Certificates:
    """`with Certificates() as made:` makes ca.pem; made.issue("server") makes server.pem and server.key."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="voucherd-certificates-")
        self.folder = pathlib.Path(self._folder.name)
        self.authority("ca")
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def path(self, name):
        return self.folder / name

    def authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"))

    def issue(self, name, authority="ca", expired=False):
        """For 127.0.0.1. Expired: it was valid for a day, the day before yesterday."""
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.csr"))
        (self.path(f"{name}.ext")).write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.path("index.txt").write_text("")
        self.path(f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={self.path('index.txt')}\nnew_certs_dir={self.folder}\n"
            f"rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        today = datetime.datetime.now(datetime.timezone.utc)
        begin = today - datetime.timedelta(days=3 if expired else 1)
        end = begin + datetime.timedelta(days=1 if expired else 3)
        openssl("ca", "-batch", "-notext", "-config", self.path(f"{name}.cnf"), "-cert", self.path(f"{authority}.pem"),
                "-keyfile", self.path(f"{authority}.key"), "-extfile", self.path(f"{name}.ext"),
                "-startdate", begin.strftime("%Y%m%d%H%M%SZ"), "-enddate", end.strftime("%Y%m%d%H%M%SZ"),
                "-in", self.path(f"{name}.csr"), "-out", self.path(f"{name}.pem"))
        self.path(f"{name}.key").chmod(0o600)
        return self.path(f"{name}.pem"), self.path(f"{name}.key")
