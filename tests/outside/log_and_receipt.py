"""Our log, statements and receipts against independent RFC 9162 and COSE implementations."""

import base64
import hashlib
import json
import pathlib

import pymerkle
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pycose.keys import OKPKey
from pycose.messages import Sign1Message

from _shared import Tally, run, run_json, temporary

EVENT = {
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
    "type": "EPCISDocument",
    "schemaVersion": "2.0",
    "creationDate": "2026-11-01T10:00:00Z",
    "epcisBody": {"eventList": []},
}


def document(serial):
    event = {
        "type": "ObjectEvent",
        "eventTime": f"2026-11-01T10:00:{serial:02d}Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"https://id.gs1.org/01/09506000134352/21/{serial}"],
        "action": "OBSERVE",
        "bizStep": "shipping",
    }
    return json.dumps({**EVENT, "epcisBody": {"eventList": [event]}})


def leaves(bundle):
    """The entries of a C2SP entry bundle: each after its length in two bytes."""
    at, found = 0, []
    while at < len(bundle):
        size = int.from_bytes(bundle[at : at + 2], "big")
        found.append(bundle[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def checkpoint(data):
    origin, size, root = run("log", "--data", data, "checkpoint").decode().split("\n")[:3]
    return origin, int(size), base64.b64decode(root)


def proof(data, path):
    return [line for line in run("log", "--data", data, path).decode().split("\n") if line]


def public_key(text):
    """The Ed25519 key of a C2SP verifier key: name+keyid+base64(algorithm, key)."""
    raw = base64.b64decode(text.split("+", 2)[2])
    assert raw[0] == 1, "the log's key is an Ed25519 key"
    return Ed25519PublicKey.from_public_bytes(raw[1:]), raw[1:]


def main():
    tally = Tally("log, statements and receipts", least=60)
    with temporary() as folder:
        folder = pathlib.Path(folder)
        data = folder / "data"
        run("init", "--data", data, "--name", "Farm")
        events, heads = [], [checkpoint(data)]
        for serial in range(12):
            source = folder / f"{serial}.json"
            source.write_text(document(serial))
            result = run_json("capture", "--data", data, "--json", source)
            events.append(result["accepted"][0]["eventID"])
            heads.append(checkpoint(data))
        check_tree(tally, data, heads)
        check_receipts(tally, folder, data, events)
    tally.close()


def check_tree(tally, data, heads):
    origin, size, root = heads[-1]
    entries = leaves(run("log", "--data", data, f"tile/entries/000.p/{size}"))
    tally.check(len(entries) == size, f"{len(entries)} entries for a tree of {size}")
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    tally.check(tree.get_root(size) == root, "pymerkle finds another root")
    hashed = b"".join(hashlib.sha256(b"\0" + entry).digest() for entry in entries)
    tally.check(run("log", "--data", data, f"tile/0/000.p/{size}") == hashed, "level-0 tile")
    for index, entry in enumerate(entries):
        path = proof(data, f"inclusion/{index}/{size}")
        good = scitt_cose.verify_inclusion(entry.hex(), index, size, path, root.hex())
        tally.check(good, f"scitt-cose refuses our inclusion proof of leaf {index}")
        bad = scitt_cose.verify_inclusion((entry + b"x").hex(), index, size, path, root.hex())
        tally.check(not bad, f"scitt-cose accepts another leaf {index}")
    for _, old_size, old_root in heads[:-1]:
        path = proof(data, f"consistency/{old_size}/{size}")
        good = scitt_cose.verify_consistency(old_root.hex(), root.hex(), old_size, size, path)
        tally.check(good, f"scitt-cose refuses our consistency proof from {old_size}")


def check_receipts(tally, folder, data, events):
    run("trust", "--data", data, "-o", folder / "trust")
    log_line = [line for line in (folder / "trust").read_text().split("\n") if line.startswith("log ")][0]
    key, _ = public_key(log_line.split(" ")[1])
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    member_keys = {k["key"]: bytes.fromhex(k["publicKey"]) for k in run_json("key", "list", "--data", data, "--json")}
    for event in events[:5]:
        run("receipt", "--data", data, event, "-o", folder / "receipt", "--statement", folder / "statement")
        receipt, statement = (folder / "receipt").read_bytes(), (folder / "statement").read_bytes()
        # The log's leaf is the statement behind the byte of its kind.
        leaf = (b"\x02" + statement).hex()
        found = scitt_cose.verify_receipt(receipt, leaf_entry_hex=leaf, log_public_key_pem=pem)
        tally.check(found.ok, f"scitt-cose refuses our receipt: {found.errors}")
        other = scitt_cose.verify_receipt(receipt, leaf_entry_hex=leaf + "00", log_public_key_pem=pem)
        tally.check(not other.ok, "scitt-cose accepts our receipt for another statement")
        message = Sign1Message.decode(statement)
        kid = [value for header, value in message.phdr.items() if getattr(header, "fullname", "") == "KID"][0]
        message.key = OKPKey(crv="ED25519", x=member_keys[kid.hex()], optional_params={"ALG": "EDDSA"})
        tally.check(message.verify_signature(), "pycose refuses our statement's signature")


main()
