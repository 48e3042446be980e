use super::*;
use coset::TaggedCborSerializable;
use proptest::prelude::*;
use std::path::PathBuf;

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn log_public() -> [u8; 32] {
    log_key().verifying_key().to_bytes()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect()
}

fn inclusion(size: usize, index: usize) -> (Receipt, Hash, Hash) {
    let leaves = leaves(size);
    let root = merkle::root(&leaves);
    let path = merkle::inclusion_proof(&leaves, index).unwrap();
    let proof = Proof::Inclusion { tree_size: size as u64, leaf_index: index as u64, path };
    (Receipt::sign(proof, &root, &log_key()), leaves[index], root)
}

fn consistency(old: usize, new: usize) -> (Receipt, Hash, Hash) {
    let leaves = leaves(new);
    let path = merkle::consistency_proof(&leaves, old).unwrap();
    let (old_root, new_root) = (merkle::root(&leaves[..old]), merkle::root(&leaves));
    let proof = Proof::Consistency { old_size: old as u64, new_size: new as u64, path };
    (Receipt::sign(proof, &new_root, &log_key()), old_root, new_root)
}

/// The corpus of other projects' files; absent on most machines, required where `CI` is "true".
fn corpus(file: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("COUNTERMARK_CORPUS").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
    });
    let path = root.join("credentials/cose-receipts").join(file);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            None
        }
    }
}

#[test]
fn the_receipts_of_the_ietf_draft_are_read() {
    let Some(bytes) = corpus("inclusion-receipt.cbor") else { return };
    let parts = ReceiptParts::read(&bytes).unwrap();
    assert_eq!(parts.algorithm, -7);
    assert_eq!((parts.message.payload, parts.message.signature.len()), (None, 64));
    match &parts.proofs[..] {
        [Proof::Inclusion { tree_size: 5, leaf_index: 3, path }] => {
            assert_eq!(path.len(), 3);
            assert_eq!(path[0][..4], [0x3d, 0x06, 0x45, 0x5d]);
        }
        other => panic!("{other:?}"),
    }
    // Its header is not in deterministic order, so it is no receipt of this ledger.
    assert!(Receipt::decode(&bytes).is_err());

    let Some(bytes) = corpus("consistency-receipt.cbor") else { return };
    let parts = ReceiptParts::read(&bytes).unwrap();
    match &parts.proofs[..] {
        [Proof::Consistency { old_size: 3, new_size: 5, path }] => assert_eq!(path.len(), 4),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_independent_cose_implementation_verifies_a_receipt_over_the_detached_root() {
    let (receipt, _, root) = inclusion(11, 4);
    let theirs = coset::CoseSign1::from_tagged_slice(&receipt.encode()).unwrap();
    assert_eq!(theirs.payload, None);
    theirs
        .verify_detached_signature(&root, b"", |signature, message| {
            cose::verify(&log_public(), message, signature)
        })
        .unwrap();
}

#[test]
fn a_receipt_of_another_key_leaf_or_kind_does_not_hold() {
    let (receipt, leaf, root) = inclusion(11, 4);
    assert_eq!(receipt.verify_inclusion(&leaf, &log_public()), Ok(root));
    let other_key = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    let no_signature = Err(ReceiptError::Cose(CoseError::Signature));
    assert_eq!(receipt.verify_inclusion(&leaf, &other_key), no_signature);
    assert_eq!(receipt.verify_inclusion(&[0; 32], &log_public()), no_signature);
    assert!(receipt.verify_consistency(&leaf, &root, &log_public()).is_err());

    let (receipt, old, new) = consistency(5, 11);
    assert_eq!(receipt.verify_consistency(&old, &new, &log_public()), Ok(()));
    assert!(receipt.verify_consistency(&[0; 32], &new, &log_public()).is_err());
    assert!(receipt.verify_consistency(&old, &new, &other_key).is_err());
    assert!(receipt.verify_inclusion(&old, &log_public()).is_err());
}

#[test]
fn a_size_or_index_that_leads_to_the_same_root_is_found_by_the_checkpoint() {
    let (receipt, leaf, root) = inclusion(11, 10);
    assert_eq!(receipt.verify_inclusion_at(&leaf, 11, &root, &log_public()), Ok(10));
    let Proof::Inclusion { path, .. } = receipt.proof().clone() else { panic!("inclusion") };
    let elsewhere = Proof::Inclusion { tree_size: 4, leaf_index: 3, path };
    let moved = Receipt::with_signature(elsewhere, receipt.signature);
    assert_eq!(moved.verify_inclusion(&leaf, &log_public()), Ok(root));
    assert!(moved.verify_inclusion_at(&leaf, 11, &root, &log_public()).is_err());
    assert!(receipt.verify_inclusion_at(&leaf, 11, &[0; 32], &log_public()).is_err());
}

#[test]
fn what_a_signature_does_not_cover_cannot_be_added() {
    let (receipt, ..) = inclusion(11, 4);
    let changed = |change: fn(&mut Sign1)| {
        let mut message = Sign1::decode(&receipt.encode()).unwrap();
        change(&mut message);
        Receipt::decode(&message.encode())
    };
    assert!(changed(|_| {}).is_ok());
    let further = changed(|m| {
        if let Value::Map(entries) = &mut m.unprotected {
            entries.push((397u64.into(), Value::Null));
        }
    });
    assert_eq!(further, Err(ReceiptError::Encoding));
    assert_eq!(changed(|m| m.payload = Some(vec![0; 32])), Err(ReceiptError::Encoding));
    assert!(changed(|m| m.unprotected = Value::Map(vec![])).is_err());
    assert!(changed(|m| m.signature = vec![0; 63]).is_err());
    assert_eq!(
        Receipt::decode(&vec![0; RECEIPT_BYTES_MAX + 1]),
        Err(ReceiptError::TooLong(RECEIPT_BYTES_MAX + 1))
    );
}

proptest! {
    #[test]
    fn receipts_read_again_equal_and_hold(size in 1usize..60, at in any::<prop::sample::Index>()) {
        let (receipt, leaf, root) = inclusion(size, at.index(size));
        let read = Receipt::decode(&receipt.encode()).unwrap();
        prop_assert_eq!(&read, &receipt);
        prop_assert_eq!(read.verify_inclusion(&leaf, &log_public()), Ok(root));
        let (receipt, old, new) = consistency(at.index(size) + 1, size);
        let read = Receipt::decode(&receipt.encode()).unwrap();
        prop_assert!(read.verify_consistency(&old, &new, &log_public()).is_ok());
    }

    #[test]
    fn a_changed_byte_breaks_a_receipt(
        at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let (receipt, leaf, root) = inclusion(11, 4);
        let mut bytes = receipt.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = Receipt::decode(&bytes) {
            prop_assert!(read.verify_inclusion_at(&leaf, 11, &root, &log_public()).is_err());
        }
    }
}
