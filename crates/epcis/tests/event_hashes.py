"""Event hashes of JSON documents by the package epcis_event_hash_generator 1.9.3 (PyPI).

Reads file names from standard input, one a line; prints one JSON object: file name to its list of
hashes, or to a string that says why the package fails on it. The first argument is GS1's EPCIS
context as a file, which stands in for every EPCIS context; nothing is fetched.
"""

import json
import logging
import sys

logging.disable(logging.CRITICAL)

from epcis_event_hash_generator import hash_generator, json_to_py  # noqa: E402
from pyld import jsonld  # noqa: E402


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        context = json.load(file)

    def load(url, _options=None):
        document = context if "epcis-context" in url else {"@context": {}}
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": document,
        }

    jsonld.set_document_loader(load)
    hashes = {}
    for name in sys.stdin.read().splitlines():
        # The package keeps the prefixes of one document for the next.
        json_to_py._namespaces.clear()
        try:
            with open(name, encoding="utf-8") as file:
                events = json_to_py.event_list_from_epcis_document_str(file.read())
            hashes[name] = hash_generator.epcis_hashes_from_events(events)
        except Exception as fault:  # whatever it stumbles over is its answer
            hashes[name] = repr(fault)
    json.dump(hashes, sys.stdout)


main()
