#!/usr/bin/env python3
"""The house's rules that a program can check. Prints every fault as path:line: sentence.

    lint.py SOURCE_DIR

Rooms include only the rooms that their row allows; libraries stay where they belong; no binary
float comes near money or quantities; functions and files stay short enough to read; nothing is
left for later; each room has its README.
"""

import pathlib
import re
import sys

SOURCE_SUFFIXES = {".h", ".cpp"}
FUNCTION_LINES_MAX, FUNCTION_LINES_WARN = 80, 40
FILE_LINES_MAX, FILE_LINES_WARN = 500, 400

# room → the rooms that it may include beside itself. A room that is missing here is a fault.
ROOMS = {
    "metering/core": [],
    "metering/wire": ["metering/core"],
    "metering/journal": ["metering/core"],
    "metering/state": ["metering/core", "metering/journal"],
    "metering/proof": ["metering/core", "metering/journal", "metering/state"],
    "metering/ingest": ["metering/core", "metering/wire", "metering/journal", "metering/state", "metering/proof"],
    "billing/core": ["metering/core"],
    "billing/ledger": ["billing/core", "metering/core", "metering/journal", "metering/state", "metering/proof"],
    "billing/audit": ["billing/core", "billing/ledger", "metering/core", "metering/journal", "metering/proof",
                      "metering/state"],
    "billing/render": ["billing/core", "metering/core"],
    "config": ["metering/core"],
    "daemon": ["metering", "billing", "config"],
    "tests": ["metering", "billing", "config", "daemon"],
}

# Headers of a library (as in #include <…>) → the rooms where they may stand.
LIBRARIES = {
    r"rocksdb/": ["metering/journal", "metering/state/checkpoint", "daemon/engine", "daemon/metrics_snapshot", "tests"],
    r"boost/(asio|beast)": ["daemon", "tests"],
    r"prometheus/": ["daemon/metrics", "tests"],
    r"nlohmann/": ["billing", "daemon", "tests"],
    r"spdlog/|fmt/": ["daemon", "tests"],
    r"CLI/": ["daemon/main.cpp", "daemon/ctl", "tests"],
    r"simdjson": ["metering/wire", "tests"],
    r"archive": ["billing/render", "tests"],
    r"toml\+\+/": ["config", "tests"],
}

NO_FLOATS_IN = ["billing/", "metering/core/"]
FLOATS_ALLOWED_IN = ["billing/render/xlsx_book.cpp"]  # a workbook's cells are doubles: made in one place, of exact digits
FORBIDDEN_NAMES = re.compile(r"(^|[_/])(common|utils?|helpers?|manager)([_./]|$)")
LEFT_FOR_LATER = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b(?![+-]\d)")
# Builds fetch from whatever mirrors the machine is set up with; no file names one.
REGISTRIES = re.compile(r"\b(deb\.debian\.org|security\.debian\.org|archive\.ubuntu\.com|pypi\.org|"
                        r"files\.pythonhosted\.org|registry\.npmjs\.org|repo1?\.maven\.org|proxy\.golang\.org|"
                        r"ghcr\.io|docker\.io|registry-1\.docker\.io|mirrors\.[a-z0-9.-]+)\b")
TEXT_SUFFIXES = SOURCE_SUFFIXES | {".py", ".sh", ".md", ".txt", ".cmake", ".json", ".yml", ".yaml", ".toml",
                                   ".service", ""}
SKIPPED_FOLDERS = {"build", ".git", "__pycache__", ".cache", "voucherd-data"}


class Lint:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.faults, self.warnings = [], []
        self.types = {}  # (namespace, name) of each type that a header of the programs defines → where

    def fault(self, path, line, sentence):
        self.faults.append(f"{path}:{line}: {sentence}")

    def warn(self, path, line, sentence):
        self.warnings.append(f"{path}:{line}: {sentence}")

    def files(self):
        for path in sorted(self.root.rglob("*")):
            inside = path.relative_to(self.root)
            if path.is_file() and not SKIPPED_FOLDERS & set(inside.parts):
                yield inside

    def run(self):
        for path in self.files():
            if path.suffix not in TEXT_SUFFIXES:
                continue
            try:
                text = (self.root / path).read_text("utf-8")
            except UnicodeDecodeError:
                continue
            self.check_text(path, text)
            if path.suffix in SOURCE_SUFFIXES:
                self.check_source(path, text)
        self.check_readmes()
        return not self.faults

    def check_text(self, path, text):
        if path.parts[:2] == ("tests", "lint"):
            return  # names what it looks for
        for number, line in enumerate(text.splitlines(), 1):
            if LEFT_FOR_LATER.search(line):
                self.fault(path, number, "is left for later: do it or drop it")
            if REGISTRIES.search(line):
                self.fault(path, number, "names a registry's host; machines know their own mirrors")

    def check_source(self, path, text):
        lines = text.splitlines()
        name = path.as_posix()
        if FORBIDDEN_NAMES.search(name):
            self.fault(path, 1, "is named after nothing in particular; say what it is")
        if len(lines) > FILE_LINES_MAX:
            self.fault(path, 1, f"has {len(lines)} lines; at most {FILE_LINES_MAX}")
        elif len(lines) > FILE_LINES_WARN:
            self.warn(path, 1, f"has {len(lines)} lines")
        has_header = path.suffix == ".cpp" and (self.root / path).with_suffix(".h").exists()
        if not has_header and (not lines or not lines[0].startswith("//")):
            self.fault(path, 1, "has to open with a comment on its idea")
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.fault(path, 1, "is a header without #pragma once")
        if path.suffix == ".h" and path.parts[0] != "tests":
            self.check_types(path, text)
        self.check_includes(path, lines)
        self.check_floats(path, text)
        self.check_functions(path, text)

    def check_types(self, path, text):
        """One name, one type: two of a name in one namespace break the one-definition rule silently
        where both are linked into a program (two ByteReaders did: records read back as damaged)."""
        code = without_comments_and_strings(text)
        namespace = re.search(r"^namespace ([\w:]+) \{", code, re.MULTILINE)
        for found in re.finditer(r"^(?:class|struct) (\w+)(?: final)?(?: :[^;{]*)? \{", code, re.MULTILINE):
            key = (namespace.group(1) if namespace else "", found.group(1))
            first = self.types.setdefault(key, path)
            if first != path:
                self.fault(path, code.count("\n", 0, found.start()) + 1,
                           f"{'::'.join(key)} is defined in {first} too")

    def check_includes(self, path, lines):
        room = room_of(path.as_posix())
        if room is None:
            self.fault(path, 1, "belongs to no room of the house")
            return
        for number, line in enumerate(lines, 1):
            own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if own:
                self.check_own_include(path, number, room, own.group(1))
            foreign = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            if foreign:
                self.check_library(path, number, foreign.group(1))

    def check_own_include(self, path, number, room, target):
        if not (self.root / target).is_file():
            self.fault(path, number, f'"{target}" is no path from the top of the house')
            return
        if not any(target.startswith(allowed + "/") for allowed in [room, *ROOMS[room]]):
            self.fault(path, number, f"{room} must not include {target}")

    def check_library(self, path, number, header):
        name = path.as_posix()
        for pattern, places in LIBRARIES.items():
            if re.match(pattern, header) and not any(is_within(name, place) for place in places):
                self.fault(path, number, f"<{header}> may only be included in {', '.join(places)}")

    def check_floats(self, path, text):
        if path.as_posix() in FLOATS_ALLOWED_IN:
            return
        if not any(path.as_posix().startswith(room) for room in NO_FLOATS_IN):
            return
        for number, line in enumerate(without_comments_and_strings(text).splitlines(), 1):
            if re.search(r"\b(float|double|long double|stod|stof|strtod)\b", line):
                self.fault(path, number, "uses binary floating point; money and quantities are exact")

    def check_functions(self, path, text):
        for number, length, head in functions_of(text):
            if length > FUNCTION_LINES_MAX:
                self.fault(path, number, f"{head} has {length} lines; at most {FUNCTION_LINES_MAX}")
            elif length > FUNCTION_LINES_WARN:
                self.warn(path, number, f"{head} has {length} lines")

    def check_readmes(self):
        rooms = set()
        for top in ("metering", "billing", "daemon"):
            rooms |= {folder for folder in (self.root / top).glob("*") if self.holds_sources(folder)}
        rooms |= {self.root / name for name in ("config", "tests", "deploy") if (self.root / name).is_dir()}
        for folder in sorted(rooms):
            inside = folder.relative_to(self.root)
            if not (folder / "README.md").is_file():
                self.fault(inside, 1, "has no README.md that says what it owns")

    @staticmethod
    def holds_sources(folder):
        return folder.is_dir() and any(file.suffix in SOURCE_SUFFIXES for file in folder.iterdir())


def is_within(name, place):
    """`place` is a folder, a file, or the beginning of files' names ("metering/state/checkpoint")."""
    return name == place or name.startswith(place + "/") or (name.startswith(place) and "." not in place
                                                              and name[len(place)] in "_.")


def room_of(name):
    parts = name.split("/")
    for room in ("/".join(parts[:2]), parts[0]):
        if room in ROOMS:
            return room
    return None


def without_comments_and_strings(text):
    """The same text, line by line, with comments and literals blanked."""
    pattern = re.compile(r'R"([^(\s]*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
                         r"|//[^\n]*|/\*(?:.|\n)*?\*/")
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def functions_of(text):
    """(first line, lines, name) of each function body: a brace that follows a parameter list and
    stands outside every other function. Rows of a table ("{…}," on a line) don't count as lines."""
    code = without_comments_and_strings(text)
    rows = [bool(re.match(r"\s*\{.*\},?\s*$", line)) for line in code.split("\n")]
    head = re.compile(r"([~\w:]+)\s*\([^;{}]*\)\s*(?:const|noexcept|override|final|&|\s)*"
                      r"(?:->\s*[\w:<>,&*\s]+)?(?::[^;{}]*(?:\{[^{}]*\}[^;{}]*)*)?$")
    number, start, line_of = 1, 0, []
    for character in code:
        line_of.append(number)
        number += character == "\n"
    depth, inside = 0, None
    for at, character in enumerate(code):
        if character == "{":
            if inside is None:
                found = head.search(code[start:at])
                control = found and found.group(1) in {"if", "for", "while", "switch", "catch"}
                if found and not control:
                    inside = (depth, line_of[start + found.start()], found.group(1))
            depth += 1
        elif character == "}":
            depth -= 1
            if inside and depth == inside[0]:
                first, last = inside[1], line_of[at]
                yield first, last - first + 1 - sum(rows[first:last - 1]), inside[2]
                inside = None
        if inside is None and character in ";{}":
            start = at + 1


def main():
    lint = Lint(sys.argv[1])
    good = lint.run()
    for warning in lint.warnings:
        print("warning:", warning)
    for fault in lint.faults:
        print(fault)
    print(f"{len(lint.faults)} faults, {len(lint.warnings)} warnings")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
