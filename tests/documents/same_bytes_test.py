"""The same statement is the same file, to the byte: again in one process, and in processes of other
locales, languages and time zones. One of the locales is made here, since a host without it would not
try the decimal comma."""

import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import documents
import statements

ENVIRONMENTS = [
    {"LC_ALL": "C", "TZ": "UTC"},
    {"LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "America/New_York"},
    {"LC_ALL": "ja_JP.UTF-8", "LANG": "ja_JP.UTF-8", "PANGO_LANGUAGE": "ja:ko", "TZ": "Pacific/Chatham"},
    {"LC_ALL": "ar_EG.UTF-8", "FC_LANG": "ar", "TZ": "XXX-13:45", "SOURCE_DATE_EPOCH": "1"},
]


def with_decimal_comma(sources=pathlib.Path("/usr/share/i18n/locales")):
    """The environment of a German locale; ends the test as skipped where its sources are not installed."""
    if not shutil.which("localedef") or not (sources / "de_DE").exists():
        sys.exit(77)
    folder = tempfile.mkdtemp(prefix="voucherd-locales-")
    atexit.register(shutil.rmtree, folder)
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder + "/de_DE.UTF-8"], check=True)
    made = {"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "Europe/Berlin"}
    point = subprocess.run(["locale", "decimal_point"], env=os.environ | made, capture_output=True, check=True)
    assert point.stdout == b",\n", point.stdout
    return made


ENVIRONMENTS.append(with_decimal_comma())

for name, make in statements.ALL.items():
    for format in ("pdf", "xlsx"):
        first = documents.render(format, make(), times=3)
        for environment in ENVIRONMENTS:
            assert documents.render(format, make(), environment) == first, (name, format, environment)
print("ok")
