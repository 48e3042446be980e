//! Command line, configuration and wiring. What is done stands in `countermark-node`; what is shown
//! stands here.

mod access_cli;
mod bench;
mod cli;
mod client;
mod commands;
mod demo;
mod output;
mod publication_cli;
mod target;
mod target_access;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use client::ClientError;
use countermark_node::{ErrorKind, NodeError};

/// Capture makes and frees many small values on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Holds.
pub(crate) const HOLDS: u8 = 0;
/// Does not hold, or invalid.
pub(crate) const DOES_NOT_HOLD: u8 = 1;
/// Usage.
pub(crate) const USAGE: u8 = 2;
/// Unreadable input.
pub(crate) const UNREADABLE: u8 = 3;
/// Consistent, but log key not checked.
pub(crate) const KEY_NOT_CHECKED: u8 = 4;
/// Not allowed.
pub(crate) const DENIED: u8 = 5;
/// The server cannot be reached, or is too busy.
pub(crate) const UNREACHABLE: u8 = 6;

fn main() -> ExitCode {
    // clap ends with 2 on a wrong call and with 0 on --help and --version: our codes too.
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("countermark: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return error.exit_code();
    }
    match error.downcast_ref::<NodeError>().map(NodeError::kind) {
        Some(ErrorKind::Usage) => USAGE,
        Some(ErrorKind::Unreadable) => UNREADABLE,
        Some(ErrorKind::Denied) => DENIED,
        Some(ErrorKind::Invalid | ErrorKind::Fatal) | None => DOES_NOT_HOLD,
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    use commands::{help, members, operating, proofs, pure, reading, writing};
    match command {
        Command::Init { data, name, country, origin } => {
            members::init(&data, &name, country.as_deref(), origin.as_deref())
        }
        Command::Member(command) => members::member(command),
        Command::Key(command) => members::key(command),
        Command::ConfirmClock { at } => members::confirm_clock(&at),
        Command::Capture { at, member, lenient, json, files } => {
            writing::capture(&at, member.as_deref(), lenient, json, &files)
        }
        Command::Import { at, member, mapping, master_data, mappings, json, files } => {
            let sources = target::Sources { mapping, master_data, mappings };
            writing::import(&at, member.as_deref(), &sources, json, &files)
        }
        Command::MasterData { at, file } => writing::master_data(&at, &file),
        Command::Document(command) => writing::document(command),
        Command::Quarantine { at, json } => writing::quarantine(&at, json),
        Command::Endorse { at, member, event_id } => {
            members::endorse(&at, member.as_deref(), &event_id)
        }
        Command::Erase { at, member, event_id, class, reason, json } => {
            let what = writing::Erasure { class, reason };
            writing::erase(&at, member.as_deref(), &event_id, &what, json)
        }
        Command::Classes { at, file } => writing::classes(&at, &file),
        Command::Mapping(command) => pure::mapping(command),
        Command::Events { at, query, epc_format, json } => {
            reading::events(&at, &query, epc_format, json)
        }
        Command::Trace { at, id, up, down, json } => reading::trace(&at, &id, up, down, json),
        Command::Log { at, path, output } => reading::log(&at, &path, output.as_deref()),
        Command::Fsck { data, json } => reading::fsck(&data, json),
        Command::Index(command) => reading::index(command),
        Command::Prove { at, event_id, field, output } => {
            proofs::prove(&at, &event_id, &field, &output)
        }
        Command::Receipt { at, event_id, output, statement } => {
            proofs::receipt(&at, &event_id, &output, statement.as_deref())
        }
        Command::Trust { at, output } => proofs::trust(&at, &output),
        Command::Verify { file, trust, json } => proofs::verify(&file, trust.as_deref(), json),
        Command::Hash { profile, pre_hash, file } => pure::hash(profile, pre_hash, &file),
        Command::Translate { id, json } => pure::translate(&id, json),
        Command::Validate { file, lenient, json } => pure::validate(&file, lenient, json),
        Command::Publication(command) => commands::publications::publication(command),
        Command::Account(command) => commands::access::account(command),
        Command::ApiKey(command) => commands::access::api_key(command),
        Command::AccessLog { at, before, limit, json } => {
            commands::access::access_log(&at, before, limit, json)
        }
        Command::Serve { data, listen, backups } => {
            commands::serve::serve(&data, &listen, &backups)
        }
        Command::Backup(args) => operating::backup(&args),
        Command::Restore(args) => operating::restore(&args),
        Command::Doctor(args) => operating::doctor(&args),
        Command::Completions { shell } => Ok(help::completions(shell)),
        Command::Man { output } => help::man(output.as_deref()),
        Command::Demo { once, data, listen } => demo::run(once, data, &listen),
        Command::Bench { only_open: Some(folder), .. } => bench::only_open(&folder),
        Command::Bench { documents: Some(folder), events, .. } => {
            bench::write_documents(&folder, events)
        }
        Command::Bench { events, trace_events, peers, data, output, json, .. } => {
            bench::run(&bench::Wanted { events, trace_events, peers, data, output, json })
        }
    }
}
