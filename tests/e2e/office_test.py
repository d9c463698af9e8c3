"""Other programs open every kind of file that finance gets, single or out of the month's package, without
complaint: LibreOffice the workbooks and the CSV (started once for each), PDF readers the PDFs, a text editor's
idea of text the CSV. What they read is what the daemon said."""

import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

from daemon import SOURCE, Daemon, put_facts
from reports import call, put, rows_of, send, usage

DEMO = SOURCE / "deploy" / "demo"
PERIOD, YEAR = "2026-03", "2026"
# Separated by commas, quoted by ", UTF-8; of a workbook each sheet as a file, cells as they are shown.
TEXT = "Text - txt - csv (StarCalc):44,34,76,1"
EACH_SHEET = ",,0,false,true,false,false,false,-1"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def office(directory, *arguments):
    done = subprocess.run(["soffice", "-env:UserInstallation=" + (directory / "profile").as_uri(), "--headless",
                           *map(str, arguments)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "rror" not in done.stderr, done.stderr + done.stdout



@unittest.skipUnless(shutil.which("soffice"), "LibreOffice is not installed")
class OfficeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        daemon = cls.daemon = Daemon()
        cls.addClassCleanup(daemon.__exit__)
        daemon.start()
        put_facts(daemon, DEMO)
        daemon.ctl("events", "send", DEMO / "events.ndjson")
        codes = [item["firm"]["uscc"] for item in daemon.items(f"/v1/statements?period={PERIOD}")]
        shown = daemon.get_json(f"/v1/firms/{codes[0]}")
        put(daemon, f"/v1/firms/{codes[0]}", {**shown, "name": "=HYPERLINK(\"http://x.test\") 重庆𠮷😀\"公司\", 甲"})
        status, answer = call(daemon, "POST", f"/v1/periods/{PERIOD}/close", {"reason": "测试"})
        assert status == 200, answer
        send(daemon, [usage("late", codes[0], "gpu.a800", "1.25", "2026-03-09T10:00:00+08:00"),
                      usage("april", codes[1], "gpu.a800", "3", "2026-04-01T10:00:00+08:00")])
        directory = tempfile.TemporaryDirectory(prefix="voucherd-office-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.files = {name: data for name, data in cls.all_files(codes)}
        for name, data in cls.files.items():
            (cls.directory / name).write_bytes(data)

    @classmethod
    def all_files(cls, codes):
        daemon = cls.daemon
        for period, code in ((PERIOD, codes[0]), (PERIOD, codes[1]), ("2026-04", codes[0])):
            for extension in ("xlsx", "pdf", "csv"):
                yield f"{period}-{code}.{extension}", daemon.get(f"/v1/statements/{period}/{code}.{extension}")
            yield f"{period}-{code}-excel.csv", daemon.get(f"/v1/statements/{period}/{code}.csv?excel=1")
        for name, path in (("summary", f"/v1/periods/{PERIOD}/summary"), ("programme", f"/v1/programme/{YEAR}")):
            yield f"{name}.xlsx", daemon.get(path + ".xlsx")
            yield f"{name}.csv", daemon.get(path + ".csv")
            yield f"{name}-excel.csv", daemon.get(path + ".csv?excel=1")
        package = zipfile.ZipFile(io.BytesIO(daemon.get(
            f"/v1/statements/{PERIOD}.zip?format=pdf,xlsx,csv&excel=1")))
        assert package.testzip() is None
        for name in package.namelist():
            yield "package-" + pathlib.Path(name).name, package.read(name)

    def of_kind(self, extension):
        found = [self.directory / name for name in self.files if name.endswith("." + extension)]
        self.assertGreaterEqual(len(found), 5)
        return found

    def test_libreoffice_opens_every_workbook(self):
        out = self.directory / "sheets"
        office(self.directory, "--convert-to", "csv:" + TEXT + EACH_SHEET, "--outdir", out, *self.of_kind("xlsx"))
        openpyxl = self.openpyxl()
        for source in self.of_kind("xlsx"):
            for sheet in openpyxl.load_workbook(source).worksheets:
                text = (out / f"{source.stem}-{sheet.title}.csv").read_text("utf-8")
                self.assertNotIn("Err:", text)
                self.assertNotIn("#NAME", text)
                texts = [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]
                for value in texts:
                    self.assertIn(value.replace('"', '""'), text, (source.name, sheet.title))

    def test_libreoffice_reads_the_figures_of_every_csv_as_numbers(self):
        out = self.directory / "books"
        office(self.directory, "--infilter=" + TEXT, "--convert-to", "xlsx", "--outdir", out, *self.of_kind("csv"))
        openpyxl = self.openpyxl()
        for source in self.of_kind("csv"):
            sheet, = openpyxl.load_workbook(out / f"{source.stem}.xlsx").worksheets
            for number, row in enumerate(rows_of(source.read_bytes()), 1):
                for column, cell in enumerate(row, 1):
                    read = sheet.cell(number, column)
                    self.assertNotEqual(read.data_type, "f", (source.name, cell))
                    if NUMBER.fullmatch(cell) and len(cell) < 15:
                        self.assertEqual(float(read.value), float(cell), (source.name, number, column))
                        self.assertEqual(read.data_type, "n", (source.name, number, column, cell))

    def test_csv_is_plain_text(self):
        for source in self.of_kind("csv"):
            data = source.read_bytes()
            text = data.decode("utf-8")
            self.assertEqual(text.startswith("\ufeff"), "excel" in source.name or "package" in source.name)
            self.assertNotIn("\x00", text)
            self.assertTrue(text.endswith("\r\n"))

    def test_pdf_readers_open_every_pdf(self):
        for source in self.of_kind("pdf"):
            commands = [["pdfinfo", source], ["pdftotext", "-layout", source, "-"], ["pdftoppm", "-r", "20", source]]
            if shutil.which("qpdf"):
                commands.append(["qpdf", "--check", source])
            for command in commands:
                done = subprocess.run(command, capture_output=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, b""), (command, done.stdout[-500:]))

    def openpyxl(self):
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import openpyxl
        except ImportError:
            self.skipTest("openpyxl is not installed")
        return openpyxl


if __name__ == "__main__":
    unittest.main(verbosity=2)
