//! Master data of a node: parties, sites and items that the resolver knows, kept on the desk as the
//! TOML that was given.

use countermark_intake::MasterTable;
use countermark_ledger::ids::{MemberId, hex};

use crate::error::NodeError;
use crate::node::Node;
use crate::scope::Scope;
use crate::stores::store_error;

/// Entries of a member's own at most.
const OWN_MAX: usize = 10_000;

fn own_setting(member: &MemberId, number: &str) -> String {
    format!("master/{}/{number}", hex(member))
}

impl Node {
    /// Adds master data; gives how much is known now, in words. What was added before is not added
    /// twice.
    ///
    /// # Errors
    /// [`NodeError::Unreadable`] with the entry that is wrong; nothing is added then.
    pub fn master_data_add(&self, name: &str, text: &[u8]) -> Result<String, NodeError> {
        self.writing()?;
        let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
        let text = std::str::from_utf8(text).map_err(|_| unreadable("not UTF-8".to_owned()))?;
        MasterTable::from_toml(text).map_err(|e| unreadable(e.to_string()))?;
        // Under one lock: what another adds meanwhile must not contradict this either.
        let sequencer = self.lock();
        let mut known = sequencer.stores.desk.master_data().map_err(|e| store_error(&e))?;
        let is_new = !known.iter().any(|one| one == text);
        if is_new {
            known.push(text.to_owned());
        }
        let table = MasterTable::from_toml(&known.join("\n"))
            .map_err(|e| unreadable(format!("contradicts what is known already: {e}")))?;
        if is_new {
            sequencer.stores.desk.add_master_data(name, text).map_err(|e| store_error(&e))?;
        }
        Ok(format!("{} places and parties, {} items", table.locations().len(), table.items().len()))
    }

    /// Adds master data that one member alone is read by: what its users say of a partner's codes must
    /// not change how others' documents are read. It may not contradict what the node knows.
    ///
    /// # Errors
    /// As [`Node::master_data_add`]; an unknown member.
    pub fn master_data_add_own(
        &self,
        scope: &Scope,
        member: Option<&str>,
        name: &str,
        text: &str,
    ) -> Result<(), NodeError> {
        self.writing()?;
        let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
        let member = self.member_in(scope, member)?;
        MasterTable::from_toml(text).map_err(|e| unreadable(e.to_string()))?;
        let sequencer = self.lock();
        let desk = &sequencer.stores.desk;
        let mut known = desk.master_data().map_err(|e| store_error(&e))?;
        let own = desk.settings_of(&own_setting(&member, "")).map_err(|e| store_error(&e))?;
        if own.len() >= OWN_MAX {
            let what = format!(
                "{OWN_MAX} entries of its own are all that a member has; an operator \
                                can add master data for the whole node"
            );
            return Err(unreadable(what));
        }
        known.extend(own.iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()));
        if known.iter().any(|one| one == text) {
            return Ok(());
        }
        known.push(text.to_owned());
        MasterTable::from_toml(&known.join("\n"))
            .map_err(|e| unreadable(format!("contradicts what is known already: {e}")))?;
        let setting = own_setting(&member, &format!("{:08}", own.len()));
        desk.set_setting(&setting, text.as_bytes()).map_err(|e| store_error(&e))
    }

    /// What a member's documents are read by: what the node knows, and what the member said itself.
    /// Where the two have come to contradict each other, the node's stands alone.
    pub(crate) fn master_data_of(&self, member: &MemberId) -> Result<MasterTable, NodeError> {
        let (mut texts, own) = {
            let sequencer = self.lock();
            let desk = &sequencer.stores.desk;
            let own = desk.settings_of(&own_setting(member, "")).map_err(|e| store_error(&e))?;
            (desk.master_data().map_err(|e| store_error(&e))?, own)
        };
        let of_node = texts.join("\n");
        texts.extend(own.iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()));
        MasterTable::from_toml(&texts.join("\n"))
            .or_else(|_| MasterTable::from_toml(&of_node))
            .map_err(|e| store_error(&e))
    }

    pub(crate) fn master_data(&self) -> Result<MasterTable, NodeError> {
        let texts = self.lock().stores.desk.master_data().map_err(|e| store_error(&e))?;
        MasterTable::from_toml(&texts.join("\n")).map_err(|e| store_error(&e))
    }
}
