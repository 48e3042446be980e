//! IPFS content identifiers of documents, and salted digests of them.
//!
//! A document is cut into chunks; each is a CIDv1 raw block, and parents are dag-pb UnixFS file
//! nodes in a balanced tree. Chunk size and fan-out decide the CID, so both stand in the profile.
//! A single chunk is its raw block. Sources: multiformats CIDv1, the dag-pb and UnixFS formats.
//!
//! A CID is an unsalted hash of content: it belongs in a vault or in a salted field, and outside
//! only for documents that their owner declared open. [`salted_digest`] is for everything else.

use crate::ids::Hash;
use sha2::{Digest, Sha256};
use std::fmt;

const CODEC_RAW: u8 = 0x55;
const CODEC_DAG_PB: u8 = 0x70;
const CID_LEN: usize = 36;

/// How a document is cut and joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Bytes of a chunk.
    pub chunk: usize,
    /// Links of a node.
    pub fanout: usize,
}

impl Profile {
    /// What `ipfs add --cid-version=1` of Kubo uses.
    pub const KUBO_V1: Profile = Profile { chunk: 262_144, fanout: 174 };
    /// The profile `unixfs-v1-2025`.
    pub const UNIXFS_2025: Profile = Profile { chunk: 1_048_576, fanout: 1_024 };
}

/// A version 1 content identifier over SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cid {
    codec: u8,
    digest: Hash,
}

impl Cid {
    /// The raw-block CID of bytes that are hashed already.
    #[must_use]
    pub fn raw(digest: Hash) -> Self {
        Self { codec: CODEC_RAW, digest }
    }

    /// The SHA-256 digest inside.
    #[must_use]
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// Whether it names a single raw block.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.codec == CODEC_RAW
    }

    /// The binary form: version, codec, multihash.
    #[must_use]
    pub fn to_bytes(self) -> [u8; CID_LEN] {
        let mut out = [0; CID_LEN];
        out[..4].copy_from_slice(&[1, self.codec, 0x12, 0x20]);
        out[4..].copy_from_slice(&self.digest);
        out
    }

    /// Reads the base32 text form of a CID that this module could have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = base32_decode(text.strip_prefix('b')?)?;
        let bytes: [u8; CID_LEN] = bytes.try_into().ok()?;
        let [1, codec @ (CODEC_RAW | CODEC_DAG_PB), 0x12, 0x20, digest @ ..] = bytes else {
            return None;
        };
        Some(Self { codec, digest })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", base32(&self.to_bytes()))
    }
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Base32 of RFC 4648 §6 in lower case without padding.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    out
}

fn base32_decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > 64 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    // The bits left over must be zero, or two texts would name one CID.
    (bits == 0 && held < 5).then_some(out)
}

/// A child of a node that is not written yet.
#[derive(Debug, Clone, Copy)]
struct Link {
    cid: Cid,
    /// Bytes of all blocks below and of the child itself.
    tree_size: u64,
    /// Bytes of the document below.
    file_size: u64,
}

/// Makes the CID of a document that arrives in pieces; holds one chunk and one node per level.
#[derive(Debug)]
pub struct CidBuilder {
    profile: Profile,
    chunk: Vec<u8>,
    levels: Vec<Vec<Link>>,
}

impl CidBuilder {
    /// A builder for one document. Chunks have at least one byte, nodes at least two links.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let profile = Profile { chunk: profile.chunk.max(1), fanout: profile.fanout.max(2) };
        Self { profile, chunk: Vec::new(), levels: vec![Vec::new()] }
    }

    /// Takes the next bytes of the document.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.chunk.len() == self.profile.chunk {
                self.close_chunk();
            }
            let take = bytes.len().min(self.profile.chunk - self.chunk.len());
            let (now, later) = bytes.split_at(take);
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
    }

    /// The document's CID.
    #[must_use]
    pub fn finish(mut self) -> Cid {
        let no_leaf = self.levels.iter().all(Vec::is_empty);
        if no_leaf || !self.chunk.is_empty() {
            self.close_chunk();
        }
        let mut level = 0;
        loop {
            let top = level + 1 == self.levels.len();
            match self.levels[level].as_slice() {
                [only] if top => return only.cid,
                [] => level += 1,
                _ => {
                    self.close_node(level);
                    level += 1;
                }
            }
        }
    }

    fn close_chunk(&mut self) {
        let size = self.chunk.len() as u64;
        let cid = Cid::raw(Sha256::digest(&self.chunk).into());
        self.chunk.clear();
        self.add(0, Link { cid, tree_size: size, file_size: size });
    }

    fn add(&mut self, level: usize, link: Link) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        if self.levels[level].len() == self.profile.fanout {
            self.close_node(level);
        }
        self.levels[level].push(link);
    }

    /// Writes the node over the links of a level and adds it to the level above.
    fn close_node(&mut self, level: usize) {
        let links = std::mem::take(&mut self.levels[level]);
        let mut block = Vec::new();
        let mut data = vec![0x08, 0x02];
        let file_size = links.iter().map(|link| link.file_size).sum();
        data.push(0x18);
        varint(&mut data, file_size);
        for link in &links {
            let mut body = Vec::with_capacity(CID_LEN + 12);
            field(&mut body, 0x0a, &link.cid.to_bytes());
            body.extend_from_slice(&[0x12, 0x00, 0x18]);
            varint(&mut body, link.tree_size);
            field(&mut block, 0x12, &body);
            data.push(0x20);
            varint(&mut data, link.file_size);
        }
        field(&mut block, 0x0a, &data);
        let below: u64 = links.iter().map(|link| link.tree_size).sum();
        let cid = Cid { codec: CODEC_DAG_PB, digest: Sha256::digest(&block).into() };
        self.add(level + 1, Link { cid, tree_size: below + block.len() as u64, file_size });
    }
}

/// The CID of a document that is in memory.
#[must_use]
pub fn cid(document: &[u8], profile: Profile) -> Cid {
    let mut builder = CidBuilder::new(profile);
    builder.update(document);
    builder.finish()
}

/// What stands for a document outside the vault: SHA-256 of a domain, a random salt and the
/// document's SHA-256. Who has document and salt can check it; nobody else can guess.
#[must_use]
pub fn salted_digest(salt: &[u8; 32], document_sha256: &Hash) -> Hash {
    Sha256::new()
        .chain_update(b"countermark document\0")
        .chain_update(salt)
        .chain_update(document_sha256)
        .finalize()
        .into()
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let low = u8::try_from(n & 0x7f).unwrap_or(0);
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| ((i * 31 + 7) % 251) as u8).collect()
    }

    #[test]
    fn a_document_of_one_chunk_is_its_raw_block() {
        // The SHA-256 of these texts is in every text book; base32 of 01 55 12 20 ‖ digest.
        let of = |text: &[u8]| cid(text, Profile::KUBO_V1).to_string();
        assert_eq!(of(b""), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
        assert_eq!(
            of(b"hello world"),
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
        );
    }

    #[test]
    fn larger_documents_match_vectors_made_by_another_program() {
        // Made with a script of 25 lines that agrees with the JavaScript UnixFS importer.
        let small = Profile { chunk: 10, fanout: 3 };
        for (length, profile, expected) in [
            (
                262145,
                Profile::KUBO_V1,
                "bafybeich6cqd6yabw3cku6edwmz4rvwe275nx2l6ootvc2bpbt5bdvarua",
            ),
            (
                600000,
                Profile::KUBO_V1,
                "bafybeifm6ozrt4mfvwkwdtw5yk5fk5xbro4pxhthzp4malew6f7df2kada",
            ),
            (1000, small, "bafybeiedoapxvh7zoc6kde7ikweeam4ngreixvhvsx2byguhxxxydbqupe"),
            (90, small, "bafybeibdygssmnjkkhgrzcr2squfcmcawwmpg4atofvu7iqadldmr4uhdu"),
            (91, small, "bafybeiaqe52eqm72saqoipsjh4bor7d2smxmksd2mdm7czgi3ujcz5n5li"),
        ] {
            assert_eq!(cid(&pattern(length), profile).to_string(), expected, "{length}");
        }
    }

    #[test]
    fn only_the_text_that_is_written_is_read() {
        let text = cid(b"hello world", Profile::KUBO_V1).to_string();
        assert_eq!(Cid::parse(&text).unwrap().to_string(), text);
        for wrong in [&text[1..], &text[..text.len() - 1], "", "b", "zdj7", &text.to_uppercase()] {
            assert_eq!(Cid::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_salted_digest_depends_on_salt_and_document() {
        let digests = [([1; 32], [2; 32]), ([1; 32], [3; 32]), ([4; 32], [2; 32])]
            .map(|(salt, document)| salted_digest(&salt, &document));
        assert!(digests[0] != digests[1] && digests[0] != digests[2]);
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_it_arrives_do_not_matter(
            length in 0usize..400,
            cuts in prop::collection::vec(1usize..60, 0..8),
        ) {
            let profile = Profile { chunk: 10, fanout: 3 };
            let document = pattern(length);
            let mut builder = CidBuilder::new(profile);
            let mut rest = &*document;
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                builder.update(now);
                rest = later;
            }
            builder.update(rest);
            prop_assert_eq!(builder.finish(), cid(&document, profile));
        }
    }
}
