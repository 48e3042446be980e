//! Master data of a node: parties, sites and items that the resolver knows, kept on the desk as the
//! TOML that was given.

use countermark_intake::MasterTable;

use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

const SETTING: &str = "master-data";

impl Node {
    /// Adds master data; gives how much is known now, in words. What was added before is not added
    /// twice.
    ///
    /// # Errors
    /// [`NodeError::Unreadable`] with the entry that is wrong; nothing is added then.
    pub fn master_data_add(&mut self, name: &str, text: &[u8]) -> Result<String, NodeError> {
        let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
        let text = std::str::from_utf8(text).map_err(|_| unreadable("not UTF-8".to_owned()))?;
        MasterTable::from_toml(text).map_err(|e| unreadable(e.to_string()))?;
        let known = self.master_text()?;
        let all =
            if known.contains(text.trim()) { known } else { format!("{known}\n{}\n", text.trim()) };
        let table = MasterTable::from_toml(&all)
            .map_err(|e| unreadable(format!("contradicts what is known already: {e}")))?;
        let sequencer = self.lock();
        sequencer.stores.desk.set_setting(SETTING, all.as_bytes()).map_err(|e| store_error(&e))?;
        Ok(format!("{} places and parties, {} items", table.locations().len(), table.items().len()))
    }

    fn master_text(&self) -> Result<String, NodeError> {
        let sequencer = self.lock();
        let stored = sequencer.stores.desk.setting(SETTING).map_err(|e| store_error(&e))?;
        String::from_utf8(stored.unwrap_or_default()).map_err(|e| store_error(&e))
    }

    pub(crate) fn master_data(&self) -> Result<MasterTable, NodeError> {
        MasterTable::from_toml(&self.master_text()?).map_err(|e| store_error(&e))
    }
}
