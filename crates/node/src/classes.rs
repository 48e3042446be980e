//! Which field class an extension belongs to: the node's own table, kept on the desk.
//!
//! ```toml
//! subject = "/example:driverID"     # whose value names the person that personal fields are about
//! [extensions]
//! "example:driverID" = "personal"
//! "example:price" = "cost"
//! [ilmd]
//! "example:growerName" = "personal"
//! ```
//!
//! Standard members have fixed classes. Personal members never enter an idempotency tag, and their
//! key is wrapped by a key of the subject.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use countermark_epcis::json::Json;
use countermark_ledger::record::{Classification, FieldClass};
use serde::Deserialize;

use crate::error::NodeError;
use crate::node::Node;
use crate::stores::{Stores, store_error};

const SETTING: &str = "field-classes";
const EXTENSIONS_MAX: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    subject: Option<String>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
    #[serde(default)]
    ilmd: BTreeMap<String, String>,
}

/// The classes of a node's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Classes {
    pub(crate) classification: Classification,
    /// Names of personal members, which no tag may depend on.
    pub(crate) personal: Vec<String>,
    subject: Option<String>,
}

impl Classes {
    fn parse(text: &str) -> Result<(Self, usize), String> {
        let table: Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let count = table.extensions.len() + table.ilmd.len();
        if count > EXTENSIONS_MAX {
            return Err(format!("{count} extensions; at most {EXTENSIONS_MAX}"));
        }
        let class_of = |name: &str, class: &str| {
            FieldClass::from_name(class).ok_or_else(|| {
                let known: Vec<&str> = FieldClass::ALL.iter().map(|class| class.name()).collect();
                format!("{name}: \"{class}\" is no field class; one of {}", known.join(", "))
            })
        };
        let mut classes = Self { subject: table.subject, ..Self::default() };
        for (name, class) in &table.extensions {
            let class = class_of(name, class)?;
            classes.note(name, class);
            classes.classification = classes.classification.extension(name, class);
        }
        for (name, class) in &table.ilmd {
            let class = class_of(name, class)?;
            classes.note(name, class);
            classes.classification = classes.classification.ilmd(name, class);
        }
        Ok((classes, count))
    }

    fn note(&mut self, name: &str, class: FieldClass) {
        if class == FieldClass::Personal {
            self.personal.push(name.to_owned());
        }
    }

    /// The classes that a node's desk holds.
    pub(crate) fn load(stores: &Stores) -> Result<Self, NodeError> {
        let text = stores.desk.setting(SETTING).map_err(|e| store_error(&e))?.unwrap_or_default();
        let text = String::from_utf8(text).map_err(|e| store_error(&e))?;
        let damaged = |what| NodeError::Damaged { place: "desk, field classes".to_owned(), what };
        Self::parse(&text).map(|(classes, _)| classes).map_err(damaged)
    }

    /// Whom the personal members of an event are about.
    pub(crate) fn subject_of(&self, event: &Json) -> Option<Vec<u8>> {
        let value = event.pointer(self.subject.as_deref()?)?;
        Some(value.to_text().into_bytes())
    }
}

impl Node {
    /// Sets the classes of extensions, for events from now on; gives how many there are.
    ///
    /// # Errors
    /// [`NodeError::Unreadable`] names the entry that is wrong; nothing changes then.
    pub fn classes_set(&self, name: &str, text: &[u8]) -> Result<usize, NodeError> {
        self.writing()?;
        let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
        let text = std::str::from_utf8(text).map_err(|_| unreadable("not UTF-8".to_owned()))?;
        let (classes, count) = Classes::parse(text).map_err(unreadable)?;
        // What is in force and what the desk holds change together.
        let sequencer = self.lock();
        let stored = sequencer.stores.desk.set_setting(SETTING, text.as_bytes());
        stored.map_err(|e| store_error(&e))?;
        *self.classes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(classes);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_classes_personal_members_and_the_subject() {
        let text = "subject = \"/example:driver\"\n[extensions]\n\"example:driver\" = \"personal\"\n\
                    \"example:price\" = \"cost\"\n[ilmd]\n\"example:grower\" = \"personal\"\n";
        let (classes, count) = Classes::parse(text).unwrap();
        assert_eq!(count, 3);
        assert_eq!(classes.personal, ["example:driver", "example:grower"]);
        assert_eq!(classes.classification.class_of("example:price"), FieldClass::Cost);
        assert_eq!(classes.classification.class_of_ilmd("example:grower"), FieldClass::Personal);
        let event = countermark_epcis::json::parse(br#"{"example:driver":"D-7"}"#).unwrap();
        assert_eq!(classes.subject_of(&event), Some(b"\"D-7\"".to_vec()));
        assert_eq!(classes.subject_of(&Json::object()), None);
    }

    #[test]
    fn what_is_no_class_is_named() {
        let error = Classes::parse("[extensions]\n\"a:b\" = \"secret\"\n").unwrap_err();
        assert!(error.starts_with("a:b: \"secret\" is no field class; one of identity"), "{error}");
        assert!(Classes::parse("[extension]\n").is_err());
    }
}
