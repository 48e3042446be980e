//! Capture jobs: one submitted document each, with what became of it.
//!
//! A document that is submitted lies sealed in the inbox before its sender is told, and is taken
//! from there by the worker, after a restart too: what was recorded already is not recorded again. A
//! document that is captured at once has a job as well, so that one list says what came in.

pub mod limits;
pub(crate) mod report;
mod run;

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use countermark_epcis::Finding;
use countermark_intake::mapping::Mapping;
use countermark_ledger::ids::{MemberId, hex};
use countermark_ledger::trust::unhex;
use countermark_store::desk::jobs::{JobCounts, JobFilter, JobRow, JobState as RowState};
use countermark_store::inbox;
use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::capture::{CaptureReport, InputFile};
use crate::clock;
use crate::error::NodeError;
use crate::keyring::{self, MemberSecrets};
use crate::mappings::{Description, Mappings};
use crate::node::Node;
use crate::scope::{Scope, name_of};
use crate::stores::store_error;

use limits::{
    FILE_CHARS_MAX, INBOX_BYTES_MAX, JOB_BYTES_MAX, JOBS_OPEN_MAX, JOBS_PAGE, JOBS_PAGE_MAX,
    JOBS_RETRY_AFTER_MS, UNWRITTEN_MAX, WRITE_EVERY_MS,
};

/// How a submitted document is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// As an EPCIS document.
    Capture {
        /// Whether what the rules let pass leniently is taken.
        lenient: bool,
    },
    /// Through a mapping.
    Import {
        /// The mapping's name.
        mapping: String,
    },
}

impl Reading {
    const CAPTURE: i64 = 1;
    const IMPORT: i64 = 2;

    fn number(&self) -> i64 {
        match self {
            Self::Capture { .. } => Self::CAPTURE,
            Self::Import { .. } => Self::IMPORT,
        }
    }

    fn mapping(&self) -> Option<String> {
        match self {
            Self::Capture { .. } => None,
            Self::Import { mapping } => Some(mapping.clone()),
        }
    }

    fn of(row: &JobRow) -> Self {
        match &row.mapping {
            Some(mapping) => Self::Import { mapping: mapping.clone() },
            None => Self::Capture { lenient: row.is_lenient },
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Its document waits.
    Queued,
    /// Its document is being taken.
    Running,
    /// It is done.
    Finished,
}

/// What a job reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// An EPCIS document.
    Capture,
    /// A foreign document, through a mapping.
    Import,
}

/// How far a running job has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// What is being done.
    pub label: String,
    /// How much of it is done.
    pub done: u64,
    /// Of how much; 0 where that is not known.
    pub total: u64,
}

/// Why a job's document was not taken: problem details (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The rule, where it is documented.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of error.
    pub title: String,
    /// The HTTP status that it would have at once.
    pub status: u16,
    /// What is wrong.
    pub detail: String,
    /// The place in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The rule that is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A capture job, with the members that EPCIS 2.0 gives it and those that say more.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    #[serde(rename = "captureID")]
    pub id: String,
    /// When the document came in.
    pub created_at: String,
    /// When the job was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Whether it waits or runs.
    pub running: bool,
    /// Whether all went well so far.
    pub success: bool,
    /// Always `rollback`: a document is taken whole or not at all.
    pub capture_error_behaviour: String,
    /// Why the document was not taken. A list of jobs leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<JobError>>,
    /// Where the job stands.
    pub state: JobState,
    /// What it reads.
    pub kind: JobKind,
    /// Name of the member that it records for.
    pub member: String,
    /// Name of the account that submitted the document.
    pub account: String,
    /// Name of the document.
    pub file: String,
    /// The mapping that it is read through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Length of the document.
    pub bytes: u64,
    /// Events recorded.
    pub accepted: u64,
    /// Events that were recorded before.
    pub duplicates: u64,
    /// Errors for which the document was not taken.
    pub rejected: u64,
    /// Remarks.
    pub noticed: u64,
    /// Unknown parties, items and places.
    pub quarantined: u64,
    /// How far it has come, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<JobProgress>,
    /// What became of the document, bounded; the counts count all. A list of jobs leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<CaptureReport>,
}

/// A document for a job.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The member to record for; without one the caller's own, or the first.
    pub member: Option<String>,
    /// How it is read.
    pub reading: Reading,
    /// The document.
    pub file: InputFile,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default)]
pub struct JobsQuery {
    /// Those in one state.
    pub state: Option<JobState>,
    /// Those that went well, or did not.
    pub success: Option<bool>,
    /// How many at most; 0 for as many as is usual.
    pub per_page: u32,
    /// Where to go on.
    pub next_page_token: Option<String>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A finding of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobFinding {
    /// The job.
    #[serde(rename = "captureID")]
    pub id: String,
    /// When its document came in.
    pub created_at: String,
    /// Name of the document.
    pub file: String,
    /// Name of the member that it is of.
    pub member: String,
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Findings of jobs, newest job first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingsPage {
    /// The findings.
    pub findings: Vec<JobFinding>,
    /// Where to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Notes of documents that were taken at once.
#[derive(Default)]
struct Unwritten {
    notes: Vec<(JobRow, Option<Vec<u8>>)>,
    written_at_ms: u64,
}

/// What an open node remembers of jobs in memory alone.
#[derive(Default)]
pub(crate) struct JobsState {
    unwritten: Mutex<Unwritten>,
    /// Jobs and bytes that were let in and are not on the desk.
    coming: Mutex<(u64, u64)>,
    /// How far the job that runs has come.
    progress: Mutex<Option<([u8; 16], JobProgress)>>,
    /// Held by the one worker.
    worker: Mutex<()>,
    /// Whether something came since the worker looked.
    news: Mutex<bool>,
    bell: Condvar,
    mappings: OnceLock<Mappings>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobsState {
    /// Wakes the worker.
    fn ring(&self) {
        *held(&self.news) = true;
        self.bell.notify_all();
    }
}

/// Room for one document, until its job is on the desk.
struct Room<'a> {
    state: &'a JobsState,
    bytes: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut coming = held(&self.state.coming);
        coming.0 -= 1;
        coming.1 -= self.bytes;
    }
}

fn signed(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX)
}

fn time(unix_ms: i64) -> String {
    clock::moment(u64::try_from(unix_ms).unwrap_or(0))
}

/// A document's name: one line of bounded length, whatever a sender gave.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(FILE_CHARS_MAX).map(plain).collect()
}

fn no_job(id: &str) -> NodeError {
    NodeError::NotFound(format!("there is no capture job {id}"))
}

impl Node {
    /// A shipped mapping, compiled.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where there is none of that name.
    pub fn mapping(&self, name: &str) -> Result<Mapping, NodeError> {
        self.shipped()?.find(name)
    }

    pub(crate) fn shipped(&self) -> Result<&Mappings, NodeError> {
        if let Some(mappings) = self.jobs.mappings.get() {
            return Ok(mappings);
        }
        let loaded = Mappings::load(None)?;
        Ok(self.jobs.mappings.get_or_init(|| loaded))
    }

    /// Takes a document in: sealed on disk, with a job that records it. It survives a restart from
    /// here on.
    ///
    /// # Errors
    /// [`NodeError::Busy`] where too much waits already; an unknown member or mapping.
    pub fn job_submit(&self, by: &Principal, new: NewJob) -> Result<Job, NodeError> {
        self.writing()?;
        let member = self.held(&self.member_in(&by.scope(), new.member.as_deref())?)?;
        if let Reading::Import { mapping } = &new.reading {
            self.mapping_of(&member.id, mapping)?;
        }
        let bytes = new.file.bytes.len() as u64;
        if bytes > JOB_BYTES_MAX {
            let what = format!("{}: {bytes} bytes; at most {JOB_BYTES_MAX} at once", new.file.name);
            return Err(NodeError::Refused(what));
        }
        let _room = self.room(bytes)?;
        let id: [u8; 16] = keyring::random()?;
        let sealed = report::seal(&member.vault_key, report::DOCUMENT, &id, &new.file.bytes)?;
        let (disk, now_ms) = {
            let sequencer = self.lock();
            (sequencer.stores.disk.clone(), sequencer.clock.now_ms())
        };
        inbox::put(&*disk, &hex(&id), &sealed).map_err(|e| store_error(&e))?;
        let mut row = new_row(by, &member, &new.reading, &new.file, now_ms);
        row.id = id;
        let added = self.lock().stores.desk.add_jobs(&[(row.clone(), None)]);
        row.number = added.map_err(|e| store_error(&e))?;
        self.jobs.ring();
        Ok(self.job_view(&row))
    }

    /// Room for a document in the queue, by number and by bytes.
    fn room(&self, bytes: u64) -> Result<Room<'_>, NodeError> {
        let full = |what: String| NodeError::Busy { what, retry_after_ms: JOBS_RETRY_AFTER_MS };
        let (jobs, waiting) = self.lock().stores.desk.open_jobs().map_err(|e| store_error(&e))?;
        let mut coming = held(&self.jobs.coming);
        if jobs + coming.0 >= JOBS_OPEN_MAX {
            return Err(full(format!("{JOBS_OPEN_MAX} documents wait already")));
        }
        if waiting + coming.1 + bytes > INBOX_BYTES_MAX {
            return Err(full(format!("the documents that wait fill {INBOX_BYTES_MAX} bytes")));
        }
        coming.0 += 1;
        coming.1 += bytes;
        Ok(Room { state: &self.jobs, bytes })
    }

    /// Notes what became of a document that was taken at once (see [`new_row`]). The note is written
    /// behind: what it tells of is on the ledger already.
    pub(crate) fn job_note(
        &self,
        mut row: JobRow,
        vault_key: &[u8; 32],
        report: &CaptureReport,
        error: Option<&NodeError>,
    ) -> Result<(), NodeError> {
        row.id = keyring::random()?;
        let now_ms = self.lock().clock.now_ms();
        (row.state, row.attempts) = (RowState::Finished, 1);
        (row.started_at_ms, row.finished_at_ms) = (Some(row.created_at_ms), Some(signed(now_ms)));
        row.counts = report::counts(report);
        row.is_success = report.is_success() && error.is_none();
        let text = report::bounded(report, error.map(report::told))?;
        let sealed = report::seal(vault_key, report::REPORT, &row.id, &text)?;
        let is_due = {
            let mut unwritten = held(&self.jobs.unwritten);
            unwritten.notes.push((row, Some(sealed)));
            unwritten.notes.len() >= UNWRITTEN_MAX
                || now_ms.abs_diff(unwritten.written_at_ms) >= WRITE_EVERY_MS
        };
        if is_due { self.jobs_write() } else { Ok(()) }
    }

    /// Writes the notes that wait.
    pub(crate) fn jobs_write(&self) -> Result<(), NodeError> {
        let mut sequencer = self.lock();
        let mut unwritten = held(&self.jobs.unwritten);
        if unwritten.notes.is_empty() {
            return Ok(());
        }
        unwritten.written_at_ms = sequencer.clock.now_ms();
        let desk = &mut sequencer.stores.desk;
        match desk.add_jobs(&unwritten.notes) {
            Ok(_) => unwritten.notes.clear(),
            Err(error) => {
                // A desk that cannot be written must not fill the memory.
                unwritten.notes.truncate(UNWRITTEN_MAX);
                return Err(store_error(&error));
            }
        }
        Ok(())
    }

    /// A job, with what became of its document.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where there is none that the caller sees.
    pub fn job(&self, scope: &Scope, id: &str) -> Result<Job, NodeError> {
        self.jobs_write()?;
        let number: [u8; 16] = unhex(id).ok_or_else(|| no_job(id))?;
        let (row, sealed) = {
            let sequencer = self.lock();
            let row = sequencer.stores.desk.job(&number).map_err(|e| store_error(&e))?;
            let row = row.filter(|row| scope.holds(&row.member)).ok_or_else(|| no_job(id))?;
            let sealed = sequencer.stores.desk.job_report(&number).map_err(|e| store_error(&e))?;
            (row, sealed)
        };
        let mut job = self.job_view(&row);
        let report = match sealed {
            Some(sealed) => {
                let key = self.held(&row.member)?.vault_key;
                let text = report::open(&key, report::REPORT, &row.id, &sealed)?;
                serde_json::from_slice(&text).map_err(|e| store_error(&e))?
            }
            None => CaptureReport::default(),
        };
        job.errors = Some(report::errors(&report));
        job.report = Some(report);
        Ok(job)
    }

    /// The jobs that the caller sees, newest first.
    ///
    /// # Errors
    /// [`NodeError::Usage`] for a page token that is none.
    pub fn jobs(&self, scope: &Scope, query: &JobsQuery) -> Result<JobsPage, NodeError> {
        self.jobs_write()?;
        let before = match &query.next_page_token {
            None => None,
            Some(token) => Some(token.parse::<i64>().map_err(|_| {
                NodeError::Usage(format!("nextPageToken \"{token}\" is none of this list"))
            })?),
        };
        let per_page = match query.per_page {
            0 => JOBS_PAGE,
            given => given.min(JOBS_PAGE_MAX),
        };
        let filter = JobFilter {
            member: match scope {
                Scope::All => None,
                Scope::Member(member) => Some(*member),
            },
            state: query.state.map(|state| match state {
                JobState::Queued => RowState::Queued,
                JobState::Running => RowState::Running,
                JobState::Finished => RowState::Finished,
            }),
            is_success: query.success,
            before,
        };
        let rows = self.lock().stores.desk.jobs(&filter, per_page + 1);
        let mut rows = rows.map_err(|e| store_error(&e))?;
        let is_more = rows.len() > per_page as usize;
        rows.truncate(per_page as usize);
        let next = rows.last().filter(|_| is_more).map(|row| row.number.to_string());
        let jobs = rows.iter().map(|row| self.job_view(row)).collect();
        Ok(JobsPage { jobs, next_page_token: next })
    }

    /// What was found in the documents of one page of jobs.
    ///
    /// # Errors
    /// As [`Node::jobs`].
    pub fn findings(&self, scope: &Scope, query: &JobsQuery) -> Result<FindingsPage, NodeError> {
        let page = self.jobs(scope, query)?;
        let mut findings = Vec::new();
        for job in page.jobs.iter().filter(|job| job.rejected + job.noticed > 0) {
            let report = self.job(scope, &job.id)?.report.unwrap_or_default();
            let all = report.rejected.into_iter().chain(report.findings);
            findings.extend(all.map(|(_, finding)| JobFinding {
                id: job.id.clone(),
                created_at: job.created_at.clone(),
                file: job.file.clone(),
                member: job.member.clone(),
                finding,
            }));
        }
        Ok(FindingsPage { findings, next_page_token: page.next_page_token })
    }

    /// The shipped mappings, in short.
    ///
    /// # Errors
    /// Where one of them does not compile.
    pub fn mappings(&self) -> Result<Vec<Description>, NodeError> {
        self.shipped()?.describe()
    }

    fn job_view(&self, row: &JobRow) -> Job {
        let progress = held(&self.jobs.progress);
        let state = match row.state {
            RowState::Queued => JobState::Queued,
            RowState::Running => JobState::Running,
            RowState::Finished => JobState::Finished,
        };
        let is_open = row.state != RowState::Finished;
        let progress = progress.as_ref().filter(|(id, _)| is_open && *id == row.id);
        Job {
            id: hex(&row.id),
            created_at: time(row.created_at_ms),
            started_at: row.started_at_ms.map(time),
            finished_at: row.finished_at_ms.map(time),
            running: is_open,
            success: row.is_success,
            capture_error_behaviour: "rollback".to_owned(),
            errors: None,
            state,
            kind: if row.mapping.is_some() { JobKind::Import } else { JobKind::Capture },
            member: name_of(&self.secrets(), &row.member),
            account: row.by_name.clone(),
            file: row.file.clone(),
            mapping: row.mapping.clone(),
            bytes: row.bytes,
            accepted: row.counts.accepted,
            duplicates: row.counts.duplicates,
            rejected: row.counts.rejected,
            noticed: row.counts.noticed,
            quarantined: row.counts.quarantined,
            progress: progress.map(|(_, progress)| progress.clone()),
            report: None,
        }
    }
}

/// The job of a document, before anything became of it.
pub(crate) fn new_row(
    by: &Principal,
    member: &MemberSecrets,
    reading: &Reading,
    file: &InputFile,
    now_ms: u64,
) -> JobRow {
    let member: MemberId = member.id;
    JobRow {
        number: 0,
        id: [0; 16],
        member,
        account: by.account.0,
        by_name: plain_name(&by.name),
        kind: reading.number(),
        file: plain_name(&file.name),
        mapping: reading.mapping(),
        is_lenient: matches!(reading, Reading::Capture { lenient: true }),
        bytes: file.bytes.len() as u64,
        state: RowState::Queued,
        attempts: 0,
        counts: JobCounts::default(),
        is_success: true,
        created_at_ms: signed(now_ms),
        started_at_ms: None,
        finished_at_ms: None,
    }
}
