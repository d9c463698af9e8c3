#!/usr/bin/env python3
"""Both verifiers agree on bundles of random histories, and both refuse what forgers make of them.

Bundles come from histories with corrections, adjustments, tiers, awards and clawback (bundle_histories, which also
searches each for anything of another firm). VOUCHERD_AUDIT_BUNDLES and VOUCHERD_AUDIT_FORGERIES say how many at
least; VOUCHERD_AUDIT_SEED which history is the first. A failure prints its seeds."""

import collections
import importlib.util
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import forger

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    print("skipped: the package cryptography is not there (deploy/install-packages.sh)")
    sys.exit(77)

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("VOUCHERD_AUDIT_PROGRAMS", SOURCE / "build/release/tests/audit"))
FIRST_SEED = int(os.environ.get("VOUCHERD_AUDIT_SEED", "1"))
BUNDLES_MIN = int(os.environ.get("VOUCHERD_AUDIT_BUNDLES", "200"))
FORGERIES = int(os.environ.get("VOUCHERD_AUDIT_FORGERIES", "5000"))
HISTORIES_AT_ONCE, HISTORIES_MAX, BUNDLES_TO_SEE_ALL = 4, 400, 200
OFTEN = ["correction", "adjustment", "tiers", "award", "clawback"]  # in one bundle of ten at least
MUST_BE_SEEN = ["other centres", "contract", "unpriced", "predecessors", "earlier statement"]

loading = importlib.util.spec_from_file_location("verify_bundle", SOURCE / "deploy/verify/verify_bundle.py")
verifier = importlib.util.module_from_spec(loading)
loading.loader.exec_module(verifier)


class Verdicts:
    """The C++ verifier, started once."""

    def __init__(self):
        self.process = subprocess.Popen([PROGRAMS / "bundle_verdicts"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def of(self, bundle, key):
        for block in (key.encode(), bundle):
            self.process.stdin.write(struct.pack("<I", len(block)) + block)
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode(errors="replace").strip()
        assert line, f"the C++ verifier ended with {self.process.wait()}"
        return line

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def python_verdict(bundle, key):
    try:
        verifier.verify(bundle, key)
        return "ok"
    except verifier.Refused as refused:
        return str(refused)


def what_is_in(bundle):
    seen, files = set(), forger.unpack(bundle)
    for name, data in files.items():
        if name.startswith("events/") and any(body[0] == 2 for _, _, body in forger.links_of(data)):
            seen.add("correction")
        if name.startswith("earlier/"):
            seen.add("earlier statement")
        if name.startswith("facts/") and b'"kind":"external_award"' in data[:40]:
            seen.add("award")
        if name.startswith("facts/") and b'"predecessors":["' in data:
            seen.add("predecessors")
    statement = forger.json.loads(files["statement.json"])
    for line in statement["lines"]:
        seen |= {"adjustment"} if line["adjustment"] else set()
        seen |= {"tiers"} if line["unit_price"] is None else set()
        seen |= {"contract"} if line["contract"] else set()
    for year in statement["subsidy"]:
        seen |= {"clawback"} if year["this_statement"].startswith("-") else set()
        seen |= {"other centres"} if year["other_centres"] != "0.00" else set()
    return seen | ({"unpriced"} if statement["unpriced"] else set())


def make_bundles(folder):
    """[(name, bundle, key)]"""
    seed = FIRST_SEED
    while len(list(folder.glob("*.tar"))) < BUNDLES_MIN:
        assert seed < FIRST_SEED + HISTORIES_MAX, "the histories close no months"
        subprocess.run([PROGRAMS / "bundle_histories", folder, str(seed), str(HISTORIES_AT_ONCE)], check=True,
                       stdout=subprocess.DEVNULL)
        seed += HISTORIES_AT_ONCE
    keys = {file.stem: file.read_text() for file in folder.glob("*.vkey")}
    return [(file.stem, file.read_bytes(), keys[file.stem.split("-")[0]].strip())
            for file in sorted(folder.glob("*.tar"))]


def agree_on_good_ones(bundles, verdicts):
    seen = collections.Counter()
    for name, bundle, key in bundles:
        for verdict in (python_verdict(bundle, key), verdicts.of(bundle, key)):
            assert verdict == "ok", f"{name}: {verdict}"
        other = next(other for _, _, other in bundles if other != key)
        for verdict in (python_verdict(bundle, other), verdicts.of(bundle, other)):
            assert verdict != "ok", f"{name}: is taken under another centre's key"
        seen.update(what_is_in(bundle))
    print(f"{len(bundles)} bundles from seed {FIRST_SEED}: both verifiers agree; {dict(seen)}")
    rare = [what for what in OFTEN if 10 * seen[what] < len(bundles)]
    assert not rare, f"fewer than a tenth of the bundles have {rare}"
    if len(bundles) >= BUNDLES_TO_SEE_ALL:
        assert not [what for what in MUST_BE_SEEN if not seen[what]], "the histories no longer have everything"


def refuse_forgeries(bundles, verdicts):
    forgers_key, taken, done = Ed25519PrivateKey.from_private_bytes(bytes(range(32))), [], collections.Counter()
    for seed in range(FORGERIES):
        dice = random.Random(seed)
        name, bundle, key = dice.choice(bundles)
        others = [other for its_name, other, _ in dice.sample(bundles, min(3, len(bundles))) if its_name != name]
        what, forged = forger.forge(bundle, others or [bundle[::-1]], dice, forgers_key)
        done[what.split(",")[0]] += 1
        for verdict, who in ((python_verdict(forged, key), "Python"), (verdicts.of(forged, key), "C++")):
            if verdict == "ok":
                taken.append(f"forgery {seed} of {name} ({what}): {who} takes it")
    print(f"{FORGERIES} forgeries: {dict(done)}")
    assert not taken, "\n".join(taken)


def main():
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(prefix="voucherd-bundles-") as folder:
        bundles = make_bundles(pathlib.Path(folder))
        agree_on_good_ones(bundles, verdicts)
        refuse_forgeries(bundles, verdicts)
    verdicts.end()


if __name__ == "__main__":
    main()
