"""The API of a running server: both clients, the shapes of its answers, and requests made at random from its
OpenAPI document (schemathesis)."""

import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import urllib.request

import jsonschema

from _shared import BINARY, ROOT, Tally, run, run_json, temporary

PERMISSIONS = (
    "read,prove,read-ledger,capture,erase,configure,manage-members,manage-accounts,"
    "read-access-log,read-metrics,publish"
)
LOT = "(01)19506000134359(10)L26318A"
TYPESCRIPT = ROOT / "tests" / "clients"
# What the server's answers must be, whatever is sent. Methods that no operation has are tried in the crate's
# own tests: some paths are a page's too.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,ignored_auth"
)
RANDOM_SECONDS = 120


class Server:
    """`countermark serve` on a free port of this machine."""

    def __init__(self, data):
        command = [BINARY, "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.log = []
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        self.url = ""
        for line in self.process.stdout:
            if line.startswith("Serving at "):
                self.url = line.split()[2]
                break
        if not self.url:
            raise SystemExit("the server did not start: " + "".join(self.log))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)


def python_client():
    path = ROOT / "examples" / "clients" / "python" / "countermark_client.py"
    spec = importlib.util.spec_from_file_location("countermark_client", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def document_of(event, count, tag):
    events = [{**event, "eventID": f"urn:uuid:5b6f0c9a-0000-4000-8000-{tag}{i:08x}"} for i in range(count)]
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T10:00:00.000Z",
        "epcisBody": {"eventList": events},
    }


def try_python(tally, url, token, event):
    module = python_client()
    client = module.Countermark(url, token)
    document = document_of(event, 3, "aaaa")
    job = client.wait(client.capture(document, name="python.json"))
    tally.check(job["success"] and job["accepted"] == 3, f"captured by the client: {job}")
    again = client.wait(client.capture(document))
    tally.check(again["success"] and again["duplicates"] == 3, f"captured once more: {again}")
    broken = document_of({**event, "action": "LOOK"}, 1, "aaab")
    refused = client.wait(client.capture(broken))
    pointers = [error["pointer"] for error in refused["errors"]]
    tally.check(pointers == ["/epcisBody/eventList/0/action"], f"refused by the rules: {refused}")
    events = list(client.events("perPage=7"))
    known = {event["eventID"] for event in events}
    tally.check(len(events) > 10 and len(known) == len(events), "all pages, nothing twice")
    tally.check(len(client.trace(LOT)["nodes"]) > 1, "traced by the client")
    bundle = client.bundle(event["eventID"], ["/bizStep"])
    verdict = client.verify(bundle)
    tally.check(verdict["verdict"] == "holds", f"verified by the server: {verdict['message']}")
    try:
        client.trace("nothing at all")
        tally.check(False, "a trace of nothing is answered")
    except module.Problem as problem:
        tally.check(problem.details["status"] == 404, "a problem with its status")
    return bundle, client.trust_policy()


def try_typescript(tally, url, token, event, folder):
    built = folder / "typescript"
    compiler = TYPESCRIPT / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        raise SystemExit("the TypeScript compiler is missing: run `cargo xtask setup`")
    source = ROOT / "examples" / "clients" / "typescript" / "countermark.ts"
    options = "--strict --target es2022 --lib es2023,dom,dom.iterable --module es2022 --moduleResolution bundler"
    done = subprocess.run([compiler, *options.split(), "--outDir", built, source], capture_output=True, text=True)
    tally.check(done.returncode == 0, f"the TypeScript client compiles: {done.stdout}")
    (built / "package.json").write_text('{"type":"module"}')
    document = folder / "typescript.json"
    document.write_text(json.dumps(document_of(event, 3, "bbbb")))
    arguments = [url, token, document, LOT, built / "countermark.js"]
    done = subprocess.run(
        ["node", TYPESCRIPT / "run.mjs", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    tally.check("holds" in done.stdout and done.returncode == 0, f"TypeScript: {done.stdout}{done.stderr}")


def get(url, token, path):
    request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def try_shapes(tally, url, token, event):
    document = json.loads(get(url, token, "/openapi.json"))
    committed = json.loads((ROOT / "docs/reference/openapi.json").read_text())
    tally.check(document == committed, "what is served is what is committed")
    tried = 0
    for path, item in document["paths"].items():
        operation = item.get("get")
        answer = (operation or {}).get("responses", {}).get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is None or path == "/openapi.json":
            continue
        sample = path.replace("{eventID}", event["eventID"]).replace("{height}", "3").replace("{index}", "3")
        sample += f"?id={LOT}" if path == "/trace" else ""
        if "{captureID}" in sample:
            sample = "/capture/" + json.loads(get(url, token, "/capture"))[0]["captureID"]
        if "{" in sample:
            continue
        value = json.loads(get(url, token, sample))
        try:
            jsonschema.validate(value, {**schema, "components": document["components"]})
            tally.check(True, path)
        except jsonschema.ValidationError as error:
            tally.check(False, f"{path}: {error.message} at {list(error.absolute_path)}")
        tried += 1
    tally.check(tried >= 15, f"only {tried} answers have a shape")


def try_random(tally, url, token):
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    if not program.exists() and shutil.which("schemathesis") is None:
        raise SystemExit("schemathesis is missing: run `cargo xtask setup`")
    command = [
        program, "run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {token}",
        "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-time", str(RANDOM_SECONDS),
        "--seed", "20261120", "--request-timeout", "30", "--suppress-health-check", "all",
        "--warnings", "off", "--no-color",
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900)
    if done.returncode:
        print(done.stdout[-20_000:], done.stderr[-2_000:])
    tally.check(done.returncode == 0, "schemathesis found a request that is answered wrongly")


def main():
    tally = Tally("API", least=25)
    with temporary() as folder:
        folder = pathlib.Path(folder)
        data = folder / "data"
        run("demo", "--once", "--data", data)
        event = run_json("events", "--data", data, "--json")[0]
        run("account", "add", "--data", data, "--role", "owner", "Outside tests")
        made = run_json(
            "api-key", "add", "--data", data, "--account", "Outside tests", "--label", "tests",
            "--scope", PERMISSIONS, "--json",
        )
        token = made["token"]
        with Server(data) as server:
            bundle, trust = try_python(tally, server.url, token, event)
            (folder / "bundle").write_bytes(bundle)
            (folder / "trust").write_bytes(trust)
            verdict = run_json("verify", folder / "bundle", "--trust", folder / "trust", "--json")
            tally.check(verdict["verdict"] == "holds", "the command line agrees with the server")
            try_typescript(tally, server.url, token, event, folder)
            try_shapes(tally, server.url, token, event)
            try_random(tally, server.url, token)
            tally.check(server.process.poll() is None, "the server still runs")
        tally.check(server.process.returncode == 0, "the server ended in order")
        report = run_json("fsck", "--data", data, "--json")
        tally.check(report["sound"] if "sound" in report else not report["faults"], f"fsck: {report}")
    tally.close()


main()
