use super::*;
use proptest::prelude::*;

fn naive_root(map: &BTreeMap<Vec<u8>, Vec<u8>>) -> Hash {
    root_of(map.iter().map(|(key, value)| (&key[..], &value[..])))
}

type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Few keys, so that values are replaced and removed as often as added.
fn any_batches() -> impl Strategy<Value = Vec<Batch>> {
    let key = (0u16..120).prop_map(|n| format!("key/{n}").into_bytes());
    let value = prop::option::weighted(0.6, prop::collection::vec(any::<u8>(), 0..4));
    prop::collection::vec(prop::collection::btree_map(key, value, 0..40), 1..8)
}

fn apply(state: &mut MemoryState, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, batch: &Batch) {
    let height = state.head().unwrap().map_or(0, |head| head.height + 1);
    let writes = update(state, batch.clone()).unwrap();
    state.commit(height, &writes).unwrap();
    for (key, value) in batch {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

#[test]
fn the_roots_of_none_and_one_follow_the_definition() {
    let mut state = MemoryState::new();
    assert_eq!(state.root().unwrap(), EMPTY);
    let one = Batch::from([(b"a".to_vec(), Some(b"1".to_vec()))]);
    let writes = update(&state, one).unwrap();
    assert_eq!(writes.root, leaf_hash(&sha256(b"a"), &sha256(b"1")));
    state.commit(0, &writes).unwrap();
    let none = update(&state, Batch::from([(b"a".to_vec(), None)])).unwrap();
    assert_eq!(none.root, EMPTY);
    state.commit(1, &none).unwrap();
    assert!(state.pages.is_empty());
}

#[test]
fn the_root_of_two_keys_is_worked_out_by_hand() {
    // SHA-256("a") begins 1100 1010, SHA-256("c") 0010 1110, SHA-256("d") 0001 1000: "c" and "d"
    // part at the third bit.
    let leaf = |key: &[u8]| leaf_hash(&sha256(key), &sha256(b"v"));
    assert_eq!((sha256(b"a")[0], sha256(b"c")[0], sha256(b"d")[0]), (0xca, 0x2e, 0x18));
    let entries: [(&[u8], &[u8]); 3] = [(b"a", b"v"), (b"c", b"v"), (b"d", b"v")];
    let below = node_hash(&leaf(b"d"), &leaf(b"c"));
    let left = node_hash(&below, &EMPTY);
    let expected = node_hash(&left, &leaf(b"a"));
    assert_eq!(root_of(entries.into_iter()), expected);
    let changes = entries.iter().map(|(k, v)| (k.to_vec(), Some(v.to_vec()))).collect();
    assert_eq!(update(&MemoryState::new(), changes).unwrap().root, expected);
}

#[test]
fn a_block_that_does_not_follow_is_not_committed() {
    let mut state = MemoryState::new();
    let writes = update(&state, Batch::new()).unwrap();
    assert!(state.commit(1, &writes).is_err());
    state.commit(0, &writes).unwrap();
    let error = state.commit(0, &writes).unwrap_err();
    assert_eq!(error, StateError::Height { stored: Some(0), offered: 0 });
}

/// A view with one page altered.
struct Altered<'a>(&'a MemoryState, PageId);

impl StateView for Altered<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.0.value(key)
    }
    fn page(&self, id: &PageId) -> Result<Option<Vec<u8>>, StateError> {
        let mut page = self.0.page(id)?;
        if let (true, Some(bytes)) = (*id == self.1, &mut page) {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        }
        Ok(page)
    }
    fn head(&self) -> Result<Option<StateHead>, StateError> {
        self.0.head()
    }
}

#[test]
fn an_altered_page_is_found_and_named() {
    let (mut state, mut model) = (MemoryState::new(), BTreeMap::new());
    let batch = (0..200u16).map(|n| (format!("key/{n}").into_bytes(), Some(vec![1]))).collect();
    apply(&mut state, &mut model, &batch);
    let key = b"key/7";
    for depth in 0..2 {
        let id = PageId::on(&path_of(key), depth);
        assert!(state.page(&id).unwrap().is_some());
        let altered = Altered(&state, id);
        let damaged = StateError::Damaged(id.to_string());
        assert_eq!(prove(&altered, key).unwrap_err(), damaged);
        let change = Batch::from([(key.to_vec(), Some(vec![2]))]);
        assert_eq!(update(&altered, change).unwrap_err(), damaged);
    }
}

#[test]
fn entries_beyond_the_limits_are_refused() {
    let long = vec![0; crate::limits::STATE_KEY_BYTES_MAX + 1];
    let said = update(&MemoryState::new(), Batch::from([(long, Some(vec![]))]));
    assert!(matches!(said, Err(StateError::TooLong(_))));
}

proptest! {
    #[test]
    fn the_root_is_that_of_the_definition_after_every_batch(batches in any_batches()) {
        let (mut state, mut model) = (MemoryState::new(), BTreeMap::new());
        for batch in &batches {
            apply(&mut state, &mut model, batch);
            prop_assert_eq!(state.root().unwrap(), naive_root(&model));
        }
        // The stored pages depend on the contents only, not on the way there.
        let (mut fresh, mut again) = (MemoryState::new(), BTreeMap::new());
        let whole = model.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
        apply(&mut fresh, &mut again, &whole);
        prop_assert_eq!(fresh.pages, state.pages);
    }

    #[test]
    fn every_key_is_proved_present_or_absent_and_never_both(batches in any_batches()) {
        let (mut state, mut model) = (MemoryState::new(), BTreeMap::new());
        batches.iter().for_each(|batch| apply(&mut state, &mut model, batch));
        let root = state.root().unwrap();
        for n in 0..130u16 {
            let key = format!("key/{n}").into_bytes();
            let proof = prove(&state, &key).unwrap();
            let read = StateProof::decode(&proof.encode()).unwrap();
            prop_assert_eq!(&read, &proof);
            match model.get(&key) {
                Some(value) => {
                    prop_assert_eq!(proof.verify_present(&root, &key, value), Ok(()));
                    prop_assert!(proof.verify_present(&root, &key, b"another").is_err());
                    prop_assert!(proof.verify_present(&root, b"key/x", value).is_err());
                    prop_assert!(proof.verify_absent(&root, &key).is_err());
                    prop_assert!(proof.verify_present(&[1; 32], &key, value).is_err());
                }
                None => {
                    prop_assert_eq!(proof.verify_absent(&root, &key), Ok(()));
                    prop_assert!(proof.verify_present(&root, &key, b"").is_err());
                    prop_assert!(proof.verify_absent(&[1; 32], &key).is_err());
                }
            }
        }
    }

    #[test]
    fn a_changed_proof_does_not_verify(
        batches in any_batches(), n in 0u16..130, at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let (mut state, mut model) = (MemoryState::new(), BTreeMap::new());
        batches.iter().for_each(|batch| apply(&mut state, &mut model, batch));
        let root = state.root().unwrap();
        let key = format!("key/{n}").into_bytes();
        let mut bytes = prove(&state, &key).unwrap().encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = StateProof::decode(&bytes) {
            let held = match model.get(&key) {
                Some(value) => read.verify_present(&root, &key, value),
                None => read.verify_absent(&root, &key),
            };
            prop_assert!(held.is_err());
        }
    }

    #[test]
    fn an_absent_key_cannot_be_shown_present_with_anothers_proof(batches in any_batches()) {
        let (mut state, mut model) = (MemoryState::new(), BTreeMap::new());
        batches.iter().for_each(|batch| apply(&mut state, &mut model, batch));
        let root = state.root().unwrap();
        for key in model.keys() {
            let proof = prove(&state, key).unwrap();
            for other in (0..130u16).map(|n| format!("key/{n}").into_bytes()) {
                if !model.contains_key(&other) {
                    prop_assert!(proof.verify_present(&root, &other, &model[key]).is_err());
                }
                if model.contains_key(&other) {
                    prop_assert!(proof.verify_absent(&root, &other).is_err());
                }
            }
        }
    }
}
