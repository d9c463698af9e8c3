"""Each rule of lint.py finds what it is there for, in a house made up for the purpose."""

import pathlib
import tempfile
import unittest

from lint import Lint, functions_of


class LintTest(unittest.TestCase):
    def faults(self, **files):
        """Lints a house of these files: core_a_h is metering/core/a.h, and so on."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in files.items():
                path = root / name.replace("__", "/").replace("_DOT_", ".")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                if path.parent.name in ("core", "state", "ledger", "wire", "ctl"):
                    (path.parent / "README.md").write_text("Owns / does not own\n")
            lint = Lint(root)
            lint.run()
            return lint.faults

    def assert_one(self, faults, part):
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(part, faults[0])

    def test_a_sound_file_has_no_fault(self):
        self.assertEqual(self.faults(metering__core__a_DOT_h="// Idea.\n#pragma once\n#include <vector>\n"), [])

    def test_a_lower_room_must_not_include_an_upper_one(self):
        faults = self.faults(metering__core__a_DOT_h='// Idea.\n#pragma once\n#include "billing/core/b.h"\n',
                             billing__core__b_DOT_h="// Idea.\n#pragma once\n")
        self.assert_one(faults, "metering/core must not include billing/core/b.h")

    def test_an_include_is_a_path_from_the_top(self):
        self.assert_one(self.faults(metering__core__a_DOT_cpp='// Idea.\n#include "b.h"\n'), "no path from the top")

    def test_one_name_is_one_type(self):
        reader = "// Idea.\n#pragma once\nnamespace voucherd {\nclass Reader {\n};\n}\n"
        faults = self.faults(metering__core__a_DOT_h=reader, metering__state__b_DOT_h=reader)
        self.assert_one(faults, "metering/state/b.h:4: voucherd::Reader is defined in metering/core/a.h too")

    def test_libraries_stay_in_their_rooms(self):
        for header in ("rocksdb/db.h", "boost/asio.hpp", "boost/beast/http.hpp", "prometheus/counter.h",
                       "nlohmann/json.hpp"):
            self.assert_one(self.faults(metering__core__a_DOT_cpp=f"// Idea.\n#include <{header}>\n"), header)
        self.assertEqual(self.faults(metering__state__checkpoint_store_DOT_cpp="// Idea.\n#include <rocksdb/db.h>\n"),
                         [])
        self.assert_one(self.faults(metering__state__totals_DOT_cpp="// Idea.\n#include <rocksdb/db.h>\n"), "rocksdb")

    def test_money_is_no_float(self):
        self.assert_one(self.faults(billing__core__a_DOT_cpp="// Idea.\nconst double price = 1;\n"), "floating point")
        self.assertEqual(self.faults(billing__core__a_DOT_cpp='// A double entry.\nconst char* a = "double";\n'), [])

    def test_functions_are_short(self):
        body = "  count();\n" * 80
        self.assert_one(self.faults(metering__core__a_DOT_cpp=f"// Idea.\nvoid f(int a) {{\n{body}}}\n"), "f has 82")
        in_namespace = f"// Idea.\nnamespace a {{\nint A::g(int b) const {{\n{body}}}\n}}\n"
        self.assert_one(self.faults(metering__core__a_DOT_cpp=in_namespace), "A::g has 82")

    def test_rows_of_a_table_make_no_function_long(self):
        table = '      {"name", 400},\n' * 100
        self.assertEqual(self.faults(metering__core__a_DOT_cpp=f"// Idea.\nRows f() {{\n  return {{\n{table}  }};\n}}\n"),
                         [])

    def test_files_are_short(self):
        self.assert_one(self.faults(metering__core__a_DOT_cpp="// Idea.\n" + "int a;\n" * 500), "501 lines")

    def test_nothing_is_left_for_later(self):
        for word in ("TODO", "FIXME", "XXX"):
            self.assert_one(self.faults(metering__core__a_DOT_cpp=f"// Idea. {word}: later\n"), "left for later")

    def test_no_registry_is_named(self):
        self.assert_one(self.faults(deploy__a_DOT_sh="curl https://pypi.org/x\n", deploy__README_DOT_md="\n"), "registry")

    def test_a_file_opens_with_its_idea(self):
        self.assert_one(self.faults(metering__core__a_DOT_cpp="int a;\n"), "open with a comment")

    def test_a_room_has_a_readme(self):
        self.assert_one(self.faults(metering__ingest__a_DOT_cpp="// Idea.\n"), "no README.md")

    def test_a_file_outside_the_house_is_found(self):
        self.assert_one(self.faults(src__a_DOT_cpp="// Idea.\n"), "no room")

    def test_functions_are_told_from_other_braces(self):
        code = ("struct A {\n  int b{0};\n  A() : b{1} {}\n  int f() const { return b; }\n};\n"
                "template <class T>\nauto g(T t) -> int {\n  if (t) {\n    return 1;\n  }\n  return 0;\n}\n")
        self.assertEqual([(length, name) for _, length, name in functions_of(code)], [(1, "A"), (1, "f"), (6, "g")])


if __name__ == "__main__":
    unittest.main()
