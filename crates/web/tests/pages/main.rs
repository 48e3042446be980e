//! Pages as a browser without scripts sees them: forms and links alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first thing that is not as it should be"
)]

mod importing;
mod looks;
mod signing_in;
mod support;
mod walk;
