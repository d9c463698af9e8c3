"""Texts that break naive output, through every text field of a statement and both documents: the workbook
stays well-formed and without formulas, and shows each text whole; the PDF interprets none of them."""

import io
import json
import re
import unicodedata
import xml.etree.ElementTree
import zipfile

import documents
import statements

openpyxl = documents.import_openpyxl()

TEXTS = json.loads((documents.SOURCE / "tests" / "golden" / "hostile_strings.json").read_text("utf-8"))["texts"]
HEAD_FIELDS = [("firm", "name"), ("firm", "district"), ("provider", "name"), ("policy",), ("payable_in_words",),
               ("closed_by", "id"), ("settlement",), ("tax_basis",)]


def with_texts_in_lines():
    lines = [statements.line(text, 1_000, 100, contract=text, book=text, unit=text, projects=((text, 1_000),))
             for text in TEXTS]
    made = statements.statement(lines)
    made["daily"] = [{"day": "2026-03-01", "sku": text, "unit": text, "project": text, "quantity": "1"} for text in TEXTS]
    return made


def with_texts_in_head(texts):
    made = statements.one_line()
    for path, text in zip(HEAD_FIELDS, texts):
        at = made
        for member in path[:-1]:
            at = at[member]
        at[path[-1]] = text
    return made


def assert_well_formed(xlsx):
    with zipfile.ZipFile(io.BytesIO(xlsx)) as parts:
        assert parts.testzip() is None
        for part in parts.namelist():
            xml.etree.ElementTree.fromstring(parts.read(part))
            assert "<f>" not in parts.read(part).decode("utf-8") and "hyperlink" not in part, part
    for sheet in openpyxl.load_workbook(io.BytesIO(xlsx)).worksheets:
        assert not any(cell.data_type in "fe" or cell.hyperlink for row in sheet.iter_rows() for cell in row)


def sheet_texts(xlsx, number):
    """{"B7": text} as the standard says it is read: "_x0041_" is a character's number."""
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(xlsx)) as parts:
        strings = ["".join(text.text or "" for text in item.iter(name + "t")) for item in
                   xml.etree.ElementTree.fromstring(parts.read("xl/sharedStrings.xml")).iter(name + "si")]
        sheet = xml.etree.ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
    decoded = [re.sub("_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), text) for text in strings]
    return {cell.get("r"): decoded[int(cell.find(name + "v").text)] for cell in sheet.iter(name + "c")
            if cell.get("t") == "s"}


def the_workbook_shows_each_text_whole():
    xlsx = documents.render("xlsx", with_texts_in_lines())
    assert_well_formed(xlsx)
    for number, columns in ((2, "DFG"), (3, "BD"), (4, "CDEF")):
        cells = sheet_texts(xlsx, number)
        for row, text in enumerate(TEXTS, 2):
            for column in columns:
                assert cells.get(f"{column}{row}", "") == documents.visible(text), (number, column, row, text)
    for begin in range(0, len(TEXTS), len(HEAD_FIELDS)):
        texts = TEXTS[begin:begin + len(HEAD_FIELDS)]
        xlsx = documents.render("xlsx", with_texts_in_head(texts))
        assert_well_formed(xlsx)
        values = list(sheet_texts(xlsx, 1).values())
        for text in texts:
            assert any(documents.visible(text) in value for value in values), text


def without_space(text):
    return re.sub(r"\s", "", text)


def assert_harmless(text):
    """No control character and no override reaches who copies from the PDF."""
    for each in text:
        assert each in "\n\f\r" or unicodedata.category(each) != "Cc", repr(each)
        assert each not in "\u202d\u202e\u2066\u2067\u2068\u200b\ufeff", repr(each)


def the_pdf_interprets_nothing():
    text = documents.text_of(documents.render("pdf", with_texts_in_lines()))
    assert_harmless(text)
    for begin in range(0, len(TEXTS), len(HEAD_FIELDS)):
        texts = TEXTS[begin:begin + len(HEAD_FIELDS)]
        text = documents.text_of(documents.render("pdf", with_texts_in_head(texts)))
        assert_harmless(text)
        # The first is the firm's name, which has room to stand in one piece.
        if texts[0].isascii() and 0 < len(documents.visible(texts[0])) <= 20:
            assert without_space(documents.visible(texts[0])) in without_space(text), texts[0]


assert len(TEXTS) >= 200
the_workbook_shows_each_text_whole()
the_pdf_interprets_nothing()
print("ok")
