//! Running the built program, and documents to give it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
/// An id for events of tests; the last digits are free.
pub(crate) const ID: &str = "urn:uuid:5b6f0c9a-0000-4000-8000-0000000000";

/// What a call gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The call must have ended with this code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\nout: {}\nerr: {}", self.out, self.err))
    }

    /// Standard error must say this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{words:?} is not in: {}", self.err);
        self
    }
}

/// The program, without what the environment of the test run says.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countermark"));
    command.env_remove("COUNTERMARK_PASSPHRASE").env_remove("COUNTERMARK_TOKEN");
    command.stdin(Stdio::null());
    command
}

pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        // A signal is no exit code, and no test expects one.
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A call as typed, words apart.
pub(crate) fn call<S: AsRef<OsStr>>(words: &[S]) -> Run {
    finish(program().args(words))
}

/// A temporary folder with a node in `data`.
pub(crate) struct Node {
    pub(crate) folder: TempDir,
}

impl Node {
    /// A node whose first member is "Farm".
    pub(crate) fn new() -> Self {
        let node = Self::empty();
        node.run("init", &["--name", "Farm"]).ends(0);
        node
    }

    /// A folder without a node.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the node; gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// `countermark COMMAND --data DIR REST`.
    pub(crate) fn run(&self, command: &str, rest: &[&str]) -> Run {
        finish(&mut self.command(command, rest))
    }

    pub(crate) fn command(&self, command: &str, rest: &[&str]) -> Command {
        let mut program = program();
        program.args(command.split(' ')).arg("--data").arg(self.data()).args(rest);
        program
    }

    /// Captures a document, which must be taken; gives the result.
    #[track_caller]
    pub(crate) fn capture(&self, document: &Value) -> Value {
        let file = self.file("document.json", document.to_string());
        self.run("capture", &["--json", &file]).ends(0).json()
    }

    /// All events that answer a query, page by page.
    #[track_caller]
    pub(crate) fn events(&self, query: &str) -> Vec<Value> {
        let answer = self.run("events", &["--query", query, "--json"]).ends(0).json();
        answer.as_array().unwrap().clone()
    }

    /// Everything must hold.
    #[track_caller]
    pub(crate) fn sound(&self) {
        let report = self.run("fsck", &["--json"]).ends(0).json();
        assert_eq!(report["sound"], true, "{report}");
    }

    /// The files of the data directory below a folder, largest first.
    pub(crate) fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.data().join(below), &mut found);
        found.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
        found
    }
}

pub(crate) fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => return,
    };
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// A shipping event of one item.
pub(crate) fn event(serial: usize) -> Value {
    json!({
        "type": "ObjectEvent",
        "eventTime": format!("2026-11-01T{:02}:{:02}:{:02}Z", serial / 3600 % 24, serial / 60 % 60, serial % 60),
        "eventTimeZoneOffset": "+00:00",
        "epcList": [format!("https://id.gs1.org/01/09506000134352/21/{serial}")],
        "action": "OBSERVE",
        "bizStep": "shipping",
        "disposition": "in_transit",
        "readPoint": {"id": "https://id.gs1.org/414/9506000100012"}
    })
}

/// As [`event`], with an id; `serial` below 100.
pub(crate) fn named(serial: usize) -> Value {
    let mut event = event(serial);
    event["eventID"] = json!(format!("{ID}{serial:02}"));
    event
}

pub(crate) fn document(events: &[Value]) -> Value {
    json!({
        "@context": [CONTEXT, {"example": "https://ns.example.com/epcis/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-01T12:00:00Z",
        "epcisBody": {"eventList": events}
    })
}

/// An event with lists, objects, quantities and extensions; its id ends on 99.
pub(crate) fn rich() -> Value {
    let mut event = named(99);
    event["quantityList"] = json!([
        {"epcClass": "https://id.gs1.org/01/09506000134352/10/A1", "quantity": 12.5, "uom": "KGM"},
        {"epcClass": "https://id.gs1.org/01/09506000134369/10/B2", "quantity": 3}
    ]);
    event["bizTransactionList"] =
        json!([{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9506000100012:PO1"}]);
    event["sourceList"] =
        json!([{"type": "owning_party", "source": "https://id.gs1.org/417/9506000100012"}]);
    event["example:note"] = json!({"a": [1, "two", {"three": true}], "z": "end"});
    event["example:price"] = json!("3.10");
    event
}

/// JSON text without the white space between its tokens: equal texts are byte-equal JSON.
pub(crate) fn compact(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if in_string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    out
}

/// The workspace root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of documents of others; `None`, said aloud, where they are absent outside CI.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let base = std::env::var_os("COUNTERMARK_CORPUS")
        .map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    let path = base.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!on_ci, "the corpus is not at {}", path.display());
    eprintln!("skipped: no corpus at {}", path.display());
    None
}

/// Ids of the `accepted` or `duplicates` of a result.
pub(crate) fn ids(result: &Value, list: &str) -> Vec<String> {
    let items = result[list].as_array().unwrap();
    items.iter().map(|item| item["eventID"].as_str().unwrap().to_owned()).collect()
}
