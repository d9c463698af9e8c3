"""XLSX and PDF from the running daemon: a font that is missing is said at start; a closed statement's files
are the same after a restart in another time zone and locale, and with another letterhead."""

import os
import pathlib
import subprocess
import tempfile

from daemon import BINARIES, SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"


def a_missing_font_is_refused_at_start():
    with tempfile.TemporaryDirectory(prefix="voucherd-e2e-") as directory:
        config = pathlib.Path(directory, "voucherd.toml")
        config.write_text('[documents]\nfont = "No Such Font"\n', "utf-8")
        done = subprocess.run([BINARIES / "voucherd", "--config", config, "--listen", "127.0.0.1:0", "--admin-listen",
                               "127.0.0.1:0", "--data", directory + "/data"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done.returncode
        assert "font_missing" in done.stderr and "fonts-noto-cjk" in done.stderr, done.stderr
        assert not pathlib.Path(directory, "data").exists(), "refused before anything is written"


def documents_of(daemon, firm):
    return {extension: daemon.get(f"/v1/statements/2026-03/{firm}.{extension}") for extension in ("pdf", "xlsx")}


def closed_documents_stay_the_same():
    with tempfile.TemporaryDirectory(prefix="voucherd-e2e-") as directory:
        config = pathlib.Path(directory, "voucherd.toml")
        config.write_text('[documents]\nbank_name = "示例银行"\nbank_account = "3100 0001"\n', "utf-8")
        with Daemon(directory, ["--config", config]) as daemon:
            put_facts(daemon, DEMO)
            sent = daemon.ctl("events", "send", DEMO / "events.ndjson")
            assert sent.returncode in (0, 1), sent.stderr
            firm = daemon.items("/v1/statements?period=2026-03")[0]["firm"]["uscc"]
            draft = documents_of(daemon, firm)
            assert draft["pdf"].startswith(b"%PDF-") and draft["xlsx"].startswith(b"PK")
            closed = daemon.ctl("period", "close", "2026-03", "--reason", "demonstration")
            assert closed.returncode == 0, closed.stderr + closed.stdout
            first = documents_of(daemon, firm)
            assert first != draft
        os.environ |= {"TZ": "America/New_York", "LC_ALL": "ja_JP.UTF-8", "LANG": "de_DE.UTF-8"}
        with Daemon(directory, ["--config", config]) as daemon:
            assert documents_of(daemon, firm) == first
        config.write_text('[documents]\nbank_name = "别的银行"\ndue_days = 90\napproved_by = "乙"\n', "utf-8")
        with Daemon(directory, ["--config", config]) as daemon:
            assert documents_of(daemon, firm) == first


a_missing_font_is_refused_at_start()
closed_documents_stay_the_same()
print("ok")
