use super::*;
use countermark_ledger::state::{MemoryState, StateProof, prove, update};
use proptest::prelude::*;
use tempfile::TempDir;

type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn fresh() -> (TempDir, SqliteState) {
    let folder = tempfile::tempdir().unwrap();
    let state = SqliteState::open(&folder.path().join("state.db")).unwrap();
    (folder, state)
}

fn batch(from: u16, to: u16, value: u8) -> Batch {
    (from..to).map(|n| (format!("key/{n}").into_bytes(), Some(vec![value]))).collect()
}

fn apply(state: &mut impl StateStore, changes: &Batch) {
    let height = state.head().unwrap().map_or(0, |head| head.height + 1);
    let writes = update(state, changes.clone()).unwrap();
    state.commit(height, &writes).unwrap();
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let (folder, mut state) = fresh();
    assert_eq!(state.head().unwrap(), None);
    apply(&mut state, &batch(0, 300, 1));
    apply(&mut state, &Batch::from([(b"key/7".to_vec(), None)]));
    let head = state.head().unwrap().unwrap();
    assert_eq!(head.height, 1);
    drop(state);
    let mut state = SqliteState::open(&folder.path().join("state.db")).unwrap();
    assert_eq!(state.head().unwrap(), Some(head));
    assert_eq!(state.value(b"key/7").unwrap(), None);
    assert_eq!(state.value(b"key/8").unwrap(), Some(vec![1]));
    assert_eq!(state.check(), Ok(()));
    let writes = update(&state, batch(0, 1, 2)).unwrap();
    assert!(matches!(state.commit(1, &writes), Err(StateError::Height { .. })));
    state.clear().unwrap();
    assert_eq!(state.head().unwrap(), None);
    apply(&mut state, &batch(0, 2, 1));
}

#[test]
fn an_altered_database_is_found() {
    let (folder, mut state) = fresh();
    apply(&mut state, &batch(0, 300, 1));
    drop(state);
    let path = folder.path().join("state.db");
    let alter = |sql: &str| {
        let connection = Connection::open(&path).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0);
    };
    alter("UPDATE entry SET value = x'09' WHERE key = x'6b65792f37'");
    assert!(matches!(SqliteState::open(&path).unwrap().check(), Err(StateError::Damaged(_))));
    alter("UPDATE entry SET value = x'01' WHERE key = x'6b65792f37'");
    assert_eq!(SqliteState::open(&path).unwrap().check(), Ok(()));
    alter("DELETE FROM page WHERE id = x'00'");
    let state = SqliteState::open(&path).unwrap();
    assert!(matches!(prove(&state, b"key/7"), Err(StateError::Damaged(_))));
}

#[test]
fn a_file_that_is_no_state_map_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, vec![7; 4096]).unwrap();
    let said = SqliteState::open(&path).unwrap_err().to_string();
    assert!(said.contains("state.db"), "{said}");
    std::fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE entry (a); PRAGMA user_version = 9").unwrap();
    drop(other);
    let said = SqliteState::open(&path).unwrap_err().to_string();
    assert!(said.contains("rebuilt from the log"), "{said}");
}

#[test]
fn it_is_open_once() {
    let (folder, mut state) = fresh();
    apply(&mut state, &batch(0, 3, 1));
    let path = folder.path().join("state.db");
    let said = SqliteState::open(&path).unwrap_err().to_string();
    assert!(said.contains("another process"), "{said}");
    drop(state);
    let again = SqliteState::open(&path).unwrap();
    assert!(SqliteState::open(&path).is_err());
    assert_eq!(again.value(b"key/1").unwrap(), Some(vec![1]));
}

#[test]
fn a_failed_commit_leaves_the_state_as_it_was() {
    let (_folder, mut state) = fresh();
    apply(&mut state, &batch(0, 100, 1));
    let before = state.head().unwrap();
    state
        .connection
        .execute_batch(
            "CREATE TRIGGER stop BEFORE INSERT ON page WHEN length(new.id) > 1
             BEGIN SELECT raise(ABORT, 'the disk is full'); END",
        )
        .unwrap();
    let writes = update(&state, batch(50, 400, 2)).unwrap();
    let error = state.commit(1, &writes).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(state.head().unwrap(), before);
    assert_eq!(state.check(), Ok(()));
    state.connection.execute_batch("DROP TRIGGER stop").unwrap();
    assert_eq!(update(&state, batch(50, 400, 2)).unwrap(), writes);
    state.commit(1, &writes).unwrap();
    assert_eq!(state.check(), Ok(()));
}

/// Few keys, so that values are replaced and removed as often as added.
fn any_batches() -> impl Strategy<Value = Vec<Batch>> {
    let key = (0u16..120).prop_map(|n| format!("key/{n}").into_bytes());
    let value = prop::option::weighted(0.6, prop::collection::vec(any::<u8>(), 0..4));
    prop::collection::vec(prop::collection::btree_map(key, value, 0..40), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_a_map_in_memory_holds(batches in any_batches()) {
        let (_folder, mut state) = fresh();
        let mut memory = MemoryState::new();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for changes in &batches {
            apply(&mut memory, changes);
            apply(&mut state, changes);
            for (key, value) in changes {
                match value {
                    Some(value) => model.insert(key.clone(), value.clone()),
                    None => model.remove(key),
                };
            }
            let of_model = root_of(model.iter().map(|(key, value)| (&key[..], &value[..])));
            prop_assert_eq!(state.root().unwrap(), of_model);
            prop_assert_eq!(state.head().unwrap(), memory.head().unwrap());
        }
        prop_assert_eq!(state.check(), Ok(()));
        let root = state.root().unwrap();
        for n in 0..130u16 {
            let key = format!("key/{n}").into_bytes();
            prop_assert_eq!(state.value(&key).unwrap(), memory.value(&key).unwrap());
            let proof: StateProof = prove(&state, &key).unwrap();
            prop_assert_eq!(&proof, &prove(&memory, &key).unwrap());
            match model.get(&key) {
                Some(value) => prop_assert_eq!(proof.verify_present(&root, &key, value), Ok(())),
                None => prop_assert_eq!(proof.verify_absent(&root, &key), Ok(())),
            }
        }
    }
}
