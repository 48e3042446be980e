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
    pub fn master_data_add(&mut self, name: &str, text: &[u8]) -> Result<String, NodeError> {
        self.writing()?;
        let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
        let text = std::str::from_utf8(text).map_err(|_| unreadable("not UTF-8".to_owned()))?;
        MasterTable::from_toml(text).map_err(|e| unreadable(e.to_string()))?;
        let mut known = self.master_texts()?;
        let is_new = !known.iter().any(|one| one == text);
        if is_new {
            known.push(text.to_owned());
        }
        let table = MasterTable::from_toml(&known.join("\n"))
            .map_err(|e| unreadable(format!("contradicts what is known already: {e}")))?;
        if is_new {
            let sequencer = self.lock();
            sequencer.stores.desk.add_master_data(name, text).map_err(|e| store_error(&e))?;
        }
        Ok(format!("{} places and parties, {} items", table.locations().len(), table.items().len()))
    }

    fn master_texts(&self) -> Result<Vec<String>, NodeError> {
        self.lock().stores.desk.master_data().map_err(|e| store_error(&e))
    }

    pub(crate) fn master_data(&self) -> Result<MasterTable, NodeError> {
        MasterTable::from_toml(&self.master_texts()?.join("\n")).map_err(|e| store_error(&e))
    }
}
