//! Roots and proofs against published values, against each other, and against the independent
//! implementation in the crate `ct-merkle`.

#![allow(clippy::unwrap_used, reason = "the helpers of these tests unwrap, too")]

use countermark_tlog::merkle::{
    self, Hash, ProofError, leaf_hash, verify_consistency, verify_inclusion,
};
use countermark_tlog::proof::{self, BuildError, HashReader};
use countermark_tlog::{Frontier, tile};
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::HashMap;
use std::convert::Infallible;

/// The complete subtrees of a tree, as a frontier reports them.
#[derive(Default)]
struct Nodes {
    frontier: Frontier,
    hashes: HashMap<(u8, u64), Hash>,
}

impl Nodes {
    fn of(leaves: &[Hash]) -> Self {
        let mut nodes = Self::default();
        for leaf in leaves {
            nodes.frontier.append_with(*leaf, |level, index, hash| {
                assert!(nodes.hashes.insert((level, index), *hash).is_none());
            });
        }
        nodes
    }
}

impl HashReader for Nodes {
    type Error = (u8, u64);

    fn hash(&self, level: u8, index: u64) -> Result<Hash, (u8, u64)> {
        self.hashes.get(&(level, index)).copied().ok_or((level, index))
    }
}

fn entries(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| format!("entry {i}").into_bytes()).collect()
}

fn hashes(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

fn foreign_root(root: &Hash, size: usize) -> RootHash<Sha256> {
    RootHash::new((*root).into(), size as u64)
}

fn foreign_inclusion(path: &[Hash]) -> InclusionProof<Sha256> {
    InclusionProof::try_from_bytes(path.concat()).unwrap()
}

fn foreign_consistency(path: &[Hash]) -> ConsistencyProof<Sha256> {
    ConsistencyProof::try_from_bytes(path.concat()).unwrap()
}

/// The eight leaves of the test data of certificate-transparency (RFC 6962's reference).
fn known_leaves() -> Vec<Hash> {
    let leaves: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
}

#[test]
fn the_known_roots_of_rfc_6962_test_data_are_reproduced() {
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves = known_leaves();
    for (size, expected) in roots.iter().enumerate() {
        assert_eq!(hex(&merkle::root(&leaves[..size])), *expected, "{size} leaves");
        assert_eq!(hex(&Nodes::of(&leaves[..size]).frontier.root()), *expected, "{size} leaves");
    }
}

#[test]
fn the_known_proofs_of_rfc_6962_test_data_are_reproduced() {
    let leaves = known_leaves();
    let short = |path: Vec<Hash>| path.iter().map(|h| hex(h)[..8].to_owned()).collect::<Vec<_>>();
    let inclusion =
        |index, size: usize| short(merkle::inclusion_proof(&leaves[..size], index).unwrap());
    assert_eq!(inclusion(0, 1), [""; 0]);
    assert_eq!(inclusion(0, 8), ["96a296d2", "5f083f0a", "6b47aaf2"]);
    assert_eq!(inclusion(5, 8), ["bc1a0643", "ca854ea1", "d37ee418"]);
    assert_eq!(inclusion(2, 3), ["fac54203"]);
    assert_eq!(inclusion(1, 5), ["6e340b9c", "5f083f0a", "bc1a0643"]);
    let consistency =
        |old, size: usize| short(merkle::consistency_proof(&leaves[..size], old).unwrap());
    assert_eq!(consistency(1, 1), [""; 0]);
    assert_eq!(consistency(1, 8), ["96a296d2", "5f083f0a", "6b47aaf2"]);
    assert_eq!(consistency(6, 8), ["0ebc5d34", "ca854ea1", "d37ee418"]);
    assert_eq!(consistency(2, 5), ["5f083f0a", "bc1a0643"]);
}

#[test]
fn an_independent_verifier_accepts_every_proof_of_trees_up_to_70_leaves() {
    let entries = entries(70);
    let leaves = hashes(&entries);
    let nodes = Nodes::of(&leaves);
    for size in 1..=entries.len() {
        let root = merkle::root(&leaves[..size]);
        assert_eq!(proof::root(&nodes, size as u64), Ok(root));
        let foreign = foreign_root(&root, size);
        for index in 0..size {
            let path = proof::inclusion(&nodes, index as u64, size as u64).unwrap();
            assert_eq!(path, merkle::inclusion_proof(&leaves[..size], index).unwrap());
            verify_inclusion(&leaves[index], index as u64, size as u64, &path, &root).unwrap();
            foreign
                .verify_inclusion(&entries[index], index as u64, &foreign_inclusion(&path))
                .unwrap();
        }
        for old in 1..=size {
            let path = proof::consistency(&nodes, old as u64, size as u64).unwrap();
            assert_eq!(path, merkle::consistency_proof(&leaves[..size], old).unwrap());
            let old_root = merkle::root(&leaves[..old]);
            verify_consistency(old as u64, size as u64, &old_root, &root, &path).unwrap();
            foreign
                .verify_consistency(&foreign_root(&old_root, old), &foreign_consistency(&path))
                .unwrap();
        }
    }
}

#[test]
fn an_independent_verifier_accepts_proofs_of_a_large_tree() {
    let entries = entries(70_001);
    let leaves = hashes(&entries);
    let nodes = Nodes::of(&leaves);
    let size = leaves.len() as u64;
    let root = nodes.frontier.root();
    let foreign = foreign_root(&root, leaves.len());
    for index in [0, 1, 255, 256, 4_095, 65_535, 65_536, 69_999, 70_000u64] {
        let path = proof::inclusion(&nodes, index, size).unwrap();
        assert!(path.len() <= 17);
        verify_inclusion(&leaves[index as usize], index, size, &path, &root).unwrap();
        let entry = &entries[index as usize];
        foreign.verify_inclusion(entry, index, &foreign_inclusion(&path)).unwrap();
        let old = index + 1;
        let old_root = proof::root(&nodes, old).unwrap();
        let path = proof::consistency(&nodes, old, size).unwrap();
        verify_consistency(old, size, &old_root, &root, &path).unwrap();
        let old_root = foreign_root(&old_root, old as usize);
        foreign.verify_consistency(&old_root, &foreign_consistency(&path)).unwrap();
    }
}

#[test]
fn questions_out_of_range_are_refused() {
    let nodes = Nodes::of(&hashes(&entries(3)));
    let index = ProofError::Index { index: 3, size: 3 };
    assert_eq!(proof::inclusion(&nodes, 3, 3), Err(BuildError::Proof(index)));
    let order = ProofError::Order { old: 4, new: 3 };
    assert_eq!(proof::consistency(&nodes, 4, 3), Err(BuildError::Proof(order)));
    assert_eq!(merkle::consistency_proof(&hashes(&entries(3)), 4), Err(order));
    assert_eq!(verify_consistency(4, 3, &[0; 32], &[0; 32], &[]), Err(order));
    assert!(matches!(proof::inclusion(&nodes, 0, 4), Err(BuildError::Read((1, 1)))));
}

#[test]
fn consistency_with_an_empty_or_equal_tree_needs_no_hashes() {
    let leaves = hashes(&entries(3));
    let (empty, root) = (merkle::root(&[]), merkle::root(&leaves));
    assert_eq!(verify_consistency(0, 3, &empty, &root, &[]), Ok(()));
    assert_eq!(verify_consistency(3, 3, &root, &root, &[]), Ok(()));
    assert_eq!(verify_consistency(0, 0, &empty, &empty, &[]), Ok(()));
    assert_eq!(verify_consistency(0, 0, &empty, &root, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(0, 3, &root, &root, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(3, 3, &root, &empty, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(3, 3, &root, &root, &[root]), Err(ProofError::Length));
    assert_eq!(verify_consistency(0, 3, &empty, &root, &[root]), Err(ProofError::Length));
    assert_eq!(verify_consistency(1, 3, &leaves[0], &root, &[]), Err(ProofError::Length));
    assert_eq!(verify_consistency(3, 4, &root, &root, &[]), Err(ProofError::Length));
}

/// A tree too large to hold: the hash of a subtree is made of its place.
struct Imagined;

impl HashReader for Imagined {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(leaf_hash(&[&[level][..], &index.to_be_bytes()].concat()))
    }
}

#[test]
fn trees_near_the_largest_size_do_not_overflow() {
    for size in [1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
        assert!(proof::inclusion(&Imagined, size - 1, size).unwrap().len() <= 64);
        assert!(proof::inclusion(&Imagined, 0, size).unwrap().len() <= 64);
        let path = proof::consistency(&Imagined, 1 << 62, size).unwrap();
        assert!(path.len() <= 65);
        let root = [1; 32];
        assert!(verify_consistency(1 << 62, size, &root, &root, &path).is_err());
        let _ = merkle::root_from_inclusion(&root, size - 1, size, &path);
        let _ = tile::locate(63, size >> 63);
    }
}

fn mutated(path: &[Hash], kind: u8, at: usize, bit: u8) -> Vec<Hash> {
    let mut path = path.to_vec();
    let at = at % path.len().max(1);
    match kind % 4 {
        0 if !path.is_empty() => path[at][usize::from(bit) / 8] ^= 1 << (bit % 8),
        1 if !path.is_empty() => drop(path.remove(at)),
        2 if path.len() > 1 => path.swap(at, 0),
        _ => path.push([bit; 32]),
    }
    path
}

proptest! {
    #[test]
    fn an_altered_inclusion_proof_fails(size in 1usize..300, at: usize, kind: u8, place: usize, bit: u8) {
        let leaves = hashes(&entries(size));
        let (index, root) = (at % size, merkle::root(&leaves));
        let path = merkle::inclusion_proof(&leaves, index).unwrap();
        let altered = mutated(&path, kind, place, bit);
        let check = |leaf, index: usize, path: &[Hash]| verify_inclusion(leaf, index as u64, size as u64, path, &root);
        prop_assert_eq!(check(&leaves[index], index, &path), Ok(()));
        prop_assert_eq!(check(&leaves[index], index, &altered).is_ok(), altered == path);
        let other = (index + 1) % size;
        prop_assert_eq!(check(&leaves[other], index, &path).is_ok(), size == 1);
        prop_assert_eq!(check(&leaves[index], other, &path).is_ok(), size == 1);
    }

    #[test]
    fn an_altered_consistency_proof_fails(old in 1usize..200, more in 0usize..200, kind: u8, place: usize, bit: u8) {
        let leaves = hashes(&entries(old + more));
        let (old_root, root) = (merkle::root(&leaves[..old]), merkle::root(&leaves));
        let path = merkle::consistency_proof(&leaves, old).unwrap();
        let (old, new) = (old as u64, (old + more) as u64);
        prop_assert_eq!(verify_consistency(old, new, &old_root, &root, &path), Ok(()));
        let altered = mutated(&path, kind, place, bit);
        let result = verify_consistency(old, new, &old_root, &root, &altered);
        prop_assert_eq!(result.is_ok(), altered == path);
        let mut other = old_root;
        other[0] ^= 1;
        prop_assert!(verify_consistency(old, new, &other, &root, &path).is_err());
        let mut other = root;
        other[31] ^= 1;
        prop_assert!(verify_consistency(old, new, &old_root, &other, &path).is_err());
    }

    #[test]
    fn a_rewritten_history_has_no_consistency_proof(old in 2usize..100, more in 1usize..100, at: usize) {
        let mut leaves = hashes(&entries(old + more));
        let old_root = merkle::root(&leaves[..old]);
        leaves[at % old] = [9; 32];
        let path = merkle::consistency_proof(&leaves, old).unwrap();
        let root = merkle::root(&leaves);
        prop_assert!(verify_consistency(old as u64, (old + more) as u64, &old_root, &root, &path).is_err());
    }
}
