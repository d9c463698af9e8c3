"""What several tests of statements, packages and reports need: codes, facts and usage in bulk, and CSV as a
spreadsheet reads it."""

import csv
import io
import json
import re
import urllib.error
import urllib.request

from daemon import SOURCE

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FIGURE = re.compile(r"-?[0-9]+(\.[0-9]+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def uscc(number):
    """The NUMBERth code of GB 32100-2015 with a right check character."""
    body = f"91500000MA5{number:06d}"
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def call(daemon, method, path, body=None, content_type="application/json"):
    """(status, bytes), also of a refusal."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(daemon.api + path, data=data, method=method,
                                     headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def put(daemon, path, body):
    status, answer = call(daemon, "PUT", path, body)
    assert status in (200, 201), f"{path}: {status} {answer}"


def put_policy(daemon, **members):
    policy = json.loads((SOURCE / "config" / "policies" / "cq-2025-12.json").read_text())
    put(daemon, "/v1/policies/cq-2025-12", {**policy, **members})


def firm(name, district="渝中区", category="ai_agent"):
    eligibility = [{"category": category, "from": "2026-01-01", "until": None, "basis": "名单",
                    "evidence_sha256": ""}]
    return {"name": name, "district": district, "eligibility": eligibility, "related_party": [], "predecessors": []}


def usage(identity, subject, sku, quantity, time, **data):
    return {"specversion": "1.0", "type": "compute.usage.v1", "source": "/centre/test", "id": identity,
            "subject": subject, "time": time, "data": {"sku": sku, "quantity": quantity, **data}}


def send(daemon, events):
    """The replies' counts added up."""
    counts = {}
    for begin in range(0, len(events), 1000):
        lines = "\n".join(json.dumps(event) for event in events[begin:begin + 1000])
        status, answer = call(daemon, "POST", "/v1/events", lines.encode(), "application/x-ndjson")
        assert status == 200, answer
        for name, count in json.loads(answer).items():
            if name in ("received", "accepted", "quarantined", "duplicate"):
                counts[name] = counts.get(name, 0) + count
    return counts


def rows_of(data):
    """The cells of CSV; none may be a formula."""
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for row in rows:
        for cell in row:
            assert not cell.startswith(FORMULA_STARTS) or FIGURE.fullmatch(cell), f"a formula: {cell!r}"
    return rows
