#!/usr/bin/env python3
"""Both verifiers on bundles of a centre that would sign anything: every hash is right, and what is said can't be.
Numbers, text and nesting are within bounds before anything is made of them, and what a close names it names once."""

import functools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import forger
from bundles_test import PROGRAMS, SOURCE, Verdicts, python_verdict

SEED = os.environ.get("VOUCHERD_AUDIT_SEED", "1")


def tree_of(leaves):
    """(root, path of each leaf)"""
    @functools.lru_cache(None)
    def root(begin, end):
        if end - begin == 1:
            return leaves[begin]
        middle = begin + forger.split_of(end - begin)
        return forger.sha256(b"\1", root(begin, middle), root(middle, end))

    return root(0, len(leaves)), lambda index: b"".join(root(*span) for span in forger.siblings(index, 0, len(leaves)))


def known_or_made_up(known, count):
    return [known.get(index, forger.sha256(b"made up", struct.pack("<Q", index))) for index in range(count)]


def remake(files, size=None, closes=True):
    """The bundle of these files with all hashes made anew, under a head that nobody signed."""
    if closes:
        for part in [name for name in files if name.startswith("closes/") and name.endswith(".part")]:
            forger.fix_part_of_close(files, part)
    shown = {}
    for name in files:
        if found := re.fullmatch(r"(closes|facts)/(\d{20})-(\d{8})(\.part|\.json)", name):
            shown.setdefault(int(found[2]), {})[int(found[3])] = name[:-5], files[name]
    for position, parts in shown.items():
        leaf_name = f"records/{position:020}.leaf"
        leaf = files[leaf_name]
        known = {index: forger.sha256(b"\0", files[stem + ".salt"], data) for index, (stem, data) in parts.items()}
        count = max([struct.unpack_from("<I", leaf, len(leaf) - 36)[0], *(index + 1 for index in parts)])
        root, path_of = tree_of(known_or_made_up(known, count))
        for index, (stem, _) in parts.items():
            files[stem + ".path"] = path_of(index)
        files[leaf_name] = leaf[:-36] + struct.pack("<I", count) + root
    origin, old_size, *_ = files["checkpoint"].decode().split("\n")
    names = [name for name in files if name.startswith("records/") and name.endswith(".leaf")]
    known = {int(name[8:28]) - 1: forger.sha256(b"\0", files[name]) for name in names}
    root, path_of = tree_of(known_or_made_up(known, size or int(old_size)))
    for name in names:
        files[name[:-5] + ".path"] = path_of(int(name[8:28]) - 1)
    text = lambda data: forger.base64.b64encode(data).decode()
    files["checkpoint"] = (f"{origin}\n{size or old_size}\n{text(root)}\n\n"
                           f"— {origin} {text(bytes(68))}\n").encode()
    return forger.pack(files)


def first(files, kind):
    """(name, fact) of the first fact of this kind."""
    for name in sorted(files):
        if name.startswith("facts/") and name.endswith(".json") and json.loads(files[name])["kind"] == kind:
            return name, json.loads(files[name])
    raise AssertionError(f"no {kind} in the bundle")


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.verdicts = Verdicts()
        with tempfile.TemporaryDirectory(prefix="voucherd-hostile-") as folder:
            subprocess.run([PROGRAMS / "bundle_histories", folder, SEED, "4"], check=True, stdout=subprocess.DEVNULL)
            bundles = [forger.unpack(file.read_bytes()) for file in sorted(pathlib.Path(folder).glob("*.tar"))]
        wanted = lambda files: (any(b'"lines":[{' in data for name, data in files.items() if name.startswith("earlier/"))
                                and any(name.startswith("events/") for name in files)
                                and len(json.loads(files["statement.json"])["subsidy"]) > 0
                                and b'"lines":[{' in files["statement.json"]
                                and len({name for name in files if name.startswith("facts/")}) > 12)
        cls.good = next(files for files in bundles if wanted(files))

    @classmethod
    def tearDownClass(cls):
        cls.verdicts.end()

    def setUp(self):
        self.files = dict(self.good)

    def both(self, bundle):
        return {"Python": python_verdict(bundle, None), "C++": self.verdicts.of(bundle, "")}

    def refused(self, bundle, *sentences):
        for who, verdict in self.both(bundle).items():
            self.assertNotEqual(verdict, "ok", who)
            self.assertTrue(not sentences or any(sentence in verdict for sentence in sentences), f"{who}: {verdict}")

    def change_fact(self, kind, change):
        name, fact = first(self.files, kind)
        change(fact["body"])
        self.files[name] = dump(fact)

    def test_a_bundle_that_is_only_made_anew_holds(self):
        self.assertEqual(set(self.both(remake(self.files)).values()), {"ok"})

    def test_numbers_of_any_length_and_exponent(self):
        for text in ("1e999999999", "1E+99999999999999999999", "1" * 1_000_000, "0." + "1" * 1_000_000, "1e-999999999",
                     "١", "0x10", "1_000", " 1", "NaN", "Infinity", "-1", "+1", ".5", "1."):
            for kind, member in (("policy", "rate"), ("policy", "annual_cap"), ("sku", "tax_rate")):
                self.files = dict(self.good)
                self.change_fact(kind, lambda body: body.update({member: text}))
                self.refused(remake(self.files, closes=False))
            self.files = dict(self.good)
            self.change_fact("price_book", lambda body: body.update(prices={sku: text for sku in body["prices"]}))
            self.refused(remake(self.files, closes=False))

    def test_numbers_of_earlier_statements(self):
        name, statement = next((name, json.loads(data)) for name, data in self.files.items()
                               if name.startswith("earlier/") and b'"lines":[{' in data)
        for text in ("1e999999999", "9" * 1_000_000, "9" * 37 + ".00"):
            for place in [*statement["lines"][:1], *statement["subsidy"][:1]]:
                member = next(member for member in ("net", "this_statement") if member in place)
                kept, place[member] = place[member], text
                self.files[name] = dump(statement)
                self.refused(remake(dict(self.files)))
                place[member] = kept

    def test_a_year_of_any_length(self):
        for digits in ("1" * 500_000, "2026.0", "1e400", "-" + "9" * 30):
            self.files = dict(self.good)
            self.files["statement.json"] = re.sub(rb'"year":\d+', b'"year":' + digits.encode(),
                                                  self.files["statement.json"])
            self.refused(remake(self.files))

    def test_nesting_of_any_depth(self):
        for deep in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 1_000_000):
            name, fact = first(self.good, "firm")
            for file, data in ((name, dump(fact)[:-1] + b',"deep":' + deep + b"}"),
                               ("statement.json", self.good["statement.json"][:-1] + b',"deep":' + deep + b"}")):
                self.files = dict(self.good) | {file: data}
                self.refused(remake(self.files, closes=file == "statement.json"), "nests")
            self.files = dict(self.good) | {"manifest.json": self.good["manifest.json"][:-1] + b',"deep":' + deep + b"}"}
            self.refused(forger.pack(self.files), "nests")

    def test_text_that_is_not_utf8(self):
        statement = json.loads(self.good["statement.json"])
        name, close = f"records/{1:020}.leaf", f"records/{json.loads(self.good['manifest.json'])['close']:020}.leaf"
        events = next(name for name in self.good if name.startswith("events/"))
        sku = statement["lines"][0]["sku"].encode()
        for file, before in ((name, statement["provider"]["name"].encode()), (name, b"CNY"),
                             (close, statement["closed_by"]["id"].encode())):
            self.assertIn(before, self.good[file])
            self.files = dict(self.good)
            self.files[file] = self.files[file].replace(before, b"\xff" + before[1:])
            self.refused(remake(self.files))
        self.files = dict(self.good)
        self.files[events] = re.sub(rb"(gpu|disk|net)\.", lambda found: b"\xff" + found[0][1:], self.files[events])
        self.assertNotEqual(self.files[events], self.good[events], sku)
        self.refused(remake(self.files))
        fact, _ = first(self.good, "firm")
        self.files = dict(self.good)
        self.files[fact] = self.files[fact].replace('"name":"'.encode(), b'"name":"\xff')
        self.refused(remake(self.files, closes=False))

    def test_names_of_files_that_are_not_ascii(self):
        for name in ("events/\u00ff", "zz\u4e00", "z\n", "z z"):
            self.refused(forger.pack(self.files | {name: b"x"}))

    def test_times_and_offsets_that_cannot_be(self):
        close = f"records/{json.loads(self.good['manifest.json'])['close']:020}.leaf"
        for ms in (2**63 - 1, -2**63, 10**15):
            self.files = dict(self.good)
            self.files[close] = self.files[close][:16] + struct.pack("<q", ms) + self.files[close][24:]
            self.refused(remake(self.files))
        leaf = self.good[f"records/{1:020}.leaf"]
        for minutes in (2**31 - 1, -2**31, 1441):
            self.files = dict(self.good)
            self.files[f"records/{1:020}.leaf"] = leaf[:40] + struct.pack("<i", minutes) + leaf[44:]
            self.refused(remake(self.files))

    def test_a_fact_in_two_versions(self):
        one, fact = first(self.files, "price_book")
        other, _ = next((name, data) for name, data in self.files.items() if name.startswith("facts/")
                        and name.endswith(".json") and name != one and b'"kind":"firm"' not in data)
        self.files[other] = dump(fact)
        self.refused(remake(self.files), "another version of a fact")

    def test_a_fact_of_a_record_behind_the_close(self):
        name, _ = first(self.files, "firm")
        size = int(self.files["checkpoint"].split(b"\n")[1])
        old, new = name[6:26], f"{size + 3:020}"
        self.files = {name.replace(old, new): data for name, data in self.files.items()}
        leaf = self.files[f"records/{new}.leaf"]
        self.files[f"records/{new}.leaf"] = leaf[:8] + struct.pack("<Q", size + 3) + leaf[16:]
        manifest = json.loads(self.files["manifest.json"])
        self.files["manifest.json"] = dump(manifest | {"tree_size": size + 5})
        self.refused(remake(self.files, size + 5), "behind the close")

    def test_archives_that_are_cut_empty_or_endless(self):
        bundle = remake(self.files)
        for data in (b"", bytes(512), bytes(1023), bundle[:-1], bundle[:len(bundle) // 2], bundle[512:], bytes(1 << 24)):
            self.refused(data)
        many = b"".join(forger.header(f"{number:08}", 0) for number in range(200_001))
        self.refused(many + bytes(1024), "more files", "no file of a bundle begins")

    def test_an_archive_larger_than_any_is_refused_before_it_is_read(self):
        ctl = PROGRAMS.parents[1] / "voucherctl"
        with tempfile.TemporaryDirectory(prefix="voucherd-huge-") as folder:
            huge = pathlib.Path(folder) / "huge.tar"
            with open(huge, "wb") as file:
                file.truncate((1 << 36) + 512)  # nothing is written: a hole
            programs = [[sys.executable, "-B", SOURCE / "deploy/verify/verify_bundle.py", huge]]
            if ctl.exists():
                programs.append([ctl, "audit", "verify", huge])
            for program in programs:
                done = subprocess.run(program, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, "larger than any bundle|at most")


if __name__ == "__main__":
    unittest.main(verbosity=2)
