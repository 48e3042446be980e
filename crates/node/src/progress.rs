//! Progress of long work, told to whoever shows it.

/// Hears how far long work has come. Called often: it must be cheap.
pub trait Progress: Sync {
    /// `done` of `total` of the work called `label`; `total` is 0 where it is not known.
    fn at(&self, label: &str, done: u64, total: u64);
}

/// Hears nothing.
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _label: &str, _done: u64, _total: u64) {}
}
