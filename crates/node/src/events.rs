//! `events` and `trace`: reading through the index.

use std::collections::BTreeMap;

use countermark_epcis::json::Json;
use countermark_intake::{MasterData, MasterTable};
use countermark_ledger::ids::RecordId;
use countermark_ledger::trust::unhex;
use countermark_store::index::{EventRow, IndexError, Query};

use crate::error::NodeError;
use crate::format::{EpcFormat, translate};
use crate::node::Node;
use crate::scope::Scope;
use crate::sequencer::Sequencer;
use crate::stores::{LoadedEvent, store_error};
use crate::trace::{self, Direction, Members, Trace};

/// Events that answer a query.
pub struct EventsAnswer {
    /// The events, each with its own `@context`.
    pub events: Vec<Json>,
    /// Records that match, but whose type or time was erased: no events any more.
    pub erased: usize,
    /// Where to go on.
    pub next_page_token: Option<String>,
}

/// The parts without which JSON is no EPCIS event.
const NEEDED: [&str; 3] = ["type", "eventTime", "eventTimeZoneOffset"];

impl Node {
    /// The events that match the parameters of an EPCIS simple event query, of the members
    /// that are seen.
    ///
    /// # Errors
    /// [`NodeError::Usage`] names a parameter that is unknown or malformed.
    pub fn events(
        &self,
        scope: &Scope,
        query: &str,
        format: EpcFormat,
    ) -> Result<EventsAnswer, NodeError> {
        let query = Query::parse(query).map_err(|e| NodeError::Usage(e.to_string()))?;
        let sequencer = self.lock();
        let page = sequencer
            .stores
            .index
            .read()?
            .query(&self.seen_members(scope), &query)
            .map_err(|e| asked(&e))?;
        let mut answer = EventsAnswer { events: Vec::new(), erased: 0, next_page_token: page.next };
        for row in &page.rows {
            let loaded = sequencer.stores.load_row(row)?;
            match loaded.filter(|loaded| NEEDED.iter().all(|name| loaded.event.get(name).is_some()))
            {
                Some(mut loaded) => {
                    translate(&mut loaded.event, format);
                    answer.events.push(loaded.event);
                }
                None => answer.erased += 1,
            }
        }
        Ok(answer)
    }

    /// The event of an id, in force first, as captured but for the form of its identifiers. In place
    /// of the event id a record id names it too.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where no member that is seen has such an event; [`NodeError::Refused`]
    /// where what makes it an event was erased.
    pub fn events_one(
        &self,
        scope: &Scope,
        event_id: &str,
        format: EpcFormat,
    ) -> Result<Json, NodeError> {
        let sequencer = self.lock();
        let rows = self.rows_of_event(&sequencer, scope, event_id)?;
        let loaded = sequencer.stores.load_row(&rows[0])?;
        let is_event =
            |loaded: &LoadedEvent| NEEDED.iter().all(|name| loaded.event.get(name).is_some());
        let Some(mut loaded) = loaded.filter(is_event) else {
            let what = format!("what makes {event_id} an event was erased; its proofs stay");
            return Err(NodeError::Refused(what));
        };
        translate(&mut loaded.event, format);
        Ok(loaded.event)
    }

    /// Traces an identifier through the members that are seen, each asked for itself. What lies at
    /// another is a gap.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where none of them knows it.
    pub fn trace(&self, scope: &Scope, id: &str, direction: Direction) -> Result<Trace, NodeError> {
        let canonical = match countermark_epcis::gs1::Identifier::parse(id) {
            Ok(identifier) => identifier.digital_link().unwrap_or_else(|| id.to_owned()),
            Err(_) => id.to_owned(),
        };
        let members = self.trace_members(scope)?;
        let sequencer = self.lock();
        let index = sequencer.stores.index.read()?;
        let mut trace = trace::trace(&index, &members, &canonical, direction)?;
        drop(index);
        drop(sequencer);
        trace.names = self.names_of(trace.identifiers())?;
        Ok(trace)
    }

    /// What the master data call products, places and parties.
    ///
    /// # Errors
    /// Where the desk cannot be read.
    pub fn names_of(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<BTreeMap<String, String>, NodeError> {
        let master = self.master_data()?;
        let name = |id: &str| {
            if let Some(gln) = trace::gln_of(id) {
                return master.location("", &gln).map(|location| location.name);
            }
            let identifier = countermark_epcis::gs1::Identifier::parse(id).ok()?;
            master.item("", identifier.get("01")?).map(|item| item.name)
        };
        Ok(ids.into_iter().filter_map(|id| name(&id).map(|name| (id, name))).collect())
    }

    /// Who stands behind a GLN: the member that has the name which the master data give it.
    fn trace_members(&self, scope: &Scope) -> Result<Members, NodeError> {
        let secrets = self.secrets();
        let members = &secrets.members;
        let master: MasterTable = self.master_data()?;
        let mut by_gln = BTreeMap::new();
        for location in master.locations() {
            let party = master.location("", &location.party);
            let names = [Some(&location.name), party.as_ref().map(|party| &party.name)];
            let known = |member: &&crate::keyring::MemberSecrets| {
                names.iter().flatten().any(|name| **name == member.name)
            };
            if let Some(member) = members.iter().find(known) {
                by_gln.insert(location.gln.clone(), member.id);
            }
        }
        let names = members.iter().map(|member| (member.id, member.name.clone())).collect();
        Ok(Members { names, by_gln, scope: *scope })
    }

    /// The records of an event id, the one that is in force first: an event and its error
    /// declaration share the id. In place of the event id a record id names the same records: an
    /// event whose identity is erased has no other name.
    pub(crate) fn rows_of_event(
        &self,
        sequencer: &Sequencer,
        scope: &Scope,
        event_id: &str,
    ) -> Result<Vec<EventRow>, NodeError> {
        let mut rows = sequencer
            .stores
            .index
            .read()?
            .events_by_id(&self.seen_members(scope), event_id)
            .map_err(|e| store_error(&e))?;
        if !rows.is_empty() {
            rows.sort_by_key(in_force);
            return Ok(rows);
        }
        let record: Option<RecordId> = unhex(event_id);
        let row = match record {
            Some(record) => sequencer.stores.row(&record)?,
            None => None,
        };
        let Some(row) = row.filter(|row| self.seen_members(scope).contains(&row.member)) else {
            let what = format!("{} an event {event_id}", self.seen_by(scope));
            return Err(NodeError::NotFound(what));
        };
        let Some(event_id) = &row.event_id else { return Ok(vec![row]) };
        let rows = sequencer.stores.index.read()?.events_by_id(&[row.member], event_id);
        let mut rows = rows.map_err(|e| store_error(&e))?;
        rows.sort_by_key(in_force);
        Ok(rows)
    }
}

/// A question that cannot be answered is the asker's affair, all else the index's.
fn asked(error: &IndexError) -> NodeError {
    match error {
        IndexError::Query(wrong) => NodeError::Usage(wrong.to_string()),
        other => store_error(other),
    }
}

/// What is in force comes first, then what was taken back.
fn in_force(row: &EventRow) -> (bool, bool) {
    (row.is_withdrawn, row.is_error_declaration)
}
