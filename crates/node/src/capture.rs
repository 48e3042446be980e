//! `capture` and `import`: documents to records. A document is taken whole or not at all.

use std::borrow::Cow;

use countermark_epcis::document::{self, Rejection};
use countermark_epcis::finding::{Finding, any_error};
use countermark_epcis::json::Json;
use countermark_epcis::{Document, Event, Mode};
use countermark_intake::mapping::{IntakeError, Mapping};
use countermark_ledger::ids::{MemberId, RecordId, sha256};
use countermark_ledger::state::entries::{Entry, TagEntry};
use countermark_ledger::state::keys;

use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::clock;
use crate::error::NodeError;
use crate::jobs::{Reading, new_row};
use crate::keyring::MemberSecrets;
use crate::node::Node;
use crate::prepare::{Incoming, Source, Tagger, prepare_all, random_event_id};
use crate::progress::Progress;
use crate::sequencer::{BATCH_RECORDS, NotTaken, Sequencer, Submission, Taken};
use crate::shapes;

/// Records that one block takes of one document; a larger document becomes several blocks, and
/// capturing it again after an interruption adds what is missing.
const RECORDS_PER_BLOCK: usize = 20 * BATCH_RECORDS;

const CLOCK_BEHIND: &str = "clock.behind";

/// A file that the user gave.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Its name, for messages.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A value that nobody knows and nobody guesses: the document waits until it is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The file.
    #[serde(default)]
    pub file: String,
    /// The place in it.
    #[serde(rename = "pointer")]
    pub place: String,
    /// The rule.
    pub kind: String,
    /// The value.
    pub value: String,
    /// What is needed.
    pub message: String,
}

/// What became of documents.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CaptureReport {
    /// Ids of the events that were recorded.
    #[serde(with = "shapes::event_ids")]
    pub accepted: Vec<String>,
    /// Ids of the events that were recorded before.
    #[serde(with = "shapes::event_ids")]
    pub duplicates: Vec<String>,
    /// Why files were not taken, with the file.
    #[serde(with = "shapes::of_files")]
    pub rejected: Vec<(String, Finding)>,
    /// What was noticed in files that were taken, with the file.
    #[serde(with = "shapes::of_files", default)]
    pub findings: Vec<(String, Finding)>,
    /// Unknown parties, items and places.
    #[serde(default)]
    pub quarantined: Vec<Held>,
    /// Whether a file could not be read as what it should be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// Why the node stopped before the last file; what is reported so far stays recorded.
    #[serde(default, with = "shapes::failure", skip_serializing_if = "Option::is_none")]
    pub failed: Option<NodeError>,
}

impl CaptureReport {
    /// Whether everything was taken.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.rejected.is_empty()
            && self.quarantined.is_empty()
            && !self.unreadable
            && self.failed.is_none()
    }

    /// Adds what became of a further file.
    fn add(&mut self, mut other: Self) {
        self.accepted.append(&mut other.accepted);
        self.duplicates.append(&mut other.duplicates);
        self.rejected.append(&mut other.rejected);
        let is_told = self.findings.iter().any(|(_, finding)| finding.rule == CLOCK_BEHIND);
        let is_new = |(_, finding): &(String, Finding)| !is_told || finding.rule != CLOCK_BEHIND;
        self.findings.extend(other.findings.into_iter().filter(is_new));
        self.quarantined.append(&mut other.quarantined);
        self.unreadable |= other.unreadable;
        self.failed = self.failed.take().or(other.failed);
    }
}

/// A document's events on their way, with the places that messages name.
pub(crate) struct Batch {
    file: String,
    pub(crate) incoming: Vec<Incoming>,
    /// Where each event stands, as a JSON pointer or a place in the foreign document.
    pub(crate) places: Vec<String>,
}

/// A document's events, sorted by what is known of them.
pub(crate) struct Sorted {
    pub(crate) fresh: Vec<(Incoming, Option<RecordId>)>,
    duplicates: Vec<String>,
    pub(crate) erased: Vec<Finding>,
    pub(crate) faults: Vec<Finding>,
}

impl Node {
    /// Records the events of EPCIS documents for a member.
    ///
    /// # Errors
    /// [`NodeError`] where the node itself fails; what is wrong with a document is in the report.
    pub fn capture(
        &self,
        member: Option<&str>,
        files: &[InputFile],
        lenient: bool,
        progress: &dyn Progress,
    ) -> Result<CaptureReport, NodeError> {
        self.capture_by(&Principal::local(), member, files, lenient, progress)
    }

    /// Records the events of EPCIS documents for a member that the caller may speak for.
    ///
    /// # Errors
    /// As [`Node::capture`].
    pub fn capture_by(
        &self,
        by: &Principal,
        member: Option<&str>,
        files: &[InputFile],
        lenient: bool,
        progress: &dyn Progress,
    ) -> Result<CaptureReport, NodeError> {
        self.writing()?;
        let member = self.held(&self.member_in(&by.scope(), member)?)?;
        self.take(by, &member, Reading::Capture { lenient }, files, &mut |file, report| {
            self.capture_file(&member, file, lenient, report, progress)
        })
    }

    /// Records what a mapping makes of foreign documents for a member.
    ///
    /// # Errors
    /// As [`Node::capture`].
    pub fn import(
        &self,
        member: Option<&str>,
        mapping: &Mapping,
        files: &[InputFile],
        progress: &dyn Progress,
    ) -> Result<CaptureReport, NodeError> {
        self.writing()?;
        let member = self.held(&self.member_id(member)?)?;
        let reading = Reading::Import { mapping: mapping.manifest().id.clone() };
        self.take(&Principal::local(), &member, reading, files, &mut |file, report| {
            self.import_file(&member, mapping, file, report, progress)
        })
    }

    /// Takes files one by one, each with a job that says what became of it.
    fn take(
        &self,
        by: &Principal,
        member: &MemberSecrets,
        reading: Reading,
        files: &[InputFile],
        one: &mut dyn FnMut(&InputFile, &mut CaptureReport) -> Result<(), NodeError>,
    ) -> Result<CaptureReport, NodeError> {
        let mut all = CaptureReport::default();
        for file in files {
            let job = new_row(by, member, &reading, file, self.lock().clock.now_ms());
            let mut report = CaptureReport::default();
            let done = one(file, &mut report);
            // What is recorded stays so, whether it can be noted or not; the note waits meanwhile.
            let _noted = self.job_note(job, &member.vault_key, &report, done.as_ref().err());
            all.add(report);
            if let Err(error) = done {
                return stopped(all, error);
            }
        }
        Ok(all)
    }

    /// Records the events of one EPCIS document.
    pub(crate) fn capture_file(
        &self,
        member: &MemberSecrets,
        file: &InputFile,
        lenient: bool,
        report: &mut CaptureReport,
        progress: &dyn Progress,
    ) -> Result<(), NodeError> {
        let mode = if lenient { Mode::Lenient } else { Mode::Strict };
        match document::read(&file.bytes, mode) {
            Ok(document) => {
                let noticed = document.findings.iter().cloned();
                report.findings.extend(noticed.map(|finding| (file.name.clone(), finding)));
                let batch = self.epcis_batch(member, file, document);
                self.record(&member.id, batch, report, progress)
            }
            Err(rejection) => {
                reject(report, &file.name, &rejection);
                Ok(())
            }
        }
    }

    /// Records what a mapping makes of one document.
    pub(crate) fn import_file(
        &self,
        member: &MemberSecrets,
        mapping: &Mapping,
        file: &InputFile,
        report: &mut CaptureReport,
        progress: &dyn Progress,
    ) -> Result<(), NodeError> {
        let outcome = match mapping.import(&file.bytes, &self.master_data_of(&member.id)?) {
            Ok(outcome) => outcome,
            Err(error) => {
                report.unreadable |= matches!(error, IntakeError::Read(_));
                let finding = Finding::error("", "document.read", error.to_string());
                report.rejected.push((file.name.clone(), finding));
                return Ok(());
            }
        };
        let with_file = |finding: Finding| (file.name.clone(), finding);
        let changed = self.note_document(member, &outcome)?;
        report.findings.extend(changed.map(with_file));
        report.quarantined.extend(held(file, &outcome));
        if !outcome.is_taken() {
            report.rejected.extend(outcome.findings.into_iter().map(with_file));
            return Ok(());
        }
        report.findings.extend(outcome.findings.iter().cloned().map(with_file));
        match self.mapped_batch(member, file, &outcome, &versioned(mapping)) {
            Ok(batch) => self.record(&member.id, batch, report, progress),
            Err(findings) => {
                report.rejected.extend(findings.into_iter().map(with_file));
                Ok(())
            }
        }
    }

    pub(crate) fn epcis_batch(
        &self,
        member: &MemberSecrets,
        file: &InputFile,
        document: Document,
    ) -> Batch {
        let classes = self.classes();
        let mut tagger = Tagger::new(&member.tag_key, &classes.personal);
        let prefix = match document.kind {
            document::Kind::Capture => "/epcisBody/eventList/",
            document::Kind::Query => "/epcisBody/queryResults/resultsBody/eventList/",
            document::Kind::Event | document::Kind::Events => "/",
        };
        let document_digest = sha256(&file.bytes);
        let single = document.kind == document::Kind::Event;
        let (mut incoming, mut places) = (Vec::new(), Vec::new());
        for (i, event) in document.events.into_iter().enumerate() {
            let tag = tagger.tag(&event, None);
            let named = event.event_id().is_some();
            incoming.push(Incoming { event, document_digest, source: None, tag, named });
            places.push(if single { String::new() } else { format!("{prefix}{i}") });
        }
        Batch { file: file.name.clone(), incoming, places }
    }

    pub(crate) fn mapped_batch(
        &self,
        member: &MemberSecrets,
        file: &InputFile,
        outcome: &countermark_intake::Outcome,
        mapping: &str,
    ) -> Result<Batch, Vec<Finding>> {
        let classes = self.classes();
        let mut tagger = Tagger::new(&member.tag_key, &classes.personal);
        let (mut incoming, mut places, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for (json, line) in outcome.events.iter().zip(&outcome.lines) {
            let event = match Event::from_json(json.clone()) {
                Ok(event) => event,
                Err(findings) => {
                    faults.extend(findings);
                    continue;
                }
            };
            let source = Source {
                system: line.system.clone(),
                document: line.document.clone(),
                line: line.line.clone(),
                mapping: mapping.to_owned(),
            };
            let tag = tagger.tag(&event, Some(&source));
            let document_digest = outcome.document.digest;
            incoming.push(Incoming {
                event,
                document_digest,
                source: Some(source),
                tag,
                named: false,
            });
            places.push(line.line.clone());
        }
        if any_error(&faults) {
            return Err(faults);
        }
        Ok(Batch { file: file.name.clone(), incoming, places })
    }

    /// Records a document's events, but those that are recorded already.
    fn record(
        &self,
        member: &MemberId,
        batch: Batch,
        report: &mut CaptureReport,
        progress: &dyn Progress,
    ) -> Result<(), NodeError> {
        let file = batch.file.clone();
        let sorted = self.sort_out(batch)?;
        if !sorted.faults.is_empty() {
            report.rejected.extend(sorted.faults.into_iter().map(|fault| (file.clone(), fault)));
            return Ok(());
        }
        report.duplicates.extend(sorted.duplicates);
        report.findings.extend(sorted.erased.into_iter().map(|noticed| (file.clone(), noticed)));
        self.submit_records(member, &file, &sorted.fresh, report, progress)
    }

    /// Sorts a document's events by what the ledger knows of them.
    pub(crate) fn sort_out(&self, batch: Batch) -> Result<Sorted, NodeError> {
        let mut fresh: Vec<(Incoming, Option<RecordId>)> = Vec::new();
        let (mut duplicates, mut erased, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = std::collections::BTreeMap::new();
        for (mut incoming, place) in batch.incoming.into_iter().zip(&batch.places) {
            let twice = seen.insert(incoming.tag, fresh.len());
            if let Some(earlier) = twice {
                // The same id or line twice in one document: the same event, or a contradiction.
                let (first, _): &(Incoming, _) = &fresh[earlier];
                seen.insert(incoming.tag, earlier);
                if same_event(first.event.json(), incoming.event.json()) {
                    duplicates.extend(first.event.event_id().map(str::to_owned));
                    continue;
                }
                faults.push(taken_id(place, incoming.event.event_id()));
                continue;
            }
            // Locked for one event at a time, so that blocks can be made in between.
            let standing = known(&self.lock(), &incoming)?;
            match standing {
                Known::No => {
                    if !incoming.named {
                        incoming.event.set_event_id(&random_event_id()?);
                    }
                    fresh.push((incoming, None));
                }
                Known::Same(event_id) => {
                    seen.remove(&incoming.tag);
                    duplicates.push(event_id);
                }
                Known::Erased(event_id) => {
                    seen.remove(&incoming.tag);
                    erased.push(erased_event(place, event_id.as_deref()));
                    duplicates.extend(event_id);
                }
                Known::Other => {
                    seen.remove(&incoming.tag);
                    faults.push(taken_id(place, incoming.event.event_id()));
                }
            }
        }
        Ok(Sorted { fresh, duplicates, erased, faults })
    }

    fn submit_records(
        &self,
        member: &MemberId,
        file: &str,
        fresh: &[(Incoming, Option<RecordId>)],
        report: &mut CaptureReport,
        progress: &dyn Progress,
    ) -> Result<(), NodeError> {
        let mut done = 0;
        for part in fresh.chunks(RECORDS_PER_BLOCK) {
            let mut part = Cow::Borrowed(part);
            while !part.is_empty() {
                let records = prepare_all(&part, &self.classes())?;
                let ids: Vec<String> =
                    records.iter().map(|record| record.event_id.clone()).collect();
                let submission = Submission::Records { member: *member, records };
                match self.submit(submission)? {
                    Ok(taken) => {
                        report.accepted.extend(ids);
                        note_clock(file, &taken, report);
                        break;
                    }
                    // Somebody else was faster with some of these events.
                    Err(NotTaken::Recorded) => part = Cow::Owned(self.still_new(&part, report)?),
                    Err(error @ NotTaken::NotWritten(_)) => {
                        return Err(NodeError::Store(error.to_string()));
                    }
                    Err(refused) => {
                        let finding = Finding::error("", rule_of(&refused), refused.to_string());
                        report.rejected.push((file.to_owned(), finding));
                        return Ok(());
                    }
                }
            }
            done += part.len();
            progress.at("events recorded", done as u64, fresh.len() as u64);
        }
        Ok(())
    }

    /// What is left of events of which another submission recorded some in the meantime.
    fn still_new(
        &self,
        part: &[(Incoming, Option<RecordId>)],
        report: &mut CaptureReport,
    ) -> Result<Vec<(Incoming, Option<RecordId>)>, NodeError> {
        let sequencer = self.lock();
        let mut left = Vec::new();
        for (incoming, previous) in part {
            match known(&sequencer, incoming)? {
                Known::No => left.push((incoming.clone(), *previous)),
                Known::Same(event_id) => report.duplicates.push(event_id),
                Known::Erased(event_id) => report.duplicates.extend(event_id),
                Known::Other => {
                    let id = incoming.event.event_id().unwrap_or_default();
                    let what = format!("{id} was recorded a moment ago, with other content");
                    return Err(NodeError::Refused(what));
                }
            }
        }
        if left.len() == part.len() {
            let what = "the ledger knows one of these events and the state does not".to_owned();
            return Err(NodeError::Damaged { place: "state.db".to_owned(), what });
        }
        Ok(left)
    }
}

/// The name of the rule for which a submission was not taken.
fn rule_of(not_taken: &NotTaken) -> &'static str {
    match not_taken {
        NotTaken::ClockJump { .. } | NotTaken::NoClockJump { .. } => "clock.jump",
        NotTaken::Recorded => "event.known",
        NotTaken::TooLarge => "document.size",
        NotTaken::Refused(_) | NotTaken::NotWritten(_) => "ledger",
    }
}

/// A clock that is behind the ledger goes unseen otherwise: block time never goes back.
fn note_clock(file: &str, taken: &Taken, report: &mut CaptureReport) {
    let Some(behind_ms) = taken.clock_behind_ms else { return };
    let known = |(_, finding): &(String, Finding)| finding.rule == CLOCK_BEHIND;
    if !report.findings.iter().any(known) {
        let what = format!(
            "the clock is {} behind the block before; recorded as of {}",
            clock::span(behind_ms),
            clock::moment(taken.time_ms)
        );
        let finding = Finding::warning("", CLOCK_BEHIND, what).suggest("set the clock");
        report.findings.push((file.to_owned(), finding));
    }
}

/// The node failed: what was recorded before is still told, since it stays recorded.
fn stopped(mut report: CaptureReport, error: NodeError) -> Result<CaptureReport, NodeError> {
    if report.accepted.is_empty() && report.duplicates.is_empty() {
        return Err(error);
    }
    report.failed = Some(error);
    Ok(report)
}

pub(crate) fn held<'a>(
    file: &'a InputFile,
    outcome: &'a countermark_intake::Outcome,
) -> impl Iterator<Item = Held> + 'a {
    outcome.quarantined.iter().map(|held| Held {
        file: file.name.clone(),
        place: held.place.clone(),
        kind: held.rule.to_owned(),
        value: held.value.clone(),
        message: held.needed.clone(),
    })
}

/// A mapping's name as provenance has it.
pub(crate) fn versioned(mapping: &Mapping) -> String {
    format!("{}@{}", mapping.manifest().id, mapping.manifest().version)
}

fn reject(report: &mut CaptureReport, file: &str, rejection: &Rejection) {
    report.unreadable |= rejection.is_unreadable();
    let findings = rejection.findings().into_iter();
    report.rejected.extend(findings.map(|finding| (file.to_owned(), finding)));
}

fn erased_event(place: &str, event_id: Option<&str>) -> Finding {
    let name = event_id.unwrap_or("this event");
    let what = format!("{name} was recorded and erased since; it is not recorded again");
    Finding::warning(place, "event.erased", what)
        .suggest("if it is to be kept after all, give it another eventID")
}

fn taken_id(place: &str, event_id: Option<&str>) -> Finding {
    let what = match event_id {
        Some(id) => format!("{id} is recorded already, with other content"),
        None => "this line of the document is recorded already, with other content".to_owned(),
    };
    Finding::error(place, "event.known", what)
        .suggest("correct it with an error declaration and a new event that has its own id")
}

/// Whether an event is on the ledger.
enum Known {
    No,
    /// The same event, under this id.
    Same(String),
    /// An event of which something was erased since; its id, where that is still known.
    Erased(Option<String>),
    /// Another event has its id or line.
    Other,
}

fn known(sequencer: &Sequencer, incoming: &Incoming) -> Result<Known, NodeError> {
    let state = &sequencer.stores.state;
    let failed = |e: countermark_ledger::state::StateError| NodeError::Store(e.to_string());
    let Some(tag) = TagEntry::load(state, &keys::tag(&incoming.tag)).map_err(failed)? else {
        return Ok(Known::No);
    };
    let named = || incoming.event.event_id().filter(|_| incoming.named).map(str::to_owned);
    let Some(stored) = sequencer.stores.load_record(&tag.last_record)? else {
        return Ok(Known::Erased(named()));
    };
    let id = stored.event.get("eventID").and_then(Json::as_str).map(str::to_owned);
    // Too little is left to compare.
    if stored.is_partial {
        return Ok(Known::Erased(id.or_else(named)));
    }
    // What tags alike by content is the same by the standard's event hash, whatever its lexemes.
    let by_content = incoming.source.is_none() && !incoming.named;
    if by_content || same_event(&stored.event, incoming.event.json()) {
        Ok(Known::Same(id.unwrap_or_default()))
    } else {
        Ok(Known::Other)
    }
}

/// Whether two events say the same, apart from the id that one of them may have been given here and
/// the time at which someone recorded it.
fn same_event(a: &Json, b: &Json) -> bool {
    let plain = |event: &Json| {
        let mut event = event.clone();
        event.remove("recordTime");
        let id = event.remove("eventID");
        (event, id)
    };
    let ((a, a_id), (b, b_id)) = (plain(a), plain(b));
    let ids_agree = match (a_id, b_id) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    ids_agree && equal(&a, &b)
}

/// Equality without regard to the order of members.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, value)| b.get(name).is_some_and(|v| equal(value, v)))
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| equal(a, b))
        }
        _ => a == b,
    }
}
