//! Master data of a node: parties, sites and items that the resolver knows, kept on the desk as the
//! TOML that was given.

use countermark_intake::MasterTable;

use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

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

    pub(crate) fn master_data(&self) -> Result<MasterTable, NodeError> {
        let texts = self.lock().stores.desk.master_data().map_err(|e| store_error(&e))?;
        MasterTable::from_toml(&texts.join("\n")).map_err(|e| store_error(&e))
    }
}
