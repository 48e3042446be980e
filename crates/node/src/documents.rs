//! `document` and `erase`: what the vault keeps beside events, and what it must forget.

use countermark_ledger::cid::{Profile, salted_digest};
use countermark_ledger::ids::{DocumentId, hex};
use countermark_ledger::record::FieldClass;
use countermark_ledger::state::entries::{DocumentEntry, Entry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{
    self, Body, DocumentDigest, Erasure, MEDIA_CLASSES, padded_size,
};
use countermark_ledger::trust::unhex;
use countermark_store::vault::{ClassState, Location};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::error::NodeError;
use crate::keyring;
use crate::node::Node;
use crate::prepare::keyed;
use crate::scope::{Scope, name_of};
use crate::stores::{DOCUMENT_SETTING, DocumentPlace, store_error};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Why values are erased; the numbers are registered
/// ([`ERASURE_REASONS`](countermark_ledger::statement::ERASURE_REASONS)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u64)]
pub enum ErasureReason {
    /// The person concerned asked for it.
    Request = 1,
    /// The time for which it had to be kept is over.
    Retention = 2,
    /// It was captured in error.
    Error = 3,
    /// An authority ordered it.
    Order = 4,
    /// The agreement under which it was kept has ended.
    Agreement = 5,
}

/// A document in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDocument {
    /// Its id on the ledger, in hexadecimal.
    #[serde(rename = "documentID")]
    pub id: String,
    /// Its IPFS CID. It names the content: give it only to those who may know that.
    pub cid: String,
    /// Its size.
    pub bytes: u64,
}

/// A kept document as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its id on the ledger, in hexadecimal.
    #[serde(rename = "documentID")]
    pub id: String,
    /// The name that it was given under.
    pub name: String,
    /// Name of the member that keeps it.
    pub member: String,
    /// Its size; none where it was kept before sizes were noted.
    pub bytes: Option<u64>,
    /// Its registered media class, by its name.
    pub media_class: String,
    /// Height of the block that states it.
    pub height: u64,
    /// When it was kept, by this node's clock; none where it was kept before that was noted.
    pub kept_at: Option<String>,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The event, as it was named.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// Names of the classes that were still there.
    pub erased: Vec<String>,
    /// The class that was asked for; none for all.
    pub class: Option<String>,
}

/// Registered number of a file's media class, by its name.
fn media_class(name: &str) -> u64 {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "pdf" => 1,
        "png" | "jpg" | "jpeg" | "webp" | "gif" | "tif" | "tiff" => 2,
        "xlsx" | "ods" | "csv" => 3,
        "xml" => 4,
        "json" | "jsonld" | "ndjson" => 5,
        "txt" | "md" => 6,
        "edi" | "x12" | "idoc" => 7,
        _ => 0,
    }
}

impl Node {
    /// Keeps a document in a member's vault and states its salted digest.
    ///
    /// # Errors
    /// What the disk or the ledger says.
    pub fn document(
        &self,
        member: Option<&str>,
        name: &str,
        bytes: &[u8],
    ) -> Result<KeptDocument, NodeError> {
        self.writing()?;
        let member = self.member_id(member)?;
        let vault_key = self.held(&member)?.vault_key;
        let id: [u8; 16] = keyring::random()?;
        let (stored, now_ms) = {
            let mut sequencer = self.lock();
            let now_ms = sequencer.clock.now_ms();
            let day = u32::try_from(now_ms / DAY_MS).unwrap_or(u32::MAX);
            let vault = sequencer.stores.vaults.get_mut(&member);
            let vault = vault.ok_or_else(|| NodeError::Store("the member has no vault".into()))?;
            let mut content = bytes;
            let stored = vault.put_document(day, &id, &mut content, Profile::KUBO_V1);
            (stored.map_err(|e| store_error(&e))?, now_ms)
        };
        // Derived, so that nothing more has to be kept: whoever is to check the document gets it.
        let salt = keyed(&vault_key, &[b"document salt", &id]);
        let body = Body::Document(statement::Document {
            document: id,
            digest: DocumentDigest::Salted(salted_digest(&salt, &stored.sha256)),
            media_class: media_class(name),
            size: padded_size(bytes.len() as u64),
        });
        // Before the statement: a place without one is forgotten, a statement whose document nobody
        // finds would not be.
        let kept = DocumentPlace {
            member,
            location: stored.location.to_u64(),
            name: name.to_owned(),
            bytes: Some(stored.length),
            kept_at_ms: Some(now_ms),
        };
        let place = serde_json::to_vec(&kept).unwrap_or_default();
        let setting = format!("{DOCUMENT_SETTING}{}", hex(&id));
        self.lock().stores.desk.set_setting(&setting, &place).map_err(|e| store_error(&e))?;
        self.state(&member, vec![body])?;
        Ok(KeptDocument { id: hex(&id), cid: stored.cid.to_string(), bytes: bytes.len() as u64 })
    }

    /// The documents that the members who are seen keep, oldest first.
    ///
    /// # Errors
    /// Where desk or state cannot be read.
    pub fn documents(&self, scope: &Scope) -> Result<Vec<Document>, NodeError> {
        let secrets = self.secrets();
        let sequencer = self.lock();
        let noted = sequencer.stores.desk.settings_of(DOCUMENT_SETTING);
        let mut documents = Vec::new();
        for (setting, place) in noted.map_err(|e| store_error(&e))? {
            let id = setting.strip_prefix(DOCUMENT_SETTING).unwrap_or(&setting).to_owned();
            let place: DocumentPlace =
                serde_json::from_slice(&place).map_err(|e| store_error(&e))?;
            if !scope.holds(&place.member) {
                continue;
            }
            let Some(number) = unhex::<16>(&id) else { continue };
            let entry = DocumentEntry::load(&sequencer.stores.state, &keys::document(&number));
            // A place without a statement: whoever kept it was told that it is not kept.
            let Some(entry) = entry.map_err(|e| store_error(&e))? else { continue };
            let class = usize::try_from(media_class(&place.name)).unwrap_or(0);
            documents.push(Document {
                id,
                member: name_of(&secrets, &place.member),
                bytes: place.bytes,
                media_class: MEDIA_CLASSES.get(class).copied().unwrap_or("other").to_owned(),
                height: entry.height,
                kept_at: place.kept_at_ms.map(clock::moment),
                name: place.name,
            });
        }
        documents.sort_by(|a, b| (a.height, &a.id).cmp(&(b.height, &b.id)));
        Ok(documents)
    }

    /// A kept document: the name it was given under, and its content.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where no member that is seen keeps such a document.
    pub fn document_content(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<(String, Vec<u8>), NodeError> {
        let unknown = || NodeError::NotFound(format!("{} a document {id}", self.seen_by(scope)));
        let document: DocumentId = unhex(id).ok_or_else(unknown)?;
        let sequencer = self.lock();
        let setting = format!("{DOCUMENT_SETTING}{id}");
        let place = sequencer.stores.desk.setting(&setting).map_err(|e| store_error(&e))?;
        let place: DocumentPlace =
            serde_json::from_slice(&place.ok_or_else(unknown)?).map_err(|e| store_error(&e))?;
        if !scope.holds(&place.member) {
            return Err(unknown());
        }
        let vault = sequencer.stores.vaults.get(&place.member).ok_or_else(unknown)?;
        let mut content = Vec::new();
        vault
            .get_document(Location::from_u64(place.location), &document, &mut content)
            .map_err(|e| store_error(&e))?;
        Ok((place.name, content))
    }

    /// Erases an event's values, or those of one class, for good; gives the names of the classes
    /// that were still there.
    ///
    /// The sequencer states the erasure first and carries it out then; a crash in between is made
    /// up for on opening.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the member has no such event.
    pub fn erase(
        &self,
        scope: &Scope,
        member: Option<&str>,
        event_id: &str,
        class: Option<&str>,
        reason: ErasureReason,
    ) -> Result<Vec<String>, NodeError> {
        self.writing()?;
        let member = self.member_in(scope, member)?;
        let wanted: Vec<FieldClass> = match class {
            None => FieldClass::ALL.to_vec(),
            Some(name) => vec![FieldClass::from_name(name).ok_or_else(|| {
                let known: Vec<&str> = FieldClass::ALL.iter().map(|class| class.name()).collect();
                let what = format!("\"{name}\" is no field class; one of {}", known.join(", "));
                NodeError::Usage(what)
            })?],
        };
        let (rows, time_ms) = {
            let sequencer = self.lock();
            let mut rows = self.rows_of_event(&sequencer, scope, event_id)?;
            rows.retain(|row| row.member == member);
            (rows, sequencer.clock.now_ms())
        };
        let mut public_ids = vec![event_id.to_owned()];
        public_ids.extend(rows.iter().filter_map(|row| row.event_id.clone()));
        public_ids.extend(rows.iter().map(|row| hex(&row.record_id)));
        if rows.is_empty() {
            let name = name_of(&self.secrets(), &member);
            let what = format!("{name} has no event {event_id}; only who recorded it can erase it");
            return Err(NodeError::NotFound(what));
        }
        let mut bodies = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for row in rows {
            let stored = self.lock().stores.open_row(&row)?;
            // Nothing is stated about classes that hold nothing.
            let holds = |class: &FieldClass| {
                row.erased & 1 << class.number() == 0
                    && stored
                        .as_ref()
                        .is_none_or(|stored| stored.classes[class.index()] != ClassState::Empty)
            };
            let left = wanted.iter().filter(|class| holds(class));
            let classes: Vec<u8> = left.map(|class| class.number()).collect();
            if classes.is_empty() {
                continue;
            }
            names.extend(classes.iter().copied());
            bodies.push(Body::Erasure(Erasure {
                record: row.record_id,
                classes,
                reason: reason as u64,
                time_ms,
            }));
        }
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        self.withdraw_releases_of(&public_ids)?;
        // The sequencer carries out in the vault what the ledger then states.
        self.state(&member, bodies)?;
        let named =
            names.into_iter().filter_map(|number| FieldClass::from_number(u64::from(number)));
        Ok(named.map(|class| class.name().to_owned()).collect())
    }
}
