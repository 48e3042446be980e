//! Documents as capture jobs: submitted, then asked after until they are done.

use std::time::{Duration, Instant};

use countermark_net::http::Method;
use countermark_node::jobs::{Job, JobState};
use countermark_node::{CaptureReport, InputFile, Progress};

use super::{Client, ClientError, Content, encode, may_pass, with_query};

/// How soon a job is asked after for the first time.
const ASK_FIRST: Duration = Duration::from_millis(50);
/// How long between two questions at most.
const ASK_EVERY_MAX: Duration = Duration::from_secs(2);
/// How long a server may be away while a job of ours runs there.
const AWAY_MAX: Duration = Duration::from_secs(60);

impl Client {
    /// Records EPCIS documents, one after the other.
    pub(crate) fn capture(
        &self,
        member: Option<&str>,
        files: &[InputFile],
        lenient: bool,
        progress: &dyn Progress,
    ) -> Result<CaptureReport, ClientError> {
        let lenient = lenient.then_some("true");
        self.each(files, progress, |file| {
            let name = ("name", Some(&*file.name));
            let path = with_query("/capture", &[("lenient", lenient), ("member", member), name]);
            self.submit(&path, &Content { media_type: "application/json", bytes: &file.bytes })
        })
    }

    /// Records what a mapping of the server makes of documents, one after the other.
    pub(crate) fn import(
        &self,
        member: Option<&str>,
        mapping: &str,
        files: &[InputFile],
        progress: &dyn Progress,
    ) -> Result<CaptureReport, ClientError> {
        self.each(files, progress, |file| {
            let name = ("name", Some(&*file.name));
            let query = [("mapping", Some(mapping)), ("member", member), name];
            let media_type = "application/octet-stream";
            let content = Content { media_type, bytes: &file.bytes };
            self.submit(&with_query("/import", &query), &content)
        })
    }

    fn each(
        &self,
        files: &[InputFile],
        progress: &dyn Progress,
        submit: impl Fn(&InputFile) -> Result<Job, ClientError>,
    ) -> Result<CaptureReport, ClientError> {
        let mut all = CaptureReport::default();
        for file in files {
            let submitted = submit(file);
            let done = submitted.and_then(|job| self.finished(job, progress));
            let job = match done {
                Ok(job) => job,
                // What was recorded of earlier files is not lost from sight.
                Err(error) if all.accepted.is_empty() && all.duplicates.is_empty() => {
                    return Err(error);
                }
                Err(error) => {
                    for id in &all.accepted {
                        eprintln!("recorded before that: {id}");
                    }
                    return Err(error);
                }
            };
            let stopped = self.add(&mut all, job, &file.name);
            if stopped {
                break;
            }
        }
        Ok(all)
    }

    fn submit(&self, path: &str, content: &Content<'_>) -> Result<Job, ClientError> {
        self.read(&self.call(Method::Post, path, &[], Some(content))?)
    }

    /// Asks after a job until it is done.
    fn finished(&self, mut job: Job, progress: &dyn Progress) -> Result<Job, ClientError> {
        let path = format!("/capture/{}", encode(&job.id));
        let (mut every, mut away) = (ASK_FIRST, None::<Instant>);
        loop {
            // A list leaves the report out, and so may the first answer.
            if job.state == JobState::Finished && job.report.is_some() {
                return Ok(job);
            }
            if let Some(at) = &job.progress {
                progress.at(&at.label, at.done, at.total);
            }
            std::thread::sleep(every);
            every = (every * 3 / 2).min(ASK_EVERY_MAX);
            match self.get_json(&path) {
                Ok(next) => (job, away) = (next, None),
                Err(error) if may_pass(&error) => {
                    if away.get_or_insert_with(Instant::now).elapsed() > AWAY_MAX {
                        return Err(self.unfinished(job.id, &error));
                    }
                    every = ASK_EVERY_MAX;
                }
                Err(error) => return Err(self.unfinished(job.id, &error)),
            }
        }
    }

    fn unfinished(&self, job: String, error: &ClientError) -> ClientError {
        let (server, what, code) = (self.base.clone(), error.to_string(), error.exit_code());
        ClientError::Unfinished { server, job, what, code }
    }

    /// Adds what became of one document; whether the node stopped there.
    fn add(&self, all: &mut CaptureReport, job: Job, file: &str) -> bool {
        let report = job.report.unwrap_or_default();
        let told = [&report.accepted, &report.duplicates].map(|ids| ids.len() as u64);
        if [job.accepted, job.duplicates] != told {
            eprintln!(
                "{file}: {} accepted, {} known already; the server lists the first of them",
                job.accepted, job.duplicates
            );
        }
        all.accepted.extend(report.accepted);
        all.duplicates.extend(report.duplicates);
        all.rejected.extend(report.rejected);
        all.findings.extend(report.findings);
        all.quarantined.extend(report.quarantined);
        all.unreadable |= report.unreadable;
        all.failed = report.failed;
        all.failed.is_some()
    }
}
