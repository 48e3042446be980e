use super::*;
use countermark_epcis::json::{self, Json};
use countermark_tlog::merkle::Hash;
use proptest::prelude::*;

/// An object event of 30 fields, not in canonical order, with extensions and ILMD.
pub(super) const EVENT: &str = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://example.org/"}],"type":"ObjectEvent","eventID":"urn:uuid:8f7e2f3a-0c1d-4a5b-9c6d-7e8f9a0b1c2d","eventTime":"2026-11-19T08:15:30.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/09521321000018/21/1001","https://id.gs1.org/01/09521321000018/21/1002","https://id.gs1.org/01/09521321000018/21/1003"],"quantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018/10/L7","quantity":12.50,"uom":"KGM"},{"quantity":3,"epcClass":"https://id.gs1.org/01/09521321000025/10/L8"}],"readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"bizLocation":{"id":"https://id.gs1.org/414/9521321000027"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521321000010:4711"}],"sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9521321000010"}],"destinationList":[{"type":"owning_party","destination":"https://id.gs1.org/417/9521321000034"}],"ex:temperature":{"@value":"4.1","@type":"xsd:decimal"},"ex:driver":"A. Example","ilmd":{"ex:origin":"NL","ex:grower":"farm 12","ex:brix":11.20}}"#;

pub(crate) fn event() -> Json {
    json::parse(EVENT.as_bytes()).unwrap()
}

pub(super) fn provenance() -> Json {
    json::parse(br#"{"sourceDocument":"5f1d","mapping":{"name":"own-csv","version":3}}"#).unwrap()
}

pub(crate) fn classification() -> Classification {
    Classification::new()
        .extension("ex:driver", FieldClass::Personal)
        .ilmd("ex:grower", FieldClass::Personal)
        .ilmd("ex:brix", FieldClass::Cost)
}

pub(super) fn keys(seed: u8) -> RecordKeys {
    RecordKeys::new(std::array::from_fn(|i| ClassKey::from_bytes([seed ^ (i as u8 + 1); 32])))
}

pub(super) fn sources(commitment: &Commitment, keys: &RecordKeys) -> [ClassSource; CLASS_COUNT] {
    FieldClass::ALL.map(|class| match commitment.bodies.iter().find(|(other, _)| *other == class) {
        Some((_, body)) => ClassSource::Body { key: keys.class(class).clone(), body: body.clone() },
        None => empty_source(keys.class(FieldClass::Identity), class),
    })
}

struct Committed {
    commitment: Commitment,
    sources: [ClassSource; CLASS_COUNT],
}

impl Committed {
    fn of(event: &Json) -> Self {
        let keys = keys(0x5a);
        let commitment = commit(event, &provenance(), &classification(), &keys).unwrap();
        let sources = sources(&commitment, &keys);
        Self { commitment, sources }
    }

    fn show(&self, pointers: &[&str]) -> (Vec<u8>, Verified) {
        let openings = disclose(&self.sources, pointers).unwrap();
        let bytes = openings.encode();
        let read = Openings::decode(&bytes).unwrap();
        assert_eq!(read, openings);
        (bytes, verify(&self.commitment.digests, &read).unwrap())
    }
}

/// All pointers of a value, itself first.
pub(crate) fn pointers(value: &Json, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{i}"), out);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{at}/{}", pointer::escape(name)), out);
            }
        }
        _ => {}
    }
}

#[test]
fn the_whole_event_comes_back_byte_for_byte() {
    let committed = Committed::of(&event());
    let (bytes, verified) = committed.show(&[""]);
    assert_eq!(verified.event.as_ref().unwrap().to_text(), EVENT);
    assert!(verified.left_out().is_empty());
    let overhead = bytes.len() - EVENT.len();
    assert!(overhead <= 1536, "{overhead} bytes beside the event");
}

#[test]
fn the_whole_event_does_not_give_its_provenance_away() {
    let committed = Committed::of(&event());
    let openings = disclose(&committed.sources, &[""]).unwrap();
    assert!(openings.classes.iter().all(|(class, _)| *class != FieldClass::Provenance));
    let (bytes, verified) = committed.show(&[""]);
    assert!(!bytes.windows(4).any(|part| part == b"5f1d"), "the digest of the source is shown");
    assert_eq!(
        (verified.provenance.as_ref(), verified.value("/_provenance/mapping")),
        (None, None)
    );
    assert!(!verified.shows_absent("/_provenance/mapping"));
    assert!(verified.shows_absent("/ex:nothing"));
    // Asked for by name it is there, with the event or without.
    for pointers in [&["/_provenance"][..], &["", "/_provenance"]] {
        let (_, verified) = committed.show(pointers);
        let shown = verified.provenance.as_ref().unwrap();
        assert_eq!(shown.pointer("/sourceDocument"), provenance().pointer("/sourceDocument"));
        assert_eq!(shown.pointer("/mapping"), provenance().pointer("/mapping"));
        assert_eq!(verified.event.is_some(), pointers.len() == 2);
        assert!(verified.left_out().is_empty());
    }
}

#[test]
fn the_provenance_class_can_hide_no_member_of_an_event() {
    let text = br#"{"ex:hidden":1,"_provenance":{"sourceDocument":"5f1d"}}"#;
    let read = part::Part::from_text(FieldClass::Provenance, Vec::new(), text);
    assert!(
        matches!(read, Err(BodyError::Form(FieldClass::Provenance, place)) if place == "/ex:hidden")
    );
    let classified = Classification::new()
        .extension("ex:driver", FieldClass::Provenance)
        .ilmd("ex:grower", FieldClass::Provenance);
    assert_eq!(classified.class_of("ex:driver"), FieldClass::Other);
    assert_eq!(classified.class_of_ilmd("ex:grower"), FieldClass::Quality);
}

#[test]
fn every_pointer_of_the_event_is_shown_with_its_value() {
    let event = event();
    let committed = Committed::of(&event);
    let mut all = Vec::new();
    pointers(&event, "", &mut all);
    let mut largest = 0;
    for pointer in &all[1..] {
        let (bytes, verified) = committed.show(&[pointer]);
        let expected = event.pointer(pointer).unwrap();
        let shown = verified.value(pointer).unwrap();
        if pointer == "/ilmd" {
            let left = json::parse(br#"{"ex:origin":"NL"}"#).unwrap();
            assert_eq!(shown, &left, "what its class holds of it");
            assert!(verified.value("/ilmd/ex:grower").is_some());
        } else {
            assert_eq!(shown, expected, "{pointer}");
        }
        assert!(!verified.shows_absent(pointer), "{pointer}");
        if !matches!(expected, Json::Array(_) | Json::Object(_)) {
            largest = largest.max(bytes.len() - expected.to_text().len());
        }
    }
    assert!(largest <= 700, "{largest} bytes beside one value");
}

#[test]
fn what_the_event_does_not_have_is_shown_absent() {
    let committed = Committed::of(&event());
    for pointer in [
        "/recordTime",
        "/errorDeclaration/reason",
        "/quantityList/1/uom",
        "/quantityList/2",
        "/quantityList/-",
        "/epcList/3",
        "/epcList/0/deeper",
        "/childEPCs/0",
        "/readPoint/ex:gate",
        "/certificationInfo",
        "/sensorElementList/0/sensorReport/0/value",
        "/ex:nothing",
        "/ex:zzz/deeper",
        "/ex:temperature/@lang",
        "/ex:driver/name",
        "/ilmd/ex:none",
        "/_provenance/other",
        "/_provenance/mapping/author",
    ] {
        let (_, verified) = committed.show(&[pointer]);
        assert!(verified.shows_absent(pointer), "{pointer}: {verified:?}");
        assert_eq!(verified.value(pointer), None, "{pointer}");
    }
}

#[test]
fn nothing_is_shown_absent_that_was_not_opened() {
    let committed = Committed::of(&event());
    let (_, verified) = committed.show(&["/readPoint/ex:gate", "/bizStep"]);
    for pointer in
        ["/readPoint/id", "/recordTime", "/ex:nothing", "/ilmd/ex:none", "/epcList/9", ""]
    {
        assert!(!verified.shows_absent(pointer), "{pointer}");
    }
}

#[test]
fn absence_of_an_extension_needs_every_class_of_events() {
    let committed = Committed::of(&event());
    let openings = disclose(&committed.sources, &["/ex:nothing"]).unwrap();
    assert_eq!(openings.classes.len(), CLASS_COUNT - 1);
    for left_out in 0..openings.classes.len() {
        let mut fewer = openings.clone();
        fewer.classes.remove(left_out);
        let verified = verify(&committed.commitment.digests, &fewer).unwrap();
        assert!(!verified.shows_absent("/ex:nothing"), "without class {}", left_out + 1);
    }
}

#[test]
fn an_erased_class_leaves_the_others_provable() {
    let event = event();
    let mut committed = Committed::of(&event);
    committed.sources[FieldClass::Identity.index()] = ClassSource::Unavailable;
    let (_, verified) = committed.show(&["/bizStep", "/quantityList", "/ilmd/ex:grower"]);
    assert_eq!(verified.value("/bizStep"), event.pointer("/bizStep"));
    assert_eq!(verified.value("/quantityList"), event.pointer("/quantityList"));
    assert_eq!(
        disclose(&committed.sources, &["/eventID"]),
        Err(DiscloseError::Unavailable { pointer: "/eventID".into(), class: FieldClass::Identity })
    );
    let (_, verified) = committed.show(&[""]);
    assert_eq!(verified.left_out(), [FieldClass::Identity]);
    assert_eq!((verified.whole.len() + verified.empty.len(), verified.event), (9, None));
}

#[test]
fn every_single_bit_of_openings_matters() {
    let committed = Committed::of(&event());
    for pointers in [
        &["/bizStep"][..],
        &["/epcList/1", "/epcList/2"],
        &["/quantityList/0/uom", "/recordTime"],
        &["/ex:nothing"],
        &["/ilmd", "/ex:temperature/@type"],
        &["/readPoint", "/_provenance"],
        &[""],
    ] {
        let bytes = disclose(&committed.sources, pointers).unwrap().encode();
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let held = Openings::decode(&altered)
                .is_ok_and(|openings| verify(&committed.commitment.digests, &openings).is_ok());
            assert!(!held, "{pointers:?}: bit {bit} of {} is not covered", bytes.len() * 8);
        }
    }
}

#[test]
fn openings_of_one_record_do_not_hold_for_another() {
    let committed = Committed::of(&event());
    let openings = disclose(&committed.sources, &["/bizStep"]).unwrap();
    let other = commit(&event(), &provenance(), &classification(), &keys(7)).unwrap();
    assert_eq!(verify(&other.digests, &openings), Err(VerifyError::Digest(FieldClass::Transport)));
    let mut swapped = committed.commitment.digests;
    swapped.swap(0, 1);
    assert!(verify(&swapped, &openings).is_err());
}

#[test]
fn equal_events_share_no_digest() {
    let one = commit(&event(), &provenance(), &classification(), &keys(1)).unwrap();
    let two = commit(&event(), &provenance(), &classification(), &keys(200)).unwrap();
    for digest in one.digests {
        assert!(!two.digests.contains(&digest));
    }
    assert_ne!(one.root, two.root);
}

#[test]
fn a_reserved_name_or_no_object_is_refused() {
    let commit = |event: &Json| commit(event, &Json::object(), &Classification::new(), &keys(1));
    let mut reserved = event();
    reserved.set(PROVENANCE, Json::Null);
    assert_eq!(commit(&reserved).unwrap_err(), CommitError::Reserved);
    assert_eq!(commit(&Json::Null).unwrap_err(), CommitError::NotObject("an event"));
    let mut long = Json::object();
    long.set("epcList", Json::Array(vec![Json::Bool(true); GROUP_ENTRIES_MAX + 1]));
    let error = commit(&long).unwrap_err().to_string();
    assert!(error.starts_with("/epcList: 60001 members or items"), "{error}");
}

#[test]
fn a_body_in_another_form_is_refused() {
    let committed = Committed::of(&event());
    for (class, body) in &committed.commitment.bodies {
        assert!(part::Part::from_body(*class, body).is_ok(), "{class:?}");
        for cut in [0, 3, body.len() - 1] {
            assert!(part::Part::from_body(*class, &body[..cut]).is_err(), "{class:?} {cut}");
        }
        let mut spaced = body.clone();
        spaced.push(b' ');
        assert!(matches!(part::Part::from_body(*class, &spaced), Err(BodyError::Form(..))));
    }
}

#[test]
fn bodies_give_the_event_back_and_what_is_left_of_it() {
    let committed = Committed::of(&event());
    let bodies: Vec<(FieldClass, &[u8])> =
        committed.commitment.bodies.iter().map(|(class, body)| (*class, &**body)).collect();
    let (whole, origin) = assemble(&bodies).unwrap();
    assert_eq!(whole.to_text(), EVENT);
    assert_eq!(origin.get("sourceDocument"), provenance().get("sourceDocument"));
    let rest: Vec<_> =
        bodies.into_iter().filter(|(class, _)| *class != FieldClass::Personal).collect();
    let (rest, _) = assemble(&rest).unwrap();
    assert!(rest.get("ex:driver").is_none() && rest.pointer("/ilmd/ex:grower").is_none());
    let expected =
        EVENT.replace(r#","ex:driver":"A. Example""#, "").replace(r#""ex:grower":"farm 12","#, "");
    assert_eq!(rest.to_text(), expected);
}

#[test]
fn the_digests_of_a_known_event_are_frozen() {
    // A second program, written in another language from the tables in `tree` and `keys` alone,
    // gives the same root.
    let commitment = Committed::of(&event()).commitment;
    let hex: String = commitment.root.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5927834e82fdf9502004afda7b9c6ef21339a49cb5e576f45db84f81f26f54b5");
}

/// Every way to change one opened item while keeping the rest, its salt included.
fn other_items(shown: &openings::Shown) -> Vec<openings::Shown> {
    use super::tree::leaf_type::{ABSENT, FALSE, NULL, NUMBER, STRING, TRUE};
    use openings::Shown;
    match shown {
        Shown::Leaf { salt, kind, value } => {
            let others = [
                (ABSENT, &b""[..]),
                (NULL, b""),
                (FALSE, b""),
                (TRUE, b""),
                (NUMBER, b"1"),
                (STRING, b""),
                (STRING, b"other"),
            ];
            let same = |other: &(u8, &[u8])| other.0 == *kind && other.1 == value;
            let others = others.into_iter().filter(|other| !same(other));
            others
                .map(|(kind, value)| Shown::Leaf { salt: *salt, kind, value: value.to_vec() })
                .collect()
        }
        Shown::Whole { key, .. } => {
            let others = [Json::object(), Json::Array(vec![]), Json::Array(vec![Json::Null])];
            others.into_iter().map(|value| Shown::Whole { key: *key, value }).collect()
        }
        Shown::Hidden(hash) => {
            vec![Shown::Leaf { salt: [0; 16], kind: STRING, value: hash.to_vec() }]
        }
        Shown::Group { .. } | Shown::Sentinel(_) => vec![],
    }
}

#[test]
fn one_place_holds_one_value_and_no_present_field_is_absent() {
    let committed = Committed::of(&event());
    let pointers = [
        "/bizStep",
        "/recordTime",
        "/epcList/1",
        "/quantityList/1",
        "/ex:nothing",
        "/readPoint/id",
    ];
    let honest = disclose(&committed.sources, &pointers).unwrap();
    let mut tried = 0;
    for (c, (_, opening)) in honest.classes.iter().enumerate() {
        let openings::ClassOpening::Partial(groups) = opening else { continue };
        for (g, group) in groups.iter().enumerate() {
            for (i, item) in group.items.iter().enumerate() {
                let elsewhere = [item.place ^ 1, item.place + 2, item.place.saturating_sub(1)];
                let mut others: Vec<openings::Item> = other_items(&item.shown)
                    .into_iter()
                    .map(|shown| openings::Item { shown, ..item.clone() })
                    .collect();
                others.extend(
                    elsewhere
                        .into_iter()
                        .filter(|place| *place != item.place)
                        .map(|place| openings::Item { place, ..item.clone() }),
                );
                for other in others {
                    let mut forged = honest.clone();
                    if let openings::ClassOpening::Partial(groups) = &mut forged.classes[c].1 {
                        groups[g].items[i] = other;
                    }
                    let result = verify(&committed.commitment.digests, &forged);
                    assert!(result.is_err(), "class {c}, group {g}, item {i}: {item:?}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn openings_nested_without_end_are_refused() {
    let kind = super::tree::GroupKind::List;
    let item = |shown| openings::Item { place: 1, key: None, shown };
    let group = |shown| openings::GroupOpening { items: vec![item(shown)], siblings: vec![] };
    let endless = vec![group(openings::Shown::Group { kind, depth: 1 }); 100_000];
    let mut first = group(openings::Shown::Group { kind, depth: 1 });
    first.items[0].place = 6;
    let groups = std::iter::once(first).chain(endless).collect();
    let classes = vec![(FieldClass::Identity, openings::ClassOpening::Partial(groups))];
    let result = verify(&[[0; 32]; CLASS_COUNT], &Openings { classes });
    assert!(result.unwrap_err().to_string().contains("nested too deeply"));
    let deep = (0..70).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
    let mut event = event();
    event.set("ex:deep", deep);
    let error = commit(&event, &provenance(), &classification(), &keys(1)).unwrap_err();
    assert!(matches!(error, CommitError::TooDeep { .. }));
}

#[test]
fn what_is_below_a_scalar_of_the_ilmd_is_shown_absent_by_that_scalar() {
    let event = json::parse(br#"{"ilmd":{"uom":null,"list":[1]}}"#).unwrap();
    let committed = Committed::of(&event);
    for pointer in ["/ilmd/uom/id", "/ilmd/list/1", "/ilmd/list/0/x", "/ilmd/gone/id"] {
        assert!(committed.show(&[pointer]).1.shows_absent(pointer), "{pointer}");
    }
    assert!(!committed.show(&["/ilmd/uom/id"]).1.shows_absent("/ilmd/uom"));
}

#[test]
fn a_long_name_above_many_values_is_refused_before_it_is_hashed() {
    let name = "n".repeat(256 * 1024);
    let list = Json::Array(vec![Json::Bool(true); 2_000]);
    let classes = |opening| Openings { classes: vec![(FieldClass::Other, opening)] };
    let refused = |opening| {
        let result = verify(&[[0; 32]; CLASS_COUNT], &classes(opening));
        assert_eq!(result, Err(VerifyError::Work));
    };
    let text = format!("{{\"{name}\":{}}}", list.to_text());
    refused(openings::ClassOpening::Whole { key: [0; 32], order: Vec::new(), text });
    // Opened field by field: a group of values below one long key.
    let salt = [0; 16];
    let leaf = |place| openings::Item {
        place,
        key: None,
        shown: openings::Shown::Leaf { salt, kind: tree::leaf_type::NULL, value: Vec::new() },
    };
    let below = |place, key, kind, depth| openings::Item {
        place,
        key,
        shown: openings::Shown::Group { kind, depth },
    };
    let group =
        |items, siblings| openings::GroupOpening { items, siblings: vec![[0; 32]; siblings] };
    let groups = vec![
        group(vec![below(0, None, tree::GroupKind::Extensions, 2)], 1),
        group(vec![below(1, Some(format!("/{name}")), tree::GroupKind::List, 11)], 2),
        group((1..2_000).map(leaf).collect(), 7),
    ];
    refused(openings::ClassOpening::Partial(groups));
    let mut work = Work::default();
    let small = openings::ClassOpening::Whole {
        key: [0; 32],
        order: Vec::new(),
        text: format!("{{\"n\":{}}}", list.to_text()),
    };
    let result = verify_within(&[[0; 32]; CLASS_COUNT], &classes(small), &mut work);
    assert_eq!(result, Err(VerifyError::Digest(FieldClass::Other)));
}

#[test]
fn what_no_event_may_hold_is_refused_in_openings_too() {
    let many = Json::Array(vec![Json::Null; GROUP_ENTRIES_MAX + 1]).to_text();
    let text = format!("{{\"ex:many\":{many}}}");
    let read = part::Part::from_text(FieldClass::Other, Vec::new(), text.as_bytes());
    assert!(
        matches!(read, Err(BodyError::Form(FieldClass::Other, said)) if said.contains("at most"))
    );
}

fn any_value() -> impl Strategy<Value = Json> {
    let text = prop_oneof![Just("ex:a"), Just(""), Just("a/b~c"), Just("ü\n\"")];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        prop::sample::select(vec!["0", "-1.50", "1e3", "12345678901234567890.0"])
            .prop_map(|lexeme| Json::Number(lexeme.into())),
        text.prop_map(Json::string),
    ];
    let name = prop::sample::select(vec![
        "id",
        "type",
        "epcClass",
        "uom",
        "quantity",
        "sensorReport",
        "value",
        "ex:x",
        "a/b",
        "~",
        "",
        "@value",
        "0",
    ]);
    leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| {
                let mut object = Json::object();
                for (name, value) in members {
                    object.set(name, value);
                }
                object
            }),
        ]
    })
}

pub(crate) fn any_event() -> impl Strategy<Value = Json> {
    let mut names: Vec<&str> = countermark_epcis::fields::EVENT.to_vec();
    names.extend(["ex:driver", "ex:b", "", "a/b", "~0", "ilmd", "ilmd"]);
    let ilmd = prop::collection::vec(
        (prop::sample::select(vec!["ex:grower", "ex:brix", "ex:origin", "id"]), any_value()),
        0..4,
    );
    (prop::collection::vec((prop::sample::select(names), any_value()), 0..10), ilmd).prop_map(
        |(members, ilmd)| {
            let mut inner = Json::object();
            ilmd.into_iter().for_each(|(name, value)| inner.set(name, value));
            let mut event = Json::object();
            for (i, (name, value)) in members.into_iter().enumerate() {
                let value = if name == "ilmd" && i % 2 == 0 { inner.clone() } else { value };
                event.set(name, value);
            }
            event
        },
    )
}

fn moved(pointer: &str) -> bool {
    pointer == "/ilmd"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_event_comes_back_whole_and_by_every_pointer(event in any_event()) {
        let committed = Committed::of(&event);
        let (_, verified) = committed.show(&[""]);
        prop_assert_eq!(verified.event.unwrap().to_text(), event.to_text());
        let mut all = Vec::new();
        pointers(&event, "", &mut all);
        for pointer in &all[1..] {
            let (_, verified) = committed.show(&[pointer]);
            prop_assert!(!verified.shows_absent(pointer), "{} shown absent", pointer);
            if !moved(pointer) {
                prop_assert_eq!(verified.value(pointer), event.pointer(pointer), "{}", pointer);
            }
        }
        let several: Vec<&str> = all[1..].iter().step_by(3).map(String::as_str).collect();
        if !several.is_empty() {
            let (_, verified) = committed.show(&several);
            for pointer in several.iter().filter(|pointer| !moved(pointer)) {
                prop_assert_eq!(verified.value(pointer), event.pointer(pointer));
            }
        }
    }

    #[test]
    fn absence_is_shown_exactly_of_what_is_not_there(
        event in any_event(),
        tokens in prop::collection::vec(prop::sample::select(vec![
            "id", "type", "ex:x", "ex:nothing", "0", "1", "7", "ilmd", "epcList", "readPoint",
            "quantityList", "uom", "ex:b", "ex:grower", "", "a~1b",
        ]), 1..4),
    ) {
        let pointer: String = tokens.iter().flat_map(|token| ["/", token]).collect();
        let committed = Committed::of(&event);
        let (_, verified) = committed.show(&[&pointer]);
        prop_assert_eq!(verified.shows_absent(&pointer), event.pointer(&pointer).is_none());
    }

    #[test]
    fn no_altered_opening_shows_another_value(
        event in any_event(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let committed = Committed::of(&event);
        let mut all = Vec::new();
        pointers(&event, "", &mut all);
        let pointer = &all[flips[0].index(all.len())];
        let bytes = disclose(&committed.sources, &[pointer]).unwrap().encode();
        let mut altered = bytes.clone();
        for flip in &flips {
            let bit = flip.index(bytes.len() * 8);
            altered[bit / 8] ^= 1 << (bit % 8);
        }
        if altered != bytes && let Ok(openings) = Openings::decode(&altered) {
            prop_assert!(verify(&committed.commitment.digests, &openings).is_err());
        }
    }

    #[test]
    fn no_bytes_make_reading_or_verification_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(openings) = Openings::decode(&bytes) {
            let digests: [Hash; CLASS_COUNT] = [[0; 32]; CLASS_COUNT];
            prop_assert!(verify(&digests, &openings).is_err());
        }
    }
}
