//! Frames of the journal: what was appended whole is told apart from what was cut off or altered.
//!
//! A frame is `magic (8) ‖ payload length (8, big-endian) ‖ SHA-256 of the payload (32) ‖ the first
//! 16 bytes of SHA-256(offset ‖ the 48 bytes before) ‖ payload`. The offset is the frame's own
//! position in the file, so that bytes which look like a frame are none anywhere else.

use crate::disk::Disk;
use sha2::{Digest, Sha256};
use std::io;

const MAGIC: [u8; 8] = *b"CMJRNL1\n";
const CHECKED: usize = 48;
const HEADER: usize = 64;

/// Longest payload: an edge of 255 entries or a block, each near 16 MiB, with room for their frame.
pub(super) const MAX_PAYLOAD: usize = 40 * 1024 * 1024;

/// What stands at an offset of the journal.
#[derive(Debug)]
pub(super) enum Step {
    /// A frame.
    Frame { payload: Vec<u8>, end: u64 },
    /// The end of the file.
    End,
    /// A frame that was not written to its end: nothing follows it.
    Torn { bytes: u64 },
    /// Something that is no frame although more follows.
    Damaged,
}

/// The frame that holds a payload at an offset.
pub(super) fn encode(offset: u64, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    frame.extend_from_slice(&Sha256::digest(payload));
    let check = header_check(offset, &frame);
    frame.extend_from_slice(&check);
    frame.extend_from_slice(payload);
    frame
}

fn header_check(offset: u64, checked: &[u8]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(offset.to_be_bytes()).chain_update(checked).finalize();
    let mut check = [0; 16];
    check.copy_from_slice(&hash[..16]);
    check
}

/// Payload length and digest, where these bytes are a header at this offset.
fn parse_header(offset: u64, bytes: &[u8]) -> Option<(usize, [u8; 32])> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let (checked, check) = header.split_at(CHECKED);
    if !checked.starts_with(&MAGIC) || check != header_check(offset, checked) {
        return None;
    }
    let (length, digest) = checked[MAGIC.len()..].split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    Some((length, digest.try_into().ok()?)).filter(|_| length <= MAX_PAYLOAD)
}

/// Reads what stands at `offset` of a journal that is `length` bytes long.
pub(super) fn read(disk: &dyn Disk, path: &str, offset: u64, length: u64) -> io::Result<Step> {
    let left = length.saturating_sub(offset);
    if left == 0 {
        return Ok(Step::End);
    }
    let torn = Step::Torn { bytes: left };
    if left < HEADER as u64 {
        return Ok(torn);
    }
    let header = disk.read(path, offset, HEADER)?;
    let Some((size, digest)) = parse_header(offset, &header) else {
        let intact = frame_follows(disk, path, offset + 1, length)?;
        return Ok(if intact { Step::Damaged } else { torn });
    };
    let start = offset + HEADER as u64;
    let end = start + size as u64;
    if end > length {
        return Ok(torn);
    }
    let payload = disk.read(path, start, size)?;
    if Sha256::digest(&payload)[..] == digest {
        return Ok(Step::Frame { payload, end });
    }
    // A power cut may leave the last frame with its length but not its bytes. Nothing can follow it,
    // because the next frame is appended only after this one was synced.
    Ok(if end == length { torn } else { Step::Damaged })
}

/// Whether a header stands anywhere from `from` on.
fn frame_follows(disk: &dyn Disk, path: &str, from: u64, length: u64) -> io::Result<bool> {
    const STEP: u64 = 1 << 20;
    let mut start = from;
    while start + HEADER as u64 <= length {
        // Pieces overlap by a header, so that none is missed at a seam.
        let piece = (length - start).min(STEP + HEADER as u64) as usize;
        let bytes = disk.read(path, start, piece)?;
        let found = bytes
            .windows(HEADER)
            .enumerate()
            .any(|(at, window)| parse_header(start + at as u64, window).is_some());
        if found {
            return Ok(true);
        }
        start += STEP;
    }
    Ok(false)
}
