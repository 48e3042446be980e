"""The tutorial, typed as it stands there: every command must answer as it says."""

import os
import pathlib
import re
import subprocess

from _shared import BINARY, ROOT, Tally, temporary

PAGE = ROOT / "docs/tutorial/first-hour.md"
# What differs from run to run: ids, hashes, the log's origin and key, sizes.
VARIES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|[0-9a-f]{32}|countermark/[0-9a-f]{8}|\b\d{4} bytes|\+\S+"
)


def steps(page):
    """Files to write and commands to type, in the order of the page."""
    for language, body in re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL):
        if language in ("csv", "toml", "json"):
            yield "file", body, ""
        elif language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, answer = part.partition("\n")
                yield "command", line, answer


def main():
    tally = Tally("tutorial", least=20)
    files = iter(["harvest.csv", "master-data.toml", "receipt.json"])
    with temporary() as folder:
        folder = pathlib.Path(folder)
        (folder / "countermark").symlink_to(BINARY)
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        environment.pop("COUNTERMARK_PASSPHRASE", None)
        for kind, what, answer in steps(PAGE.read_text()):
            if kind == "file":
                (folder / next(files)).write_text(what)
                continue
            if what.startswith("E="):
                continue
            done = subprocess.run(
                ["bash", "-c", what], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
            )
            found = VARIES.sub("#", done.stdout + done.stderr)
            if "--master-data" in what:
                environment["E"] = re.search(r"urn:uuid:\S+", done.stdout).group()
            if "altered.bundle --trust" in what:
                # What is named depends on where the byte fell.
                answer = "Does not hold: "
            lines = [line for line in VARIES.sub("#", answer).split("\n") if line not in ("", "…")]
            missing = [line for line in lines if line not in found]
            tally.check(not missing, f"`{what}` does not say {missing}, but: {found}")
    tally.close()


main()
