//! A random life of a node, and what must be true of it whenever it is opened again.

use std::collections::BTreeMap;

use super::{HOUR_MS, InputFile, Lab, document, event, ids};
use crate::ErasureReason;
use crate::error::NodeError;
use crate::node::Node;
use crate::progress::Silent;

/// xorshift64*: the same life for the same seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}

/// One thing that is done to a node.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Capture { member: &'static str, file: usize, events: Vec<String> },
    Erase { member: &'static str, event: String, class: Option<&'static str> },
    Rotate(&'static str),
    Document(&'static str),
    Night,
    SetClockAndConfirm,
    Add(&'static str),
}

/// A life: what is done, and the files that are captured in it.
pub(super) struct Life {
    pub(super) deeds: Vec<Deed>,
    pub(super) files: Vec<InputFile>,
}

impl Life {
    pub(super) fn new(seed: u64, length: usize) -> Self {
        let mut dice = Dice::new(seed);
        let mut life = Self { deeds: vec![Deed::Add("Mill")], files: Vec::new() };
        life.capture(&mut dice, "Farm");
        let mut erasable: BTreeMap<String, &'static str> = BTreeMap::new();
        while life.deeds.len() < length {
            let member = ["Farm", "Mill"][dice.below(2) as usize];
            for deed in &life.deeds {
                if let Deed::Capture { member, events, .. } = deed {
                    erasable.extend(events.iter().map(|event| (event.clone(), *member)));
                }
            }
            for deed in &life.deeds {
                if let Deed::Erase { event, .. } = deed {
                    erasable.remove(event);
                }
            }
            match dice.below(12) {
                0..4 => life.capture(&mut dice, member),
                4..7 => {
                    let at = dice.below(erasable.len().max(1) as u64) as usize;
                    if let Some((event, member)) = erasable.iter().nth(at) {
                        let class = [None, Some("identity"), None][dice.below(3) as usize];
                        let event = event.clone();
                        life.deeds.push(Deed::Erase { member, event, class });
                    }
                }
                7 | 8 => life.deeds.push(Deed::Rotate(member)),
                9 => life.deeds.push(Deed::Document(member)),
                10 => life.deeds.push(Deed::Night),
                _ => life.deeds.push(Deed::SetClockAndConfirm),
            }
        }
        life
    }

    fn capture(&mut self, dice: &mut Dice, member: &'static str) {
        let file = self.files.len();
        let count = 1 + dice.below(4);
        let names: Vec<String> = (0..count).map(|i| format!("urn:x:{file}-{i}")).collect();
        let number = |i: usize| (file * 10 + i) as u64;
        let events: Vec<String> =
            names.iter().enumerate().map(|(i, name)| event(Some(name), number(i))).collect();
        self.files.push(document(&events));
        self.deeds.push(Deed::Capture { member, file, events: names });
    }

    /// Does one deed.
    pub(super) fn run(&self, deed: &Deed, lab: &Lab, node: &Node) -> Result<(), NodeError> {
        match deed {
            Deed::Capture { member, file, events } => {
                let files = std::slice::from_ref(&self.files[*file]);
                let report = node.capture(Some(member), files, false, &Silent)?;
                assert_eq!(report.rejected, [], "{deed:?}");
                assert_eq!(report.accepted.len() + report.duplicates.len(), events.len());
            }
            Deed::Erase { member, event, class } => {
                node.erase(&crate::Scope::All, Some(member), event, *class, ErasureReason::Error)?;
            }
            Deed::Rotate(member) => drop(node.key_rotate(Some(member))?),
            Deed::Document(member) => {
                node.document(Some(member), "a.pdf", &vec![7; 3_000]).map(|_| ())?;
            }
            Deed::Night => lab.clock.pass(14 * HOUR_MS),
            Deed::SetClockAndConfirm => {
                lab.clock.set_by(3 * 3_600_000);
                node.confirm_clock()?;
            }
            Deed::Add(name) => drop(node.member_add(name, None)?),
        }
        Ok(())
    }
}

/// What the node acknowledged, and what it was doing when it ended.
#[derive(Debug, Default, Clone)]
pub(super) struct Acknowledged {
    /// Each event and whether it was erased, wholly or in part.
    events: BTreeMap<String, bool>,
    under_way: Option<Deed>,
}

impl Acknowledged {
    pub(super) fn begin(&mut self, deed: &Deed) {
        self.under_way = Some(deed.clone());
    }

    pub(super) fn done(&mut self) {
        match self.under_way.take() {
            Some(Deed::Capture { events, .. }) => {
                self.events.extend(events.into_iter().map(|event| (event, false)));
            }
            Some(Deed::Erase { event, .. }) => drop(self.events.insert(event, true)),
            _ => {}
        }
    }

    /// The node has what was acknowledged, or that and all of what was under way.
    pub(super) fn compare(&mut self, node: &Node) {
        let mut with = self.clone();
        with.done();
        let found = standing(node, self.events.keys().chain(with.events.keys()));
        let agree = |expected: &BTreeMap<String, bool>| {
            let mut names = expected.keys().chain(found.keys());
            names.all(|name| match (expected.get(name), found.get(name)) {
                // What is erased may not be found by its id any more.
                (Some(true), None) => true,
                (expected, found) => expected == found,
            })
        };
        if agree(&with.events) {
            *self = with;
            return;
        }
        assert!(agree(&self.events), "{found:?}, expected {self:?}");
        self.under_way = None;
    }
}

/// Each of the events that the node has, and whether something of it is erased; by the index and by
/// the vault, which must agree.
fn standing<'a>(node: &Node, names: impl Iterator<Item = &'a String>) -> BTreeMap<String, bool> {
    let sequencer = node.lock();
    let mut found = BTreeMap::new();
    for name in names {
        let Ok(rows) = node.rows_of_event(&sequencer, &crate::Scope::All, name) else { continue };
        assert_eq!(rows.len(), 1, "{name} is there more than once");
        let loaded = sequencer.stores.load_row(&rows[0]).unwrap().unwrap();
        assert_eq!(loaded.is_partial, rows[0].erased != 0, "{name}: index and vault differ");
        found.insert(name.clone(), loaded.is_partial);
    }
    found
}

/// What holds of every node that was opened again, whatever went before.
pub(super) fn goes_on(life: &Life, lab: &Lab, node: Node, acknowledged: &mut Acknowledged) {
    acknowledged.compare(&node);
    let confirmed = node.confirm_clock();
    assert!(matches!(confirmed, Ok(_) | Err(NodeError::Refused(_))), "{confirmed:?}");
    // The rest of the life, and what was done before once more: it adds only what is missing.
    for deed in &life.deeds {
        let result = match deed {
            Deed::Add(_) | Deed::Capture { .. } | Deed::Rotate(_) => life.run(deed, lab, &node),
            _ => Ok(()),
        };
        assert!(matches!(result, Ok(()) | Err(NodeError::MemberExists(_))), "{result:?}");
    }
    let whole = |event: &String| acknowledged.events.get(event) != Some(&true);
    let all = life.deeds.iter().filter_map(|deed| match deed {
        Deed::Capture { events, .. } => Some(events.iter().cloned()),
        _ => None,
    });
    let mut expected: Vec<String> = all.flatten().filter(whole).collect();
    expected.sort();
    let shown: Vec<String> = ids_of_whole(&node);
    assert_eq!(shown, expected);
    drop(node);
    lab.check();
}

/// Ids of the events that the node shows, but those that lost a part.
fn ids_of_whole(node: &Node) -> Vec<String> {
    let shown = ids(node);
    let sequencer = node.lock();
    let is_whole = |name: &String| {
        node.rows_of_event(&sequencer, &crate::Scope::All, name).unwrap()[0].erased == 0
    };
    shown.into_iter().filter(is_whole).collect()
}
