//! `backup`: takes down the head under the lock, then copies what cannot change any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Instant;

use countermark_ledger::ids::{Hash, hex};
use countermark_ledger::registry::leaf;
use countermark_ledger::statement::SignedStatement;
use countermark_store::desk::Desk;
use countermark_store::disk::read_all;
use countermark_store::log_store::LogView;
use countermark_tlog::tile::Tile;

use super::archive::{self, Writer};
use super::source::{self, Content, Item, part_of};
use super::{
    About, BackupNote, BackupOptions, BackupReport, DAY_MS, KEYS_EXPIRE_DAYS_MAX, NOTE_SETTING,
    PREVIOUS, SPOOL, newest,
};
use crate::blocks;
use crate::clock::moment;
use crate::error::NodeError;
use crate::keyring;
use crate::node::{KEYS_FOLDER, Node};
use crate::progress::Progress;
use crate::sequencer::chain;
use crate::stores::{DESK_FILE, lock_folder, store_error};

/// The journal after it was settled: the state that it starts from, whose edge is 256 leaves a level.
const SMALL_FILE_BYTES_MAX: u64 = 64 << 20;

/// The node as of one moment.
struct Moment {
    view: LogView,
    keys: Vec<Item>,
    inbox: Vec<Item>,
    log: Vec<Item>,
    vault: Vec<Item>,
    made_at_ms: u64,
}

/// A folder in the data directory for what is held while a backup runs.
struct Spool(PathBuf);

impl Spool {
    /// One that an earlier backup left goes first.
    fn new(data: &Path) -> Result<Self, NodeError> {
        let path = data.join(SPOOL);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|e| store_error(&e))?;
        }
        std::fs::create_dir(&path).map_err(|e| store_error(&e))?;
        Ok(Self(path))
    }

    fn desk(&self) -> PathBuf {
        self.0.join(DESK_FILE)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // What stays is removed by the next backup.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

impl Node {
    /// Writes an archive of all that cannot be made again to a new file, and notes it on the desk.
    /// Reads and writes go on meanwhile but for a moment, which the report names; erasures wait.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where the file is there already; [`NodeError::Damaged`] names what
    /// cannot be copied. No file is left then.
    pub fn backup(
        &self,
        output: &Path,
        options: BackupOptions,
        progress: &dyn Progress,
    ) -> Result<BackupReport, NodeError> {
        if !(1..=KEYS_EXPIRE_DAYS_MAX).contains(&options.keys_expire_days) {
            let what =
                format!("copies of wrapped keys are kept for 1 to {KEYS_EXPIRE_DAYS_MAX} days");
            return Err(NodeError::Usage(what));
        }
        if output.exists() {
            return Err(archive::exists(output));
        }
        let _erasures_wait = self.in_place.read().unwrap_or_else(PoisonError::into_inner);
        // One backup at a time: the spool is there once.
        let _alone = self.backing_up.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = Spool::new(self.data_folder())?;
        let begun = Instant::now();
        let moment = self.take_down(&spool, options)?;
        let paused_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let about = self.about(&moment, options)?;
        let mut writer = Writer::new(output, &about)?;
        let size = moment.view.size();
        self.copy(&mut writer, moment, &spool, options, progress)?;
        let (bytes, parts) = writer.finish()?;
        let note = BackupNote {
            made_at_ms: about.made_at_ms,
            size,
            file: output.display().to_string(),
            keys_expire_at_ms: about.keys_expire_at_ms,
        };
        let text = serde_json::to_vec(&note).unwrap_or_default();
        self.lock().stores.desk.set_setting(NOTE_SETTING, &text).map_err(|e| store_error(&e))?;
        Ok(BackupReport {
            file: note.file,
            bytes,
            origin: about.origin,
            size,
            checkpoint: about.checkpoint,
            keys_expire_at: about.keys_expire_at,
            keys_open_with: about.keys_open_with,
            paused_ms,
            parts,
        })
    }

    /// The newest backup that this node knows of.
    ///
    /// # Errors
    /// Where the desk cannot be read.
    pub fn newest_backup(&self) -> Result<Option<BackupNote>, NodeError> {
        newest(&self.lock().stores.desk)
    }

    /// What everything else hangs on, while nothing is written.
    fn take_down(&self, spool: &Spool, options: BackupOptions) -> Result<Moment, NodeError> {
        let data = self.data_folder();
        // `VACUUM INTO` writes to an empty file too, which is nobody else's to read.
        archive::private(&spool.desk()).map_err(|e| store_error(&e))?;
        let mut sequencer = self.lock();
        let stores = &mut sequencer.stores;
        stores.log.settle().map_err(|e| NodeError::Store(chain(&e)))?;
        let mut log = Vec::new();
        for name in stores.disk.list("log").map_err(|e| store_error(&e))? {
            let path = format!("log/{name}");
            if name.ends_with('/') || name.ends_with(".new") {
                continue;
            }
            let bytes = read_all(&*stores.disk, &path, SMALL_FILE_BYTES_MAX);
            log.push(Item::of_bytes(path, bytes.map_err(|e| store_error(&e))?.unwrap_or_default()));
        }
        stores.desk.copy_to(&spool.desk()).map_err(|e| store_error(&e))?;
        Ok(Moment {
            view: stores.log.view(),
            keys: source::key_files(data, options.include_key_file)?,
            inbox: source::inbox_files(data, &spool.0)?,
            log,
            vault: source::vault_files(&stores.disk)?,
            made_at_ms: sequencer.clock.now_ms(),
        })
    }

    fn about(&self, taken: &Moment, options: BackupOptions) -> Result<About, NodeError> {
        let expire_ms = taken.made_at_ms + u64::from(options.keys_expire_days) * DAY_MS;
        let has_passphrase = keyring::has_passphrase(&self.data_folder().join(KEYS_FOLDER))?;
        let checkpoint = taken.view.checkpoint().unwrap_or_default();
        Ok(About {
            format: archive::FORMAT.to_owned(),
            version: archive::VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            desk_version: Desk::VERSION,
            made_at: moment(taken.made_at_ms),
            made_at_ms: taken.made_at_ms,
            origin: self.origin().to_owned(),
            size: taken.view.size(),
            root: hex(&taken.view.root()),
            checkpoint: String::from_utf8_lossy(checkpoint).into_owned(),
            keys_expire_at: moment(expire_ms),
            keys_expire_at_ms: expire_ms,
            keys_open_with: match (has_passphrase, options.include_key_file) {
                (true, _) => "passphrase",
                (false, true) => "key file, in this archive",
                (false, false) => "key file, not in this archive",
            }
            .to_owned(),
        })
    }

    fn copy(
        &self,
        writer: &mut Writer,
        taken: Moment,
        spool: &Spool,
        options: BackupOptions,
        progress: &dyn Progress,
    ) -> Result<(), NodeError> {
        let data = self.data_folder();
        let mut silent = |_: u64| {};
        writer.part("keys", taken.keys.into_iter().map(Ok), &mut silent)?;
        let length = spool.desk().metadata().map_err(|e| store_error(&e))?.len();
        let content = Content::File(spool.desk());
        let item = Item { path: DESK_FILE.to_owned(), length, content };
        writer.part("desk", std::iter::once(Ok(item)), &mut silent)?;
        writer.part("inbox", taken.inbox.into_iter().map(Ok), &mut silent)?;
        let total: u64 = taken.vault.iter().map(|item| item.length).sum();
        let (keys, bodies): (Vec<Item>, Vec<Item>) =
            taken.vault.into_iter().partition(|item| part_of(&item.path) == Some("vault-keys"));
        let mut done = 0;
        let mut heard = |bytes: u64| {
            done += bytes;
            progress.at("bytes of the vault copied", done, total);
        };
        writer.part("vault-keys", keys.into_iter().map(Ok), &mut heard)?;
        writer.part("vault-bodies", bodies.into_iter().map(Ok), &mut heard)?;
        let small = taken.log.into_iter().map(Ok);
        let all = small.chain(tiles(&taken.view)).chain(objects(&taken.view, progress));
        writer.part("log", all, &mut silent)?;
        let previous = data.join(PREVIOUS);
        let mut closed = Vec::new();
        // Nobody opens it while it is copied.
        let _lock = if previous.is_dir() {
            let lock = lock_folder(&previous)?;
            closed = source::closed_files(data, PREVIOUS, options.include_key_file)?;
            Some(lock)
        } else {
            None
        };
        writer.part(PREVIOUS, closed.into_iter().map(Ok), &mut silent)
    }
}

/// The full tiles of a log, compared with its hashes as they are read.
fn tiles(view: &LogView) -> impl Iterator<Item = Result<Item, NodeError>> + '_ {
    Tile::published(0, view.size()).filter(Tile::is_full).map(|tile| {
        let place = || format!("log/{tile}");
        let damaged = |what| NodeError::Damaged { place: place(), what };
        let bytes = view.tile(&tile.to_string()).map_err(|e| damaged(chain(&e)))?;
        let bytes = bytes.ok_or_else(|| damaged("it is missing".to_owned()))?;
        Ok(Item::of_bytes(place(), bytes))
    })
}

/// The objects that the log's statements name, compared with their hashes as they are read.
fn objects<'a>(
    view: &'a LogView,
    progress: &'a dyn Progress,
) -> impl Iterator<Item = Result<Item, NodeError>> + 'a {
    let mut seen: BTreeSet<Hash> = BTreeSet::new();
    let size = view.size();
    view.leaves(0..size).flat_map(move |entry| {
        let (index, bytes) = match entry {
            Ok(entry) => entry,
            Err(error) => return vec![Err(NodeError::Store(chain(&error)))],
        };
        progress.at("entries of the log copied", index + 1, size);
        if bytes.first() != Some(&leaf::STATEMENT) {
            return Vec::new();
        }
        let signed = match SignedStatement::from_leaf(&bytes) {
            Ok(signed) => signed,
            Err(error) => {
                let place = format!("log, leaf {index}");
                return vec![Err(NodeError::Damaged { place, what: error.to_string() })];
            }
        };
        let new = signed.statement().objects.iter().filter(|hash| seen.insert(**hash));
        new.map(|hash| {
            let path = format!("log/objects/{:02x}/{}", hash[0], hex(hash));
            blocks::object(view, hash).map(|bytes| Item::of_bytes(path, bytes))
        })
        .collect()
    })
}
