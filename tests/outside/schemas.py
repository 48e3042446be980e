"""What the commands print with --json against the schemas of docs/reference/schemas."""

import json
import pathlib

import jsonschema

from _shared import ROOT, Tally, run, run_json, temporary

STORY = ROOT / "examples" / "fresh-produce"


def main():
    tally = Tally("JSON shapes", least=9)

    def fits(value, name):
        schema = json.loads((ROOT / "docs/reference/schemas" / f"{name}.schema.json").read_text())
        try:
            jsonschema.validate(value, schema)
            tally.check(True, name)
        except jsonschema.ValidationError as error:
            tally.check(False, f"{name}: {error.message} at {list(error.absolute_path)}")

    with temporary() as folder:
        folder = pathlib.Path(folder)
        data = folder / "data"
        run("demo", "--once", "--data", data)
        events = run_json("events", "--data", data, "--json")
        tally.check(len(events) > 10, "the story has more than ten events")
        fits(events, "events")
        fits(run_json("translate", "(01)09506000134352(10)A1", "--json"), "translate")
        fits(run_json("mapping", "list", "--json"), "mapping-list")
        fits(run_json("fsck", "--data", data, "--json"), "fsck")
        lot = run_json("translate", "(01)19506000134359(10)L26318A", "--json")["digitalLink"]
        fits(run_json("trace", "--data", data, lot, "--json"), "trace")
        bundle, trust = folder / "bundle", folder / "trust"
        run("prove", "--data", data, events[0]["eventID"], "--field", "/bizStep", "-o", bundle)
        run("trust", "--data", data, "-o", trust)
        fits(run_json("verify", bundle, "--trust", trust, "--json"), "verify")
        fits(run_json("verify", bundle, "--json", expect=4), "verify")
        document = folder / "event.json"
        document.write_text(json.dumps({**events[0], "eventID": "urn:uuid:5b6f0c9a-0000-4000-8000-000000000001"}))
        fits(run_json("validate", document, "--json"), "validate")
        fits(run_json("capture", "--data", data, "--json", document), "capture-result")
        fits(run_json("capture", "--data", data, "--json", document), "capture-result")
        document.write_text(json.dumps({**events[0], "action": "SHIPPED"}))
        fits(run_json("validate", document, "--json", expect=1), "validate")
        fits(run_json("capture", "--data", data, "--json", document, expect=1), "capture-result")
        access(data, fits)
        fits(run_json("doctor", "--data", data, "--json"), "doctor")
        archive = folder / "backup"
        fits(run_json("backup", "--data", data, "-o", archive, "--include-key-file", "--json"), "backup")
        again = folder / "again"
        fits(run_json("restore", "--data", again, "--from", archive, "--json"), "restore")
        fits(run_json("doctor", "--data", again, "--json"), "doctor")
        fits(run_json("restore", "--data", again, "--declare-loss", "--json"), "restore")
        result = folder / "bench.json"
        fits(run_json("bench", "--events", "500", "--trace-events", "400", "--json", "--output", result), "bench")
        fits(json.loads(result.read_text()), "bench")
    for kept in sorted((ROOT / "docs/benchmark").glob("*.json")):
        fits(json.loads(kept.read_text()), "bench")
    tally.close()


def access(data, fits):
    """Accounts, API keys, links and the access log."""
    add = ("account", "add", "--data", data, "--json")
    fits(run_json(*add, "office", "--role", "owner"), "account")
    fits(run_json(*add, "scale", "--role", "viewer", "--openid-issuer", "https://login.example.com",
                  "--openid-subject", "4711"), "account")
    fits(run_json("account", "list", "--data", data, "--json"), "account-list")
    fits(run_json("account", "link", "--data", data, "office", "--json"), "link")
    fits(run_json("account", "invite", "--data", data, "--role", "auditor", "--json"), "link")
    fits(run_json("api-key", "add", "--data", data, "--account", "office", "--label", "scale",
                  "--scope", "read,capture", "--json"), "api-key-made")
    fits(run_json("api-key", "list", "--data", data, "--json"), "api-key-list")
    fits(run_json("access-log", "--data", data, "--json"), "access-log")


main()
