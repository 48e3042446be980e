//! Every limit of capture jobs.

/// Jobs that wait or run at once.
pub const JOBS_OPEN_MAX: u64 = 256;
/// Bytes of documents that wait or run at once.
pub const INBOX_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes of one document.
pub const JOB_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// When a sender that found the queue full should try again.
pub const JOBS_RETRY_AFTER_MS: u64 = 5_000;
/// How often a job is begun at most: one that the node never survives must end too.
pub const JOB_ATTEMPTS_MAX: u32 = 5;
/// Event ids of each kind that a job's report keeps; its counts count all.
pub const REPORT_IDS_MAX: usize = 10_000;
/// Errors, remarks and unknown values that a job's report keeps, each; its counts count all.
pub const REPORT_FINDINGS_MAX: usize = 1_000;
/// Bytes of a job's report at most.
pub const REPORT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Finished jobs that are remembered.
pub const JOBS_KEPT_MAX: u32 = 100_000;
/// Days for which finished jobs are remembered.
pub const JOB_DAYS: u64 = 400;
/// Old jobs are forgotten whenever so many new ones came.
pub(super) const CUT_EVERY: i64 = 256;
/// Jobs of a list's page.
pub const JOBS_PAGE_MAX: u32 = 1_000;
/// Jobs of a list's page where nothing is said.
pub const JOBS_PAGE: u32 = 30;
/// Notes of documents that were taken at once and wait to be written.
pub(super) const UNWRITTEN_MAX: usize = 64;
/// How long such notes wait.
pub(super) const WRITE_EVERY_MS: u64 = 1_000;
/// Characters of a document's name that are kept.
pub(super) const FILE_CHARS_MAX: usize = 255;
