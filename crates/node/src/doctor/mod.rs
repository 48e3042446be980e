//! `doctor`: looks at a node and at the machine under it, in order of dependence, and says what to
//! do. It needs no server and no network, changes no setting, and checks what can be checked while a
//! server has the data directory.

mod certificate;
mod checks;
mod machine;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::keyring::Unlock;

/// How a check came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and could work better.
    Warning,
    /// It does not work, or will not for long.
    Failed,
    /// Another check failed that this one builds on.
    Skipped {
        /// Number of that check.
        because: u32,
    },
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its place in the list, from 1.
    pub number: u32,
    /// What is looked at.
    pub name: String,
    /// How it came out.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was found.
    pub says: String,
    /// What to do; empty where nothing is.
    pub advice: String,
}

/// All checks of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorReport {
    /// The checks, in their order.
    pub checks: Vec<Check>,
}

impl DoctorReport {
    /// Whether a check failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Failed)
    }

    /// Adds a check that needs others, by their numbers; gives its own number.
    fn check(
        &mut self,
        name: impl Into<String>,
        needs: &[u32],
        look: impl FnOnce() -> Finding,
    ) -> u32 {
        let number = u32::try_from(self.checks.len() + 1).unwrap_or(u32::MAX);
        let bad = |need: &&u32| {
            self.checks.iter().any(|check| {
                check.number == **need
                    && matches!(check.outcome, Outcome::Failed | Outcome::Skipped { .. })
            })
        };
        let because = needs.iter().find(bad).map(|need| {
            // The first cause, not what it took down with it.
            let found = self.checks.iter().find(|check| check.number == *need);
            match found.map(|check| &check.outcome) {
                Some(Outcome::Skipped { because }) => *because,
                _ => *need,
            }
        });
        let finding = match because {
            Some(because) => Finding::new(Outcome::Skipped { because }, "", ""),
            None => look(),
        };
        let Finding { outcome, says, advice } = finding;
        self.checks.push(Check { number, name: name.into(), outcome, says, advice });
        number
    }
}

/// What one look gives.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    outcome: Outcome,
    says: String,
    advice: String,
}

impl Finding {
    fn new(outcome: Outcome, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { outcome, says: says.into(), advice: advice.into() }
    }

    fn ok(says: impl Into<String>) -> Self {
        Self::new(Outcome::Ok, says, "")
    }

    fn warning(says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Outcome::Warning, says, advice)
    }

    fn failed(says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, says, advice)
    }
}

/// Looks at a data directory and, where certificates of a server are given, at those.
#[must_use]
pub fn examine(data: &Path, unlock: &Unlock, certificates: &[PathBuf]) -> DoctorReport {
    let mut report = DoctorReport::default();
    report.check("program", &[], checks::program);
    let directory = report.check("data directory", &[], || checks::directory(data));
    report.check("disk room", &[directory], || machine::room(data));
    report.check("volume", &[directory], || machine::volume(data));
    let keys = report.check("keys", &[directory], || checks::keys(data));
    report.check("clock", &[], machine::clock);
    let formats = report.check("formats", &[directory], || checks::formats(data));
    report.check("standing", &[directory, formats], || checks::standing(data));
    report.check("newest backup", &[directory, formats], || checks::backup(data));
    report.check("journals", &[directory], || checks::journals(data));
    // The lock, and behind it the log, come last: a running server has them.
    let mut opened = None;
    let lock = report.check("lock", &[directory], || checks::lock(data, &mut opened));
    let disk = opened;
    if disk.is_some() {
        let mut secrets = None;
        let unlocked =
            report.check("unlocking", &[keys, lock], || checks::unlock(data, unlock, &mut secrets));
        report.check("log and clock", &[unlocked, formats], || checks::log(disk, secrets));
    }
    for file in certificates {
        let name = format!("certificate {}", file.display());
        report.check(name, &[], || certificate::check(file, machine::now_s()));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_builds_on_a_failed_one_is_skipped_and_names_the_first_cause() {
        let mut report = DoctorReport::default();
        let first = report.check("a", &[], || Finding::failed("broken", "mend it"));
        let second = report.check("b", &[first], || Finding::ok("never said"));
        report.check("c", &[second], || Finding::ok("never said"));
        let outcomes: Vec<&Outcome> = report.checks.iter().map(|check| &check.outcome).collect();
        let skipped = Outcome::Skipped { because: 1 };
        assert_eq!(outcomes, [&Outcome::Failed, &skipped, &skipped]);
        assert!(report.failed());
    }

    #[test]
    fn a_warning_fails_nothing_and_skips_nothing() {
        let mut report = DoctorReport::default();
        let first = report.check("a", &[], || Finding::warning("so so", "look"));
        report.check("b", &[first], || Finding::ok("fine"));
        assert!(!report.failed());
        assert_eq!(report.checks[1].outcome, Outcome::Ok);
    }
}
