//! Capture jobs: what came in, what became of it, what still waits.
//!
//! What documents say stands here only sealed: the caller gives and gets reports as bytes.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Desk, DeskError, bounded, fault};

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE job (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    member      BLOB NOT NULL,
    account     INTEGER NOT NULL,
    by_name     TEXT NOT NULL,
    kind        INTEGER NOT NULL,
    file        TEXT NOT NULL,
    mapping     TEXT,
    is_lenient  INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    duplicates  INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    noticed     INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    is_success  INTEGER NOT NULL,
    report      BLOB,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX job_open ON job (number) WHERE state < 3;
CREATE INDEX job_member ON job (member, number);
";

const QUEUED: i64 = 1;
const RUNNING: i64 = 2;
const FINISHED: i64 = 3;
/// Bytes of one sealed report at most.
const REPORT_MAX: usize = 16 * 1024 * 1024;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits.
    Queued,
    /// It was begun; after an interruption it is begun again.
    Running,
    /// It is done.
    Finished,
}

impl JobState {
    fn number(self) -> i64 {
        match self {
            Self::Queued => QUEUED,
            Self::Running => RUNNING,
            Self::Finished => FINISHED,
        }
    }
}

/// How many events a job recorded, and how much it has to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
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
}

/// A capture job as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its number: later ones are higher. 0 until it is added.
    pub number: i64,
    /// Its id.
    pub id: [u8; 16],
    /// The member that it records for.
    pub member: [u8; 16],
    /// The account that submitted the document.
    pub account: i64,
    /// That account's name then.
    pub by_name: String,
    /// How the document is read, as the caller numbers it.
    pub kind: i64,
    /// The document's name.
    pub file: String,
    /// The mapping that it is read through.
    pub mapping: Option<String>,
    /// Whether it is read leniently.
    pub is_lenient: bool,
    /// Its length.
    pub bytes: u64,
    /// Where the job stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// What it did.
    pub counts: JobCounts,
    /// Whether all went well so far.
    pub is_success: bool,
    /// When the document came in, Unix milliseconds.
    pub created_at_ms: i64,
    /// When the job was begun last.
    pub started_at_ms: Option<i64>,
    /// When it was finished.
    pub finished_at_ms: Option<i64>,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Those of one member.
    pub member: Option<[u8; 16]>,
    /// Those in one state.
    pub state: Option<JobState>,
    /// Those that did, or did not, go well.
    pub is_success: Option<bool>,
    /// Those with a lower number.
    pub before: Option<i64>,
}

const COLUMNS: &str = "number, id, member, account, by_name, kind, file, mapping, is_lenient, bytes, \
                       state, attempts, accepted, duplicates, rejected, noticed, quarantined, \
                       is_success, created_at, started_at, finished_at";

impl Desk {
    /// Adds jobs, with their sealed reports where they are finished; all or none. Gives the number
    /// of the last.
    ///
    /// # Errors
    /// If the file cannot be written or a text is too long.
    pub fn add_jobs(&mut self, jobs: &[(JobRow, Option<Vec<u8>>)]) -> Result<i64, DeskError> {
        for (job, report) in jobs {
            bounded("a document's name", job.file.len().max(job.by_name.len()))?;
            bounded("a mapping's name", job.mapping.as_ref().map_or(0, String::len))?;
            bounded_report(report.as_deref())?;
        }
        let path = self.path.clone();
        let work = |connection: &mut Connection| -> rusqlite::Result<i64> {
            let transaction = connection.transaction()?;
            for (job, report) in jobs {
                insert(&transaction, job, report.as_deref())?;
            }
            let number = transaction.last_insert_rowid();
            transaction.commit()?;
            Ok(number)
        };
        work(&mut self.connection).map_err(|error| fault(&path, error))
    }

    /// A job.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn job(&self, id: &[u8; 16]) -> Result<Option<JobRow>, DeskError> {
        let query = format!("SELECT {COLUMNS} FROM job WHERE id = ?1");
        self.run(|connection| {
            connection.prepare_cached(&query)?.query_row([id], read_job).optional()
        })
    }

    /// The sealed report of a finished job.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn job_report(&self, id: &[u8; 16]) -> Result<Option<Vec<u8>>, DeskError> {
        let found: Option<Option<Vec<u8>>> = self.run(|connection| {
            connection
                .prepare_cached("SELECT report FROM job WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()
        })?;
        Ok(found.flatten())
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn jobs(&self, filter: &JobFilter, limit: u32) -> Result<Vec<JobRow>, DeskError> {
        let query = format!(
            "SELECT {COLUMNS} FROM job WHERE (?1 IS NULL OR member = ?1) \
             AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR is_success = ?3) \
             AND (?4 IS NULL OR number < ?4) ORDER BY number DESC LIMIT ?5"
        );
        let state = filter.state.map(JobState::number);
        self.run(|connection| {
            connection
                .prepare_cached(&query)?
                .query_map(
                    params![filter.member, state, filter.is_success, filter.before, limit],
                    read_job,
                )?
                .collect()
        })
    }

    /// The job that is next: the oldest that is not finished.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn next_job(&self) -> Result<Option<JobRow>, DeskError> {
        let query = format!("SELECT {COLUMNS} FROM job WHERE state < 3 ORDER BY number LIMIT 1");
        self.run(|connection| connection.prepare_cached(&query)?.query_row([], read_job).optional())
    }

    /// How many jobs are not finished, and the bytes of their documents.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open_jobs(&self) -> Result<(u64, u64), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT count(*), ifnull(sum(bytes), 0) FROM job WHERE state < 3")?
                .query_row([], |row| Ok((number(row, 0)?, number(row, 1)?)))
        })
    }

    /// Notes that a job is begun.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn begin_job(&self, id: &[u8; 16], at_ms: i64) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "UPDATE job SET state = 2, attempts = attempts + 1, started_at = ?2 \
                     WHERE id = ?1 AND state < 3",
                )?
                .execute(params![id, at_ms])
                .map(|_| ())
        })
    }

    /// Notes what a job did.
    ///
    /// # Errors
    /// If the file cannot be written or the report is too long.
    pub fn finish_job(
        &self,
        id: &[u8; 16],
        counts: &JobCounts,
        is_success: bool,
        report: &[u8],
        at_ms: i64,
    ) -> Result<(), DeskError> {
        bounded_report(Some(report))?;
        self.run(|connection| {
            connection
                .prepare_cached(
                    "UPDATE job SET state = 3, accepted = ?2, duplicates = ?3, rejected = ?4, \
                     noticed = ?5, quarantined = ?6, is_success = ?7, report = ?8, \
                     finished_at = ?9 WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    signed(counts.accepted),
                    signed(counts.duplicates),
                    signed(counts.rejected),
                    signed(counts.noticed),
                    signed(counts.quarantined),
                    is_success,
                    report,
                    at_ms
                ])
                .map(|_| ())
        })
    }

    /// Forgets the oldest finished jobs, so that at most so many are left, and those that were
    /// finished before.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn cut_jobs(&self, most: u32, before_ms: i64) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "DELETE FROM job WHERE state = 3 AND (finished_at < ?2 OR number <= \
                     (SELECT max(number) FROM job) - ?1)",
                )?
                .execute(params![most, before_ms])
                .map(|_| ())
        })
    }
}

fn insert(connection: &Connection, job: &JobRow, report: Option<&[u8]>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO job (id, member, account, by_name, kind, file, mapping, is_lenient, \
             bytes, state, attempts, accepted, duplicates, rejected, noticed, quarantined, \
             is_success, report, created_at, started_at, finished_at) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
             ?19, ?20, ?21)",
        )?
        .execute(params![
            job.id,
            job.member,
            job.account,
            job.by_name,
            job.kind,
            job.file,
            job.mapping,
            job.is_lenient,
            signed(job.bytes),
            job.state.number(),
            job.attempts,
            signed(job.counts.accepted),
            signed(job.counts.duplicates),
            signed(job.counts.rejected),
            signed(job.counts.noticed),
            signed(job.counts.quarantined),
            job.is_success,
            report,
            job.created_at_ms,
            job.started_at_ms,
            job.finished_at_ms,
        ])
        .map(|_| ())
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        number: row.get(0)?,
        id: row.get(1)?,
        member: row.get(2)?,
        account: row.get(3)?,
        by_name: row.get(4)?,
        kind: row.get(5)?,
        file: row.get(6)?,
        mapping: row.get(7)?,
        is_lenient: row.get(8)?,
        bytes: number(row, 9)?,
        state: match row.get(10)? {
            QUEUED => JobState::Queued,
            RUNNING => JobState::Running,
            _ => JobState::Finished,
        },
        attempts: row.get(11)?,
        counts: JobCounts {
            accepted: number(row, 12)?,
            duplicates: number(row, 13)?,
            rejected: number(row, 14)?,
            noticed: number(row, 15)?,
            quarantined: number(row, 16)?,
        },
        is_success: row.get(17)?,
        created_at_ms: row.get(18)?,
        started_at_ms: row.get(19)?,
        finished_at_ms: row.get(20)?,
    })
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn bounded_report(report: Option<&[u8]>) -> Result<(), DeskError> {
    match report.map_or(0, <[u8]>::len) {
        got if got > REPORT_MAX => Err(DeskError::TooLong { what: "a job's report", got }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u8, state: JobState) -> JobRow {
        JobRow {
            number: 0,
            id: [id; 16],
            member: [id % 2; 16],
            account: 1,
            by_name: "Mill".to_owned(),
            kind: 1,
            file: "a.json".to_owned(),
            mapping: None,
            is_lenient: false,
            bytes: 100,
            state,
            attempts: 0,
            counts: JobCounts::default(),
            is_success: true,
            created_at_ms: i64::from(id),
            started_at_ms: None,
            finished_at_ms: (state == JobState::Finished).then_some(i64::from(id)),
        }
    }

    fn desk() -> (tempfile::TempDir, Desk) {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder.path().join("desk.db")).unwrap();
        (folder, desk)
    }

    #[test]
    fn jobs_are_begun_in_the_order_in_which_they_came_until_they_are_finished() {
        let (_folder, mut desk) = desk();
        desk.add_jobs(&[(job(1, JobState::Queued), None)]).unwrap();
        desk.add_jobs(&[(job(2, JobState::Queued), None)]).unwrap();
        assert_eq!(desk.open_jobs().unwrap(), (2, 200));
        desk.begin_job(&[1; 16], 5).unwrap();
        let next = desk.next_job().unwrap().unwrap();
        assert_eq!((next.id, next.state, next.attempts), ([1; 16], JobState::Running, 1));
        let counts = JobCounts { accepted: 3, ..JobCounts::default() };
        desk.finish_job(&[1; 16], &counts, true, b"sealed", 6).unwrap();
        desk.begin_job(&[1; 16], 7).unwrap();
        let done = desk.job(&[1; 16]).unwrap().unwrap();
        assert_eq!((done.state, done.counts, done.attempts), (JobState::Finished, counts, 1));
        assert_eq!(desk.job_report(&[1; 16]).unwrap().unwrap(), b"sealed");
        assert_eq!(desk.next_job().unwrap().unwrap().id, [2; 16]);
        assert_eq!(desk.open_jobs().unwrap(), (1, 100));
    }

    #[test]
    fn a_list_of_jobs_is_newest_first_and_goes_on_where_it_ended() {
        let (_folder, mut desk) = desk();
        let jobs: Vec<_> = (0..6).map(|id| (job(id, JobState::Finished), None)).collect();
        desk.add_jobs(&jobs).unwrap();
        let first = desk.jobs(&JobFilter::default(), 4).unwrap();
        let ids = |jobs: &[JobRow]| jobs.iter().map(|job| job.id[0]).collect::<Vec<_>>();
        assert_eq!(ids(&first), [5, 4, 3, 2]);
        let before = first.last().map(|job| job.number);
        let rest = desk.jobs(&JobFilter { before, ..JobFilter::default() }, 4).unwrap();
        assert_eq!(ids(&rest), [1, 0]);
        let of_one = JobFilter { member: Some([1; 16]), ..JobFilter::default() };
        assert_eq!(ids(&desk.jobs(&of_one, 10).unwrap()), [5, 3, 1]);
        let open = JobFilter { state: Some(JobState::Queued), ..JobFilter::default() };
        assert!(desk.jobs(&open, 10).unwrap().is_empty());
    }

    #[test]
    fn old_jobs_are_forgotten_and_open_ones_never() {
        let (_folder, mut desk) = desk();
        let mut jobs = vec![(job(0, JobState::Queued), None)];
        jobs.extend((1..6).map(|id| (job(id, JobState::Finished), None)));
        desk.add_jobs(&jobs).unwrap();
        desk.cut_jobs(2, 0).unwrap();
        let left = desk.jobs(&JobFilter::default(), 10).unwrap();
        assert_eq!(left.iter().map(|job| job.id[0]).collect::<Vec<_>>(), [5, 4, 0]);
        desk.cut_jobs(2, 5).unwrap();
        assert_eq!(desk.jobs(&JobFilter::default(), 10).unwrap().len(), 2);
    }
}
