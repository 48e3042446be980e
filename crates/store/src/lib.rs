//! Log files and objects, the vault, the desk, the state and the index.

pub mod desk;
pub mod index;
