"""What a forger without the key can make of a bundle: changes of bytes, of files, and of what the files say, with as
many hashes put right behind them as can be without the key. Every change is drawn from a seeded generator."""

import base64
import hashlib
import json
import struct

PARTS = {"closes": ".part", "facts": ".json"}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def header(name, size):
    head = bytearray(512)
    for at, text in ((0, name.encode()), (100, b"0000644"), (108, b"0000000"), (116, b"0000000"),
                     (124, b"%011o" % size), (136, b"%011o" % 0), (148, b" " * 8), (156, b"0"), (257, b"ustar"),
                     (263, b"00")):
        head[at:at + len(text)] = text
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def unpack(bundle):
    files, at = {}, 0
    while at < len(bundle) - 1024:
        name, size = bundle[at:at + 100].rstrip(b"\0").decode(), int(bundle[at + 124:at + 135], 8)
        files[name] = bundle[at + 512:at + 512 + size]
        at += 512 + size + -size % 512
    return files


def pack(files, order=None):
    blocks = [header(name, len(files[name])) + files[name] + bytes(-len(files[name]) % 512)
              for name in (order or sorted(files))]
    return b"".join(blocks) + bytes(1024)


# Trees, by ranges of leaves: a forger knows the hashes on the paths that the bundle shows.

def split_of(size):
    return 1 << (size - 1).bit_length() - 1


def siblings(index, begin, end):
    """Ranges of the path's hashes, from the leaf upwards."""
    if end - begin == 1:
        return []
    middle = begin + split_of(end - begin)
    if index < middle:
        return siblings(index, begin, middle) + [(middle, end)]
    return siblings(index, middle, end) + [(begin, middle)]


def rebuild(leaves, paths, size):
    """(new paths, new root) of a tree of which some leaves are known, by index, with their former paths."""
    known = {}
    for index, path in paths.items():
        for at, span in enumerate(siblings(index, 0, size)):
            known[span] = path[32 * at:32 * at + 32]
    known_leaves = dict(leaves)

    def root(begin, end):
        if not any(begin <= index < end for index in known_leaves):
            return known[begin, end]
        if end - begin == 1:
            return known_leaves[begin]
        middle = begin + split_of(end - begin)
        return sha256(b"\1", root(begin, middle), root(middle, end))

    return {index: b"".join(root(*span) for span in siblings(index, 0, size)) for index in leaves}, root(0, size)


# Putting hashes right, step by step: chains → the close's part → the record's leaf → the tree's head.

def links_of(data):
    links, at = [], 0
    while at < len(data):
        position, count, size = struct.unpack_from("<QII", data, at)
        links.append((position, count, data[at + 16:at + 16 + size]))
        at += 16 + size
    return links


def fix_part_of_close(files, part):
    """The firm's part says what the events, statements and facts in the bundle now are."""
    position = int(part[7:27])
    size = struct.unpack_from("<H", part_bytes := files[part], 0)[0]
    at = 2 + size
    through, statements = struct.unpack_from("<iH", part_bytes, at)
    out, at = bytearray(part_bytes[:at + 6]), at + 6
    period = json.loads(files["manifest.json"])["period"]
    for _ in range(statements):
        month = struct.unpack_from("<i", part_bytes, at)[0]
        text = f"{1970 + month // 12:04}-{month % 12 + 1:02}"
        name = "statement.json" if text == period else f"earlier/{text}.json"
        digest = sha256(files[name]) if name in files else part_bytes[at + 4:at + 36]
        out += struct.pack("<i", month) + digest
        at += 36
    facts = []
    if position == json.loads(files["manifest.json"])["close"]:
        for name in files:
            if name.startswith("facts/") and name.endswith(".json"):
                change = json.loads(files[name])
                facts.append((change["kind"].encode(), change["key"].encode(), int(name[6:26]), int(name[27:35])))
        text = lambda value: struct.pack("<H", len(value)) + value
        out += sha256(*(text(kind) + text(key) + struct.pack("<QI", *place) for kind, key, *place in sorted(facts)))
    else:
        out += part_bytes[at:at + 32]
    chains = {}
    for name in sorted(name for name in files if name.startswith("events/")):
        year, month = int(name[7:11]), int(name[12:14])
        months = (year - 1970) * 12 + month - 1
        events, value = chains.get(months, (0, bytes(32)))
        for its_position, count, data in links_of(files[name]):
            if its_position < position:
                value = sha256(b"\2", value, struct.pack("<QI", its_position, count), sha256(data))
                events += count
        if events and months <= through:
            chains[months] = events, value
    out += struct.pack("<H", len(chains))
    for months, (events, value) in sorted(chains.items()):
        out += struct.pack("<iQ", months, events) + value
    files[part] = bytes(out)


def fix_parts_roots(files):
    """Each record's leaf has the root of its parts as they now are, and each part its path in it."""
    by_record = {}
    for folder, ending in PARTS.items():
        for name in files:
            if name.startswith(folder + "/") and name.endswith(ending):
                by_record.setdefault(int(name.split("/")[1][:20]), []).append(name[:-len(ending)])
    for position, stems in by_record.items():
        leaf_name = f"records/{position:020}.leaf"
        leaf = files[leaf_name]
        count = struct.unpack_from("<I", leaf, len(leaf) - 36)[0]
        leaves, paths = {}, {}
        for stem in stems:
            ending = PARTS[stem.split("/")[0]]
            leaves[int(stem[-8:])] = sha256(b"\0", files[stem + ".salt"], files[stem + ending])
            paths[int(stem[-8:])] = files[stem + ".path"]
        new_paths, root = rebuild(leaves, paths, count)
        for stem in stems:
            files[stem + ".path"] = new_paths[int(stem[-8:])]
        files[leaf_name] = leaf[:-32] + root


def fix_tree(files):
    """The head's root is that of the leaves as they now are; its signature can't be made."""
    origin, size, _, _, signature, _ = files["checkpoint"].decode().split("\n")
    names = [name for name in files if name.startswith("records/") and name.endswith(".leaf")]
    leaves = {int(name[8:28]) - 1: sha256(b"\0", files[name]) for name in names}
    paths = {int(name[8:28]) - 1: files[name[:-5] + ".path"] for name in names}
    new_paths, root = rebuild(leaves, paths, int(size))
    for index, path in new_paths.items():
        files[f"records/{index + 1:020}.path"] = path
    files["checkpoint"] = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n\n{signature}\n".encode()


def sign_with(files, key):
    """Signs the head with another key, which claims to be the centre's: its name and key hash."""
    text, signature = files["checkpoint"].split(b"\n\n")
    name = signature.split(b" ")[1]
    key_hash = base64.b64decode(signature.split(b" ")[2])[:4]
    signed = base64.b64encode(key_hash + key.sign(text + b"\n"))
    files["checkpoint"] = text + "\n\n— ".encode() + name + b" " + signed + b"\n"


def put_right(files, depth, key):
    """`depth` 0: nothing … 4: everything, and signed by another key. What can't be put right is left as it is."""
    try:
        if depth >= 1:
            for part in [name for name in files if name.startswith("closes/") and name.endswith(".part")]:
                fix_part_of_close(files, part)
        if depth >= 2:
            fix_parts_roots(files)
        if depth >= 3:
            fix_tree(files)
        if depth >= 4:
            sign_with(files, key)
    except (KeyError, ValueError, IndexError, struct.error, RecursionError):
        pass  # the change took away what it would need


# The changes.

def flip_bit(data, dice):
    if not data:
        return b"\0"
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]


def of_bytes(bundle, others, dice):
    """Changes that know nothing of files."""
    at, other = dice.randrange(len(bundle)), dice.randrange(len(bundle))
    begin, end = min(at, other), max(at, other)
    block = lambda: 512 * dice.randrange(len(bundle) // 512)
    what = dice.choice(["flip", "flip", "flips", "byte", "cut", "delete", "repeat", "insert", "blocks", "splice"])
    if what == "flip":
        return what, flip_bit(bundle, dice)
    if what == "flips":
        for _ in range(dice.randrange(2, 20)):
            bundle = flip_bit(bundle, dice)
        return what, bundle
    if what == "byte":
        return what, bundle[:at] + bytes([dice.randrange(256)]) + bundle[at + 1:]
    if what == "cut":
        return what, bundle[:at]
    if what == "delete":
        return what, bundle[:begin] + bundle[end:]
    if what == "repeat":
        return what, bundle[:end] + bundle[begin:]
    if what == "insert":
        return what, bundle[:at] + dice.randbytes(dice.randrange(1, 600)) + bundle[at:]
    if what == "blocks":
        a, b = block(), block()
        changed = bytearray(bundle)
        changed[a:a + 512], changed[b:b + 512] = bundle[b:b + 512], bundle[a:a + 512]
        return what, bytes(changed)
    return what, bundle[:at] + dice.choice(others)[at:]


def of_order(bundle, others, dice):
    """The same files in another order, twice, or with another header."""
    files = unpack(bundle)
    order = sorted(files)
    empty = [name for name in order if not files[name]]
    if empty and dice.random() < 0.3:
        # A size that reads like none, with the checksum put right.
        at, head = bundle.index(header(name := dice.choice(empty), 0)), bytearray(header(name, 0))
        head[124:135] = dice.choice([b"-0000000000", b"-0000000001", b"+0000000000", b"          0", b"0_000000000"])
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        return "a size in other characters", bundle[:at] + bytes(head) + bundle[at + 512:]
    if dice.random() < 0.5:
        dice.shuffle(order)
        return "shuffled files", pack(files, order)
    return "a file twice", pack(files, sorted(order + [dice.choice(order)]))


def changed_number(value, dice):
    """Another figure in the place of a text with one."""
    digits = [at for at, character in enumerate(value) if character.isdigit()]
    at = dice.choice(digits)
    return value[:at] + str((int(value[at]) + dice.randrange(1, 10)) % 10) + value[at + 1:]


def change_json(value, dice):
    """Some text, number or list within a JSON value, changed in place."""
    places = []

    def walk(node):
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(item, (dict, list)):
                places.append((node, key))
                walk(item)
            else:
                places.append((node, key))

    walk(value)
    node, key = dice.choice(places)
    item = node[key]
    if isinstance(item, str) and any(character.isdigit() for character in item):
        node[key] = changed_number(item, dice)
    elif isinstance(item, bool):
        node[key] = not item
    elif isinstance(item, int):
        node[key] = item + 1
    elif isinstance(item, list) and item:
        item.pop(dice.randrange(len(item)))
    elif isinstance(item, str):
        node[key] = item + "x"
    elif isinstance(node, list):
        node.pop(key)
    else:
        node[key] = "1"


def change_events(data, dice):
    links = links_of(data)
    at = dice.randrange(len(links))
    what = dice.choice(["drop", "swap", "repeat", "move", "quantity", "bits"])
    if what == "drop":
        links.pop(at)
    elif what == "swap":
        other = dice.randrange(len(links))
        links[at], links[other] = links[other], links[at]
    elif what == "repeat":
        links.insert(at, links[at])
    elif what == "move":
        links[at] = (links[at][0] + 1, *links[at][1:])
    elif what == "quantity":
        position, count, body = links[at]
        instants = body[5]
        begin = 6 + 8 * ((instants & 1) + (instants & 2))
        body = body[:begin] + struct.pack("<q", dice.randrange(1, 10**12)) + body[begin + 8:]
        links[at] = (position, count, body)
    else:
        links[at] = (*links[at][:2], flip_bit(links[at][2], dice))
    return b"".join(struct.pack("<QII", position, count, len(body)) + body for position, count, body in links)


def of_files(bundle, others, dice, key):
    """Changes of what files say, packed again, with hashes put right to some depth."""
    files, theirs = unpack(bundle), unpack(dice.choice(others))
    names = sorted(files)
    depth = dice.randrange(5)
    what = dice.choice(["bits", "drop", "empty", "add", "statement", "statement", "earlier", "fact", "fact", "events",
                        "events", "events", "swap", "their file", "their file", "month away", "close away", "manifest",
                        "their head", "record"])
    events = [name for name in names if name.startswith("events/")]
    facts = [name for name in names if name.startswith("facts/") and name.endswith(".json")]
    if what == "bits":
        name = dice.choice(names)
        files[name] = flip_bit(files[name], dice)
    elif what == "drop":
        del files[dice.choice(names)]
    elif what == "empty":
        files[dice.choice(names)] = b""
    elif what == "add":
        name = dice.choice(names)
        files[dice.choice([name + "x", "a", "zz", "events/2026-01/000009.bin", "earlier/2020-01.json"])] = files[name]
    elif what in ("statement", "earlier"):
        name = "statement.json" if what == "statement" else dice.choice(
            [name for name in names if name.startswith("earlier/")] or ["statement.json"])
        value = json.loads(files[name])
        change_json(value, dice)
        files[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    elif what == "fact" and facts:
        name = dice.choice(facts)
        if dice.random() < 0.3:
            for ending in (".json", ".path", ".salt"):
                del files[name[:-5] + ending]
        else:
            value = json.loads(files[name])
            change_json(value["body"], dice)
            files[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    elif what == "events" and events:
        name = dice.choice(events)
        files[name] = change_events(files[name], dice)
        if not files[name]:
            del files[name]
    elif what == "swap":
        a, b = dice.choice(names), dice.choice(names)
        files[a], files[b] = files[b], files[a]
    elif what == "their file":
        name = dice.choice(sorted(theirs))
        files[name] = theirs[name]
    elif what == "month away" and events:
        month = dice.choice(events)[:14]
        for name in [name for name in events if name.startswith(month)]:
            del files[name]
    elif what == "close away":
        stem = dice.choice([name for name in names if name.startswith("records/") and name.endswith(".leaf")])[8:28]
        for name in [name for name in names if stem in name]:
            del files[name]
    elif what == "manifest":
        value = json.loads(files["manifest.json"])
        change_json(value, dice)
        files["manifest.json"] = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    elif what == "their head":
        files["checkpoint"] = theirs["checkpoint"]
    elif what == "record":
        name = dice.choice([name for name in names if name.startswith("records/")])
        files[name] = flip_bit(files[name], dice)
    put_right(files, depth, key)
    return f"{what}, hashes put right to depth {depth}", pack(files)


def forge(bundle, others, dice, key):
    """(what was done, the forged bundle); never the bundle itself."""
    while True:
        kind = dice.random()
        if kind < 0.35:
            what, forged = of_bytes(bundle, others, dice)
        elif kind < 0.4:
            what, forged = of_order(bundle, others, dice)
        else:
            what, forged = of_files(bundle, others, dice, key)
        if forged != bundle and forged not in others:
            return what, forged
