//! Documents that somebody is looking at before he lets them in, and the mappings that he makes for
//! them: kept on the desk, the documents sealed beside the inbox.
//!
//! A draft is seen by whom may act for its member, and forgotten after some days.

use std::collections::BTreeMap;

use countermark_epcis::Finding;
pub use countermark_intake::columns::row_of;
use countermark_intake::columns::without_rows;
pub use countermark_intake::columns::{ColumnMap, STEPS, Step, TARGETS, Table, Target};
use countermark_intake::gs1;
use countermark_intake::{Library, Mapping};
use countermark_ledger::ids::{MemberId, hex};
use countermark_ledger::trust::unhex;
use countermark_store::inbox;
use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::capture::InputFile;
use crate::error::NodeError;
use crate::jobs::{Job, NewJob, Reading, report};
use crate::keyring;
use crate::mappings::Description;
use crate::node::Node;
use crate::preview::Preview;
use crate::scope::{Scope, name_of};
use crate::sequencer::chain;
use crate::stores::store_error;

/// Bytes of a draft at most; what is larger is imported without a look at it.
pub const DRAFT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Drafts of a node at most; the oldest is forgotten first.
pub const DRAFTS_MAX: usize = 64;
/// Days after which a draft is forgotten.
pub const DRAFT_DAYS: u64 = 7;
/// Mappings of a member's own at most.
pub const OWN_MAPPINGS_MAX: usize = 200;

const DRAFT: &str = "draft/";
const MAPPING: &str = "mapping/";
const SEALED: &[u8] = b"draft document v1";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const SEAL_BYTES: u64 = 64;

/// A document that waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// Its id, in hexadecimal.
    pub id: String,
    /// The member that it is for.
    pub member: String,
    /// Name of the document.
    pub file: String,
    /// The account that brought it.
    pub account: String,
    /// The mapping it is read through; none as an EPCIS document.
    pub mapping: Option<String>,
    /// Rows that were left out of it.
    pub left_out: u64,
    /// The job that took it, once it was let in.
    pub job: Option<String>,
    /// When it was brought, Unix milliseconds.
    pub created_at_ms: u64,
}

/// A mapping that a member made from a table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnMapping {
    /// Its name.
    pub name: String,
    /// What the columns mean.
    pub columns: ColumnMap,
}

fn draft_setting(id: &str) -> String {
    format!("{DRAFT}{id}")
}

fn mapping_setting(member: &MemberId, name: &str) -> String {
    format!("{MAPPING}{}/{name}", hex(member))
}

/// Files of a draft in the inbox: the document, and the rows that were left out of it.
fn files(id: &str) -> [String; 2] {
    [format!("draft-{id}"), format!("left-{id}")]
}

impl Node {
    /// Keeps a document, to look at it before it is let in.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where it is too large; an unknown member.
    pub fn draft_add(
        &self,
        by: &Principal,
        member: Option<&str>,
        file: &InputFile,
    ) -> Result<Draft, NodeError> {
        self.writing()?;
        let member = self.held(&self.member_in(&by.scope(), member)?)?;
        if file.bytes.len() > DRAFT_BYTES_MAX {
            let what = "is too large to be looked at first; send it with `countermark import`, or \
                        by POST /import";
            return Err(NodeError::Refused(format!("{} {what}", file.name)));
        }
        self.drafts_forget()?;
        let id: [u8; 16] = keyring::random()?;
        let draft = Draft {
            id: hex(&id),
            member: hex(&member.id),
            file: file.name.clone(),
            account: by.name.clone(),
            mapping: None,
            left_out: 0,
            job: None,
            created_at_ms: self.lock().clock.now_ms(),
        };
        self.draft_seal(&draft, 0, &file.bytes)?;
        self.draft_note(&draft)?;
        Ok(self.draft_named(draft))
    }

    /// The drafts that the caller sees, newest first.
    ///
    /// # Errors
    /// Where the desk cannot be read.
    pub fn drafts(&self, scope: &Scope) -> Result<Vec<Draft>, NodeError> {
        let mut all = self.drafts_all()?;
        all.retain(|draft| unhex(&draft.member).is_some_and(|member| scope.holds(&member)));
        all.sort_by_key(|draft| std::cmp::Reverse(draft.created_at_ms));
        Ok(all.into_iter().map(|draft| self.draft_named(draft)).collect())
    }

    /// A draft.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the caller sees none of that id.
    pub fn draft(&self, scope: &Scope, id: &str) -> Result<Draft, NodeError> {
        Ok(self.draft_named(self.draft_row(scope, id)?))
    }

    /// A draft's document, as it stands after rows were left out of it.
    ///
    /// # Errors
    /// As [`Node::draft`].
    pub fn draft_file(&self, scope: &Scope, id: &str) -> Result<InputFile, NodeError> {
        let draft = self.draft_row(scope, id)?;
        let bytes = self.draft_open(&draft, 0)?;
        Ok(InputFile { name: draft.file, bytes })
    }

    /// The rows that were left out of a draft, with their numbers, as CSV.
    ///
    /// # Errors
    /// As [`Node::draft`]; where none were left out.
    pub fn draft_left_out(&self, scope: &Scope, id: &str) -> Result<Vec<u8>, NodeError> {
        let draft = self.draft_row(scope, id)?;
        self.draft_open(&draft, 1)
    }

    /// Says how a draft is read: through a mapping, or as an EPCIS document.
    ///
    /// # Errors
    /// As [`Node::draft`]; an unknown mapping.
    pub fn draft_read_by(
        &self,
        scope: &Scope,
        id: &str,
        mapping: Option<&str>,
    ) -> Result<(), NodeError> {
        let mut draft = self.draft_row(scope, id)?;
        if let Some(name) = mapping {
            self.mapping_of(&self.draft_member(&draft)?, name)?;
        }
        draft.mapping = mapping.map(ToOwned::to_owned);
        self.draft_note(&draft)
    }

    /// What would become of a draft. Nothing is recorded.
    ///
    /// # Errors
    /// As [`Node::draft`].
    pub fn draft_preview(&self, by: &Principal, id: &str) -> Result<Preview, NodeError> {
        let draft = self.draft_row(&by.scope(), id)?;
        let file = InputFile { name: draft.file.clone(), bytes: self.draft_open(&draft, 0)? };
        let member = self.draft_member(&draft)?;
        let name = name_of(&self.secrets(), &member);
        match &draft.mapping {
            None => self.capture_preview(by, Some(&name), &file, false),
            Some(mapping) => {
                let mapping = self.mapping_of(&member, mapping)?;
                self.import_preview(by, Some(&name), &mapping, &file)
            }
        }
    }

    /// Leaves out the rows of which something is wrong; gives how many those were. They are kept
    /// with their numbers and reasons.
    ///
    /// # Errors
    /// As [`Node::draft`]; where it is no delimited text.
    pub fn draft_leave_out(&self, by: &Principal, id: &str) -> Result<u64, NodeError> {
        let mut draft = self.draft_row(&by.scope(), id)?;
        let preview = self.draft_preview(by, id)?;
        let unknown = preview.quarantined.iter().map(|held| (&held.place, &held.message));
        let wrong = preview.rejected.iter().map(|finding| (&finding.pointer, &finding.message));
        let mut rows: BTreeMap<usize, String> = BTreeMap::new();
        for (place, why) in wrong.chain(unknown) {
            // The header is no row that can be left out.
            if let Some(row) = row_of(place).filter(|row| *row > 1) {
                let all = rows.entry(row).or_default();
                let mark = if all.is_empty() { "" } else { "; " };
                all.push_str(&format!("{mark}{why}"));
            }
        }
        if rows.is_empty() {
            return Err(NodeError::Refused("no single row is at fault".to_owned()));
        }
        let bytes = self.draft_open(&draft, 0)?;
        let unreadable = |what: String| NodeError::Unreadable { place: draft.file.clone(), what };
        let (kept, left) = without_rows(&bytes, &rows).map_err(|e| unreadable(e.to_string()))?;
        let left = match draft.left_out {
            0 => left,
            // The rows of before stay; the header stands once.
            _ => {
                let before = self.draft_open(&draft, 1)?;
                let body =
                    left.iter().position(|byte| *byte == b'\n').map_or(left.len(), |at| at + 1);
                [&before[..], &left[body..]].concat()
            }
        };
        draft.left_out += rows.len() as u64;
        self.draft_seal(&draft, 1, &left)?;
        self.draft_seal(&draft, 0, &kept)?;
        self.draft_note(&draft)?;
        Ok(rows.len() as u64)
    }

    /// Lets a draft in: a capture job records it.
    ///
    /// # Errors
    /// As [`Node::draft`] and [`Node::job_submit`].
    pub fn draft_submit(&self, by: &Principal, id: &str) -> Result<Job, NodeError> {
        let mut draft = self.draft_row(&by.scope(), id)?;
        if let Some(job) = &draft.job {
            return self.job(&by.scope(), job);
        }
        let file = InputFile { name: draft.file.clone(), bytes: self.draft_open(&draft, 0)? };
        let reading = match &draft.mapping {
            None => Reading::Capture { lenient: false },
            Some(mapping) => Reading::Import { mapping: mapping.clone() },
        };
        let member = name_of(&self.secrets(), &self.draft_member(&draft)?);
        let job = self.job_submit(by, NewJob { member: Some(member), reading, file })?;
        draft.job = Some(job.id.clone());
        self.draft_note(&draft)?;
        Ok(job)
    }

    /// Forgets a draft.
    ///
    /// # Errors
    /// As [`Node::draft`].
    pub fn draft_remove(&self, scope: &Scope, id: &str) -> Result<(), NodeError> {
        let draft = self.draft_row(scope, id)?;
        self.draft_forget(&draft)
    }

    /// The mapping of a name, for a member: a shipped one, or one of its own.
    pub(crate) fn mapping_of(&self, member: &MemberId, name: &str) -> Result<Mapping, NodeError> {
        match self.own_mapping(member, name)? {
            None => self.mapping(name),
            Some(own) => {
                let unusable =
                    |what: String| NodeError::Usage(format!("mapping \"{name}\": {what}"));
                let (manifest, program, units) =
                    own.columns.texts(name, name).map_err(|e| unusable(e.to_string()))?;
                Mapping::from_texts(name, &manifest, &program, &units)
                    .map_err(|e| unusable(chain(&e)))
            }
        }
    }

    fn own_mapping(&self, member: &MemberId, name: &str) -> Result<Option<OwnMapping>, NodeError> {
        let setting = self.lock().stores.desk.setting(&mapping_setting(member, name));
        let Some(text) = setting.map_err(|e| store_error(&e))? else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).map_err(|e| store_error(&e))
    }

    /// The mappings that a member made itself.
    ///
    /// # Errors
    /// An unknown member.
    pub fn own_mappings(
        &self,
        scope: &Scope,
        member: Option<&str>,
    ) -> Result<Vec<OwnMapping>, NodeError> {
        let member = self.member_in(scope, member)?;
        let prefix = mapping_setting(&member, "");
        let rows = self.lock().stores.desk.settings_of(&prefix).map_err(|e| store_error(&e))?;
        let read = |(_, text): (String, Vec<u8>)| {
            serde_json::from_slice(&text).map_err(|e| store_error(&e))
        };
        rows.into_iter().map(read).collect()
    }

    /// Keeps what a table's columns mean under a name, for a member. One of the same name is
    /// replaced.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where something is missing, or the name is that of a shipped mapping.
    pub fn own_mapping_put(
        &self,
        scope: &Scope,
        member: Option<&str>,
        name: &str,
        columns: &ColumnMap,
    ) -> Result<(), NodeError> {
        self.writing()?;
        let member = self.member_in(scope, member)?;
        let usage = |what: String| Err(NodeError::Usage(what));
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 60 || !name.chars().all(is_plain) {
            return usage(format!("\"{name}\": a mapping's name has a-z, 0-9 and -, up to 60"));
        }
        if Library::shipped().names().any(|known| known == name) {
            return usage(format!("\"{name}\" is the name of a shipped mapping; choose another"));
        }
        let (manifest, program, units) =
            columns.texts(name, name).map_err(|e| NodeError::Usage(e.to_string()))?;
        Mapping::from_texts(name, &manifest, &program, &units)
            .map_err(|e| NodeError::Usage(chain(&e)))?;
        let setting = mapping_setting(&member, name);
        let sequencer = self.lock();
        let desk = &sequencer.stores.desk;
        let known = desk.settings_of(&mapping_setting(&member, "")).map_err(|e| store_error(&e))?;
        if known.len() >= OWN_MAPPINGS_MAX && !known.iter().any(|(other, _)| *other == setting) {
            return usage(format!(
                "{OWN_MAPPINGS_MAX} mappings of its own are all that a member has"
            ));
        }
        let own = OwnMapping { name: name.to_owned(), columns: columns.clone() };
        let text = serde_json::to_vec(&own).map_err(|e| store_error(&e))?;
        desk.set_setting(&setting, &text).map_err(|e| store_error(&e))
    }

    /// Which mappings seem to read a document, the likeliest first: a member's own, then those
    /// shipped. Empty where none makes an event of it.
    ///
    /// # Errors
    /// An unknown member; where the desk cannot be read.
    pub fn mapping_guess(
        &self,
        by: &Principal,
        member: Option<&str>,
        file: &InputFile,
    ) -> Result<Vec<String>, NodeError> {
        let scope = by.scope();
        let id = self.member_in(&scope, member)?;
        let master = self.master_data_of(&id)?;
        let mut names: Vec<String> =
            self.own_mappings(&scope, member)?.into_iter().map(|own| own.name).collect();
        names.extend(self.shipped()?.describe()?.into_iter().map(|one: Description| one.id));
        let mut found: Vec<(usize, String)> = Vec::new();
        for name in names {
            let Ok(outcome) = self.mapping_of(&id, &name)?.import(&file.bytes, &master) else {
                continue;
            };
            if outcome.findings.iter().any(|finding| finding.rule == "no-events") {
                continue;
            }
            let is_error =
                |finding: &&Finding| finding.severity == countermark_epcis::Severity::Error;
            let faults = outcome.findings.iter().filter(is_error).count();
            // Columns that are not read tell that another mapping fits better.
            let ignored =
                outcome.findings.iter().filter(|finding| finding.rule == "column-unmapped").count();
            found.push((faults * 4 + ignored, name));
        }
        found.sort_by_key(|(faults, _)| *faults);
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// The names of the shipped mappings.
    ///
    /// # Errors
    /// Where one of them does not compile.
    pub fn shipped_mappings(&self) -> Result<Vec<String>, NodeError> {
        Ok(self.shipped()?.describe()?.into_iter().map(|one| one.id).collect())
    }

    /// Places and parties that master data know: GLN and name.
    ///
    /// # Errors
    /// Where the caller may not capture, or the desk cannot be read.
    pub fn known_places(&self, by: &Principal) -> Result<Vec<(String, String)>, NodeError> {
        by.require(crate::access::Permission::Capture)?;
        let master = self.master_data()?;
        let mut places: Vec<(String, String)> =
            master.locations().iter().map(|one| (one.gln.clone(), one.name.clone())).collect();
        places.sort_by(|a, b| a.1.cmp(&b.1));
        places.dedup();
        Ok(places)
    }

    fn draft_named(&self, mut draft: Draft) -> Draft {
        if let Some(member) = unhex(&draft.member) {
            draft.member = name_of(&self.secrets(), &member);
        }
        draft
    }

    fn draft_member(&self, draft: &Draft) -> Result<MemberId, NodeError> {
        let lost = || NodeError::Damaged {
            place: "desk, drafts".to_owned(),
            what: "a draft names no member".to_owned(),
        };
        unhex(&draft.member).ok_or_else(lost)
    }

    fn drafts_all(&self) -> Result<Vec<Draft>, NodeError> {
        let rows = self.lock().stores.desk.settings_of(DRAFT).map_err(|e| store_error(&e))?;
        let read = |(_, text): (String, Vec<u8>)| {
            serde_json::from_slice(&text).map_err(|e| store_error(&e))
        };
        rows.into_iter().map(read).collect()
    }

    fn draft_row(&self, scope: &Scope, id: &str) -> Result<Draft, NodeError> {
        let unknown =
            || NodeError::NotFound(format!("there is no draft {id}; it may be forgotten"));
        if unhex::<16>(id).is_none() {
            return Err(unknown());
        }
        let row =
            self.lock().stores.desk.setting(&draft_setting(id)).map_err(|e| store_error(&e))?;
        let draft: Draft =
            serde_json::from_slice(&row.ok_or_else(unknown)?).map_err(|e| store_error(&e))?;
        if !scope.holds(&self.draft_member(&draft)?) {
            return Err(unknown());
        }
        Ok(draft)
    }

    fn draft_note(&self, draft: &Draft) -> Result<(), NodeError> {
        let text = serde_json::to_vec(draft).map_err(|e| store_error(&e))?;
        let noted = self.lock().stores.desk.set_setting(&draft_setting(&draft.id), &text);
        noted.map_err(|e| store_error(&e))
    }

    fn draft_seal(&self, draft: &Draft, which: usize, bytes: &[u8]) -> Result<(), NodeError> {
        let member = self.held(&self.draft_member(draft)?)?;
        let id: [u8; 16] = unhex(&draft.id).unwrap_or_default();
        let sealed = report::seal(&member.vault_key, SEALED, &id, bytes)?;
        let disk = self.lock().stores.disk.clone();
        inbox::put(&*disk, &files(&draft.id)[which], &sealed).map_err(|e| store_error(&e))
    }

    fn draft_open(&self, draft: &Draft, which: usize) -> Result<Vec<u8>, NodeError> {
        let member = self.held(&self.draft_member(draft)?)?;
        let id: [u8; 16] = unhex(&draft.id).unwrap_or_default();
        let disk = self.lock().stores.disk.clone();
        let most = 2 * DRAFT_BYTES_MAX as u64 + SEAL_BYTES;
        let sealed = inbox::get(&*disk, &files(&draft.id)[which], most);
        let gone = || NodeError::NotFound("the document is gone from the inbox".to_owned());
        let sealed = sealed.map_err(|e| store_error(&e))?.ok_or_else(gone)?;
        report::open(&member.vault_key, SEALED, &id, &sealed)
    }

    fn draft_forget(&self, draft: &Draft) -> Result<(), NodeError> {
        let disk = self.lock().stores.disk.clone();
        for file in files(&draft.id) {
            inbox::remove(&*disk, &file).map_err(|e| store_error(&e))?;
        }
        let removed = self.lock().stores.desk.remove_setting(&draft_setting(&draft.id));
        removed.map_err(|e| store_error(&e))
    }

    /// Forgets drafts that are old, and the oldest where there are too many.
    fn drafts_forget(&self) -> Result<(), NodeError> {
        let oldest = self.lock().clock.now_ms().saturating_sub(DRAFT_DAYS * DAY_MS);
        let mut all = self.drafts_all()?;
        all.sort_by_key(|draft| std::cmp::Reverse(draft.created_at_ms));
        let is_over =
            |(at, draft): &(usize, Draft)| *at + 1 >= DRAFTS_MAX || draft.created_at_ms < oldest;
        for (_, draft) in all.into_iter().enumerate().filter(is_over) {
            self.draft_forget(&draft)?;
        }
        Ok(())
    }
}

/// Checks a GTIN, check digit included; `Err` says in words what is wrong.
///
/// # Errors
/// What is wrong with it.
pub fn check_gtin(text: &str) -> Result<(), String> {
    gs1::gtin(text).map(|_| ())
}

/// Checks a GLN, check digit included; `Err` says in words what is wrong.
///
/// # Errors
/// What is wrong with it.
pub fn check_gln(text: &str) -> Result<(), String> {
    gs1::gln(text).map(|_| ())
}

/// Files of the inbox that belong to drafts.
pub(crate) fn is_draft_file(name: &str) -> bool {
    !name.ends_with(".part") && (name.starts_with("draft-") || name.starts_with("left-"))
}
