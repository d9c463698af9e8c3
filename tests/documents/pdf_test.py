"""The PDF against its golden text and pages; `pdf_test.py --write` writes them anew: then look at them.

Text is compared to the letter. Pages are compared as a reader sees them: other versions of the font or of
the rasteriser may shade an edge differently, but nothing may move."""

import pathlib
import struct
import sys
import tempfile
import zlib

import documents
import statements

DOTS_PER_INCH = 72
DIFFERENT_PIXELS_MAX = 0.005  # of a page
SHADE_DIFFERENCE_MAX = 64     # of 255


def pages_of(pdf):
    """[(width, rows of grey)]"""
    pages = []
    with tempfile.TemporaryDirectory(prefix="voucherd-documents-") as directory:
        documents.run_tool("pdftoppm", "-r", str(DOTS_PER_INCH), "-gray", "-", directory + "/page", data=pdf)
        for file in sorted(pathlib.Path(directory).iterdir()):
            kind, size, _, pixels = file.read_bytes().split(b"\n", 3)
            assert kind == b"P5"
            width, height = map(int, size.split())
            pages.append((width, [pixels[at:at + width] for at in range(0, width * height, width)]))
    return pages


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(page):
    """Grey, 8 bits, each row as its difference from the one above."""
    width, rows = page
    above, packed = bytes(width), b""
    for row in rows:
        packed += b"\2" + bytes((new - old) & 255 for new, old in zip(row, above))
        above = row
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(packed, 9))
            + chunk(b"IEND", b""))


def page_of(png):
    """Reads what png_of() wrote."""
    width, height = struct.unpack(">II", png[16:24])
    length, = struct.unpack(">I", png[33:37])
    raw, rows, above = zlib.decompress(png[41:41 + length]), [], bytes(width)
    for at in range(0, height * (width + 1), width + 1):
        above = bytes((new + old) & 255 for new, old in zip(raw[at + 1:at + 1 + width], above))
        rows.append(above)
    return width, rows


def assert_same_page(name, made, kept):
    (width, rows), (kept_width, kept_rows) = made, kept
    assert (width, len(rows)) == (kept_width, len(kept_rows)), name
    different = sum(abs(a - b) > SHADE_DIFFERENCE_MAX for row, old in zip(rows, kept_rows) if row != old
                    for a, b in zip(row, old))
    assert different <= DIFFERENT_PIXELS_MAX * width * len(rows), f"{name}: {different} pixels differ"


def main():
    writing = "--write" in sys.argv
    for name, make in statements.ALL.items():
        pdf = documents.render("pdf", make())
        text, pages = documents.text_of(pdf), pages_of(pdf)
        if writing:
            documents.GOLDEN.mkdir(exist_ok=True)
            for old in documents.GOLDEN.glob(name + "-*.png"):
                old.unlink()
            (documents.GOLDEN / (name + ".txt")).write_text(text, "utf-8")
            for number, page in enumerate(pages, 1):
                (documents.GOLDEN / f"{name}-{number}.png").write_bytes(png_of(page))
            continue
        assert text == (documents.GOLDEN / (name + ".txt")).read_text("utf-8"), f"{name}: the text differs"
        assert len(pages) == len(list(documents.GOLDEN.glob(name + "-*.png"))), name
        assert f"第 {len(pages)} 页 共 {len(pages)} 页" in text
        for number, page in enumerate(pages, 1):
            kept = (documents.GOLDEN / f"{name}-{number}.png").read_bytes()
            assert_same_page(f"{name}-{number}", page, page_of(kept))
    print("ok")


main()
