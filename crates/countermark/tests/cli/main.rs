//! The built program as others use it: its words, its answers, its exit codes, and what it says of
//! bad input and damaged stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first thing that is not as it should be"
)]

mod access;
mod backup;
mod bad_input;
mod browser_verifier;
mod commands;
mod crash;
mod damage;
mod deploy;
mod doctor;
mod documents;
mod erase;
mod imports;
mod members;
mod proofs;
mod publications;
mod reading;
mod server;
mod support;
mod upgrade;
