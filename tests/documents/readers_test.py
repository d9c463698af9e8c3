"""Other programs open the documents without complaint: a PDF reader, and LibreOffice where it is there."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import documents
import statements


def pdf_readers_agree():
    for name, make in statements.ALL.items():
        pdf = documents.render("pdf", make())
        facts = documents.run_tool("pdfinfo", "-", data=pdf).decode()
        assert "(A4)" in facts, facts
        fonts = documents.run_tool("pdffonts", "-", data=pdf).decode().splitlines()[2:]
        assert fonts and all(font.split()[-5:-2] == ["yes"] * 3 for font in fonts), (name, fonts)
        if shutil.which("qpdf"):
            with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
                file.write(pdf)
                file.flush()
                subprocess.run(["qpdf", "--check", file.name], check=True, capture_output=True)


def convert(directory, source, to):
    profile = pathlib.Path(directory, "profile").as_uri()
    done = subprocess.run(["soffice", "-env:UserInstallation=" + profile, "--headless", "--convert-to", to,
                           "--outdir", directory, source], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(directory, pathlib.Path(source).stem + "." + to.split(":")[0])


def office_opens_the_workbook():
    statement = statements.adjustments()
    with tempfile.TemporaryDirectory(prefix="voucherd-documents-") as directory:
        source = pathlib.Path(directory, "statement.xlsx")
        source.write_bytes(documents.render("xlsx", statement))
        # All sheets, UTF-8: the office's own reading of every cell.
        convert(directory, source, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1")
        lines = pathlib.Path(directory, "statement-明细 Lines.csv").read_text("utf-8")
        for line in statement["lines"]:
            assert line["sku"] in lines and line["net"].rstrip("0").rstrip(".") in lines, lines
        front = pathlib.Path(directory, "statement-对账单 Statement.csv").read_text("utf-8")
        assert statement["firm"]["uscc"] in front and "Err:" not in lines + front
        printed = convert(directory, source, "pdf").read_bytes()
        assert "算力服务对账单" in documents.text_of(printed)


pdf_readers_agree()
if not shutil.which("soffice"):
    sys.exit(77)
office_opens_the_workbook()
print("ok")
