"""What the outside checks share: running the built binary, the corpus, a count of what was checked."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = str((pathlib.Path.cwd() / sys.argv[1]).resolve()) if len(sys.argv) > 1 else ""
CORPUS = pathlib.Path(os.environ.get("COUNTERMARK_CORPUS", ROOT / ".." / "shared" / "corpus"))


def corpus(path):
    """A folder of other people's documents; in CI its absence fails, elsewhere it is said aloud."""
    folder = CORPUS / path
    if folder.exists():
        return folder
    print(f"skipped: {path} of the corpus is not here; set COUNTERMARK_CORPUS")
    sys.exit(1 if os.environ.get("CI") == "true" else 0)


def run(*arguments, expect=0):
    """Runs the binary; the exit code must be the expected one. Gives standard output."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300)
    if done.returncode != expect:
        print(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        raise SystemExit(f"countermark {arguments} ended with {done.returncode}, not {expect}")
    return done.stdout


def run_json(*arguments, expect=0):
    return json.loads(run(*arguments, expect=expect))


def temporary():
    return tempfile.TemporaryDirectory(prefix="countermark-outside-")


class Tally:
    """Counts checks; a run that checked too little has failed."""

    def __init__(self, name, least):
        self.name, self.least, self.passed, self.failed = name, least, 0, 0

    def check(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{self.name}: {what}")

    def close(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed")
        if self.failed or self.passed < self.least:
            raise SystemExit(f"{self.name}: failed, or checked fewer than {self.least} things")
