//! Log files and objects, the vault, the desk, the state and the index. The only crate that opens
//! the files and databases of a node.

pub mod desk;
pub mod disk;
pub mod inbox;
pub mod index;
pub mod log_store;
pub mod state_store;
pub mod vault;
