//! What the frames of the journal say: the state that the journal starts from, and blocks.

use super::edge::{Edge, LEVELS};
use countermark_tlog::Hash;
use std::sync::Arc;

const BASE: u8 = 1;
const BLOCK: u8 = 2;

/// One block as it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockData {
    /// Height of the block; the first is 0, each further one higher by 1.
    pub height: u64,
    /// The leaves that it adds to the log, header first.
    pub leaves: Vec<Vec<u8>>,
    /// The objects that its statements name.
    pub objects: Vec<Vec<u8>>,
    /// The signed checkpoint (a C2SP signed note) of the log after the block.
    pub checkpoint: Vec<u8>,
}

/// The state at which a journal starts: everything before is in synced files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) origin: String,
    /// Height of the next block.
    pub(super) next_height: u64,
    pub(super) edge: Edge,
    /// Empty where no block has been committed.
    pub(super) checkpoint: Vec<u8>,
}

/// A frame's content.
#[derive(Debug)]
pub(super) enum Payload {
    Base(Base),
    /// The block, and the log's size before it.
    Block(BlockData, u64),
}

pub(super) fn encode_base(base: &Base) -> Vec<u8> {
    let mut out = vec![BASE];
    put_bytes(&mut out, base.origin.as_bytes());
    out.extend_from_slice(&base.next_height.to_be_bytes());
    out.extend_from_slice(&base.edge.size().to_be_bytes());
    for entry in base.edge.entries() {
        put_bytes(&mut out, entry);
    }
    for level in 1..LEVELS {
        out.extend_from_slice(base.edge.hashes(level).as_flattened());
    }
    put_bytes(&mut out, &base.checkpoint);
    out
}

pub(super) fn encode_block(block: &BlockData, size_before: u64) -> Vec<u8> {
    let mut out = vec![BLOCK];
    out.extend_from_slice(&block.height.to_be_bytes());
    out.extend_from_slice(&size_before.to_be_bytes());
    for list in [&block.leaves, &block.objects] {
        out.extend_from_slice(&(list.len() as u32).to_be_bytes());
        for item in list {
            put_bytes(&mut out, item);
        }
    }
    put_bytes(&mut out, &block.checkpoint);
    out
}

/// Reads a payload; `None` where it is none. Its digest has been checked, so that this can only be
/// one of another version.
pub(super) fn decode(payload: &[u8]) -> Option<Payload> {
    let mut input = Input(payload);
    let read = match input.take(1)? {
        [BASE] => Payload::Base(input.base()?),
        [BLOCK] => {
            let (height, size_before) = (input.number()?, input.number()?);
            let (leaves, objects) = (input.list()?, input.list()?);
            let checkpoint = input.bytes()?.to_vec();
            Payload::Block(BlockData { height, leaves, objects, checkpoint }, size_before)
        }
        _ => return None,
    };
    if input.0.is_empty() { Some(read) } else { None }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Option<usize> {
        self.take(4)?.try_into().ok().map(|bytes| u32::from_be_bytes(bytes) as usize)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.short()?;
        self.take(length)
    }

    fn list(&mut self) -> Option<Vec<Vec<u8>>> {
        let count = self.short()?;
        // Each item takes 4 bytes at least, which bounds the list before it is made.
        if count > self.0.len() / 4 {
            return None;
        }
        (0..count).map(|_| self.bytes().map(<[u8]>::to_vec)).collect()
    }

    fn base(&mut self) -> Option<Base> {
        let origin = String::from_utf8(self.bytes()?.to_vec()).ok()?;
        let (next_height, size) = (self.number()?, self.number()?);
        let entries = (0..size % 256)
            .map(|_| self.bytes().map(Arc::from))
            .collect::<Option<Vec<Arc<[u8]>>>>()?;
        let mut upper: Vec<Vec<Hash>> = Vec::with_capacity(LEVELS - 1);
        for level in 1..LEVELS {
            let count = ((size >> (8 * level)) % 256) as usize;
            upper.push(self.take(count * 32)?.as_chunks::<32>().0.to_vec());
        }
        let checkpoint = self.bytes()?.to_vec();
        Some(Base { origin, next_height, edge: Edge::from_parts(size, entries, upper), checkpoint })
    }
}
