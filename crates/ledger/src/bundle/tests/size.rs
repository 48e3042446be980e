//! Size and speed of the proof of one event in a large log.

use super::world::{FARM, Ledger, PROCESSOR};
use super::*;
use crate::ids::sha256;
use countermark_tlog::merkle;
use std::time::Instant;

#[test]
fn placeholder_replaced() {}
