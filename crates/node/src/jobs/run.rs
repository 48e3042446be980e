//! The worker: takes submitted documents from the inbox, oldest first, one at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_epcis::Finding;
use countermark_ledger::ids::hex;
use countermark_store::desk::jobs::{JobFilter, JobRow, JobState};
use countermark_store::inbox;

use super::limits::{
    CUT_EVERY, JOB_ATTEMPTS_MAX, JOB_BYTES_MAX, JOB_DAYS, JOBS_KEPT_MAX, JOBS_OPEN_MAX,
};
use super::{JobProgress, Reading, held, report, signed};
use crate::capture::{CaptureReport, InputFile};
use crate::drafts::is_draft_file;
use crate::error::{ErrorKind, NodeError};
use crate::node::Node;
use crate::progress::Progress;
use crate::stores::store_error;

/// How often the worker looks around without being called.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it waits after a failure of the node.
const PAUSE: Duration = Duration::from_secs(5);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// A sealed document is so much longer at most.
const SEAL_BYTES: u64 = 64;

/// Notes progress where whoever asks for the job finds it.
struct Told<'a> {
    node: &'a Node,
    id: [u8; 16],
}

impl Progress for Told<'_> {
    fn at(&self, label: &str, done: u64, total: u64) {
        let progress = JobProgress { label: label.to_owned(), done, total };
        *held(&self.node.jobs.progress) = Some((self.id, progress));
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        *held(&self.node.jobs.progress) = None;
    }
}

impl Node {
    /// Removes what a crash left in the inbox of documents whose sender was never told, or whose
    /// jobs are finished.
    pub(crate) fn jobs_recover(&self) -> Result<(), NodeError> {
        let sequencer = self.lock();
        let desk = &sequencer.stores.desk;
        let most = u32::try_from(JOBS_OPEN_MAX).unwrap_or(u32::MAX);
        let mut open = Vec::new();
        for state in [JobState::Queued, JobState::Running] {
            let filter = JobFilter { state: Some(state), ..JobFilter::default() };
            open.extend(desk.jobs(&filter, most).map_err(|e| store_error(&e))?);
        }
        let names: Vec<String> = open.iter().map(|row| hex(&row.id)).collect();
        let wanted = |name: &str| is_draft_file(name) || names.iter().any(|known| known == name);
        inbox::keep_only(&*sequencer.stores.disk, wanted).map_err(|e| store_error(&e))
    }

    /// Works on submitted documents until `stop` is set (see [`Node::jobs_wake`]); the document that
    /// is being taken then is finished first. One worker at a time: a second one waits.
    pub fn jobs_run(&self, stop: &AtomicBool) {
        let _only = held(&self.jobs.worker);
        while !stop.load(Ordering::Acquire) {
            let _next_second_again = self.jobs_write();
            match self.job_next() {
                Ok(true) => {}
                Ok(false) => self.jobs_wait(LOOK_EVERY),
                Err(_) => self.jobs_wait(PAUSE),
            }
        }
    }

    /// Takes all submitted documents that wait, and returns. Says how many there were.
    ///
    /// # Errors
    /// Where the node itself fails.
    pub fn jobs_run_queued(&self) -> Result<usize, NodeError> {
        let _only = held(&self.jobs.worker);
        let mut done = 0;
        while self.job_next()? {
            done += 1;
        }
        Ok(done)
    }

    /// Lets the worker look around at once, for something new or for a reason to stop.
    pub fn jobs_wake(&self) {
        self.jobs.ring();
    }

    fn jobs_wait(&self, most: Duration) {
        let news = held(&self.jobs.news);
        let waited = self.jobs.bell.wait_timeout_while(news, most, |news| !*news);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Takes the document that is next. `false` where none waits.
    fn job_next(&self) -> Result<bool, NodeError> {
        let row = self.lock().stores.desk.next_job().map_err(|e| store_error(&e))?;
        let Some(row) = row else { return Ok(false) };
        {
            let sequencer = self.lock();
            let now_ms = signed(sequencer.clock.now_ms());
            sequencer.stores.desk.begin_job(&row.id, now_ms).map_err(|e| store_error(&e))?;
        }
        let mut report = CaptureReport::default();
        let told = Told { node: self, id: row.id };
        let done = if row.attempts < JOB_ATTEMPTS_MAX {
            // One document must not end the worker, whatever is in it.
            catch_unwind(AssertUnwindSafe(|| self.job_take(&row, &told, &mut report)))
                .unwrap_or_else(|_| Err(NodeError::Store("the job broke off".to_owned())))
        } else {
            let what = format!("it was begun {} times and never ended", row.attempts);
            let finding =
                Finding::error("", "document.never-ends", what).suggest("send it in smaller parts");
            report.rejected.push((row.file.clone(), finding));
            Ok(())
        };
        match done {
            // It is begun again: what is recorded already is then found to be so.
            Err(error) if error.kind() == ErrorKind::Fatal => Err(error),
            Err(error) => self.job_finish(&row, &report, Some(&error)),
            Ok(()) => self.job_finish(&row, &report, None),
        }
        .map(|()| true)
    }

    fn job_take(
        &self,
        row: &JobRow,
        progress: &Told<'_>,
        report: &mut CaptureReport,
    ) -> Result<(), NodeError> {
        let disk = self.lock().stores.disk.clone();
        let sealed = inbox::get(&*disk, &hex(&row.id), JOB_BYTES_MAX + SEAL_BYTES);
        let member = self.held(&row.member)?;
        let Some(sealed) = sealed.map_err(|e| store_error(&e))? else {
            return Err(lost("it is gone from the inbox"));
        };
        let bytes = report::open(&member.vault_key, report::DOCUMENT, &row.id, &sealed)
            .map_err(|_| lost("it is damaged in the inbox"))?;
        let file = InputFile { name: row.file.clone(), bytes };
        match Reading::of(row) {
            Reading::Capture { lenient } => {
                self.capture_file(&member, &file, lenient, report, progress)
            }
            Reading::Import { mapping } => {
                let mapping = self.mapping_of(&row.member, &mapping)?;
                self.import_file(&member, &mapping, &file, report, progress)
            }
        }
    }

    /// Notes what a job did, then removes its document.
    fn job_finish(
        &self,
        row: &JobRow,
        report: &CaptureReport,
        error: Option<&NodeError>,
    ) -> Result<(), NodeError> {
        let is_success = report.is_success() && error.is_none();
        let text = report::bounded(report, error.map(report::told))?;
        let key = self.held(&row.member)?.vault_key;
        let sealed = report::seal(&key, report::REPORT, &row.id, &text)?;
        let sequencer = self.lock();
        let now_ms = sequencer.clock.now_ms();
        let desk = &sequencer.stores.desk;
        let counts = report::counts(report);
        desk.finish_job(&row.id, &counts, is_success, &sealed, signed(now_ms))
            .map_err(|e| store_error(&e))?;
        if row.number % CUT_EVERY == 0 {
            let oldest = signed(now_ms.saturating_sub(JOB_DAYS * DAY_MS));
            desk.cut_jobs(JOBS_KEPT_MAX, oldest).map_err(|e| store_error(&e))?;
        }
        let disk = sequencer.stores.disk.clone();
        drop(sequencer);
        inbox::remove(&*disk, &hex(&row.id)).map_err(|e| store_error(&e))
    }
}

fn lost(why: &str) -> NodeError {
    NodeError::Refused(format!("the submitted document is lost: {why}; send it again"))
}
