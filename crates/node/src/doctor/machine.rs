//! Checks of the machine: room, encryption of the volume, clock. `/proc` and `/sys` are asked here:
//! it is the operating system that answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Finding;

/// Below this, writes will fail soon.
const ROOM_FAILED: u64 = 64 << 20;
/// Below this, or below a twentieth of the volume, it is time to make room.
const ROOM_WARNING: u64 = 1 << 30;
/// Device mappings that lie on each other at most.
const LAYERS_MAX: usize = 16;
/// A clock before this was never set.
const BUILT_S: u64 = 1_767_225_600;

/// Unix seconds.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Permission bits of a file; `None` where there is no file.
pub(super) fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

/// A length as people read it.
pub(super) fn size_text(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

pub(super) fn room(data: &Path) -> Finding {
    let volume = match rustix::fs::statvfs(data) {
        Ok(volume) => volume,
        Err(error) => return Finding::warning(format!("not known: {error}"), ""),
    };
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    let total = volume.f_blocks.saturating_mul(volume.f_frsize);
    judge_room(free, total)
}

fn judge_room(free: u64, total: u64) -> Finding {
    let says = format!("{} free of {}", size_text(free), size_text(total));
    let advice = "make room or enlarge the volume; a full disk stops recording, what was \
                  acknowledged stays";
    if free < ROOM_FAILED {
        return Finding::failed(says, advice);
    }
    if free < ROOM_WARNING || free < total / 20 {
        return Finding::warning(says, advice);
    }
    Finding::ok(says)
}

pub(super) fn volume(data: &Path) -> Finding {
    let advice = "where it is not encrypted, who takes the disk reads the index in clear: put the \
                  directory on LUKS or another encrypted volume";
    match encryption(data) {
        Some((device, true)) => Finding::ok(format!("{device} is encrypted (dm-crypt)")),
        Some((device, false)) => {
            Finding::warning(format!("{device} is not encrypted by this system"), advice)
        }
        None => Finding::warning("whether the volume is encrypted is not known", advice),
    }
}

/// The volume's device, and whether dm-crypt lies somewhere below it.
fn encryption(data: &Path) -> Option<(String, bool)> {
    let data = data.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (number, device) = mount_of(&mounts, &data)?;
    let block = Path::new("/sys/dev/block").join(&number).canonicalize().ok()?;
    Some((device, is_crypt(&block, LAYERS_MAX)))
}

/// Device number and source of the mount that holds a path.
fn mount_of(mounts: &str, path: &Path) -> Option<(String, String)> {
    let mut best: Option<(usize, String, String)> = None;
    for line in mounts.lines() {
        let (left, right) = line.split_once(" - ")?;
        let left: Vec<&str> = left.split(' ').collect();
        let (number, point) = (left.get(2)?, unescape(left.get(4)?));
        if !path.starts_with(&point) {
            continue;
        }
        let depth = point.components().count();
        // A later mount on the same point hides the earlier one.
        if best.as_ref().is_none_or(|(known, _, _)| depth >= *known) {
            let source = right.split(' ').nth(1).unwrap_or_default();
            best = Some((depth, (*number).to_owned(), source.to_owned()));
        }
    }
    best.map(|(_, number, source)| (number, source))
}

/// Spaces and a few others stand as three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = &after[3..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.into()
}

/// Whether a block device, or one that it lies on, is a dm-crypt mapping.
fn is_crypt(block: &Path, layers: usize) -> bool {
    if layers == 0 {
        return false;
    }
    let uuid = fs::read_to_string(block.join("dm").join("uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    // A partition lies in its disk's folder and has no `slaves` of its own.
    let below = fs::read_dir(block.join("slaves"));
    below
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().canonicalize().is_ok_and(|below| is_crypt(&below, layers - 1)))
}

pub(super) fn clock() -> Finding {
    let now = now_s();
    if now < BUILT_S {
        return Finding::failed(
            format!("it says {}", crate::clock::moment(now.saturating_mul(1000))),
            "set the clock before anything is recorded",
        );
    }
    let says = crate::clock::moment(now.saturating_mul(1000));
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Finding::ok(format!("{says}, kept by systemd-timesyncd"));
    }
    for (daemon, place) in
        [("chrony", "/run/chrony/chronyd.pid"), ("ntpd", "/run/ntpd.pid"), ("ntpd", "/run/ntp.pid")]
    {
        if Path::new(place).exists() {
            return Finding::ok(format!("{says}, kept by {daemon}"));
        }
    }
    Finding::warning(
        format!("{says}; no time service was seen"),
        "run one (systemd-timesyncd, chrony), or make sure that the host keeps the time",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    const MOUNTS: &str = "\
22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/root rw
30 22 0:5 / /proc rw - proc proc rw
31 22 8:17 / /srv/my\\040data rw - ext4 /dev/sdb1 rw
32 22 8:33 /sub /srv rw - ext4 /dev/sdc1 rw
";

    #[test]
    fn the_mount_of_a_path_is_the_deepest_one_above_it() {
        let at = |path: &str| mount_of(MOUNTS, Path::new(path)).unwrap();
        assert_eq!(at("/srv/my data/ledger"), ("8:17".to_owned(), "/dev/sdb1".to_owned()));
        assert_eq!(at("/srv/ledger").0, "8:33");
        assert_eq!(at("/srvx").0, "253:0");
        assert_eq!(at("/").1, "/dev/mapper/root");
    }

    #[test]
    fn a_mapping_below_counts_and_a_plain_disk_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, uuid) in [("crypt", "CRYPT-LUKS2-0123-x\n"), ("lvm", "LVM-abc\n")] {
            fs::create_dir_all(at(name).join("dm")).unwrap();
            fs::write(at(name).join("dm/uuid"), uuid).unwrap();
        }
        fs::create_dir_all(at("lvm/slaves")).unwrap();
        assert!(is_crypt(&at("crypt"), LAYERS_MAX));
        assert!(!is_crypt(&at("lvm"), LAYERS_MAX), "LVM alone encrypts nothing");
        std::os::unix::fs::symlink(at("crypt"), at("lvm/slaves/dm-1")).unwrap();
        assert!(is_crypt(&at("lvm"), LAYERS_MAX), "LVM on LUKS");
        fs::create_dir_all(at("loop/slaves")).unwrap();
        std::os::unix::fs::symlink(at("loop"), at("loop/slaves/loop")).unwrap();
        assert!(!is_crypt(&at("loop"), LAYERS_MAX), "a loop ends");
    }

    #[test]
    fn little_room_is_a_warning_and_almost_none_a_failure() {
        let gib = 1 << 30;
        assert_eq!(judge_room(100 * gib, 200 * gib).outcome, Outcome::Ok);
        assert_eq!(judge_room(9 * gib, 200 * gib).outcome, Outcome::Warning);
        assert_eq!(judge_room(gib / 2, 4 * gib).outcome, Outcome::Warning);
        assert_eq!(judge_room(gib / 32, 4 * gib).outcome, Outcome::Failed);
    }
}
