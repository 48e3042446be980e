//! What consumers see behind the code on a pack: exactly what was released, and recalls.
//!
//! Nothing is taken from events when a page is read. An operator releases words, dates and bundles
//! for an identifier; whatever was not released does not exist for the public, whether the ledger
//! knows it or not.

use countermark_epcis::gs1::Identifier;
use countermark_epcis::time::Instant;
use countermark_store::desk::publications::{Published, PublishedRow};
use serde::{Deserialize, Serialize};

use crate::error::NodeError;
use crate::node::Node;
use crate::scope::{Scope, name_of};
use crate::stores::store_error;

/// Characters of a name, a place or a title at most.
const NAME_MAX: usize = 200;
/// Characters of a text at most.
const TEXT_MAX: usize = 2_000;
/// Steps of a journey, or claims, of one release at most.
const LINES_MAX: usize = 12;
/// Events whose bundles one release may show.
const PROOFS_MAX: usize = 4;
/// Fields that one bundle of a release discloses at most.
const FIELDS_MAX: usize = 20;
/// Entries of a list of releases or recalls at most.
pub const PUBLICATIONS_PAGE_MAX: u32 = 200;

/// One step of the journey, in the words that were released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicStep {
    /// What happened.
    pub what: String,
    /// Where, as precisely as it is released.
    #[serde(default)]
    pub place: Option<String>,
    /// The day, `2026-03-01`.
    #[serde(default)]
    pub date: Option<String>,
}

/// A statement about the goods, and who makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicClaim {
    /// What is claimed.
    pub text: String,
    /// Who says so; the releasing member where it is nobody else.
    #[serde(default)]
    pub said_by: Option<String>,
}

/// An event that anyone may check, by the fields that are disclosed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicProof {
    /// The event's id.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// JSON pointers to what is disclosed. At least one: an event is never released whole unasked.
    pub fields: Vec<String>,
}

/// What is to be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// A product, lot, item or unit, in any spelling; kept as its canonical Digital Link.
    pub identifier: String,
    /// What it is called.
    pub product: String,
    /// A sentence or two.
    #[serde(default)]
    pub description: Option<String>,
    /// The lot of a single item, as a Digital Link: its recall is this item's too.
    #[serde(default)]
    pub lot: Option<String>,
    /// The day it was made.
    #[serde(default)]
    pub made: Option<String>,
    /// The last day on which it should be used.
    #[serde(default)]
    pub best_before: Option<String>,
    /// Its journey, oldest first.
    #[serde(default)]
    pub steps: Vec<PublicStep>,
    /// What is claimed of it.
    #[serde(default)]
    pub claims: Vec<PublicClaim>,
    /// What can be checked.
    #[serde(default)]
    pub proofs: Vec<PublicProof>,
    /// How the releasing member is reached.
    #[serde(default)]
    pub contact: Option<String>,
}

/// What was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// Name of the member in whose name it was released.
    pub member: String,
    /// When.
    pub released_at: String,
    /// What.
    pub release: Release,
}

/// Goods that must not be used, and what to do with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecallNotice {
    /// A product, lot or single item, in any spelling; kept as its canonical Digital Link.
    pub identifier: String,
    /// Why, in one line.
    pub title: String,
    /// What whoever has it should do.
    pub what_to_do: String,
    /// Whom to ask.
    #[serde(default)]
    pub contact: Option<String>,
}

/// A recall in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recall {
    /// Name of the member that recalls.
    pub member: String,
    /// Since when.
    pub since: String,
    /// The notice.
    pub notice: RecallNotice,
}

/// All releases and recalls, a page of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publications {
    /// By identifier.
    pub publications: Vec<Publication>,
    /// By identifier; all of those in force.
    pub recalls: Vec<Recall>,
    /// The identifier after which the next page begins, if there is one.
    pub next_after: Option<String>,
}

/// What the public is told of an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAnswer {
    /// The canonical identifier that was asked for.
    pub identifier: String,
    /// What was released for it, or for the lot or product that it belongs to.
    pub publication: Option<Publication>,
    /// The recalls that concern it, the most particular first.
    pub recalls: Vec<Recall>,
    /// Whether the last day on which it should be used is over.
    pub is_expired: bool,
}

fn usage(what: impl Into<String>) -> NodeError {
    NodeError::Usage(what.into())
}

/// The canonical form of what something can be released for.
fn canonical(text: &str) -> Result<String, NodeError> {
    let parsed = Identifier::parse(text.trim());
    let identifier = parsed.map_err(|error| usage(format!("\"{text}\": {error}")))?;
    identifier.digital_link().ok_or_else(|| {
        usage(format!("\"{text}\" has no GS1 key, so that no code on a pack can lead to it"))
    })
}

/// What an identifier belongs to, the most particular first: the item, its lot, its product.
fn covering(identifier: &Identifier) -> Vec<String> {
    let mut found: Vec<String> = identifier.digital_link().into_iter().collect();
    if let Some(gtin) = identifier.get("01") {
        let lot = identifier.get("10").map(|lot| vec![("01", gtin), ("10", lot)]);
        for elements in lot.into_iter().chain([vec![("01", gtin)]]) {
            let wider = Identifier::from_elements(&elements).ok();
            found.extend(wider.and_then(|wider| wider.digital_link()));
        }
    }
    found.dedup();
    found
}

fn check_text(what: &str, text: &str, most: usize) -> Result<(), NodeError> {
    if text.trim().is_empty() {
        return Err(usage(format!("{what} is empty")));
    }
    let length = text.chars().count();
    if length > most {
        return Err(usage(format!("{what} has {length} characters, at most {most} are allowed")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(usage(format!("{what} has control characters")));
    }
    Ok(())
}

fn check_some(what: &str, text: Option<&str>, most: usize) -> Result<(), NodeError> {
    text.map_or(Ok(()), |text| check_text(what, text, most))
}

fn check_day(what: &str, day: Option<&str>) -> Result<(), NodeError> {
    let Some(day) = day else { return Ok(()) };
    if day.len() == 10 && Instant::parse(&format!("{day}T00:00:00Z")).is_ok() {
        return Ok(());
    }
    Err(usage(format!("{what}: \"{day}\" is no day; write it as 2026-03-01")))
}

fn check_count(what: &str, got: usize, most: usize) -> Result<(), NodeError> {
    if got <= most {
        return Ok(());
    }
    Err(usage(format!("{got} {what}; one release has at most {most}")))
}

/// Checks a release and brings its identifiers into their canonical form.
fn checked(mut release: Release) -> Result<Release, NodeError> {
    release.identifier = canonical(&release.identifier)?;
    release.lot = release.lot.as_deref().map(canonical).transpose()?;
    check_text("the product's name", &release.product, NAME_MAX)?;
    check_some("the description", release.description.as_deref(), TEXT_MAX)?;
    check_some("the contact", release.contact.as_deref(), NAME_MAX)?;
    check_day("the day it was made", release.made.as_deref())?;
    check_day("the last day of use", release.best_before.as_deref())?;
    check_count("steps", release.steps.len(), LINES_MAX)?;
    check_count("claims", release.claims.len(), LINES_MAX)?;
    check_count("events to check", release.proofs.len(), PROOFS_MAX)?;
    for step in &release.steps {
        check_text("a step", &step.what, NAME_MAX)?;
        check_some("a step's place", step.place.as_deref(), NAME_MAX)?;
        check_day("a step's day", step.date.as_deref())?;
    }
    for claim in &release.claims {
        check_text("a claim", &claim.text, NAME_MAX)?;
        check_some("who makes a claim", claim.said_by.as_deref(), NAME_MAX)?;
    }
    for proof in &release.proofs {
        check_count("disclosed fields of an event", proof.fields.len(), FIELDS_MAX)?;
        if proof.fields.is_empty() || proof.fields.iter().any(String::is_empty) {
            let what = format!(
                "event {}: name the fields that are disclosed, such as /eventTime; an event is not \
                 released whole",
                proof.event_id
            );
            return Err(usage(what));
        }
    }
    Ok(release)
}

impl Node {
    /// Releases something in a member's name, in the place of what was released for the identifier
    /// before. Its bundles are made now, of that member's events alone.
    ///
    /// # Errors
    /// [`NodeError::Usage`] names what is wrong with the release; [`NodeError::NotFound`] an event
    /// that the member did not record; [`NodeError::Refused`] a field that cannot be disclosed.
    pub fn publication_put(
        &self,
        member: Option<&str>,
        release: Release,
    ) -> Result<Publication, NodeError> {
        let member = self.member_id(member)?;
        let release = checked(release)?;
        self.check_releasing(&member, &release.identifier, Published::Release)?;
        let own = Scope::Member(member);
        let mut bundles = Vec::new();
        for proof in &release.proofs {
            bundles.push(self.prove(&own, &proof.event_id, &proof.fields)?.bundle);
        }
        let body = serde_json::to_string(&release).map_err(|e| store_error(&e))?;
        let mut sequencer = self.lock();
        let at_ms = sequencer.clock.now_ms().cast_signed();
        let row = PublishedRow { identifier: release.identifier.clone(), member, body, at_ms };
        let desk = &mut sequencer.stores.desk;
        desk.publish(Published::Release, &row, &bundles).map_err(|e| store_error(&e))?;
        drop(sequencer);
        self.publication_of(&row)
    }

    /// What a release would be, without releasing it. Its bundles are not made.
    ///
    /// # Errors
    /// [`NodeError::Usage`] names what is wrong with the release.
    pub fn publication_preview(
        &self,
        member: Option<&str>,
        release: Release,
    ) -> Result<Publication, NodeError> {
        let member = self.member_id(member)?;
        let release = checked(release)?;
        let now_ms = self.lock().clock.now_ms().cast_signed();
        let member = name_of(&self.secrets(), &member);
        Ok(Publication { member, released_at: Instant::format_ms(now_ms), release })
    }

    /// One member does not speak over another: what it released, or recalled, is its own to change.
    /// A recall asks for no release: whoever learns of the danger may warn.
    fn check_releasing(
        &self,
        member: &[u8; 16],
        identifier: &str,
        what: Published,
    ) -> Result<(), NodeError> {
        let row = self.lock().stores.desk.published(what, identifier);
        let other = row.map_err(|e| store_error(&e))?.filter(|row| row.member != *member);
        let Some(other) = other else { return Ok(()) };
        let name = name_of(&self.secrets(), &other.member);
        let what = format!("{name} has published something for {identifier} already");
        Err(NodeError::Refused(format!("{what}; withdraw that first")))
    }

    /// What was released for exactly this identifier.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where nothing was.
    pub fn publication_get(&self, identifier: &str) -> Result<Publication, NodeError> {
        let identifier = canonical(identifier)?;
        let row = self.lock().stores.desk.published(Published::Release, &identifier);
        let row = row.map_err(|e| store_error(&e))?;
        let none = || NodeError::NotFound(format!("nothing was released for {identifier}"));
        self.publication_of(&row.ok_or_else(none)?)
    }

    /// Releases by identifier after this one, and all recalls.
    ///
    /// # Errors
    /// What the disk says.
    pub fn publications(&self, after: Option<&str>, limit: u32) -> Result<Publications, NodeError> {
        let limit = limit.clamp(1, PUBLICATIONS_PAGE_MAX);
        let list = |what, after: &str, limit| {
            let rows = self.lock().stores.desk.published_list(what, after, limit);
            rows.map_err(|e| store_error(&e))
        };
        let mut rows = list(Published::Release, after.unwrap_or_default(), limit + 1)?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_after = rows.last().filter(|_| has_more).map(|row| row.identifier.clone());
        let publications =
            rows.iter().map(|row| self.publication_of(row)).collect::<Result<_, _>>();
        let (mut recalls, mut last) = (Vec::new(), String::new());
        loop {
            let rows = list(Published::Recall, &last, PUBLICATIONS_PAGE_MAX)?;
            let Some(row) = rows.last() else { break };
            last.clone_from(&row.identifier);
            for row in &rows {
                recalls.push(self.recall_of(row)?);
            }
        }
        Ok(Publications { publications: publications?, recalls, next_after })
    }

    /// Withdraws what was released for an identifier, with its bundles.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where nothing was.
    pub fn publication_withdraw(&self, identifier: &str) -> Result<(), NodeError> {
        self.take_away(Published::Release, identifier)
    }

    /// Recalls goods in a member's name. A recall outranks everything else that is shown of them.
    ///
    /// # Errors
    /// [`NodeError::Usage`] names what is wrong with the notice.
    pub fn recall_set(
        &self,
        member: Option<&str>,
        mut notice: RecallNotice,
    ) -> Result<Recall, NodeError> {
        let member = self.member_id(member)?;
        notice.identifier = canonical(&notice.identifier)?;
        check_text("the title", &notice.title, NAME_MAX)?;
        check_text("what to do", &notice.what_to_do, TEXT_MAX)?;
        check_some("the contact", notice.contact.as_deref(), NAME_MAX)?;
        self.check_releasing(&member, &notice.identifier, Published::Recall)?;
        let body = serde_json::to_string(&notice).map_err(|e| store_error(&e))?;
        let mut sequencer = self.lock();
        let known = sequencer.stores.desk.published(Published::Recall, &notice.identifier);
        let known = known.map_err(|e| store_error(&e))?;
        // A notice that is put in better words is in force since the first of them.
        let now_ms = sequencer.clock.now_ms().cast_signed();
        let at_ms = known.map_or(now_ms, |known| known.at_ms);
        let row = PublishedRow { identifier: notice.identifier, member, body, at_ms };
        let desk = &mut sequencer.stores.desk;
        desk.publish(Published::Recall, &row, &[]).map_err(|e| store_error(&e))?;
        drop(sequencer);
        self.recall_of(&row)
    }

    /// Ends a recall.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where there is none.
    pub fn recall_clear(&self, identifier: &str) -> Result<(), NodeError> {
        self.take_away(Published::Recall, identifier)
    }

    fn take_away(&self, what: Published, identifier: &str) -> Result<(), NodeError> {
        let identifier = canonical(identifier)?;
        let removed = self.lock().stores.desk.unpublish(what, &identifier);
        if removed.map_err(|e| store_error(&e))? {
            return Ok(());
        }
        let nothing = match what {
            Published::Release => format!("nothing was released for {identifier}"),
            Published::Recall => format!("{identifier} is not recalled"),
        };
        Err(NodeError::NotFound(nothing))
    }

    /// What the public is told of an identifier. It is found out in the same way whether the ledger
    /// knows the identifier or not.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where it is no identifier with a GS1 key; what the disk says.
    pub fn public_answer(&self, identifier: &Identifier) -> Result<PublicAnswer, NodeError> {
        let mut ids = covering(identifier);
        let first = ids.first().cloned().ok_or_else(|| usage("there is no GS1 key in it"))?;
        let mut found = None;
        for id in &ids {
            let row = self.lock().stores.desk.published(Published::Release, id);
            found = row.map_err(|e| store_error(&e))?;
            if found.is_some() {
                break;
            }
        }
        let publication = found.map(|row| self.publication_of(&row)).transpose()?;
        let lot = publication.as_ref().and_then(|publication| publication.release.lot.as_deref());
        for id in lot.and_then(|lot| Identifier::parse(lot).ok()).iter().flat_map(covering) {
            if !ids.contains(&id) {
                ids.insert(1, id);
            }
        }
        let mut recalls = Vec::new();
        for id in &ids {
            let row = self.lock().stores.desk.published(Published::Recall, id);
            if let Some(row) = row.map_err(|e| store_error(&e))? {
                recalls.push(self.recall_of(&row)?);
            }
        }
        let today = Instant::format_ms(self.lock().clock.now_ms().cast_signed());
        let is_over = |day: &String| today.get(..10).is_some_and(|today| day.as_str() < today);
        let is_expired = publication
            .as_ref()
            .and_then(|publication| publication.release.best_before.as_ref())
            .is_some_and(is_over);
        Ok(PublicAnswer { identifier: first, publication, recalls, is_expired })
    }

    /// A bundle that was released: its bytes are those of the day it was released on.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where no such bundle was released.
    pub fn published_bundle(&self, identifier: &str, number: u32) -> Result<Vec<u8>, NodeError> {
        let identifier = canonical(identifier)?;
        let bundle = self.lock().stores.desk.published_bundle(&identifier, number);
        let none = || NodeError::NotFound(format!("no such bundle was released for {identifier}"));
        bundle.map_err(|e| store_error(&e))?.ok_or_else(none)
    }

    /// Withdraws every release that discloses fields of an event: what is erased must not stay
    /// public.
    pub(crate) fn withdraw_releases_of(&self, event_ids: &[String]) -> Result<(), NodeError> {
        let mut last = String::new();
        loop {
            let mut sequencer = self.lock();
            let desk = &mut sequencer.stores.desk;
            let rows = desk.published_list(Published::Release, &last, PUBLICATIONS_PAGE_MAX);
            let rows = rows.map_err(|e| store_error(&e))?;
            let Some(row) = rows.last() else { return Ok(()) };
            last.clone_from(&row.identifier);
            for row in &rows {
                let release: Release =
                    serde_json::from_str(&row.body).map_err(|e| store_error(&e))?;
                if release.proofs.iter().any(|proof| event_ids.contains(&proof.event_id)) {
                    let removed = desk.unpublish(Published::Release, &row.identifier);
                    removed.map_err(|e| store_error(&e))?;
                }
            }
        }
    }

    fn publication_of(&self, row: &PublishedRow) -> Result<Publication, NodeError> {
        Ok(Publication {
            member: name_of(&self.secrets(), &row.member),
            released_at: Instant::format_ms(row.at_ms),
            release: serde_json::from_str(&row.body).map_err(|e| store_error(&e))?,
        })
    }

    fn recall_of(&self, row: &PublishedRow) -> Result<Recall, NodeError> {
        Ok(Recall {
            member: name_of(&self.secrets(), &row.member),
            since: Instant::format_ms(row.at_ms),
            notice: serde_json::from_str(&row.body).map_err(|e| store_error(&e))?,
        })
    }
}
