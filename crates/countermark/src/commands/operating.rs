//! `backup`, `restore`, `doctor`: what whoever runs a node does with its data directory.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countermark_node::backup::{
    self, BackupOptions, BackupReport, KEYS_EXPIRE_DAYS, RestoreOptions, RestoreReport,
};
use countermark_node::doctor::{self, Outcome};
use countermark_node::{KeyringError, Node, NodeError};

use super::{open, read, unlock};
use crate::cli::{Data, Unlock};
use crate::output::{Bar, say};
use crate::{DOES_NOT_HOLD, HOLDS};

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    data: Data,
    /// The archive, a new file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Put a plain key file in too: whoever has the archive then reads everything
    #[arg(long)]
    include_key_file: bool,
    /// Days after which this archive must be gone: erased keys live on in it
    #[arg(long, value_name = "DAYS", default_value_t = KEYS_EXPIRE_DAYS)]
    keys_expire_days: u32,
    #[arg(long)]
    json: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["from", "checkpoint", "declare_loss"])
    .required(true).multiple(true))]
pub(crate) struct RestoreArgs {
    /// An empty or absent directory; with --checkpoint or --declare-loss alone, a restored one
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    unlock: Unlock,
    /// The archive; the node that comes out of it is read-only
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The key file, where the archive does not hold it
    #[arg(long, value_name = "FILE", requires = "from")]
    key_file: Option<PathBuf>,
    /// Restore wrapped keys although their time is over
    #[arg(long, requires = "from")]
    accept_expired_keys: bool,
    /// The newest checkpoint that anyone outside holds: where the log extends it, the node writes
    #[arg(long, value_name = "FILE", conflicts_with = "declare_loss")]
    checkpoint: Option<PathBuf>,
    /// Begin a new log whose first statement names the restored one, which stays readable
    #[arg(long)]
    declare_loss: bool,
    #[arg(long)]
    json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    data: Data,
    /// A certificate that the server is given; may be named more than once
    #[arg(long, value_name = "FILE")]
    tls_cert: Vec<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// What `restore --json` prints: what was done of what was asked.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Restored {
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<RestoreReport>,
    origin: String,
    /// `readOnly` or `writing`.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun_after: Option<String>,
}

fn pretty(value: &impl serde::Serialize) -> Result<()> {
    say(&serde_json::to_string_pretty(value)?);
    Ok(())
}

pub(crate) fn backup(args: &BackupArgs) -> Result<u8> {
    let node = open(&args.data)?;
    let options = BackupOptions {
        include_key_file: args.include_key_file,
        keys_expire_days: args.keys_expire_days,
    };
    let report = node.backup(&args.output, options, &Bar::new())?;
    warn_of_keys(&report);
    if args.json {
        pretty(&report)?;
        return Ok(HOLDS);
    }
    say(&format!(
        "{}: {} bytes, {} entries of {}; writes waited {} ms.",
        report.file, report.bytes, report.size, report.origin, report.paused_ms
    ));
    for part in &report.parts {
        say(&format!("  {:<13} {:>6} files {:>14} bytes", part.name, part.files, part.bytes));
    }
    say(&format!(
        "Delete it by {}: what is erased from now on lives on in it.",
        report.keys_expire_at
    ));
    say("Keep this checkpoint apart from it; a restored node asks for the newest one:");
    say(report.checkpoint.trim_end());
    Ok(HOLDS)
}

fn warn_of_keys(report: &BackupReport) {
    match &*report.keys_open_with {
        "passphrase" => {}
        "key file, in this archive" => eprintln!(
            "Warning: the archive holds the key file. Whoever has it reads everything and signs as \
             every member."
        ),
        _ => eprintln!(
            "Warning: the keys open with the plain file keys/key, which is NOT in the archive. \
             Without it nothing can be restored: keep a copy of it elsewhere, or give \
             --include-key-file."
        ),
    }
}

pub(crate) fn restore(args: &RestoreArgs) -> Result<u8> {
    let bar = Bar::new();
    let mut restored = None;
    // Read first: a file that is not there must not leave a node half way.
    let checkpoint = args.checkpoint.as_deref().map(read).transpose()?;
    if let Some(archive) = &args.from {
        let options = RestoreOptions {
            key_file: args.key_file.clone(),
            accept_expired_keys: args.accept_expired_keys,
        };
        let report = backup::restore(&args.data, archive, &options, &bar)?;
        if !args.json {
            say(&format!(
                "Restored {} entries of {} from the backup of {}.",
                report.size, report.origin, report.made_at
            ));
            if report.needs_key_file {
                let place = args.data.join("keys").join("key");
                eprintln!("Its key file was not in the archive: put it at {}.", place.display());
            }
        }
        if !args.declare_loss && !report.needs_key_file {
            make_again(args, &bar)?;
        }
        restored = Some(report);
    }
    let mut done =
        Restored { restored, origin: String::new(), standing: "readOnly", begun_after: None };
    if let Some(note) = checkpoint {
        let (origin, size) = backup::show_checkpoint(&args.data, &note).inspect_err(|_| {
            if args.from.is_some() {
                eprintln!("The node is restored and stays read-only.");
            }
        })?;
        if !args.json {
            say(&format!("The log holds all {size} entries that the checkpoint shows: it writes."));
        }
        (done.origin, done.standing) = (origin, "writing");
    } else if args.declare_loss {
        let before = done.restored.as_ref().map(|report| report.origin.clone());
        let origin = backup::declare_loss(&args.data, &unlock(&args.unlock)?, &bar)?;
        if !args.json {
            say(&format!("A new log begins: {origin}. Give its trust policy to whoever verifies."));
            say(&format!(
                "The old one stays readable and provable: --data {}.",
                args.data.join("previous").display()
            ));
        }
        (done.origin, done.standing, done.begun_after) = (origin, "writing", before);
    } else {
        done.origin =
            done.restored.as_ref().map(|report| report.origin.clone()).unwrap_or_default();
        if !args.json {
            say("The node is read-only. Show it the newest checkpoint that anyone outside holds:");
            say(&format!("  countermark restore --data {} --checkpoint FILE", args.data.display()));
            say("or, where entries are lost, begin a new log that names this one:");
            say(&format!("  countermark restore --data {} --declare-loss", args.data.display()));
        }
    }
    if args.json {
        pretty(&done)?;
    }
    Ok(HOLDS)
}

/// Makes state and index from what was restored, and so reads it once. Without the passphrase that
/// waits until a command has it.
fn make_again(args: &RestoreArgs, bar: &Bar) -> Result<()> {
    match Node::open(&args.data, &unlock(&args.unlock)?, bar) {
        Ok(_) => Ok(()),
        Err(NodeError::Keyring(KeyringError::PassphraseNeeded)) => {
            eprintln!("State and index are made when a command first has the passphrase.");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<u8> {
    let unlock = unlock(&args.data.unlock)?;
    let report = doctor::examine(&args.data.data, &unlock, &args.tls_cert);
    if args.json {
        pretty(&report)?;
    } else {
        for check in &report.checks {
            let outcome = match &check.outcome {
                Outcome::Ok => "ok".to_owned(),
                Outcome::Warning => "warning".to_owned(),
                Outcome::Failed => "FAILED".to_owned(),
                Outcome::Skipped { because } => format!("skipped because {because} failed"),
            };
            say(&format!("{:>2}. {}: {outcome}", check.number, check.name));
            for line in [&check.says, &check.advice].into_iter().filter(|line| !line.is_empty()) {
                say(&format!("    {line}"));
            }
        }
        let count = |wanted: fn(&Outcome) -> bool| {
            report.checks.iter().filter(|check| wanted(&check.outcome)).count()
        };
        say(&format!(
            "{} checks: {} ok, {} warnings, {} failed, {} skipped.",
            report.checks.len(),
            count(|o| matches!(o, Outcome::Ok)),
            count(|o| matches!(o, Outcome::Warning)),
            count(|o| matches!(o, Outcome::Failed)),
            count(|o| matches!(o, Outcome::Skipped { .. }))
        ));
    }
    Ok(if report.failed() { DOES_NOT_HOLD } else { HOLDS })
}
