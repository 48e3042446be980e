//! A disk whose operations fail when a plan says so: before, after, or half-way through.

use super::Disk;
use std::io;
use std::sync::{Mutex, PoisonError};

/// The operations that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Disk::append`].
    Append,
    /// [`Disk::create`].
    Create,
    /// [`Disk::read`].
    Read,
    /// [`Disk::write_at`].
    WriteAt,
    /// [`Disk::truncate`].
    Truncate,
    /// [`Disk::sync`].
    Sync,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
}

/// How much an operation does before it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Before,
    /// Everything: the error is a lie.
    After,
    /// An append, create or write stores so many bytes; another operation does nothing.
    Partly(usize),
}

/// One planned failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which operation.
    pub operation: Operation,
    /// Which of these operations, counted from 0 since the plan was set.
    pub nth: u64,
    /// How much it does.
    pub when: When,
    /// What the error says, for instance [`io::ErrorKind::StorageFull`].
    pub kind: io::ErrorKind,
}

/// Any disk, with a plan of failures.
#[derive(Debug)]
pub struct LyingDisk<D> {
    disk: D,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    done: Vec<Operation>,
}

impl<D: Disk> LyingDisk<D> {
    /// A disk that fails by a plan.
    #[must_use]
    pub fn new(disk: D, faults: Vec<Fault>) -> Self {
        Self { disk, plan: Mutex::new(Plan { faults, done: Vec::new() }) }
    }

    /// Replaces the plan; operations are counted from now on.
    pub fn set_plan(&self, faults: Vec<Fault>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) =
            Plan { faults, done: Vec::new() };
    }

    /// How often an operation was asked for since the plan was set.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.done.iter().filter(|done| **done == operation).count() as u64
    }

    /// The disk behind.
    #[must_use]
    pub fn inner(&self) -> &D {
        &self.disk
    }

    fn run<T>(
        &self,
        operation: Operation,
        whole: impl FnOnce(&D) -> io::Result<T>,
        part: impl FnOnce(&D, usize),
    ) -> io::Result<T> {
        let nth = self.count(operation);
        let fault = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.done.push(operation);
            plan.faults.iter().find(|f| f.operation == operation && f.nth == nth).copied()
        };
        let Some(fault) = fault else { return whole(&self.disk) };
        match fault.when {
            When::Before => {}
            When::After => drop(whole(&self.disk)?),
            When::Partly(bytes) => part(&self.disk, bytes),
        }
        Err(io::Error::new(fault.kind, "planned failure"))
    }
}

fn cut(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

impl<D: Disk> Disk for LyingDisk<D> {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<u64> {
        let part = |disk: &D, length| drop(disk.append(path, cut(bytes, length)));
        self.run(Operation::Append, |disk| disk.append(path, bytes), part)
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let part = |disk: &D, length| drop(disk.create(path, cut(bytes, length)));
        self.run(Operation::Create, |disk| disk.create(path, bytes), part)
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.run(Operation::Read, |disk| disk.read(path, offset, length), |_, _| ())
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        self.disk.len(path)
    }

    fn write_at(&self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let part = |disk: &D, length| drop(disk.write_at(path, offset, cut(bytes, length)));
        self.run(Operation::WriteAt, |disk| disk.write_at(path, offset, bytes), part)
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.run(Operation::Truncate, |disk| disk.truncate(path, length), |_, _| ())
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.run(Operation::Sync, |disk| disk.sync(path), |_, _| ())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.run(Operation::Rename, |disk| disk.rename(from, to), |_, _| ())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.run(Operation::Remove, |disk| disk.remove(path), |_, _| ())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }
}
