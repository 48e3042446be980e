//! Writing an archive: parts, listings, manifest; whole, or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use countermark_ledger::ids::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::Item;
use super::{About, Part};
use crate::error::NodeError;

pub(super) const ABOUT: &str = "countermark-backup.json";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const FORMAT: &str = "countermark backup";
pub(super) const VERSION: u32 = 1;
/// Bodies are compressed and encrypted already; more effort gains nothing.
const LEVEL: i32 = 1;

/// The end of an archive.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// SHA-256 of the first file, in hexadecimal.
    pub(super) about: String,
    pub(super) parts: Vec<Part>,
}

pub(super) fn listing_path(part: &str) -> String {
    format!("listings/{part}.sha256")
}

/// A line of a listing, as `sha256sum` writes it.
pub(super) fn listing_line(digest: &[u8], path: &str) -> String {
    format!("{}  {path}\n", hex(digest))
}

/// Counts and digests what is read through it.
pub(super) struct Digesting<R> {
    inner: R,
    digest: Sha256,
    pub(super) bytes: u64,
}

impl<R> Digesting<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, digest: Sha256::new(), bytes: 0 }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.digest.finalize().into()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.digest.update(&out[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// An archive that is being written, under a name of its own until it is whole.
pub(super) struct Writer {
    target: PathBuf,
    fresh: PathBuf,
    tar: Option<tar::Builder<zstd::stream::write::Encoder<'static, File>>>,
    mtime: u64,
    about: String,
    parts: Vec<Part>,
}

/// Opens a new file that only its owner may read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file's name with more at its end.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Writer {
    pub(super) fn new(target: &Path, about: &About) -> Result<Self, NodeError> {
        let fresh = beside(target, ".part");
        let failed = |e: io::Error| cannot(&fresh, &e);
        let file = private(&fresh).map_err(failed)?;
        let mut encoder = zstd::stream::write::Encoder::new(file, LEVEL).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        let text = serde_json::to_vec_pretty(about).unwrap_or_default();
        let mut writer = Self {
            target: target.to_owned(),
            fresh,
            tar: Some(tar::Builder::new(encoder)),
            mtime: about.made_at_ms / 1000,
            about: hex(&Sha256::digest(&text)),
            parts: Vec::new(),
        };
        writer.put(ABOUT, text.len() as u64, &mut text.as_slice())?;
        Ok(writer)
    }

    fn put(&mut self, path: &str, length: u64, content: &mut dyn Read) -> Result<(), NodeError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o600);
        header.set_mtime(self.mtime);
        let Some(tar) = &mut self.tar else { return Ok(()) };
        tar.append_data(&mut header, path, content).map_err(|e| cannot(&self.fresh, &e))
    }

    /// Writes one part, file after file; `heard` hears of the bytes of each.
    pub(super) fn part(
        &mut self,
        name: &str,
        items: impl Iterator<Item = Result<Item, NodeError>>,
        heard: &mut dyn FnMut(u64),
    ) -> Result<(), NodeError> {
        let (mut listing, mut files, mut bytes) = (String::new(), 0, 0);
        for item in items {
            let item = item?;
            let lost = |e: io::Error| NodeError::Damaged {
                place: item.path.clone(),
                what: format!("it cannot be copied: {e}"),
            };
            let mut content = Digesting::new(item.reader().map_err(lost)?);
            self.put(&item.path, item.length, &mut content)?;
            if content.bytes != item.length {
                return Err(lost(io::Error::other("it became shorter while it was copied")));
            }
            listing.push_str(&listing_line(&content.finish(), &item.path));
            files += 1;
            bytes += item.length;
            heard(item.length);
        }
        let sha256 = hex(&Sha256::digest(&listing));
        self.put(&listing_path(name), listing.len() as u64, &mut listing.as_bytes())?;
        self.parts.push(Part { name: name.to_owned(), files, bytes, sha256 });
        Ok(())
    }

    /// Ends the archive and gives it its name; gives its length and parts.
    pub(super) fn finish(mut self) -> Result<(u64, Vec<Part>), NodeError> {
        let parts = std::mem::take(&mut self.parts);
        let manifest = Manifest { about: std::mem::take(&mut self.about), parts: parts.clone() };
        let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        self.put(MANIFEST, text.len() as u64, &mut text.as_slice())?;
        let failed = |e: io::Error| cannot(&self.fresh, &e);
        let Some(tar) = self.tar.take() else { return Ok((0, parts)) };
        let mut file = tar.into_inner().and_then(zstd::Encoder::finish).map_err(failed)?;
        file.flush().and_then(|()| file.sync_all()).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if self.target.exists() {
            return Err(exists(&self.target));
        }
        std::fs::rename(&self.fresh, &self.target).map_err(failed)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok((bytes, parts))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After a success there is none of that name any more.
        let _gone = std::fs::remove_file(&self.fresh);
    }
}

pub(super) fn exists(path: &Path) -> NodeError {
    NodeError::Usage(format!("{} exists; a backup replaces nothing, name another", path.display()))
}

fn cannot(path: &Path, error: &io::Error) -> NodeError {
    NodeError::Store(format!("{} cannot be written: {error}", path.display()))
}
