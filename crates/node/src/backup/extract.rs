//! Reading an archive: every file is checked against its part's listing before anything is used.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use countermark_ledger::ids::hex;
use sha2::{Digest, Sha256};

use super::archive::{
    ABOUT, Digesting, FORMAT, MANIFEST, Manifest, VERSION, listing_line, listing_path,
};
use super::source::{PARTS, part_of};
use super::{About, Part};
use crate::error::NodeError;

/// The two files of JSON.
const JSON_BYTES_MAX: u64 = 1 << 20;
/// A line of a listing: digest, two spaces, path.
const LINE_BYTES_MAX: u64 = 1024;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

type Entries<'a> = tar::Entries<'a, zstd::stream::read::Decoder<'static, BufReader<File>>>;
type Entry<'a> = tar::Entry<'a, zstd::stream::read::Decoder<'static, BufReader<File>>>;

/// Where in the archive something is wrong.
struct Place<'a> {
    archive: &'a Path,
    part: String,
}

impl Place<'_> {
    fn fault(&self, what: impl Into<String>) -> NodeError {
        NodeError::Unreadable {
            place: format!("{}, {}", self.archive.display(), self.part),
            what: format!("{}; nothing was restored, take another backup", what.into()),
        }
    }

    fn cut(&self, error: &io::Error) -> NodeError {
        self.fault(format!("the archive is truncated or altered ({error})"))
    }
}

fn open(
    archive: &Path,
) -> Result<tar::Archive<zstd::stream::read::Decoder<'static, BufReader<File>>>, NodeError> {
    let failed = |e: io::Error| NodeError::Unreadable {
        place: archive.display().to_string(),
        what: e.to_string(),
    };
    let foreign = || NodeError::Unreadable {
        place: archive.display().to_string(),
        what: "this is no backup of a node: `countermark backup` makes one".to_owned(),
    };
    let mut file = File::open(archive).map_err(failed)?;
    let mut magic = [0; 4];
    let read = file.read_exact(&mut magic);
    if read.is_err() || magic != ZSTD_MAGIC {
        return Err(foreign());
    }
    file.rewind().map_err(failed)?;
    Ok(tar::Archive::new(zstd::stream::read::Decoder::new(file).map_err(|_| foreign())?))
}

fn next<'a>(
    entries: &mut Entries<'a>,
    place: &Place<'_>,
) -> Result<(String, Entry<'a>), NodeError> {
    let entry = entries.next().ok_or_else(|| place.fault("the archive is truncated"))?;
    let entry = entry.map_err(|e| place.cut(&e))?;
    if entry.header().entry_type() != tar::EntryType::Regular {
        return Err(place.fault("it holds something that is no plain file"));
    }
    let path = entry.path_bytes().into_owned();
    let path = String::from_utf8(path).map_err(|_| place.fault("a name is not UTF-8"))?;
    Ok((path, entry))
}

fn small(entry: &mut Entry<'_>, place: &Place<'_>) -> Result<Vec<u8>, NodeError> {
    if entry.size() > JSON_BYTES_MAX {
        return Err(place.fault(format!("{} bytes, more than {JSON_BYTES_MAX}", entry.size())));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|e| place.cut(&e))?;
    Ok(bytes)
}

/// What an archive says of itself; the digest is compared at its end.
fn about(entries: &mut Entries<'_>, archive: &Path) -> Result<(About, String), NodeError> {
    let place = Place { archive, part: ABOUT.to_owned() };
    let foreign = || NodeError::Unreadable {
        place: archive.display().to_string(),
        what: "this is no backup of a node: `countermark backup` makes one".to_owned(),
    };
    let (path, mut entry) = next(entries, &place).map_err(|_| foreign())?;
    if path != ABOUT {
        return Err(foreign());
    }
    let text = small(&mut entry, &place)?;
    let about: About = serde_json::from_slice(&text).map_err(|e| place.fault(e.to_string()))?;
    if about.format != FORMAT {
        return Err(foreign());
    }
    if about.version != VERSION {
        return Err(NodeError::Usage(format!(
            "{}: format {} of a newer program ({}); restore it with that one, this one knows {VERSION}",
            archive.display(),
            about.version,
            about.program
        )));
    }
    Ok((about, hex(&Sha256::digest(&text))))
}

/// What an archive says of itself, before anything is written.
pub(super) fn look(archive: &Path) -> Result<About, NodeError> {
    let mut archive_file = open(archive)?;
    let mut entries = archive_file.entries().map_err(|e| store(archive, &e))?;
    Ok(about(&mut entries, archive)?.0)
}

/// Writes all files of an archive below a folder. Where it does not hold, what was written so far
/// is the caller's to remove.
pub(super) fn extract(
    archive: &Path,
    folder: &Path,
    heard: &mut dyn FnMut(u64),
) -> Result<Vec<Part>, NodeError> {
    let mut archive_file = open(archive)?;
    let mut entries = archive_file.entries().map_err(|e| store(archive, &e))?;
    let (_, digest) = about(&mut entries, archive)?;
    let mut parts = Vec::new();
    for name in PARTS {
        let place = Place { archive, part: format!("part {name}") };
        parts.push(extract_part(&mut entries, name, &place, folder, heard)?);
    }
    let place = Place { archive, part: MANIFEST.to_owned() };
    let (path, mut entry) = next(&mut entries, &place)?;
    if path != MANIFEST {
        return Err(place.fault(format!("{path} stands in its place")));
    }
    let manifest: Manifest = serde_json::from_slice(&small(&mut entry, &place)?)
        .map_err(|e| place.fault(e.to_string()))?;
    if manifest.about != digest {
        return Err(place.fault(format!("{ABOUT} was altered")));
    }
    if let Some((found, _)) = parts.iter().zip(&manifest.parts).find(|(a, b)| a != b) {
        return Err(place.fault(format!("part {} is not the one it names", found.name)));
    }
    if parts.len() != manifest.parts.len() {
        return Err(place.fault("it names other parts"));
    }
    drop(entry);
    if entries.next().is_some() {
        return Err(place.fault("something follows it"));
    }
    // To the end, where the checksum of the frame stands.
    let mut rest = archive_file.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|e| place.cut(&e))?;
    Ok(parts)
}

fn extract_part(
    entries: &mut Entries<'_>,
    name: &str,
    place: &Place<'_>,
    folder: &Path,
    heard: &mut dyn FnMut(u64),
) -> Result<Part, NodeError> {
    let lines_at = folder.join(".listing");
    let failed = |e: io::Error| store(&lines_at, &e);
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(true);
    let mut lines = BufWriter::new(options.open(&lines_at).map_err(failed)?);
    let (mut files, mut bytes) = (0, 0);
    loop {
        let (path, entry) = next(entries, place)?;
        if path == listing_path(name) {
            let mut lines = lines.into_inner().map_err(|e| failed(e.into_error()))?;
            lines.rewind().map_err(failed)?;
            let sha256 = compare(entry, BufReader::new(lines), place)?;
            std::fs::remove_file(&lines_at).map_err(failed)?;
            return Ok(Part { name: name.to_owned(), files, bytes, sha256 });
        }
        if part_of(&path) != Some(name) {
            return Err(place.fault(format!("{path:?} does not belong there")));
        }
        let place = Place { archive: place.archive, part: format!("{}, {path}", place.part) };
        let length = entry.size();
        let digest = write(entry, &folder.join(&path), &place)?;
        lines.write_all(listing_line(&digest, &path).as_bytes()).map_err(failed)?;
        files += 1;
        bytes += length;
        heard(length);
    }
}

/// Writes one file, which must not be there yet; gives its SHA-256.
fn write(entry: Entry<'_>, target: &Path, place: &Place<'_>) -> Result<[u8; 32], NodeError> {
    let failed = |e: io::Error| store(target, &e);
    if let Some(folder) = target.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(target).map_err(failed)?;
    let length = entry.size();
    let mut content = Digesting::new(entry);
    let mut piece = vec![0; 1 << 18];
    loop {
        // What cannot be read is the archive's fault, what cannot be written the disk's.
        let count = content.read(&mut piece).map_err(|e| place.cut(&e))?;
        if count == 0 {
            break;
        }
        file.write_all(&piece[..count]).map_err(failed)?;
    }
    if content.bytes != length {
        return Err(place.fault("the archive is truncated"));
    }
    Ok(content.finish())
}

/// Compares a part's listing with what was read, line by line; gives the listing's SHA-256.
fn compare(
    entry: Entry<'_>,
    mut ours: BufReader<File>,
    place: &Place<'_>,
) -> Result<String, NodeError> {
    let mut theirs = BufReader::new(Digesting::new(entry));
    loop {
        let mut their_line = String::new();
        let mut our_line = String::new();
        let read = theirs.by_ref().take(LINE_BYTES_MAX).read_line(&mut their_line);
        read.map_err(|e| place.cut(&e))?;
        ours.read_line(&mut our_line).map_err(|e| store(place.archive, &e))?;
        if their_line != our_line {
            let line = if our_line.is_empty() { &their_line } else { &our_line };
            let path = line.split("  ").nth(1).unwrap_or_default().trim_end();
            return Err(place.fault(format!("{path} is not what its listing says")));
        }
        if their_line.is_empty() {
            return Ok(hex(&theirs.into_inner().finish()));
        }
    }
}

fn store(path: &Path, error: &io::Error) -> NodeError {
    NodeError::Store(format!("{}: {error}", path.display()))
}

/// Makes everything below a folder durable.
pub(super) fn sync(folder: &Path) -> Result<(), NodeError> {
    let failed = |e: io::Error| store(folder, &e);
    let open = File::open(folder).map_err(failed)?;
    rustix::fs::syncfs(&open).map_err(|e| failed(e.into()))
}

/// Names directly in a folder, sorted; none where it is absent.
pub(super) fn names(folder: &Path) -> Result<Vec<PathBuf>, NodeError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(store(folder, &error)),
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|e| store(folder, &e))?;
    paths.sort();
    Ok(paths)
}
