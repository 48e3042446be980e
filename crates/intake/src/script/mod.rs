//! Mapping programs in VRL: compiled against our own functions only, run with a step limit.
//!
//! The functions that a program can call are the ones in [`functions`]; the language's standard
//! library is not compiled in, so no clock, randomness, environment or network can be reached and
//! the same document always gives the same events.

pub mod functions;
mod iterate;
mod list;
mod text;
mod value;

use std::ops::ControlFlow;

use countermark_epcis::json::Json;
use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::state::{ExternalEnv, RuntimeState};
use vrl::compiler::{CompileConfig, Program, TargetValue, TimeZone, compile_with_external};
use vrl::diagnostic::Formatter;
use vrl::path::OwnedTargetPath;
use vrl::value::{ObjectMap, Secrets, Value};

use crate::limits;

/// Why a program was not taken or did not finish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The program does not compile; the text shows the line with a caret.
    #[error("the mapping program does not compile:\n{0}")]
    Compile(String),
    /// The program is over [`limits::PROGRAM_BYTES_MAX`].
    #[error("the mapping program has {0} bytes; at most {max} are taken", max = limits::PROGRAM_BYTES_MAX)]
    Size(usize),
    /// The program went over its steps.
    #[error("the mapping took more than {0} steps; look for a loop inside a loop")]
    Steps(u64),
    /// The program stopped itself, or an operation failed.
    #[error("the mapping stopped: {0}")]
    Stopped(String),
}

/// A compiled program.
pub struct Script {
    program: Program,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    /// Compiles a program. The document is read-only to it: a program that altered its input
    /// could not be explained by the document.
    ///
    /// # Errors
    /// [`ScriptError::Compile`] with line, column and a caret for each fault.
    pub fn compile(source: &str) -> Result<Self, ScriptError> {
        if source.len() > limits::PROGRAM_BYTES_MAX {
            return Err(ScriptError::Size(source.len()));
        }
        let mut config = CompileConfig::default();
        config.set_read_only_path(OwnedTargetPath::event_root(), true);
        config.set_read_only_path(OwnedTargetPath::metadata_root(), true);
        let external = ExternalEnv::default();
        compile_with_external(source, &functions::all(), &external, config)
            .map(|compiled| Script { program: compiled.program })
            .map_err(|faults| {
                ScriptError::Compile(Formatter::new(source, faults).to_string().trim().to_owned())
            })
    }

    /// Runs the program on a document; its value is the result. `steps` bounds the work.
    ///
    /// # Errors
    /// [`ScriptError::Steps`] and [`ScriptError::Stopped`].
    pub fn run(&self, document: &Json, steps: u64) -> Result<Json, ScriptError> {
        let mut target = TargetValue {
            value: value::from_json(document),
            metadata: Value::Object(ObjectMap::new()),
            secrets: Secrets::default(),
        };
        let mut left = steps;
        let mut control = || {
            left = left.saturating_sub(1);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut runtime = Runtime::new(RuntimeState::default());
        let zone = TimeZone::Named(chrono_tz::UTC);
        runtime
            .resolve_with_control(&mut target, &self.program, &zone, &mut control)
            .map(|result| value::to_json(&result))
            .map_err(|stop| match stop {
                Terminate::Interrupted => ScriptError::Steps(steps),
                Terminate::Abort(error) | Terminate::Error(error) => {
                    ScriptError::Stopped(error.to_string())
                }
            })
    }
}
