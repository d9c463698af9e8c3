#!/usr/bin/env python3
"""Checks a voucherd bundle offline: the closed statement follows, by the rules, from the events and facts in the
bundle, and these are what the journal holds under its signed head.   verify_bundle.py BUNDLE [--key KEY]
KEY is the centre's verifier key (or a file with it), from the centre by another way than the bundle; without it
nothing shows who made the bundle. Needs Python 3.9 and, for the signature, the package `cryptography`. Written from
FORMAT.md of metering/proof and billing/audit and the rules; shares no code with voucherd. Exit status 1: refused."""
import base64, bisect, collections, datetime, functools, hashlib, json, mmap, os, re, struct, sys
from collections import Counter
from fractions import Fraction

GENESIS, FACTS, CLOSE, USAGE, CORRECTION = 1, 3, 4, 1, 2
EVENT_FILE_BYTES, DAY_MS, EPOCH = 1 << 20, 86_400_000, datetime.date(1970, 1, 1).toordinal()
BUNDLE_BYTES_MAX, FILES_MAX, JSON_DEPTH_MAX, FIGURE_MAX = 1 << 36, 200_000, 32, 10**30  # of both verifiers
DECIMAL = re.compile(r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)(?:[eE]([+-]?[0-9]+))?")
DIGITS = {"quantity": 9, "net": 2, "tax": 2, "gross": 2, "eligible_quantity": 9, "eligible_amount": 2}
REASONS = ["policy_not_in_force", "sku_not_subsidised", "related_party", "firm_not_eligible"]
NUMERALS = "零壹贰叁肆伍陆柒捌玖"
Event = collections.namedtuple("Event", "kind time start end quantity source id sku project corrects")

class Refused(Exception): """The bundle is not what it claims to be: what, and where."""
def refuse_unless(condition, what):
    if not condition: raise Refused(what)

# --- bytes and text: nothing is made of them before they are within bounds ---------------------------------
def scaled(text, digits, least=-FIGURE_MAX, most=FIGURE_MAX):  # a decimal (rules §3) as a whole number of 10^-digits
    found = DECIMAL.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
    refuse_unless(found, f"{str(text)[:40]} is no decimal")
    exact = Fraction(found[1]) * Fraction(10) ** (max(-100, min(100, int(found[2] or 0))) + digits)
    refuse_unless(exact.denominator == 1 and least <= exact <= most, f"{text} is too fine or out of bounds")
    return exact.numerator
def millionths(text, most): return Fraction(scaled(text, 6, 0, most), 10**6)
def whole_number(digits): return scaled(digits[:41], 0, -10**18, 10**18)
def read_json(data, where):
    text, depth = str(data, "utf-8"), 0
    for bracket in re.findall(r"[][{}]", re.sub(r'"[^"\\]*(?:\\.[^"\\]*)*"', "", text)):
        depth += 1 if bracket in "[{" else -1
        refuse_unless(depth <= JSON_DEPTH_MAX, f"{where}: nests too deep")
    return json.loads(text, parse_int=whole_number, parse_float=whole_number, parse_constant=whole_number)

class Reader:
    def __init__(self, data, where):
        self.data, self.at, self.where = data, 0, where
    def bytes(self, count):
        refuse_unless(count <= len(self.data) - self.at, f"{self.where}: is cut short at byte {self.at}")
        self.at += count
        return bytes(self.data[self.at - count:self.at])
    def take(self, form):
        values = struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))
        return values if len(values) > 1 else values[0]
    def varint(self):
        value, shift, byte = 0, 0, 128
        while byte >= 128 and shift < 70:
            byte = self.take("B")
            value, shift = value | (byte & 127) << shift, shift + 7
        return value
    def text(self): return self.bytes(self.take("H")).decode()
    def end(self): refuse_unless(self.at == len(self.data), f"{self.where}: has bytes left over")

def tar_header(name, size):
    head = struct.pack("100s8s8s8s12s12s8s1s100s6s2s247s", name.encode(), b"0000644", b"0000000", b"0000000",
                       b"%011o" % size, b"%011o" % 0, b" " * 8, b"0", b"", b"ustar", b"00", b"")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]
def read_container(data):  # {name: bytes} of the archive, which must be written in the one way in which it can be
    data, files, at, end, last = memoryview(data), {}, 0, len(data) - 1024, ""  # a view: nothing is copied
    refuse_unless(end >= 0 and data[end:] == bytes(1024), "container: does not end with two blocks of zeros")
    while at < end:
        head = bytes(data[at:at + 512])
        name, digits = head[:100].rstrip(b"\0"), head[124:135]
        refuse_unless(re.fullmatch(b"[!-~]+", name) and re.fullmatch(b"[0-7]{11}", digits) and len(files) < FILES_MAX,
                      f"container: no file of a bundle begins at byte {at}")
        name, size = name.decode(), int(digits, 8)
        refuse_unless(head == tar_header(name, size) and name > last,
                      f"container: the header of {name} at byte {at} is not canonical, or out of order")
        body, at, last = at + 512, at + 512 + size + -size % 512, name
        files[name] = data[body:body + size]
        refuse_unless(at <= end and not any(data[body + size:at]), f"container: {name} is cut short or padded")
    return files

# --- proofs ------------------------------------------------------------------------------------------------
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def root_from(value, index, size, path, where):  # of a tree with this leaf's hash at `index` (RFC 6962 §2.1.1)
    refuse_unless(0 <= index < size and (len(path) >= 32 if size > 1 else not path), f"{where}: the path is malformed")
    if size == 1: return value
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return sha256(b"\1", root_from(value, index, split, path[:-32], where), path[-32:])
    return sha256(b"\1", path[-32:], root_from(value, index - split, size - split, path[:-32], where))

def read_head(note, key):  # (size, root) of the signed head; `key` None: the signature is not checked
    found = re.fullmatch(r"(.+)\n(0|[1-9][0-9]{0,18})\n(\S+)\n\n— (.+) (\S+)\n", note.decode())
    refuse_unless(found, "checkpoint: is not a head of three lines with one signature")
    root, signed = (base64.b64decode(text, validate=True) for text in (found[3], found[5]))
    again = [base64.b64encode(value).decode() for value in (root, signed)] == [found[3], found[5]]
    refuse_unless(again and found[1] == found[4] and (len(root), len(signed)) == (32, 68), "checkpoint: is malformed")
    if key is not None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        name, its_hash, public = key.strip().split("+", 2)
        public = base64.b64decode(public, validate=True)
        key_hash = sha256(name.encode(), b"\n", public)[:4]
        refuse_unless(len(public) == 33 and public[0] == 1 and key_hash.hex() == its_hash, "the key is damaged")
        refuse_unless((name, key_hash) == (found[4], signed[:4]), f"checkpoint: is signed by another key, {found[4]}")
        try:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], note[:note.index(b"\n\n") + 1])
        except InvalidSignature:
            raise Refused("checkpoint: the signature is wrong") from None
    return int(found[2]), root

class Records:
    """The records' leaves: each is proven to be in the tree before anything in it is believed."""
    def __init__(self, files, size, root):
        self.files, self.size, self.root, self.known = files, size, root, {}
    def leaf(self, position, record_type, version):  # (reader behind the header, intake time, payload's length)
        where = f"records/{position:020}.leaf"
        leaf, path = self.files.pop(where), self.files.pop(where[:-5] + ".path")
        refuse_unless(root_from(sha256(b"\0", leaf), position - 1, self.size, path, where) == self.root,
                      f"{where}: is not in the tree under the signed head")
        reader = Reader(leaf, where)
        *head, at, length = reader.take("4sBBHQqI")
        refuse_unless(head == [b"VREC", 1, record_type, version, position], f"{where}: is another record")
        return reader, at, length
    def genesis(self):  # of version 1 the record as stored, with a seed; else in parts
        form, shared = "IIi", b""
        if self.files[f"records/{1:020}.leaf"][6] == 1:
            reader, _, length = self.leaf(1, GENESIS, 1)
            form, shared = "IIiQ", reader.bytes(length)
        reader = Reader(shared or self.in_parts(1, GENESIS)[2], "records: the first")
        (version, rules, offset, *_), (currency, name, uscc) = reader.take(form), (reader.text() for _ in range(3))
        reader.end()
        refuse_unless((version, rules) == (1, 1) and abs(offset) <= 1440, "records: the first is no genesis")
        return {"offset": offset, "currency": currency, "provider": {"name": name, "uscc": uscc}}
    def in_parts(self, position, record_type):  # (type, intake time, what all may see, number of parts, their root)
        if position not in self.known:
            reader, at, _ = self.leaf(position, record_type, 2)
            shared, _, *parts = reader.bytes(reader.take("I")), reader.bytes(32), *reader.take("I32s")
            reader.end()
            self.known[position] = (record_type, at, shared, *parts)
        refuse_unless(self.known[position][0] == record_type, f"record {position}: is needed as two types")
        return self.known[position]
    def parts(self, folder, ending, record_type):  # (file's name, position, index, bytes) of each in the folder
        for name in sorted(name for name in self.files if name.startswith(folder) and name.endswith(ending)):
            position, index = (int(number) for number in name[len(folder):-len(ending)].split("-"))
            stem = f"{folder}{position:020}-{index:08}"
            *_, count, root = self.in_parts(position, record_type)
            part, salt, path = (self.files.pop(stem + its) for its in (ending, ".salt", ".path"))
            proven = root_from(sha256(b"\0", salt, part), index, count, path, name) == root
            refuse_unless(proven and len(salt) == 32, f"{name}: is not this part of its record")
            yield name, position, index, part

def read_close(records, position):
    _, at, shared, *_ = records.in_parts(position, CLOSE)
    reader = Reader(shared, f"records/{position:020}.leaf")
    first, last = (month_text(-(code >> 1) - 1 if code & 1 else code >> 1) for code in (reader.varint() for _ in "12"))
    kind, name, _ = (reader.bytes(reader.varint()).decode() for _ in range(3))  # who, and the reason
    previous, by = reader.varint(), {"kind": kind, "id": name}
    reader.end()
    return {"position": position, "at": at, "first": first, "last": last, "previous": previous, "by": by}

def read_close_part(data, firm, last, where):  # (statements, digest of the facts, chains) of the firm
    reader = Reader(data, where)
    refuse_unless((reader.text(), month_text(reader.take("i"))) == (firm, last), f"{where}: is another's")
    statements = [(month_text(reader.take("i")), reader.bytes(32)) for _ in range(reader.take("H"))]
    digest = reader.bytes(32)
    chains = [(month_text(reader.take("i")), *reader.take("Q32s")) for _ in range(reader.take("H"))]
    reader.end()
    return statements, digest, chains

# --- events ------------------------------------------------------------------------------------------------
def read_event(reader):
    kind, index, instants = reader.take("BIB")
    refuse_unless((kind, instants) in ((1, 1), (1, 2), (1, 3), (2, 1)), f"{reader.where}: an event is malformed")
    time = reader.take("q") if instants & 1 else None
    start, end = reader.take("qq") if instants & 2 else (time, time)
    quantity, source, identity, sku, project, _, _ = reader.take("q"), *(reader.text() for _ in range(6))
    corrects = (reader.text(), reader.text(), reader.text())[:2] if kind == CORRECTION else None
    refuse_unless(start <= end <= start + 31 * DAY_MS and 0 <= quantity <= 10**18 and (quantity or corrects),
                  f"{reader.where}: an event could not have been accepted")
    return index, Event(kind, time, start, end, quantity, source, identity, sku, project, corrects)

def read_events(files, before):  # {place: event}, {place: [its months]}, {month: [(position, events so far, chain)]}
    events, stands, chains, last_file = {}, {}, {}, {}
    for name in sorted(name for name in files if name.startswith("events/")):
        month, data = name[7:14], files.pop(name)
        number, filled = last_file.get(month, (0, EVENT_FILE_BYTES))
        refuse_unless(name == f"events/{month}/{number + 1:06}.bin" and filled >= EVENT_FILE_BYTES and data,
                      f"{name}: is empty, or not the next file of its month")
        reader, links = Reader(data, name), chains.setdefault(month, [(0, 0, bytes(32))])
        last_file[month] = number + 1, len(data)
        while reader.at < len(data):
            refuse_unless(reader.at < EVENT_FILE_BYTES, f"{name}: goes on behind its end")
            position, count, size = reader.take("QII")
            body, last = Reader(reader.bytes(size), f"{name}, record {position}"), -1
            refuse_unless(links[-1][0] < position < before and count, f"{body.where}: is out of order")
            for _ in range(count):
                index, event = read_event(body)
                same = events.setdefault((position, index), event) == event
                refuse_unless(index > last and same, f"{body.where}: its events are out of order, or differ by month")
                stands.setdefault((position, index), []).append(month)
                last = index
            body.end()
            value = sha256(b"\2", links[-1][2], struct.pack("<QI", position, count), sha256(body.data))
            links.append((position, links[-1][1] + count, value))
    return events, stands, chains

def check_events(events, stands, chains, closes, parts, offset):
    """At each close the chains were as its part says; each event stands in the chains of its months, and once."""
    for close in closes:
        stood = [(month, *links[bisect.bisect_left(links, (close["position"],)) - 1][1:])
                 for month, links in sorted(chains.items()) if month <= close["last"]]
        said = parts[close["position"]][2] if close["position"] in parts else []
        refuse_unless([chain for chain in stood if chain[1]] == said, f"events: are not those that {close} fixed")
    by_identity = {(event.source, event.id): event for event in events.values()}
    refuse_unless(len(by_identity) == len(events), "events: one identity stands twice")
    for place, event in events.items():
        usage = by_identity.get(event.corrects, event) if event.corrects else event
        touched = sorted({month_of(day) for day, _ in spread(0, usage.start, usage.end, offset)})
        stood = [month for month in touched if month <= closes[-1]["last"]]
        refuse_unless(usage.kind == USAGE and stands[place] == stood,
                      f"event {place}: corrects what is not there, or is not in the chains of its months")

def spread(quantity, begin, end, offset):  # (day, part) of rules §2: running totals, cut off, so that the parts add up
    begin, end, given = begin + offset * 60_000, end + offset * 60_000, 0
    first, last = begin // DAY_MS, max(begin, end - 1) // DAY_MS
    for day in range(first, last + 1):
        until = quantity if day == last else quantity * ((day + 1) * DAY_MS - begin) // (end - begin)
        yield day + EPOCH, until - given
        given = until
def usage_totals(events, offset, period):  # {(day, SKU, project): quantity}; the latest correction counts (rules §7)
    usage, corrections = Counter(), [event for event in events if event.corrects]
    latest = {event.corrects: event.quantity for event in sorted(corrections, key=lambda e: (e.time, e.source, e.id))}
    for event in events:
        quantity = latest.get((event.source, event.id), event.quantity)
        for day, part in () if event.corrects else spread(quantity, event.start, event.end, offset):
            if month_of(day) <= period:
                usage[day, event.sku, event.project] += part
    return usage

# --- the rules: numbers and words --------------------------------------------------------------------------
def half_away_from_zero(exact): return int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
def decimal(units, digits=9):  # units of 10^-digits; without trailing zeros
    whole, part = divmod(abs(units), 10**digits)
    return "-" * (units < 0) + f"{whole}.{part:0{digits}}".rstrip("0").rstrip(".")
def yuan(fen): return "-" * (fen < 0) + f"{abs(fen) // 100}.{abs(fen) % 100:02}"
@functools.lru_cache(None)
def day_number(date):  # fromisoformat() takes other forms, too
    return datetime.date.fromisoformat(date if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", date) else "").toordinal()
def month_of(day): return datetime.date.fromordinal(day).isoformat()[:7]
def month_text(months):
    refuse_unless(-1970 <= months // 12 < 8030, f"{months} is no month")
    return f"{1970 + months // 12:04}-{months % 12 + 1:02}"
def zone(offset): return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
def canonical(value): return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
def instant(ms, offset):
    local = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms, minutes=offset)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds") + zone(offset)
def integer_in_words(number):
    for value, name in ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾")):
        if number >= value:
            high, low = divmod(number, value)
            gap = NUMERALS[0] if low and (low < value // 10 or high % 10**4 == 0) else ""
            return integer_in_words(high) + name + gap + (integer_in_words(low) if low else "")
    return NUMERALS[number]
def in_words(fen):
    sign, fen = "人民币" + "（负数）" * (fen < 0), abs(fen)
    whole, jiao, rest = fen // 100, fen // 10 % 10, fen % 10
    words = sign + (integer_in_words(whole) + "元" if whole or not fen else "")
    gap = NUMERALS[0] if whole and (whole % 10 == 0 or not jiao) else ""
    small = (NUMERALS[jiao] + "角") * (jiao > 0) + (NUMERALS[rest] + "分") * (rest > 0)
    return words + (gap + small if small else "整")

# --- the rules: from usage to a statement ------------------------------------------------------------------
# Figures are a Counter: the six of DIGITS, ("ineligible", code), ("project", name, digits); missing ones are 0.
class Facts:
    """What billing knew of one firm, by kind and key; asked by day."""
    def __init__(self, bodies, firm):
        self.firm, self.days = bodies["firm", firm], {}
        self.skus, self.books, self.policies, self.contracts, self.awards = (
            {key: body for (its_kind, key), body in sorted(bodies.items()) if its_kind == kind}
            for kind in ("sku", "price_book", "policy", "contract", "external_award"))
        for key, body in [*self.contracts.items(), *self.awards.items()]:
            refuse_unless(body["firm"] == firm, f"facts: {key} is another firm's")
    @staticmethod
    def covers(interval, day):
        return day_number(interval["from"]) <= day and (not interval["until"] or day < day_number(interval["until"]))
    def on(self, day):  # keys of its book, contract and policy, and why the firm is not eligible on it; or None
        if day not in self.days:
            books = [(day_number(book["effective_from"]), key) for key, book in self.books.items()]
            book = max((book for book in books if book[0] <= day), default=(0, None))[1]
            contract, policy = (next((key for key, fact in facts.items() if self.covers(fact, day)), None)
                                for facts in (self.contracts, self.policies))
            fits = policy and any(self.covers(interval, day) for interval in self.firm["eligibility"]
                                  if interval["category"] in self.policies[policy]["categories"])
            related = any(self.covers(interval, day) for interval in self.firm["related_party"])
            reason = REASONS[0] if not policy else REASONS[2] if related else None if fits else REASONS[3]
            self.days[day] = book, contract, policy, reason
        return self.days[day]
    def price(self, sku, book, contract):  # ([(up to, yuan)], by contract); None where there is no price
        terms = self.contracts.get(contract, {})
        listed, own = self.books.get(book, {"prices": {}})["prices"].get(sku), terms.get("prices", {}).get(sku)
        price = own or listed
        if book not in self.books or price is None: return None
        factor = 1 - millionths(terms.get("discount", "0"), 10**6)
        tiers = [{"price": price}] if isinstance(price, str) else price["tiers"]
        return [(scaled(tier["up_to"], 9) if "up_to" in tier else None, millionths(tier["price"], 10**12 - 1) * factor)
                for tier in tiers], bool(own or "discount" in terms)
    def last_policy(self, first, last):  # The last one in force on any day of these months; None: none is
        touching = [(policy["from"], key) for key, policy in self.policies.items() if policy["from"][:7] <= last
                    and (not policy["until"] or policy["until"] > first + "-01")]
        return max(touching, default=(0, None))[1]

def taxed(tiers, part, whole, rate, inclusive):
    """(net, tax, gross) in fen of `part` of a charge of the quantity `whole` (rules §3, §4)."""
    exact, below = Fraction(0), 0
    for up_to, price in tiers:
        upper = whole if up_to is None else min(up_to, whole)
        exact, below = exact + max(0, upper - below) * price, max(below, upper)
    amount = half_away_from_zero(exact * part / whole * 100 / 10**9)
    net = half_away_from_zero(amount / (1 + rate)) if inclusive else amount
    tax = amount - net if inclusive else half_away_from_zero(amount * rate)
    return net, tax, net + tax

def rate_usage(usage, facts):  # {(month, SKU, book, contract): (figures, {policy: eligible})}, {(month, SKU): unpriced}
    drafts, unpriced = {}, Counter()
    for (day, sku, project), quantity in usage.items():
        book, contract, policy, reason = facts.on(day)
        price = facts.price(sku, book, contract)
        if quantity and price is None:
            unpriced[month_of(day), sku] += quantity
        elif quantity:
            key = (month_of(day), sku, book, contract if price[1] else "")
            tiers, projects, parts = drafts.setdefault(key, (price[0], Counter(), Counter()))
            if policy and facts.skus[sku]["kind"] not in facts.policies[policy]["subsidised_kinds"]:
                reason = REASONS[1]
            projects[project] += quantity
            parts[reason, None if reason else policy] += quantity
    return {key: charge(key, *draft, facts) for key, draft in drafts.items()}, unpriced

def charge(key, tiers, projects, parts, facts):
    rate, inclusive = millionths(facts.skus[key[1]]["tax_rate"], 10**6), facts.books[key[2]]["tax_inclusive"]
    whole, by_policy = sum(projects.values()), Counter()
    net, tax, gross = taxed(tiers, whole, whole, rate, inclusive)
    figures = Counter({"quantity": whole, "net": net, "tax": tax, "gross": gross})
    for (reason, policy), part in parts.items():
        figures["eligible_quantity" if policy else ("ineligible", reason)] += part
        if policy:
            basis = 0 if facts.policies[policy]["tax_basis"] == "net" else 2
            by_policy[policy] = taxed(tiers, part, whole, rate, inclusive)[basis]
    figures["eligible_amount"], so_far, allocated = sum(by_policy.values()), 0, 0
    for project, part in sorted(projects.items()):
        so_far += part
        up_to_here = half_away_from_zero(Fraction(net * so_far, whole))
        figures["project", project, 9], figures["project", project, 2] = part, up_to_here - allocated
        allocated = up_to_here
    return figures, by_policy

def added(a, b, sign=1): return Counter({name: a[name] + sign * b[name] for name in a.keys() | b.keys()})
def what_was_billed(statements):  # What closed statements say, added up: (charges, granted by year)
    charges, granted = {}, Counter()
    for statement in statements:
        for line in statement["lines"]:
            key = (line["usage_month"], line["sku"], line["price_book"], line["contract"] or "")
            said = Counter({name: scaled(line[name], digits) for name, digits in DIGITS.items()})
            said.update({("ineligible", part["code"]): scaled(part["quantity"], 9) for part in line["ineligible"]})
            said.update({("project", part["project"] or "", digits): scaled(part[name], digits)
                         for part in line["projects"] for name, digits in (("quantity", 9), ("net", 2))})
            charges[key] = added(charges.get(key, Counter()), said)
        granted.update({year["year"]: scaled(year["this_statement"], 2) for year in statement["subsidy"]})
    return charges, granted

def shown(figures): return {name: (yuan, decimal)[digits == 9](figures[name]) for name, digits in DIGITS.items()}
def statement_line(key, now, before, period, facts):
    (month, sku, book, contract), line, price = key, added(now, before, -1), facts.price(*key[1:])
    flat = price and price[1] == bool(contract) and len(price[0]) == 1
    projects, said = sorted({name[1] for name in line if name[0] == "project" and line[name]}), shown(line)
    return {"usage_month": month, "adjustment": month < period, "sku": sku, "unit": facts.skus[sku]["unit"],
            "contract": contract or None, "price_book": book, "quantity": said["quantity"],
            "unit_price": decimal(int(price[0][0][1] * 10**12), 12) if flat else None, "net": said["net"],
            "tax_rate": facts.skus[sku]["tax_rate"], "tax": said["tax"], "gross": said["gross"],
            "eligible_quantity": said["eligible_quantity"], "eligible_amount": said["eligible_amount"],
            "ineligible": [{"code": code, "quantity": decimal(line["ineligible", code])}
                           for code in REASONS if line["ineligible", code]],
            "projects": [{"project": name or None, "quantity": decimal(line["project", name, 9]),
                          "net": yuan(line["project", name, 2])} for name in projects]} | (
        {"before": shown(before), "after": shown(now)} if month < period else {})

def subsidy_year(year, charges, granted, facts, period, stated):  # `stated`: other centres' parts, for predecessors
    through, eligible = min(period, f"{year:04}-12"), Counter()
    for (month, *_), (_, by_policy) in charges.items():
        eligible.update(by_policy if int(month[:4]) == year and month <= through else {})
    other_centres, other_awards = (sum(scaled(award["amount"], 2) for award in facts.awards.values() if (
        award["kind"], award["year"]) == (kind, year)) for kind in ("same_programme", "other_policy"))
    if facts.firm["predecessors"]:
        refuse_unless(stated[year] >= other_centres, "statement.json: other_centres is below the firm's own awards")
        other_centres = stated[year]
    earned, cap_of = Fraction(0), lambda policy: scaled(facts.policies[policy]["annual_cap"], 2) if policy else 0
    for policy in sorted(eligible, key=lambda key: day_number(facts.policies[key]["from"])):
        more = millionths(facts.policies[policy]["rate"], 10**6) * eligible[policy]
        earned = max(earned, min(max(0, cap_of(policy) - other_centres), earned + more))
    target = max(0, half_away_from_zero(earned) - other_awards)
    cap = cap_of(facts.last_policy(f"{year:04}-01", through))
    return {"year": year, "eligible_to_date": sum(eligible.values()), "target": target, "granted_before": granted[year],
            "this_statement": target - granted[year], "cap": cap, "other_centres": other_centres,
            "remaining": max(0, cap - other_centres - target)}

def recompute(usage, facts, earlier, head, close, stated):  # The canonical bytes of the statement that the rules give
    period, (charges, unpriced), (billed, granted) = head["period"], rate_usage(usage, facts), what_was_billed(earlier)
    lines, total, zero = [], Counter(), (Counter(), Counter())
    for key in sorted(charges.keys() | billed.keys()):
        now, before = charges.get(key, zero)[0], billed.get(key, zero[0])
        if any(now[name] != before[name] for name in DIGITS):
            lines.append(statement_line(key, now, before, period, facts))
            total = added(total, added(now, before, -1))
    years = {int(key[0][:4]) for key, (figures, _) in charges.items() if figures["eligible_quantity"]}
    years |= {year for year, fen in granted.items() if fen and year <= int(period[:4])}
    other_centres = Counter({year["year"]: scaled(year["other_centres"], 2) for year in stated["subsidy"]})
    subsidy = [subsidy_year(year, charges, granted, facts, period, other_centres) for year in sorted(years)]
    subsidised, policy = sum(row["this_statement"] for row in subsidy), facts.last_policy(period, period)
    terms = facts.policies.get(policy, {"rate": None, "settlement": "reimburse", "tax_basis": None})
    payable = total["gross"] - (subsidised if terms["settlement"] == "deduct" else 0)
    return canonical({
        "statement": f"{period}/{head['firm']}", "period": period, "state": "closed",
        "closed_at": instant(close["at"], head["offset"]), "closed_by": close["by"], "provider": head["provider"],
        "firm": {name: facts.firm[name] for name in ("uscc", "name", "district")}, "currency": head["currency"],
        "utc_offset": zone(head["offset"]), "policy": policy, "rate": terms["rate"],
        "settlement": terms["settlement"], "tax_basis": terms["tax_basis"], "lines": lines,
        "unpriced": [{"usage_month": month, "sku": sku, "unit": facts.skus[sku]["unit"], "quantity": decimal(part)}
                     for (month, sku), part in sorted(unpriced.items())],
        "totals": {"net": yuan(total["net"]), "tax": yuan(total["tax"]), "gross": yuan(total["gross"]),
                   "eligible": yuan(total["eligible_amount"]), "subsidy": yuan(subsidised), "payable": yuan(payable)},
        "payable_in_words": in_words(payable),
        "subsidy": [{name: fen if name == "year" else yuan(fen) for name, fen in row.items()} for row in subsidy]})

# --- the bundle --------------------------------------------------------------------------------------------
def read_facts(records, digest, before):
    listed, bodies = [], {}
    for name, position, index, data in records.parts("facts/", ".json", FACTS):
        change = read_json(data, name)
        refuse_unless(position < before, f"{name}: is of a record behind the close that rests on it")
        refuse_unless((change["kind"], change["key"]) not in bodies, f"{name}: is another version of a fact")
        listed.append((change["kind"].encode(), change["key"].encode(), position, index))
        bodies[change["kind"], change["key"]] = change["body"]
    listed = [struct.pack(f"<H{len(kind)}sH{len(key)}sQI", len(kind), kind, len(key), key, position, index)
              for kind, key, position, index in sorted(listed)]
    refuse_unless(sha256(*listed) == digest, "facts: are not those that the close rests on")
    return bodies

def check(data, key):  # What is proven, as a dictionary. Raises Refused, or what its bytes make Python raise
    files = read_container(data)
    manifest = read_json(files["manifest.json"], "manifest.json")
    firm, period = manifest["firm"], manifest["period"]
    size, root = read_head(bytes(files.pop("checkpoint")), key)
    records, closes, parts, statements = Records(files, size, root), [], {}, {}
    head = records.genesis() | {"firm": firm, "period": period}
    for name in sorted(name for name in files if name.startswith("records/") and name.endswith(".leaf")):
        if files[name][5] == CLOSE:
            closes.append(read_close(records, int(name[8:28])))
            refuse_unless(closes[-1]["previous"] == (closes[-2]["position"] if closes[1:] else 0),
                          f"{name}: the close before it is not in the bundle")
    close, last_months = closes[-1], {close["position"]: close["last"] for close in closes}
    refuse_unless(close["first"] <= period <= close["last"], "records: the last close is not that of the month")
    for name, position, _, part in records.parts("closes/", ".part", CLOSE):
        refuse_unless(position not in parts, f"{name}: the firm has another part of this close")
        parts[position] = read_close_part(part, firm, last_months[position], name)
    events, stands, chains = read_events(files, close["position"])
    check_events(events, stands, chains, closes, parts, head["offset"])
    facts = Facts(read_facts(records, parts[close["position"]][1], close["position"]), firm)
    for month, digest in (entry for position in sorted(parts) for entry in parts[position][0] if entry[0] <= period):
        name = "statement.json" if month == period else f"earlier/{month}.json"
        statements[month] = bytes(files.pop(name))
        refuse_unless(sha256(statements[month]) == digest, f"{name}: is not the statement that was closed")
    stated, earlier = statements.pop(period), [read_json(*each[::-1]) for each in statements.items()]
    usage, said = usage_totals(events.values(), head["offset"], period), read_json(stated, "statement.json")
    again = recompute(usage, facts, earlier, head, close, said)
    at = max(0, len(os.path.commonprefix([stated, again])) - 40)
    refuse_unless(again == stated, f"statement.json: says {stated[at:at + 80]}, the rules give {again[at:at + 80]}")
    named = dict(format="voucherd bundle 1", firm=firm, period=period, close=close["position"], tree_size=size)
    refuse_unless(files.pop("manifest.json") == canonical(named), "manifest.json: is not that of this bundle")
    refuse_unless(not files, f"{next(iter(files), '')}: does not belong into this bundle")
    return named | {"totals": said["totals"], "events": len(events), "root": root.hex(),
                    "taken_from_the_statement": ["predecessors' use of the cap"] * bool(facts.firm["predecessors"])}

def verify(data, key):
    try:
        return check(data, key)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error) as fault:
        raise Refused(f"the bundle is malformed: {type(fault).__name__} {fault}") from fault

if __name__ == "__main__":
    if len(sys.argv) not in (2, 4) or sys.argv[2:3] not in ([], ["--key"]): sys.exit(__doc__)
    trusted = sys.argv[3] if sys.argv[3:] else None
    if trusted and os.path.isfile(trusted): trusted = open(trusted, encoding="utf-8").read()
    try:
        bundle = open(sys.argv[1], "rb")
        refuse_unless(0 < bundle.seek(0, 2) <= BUNDLE_BYTES_MAX, "container: is empty, or larger than any bundle")
        bundle = mmap.mmap(bundle.fileno(), 0, access=mmap.ACCESS_READ)  # read where it lies: it need not fit memory
        print(json.dumps(verify(bundle, trusted), ensure_ascii=False))
    except Refused as refused:
        sys.exit(f"REFUSED {refused}")
    print("All of it holds." if trusted else "It holds together, but nothing shows who made it: no key was given.")
