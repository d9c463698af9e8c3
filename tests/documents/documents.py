"""Makes documents with render_statement and reads them back, for the tests beside this file."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = SOURCE / "tests" / "golden" / "documents"
PROGRAM = os.environ.get("RENDER_STATEMENT",
                         str(SOURCE / "build" / "release" / "tests" / "documents" / "render_statement"))

FILLERS = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}


def render(format, statement, environment=None, times=1):
    """The bytes of the document; `environment` is added to that of the program."""
    with tempfile.TemporaryDirectory(prefix="voucherd-documents-") as directory:
        source, target = pathlib.Path(directory, "statement.json"), pathlib.Path(directory, "out")
        source.write_text(json.dumps(statement, ensure_ascii=False), "utf-8")
        done = subprocess.run([PROGRAM, format, source, target, str(times)], capture_output=True, text=True,
                              env=os.environ | (environment or {}), timeout=300)
        assert done.returncode == 0, done.stderr
        return target.read_bytes()


def run_tool(tool, *arguments, data):
    """A tool of poppler-utils that reads a PDF on its standard input; complaints are faults."""
    done = subprocess.run([tool, *arguments], input=data, capture_output=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, f"{tool}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def text_of(pdf):
    return run_tool("pdftotext", "-layout", "-", "-", data=pdf).decode("utf-8")


def import_openpyxl():
    """Debian's openpyxl, which is plain Python, also where another interpreter runs the tests."""
    sys.path.append("/usr/lib/python3/dist-packages")
    import openpyxl
    return openpyxl


def is_invisible(character):
    code = ord(character)
    return (unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") and not 0x0600 <= code <= 0x08E2
            or code == 0x061C or code in FILLERS or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
            or 0x180B <= code <= 0x180F or 0x2060 <= code <= 0x206F or 0xFFF0 <= code <= 0xFFFB
            or 0xE0000 <= code <= 0xE007F)


def visible(text):
    """What a document shows of a text: characters that leave no mark of their own by their number."""
    return "".join(f"〓[U+{ord(each):04X}]" if is_invisible(each) else each for each in text)
