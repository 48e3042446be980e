//! SHA-256 of many messages at once.
//!
//! One message keeps a core's SHA-256 unit waiting for itself, round after round; sixteen that know
//! nothing of one another fill the lanes of AVX-512 and take a third of the time. Where the
//! processor has no AVX-512, each message is hashed by itself. The digests are the same.

use crate::merkle::Hash;
use sha2::block_api::compress256;

/// The chaining value of SHA-256.
pub type State = [u32; 8];

/// Where SHA-256 begins (FIPS 180-4 §5.3.3).
pub const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Length of a block in bytes.
pub const BLOCK: usize = 64;
/// Messages that are hashed side by side.
const LANES: usize = 16;

/// Blocks from one place on, hashed after a state.
#[derive(Debug, Clone, Copy)]
struct Job {
    state: State,
    /// First block.
    from: usize,
    blocks: usize,
}

/// Messages to be hashed together. They are written one after the other, each from
/// [`Messages::begin`] to [`Messages::end`].
#[derive(Debug, Default)]
pub struct Messages {
    bytes: Vec<u8>,
    jobs: Vec<Job>,
    /// State and length of what comes before the message that is being written, and its start.
    open: Option<(State, usize, usize)>,
    order: Vec<usize>,
}

impl Messages {
    /// No messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a message.
    pub fn begin(&mut self) {
        self.begin_after(INITIAL, 0);
    }

    /// Begins the rest of a message of which so many bytes, whole blocks, led to a state.
    pub fn begin_after(&mut self, state: State, hashed: usize) {
        self.open = Some((state, hashed, self.bytes.len()));
    }

    /// Adds to the message.
    pub fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    /// Ends the message: padding and length (FIPS 180-4 §5.1.1).
    pub fn end(&mut self) {
        let Some((state, hashed, start)) = self.open.take() else { return };
        let bits = ((hashed + self.bytes.len() - start) as u64).wrapping_mul(8);
        self.bytes.push(0x80);
        let with_length = self.bytes.len() + 8;
        self.bytes.resize(with_length.next_multiple_of(BLOCK) - 8, 0);
        self.bytes.extend_from_slice(&bits.to_be_bytes());
        let from = start / BLOCK;
        self.jobs.push(Job { state, from, blocks: self.bytes.len() / BLOCK - from });
    }

    /// The message of a node above two others: 01 ‖ left ‖ right (RFC 9162 §2.1.1).
    pub fn node(&mut self, left: &Hash, right: &Hash) {
        // Made in one piece with its padding: nodes are most of what there is to hash.
        let mut message = [0; 2 * BLOCK];
        message[0] = 1;
        message[1..33].copy_from_slice(left);
        message[33..65].copy_from_slice(right);
        message[65] = 0x80;
        message[2 * BLOCK - 2..].copy_from_slice(&(65_u16 * 8).to_be_bytes());
        let from = self.bytes.len() / BLOCK;
        self.bytes.extend_from_slice(&message);
        self.jobs.push(Job { state: INITIAL, from, blocks: 2 });
    }

    /// The rest, of 32 bytes, of a message of which one block led to a state.
    pub fn half_block(&mut self, state: State, rest: &[u8; 32]) {
        let mut block = [0; BLOCK];
        block[..32].copy_from_slice(rest);
        block[32] = 0x80;
        block[BLOCK - 2..].copy_from_slice(&(96_u16 * 8).to_be_bytes());
        self.block(state, &block);
    }

    /// Adds one whole block to be hashed after a state, for [`Messages::states`].
    pub fn block(&mut self, state: State, block: &[u8; BLOCK]) {
        let from = self.bytes.len() / BLOCK;
        self.bytes.extend_from_slice(block);
        self.jobs.push(Job { state, from, blocks: 1 });
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The digests of the messages, in order; none are left after it.
    pub fn digests(&mut self, out: &mut Vec<Hash>) {
        self.run();
        out.clear();
        out.extend(self.jobs.iter().map(|job| digest(&job.state)));
        self.clear();
    }

    /// The states after the messages, in order; none are left after it.
    pub fn states(&mut self, out: &mut Vec<State>) {
        self.run();
        out.clear();
        out.extend(self.jobs.iter().map(|job| job.state));
        self.clear();
    }

    /// What is hashed here may be secret: nothing of it stays behind.
    fn clear(&mut self) {
        self.bytes.fill(0);
        self.bytes.clear();
        self.jobs.clear();
    }

    fn run(&mut self) {
        let (blocks, _) = self.bytes.as_chunks::<BLOCK>();
        #[cfg(target_arch = "x86_64")]
        if self.jobs.len() > 1
            && let Some(simd) = wide::Simd::find()
        {
            self.order.clear();
            self.order.extend(0..self.jobs.len());
            // Lanes that end together waste nothing.
            self.order.sort_by_key(|at| self.jobs[*at].blocks);
            simd.run(blocks, &mut self.jobs, &self.order);
            return;
        }
        for job in &mut self.jobs {
            compress256(&mut job.state, &blocks[job.from..job.from + job.blocks]);
        }
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The digest that a state is at a message's end.
#[must_use]
pub fn digest(state: &State) -> Hash {
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{BLOCK, Job, LANES};
    use core::arch::x86_64::__m512i;
    use pulp::{Arch, x86::V4};

    /// The round constants (FIPS 180-4 §4.2.2).
    const K: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];

    /// One word of each lane.
    type Words = __m512i;

    /// AVX-512, where the processor has it.
    #[derive(Clone, Copy)]
    pub(super) struct Simd(V4);

    struct Run<'a> {
        simd: Simd,
        blocks: &'a [[u8; BLOCK]],
        jobs: &'a mut [Job],
        order: &'a [usize],
    }

    impl pulp::NullaryFnOnce for Run<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            for lanes in self.order.chunks(LANES) {
                self.simd.hash(self.blocks, self.jobs, lanes);
            }
        }
    }

    impl Simd {
        pub(super) fn find() -> Option<Self> {
            if let Arch::V4(simd) = Arch::new() { Some(Self(simd)) } else { None }
        }

        pub(super) fn run(self, blocks: &[[u8; BLOCK]], jobs: &mut [Job], order: &[usize]) {
            self.0.vectorize(Run { simd: self, blocks, jobs, order });
        }

        /// Hashes up to sixteen messages, the longest last.
        #[inline(always)]
        fn hash(self, blocks: &[[u8; BLOCK]], jobs: &mut [Job], lanes: &[usize]) {
            let mut rows = [[0_u32; LANES]; LANES];
            for (row, at) in rows.iter_mut().zip(lanes) {
                row[..8].copy_from_slice(&jobs[*at].state);
            }
            let mut words: [Words; LANES] = pulp::cast(rows);
            self.transpose(&mut words);
            let mut state = [words[0]; 8];
            state.copy_from_slice(&words[..8]);
            let longest = lanes.last().map_or(0, |at| jobs[*at].blocks);
            let mut loaded = [[0_u8; BLOCK]; LANES];
            for number in 0..longest {
                let mut ends = false;
                for (row, at) in loaded.iter_mut().zip(lanes) {
                    let job = &jobs[*at];
                    if number < job.blocks {
                        *row = blocks[job.from + number];
                        ends |= number + 1 == job.blocks;
                    }
                }
                self.compress(&mut state, &loaded);
                if ends {
                    let mut words = [state[0]; LANES];
                    words[..8].copy_from_slice(&state);
                    self.transpose(&mut words);
                    let rows: [[u32; LANES]; LANES] = pulp::cast(words);
                    for (row, at) in rows.iter().zip(lanes) {
                        let job = &mut jobs[*at];
                        if number + 1 == job.blocks {
                            job.state.copy_from_slice(&row[..8]);
                        }
                    }
                }
            }
        }

        #[inline(always)]
        fn add(self, a: Words, b: Words) -> Words {
            self.0.avx512f._mm512_add_epi32(a, b)
        }

        /// Exclusive or of three.
        #[inline(always)]
        fn xor(self, a: Words, b: Words, c: Words) -> Words {
            self.0.avx512f._mm512_ternarylogic_epi32::<0x96>(a, b, c)
        }

        #[inline(always)]
        fn turn<const BITS: i32>(self, a: Words) -> Words {
            self.0.avx512f._mm512_ror_epi32::<BITS>(a)
        }

        /// Sixteen rows of sixteen words, so that the first words of all come first.
        #[inline(always)]
        fn transpose(self, rows: &mut [Words; LANES]) {
            let f = self.0.avx512f;
            let mut pairs = *rows;
            for i in 0..8 {
                pairs[2 * i] = f._mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = f._mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = pairs;
            for i in 0..4 {
                fours[4 * i] = f._mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
                fours[4 * i + 1] = f._mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
                fours[4 * i + 2] = f._mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
                fours[4 * i + 3] = f._mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
            }
            for i in 0..4 {
                let (a, b, c, d) = (fours[i], fours[4 + i], fours[8 + i], fours[12 + i]);
                let (ab, cd) =
                    (f._mm512_shuffle_i32x4::<0x88>(a, b), f._mm512_shuffle_i32x4::<0x88>(c, d));
                rows[i] = f._mm512_shuffle_i32x4::<0x88>(ab, cd);
                rows[8 + i] = f._mm512_shuffle_i32x4::<0xdd>(ab, cd);
                let (ab, cd) =
                    (f._mm512_shuffle_i32x4::<0xdd>(a, b), f._mm512_shuffle_i32x4::<0xdd>(c, d));
                rows[4 + i] = f._mm512_shuffle_i32x4::<0x88>(ab, cd);
                rows[12 + i] = f._mm512_shuffle_i32x4::<0xdd>(ab, cd);
            }
        }

        /// One block of each lane (FIPS 180-4 §6.2.2).
        #[inline(always)]
        fn compress(self, state: &mut [Words; 8], blocks: &[[u8; BLOCK]; LANES]) {
            let f512 = self.0.avx512f;
            // The words of a message are big-endian.
            let swap: [u8; BLOCK] = std::array::from_fn(|i| ((i & 12) | (3 - (i & 3))) as u8);
            let swap: Words = pulp::cast(swap);
            let mut w: [Words; LANES] = pulp::cast(*blocks);
            for row in &mut w {
                *row = self.0.avx512bw._mm512_shuffle_epi8(*row, swap);
            }
            self.transpose(&mut w);
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            for sixteen in 0..4 {
                for t in 0..16 {
                    if sixteen > 0 {
                        let (old, new) = (w[(t + 1) & 15], w[(t + 14) & 15]);
                        let shifted = f512._mm512_srli_epi32::<3>(old);
                        let s0 = self.xor(self.turn::<7>(old), self.turn::<18>(old), shifted);
                        let shifted = f512._mm512_srli_epi32::<10>(new);
                        let s1 = self.xor(self.turn::<17>(new), self.turn::<19>(new), shifted);
                        w[t] = self.add(self.add(w[t], s0), self.add(w[(t + 9) & 15], s1));
                    }
                    let k = f512._mm512_set1_epi32(K[sixteen * 16 + t].cast_signed());
                    let s1 = self.xor(self.turn::<6>(e), self.turn::<11>(e), self.turn::<25>(e));
                    let choice = f512._mm512_ternarylogic_epi32::<0xca>(e, f, g);
                    let t1 = self.add(self.add(h, s1), choice);
                    let t1 = self.add(t1, self.add(w[t], k));
                    let s0 = self.xor(self.turn::<2>(a), self.turn::<13>(a), self.turn::<22>(a));
                    let majority = f512._mm512_ternarylogic_epi32::<0xe8>(a, b, c);
                    let t2 = self.add(s0, majority);
                    (h, g, f, e) = (g, f, e, self.add(d, t1));
                    (d, c, b, a) = (c, b, a, self.add(t1, t2));
                }
            }
            for (before, after) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *before = self.add(*before, after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn all(messages: &[Vec<u8>]) -> Vec<Hash> {
        let mut together = Messages::new();
        for message in messages {
            together.begin();
            together.push(message);
            together.end();
        }
        let mut digests = Vec::new();
        together.digests(&mut digests);
        assert!(together.is_empty());
        digests
    }

    #[test]
    fn messages_of_every_length_around_a_block_hash_as_they_do_alone() {
        for count in [1, 2, 15, 16, 17, 200] {
            let message = |i: usize| (0..i * 7 % 200).map(|b| (b * 31 + i) as u8).collect();
            let messages: Vec<Vec<u8>> = (0..count).map(message).collect();
            let alone: Vec<Hash> = messages.iter().map(|m| Sha256::digest(m).into()).collect();
            assert_eq!(all(&messages), alone, "{count} messages");
        }
    }

    #[test]
    fn messages_made_in_one_piece_are_those_made_in_parts() {
        let mut together = Messages::new();
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for i in 0..20 {
            together.node(&[i; 32], &[i + 1; 32]);
            together.half_block([7; 8], &[i; 32]);
        }
        together.digests(&mut whole);
        for i in 0..20 {
            together.begin();
            [&[1][..], &[i; 32], &[i + 1; 32]].iter().for_each(|part| together.push(part));
            together.end();
            together.begin_after([7; 8], BLOCK);
            together.push(&[i; 32]);
            together.end();
        }
        together.digests(&mut parts);
        assert_eq!(whole, parts);
    }

    #[test]
    fn a_message_goes_on_from_the_state_of_its_first_blocks() {
        let mut together = Messages::new();
        let firsts: Vec<[u8; BLOCK]> = (0..40).map(|i| [i; BLOCK]).collect();
        firsts.iter().for_each(|first| together.block(INITIAL, first));
        let mut states = Vec::new();
        together.states(&mut states);
        for state in &states {
            together.begin_after(*state, BLOCK);
            together.push(b"the rest");
            together.end();
        }
        let mut digests = Vec::new();
        together.digests(&mut digests);
        for (first, digest) in firsts.iter().zip(&digests) {
            let whole: Hash = Sha256::digest([&first[..], b"the rest"].concat()).into();
            assert_eq!(*digest, whole);
        }
    }

    proptest! {
        #[test]
        fn many_messages_hash_as_they_do_alone(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..70)
        ) {
            let alone: Vec<Hash> = messages.iter().map(|m| Sha256::digest(m).into()).collect();
            prop_assert_eq!(all(&messages), alone);
        }
    }
}
