//! C2SP tlog-policy: which logs and witnesses a verifier trusts, and how many of them.

#[cfg(test)]
mod tests;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::note::{Algorithm, KeyError, Note, NoteError, VerifierKey};
use std::collections::{HashMap, HashSet};

/// Logs, witnesses and groups that a policy may list, each.
pub const MAX_DEFINITIONS: usize = 64;

/// Longest line, in bytes.
pub const MAX_LINE_BYTES: usize = 8 * 1024;

/// The name that asks for no witnesses.
const NONE: &[u8] = b"none";

/// A rule that says which checkpoints are to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Party>,
}

/// A log whose checkpoints are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its key; the key's name is the log's origin.
    pub key: VerifierKey,
    /// Where it is reached, as written.
    pub url: Option<Vec<u8>>,
}

/// A witness that may count towards the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its name within the policy: opaque bytes.
    pub name: Vec<u8>,
    /// Its cosigning key.
    pub key: VerifierKey,
    /// Where it is reached, as written.
    pub url: Option<Vec<u8>>,
}

/// Witnesses and groups of which so many must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    threshold: usize,
    members: Vec<Party>,
}

/// Who counts as one: a witness or a group, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that meets a policy, and by whose signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// The listed logs that signed, by position in [`Policy::logs`].
    pub logs: Vec<usize>,
    /// The listed witnesses that cosigned: position in [`Policy::witnesses`], and the time in
    /// seconds since the Unix epoch.
    pub witnesses: Vec<(usize, u64)>,
}

/// A policy that cannot be read. Lines are numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A character that the format does not allow, or a line too long.
    #[error(
        "line {line}: a line has at most {MAX_LINE_BYTES} bytes and no control character but tab"
    )]
    Line {
        /// Number of the line.
        line: usize,
    },
    /// Not one of the four keywords, or the wrong number of words after it.
    #[error(
        "line {line}: expected log <vkey> [<url>], witness <name> <vkey> [<url>], \
         group <name> all|any|<k> <name>... or quorum <name>|none"
    )]
    Form {
        /// Number of the line.
        line: usize,
    },
    /// A key that cannot be read.
    #[error("line {line}: the key cannot be read")]
    Key {
        /// Number of the line.
        line: usize,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// A log with a cosigning key, or a witness with a plain one.
    #[error("line {line}: a log has a key of type 0x01, a witness one of type 0x04")]
    KeyKind {
        /// Number of the line.
        line: usize,
    },
    /// A log or witness with a key that another of its kind has.
    #[error("line {line}: this key is listed already")]
    DuplicateKey {
        /// Number of the line.
        line: usize,
    },
    /// A name that is taken, or the reserved name `none`.
    #[error("line {line}: the name {name} is taken")]
    Name {
        /// Number of the line.
        line: usize,
        /// The name.
        name: String,
    },
    /// A name that no earlier line defines.
    #[error("line {line}: no earlier line defines {name}")]
    Undefined {
        /// Number of the line.
        line: usize,
        /// The name.
        name: String,
    },
    /// A name that is a member of a group already.
    #[error("line {line}: {name} is a member of a group already; it may count in one way only")]
    Member {
        /// Number of the line.
        line: usize,
        /// The name.
        name: String,
    },
    /// A threshold that is no number from 1 to the number of members.
    #[error("line {line}: the threshold must be all, any or a number from 1 to {members}")]
    Threshold {
        /// Number of the line.
        line: usize,
        /// Members of the group.
        members: usize,
    },
    /// A second quorum line.
    #[error("line {line}: a policy has one quorum line")]
    SecondQuorum {
        /// Number of the line.
        line: usize,
    },
    /// No quorum line.
    #[error("a policy needs a quorum line; \"quorum none\" asks for no witnesses")]
    NoQuorum,
    /// More logs, witnesses or groups than are read.
    #[error(
        "line {line}: a policy lists at most {MAX_DEFINITIONS} logs, witnesses and groups each"
    )]
    TooMany {
        /// Number of the line.
        line: usize,
    },
}

/// A checkpoint that a policy does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The note or a signature of a known key is bad, or no known key signed.
    #[error("the checkpoint's signatures do not hold")]
    Note(#[source] NoteError),
    /// The text is no checkpoint.
    #[error("the signed text is no checkpoint")]
    Checkpoint(#[source] CheckpointError),
    /// None of the listed logs signed under the name that the checkpoint states.
    #[error("no log of the policy with the name {origin} signed the checkpoint")]
    Log {
        /// The origin line.
        origin: String,
    },
    /// Too few witnesses.
    #[error("the {cosigned} witnesses of the policy that cosigned do not make its quorum")]
    Quorum {
        /// Listed witnesses that cosigned.
        cosigned: usize,
    },
}

impl Policy {
    /// Reads a policy file: all its lines must be of C2SP tlog-policy.
    ///
    /// # Errors
    /// [`PolicyError`] with the line.
    pub fn parse(file: &[u8]) -> Result<Self, PolicyError> {
        let text = file.strip_suffix(b"\n").unwrap_or(file);
        Self::from_lines(text.split(|b| *b == b'\n').enumerate().map(|(i, line)| (i + 1, line)))
    }

    /// Whether a line is one of the four that this format defines, by its first word. A caller whose
    /// file has further keywords passes only such lines to [`Policy::from_lines`].
    #[must_use]
    pub fn is_policy_line(line: &[u8]) -> bool {
        matches!(words(line).next(), Some(b"log" | b"witness" | b"group" | b"quorum"))
    }

    /// Reads numbered lines without their newlines; empty ones and comments are skipped.
    ///
    /// # Errors
    /// [`PolicyError`] with the line's number as given.
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = (usize, &'a [u8])>,
    ) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        for (number, line) in lines {
            reader.line(number, line)?;
        }
        let quorum = reader.quorum.ok_or(PolicyError::NoQuorum)?;
        let Reader { logs, witnesses, groups, .. } = reader;
        Ok(Self { logs, witnesses, groups, quorum })
    }

    /// The listed logs, in order.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The listed witnesses, in order.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether these witnesses (by position) make the quorum.
    #[must_use]
    pub fn is_quorum(&self, cosigned: &HashSet<usize>) -> bool {
        // A group refers to earlier ones only, so one pass in order settles all.
        let mut settled = Vec::with_capacity(self.groups.len());
        let counts = |party: &Party, settled: &[bool]| match party {
            Party::Witness(at) => cosigned.contains(at),
            Party::Group(at) => settled.get(*at).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let present = group.members.iter().filter(|party| counts(party, &settled)).count();
            settled.push(present >= group.threshold);
        }
        self.quorum.is_none_or(|party| counts(&party, &settled))
    }

    /// Checks a signed checkpoint: one of the listed logs signed it under its own name, and the
    /// listed witnesses that cosigned make the quorum.
    ///
    /// # Errors
    /// [`Rejected`] says what is missing or does not hold.
    pub fn check(&self, note: &Note) -> Result<Accepted, Rejected> {
        let log_keys = self.logs.iter().map(|log| &log.key);
        let keys: Vec<VerifierKey> =
            log_keys.chain(self.witnesses.iter().map(|w| &w.key)).cloned().collect();
        let verified = note.verify(&keys).map_err(Rejected::Note)?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(Rejected::Checkpoint)?;
        let (mut logs, mut witnesses) = (Vec::new(), Vec::new());
        for signature in verified {
            match (signature.key.checked_sub(self.logs.len()), signature.time) {
                (None, _) if keys[signature.key].name() == checkpoint.origin => {
                    logs.push(signature.key);
                }
                (Some(witness), Some(time)) => witnesses.push((witness, time)),
                _ => {}
            }
        }
        if logs.is_empty() {
            return Err(Rejected::Log { origin: checkpoint.origin });
        }
        if !self.is_quorum(&witnesses.iter().map(|(at, _)| *at).collect()) {
            return Err(Rejected::Quorum { cosigned: witnesses.len() });
        }
        Ok(Accepted { checkpoint, logs, witnesses })
    }

    /// The policy as a file, without comments: logs, witnesses, groups, quorum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for log in &self.logs {
            let words = [Some(&b"log"[..]), Some(log.key.encode().as_bytes()), log.url.as_deref()]
                .map(|word| word.map(<[u8]>::to_vec));
            lines.push(words.into_iter().flatten().collect::<Vec<_>>().join(&b' '));
        }
        for witness in &self.witnesses {
            let key = witness.key.encode();
            let mut words = vec![&b"witness"[..], &witness.name, key.as_bytes()];
            words.extend(witness.url.as_deref());
            lines.push(words.join(&b' '));
        }
        for group in &self.groups {
            let threshold = group.threshold.to_string();
            let mut words = vec![&b"group"[..], &group.name, threshold.as_bytes()];
            words.extend(group.members.iter().map(|party| self.name(*party)));
            lines.push(words.join(&b' '));
        }
        let quorum = self.quorum.map_or(NONE, |party| self.name(party));
        lines.push([b"quorum ", quorum].concat());
        lines.push(Vec::new());
        lines.join(&b'\n')
    }

    fn name(&self, party: Party) -> &[u8] {
        match party {
            Party::Witness(at) => &self.witnesses[at].name,
            Party::Group(at) => &self.groups[at].name,
        }
    }
}

/// What the lines read so far define.
#[derive(Default)]
struct Reader {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// `Some(None)` once a line says `quorum none`.
    quorum: Option<Option<Party>>,
    names: HashMap<Vec<u8>, Party>,
    members: HashSet<Vec<u8>>,
}

impl Reader {
    fn line(&mut self, line: usize, bytes: &[u8]) -> Result<(), PolicyError> {
        let allowed = |b: &u8| *b == b'\t' || (*b >= 0x20 && *b != 0x7f);
        if bytes.len() > MAX_LINE_BYTES || !bytes.iter().all(allowed) {
            return Err(PolicyError::Line { line });
        }
        let words: Vec<&[u8]> = words(bytes).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(line, key, None),
            [b"log", key, url] => self.log(line, key, Some(url)),
            [b"witness", name, key] => self.witness(line, name, key, None),
            [b"witness", name, key, url] => self.witness(line, name, key, Some(url)),
            [b"group", name, threshold, members @ ..] if !members.is_empty() => {
                self.group(line, name, threshold, members)
            }
            [b"quorum", name] => self.quorum(line, name),
            _ => Err(PolicyError::Form { line }),
        }
    }

    fn log(&mut self, line: usize, key: &[u8], url: Option<&&[u8]>) -> Result<(), PolicyError> {
        let key = read_key(line, key, Algorithm::Ed25519)?;
        if self.logs.iter().any(|log| log.key.public_key() == key.public_key()) {
            return Err(PolicyError::DuplicateKey { line });
        }
        push(line, &mut self.logs, Log { key, url: url.map(|url| url.to_vec()) })?;
        Ok(())
    }

    fn witness(
        &mut self,
        line: usize,
        name: &[u8],
        key: &[u8],
        url: Option<&&[u8]>,
    ) -> Result<(), PolicyError> {
        let key = read_key(line, key, Algorithm::CosignatureV1)?;
        if self.witnesses.iter().any(|witness| witness.key.public_key() == key.public_key()) {
            return Err(PolicyError::DuplicateKey { line });
        }
        let witness = Witness { name: name.to_vec(), key, url: url.map(|url| url.to_vec()) };
        let at = push(line, &mut self.witnesses, witness)?;
        self.define(line, name, Party::Witness(at))
    }

    fn group(
        &mut self,
        line: usize,
        name: &[u8],
        threshold: &[u8],
        members: &[&[u8]],
    ) -> Result<(), PolicyError> {
        let mut parties = Vec::with_capacity(members.len());
        for member in members {
            parties.push(self.party(line, member)?);
            if !self.members.insert(member.to_vec()) {
                return Err(PolicyError::Member { line, name: shown(member) });
            }
        }
        let count = parties.len();
        let threshold = match threshold {
            b"all" => Some(count),
            b"any" => Some(1),
            number => std::str::from_utf8(number)
                .ok()
                .and_then(decimal)
                .and_then(|k| usize::try_from(k).ok())
                .filter(|k| (1..=count).contains(k)),
        };
        let threshold = threshold.ok_or(PolicyError::Threshold { line, members: count })?;
        let group = Group { name: name.to_vec(), threshold, members: parties };
        let at = push(line, &mut self.groups, group)?;
        self.define(line, name, Party::Group(at))
    }

    fn quorum(&mut self, line: usize, name: &[u8]) -> Result<(), PolicyError> {
        let party = if name == NONE { None } else { Some(self.party(line, name)?) };
        match self.quorum.replace(party) {
            None => Ok(()),
            Some(_) => Err(PolicyError::SecondQuorum { line }),
        }
    }

    fn party(&self, line: usize, name: &[u8]) -> Result<Party, PolicyError> {
        let party = self.names.get(name).copied();
        party.ok_or_else(|| PolicyError::Undefined { line, name: shown(name) })
    }

    fn define(&mut self, line: usize, name: &[u8], party: Party) -> Result<(), PolicyError> {
        if name == NONE || self.names.insert(name.to_vec(), party).is_some() {
            return Err(PolicyError::Name { line, name: shown(name) });
        }
        Ok(())
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty())
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn read_key(line: usize, key: &[u8], kind: Algorithm) -> Result<VerifierKey, PolicyError> {
    let text = std::str::from_utf8(key).map_err(|_| KeyError::Structure);
    let key =
        text.and_then(VerifierKey::parse).map_err(|source| PolicyError::Key { line, source })?;
    if key.algorithm() == kind { Ok(key) } else { Err(PolicyError::KeyKind { line }) }
}

/// Appends within the bound and gives the position.
fn push<T>(line: usize, list: &mut Vec<T>, item: T) -> Result<usize, PolicyError> {
    if list.len() == MAX_DEFINITIONS {
        return Err(PolicyError::TooMany { line });
    }
    list.push(item);
    Ok(list.len() - 1)
}
