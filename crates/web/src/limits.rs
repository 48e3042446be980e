//! Every limit of the server.

use std::time::Duration;

/// Connections at once; further ones wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 512;
/// Connections at once of one address; further ones are closed.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// Time for a TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the head of a request; an idle connection is closed after it too.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head at most.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request at most.
pub const HEADERS_MAX: usize = 64;
/// Time in which a body may begin to flow.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// Bytes a second that a body has to bring at least, after [`BODY_GRACE`].
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 16 * 1024;
/// Bytes of a form at most.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a document (to capture, to import, to keep) at most.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one event at most.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a bundle or trust policy to be verified at most.
pub const BUNDLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Time for an answer, after its body came in.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Use cases that run at once.
pub const WORKERS_MAX: usize = 8;
/// Questions who calls that are answered at once.
pub const CHECKS_MAX: usize = 4;
/// Calls to the OpenID provider at once.
pub const CALLS_MAX: usize = 4;
/// How often what waits for the access log is written.
pub const ACCESS_LOG_TICK: Duration = Duration::from_secs(1);
/// Use cases that wait for a worker; further ones are told to come back.
pub const WAITING_MAX: usize = 64;
/// How long a caller that was told to come back should wait.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Time for open requests to end when the server stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests a minute that one address may send without being known.
pub const UNKNOWN_REQUESTS_PER_MINUTE_MAX: u32 = 600;
/// Requests a minute of one account or API key.
pub const CALLER_REQUESTS_PER_MINUTE_MAX: u32 = 60_000;
/// Requests a minute of one address that may cost much and need no account (sign-in, verify).
pub const COSTLY_REQUESTS_PER_MINUTE_MAX: u32 = 30;
/// Addresses and accounts whose requests are counted at once.
pub const COUNTED_CALLERS_MAX: usize = 10_000;
/// Bytes of a JSON body that says what to do at most.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;
/// Findings that one answer lists.
pub const PROBLEM_FINDINGS_MAX: usize = 1_000;
/// Bytes of a bundle and a trust policy sent together at most.
pub const VERIFY_BYTES_MAX: usize = BUNDLE_BYTES_MAX + 1024 * 1024 + 64 * 1024;
/// Bytes of master data or field classes at most.
pub const SETTINGS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Parameters of a query at most.
pub const PARAMETERS_MAX: usize = 100;
/// Blocks that one answer lists at most.
pub const BLOCKS_MAX: usize = 200;
/// Seconds for which a partial tile may be kept by those who read it.
pub const PARTIAL_TILE_SECONDS: u64 = 10;
