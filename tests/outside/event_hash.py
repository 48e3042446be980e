"""Our legacy event hashes against PyPI's epcis_event_hash_generator, on documents of others."""

import logging

from epcis_event_hash_generator import events_from_file_reader, hash_generator

from _shared import Tally, corpus, run

logging.disable(logging.CRITICAL)

# What release 1.9.3 cannot do, with the reason. Each must still differ, or the line is stale.
DIFFERENT = {
    "epcisDocHavingEventWithIgnoreFields.jsonld": "1.9.3 knows no ignoreFields",
    "epcisQueryDocHavingEventWithIgnoreFields.jsonld": "1.9.3 reads no EPCISQueryDocument",
    "epcisQueryDocument.jsonld": "1.9.3 reads no EPCISQueryDocument",
}


def theirs(path):
    events = events_from_file_reader.event_list_from_file(str(path))
    pre_hashes = hash_generator.derive_prehashes_from_events(events, "")
    return hash_generator.calculate_hashes_from_pre_hashes(pre_hashes, "sha256")


def main():
    tally = Tally("event hashes, legacy profile", least=15)
    for path in sorted(corpus("epcis/RalphTro-epcis-event-hash-generator/tests/examples").glob("*.jsonld")):
        try:
            expected = theirs(path)
        except Exception as error:  # the outside tool's own failures are of any type
            expected = f"fails: {error}"
        ours = run("hash", "--profile", "cbv2.0-legacy", path).decode().split()
        if path.name in DIFFERENT:
            tally.check(ours != expected, f"{path.name} agrees now; take it off the list")
        else:
            tally.check(ours == expected, f"{path.name}: ours {ours}, theirs {expected}")
    tally.close()


main()
