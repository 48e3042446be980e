//! The trust policy: whom a verifier trusts.
//!
//! A text file. Its lines `log`, `witness`, `group` and `quorum` are C2SP tlog-policy and say whose
//! checkpoints are believed; a tool that knows only those reads the file after dropping the others.
//! Two keywords are ours:
//!
//! ```text
//! genesis <hex of the leaf hash of the log's genesis statement>
//! member <member id, 32 hex digits> <name>
//! ```
//!
//! `genesis` pins the ledger itself, whatever keys it has later. Where `member` lines stand, records
//! and bundles of other members are not accepted; names come from here and from nowhere else, since
//! the ledger holds none.

use countermark_tlog::merkle::Hash;
use countermark_tlog::note::{Algorithm, KeyError, VerifierKey};
use countermark_tlog::policy::{Policy, PolicyError};

pub use crate::ids::hex;
use crate::limits::{TRUST_BYTES_MAX, TRUST_MEMBERS_MAX};

/// A member whom the policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedMember {
    /// The member's id on the ledger.
    pub id: [u8; 16],
    /// What the policy's author calls it.
    pub name: String,
}

/// Whom a verifier trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Logs, witnesses and quorum.
    pub policy: Policy,
    /// Leaf hash of the genesis statement.
    pub genesis: Hash,
    /// The accepted members; empty: any member of that ledger.
    pub members: Vec<TrustedMember>,
}

/// Why a file is no trust policy.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Too large.
    #[error("{0} bytes; a trust policy has at most {TRUST_BYTES_MAX}")]
    Size(usize),
    /// Not UTF-8.
    #[error("the trust policy is not UTF-8 text")]
    Encoding,
    /// A C2SP line is wrong.
    #[error("trust policy, {0}")]
    Policy(#[from] PolicyError),
    /// One of our lines is wrong.
    #[error("trust policy, line {line}: {rule}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What should stand there.
        rule: &'static str,
    },
    /// The ledger is not pinned.
    #[error("the trust policy has no genesis line: add `genesis <64 hex digits>`")]
    NoGenesis,
    /// The name or key of a log that no policy can list.
    #[error("trust policy: {0}")]
    Log(#[from] KeyError),
    /// Parts that a file cannot hold, such as a member twice or a name with a line end.
    #[error("these parts make no trust policy: as a file they would read otherwise")]
    Parts,
}

impl TrustPolicy {
    /// A policy from its parts, which a file can hold as they are.
    ///
    /// # Errors
    /// [`TrustError`] as when a file of these parts is read.
    pub fn new(
        policy: Policy,
        genesis: Hash,
        members: Vec<TrustedMember>,
    ) -> Result<Self, TrustError> {
        let made = Self { policy, genesis, members };
        let read = Self::parse(made.encode().as_bytes())?;
        if read == made { Ok(read) } else { Err(TrustError::Parts) }
    }

    /// The policy of a single log without witnesses: its key, its genesis, the accepted members.
    ///
    /// # Errors
    /// As [`TrustPolicy::new`].
    pub fn of_log(
        origin: &str,
        log_key: &[u8; 32],
        genesis: Hash,
        members: Vec<TrustedMember>,
    ) -> Result<Self, TrustError> {
        let key = VerifierKey::new(origin, Algorithm::Ed25519, log_key)?;
        let log = format!("log {}", key.encode());
        let policy = Policy::from_lines([(1, log.as_bytes()), (2, b"quorum none")])?;
        Self::new(policy, genesis, members)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`TrustError`] with the line.
    pub fn parse(file: &[u8]) -> Result<Self, TrustError> {
        if file.len() > TRUST_BYTES_MAX {
            return Err(TrustError::Size(file.len()));
        }
        let text = std::str::from_utf8(file).map_err(|_| TrustError::Encoding)?;
        let (mut genesis, mut members, mut rest) = (None, Vec::new(), Vec::new());
        for (line, content) in text.lines().enumerate().map(|(i, content)| (i + 1, content)) {
            let fault = |rule| TrustError::Line { line, rule };
            match content.split_once(' ') {
                Some(("genesis", hash)) => {
                    let hash = unhex(hash).ok_or(fault("a genesis is 64 lower-case hex digits"))?;
                    if genesis.replace(hash).is_some() {
                        return Err(fault("a policy has one genesis line"));
                    }
                }
                Some(("member", member)) => {
                    let member = member_line(member).map_err(fault)?;
                    if members.iter().any(|known: &TrustedMember| known.id == member.id) {
                        return Err(fault("this member stands here already"));
                    }
                    if members.len() == TRUST_MEMBERS_MAX {
                        return Err(fault("a policy names at most 4096 members"));
                    }
                    members.push(member);
                }
                _ => rest.push((line, content.as_bytes())),
            }
        }
        let policy = Policy::from_lines(rest)?;
        Ok(Self { policy, genesis: genesis.ok_or(TrustError::NoGenesis)?, members })
    }

    /// The policy as a file.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::from(
            "# Trust policy of a Countermark ledger. The lines log, witness, group and quorum\n\
             # are C2SP tlog-policy; genesis pins the ledger, member names who may speak in it.\n",
        );
        text.push_str(&String::from_utf8_lossy(&self.policy.encode()));
        text.push_str(&format!("genesis {}\n", hex(&self.genesis)));
        for member in &self.members {
            text.push_str(&format!("member {} {}\n", hex(&member.id), member.name));
        }
        text
    }

    /// The name of a member, where the policy has one.
    #[must_use]
    pub fn name_of(&self, id: &[u8; 16]) -> Option<&str> {
        self.members.iter().find(|member| member.id == *id).map(|member| member.name.as_str())
    }

    /// Whether records of this member are accepted.
    #[must_use]
    pub fn accepts(&self, id: &[u8; 16]) -> bool {
        self.members.is_empty() || self.name_of(id).is_some()
    }
}

fn member_line(text: &str) -> Result<TrustedMember, &'static str> {
    let (id, name) = text.split_once(' ').ok_or("a member is an id and a name")?;
    let id = unhex(id).ok_or("a member's id is 32 lower-case hex digits")?;
    if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) {
        return Err("a member's name is text without control characters or outer spaces");
    }
    Ok(TrustedMember { id, name: name.to_owned() })
}

/// Exactly `N` bytes from lower-case hexadecimal digits.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || digits.iter().any(|d| !matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_tlog::note::{Algorithm, Signer};

    fn policy_text(extra: &str) -> String {
        let log = Signer::new("farm.example", Algorithm::Ed25519, &[7; 32]).unwrap();
        let genesis = "ab".repeat(32);
        format!("log {}\nquorum none\ngenesis {genesis}\n{extra}", log.verifier_key().encode())
    }

    #[test]
    fn a_policy_reads_as_it_was_written() {
        let member = format!("member {} The Farm, Ltd\n", "01".repeat(16));
        let policy = TrustPolicy::parse(policy_text(&member).as_bytes()).unwrap();
        assert_eq!(policy.genesis, [0xab; 32]);
        assert_eq!(policy.name_of(&[1; 16]), Some("The Farm, Ltd"));
        assert!(policy.accepts(&[1; 16]) && !policy.accepts(&[2; 16]));
        assert_eq!(TrustPolicy::parse(policy.encode().as_bytes()).unwrap(), policy);
    }

    #[test]
    fn a_name_cannot_smuggle_a_line_into_the_file() {
        let key = Signer::new("farm.example", Algorithm::Ed25519, &[7; 32]).unwrap();
        let key = key.verifier_key().public_key().to_bytes();
        let made = |names: &[&str]| {
            let members =
                names.iter().map(|name| TrustedMember { id: [1; 16], name: (*name).to_owned() });
            TrustPolicy::of_log("farm.example", &key, [0xab; 32], members.collect())
        };
        assert_eq!(made(&["Farm"]).unwrap().name_of(&[1; 16]), Some("Farm"));
        let other = format!("Farm\nmember {} Evil", "02".repeat(16));
        for names in [&[other.as_str()][..], &["Farm\n"], &["Farm\r"], &[" Farm"], &[""]] {
            assert!(made(names).is_err(), "{names:?}");
        }
        let twice = made(&["Farm", "Farm"]).unwrap_err().to_string();
        assert!(twice.contains("stands here already"), "{twice}");
    }

    #[test]
    fn without_member_lines_every_member_of_the_ledger_is_accepted() {
        let policy = TrustPolicy::parse(policy_text("").as_bytes()).unwrap();
        assert!(policy.accepts(&[2; 16]));
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number() {
        for (extra, expected) in [
            ("member 01 Farm\n", "line 4: a member's id"),
            ("genesis 00\n", "line 4: a genesis is"),
            (&format!("genesis {}\n", "ab".repeat(32)), "line 4: a policy has one genesis"),
            ("trust everyone\n", "line 4: expected log"),
            (&format!("member {} \u{7}\n", "01".repeat(16)), "line 4: a member's name"),
        ] {
            let error = TrustPolicy::parse(policy_text(extra).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let text = policy_text("").replace("genesis", "# genesis");
        assert!(matches!(TrustPolicy::parse(text.as_bytes()), Err(TrustError::NoGenesis)));
    }
}
