//! The verifier in JavaScript (`crates/web/assets/verifier.js`) says of every bundle what this one
//! says: of good ones, altered ones, ones signed anew by a member, and of forged logs; under the
//! right policy, other policies and none. Both run here; `tests/verifier/agree.mjs` compares.
//!
//! Needs Node.js 20 or newer: `COUNTERMARK_NODE`, or `node`. Where there is none, the test says so,
//! and fails only where `CI` is set. `COUNTERMARK_VERIFIER_CASES` names a file to keep the cases in.

use super::logs::Operator;
use super::operator::{begun_anew, restated_bundle};
use super::world::{self, FARM, Ledger, PROCESSOR, WAREHOUSE, member_id, sign_anew};
use super::*;
use super::{mutate, reencode, tree};
use crate::cbor::Value;
use crate::ids::hex;
use crate::record::tests::{any_event, classification, pointers};
use crate::record::{ClassSource, Disclosed, FieldClass};
use crate::statement::{Body, KeyAction, MemberAction};
use countermark_tlog::merkle;
use countermark_tlog::note::{Algorithm, Note, Signer};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// Bundles with what this verifier says of them, as frames: `u32 length ‖ JSON ‖ u32 length ‖ bytes`.
#[derive(Default)]
struct Cases {
    frames: Vec<u8>,
    policies: HashMap<Vec<u8>, usize>,
    count: usize,
}

impl Cases {
    fn frame(&mut self, about: &serde_json::Value, bytes: &[u8]) {
        for part in [about.to_string().as_bytes(), bytes] {
            let length = u32::try_from(part.len()).unwrap();
            self.frames.extend_from_slice(&length.to_be_bytes());
            self.frames.extend_from_slice(part);
        }
    }

    fn policy(&mut self, file: &[u8]) -> usize {
        let next = self.policies.len();
        if let Some(known) = self.policies.get(file) {
            return *known;
        }
        self.policies.insert(file.to_vec(), next);
        self.frame(&json!({"policy": next}), file);
        next
    }

    /// A bundle's file under a policy's file: what is said of it.
    fn add(&mut self, name: &str, bundle: &[u8], policy: Option<&[u8]>) {
        let number = policy.map(|file| self.policy(file));
        let trust = policy.map(TrustPolicy::parse).transpose();
        let mut about = match (trust, Bundle::decode(bundle)) {
            (Err(_), _) => json!({"unreadable": "trust policy"}),
            (_, Err(BundleError::Magic | BundleError::Size(_))) => json!({"unreadable": "bundle"}),
            (_, Err(_)) => json!({"verdict": Verdict::DoesNotHold.as_str(), "first": "encoding"}),
            (Ok(trust), Ok(bundle)) => told(&verify(&bundle, trust.as_ref())),
        };
        about["case"] = json!(name);
        about["policy"] = json!(number);
        self.count += 1;
        self.frame(&about, bundle);
    }

    fn bundle(&mut self, name: &str, bundle: &Bundle, trust: Option<&TrustPolicy>) {
        let file = trust.map(TrustPolicy::encode);
        self.add(name, &bundle.encode(), file.as_deref().map(str::as_bytes));
    }

    /// Under the policy of its members, one without members, and none.
    fn everywhere(&mut self, name: &str, bundle: &Bundle, ledger: &Ledger) {
        for trust in [Some(ledger.everyone()), Some(ledger.trust(&[])), None] {
            self.bundle(name, bundle, trust.as_ref());
        }
    }
}

/// What a report says that the other verifier has to say too.
fn told(report: &Report) -> serde_json::Value {
    let checks: Vec<_> = report.checks.iter().map(|c| json!([c.check, state(c.state)])).collect();
    let first = report.checks.iter().find(|check| check.state == CheckState::Contradicted);
    let mut about = json!({"verdict": report.verdict.as_str()});
    if let Some(first) = first {
        about["first"] = json!(first.check);
        return about;
    }
    about["message"] = json!(report.message);
    about["checks"] = json!(checks);
    about["records"] = report.records.iter().map(record).collect();
    let (issuer, log) = (report.issuer.as_ref().unwrap(), report.log.as_ref().unwrap());
    let name = &issuer.member_name;
    about["issuer"] = json!([hex(&issuer.member), name, hex(&issuer.key)]);
    about["log"] =
        json!([log.origin, log.size.to_string(), hex(&log.root), log.height.to_string()]);
    about
}

fn state(state: CheckState) -> &'static str {
    match state {
        CheckState::Proven => "proven",
        CheckState::Contradicted => "contradicted",
        CheckState::NotChecked => "not checked",
    }
}

/// A record: whose it is, where it stands, and what is shown, values as JSON text.
fn record(record: &RecordReport) -> serde_json::Value {
    let who = json!([hex(&record.record_id), hex(&record.member), record.member_name]);
    let verified = &record.verified;
    let mut shown: Vec<serde_json::Value> = Vec::new();
    if let Some(event) = &verified.event {
        shown.push(json!(["", event.to_text()]));
    } else {
        for one in &verified.disclosures {
            match &one.shown {
                Disclosed::Value(value) => shown.push(json!([one.pointer, value.to_text()])),
                Disclosed::Absent => shown.push(json!([one.pointer, null])),
                Disclosed::Length(_) | Disclosed::NoneBetween { .. } => {}
            }
        }
        let lacking = verified.empty.iter().flat_map(|class| class.members());
        shown.extend(lacking.map(|name| json!([format!("/{name}"), null])));
    }
    json!({"who": who, "height": record.height.to_string(), "shown": shown})
}

/// Random events: whole, by single pointers, by several, absent ones, and with a class erased.
fn random_events(cases: &mut Cases) {
    let mut ledger = Ledger::story(1);
    let mut runner = TestRunner::deterministic();
    let mut events = vec![crate::record::tests::event()];
    events.extend((0..60).map(|_| any_event().new_tree(&mut runner).unwrap().current()));
    let first = ledger.records.len();
    let batch = ledger.batch_of((FARM, 1), events.clone(), &classification());
    ledger.accept(vec![batch]);
    let issuer = (PROCESSOR, 0);
    let trust = ledger.everyone();
    for (i, event) in events.iter().enumerate() {
        let record = first + i;
        let mut show = |name: &str, ledger: &Ledger, fields: &[&str]| {
            let bundle = ledger.bundle(issuer, &[(record, fields)]);
            assert_eq!(verify(&bundle, Some(&trust)).verdict, Verdict::Holds);
            cases.bundle(&format!("random event {i}, {name}"), &bundle, Some(&trust));
        };
        show("whole", &ledger, &[""]);
        let mut all = Vec::new();
        pointers(event, "", &mut all);
        all.extend(
            ["/ex:nothing", "/readPoint/id", "/ilmd/ex:none", "/epcList/9", "/_provenance"]
                .map(str::to_owned),
        );
        let all: Vec<&str> = all[1..].iter().map(String::as_str).collect();
        let single = if i == 0 { 1 } else { 5 };
        for pointer in all.iter().skip(i % single).step_by(single) {
            show(pointer, &ledger, &[pointer]);
        }
        show("several", &ledger, &all.iter().step_by(3).copied().collect::<Vec<_>>());
        let erased = FieldClass::ALL[1 + i % 10];
        let mut left = ledger.clone();
        left.records[record].sources[erased.index()] = ClassSource::Unavailable;
        show("one class erased", &left, &[""]);
    }
}

/// Every item of every bundle altered: as a stranger, and signed anew by a member.
fn altered(cases: &mut Cases) {
    let (ledger, foreign) = (Ledger::story(1), Ledger::story(2));
    let (trust, issuer) = (ledger.everyone(), (PROCESSOR, 0));
    let ours = world::bundles(&ledger, issuer);
    let lent: Vec<Bundle> = [ours.clone(), world::bundles(&foreign, issuer)].concat();
    let mut seen = 0_usize;
    mutate::mutants(&ours, &lent, |path, mutant| {
        seen += 1;
        let name = format!("mutant {seen} at {path:?}");
        let decoded = Bundle::decode(&mutant);
        if seen.is_multiple_of(if decoded.is_ok() { 8 } else { 12 }) {
            cases.add(&name, &mutant, Some(trust.encode().as_bytes()));
        }
        let Ok(mut decoded) = decoded else { return };
        sign_anew(&mut decoded, &ledger.key(issuer));
        let held = verify(&decoded, None).verdict != Verdict::DoesNotHold;
        if held || seen % 8 == 3 {
            cases.bundle(&format!("{name}, signed anew"), &decoded, Some(&trust));
        }
        if seen % 64 == 5 {
            cases.bundle(&format!("{name}, signed anew"), &decoded, None);
        }
    });
}

/// Cut, lengthened, flipped bits, other encodings of the whole and of what stands within.
fn encodings(cases: &mut Cases) {
    let ledger = Ledger::story(1);
    let (trust, issuer) = (ledger.everyone(), (PROCESSOR, 0));
    let policy = trust.encode();
    let policy = Some(policy.as_bytes());
    let bundles = world::bundles(&ledger, issuer);
    let file = bundles[2].encode();
    for end in (0..file.len()).step_by(29) {
        cases.add(&format!("cut at {end}"), &file[..end], policy);
    }
    for bit in (0..file.len() * 8).step_by(173) {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        cases.add(&format!("bit {bit}"), &flipped, policy);
    }
    cases.add("a byte more", &[&file[..], &[0]].concat(), policy);
    cases.add("empty", b"", policy);
    cases.add("JSON", b"{}", policy);
    cases.add(
        "too long",
        &[BUNDLE_MAGIC, &vec![0; crate::limits::BUNDLE_BYTES_MAX]].concat(),
        None,
    );
    let nested = [&[0x81; 40][..], &[0]].concat();
    cases.add("nested", &[BUNDLE_MAGIC, &nested].concat(), policy);
    let whole = tree::of(&bundles[3]);
    for (i, other) in reencode::other_encodings(&whole).iter().enumerate() {
        cases.add(&format!("other encoding {i}"), &[BUNDLE_MAGIC, other].concat(), policy);
    }
    let mut count = 0_usize;
    for path in tree::paths(&whole) {
        let Some((tree::Step::Within(start), at)) = path.split_last() else { continue };
        let Some(Value::Bytes(bytes)) = tree::get(&whole, at) else { panic!("bytes") };
        for other in reencode::other_encodings(&tree::get(&whole, &path).unwrap()) {
            count += 1;
            if count.is_multiple_of(4) {
                let written = [&bytes[..*start], &other].concat();
                let file = tree::file(&tree::replace(&whole, at, &written.into()));
                let mut mutant = Bundle::decode(&file).unwrap();
                sign_anew(&mut mutant, &ledger.key(issuer));
                cases.bundle(&format!("other encoding within {path:?}"), &mutant, Some(&trust));
            }
        }
    }
}

/// Logs forged from end to end, operators who break the rules, checkpoints of witnesses.
fn logs(cases: &mut Cases) {
    let (ledger, forged) = (Ledger::story(1), Ledger::story(2));
    let trust = ledger.everyone();
    for (i, bundle) in world::bundles(&forged, (FARM, 1)).iter().enumerate() {
        cases.bundle(&format!("forged log {i}"), bundle, Some(&trust));
        cases.bundle(&format!("forged log {i}"), bundle, None);
    }
    type Change = Box<dyn Fn(&mut crate::statement::Statement)>;
    let changes: [(&str, Change); 4] = [
        ("sequence", Box::new(|s| s.sequence += 1)),
        ("member", Box::new(|s| s.member = member_id(PROCESSOR))),
        ("origin", Box::new(|s| s.origin = "ledger.example/2".into())),
        (
            "root",
            Box::new(|s| {
                if let Body::Capture(c) = &mut s.body {
                    c.batch_root = [7; 32]
                }
            }),
        ),
    ];
    for (name, change) in &changes {
        let bundle = restated_bundle((FARM, 0), change);
        cases.everywhere(&format!("statement with another {name}"), &bundle, &ledger);
        let begun = begun_anew(
            |s| {
                if !matches!(s.body, Body::Capture(_)) {
                    change(s)
                }
            },
            false,
        );
        cases.everywhere(&format!("genesis with another {name}"), &begun, &ledger);
    }
    cases.everywhere("unsigned genesis", &begun_anew(|_| {}, true), &ledger);
    for shift in [-1_i64, 1] {
        let mut operator = Operator::of(&ledger);
        let height = operator.ledger.records[0].height;
        let header = &mut operator.ledger.blocks[height].header;
        header.height = header.height.checked_add_signed(shift * 3).unwrap_or(0);
        operator.rebuild();
        cases.everywhere("another height", &operator.bundle((PROCESSOR, 0), 0), &ledger);
    }
    let mut operator = Operator::of(&ledger);
    let mut header = ledger.blocks[operator.ledger.records[0].height].header.clone();
    let index = header.log_size;
    header.log_size += 1;
    operator.ledger.leaves[index as usize] = merkle::leaf_hash(&header.leaf());
    let mut bundle = operator.bundle((PROCESSOR, 0), 0);
    bundle.records[0].block.header_leaf = header.leaf();
    sign_anew(&mut bundle, &ledger.key((PROCESSOR, 0)));
    cases.everywhere("a header that says another place", &bundle, &ledger);
    let mut operator = Operator::of(&ledger);
    operator.rebuild_with(77);
    cases.everywhere("leaves that nobody looks at", &operator.bundle((PROCESSOR, 0), 0), &ledger);
}

/// Members and keys over time; openings that would take hours to hash.
fn members(cases: &mut Cases) {
    let story = Ledger::story(1);
    for action in [MemberAction::Suspend, MemberAction::Leave] {
        let mut ledger = story.clone();
        let by = if action == MemberAction::Leave { (WAREHOUSE, 0) } else { (FARM, 1) };
        ledger.member_action(by, WAREHOUSE, action);
        for issuer in [(PROCESSOR, 0), (WAREHOUSE, 0)] {
            cases.everywhere("member gone", &Operator::of(&ledger).bundle(issuer, 18), &ledger);
        }
    }
    let mut revoked = story.clone();
    let key = KeyAction::Revoke { key: story.id((WAREHOUSE, 0)) };
    revoked.key_action((WAREHOUSE, 0), WAREHOUSE, key);
    let record = revoked.records.iter().position(|r| r.member == WAREHOUSE).unwrap();
    let mut operator = Operator::of(&revoked);
    for issuer in [(PROCESSOR, 0), (WAREHOUSE, 0)] {
        cases.everywhere("key revoked", &operator.bundle(issuer, record), &revoked);
    }
    let height = revoked.records[record].height;
    operator.ledger.blocks[height].header.height = revoked.newest() as u64 + 1;
    operator.rebuild();
    cases.everywhere("after revocation", &operator.bundle((PROCESSOR, 0), record), &revoked);

    let mut bundle = story.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    let (name, list) = ("n".repeat(256 * 1024), "[1]".repeat(2_000).replace("][", "],["));
    let text = format!("{{\"{name}\":[{list}]}}");
    let whole = Value::Array(vec![
        11u64.into(),
        1u64.into(),
        [0; 32].into(),
        Vec::<u8>::new().into(),
        text.into(),
    ]);
    let openings = Value::Array(vec![1u64.into(), Value::Array(vec![whole])]);
    bundle.records[0].openings = crate::cbor::encode(&openings);
    sign_anew(&mut bundle, &story.key((PROCESSOR, 0)));
    cases.bundle("much to hash", &bundle, Some(&story.everyone()));
}

/// Policies of others, with witnesses and groups, and texts that are none.
fn policies(cases: &mut Cases) {
    let (ledger, other) = (Ledger::story(1), Ledger::story(2));
    let mut bundle = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    let plain = bundle.clone();
    let witness = |seed: u8| {
        let name = format!("witness.example/{seed}");
        Signer::new(&name, Algorithm::CosignatureV1, &[seed; 32]).unwrap()
    };
    let note = Note::parse(&bundle.checkpoint).unwrap();
    let mut lines = note.signatures().to_vec();
    lines.extend([9, 10].map(|seed| witness(seed).cosign(note.text(), 1_790_000_000).unwrap()));
    bundle.checkpoint = Note::new(note.text(), lines).unwrap().encode().into_bytes();
    sign_anew(&mut bundle, &ledger.key((PROCESSOR, 0)));
    let (text, none) = (ledger.everyone().encode(), other.everyone().encode());
    let keys: Vec<String> =
        [9, 10, 11].iter().map(|seed| witness(*seed).verifier_key().encode()).collect();
    let listed: String =
        keys.iter().enumerate().map(|(i, key)| format!("witness w{i} {key}\n")).collect();
    let quorum = |lines: &str| text.replace("quorum none", &format!("{listed}{lines}"));
    let log = text.lines().find(|line| line.starts_with("log ")).unwrap();
    let genesis = text.lines().find(|line| line.starts_with("genesis ")).unwrap();
    let small_order = "log weak+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let texts = [
        text.clone(),
        none.clone(),
        quorum("quorum w0"),
        quorum("quorum w2"),
        quorum("group g all w0 w1\nquorum g"),
        quorum("group g all w0 w2\nquorum g"),
        quorum("group g 2 w0 w1 w2\nquorum g"),
        quorum("group g 3 w0 w1 w2\nquorum g"),
        quorum("group a any w1 w2\ngroup b 2 w0 a\nquorum b"),
        quorum("group a 02 w1 w2\nquorum a"),
        quorum("group a 0 w1\nquorum a"),
        quorum("group a any w1\ngroup b any w1\nquorum b"),
        quorum("group none any w1\nquorum none"),
        quorum("quorum gone"),
        quorum("quorum toString"),
        quorum("group a constructor w1\nquorum a"),
        quorum("quorum w0\nquorum w0"),
        format!("{listed}{}", text.replace("quorum none", "quorum w0")),
        text.replace(genesis, &none[none.find("genesis").unwrap()..none.find("\nmember").unwrap()]),
        text.replace(genesis, ""),
        text.replace(genesis, &genesis.to_uppercase()),
        text.replace(genesis, &format!("{genesis}\n{genesis}")),
        text.replace(log, &format!("{log}\n{log}")),
        text.replace(log, &format!("{log} https://log.example")),
        text.replace(log, &format!("{log} a b")),
        text.replace(log, ""),
        text.replace("quorum none", ""),
        text.replace('\n', "\r\n"),
        text.replace("quorum none", "\tquorum \t none  "),
        text.replace("quorum none", "quorum none\u{85}"),
        text.replace("quorum none", "quorum none\r\r"),
        text.replace("Farm", "Farm\u{a0}"),
        text.replace("Farm", "\u{feff}Farm"),
        text.replace("Farm", "Fa\u{202e}rm"),
        text.replace("Farm", "Fa\u{9}rm"),
        text.replace("Farm", "constructor"),
        text.replace("member", "Member"),
        text.replace("member 01", "member 03"),
        text.replace("AQ", "AR"),
        format!("{text}# no more\n\n"),
        format!("{text}{small_order}"),
        format!("\u{feff}{text}"),
        ledger.trust(&[(FARM, "F")]).encode(),
        ledger.trust(&[(PROCESSOR, "P"), (FARM, "F")]).encode(),
        ledger.trust(&[(WAREHOUSE, "W")]).encode(),
        "log nonsense\n".to_owned(),
        String::new(),
    ];
    for (i, text) in texts.iter().enumerate() {
        for (name, bundle) in [("cosigned", &bundle), ("plain", &plain)] {
            cases.add(&format!("policy {i}, {name}"), &bundle.encode(), Some(text.as_bytes()));
        }
    }
    cases.add("policy that is no text", &bundle.encode(), Some(b"\xff\xfe"));
}

/// The program, or none where none is installed.
fn node() -> Option<Command> {
    let name = std::env::var_os("COUNTERMARK_NODE").unwrap_or_else(|| "node".into());
    let found = Command::new(&name).arg("--version").output().is_ok_and(|o| o.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{name:?}: Node.js is needed here");
        eprintln!("no Node.js ({name:?}): the verifier in JavaScript was not compared");
    }
    found.then(|| Command::new(name))
}

#[test]
fn the_verifier_in_javascript_says_the_same_of_thousands_of_bundles() {
    let mut cases = Cases::default();
    let ledger = Ledger::story(1);
    for (i, bundle) in world::bundles(&ledger, (WAREHOUSE, 0)).iter().enumerate() {
        cases.everywhere(&format!("good {i}"), bundle, &ledger);
    }
    random_events(&mut cases);
    policies(&mut cases);
    logs(&mut cases);
    members(&mut cases);
    encodings(&mut cases);
    altered(&mut cases);
    println!("{} cases, {} bytes", cases.count, cases.frames.len());
    assert!(cases.count > 3_000, "{}", cases.count);
    if let Some(kept) = std::env::var_os("COUNTERMARK_VERIFIER_CASES") {
        std::fs::write(kept, &cases.frames).unwrap();
    }
    let Some(mut node) = node() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verifier/agree.mjs");
    let mut running = node.arg(script).arg("-").stdin(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(&cases.frames).unwrap();
    assert!(running.wait().unwrap().success(), "the verifiers do not agree");
}
