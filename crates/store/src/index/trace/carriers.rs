//! What is in a carrier, and while when.
//!
//! Time runs in the direction of the walk: downstream as it is, upstream with its sign changed, so
//! that *entering* a carrier (downstream: packed; upstream: unpacked) is always the earlier end.

use std::collections::{BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;

/// A stretch of time during which a carrier held something, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stay {
    pub(super) content: i64,
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Stay {
    pub(super) fn covers(&self, at: i64) -> bool {
        self.from <= at && at <= self.until
    }
}

/// Something entered or left a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) at: i64,
    pub(super) event: i64,
    pub(super) entered: bool,
    pub(super) is_class: bool,
    pub(super) quantity: Option<Decimal>,
    pub(super) unit: Option<i64>,
}

/// The stays of one thing in one carrier, from its passages in any order.
///
/// A class or lot leaves by amounts: it is gone when as much has left as had entered, in the same
/// unit; an instance, or a class without amounts, is gone with the first leaving.
pub(super) fn stays(content: i64, mut passages: Vec<Passage>) -> Vec<Stay> {
    // At one time, entering comes first: date-only documents give both the same.
    passages.sort_by_key(|passage| (passage.at, !passage.entered, passage.event));
    let mut stays: Vec<Stay> = Vec::new();
    let mut held: Option<Held> = None;
    for passage in passages {
        if passage.entered {
            match &mut held {
                Some(held) => held.add(&passage),
                None => held = Some(Held::new(&passage)),
            }
        } else if let Some(open) = &mut held
            && open.is_emptied_by(&passage)
        {
            stays.push(Stay { content, from: open.since, until: passage.at });
            held = None;
        }
    }
    if let Some(open) = held {
        stays.push(Stay { content, from: open.since, until: i64::MAX });
    }
    stays
}

struct Held {
    since: i64,
    /// None where an amount is missing or in another unit: then the first leaving empties it.
    amount: Option<(Decimal, Option<i64>)>,
}

impl Held {
    fn new(passage: &Passage) -> Self {
        let amount = passage.quantity.filter(|_| passage.is_class);
        Held { since: passage.at, amount: amount.map(|amount| (amount, passage.unit)) }
    }

    fn add(&mut self, passage: &Passage) {
        self.amount = match (self.amount, passage.quantity) {
            (Some((amount, unit)), Some(more)) if unit == passage.unit => {
                amount.checked_add(more).map(|sum| (sum, unit))
            }
            _ => None,
        };
    }

    fn is_emptied_by(&mut self, passage: &Passage) -> bool {
        match (self.amount, passage.quantity) {
            (Some((amount, unit)), Some(less)) if unit == passage.unit => {
                let rest = amount.checked_sub(less).unwrap_or_default();
                self.amount = Some((rest, unit));
                rest <= Decimal::ZERO
            }
            _ => true,
        }
    }
}

/// The stays of everything of interest in every carrier.
#[derive(Debug, Default)]
pub(super) struct Carriers {
    stays: HashMap<i64, BTreeSet<Stay>>,
    /// Carriers that are packed once only: what is in them was so from the beginning.
    single_use: HashSet<i64>,
}

impl Carriers {
    /// Adds a stay; says whether it is new.
    pub(super) fn add(&mut self, carrier: i64, stay: Stay) -> bool {
        let stays = self.stays.entry(carrier).or_default();
        // A stay that was cut short by an emptying is not new when it is found again.
        let known = stays.iter().any(|own| own.content == stay.content && own.from == stay.from);
        !known && stays.insert(stay)
    }

    pub(super) fn set_single_use(&mut self, carrier: i64) {
        self.single_use.insert(carrier);
    }

    pub(super) fn is_carrier(&self, number: i64) -> bool {
        self.stays.contains_key(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.stays.len()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.stays.keys().copied()
    }

    /// All that was ever in a carrier, as far as it is of interest.
    pub(super) fn contents(&self, carrier: i64) -> impl Iterator<Item = i64> + '_ {
        self.stays.get(&carrier).into_iter().flatten().map(|stay| stay.content)
    }

    /// The stays in a carrier, as they count.
    pub(super) fn stays_in(&self, carrier: i64) -> impl Iterator<Item = Stay> + '_ {
        let single_use = self.single_use.contains(&carrier);
        self.stays
            .get(&carrier)
            .into_iter()
            .flatten()
            .map(move |stay| Stay { from: if single_use { i64::MIN } else { stay.from }, ..*stay })
    }

    /// Ends every stay at the first time from its beginning on at which the carrier was emptied.
    pub(super) fn empty_at(&mut self, carrier: i64, times: &[i64]) {
        let Some(stays) = self.stays.get_mut(&carrier) else { return };
        *stays = stays
            .iter()
            .map(|stay| {
                let end = times.iter().copied().filter(|at| *at >= stay.from).min();
                Stay { until: end.map_or(stay.until, |end| end.min(stay.until)), ..*stay }
            })
            .collect();
    }

    /// What of interest was in the carrier at that time.
    pub(super) fn content_at(&self, carrier: i64, at: i64) -> BTreeSet<i64> {
        self.stays_in(carrier).filter(|stay| stay.covers(at)).map(|stay| stay.content).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(at: i64, entered: bool, quantity: Option<i64>) -> Passage {
        Passage {
            at,
            event: at,
            entered,
            is_class: quantity.is_some(),
            quantity: quantity.map(Decimal::from),
            unit: Some(1),
        }
    }

    fn spans(passages: Vec<Passage>) -> Vec<(i64, i64)> {
        stays(7, passages).into_iter().map(|stay| (stay.from, stay.until)).collect()
    }

    #[test]
    fn an_instance_stays_from_packing_to_unpacking_each_time() {
        let passages =
            vec![passage(30, true, None), passage(20, false, None), passage(10, true, None)];
        assert_eq!(spans(passages), [(10, 20), (30, i64::MAX)]);
    }

    #[test]
    fn a_lot_stays_until_all_of_it_is_out() {
        let passages = vec![
            passage(10, true, Some(6)),
            passage(11, true, Some(4)),
            passage(20, false, Some(3)),
            passage(30, false, Some(7)),
            passage(40, true, Some(1)),
        ];
        assert_eq!(spans(passages), [(10, 30), (40, i64::MAX)]);
    }

    #[test]
    fn what_leaves_without_having_entered_has_no_stay() {
        assert_eq!(spans(vec![passage(5, false, None)]), []);
    }

    #[test]
    fn packing_and_unpacking_at_one_time_is_a_stay() {
        assert_eq!(spans(vec![passage(5, false, None), passage(5, true, None)]), [(5, 5)]);
    }

    #[test]
    fn an_emptied_carrier_holds_nothing_any_more() {
        let mut carriers = Carriers::default();
        carriers.add(1, Stay { content: 2, from: 10, until: i64::MAX });
        carriers.add(1, Stay { content: 3, from: 30, until: i64::MAX });
        carriers.empty_at(1, &[5, 20]);
        assert_eq!(carriers.content_at(1, 20), BTreeSet::from([2]));
        assert_eq!(carriers.content_at(1, 21), BTreeSet::new());
        assert_eq!(carriers.content_at(1, 99), BTreeSet::from([3]));
    }
}
