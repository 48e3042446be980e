"""A second verification of bundles, written from docs/internals/formats.md, on the demonstration's events."""

import base64
import hashlib
import json
import pathlib
import struct

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from _shared import Tally, run, run_json, temporary

MAGIC = b"countermark bundle v1\n"
CLASSES = {
    1: "@context type eventID action parentID epcList childEPCs inputEPCList outputEPCList",
    2: "eventTime eventTimeZoneOffset recordTime errorDeclaration bizStep disposition persistentDisposition"
    " transformationID bizTransactionList sourceList destinationList",
    3: "sensorElementList ilmd",
    4: "quantityList childQuantityList inputQuantityList outputQuantityList",
    5: "readPoint bizLocation",
    6: "certificationInfo",
}
QUANTITY, PLACE = "epcClass quantity uom", "id"
REPORT = (
    "type exception deviceID deviceMetadata rawData dataProcessingMethod bizRules time microorganism"
    " chemicalSubstance coordinateReferenceSystem value component stringValue booleanValue hexBinaryValue"
    " uriValue minValue maxValue meanValue sDev percRank percValue uom"
)
METADATA = "time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod bizRules"
EVENT = {
    "quantityList": QUANTITY, "childQuantityList": QUANTITY,
    "inputQuantityList": QUANTITY, "outputQuantityList": QUANTITY,
    "bizTransactionList": "type bizTransaction", "sourceList": "type source",
    "destinationList": "type destination", "sensorElementList": "sensorMetadata sensorReport",
    "readPoint": PLACE, "bizLocation": PLACE, "persistentDisposition": "set unset",
    "errorDeclaration": "declarationTime reason correctiveEventIDs",
}  # fmt: skip
SENSOR = {"sensorMetadata": METADATA, "sensorReport": REPORT}


class Refused(Exception):
    """Something does not hold."""


def need(holds, what):
    if not holds:
        raise Refused(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(n):
    return struct.pack(">I", n)


def text(value):
    return u32(len(value.encode())) + value.encode()


def depth(count):
    return (count - 1).bit_length()


def escape(name):
    return "/" + name.replace("~", "~0").replace("/", "~1")


def prf(key, role, place, height=0):
    return sha(bytes(31), b"\x03", key, bytes([role]), u32(place), bytes([height]), bytes(26))


def field(salt, kind, pointer, value=b""):
    return sha(b"\x00\x10", salt, bytes([kind]), text(pointer), value)


def group_leaf(kind, levels, pointer, root):
    return sha(b"\x00\x15", bytes([kind, levels]), text(pointer), root)


def node(left, right):
    return sha(b"\x01", left, right)


class Lexeme(str):
    """A number as it was captured."""


def scalar(value):
    if value is None:
        return 1, b""
    if isinstance(value, bool):
        return (3 if value else 2), b""
    return (4 if isinstance(value, Lexeme) else 5), value.encode()


class Object(list):
    """The members of an object, in their order."""


def parse(string):
    number = lambda lexeme: Lexeme(lexeme)  # noqa: E731
    return json.loads(string, object_pairs_hook=Object, parse_int=number, parse_float=number)


def inner(members, name):
    """The standard members of the objects under a member of an object with these members."""
    if members == "sensorMetadata sensorReport":
        return SENSOR.get(name, "")
    return EVENT.get(name, "") if members is EVENT else ""


def whole(value, members, key, pointer):
    """Hash of a whole group from its key."""
    if isinstance(value, Object):
        names = members.split()
        captured = {name: at for at, (name, _) in enumerate(value)}
        extra = sorted(((escape(n), v, n) for n, v in value if n not in names), key=lambda e: e[0].encode())
        ranks = [captured[n] for n in names if n in captured] + [captured[n] for _, _, n in extra]
        order = b"" if ranks == sorted(ranks) else b"".join(struct.pack(">H", at) for at in ranks)
        found = dict(value)
        slots = [(name, found.get(name), name in found, inner(members, name)) for name in names]
        return object_group(slots, [(k, v) for k, v, _ in extra], order, key, pointer)
    count = [lambda salt, sub: field(salt, 6, pointer, u32(len(value)))]
    items = [item_hash(v, members, f"{pointer}/{i}") for i, v in enumerate(value)]
    return 2, *row(count + items, key)


def item_hash(value, members, pointer):
    if isinstance(value, list):

        def grouped(_, sub):
            kind, levels, root = whole(value, members, sub, pointer)
            return group_leaf(kind, levels, pointer, root)

        return grouped
    return lambda salt, _: field(salt, scalar(value)[0], pointer, scalar(value)[1])


def object_group(slots, extra, order, key, pointer):
    places = [extensions(extra, pointer), lambda salt, _: field(salt, 7, pointer, order)]
    for name, value, present, members in slots:
        at = pointer + escape(name)
        places.append(item_hash(value, members, at) if present else lambda salt, _, at=at: field(salt, 0, at))
    return 1, *row(places, key)


def extensions(extra, pointer):
    if not extra:
        return lambda salt, _: field(salt, 8, pointer)

    def hashed(_, sub):
        ends = [lambda salt, _, end=end: sha(b"\x00\x17", salt, bytes([end]), text(pointer)) for end in (0, 1)]
        entry = lambda k, v: lambda salt, s: sha(b"\x00\x16", text(k), item_hash(v, "", pointer + k)(salt, s))  # noqa: E731
        levels, root = row([ends[0], *(entry(k, v) for k, v in extra), ends[1]], sub)
        return group_leaf(3, levels, pointer, root)

    return hashed


def row(places, key):
    """Depth and root of a group's places, each a function of its salt and its group key."""
    leaves = [p(prf(key, 1, i)[:16], prf(key, 2, i)) for i, p in enumerate(places)]

    def over(start, height):
        if start >= len(leaves):
            return sha(b"\x00\x14", prf(key, 3, start, height)[:16])
        if height == 0:
            return leaves[start]
        return node(over(start, height - 1), over(start + (1 << (height - 1)), height - 1))

    levels = depth(len(leaves))
    return levels, over(0, levels)


def whole_class(number, key, order, string):
    found, names = parse(string), CLASSES.get(number, "").split()
    have, extra = dict(found), []
    for name, value in found:
        if name in names:
            continue
        if name == "_provenance" or (name == "ilmd" and number != 3):
            extra += [(f"/{name}{escape(n)}", v) for n, v in value]
        else:
            extra.append((escape(name), value))
    extra.sort(key=lambda e: e[0].encode())
    slots = [(name, have.get(name), name in have, inner(EVENT, name)) for name in names]
    _, _, root = object_group(slots, extra, order, key, "")
    return root, found


class Partial:
    """Walks the groups of a partly opened class; what is shown is collected."""

    def __init__(self, groups):
        self.groups, self.shown = iter(groups), {}

    def root(self, levels, hashed):
        items, siblings = next(self.groups)
        leaves = [(item[0], hashed(item)) for item in items]
        rest = [siblings[i : i + 32] for i in range(0, len(siblings), 32)]

        def fold(part, start, height):
            if not part:
                return rest.pop(0)
            if height == 0:
                return part[0][1]
            middle = start + (1 << (height - 1))
            left = fold([p for p in part if p[0] < middle], start, height - 1)
            return node(left, fold([p for p in part if p[0] >= middle], middle, height - 1))

        need(leaves == sorted(leaves) and leaves[-1][0] < 1 << levels, "places of a group")
        root = fold(leaves, 0, levels)
        need(not rest, "siblings left over")
        return root

    def object(self, names, members, pointer):
        def hashed(item):
            place = item[0]
            if place == 0:
                return self.extensions(item, pointer)
            need(2 <= place < 2 + len(names), "a place without a member")
            name = names[place - 2]
            return self.value(item, inner(members, name), pointer + escape(name))

        return self.root(depth(2 + len(names)), hashed)

    def extensions(self, item, pointer):
        if item[1] == 8:
            self.shown[pointer + "/*"] = "none"
            return field(item[2], 8, pointer)
        need(item[1:3] == [16, 3], "no extensions")

        def hashed(entry):
            if entry[1] == 19:
                return sha(b"\x00\x17", entry[2], bytes([entry[0] > 0]), text(pointer))
            key = entry.pop()
            below = entry[2] if entry[1] == 18 else self.value(entry, "", pointer + key)
            return sha(b"\x00\x16", text(key), below)

        return group_leaf(3, item[3], pointer, self.root(item[3], hashed))

    def value(self, item, members, pointer):
        kind = item[1]
        if kind <= 5:
            value = item[3] if kind in (4, 5) else ""
            self.shown[pointer] = {0: "absent", 1: None, 2: False, 3: True}.get(kind, value)
            return field(item[2], kind, pointer, value.encode())
        if kind == 17:
            found = parse(item[3])
            self.shown[pointer] = found
            group, levels, root = whole(found, members, item[2], pointer)
            return group_leaf(group, levels, pointer, root)
        need(kind == 16, "an unknown item")
        if item[2] == 1:
            names = members.split()
            root = self.object(names, members, pointer)
        else:
            root = self.root(item[3], lambda i: self.list_item(i, members, pointer))
        return group_leaf(item[2], item[3], pointer, root)

    def list_item(self, item, members, pointer):
        if item[0] == 0:
            return field(item[2], 6, pointer, u32(item[3]))
        return self.value(item, members, f"{pointer}/{item[0] - 1}")


def disclosed(header, openings):
    version, classes = openings
    need(version == 1 and classes, "openings")
    shown = {}
    for number, form, *rest in classes:
        if form == 0:
            digest = sha(b"\x13", bytes([number]), rest[0])
        else:
            if form == 1:
                root, found = whole_class(number, *rest)
                shown.update({escape(name): value for name, value in found})
            else:
                walk = Partial(rest[0])
                root = walk.object(CLASSES.get(number, "").split(), EVENT, "")
                need(next(walk.groups, None) is None, "a group left over")
                shown.update(walk.shown)
            digest = sha(b"\x00\x15\x00", bytes([number]), root)
        need(digest == header[7][number - 1], f"class {number} does not lead to its digest")
    return shown


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(root_of(leaves[:split]), root_of(leaves[split:]))


def included(leaf, index, size, path, root):
    """RFC 9162, 2.1.3.2."""
    hashes = [path[i : i + 32] for i in range(0, len(path), 32)]
    need(index < size, "index")
    at, last, found = index, size - 1, sha(b"\x00", leaf)
    for sibling in hashes:
        need(last > 0, "path too long")
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0 and found == root, "a path does not lead to its root")


def signed(key, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise Refused("a signature does not hold") from None


def canonical(value):
    return cbor2.dumps(value, canonical=True)


def statement(leaf):
    need(leaf[0] == 2, "no statement")
    message = cbor2.loads(leaf[1:])
    protected, _, payload, signature = message.value
    header, body = cbor2.loads(protected), cbor2.loads(payload)
    need(header[15][1] == body[3].hex(), "header and payload")
    return body, header[4], signature, canonical(["Signature1", protected, b"", payload])


def state_entry(root, key, entry):
    value, proof = entry
    proof = cbor2.loads(proof)
    need(proof[3] == 1, "no proof of presence")
    path = sha(key)
    found = sha(b"\x20", path, sha(value))
    for level in reversed(range(len(proof[2]))):
        sibling = proof[2][level] or bytes(32)
        right = path[level // 8] >> (7 - level % 8) & 1
        found = sha(b"\x21", sibling, found) if right else sha(b"\x21", found, sibling)
    need(found == root, "a state proof does not lead to the state root")
    return cbor2.loads(value)


def verify(file, policy):
    need(file.startswith(MAGIC), "no bundle")
    bundle = cbor2.loads(file[len(MAGIC) :])
    need(MAGIC + canonical(bundle) == file, "not the one encoding")
    lines = dict(line.split(" ", 1) for line in policy.splitlines() if line[:1] not in "#m")
    members = {line.split(" ")[1] for line in policy.splitlines() if line.startswith("member ")}
    note, signatures = bundle[2].decode().split("\n\n")
    origin, size, root = note.split("\n")
    size, root = int(size), base64.b64decode(root)

    leaf, path = bundle[3]
    begin, _, signature, message = statement(leaf)
    need(begin[2] == 1 and begin[5] == origin, "no genesis of this log")
    signed(begin[6][5], signature, message)
    log_key = begin[6][2]
    need(base64.b64decode(lines["log"].split("+", 2)[2])[1:] == log_key, "not the log of the policy")
    need(sha(b"\x00", leaf).hex() == lines["genesis"], "not the genesis of the policy")
    signed(log_key, base64.b64decode(signatures.split(" ")[2])[4:], (note + "\n").encode())
    included(leaf, 1, size, path, root)

    def block(proof):
        need(proof[1][0] == 1, "no block header")
        included(proof[1], proof[2], size, proof[3], root)
        header = cbor2.loads(proof[1][1:])
        need(header[6] == proof[2] and header[2] == origin, "a block header elsewhere")
        return header

    head = block(bundle[5][1])
    need(head[6] + 1 + head[8] == size, "not the newest block")
    keys = {}
    for entry in bundle[5][3]:
        key_id = sha(cbor2.loads(entry[0])[2])
        keys[key_id] = state_entry(head[10], b"key/" + key_id, entry)
    valid = lambda key, height: key[3] <= height and height < key.get(4, height + 1)  # noqa: E731

    shown = []
    for record in bundle[4]:
        header = cbor2.loads(record[5])
        leaves = [sha(b"\x00\x11", bytes([i + 1]), digest) for i, digest in enumerate(header[7])]
        need(len(leaves) == 11 and root_of(leaves) == header[6], "root of the class digests")
        shown.append(disclosed(header, cbor2.loads(record[8])))
        body, key_id, signature, message = statement(record[2])
        need(body[2] == 4 and body[5] == origin, "no capture of this log")
        included(b"\x12" + record[5], record[6], body[6][2], record[7], body[6][1])
        need((header[3], header[4]) == (key_id, body[4]), "another key or sequence")
        need(keys[key_id][1] == body[3] and body[3].hex() in members, "another member")
        signed(keys[key_id][2], signature, message)
        placed = block(record[1])
        included(record[2], record[3], placed[8], record[4], placed[9])
        need(valid(keys[key_id], placed[3]), "a key that was not valid")
    issuer = keys[bundle[5][2]]
    need(valid(issuer, head[3]) and issuer[1].hex() in members, "the issuer's key")
    need(state_entry(head[10], b"member/" + issuer[1], bundle[5][4])[3] == 1, "the issuer is not active")
    unsigned = {key: value for key, value in bundle.items() if key != 7}
    signed(issuer[2], bundle[7], MAGIC + canonical(unsigned))
    return shown


def pointers(value, at=""):
    """A pointer to each member and item of an event, two levels deep."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for name, below in items:
        here = at + (escape(name) if isinstance(name, str) else f"/{name}")
        yield here
        if here.count("/") < 3:
            yield from pointers(below, here)


def plain(value):
    """A value as Python's own reader gives it."""
    if isinstance(value, Object):
        return {name: plain(below) for name, below in value}
    if isinstance(value, list):
        return [plain(below) for below in value]
    return float(value) if isinstance(value, Lexeme) else value


def at(value, pointer):
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def is_right(event, field_, shown):
    """Whether what a bundle shows is what the event says there, and nothing else."""
    if not field_:
        return all(plain(shown[escape(name)]) == value for name, value in event.items())
    if field_ in ("/certificationInfo", "/x:none"):
        return set(shown.values()) <= {"absent", "none"}
    value = shown.pop(field_)
    value = float(value) if isinstance(at(event, field_), (int, float)) else plain(value)
    return value == at(event, field_) and not shown


def main():
    tally = Tally("bundles, second implementation", least=300)
    with temporary() as folder:
        folder = pathlib.Path(folder)
        data, file, trust = folder / "data", folder / "bundle", folder / "trust"
        run("demo", "--once", "--data", data)
        run("trust", "--data", data, "-o", trust)
        policy = trust.read_text()
        kinds = {event["type"] + event.get("bizStep", ""): event for event in run_json("events", "--data", data, "--json")}
        for event in kinds.values():
            chosen = [*list(pointers(event))[::5], "/certificationInfo", "/x:none"]
            for field_ in [None, *chosen]:
                fields = ["--field", field_] if field_ else []
                run("prove", "--data", data, event["eventID"], *fields, "-o", file)
                made = file.read_bytes()
                try:
                    shown = verify(made, policy)[0]
                    tally.check(is_right(event, field_, shown), f"{event['eventID']} {field_}: shows {shown}")
                except Refused as fault:
                    tally.check(False, f"{event['eventID']} {field_}: {fault}")
            for place in range(30, len(made), 97):
                altered = bytearray(made)
                altered[place] ^= 1
                try:
                    verify(bytes(altered), policy)
                    tally.check(False, f"byte {place} altered, and taken")
                except Exception:  # an altered byte may break the reading anywhere
                    tally.check(True, "")
    tally.close()


main()
