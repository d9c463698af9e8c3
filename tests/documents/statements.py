"""Statements as canonical JSON, made up: what the golden documents show. Every figure adds up, as the
daemon's do; nothing here is random."""

PROVIDER = {"name": "示例智算中心", "uscc": "91500000MA5U00000W"}
ROOT = "9f2c51c0a3b86a4f0d6f3a7e2b1c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"


def fen(amount):
    """An integer of fen as canonical JSON has it."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def thousandths(quantity):
    """An integer of 1/1000 without trailing zeros."""
    sign, quantity = ("-", -quantity) if quantity < 0 else ("", quantity)
    whole, fraction = divmod(quantity, 1000)
    return sign + (f"{whole}.{fraction:03d}".rstrip("0") if fraction else str(whole))


def half_away(numerator, denominator):
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def figures(quantity, eligible, price):
    """Of thousandths, at a price in fen, with 6 % tax."""
    net, eligible_amount = half_away(quantity * price, 1000), half_away(eligible * price, 1000)
    tax = half_away(net * 6, 100)
    return {"quantity": quantity, "net": net, "tax": tax, "gross": net + tax,
            "eligible_quantity": eligible, "eligible_amount": eligible_amount}


def shown(values):
    return {name: thousandths(value) if name.endswith("quantity") else fen(value) for name, value in values.items()}


def line(sku, quantity, price, *, eligible=None, month="2026-03", before=None, contract=None, book="2026-q1",
         unit="card_hour", projects=(), ineligible=(), tiers=False):
    """`quantity` is what is known now; with `before`, what had been billed, the line is an adjustment."""
    eligible = quantity if eligible is None else eligible
    now = figures(quantity, eligible, price)
    then = figures(before, before, price) if before is not None else {name: 0 for name in now}
    change = {name: now[name] - then[name] for name in now}
    made = {"usage_month": month, "adjustment": before is not None, "sku": sku, "unit": unit, "contract": contract,
            "price_book": book, "unit_price": None if tiers else fen(price).rstrip("0").rstrip("."), "tax_rate": "0.06",
            "ineligible": [{"code": code, "quantity": thousandths(part)} for code, part in ineligible],
            "projects": [], **shown(change)}
    given, given_net = 0, 0
    for name, part in projects or ((None, change["quantity"]),):
        given += part
        net = half_away(change["net"] * given, change["quantity"]) if change["quantity"] else 0
        made["projects"].append({"project": name, "quantity": thousandths(part), "net": fen(net - given_net)})
        given_net = net
    if before is not None:
        made["before"], made["after"] = shown(then), shown(now)
    return made


def total(lines, member):
    return sum(int(each[member].replace(".", "")) for each in lines)


def statement(lines, *, name="甲科技有限公司", granted=0, state="closed", words="", unpriced=(), eligible_before=0,
              settlement="reimburse"):
    firm = "914403001922038216"
    eligible = total(lines, "eligible_amount")
    target = max(0, min(100_000_000, half_away((eligible + eligible_before) * 20, 100)))
    subsidy, gross = target - granted, total(lines, "gross")
    made = {"statement": "2026-03/" + firm, "period": "2026-03", "state": state}
    if state == "closed":
        made |= {"closed_at": "2026-04-01T09:00:00+08:00", "closed_by": {"kind": "local", "id": "finance"}}
    return made | {
        "provider": PROVIDER, "firm": {"uscc": firm, "name": name, "district": "渝北区"}, "currency": "CNY",
        "utc_offset": "+08:00", "policy": "cq-2025-12", "rate": "0.20", "settlement": settlement, "tax_basis": "net",
        "lines": lines, "unpriced": list(unpriced),
        "totals": {"net": fen(total(lines, "net")), "tax": fen(total(lines, "tax")), "gross": fen(gross),
                   "eligible": fen(eligible), "subsidy": fen(subsidy),
                   "payable": fen(gross - subsidy if settlement == "deduct" else gross)},
        "payable_in_words": words,
        "subsidy": [{"year": 2026, "eligible_to_date": fen(eligible + eligible_before), "target": fen(target),
                     "granted_before": fen(granted), "this_statement": fen(subsidy), "cap": "1000000.00",
                     "other_centres": "0.00", "remaining": fen(max(0, 100_000_000 - target))}],
        "journal": {"position": 1842, "root": ROOT},
        "daily": [{"day": "2026-03-01", "sku": lines[0]["sku"], "unit": lines[0]["unit"], "project": "agent-platform",
                   "quantity": "1.25"},
                  {"day": "2026-03-31", "sku": lines[0]["sku"], "unit": lines[0]["unit"], "project": "",
                   "quantity": "0.000000001"}]}


def one_line():
    return statement([line("gpu.a800", 12_500, 850, projects=(("agent-platform", 12_500),))],
                     words="人民币壹佰壹拾贰元陆角叁分")


def many_lines():
    skus = ["gpu.a800", "gpu.h20", "npu.910b", "cpu.kunpeng-920", "storage.ssd", "network.rdma", "llm.tokens", "gpu.4090"]
    units = ["card_hour", "card_hour", "card_day", "core_hour", "gib_month", "gib", "ktoken", "card_hour"]
    lines = []
    for i in range(200):
        quantity = 1_000 + (i * 7_919_333) % 98_765_432
        subsidised = i % 8 not in (4, 5)
        parts = (("agent-platform", quantity // 3), ("数字孪生平台", quantity - quantity // 3))
        lines.append(line(f"{skus[i % 8]}.{i // 8:02d}", quantity, 85 + (i * 137) % 9_900, unit=units[i % 8],
                          eligible=quantity if subsidised else 0, contract=f"HT-2026-{i:03d}" if i % 3 == 0 else None,
                          projects=parts if i % 10 == 0 else (), tiers=i % 17 == 5,
                          ineligible=() if subsidised else (("sku_not_subsidised", quantity),)))
    return statement(lines, words="（大写金额，此处为示例）")


def adjustments():
    lines = [line("gpu.a800", 10_000, 850, before=12_000, month="2026-01", contract="HT-2026-01",
                  projects=(("agent-platform", -2_000),)),
             line("npu.910b", 0, 1_275, before=480_250, month="2026-02"),
             line("gpu.a800", 15_500, 850, eligible=12_500, projects=((None, 3_000), ("agent-platform", 12_500)),
                  ineligible=(("related_party", 1_000), ("firm_not_eligible", 2_000)))]
    return statement(lines, eligible_before=800_000, granted=160_000,
                     words="（负数）人民币陆仟叁佰陆拾捌元肆角",
                     unpriced=({"usage_month": "2026-03", "sku": "gpu.h20", "unit": "card_hour", "quantity": "4.25"},))


def long_names():
    name = "重庆两江新区数字经济产业园人工智能与数字孪生体协同创新发展示范应用研究院股份有限公司渝北区仙桃国际大数据谷第一分公司分部"
    assert len(name) == 60, len(name)
    project = "平台" * 18 + "-agent-platform-2026"
    assert len(project.encode()) <= 128
    lines = [line("gpu.a800-80g-nvlink-8x-cluster-" + "x" * 97, 123_456_789_125, 999_999, contract="HT-" + "9" * 61,
                  projects=((project, 123_456_789_125),))]
    return statement(lines, name=name, state="open", words="人民币壹拾叁亿零捌佰陆拾肆万余元（示例）", settlement="deduct")


ALL = {"one-line": one_line, "many-lines": many_lines, "adjustments": adjustments, "long-names": long_names}
