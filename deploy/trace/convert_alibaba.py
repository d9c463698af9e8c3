#!/usr/bin/env python3
"""Turns Alibaba's cluster-trace-gpu-v2023 (openb_pod_list_default.csv) into usage events.

    convert_alibaba.py PODS.csv > events.ndjson      the events, one CloudEvent a line
    convert_alibaba.py PODS.csv --facts DIR          the facts to bill them by, DIR/KIND/KEY.json

A pod runs from its scheduled_time (creation_time where it has none) to its deletion_time; the
trace's second 0 is 2026-01-01T00:00:00+08:00. Each pod is cut at local midnights, one event a
day. GPU pods use card-hours of gpu.<model>: num_gpu cards, or the share gpu_milli of one; pods
without a GPU use core-hours. A second is 1/3600 hour, which no decimal holds: the parts of a
pod are floor(total so far) - floor(total before) in units of 1e-9, so that nothing is lost
between days. Firms are made up; which one owns a pod is a stable hash of the pod's name.
"""

import argparse
import csv
import datetime
import hashlib
import json
import pathlib
import sys

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
DAY = 86_400
FIRMS = 40
SOURCE = "/trace/alibaba-gpu-2023"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(index):
    """A valid 统一社会信用代码 (GB 32100-2015) for the firm with this index."""
    body = f"91500000MA60{index:05d}"
    total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


def firm_of(pod_name):
    digest = hashlib.sha256(pod_name.encode()).digest()
    return uscc(int.from_bytes(digest[:8], "big") % FIRMS)


def sku_and_milli(pod):
    """The SKU, and how many thousandths of its unit run at once."""
    cards = int(pod["num_gpu"])
    if cards == 0:
        return "cpu.core_hour", int(pod["cpu_milli"])
    models = sorted(model.lower() for model in pod["gpu_spec"].split("|") if model)
    milli = int(pod["gpu_milli"]) if cards == 1 else cards * 1000
    return "gpu." + (models[0] if models else "any"), milli


def nanos(milli, seconds):
    """Hours × units in 1e-9, cut off."""
    return milli * seconds * 1_000_000_000 // (1000 * 3600)


def decimal(units):
    text = f"{units // 10**9}.{units % 10**9:09d}"
    return text.rstrip("0").rstrip(".")


def instant(seconds):
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat()


def events_of(pod):
    name = pod["name"]
    first = begin = int(pod["scheduled_time"] or pod["creation_time"])
    end = int(pod["deletion_time"])
    sku, milli = sku_and_milli(pod)
    while begin < end:
        until = min(end, (begin // DAY + 1) * DAY)
        quantity = nanos(milli, until - first) - nanos(milli, begin - first)
        if quantity > 0:
            yield {"specversion": "1.0", "type": "compute.usage.v1", "source": SOURCE,
                   "id": f"{name}/{instant(begin)[:10]}", "subject": firm_of(name), "time": instant(until),
                   "data": {"sku": sku, "quantity": decimal(quantity), "start": instant(begin),
                            "end": instant(until), "project": pod["qos"], "job": name}}
        begin = until


def firm(index):
    """Three in four firms are eligible, some of them only for a part of the time."""
    whole = {"category": "ai_agent", "from": "2026-01-01", "until": None, "basis": "示例认定文件", "evidence_sha256": "0" * 64}
    eligibility = {0: [whole], 1: [whole], 2: [dict(whole, **{"from": "2026-02-10"})], 3: []}[index % 4]
    if index % 8 == 1:
        eligibility = [dict(whole, until="2026-04-20")]
    related = [{"from": "2026-02-01", "until": "2026-03-01"}] if index == 4 else []
    return {"name": f"示例软信企业{index + 1:02d}号", "district": "渝北区", "eligibility": eligibility,
            "related_party": related, "predecessors": []}


def facts(skus):
    for sku in skus:
        gpu = sku.startswith("gpu.")
        yield "skus", sku, {"name": "GPU 卡时" if gpu else "CPU 核时", "unit": "card_hour" if gpu else "core_hour",
                            "kind": "compute", "tax_rate": "0.06"}
    for index in range(FIRMS):
        yield "firms", uscc(index), firm(index)
    prices = {"2026-01": ("2026-01-01", False, "8.50", "0.12"), "2026-03": ("2026-03-16", True, "8.90", "0.125")}
    for version, (effective_from, inclusive, card, core) in prices.items():
        yield "price-books", "trace-" + version, {
            "effective_from": effective_from, "tax_inclusive": inclusive,
            "prices": {sku: card if sku.startswith("gpu.") else core for sku in skus}}
    # A cap this small is reached by several firms of this trace, so that it is tested.
    yield "policies", "trace-2026", {
        "title": "算力券（测试用）", "document": "示例", "from": "2026-01-01", "until": "2028-01-01",
        "categories": ["ai_agent"], "rate": "0.20", "annual_cap": "2000.00", "tax_basis": "net",
        "subsidised_kinds": ["compute"], "settlement": "reimburse", "require_payment": False}
    yield "contracts", "trace-c1", {"firm": uscc(0), "signed": "2026-01-20", "from": "2026-02-01", "until": "2026-05-01",
                                    "discount": "0.10"}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("pods", metavar="PODS.csv")
    arguments.add_argument("--facts", metavar="DIR", help="write the facts into DIR instead of the events to stdout")
    given = arguments.parse_args()
    with open(given.pods, newline="", encoding="utf-8") as file:
        pods = list(csv.DictReader(file))
    if given.facts:
        for kind, key, body in facts(sorted({sku_and_milli(pod)[0] for pod in pods})):
            path = pathlib.Path(given.facts) / kind / (key + ".json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return
    for pod in pods:
        for event in events_of(pod):
            sys.stdout.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
