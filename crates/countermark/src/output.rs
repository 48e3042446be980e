//! What a person sees: answers on standard output, errors and progress on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use countermark_node::Progress;
use serde::Serialize;

/// Writes an answer. A reader that went away (a closed pipe) is no error of ours.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).is_err() {
        std::process::exit(0);
    }
}

/// Writes an answer as it is.
pub(crate) fn say_bytes(bytes: &[u8]) {
    if io::stdout().lock().write_all(bytes).is_err() {
        std::process::exit(0);
    }
}

/// Writes an answer as JSON.
pub(crate) fn say_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(&text),
        Err(error) => {
            eprintln!("countermark: the answer cannot be written as JSON: {error}");
            std::process::exit(1);
        }
    }
}

const PROGRESS_AFTER: Duration = Duration::from_millis(700);
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
const PROGRESS_EVERY_PLAIN: Duration = Duration::from_secs(5);

/// Progress on standard error: one line rewritten on a terminal, a line every few seconds elsewhere.
/// Work that is quickly done shows nothing.
pub(crate) struct Bar {
    state: Mutex<BarState>,
    terminal: bool,
}

struct BarState {
    label: String,
    started: Instant,
    shown: Option<Instant>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let state = BarState { label: String::new(), started: Instant::now(), shown: None };
        Self { state: Mutex::new(state), terminal: io::stderr().is_terminal() }
    }
}

impl Progress for Bar {
    fn at(&self, label: &str, done: u64, total: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        if state.label != label {
            *state = BarState { label: label.to_owned(), started: Instant::now(), shown: None };
        }
        let every = if self.terminal { PROGRESS_EVERY } else { PROGRESS_EVERY_PLAIN };
        let finished = total > 0 && done >= total;
        let due = state.shown.map_or(state.started.elapsed() > PROGRESS_AFTER, |shown| {
            shown.elapsed() > every || finished
        });
        if !due {
            return;
        }
        state.shown = Some(Instant::now());
        let of = if total > 0 { format!(" of {total}") } else { String::new() };
        let line = format!("{label}: {done}{of}");
        if self.terminal {
            eprint!("\r\x1b[K{line}{}", if finished { "\n" } else { "" });
        } else {
            eprintln!("{line}");
        }
    }
}
