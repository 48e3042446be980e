//! Log files and objects, the vault, the desk, the state and the index.

pub mod disk;
pub mod log_store;
pub mod state_store;
pub mod vault;
