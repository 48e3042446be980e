//! `capture`, `hash`, `translate`, `validate`, `mapping list`, `log`, `document`, and wrong calls.

use serde_json::{Value, json};

use crate::support::{Node, call, corpus, document, event, finish, ids, named, program, root};

#[test]
fn a_wrong_call_ends_with_2_and_help_with_0() {
    call(&["captures"]).ends(2).says("captures");
    call(&["capture", "--data", "nowhere"]).ends(2).says("FILE");
    call(&["hash", "--profile", "cbv9", "x"]).ends(2).says("cbv2.0-legacy");
    let help = call(&["--help"]).ends(0);
    for words in ["0 holds", "1 does not hold", "2 usage", "3 input", "4 consistent"] {
        assert!(help.out.contains(words), "{}", help.out);
    }
    assert!(call(&["--version"]).ends(0).out.starts_with("countermark "));
}

#[test]
fn capture_gives_ids_and_tells_accepted_from_duplicates() {
    let node = Node::new();
    let both = document(&[event(1), named(2)]);
    let first = node.capture(&both);
    let accepted = ids(&first, "accepted");
    assert_eq!(accepted.len(), 2);
    assert_eq!(accepted[1], named(2)["eventID"]);
    let uuid = accepted[0].strip_prefix("urn:uuid:").unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "a random UUID: {uuid}");
    assert_eq!(first["duplicates"], json!([]));
    assert_eq!(first["rejected"], json!([]));
    let second = node.capture(&both);
    assert_eq!(ids(&second, "duplicates"), accepted);
    assert_eq!(second["accepted"], json!([]));
    assert_eq!(node.events("").len(), 2);
}

#[test]
fn a_file_is_taken_whole_or_not_at_all() {
    let node = Node::new();
    let mut wrong = named(2);
    wrong["action"] = json!("SHIPPED");
    let bad = node.file("bad.json", document(&[named(1), wrong]).to_string());
    let good = node.file("good.json", document(&[named(3)]).to_string());
    let result = node.run("capture", &["--json", &bad, &good]).ends(1).json();
    assert_eq!(ids(&result, "accepted"), [named(3)["eventID"].as_str().unwrap()]);
    let rejected = &result["rejected"][0];
    assert_eq!(rejected["pointer"], "/epcisBody/eventList/1/action");
    assert!(!rejected["rule"].as_str().unwrap().is_empty());
    assert!(rejected["message"].as_str().unwrap().contains("SHIPPED"), "{rejected}");
    assert_eq!(rejected["file"], bad);
    assert_eq!(node.events("").len(), 1);
    let told = node.run("capture", &[&bad]).ends(1).says("/epcisBody/eventList/1/action");
    assert!(told.out.contains("0 accepted"), "{}", told.out);
}

#[test]
fn a_bare_event_and_a_list_of_events_are_taken_too() {
    let node = Node::new();
    let alone = |serial| {
        let mut event = named(serial);
        event["@context"] = json!([crate::support::CONTEXT]);
        event
    };
    assert_eq!(ids(&node.capture(&alone(1)), "accepted").len(), 1);
    assert_eq!(ids(&node.capture(&json!([alone(2), alone(3)])), "accepted").len(), 2);
}

#[test]
fn other_content_under_a_known_id_is_refused_with_its_place() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let mut other = named(1);
    other["bizStep"] = json!("receiving");
    let file = node.file("other.json", document(&[named(2), other]).to_string());
    let result = node.run("capture", &["--json", &file]).ends(1).json();
    assert_eq!(result["rejected"][0]["pointer"], "/epcisBody/eventList/1");
    assert_eq!(result["rejected"][0]["rule"], "event.known");
    assert_eq!(result["accepted"], json!([]));
    assert_eq!(node.events("")[0]["bizStep"], "shipping");
}

#[test]
fn xml_ends_with_3_in_every_command_that_reads_epcis() {
    let node = Node::new();
    let xml = node.file(
        "a.xml",
        "<?xml version=\"1.0\"?><epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:2\"/>",
    );
    let result = node.run("capture", &["--json", &xml]).ends(3).json();
    assert!(result["rejected"][0]["message"].as_str().unwrap().contains("XML"), "{result}");
    node.run("capture", &[&xml]).ends(3).says("XML");
    call(&["validate", &xml, "--json"]).ends(3).says("XML");
    call(&["hash", "--profile", "cbv2.1", &xml]).ends(3).says("XML");
}

#[test]
fn a_file_that_is_not_there_ends_with_3_and_is_named() {
    let node = Node::new();
    node.run("capture", &["gone.json"]).ends(3).says("gone.json");
    call(&["validate", "gone.json"]).ends(3).says("gone.json");
    call(&["verify", "gone.bundle"]).ends(3).says("gone.bundle");
}

#[test]
fn hashes_come_one_a_line_in_document_order_for_each_profile() {
    let node = Node::empty();
    let file = |events: &[Value]| node.file("hash.json", document(events).to_string());
    let hash = |profile: &str, file: &str| {
        call(&["hash", "--profile", profile, file]).ends(0).out.lines().map(str::to_owned).collect()
    };
    for (profile, version) in
        [("cbv2.0-legacy", "CBV2.0"), ("cbv2.0-2026", "CBV2.0"), ("cbv2.1", "CBV2.1")]
    {
        let forward: Vec<String> = hash(profile, &file(&[event(1), event(2), event(3)]));
        assert_eq!(forward.len(), 3);
        for line in &forward {
            assert!(line.starts_with("ni:///sha-256;"), "{line}");
            assert!(line.ends_with(&format!("?ver={version}")), "{line}");
        }
        let mut backward: Vec<String> = hash(profile, &file(&[event(3), event(2), event(1)]));
        assert_ne!(forward, backward);
        backward.reverse();
        assert_eq!(forward, backward);
    }
}

#[test]
fn event_hashes_of_others_are_met_through_the_program() {
    let Some(folder) = corpus("epcis/RalphTro-epcis-event-hash-generator/tests/examples") else {
        return;
    };
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let expected = path.with_extension("hashes");
        if path.extension().is_none_or(|ending| ending != "jsonld") || !expected.exists() {
            continue;
        }
        let expected = std::fs::read_to_string(expected).unwrap();
        let ours = call(&["hash", "--profile", "cbv2.0-legacy", path.to_str().unwrap()]).ends(0);
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&ours.out), lines(&expected), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} documents have expected hashes");
}

#[test]
fn translate_gives_all_forms_from_each_of_them() {
    let mut answers = Vec::new();
    for id in [
        "urn:epc:id:sscc:9506000.0000000012",
        "https://id.gs1.org/00/095060000000000121",
        "(00)095060000000000121",
    ] {
        let answer = call(&["translate", id, "--json"]).ends(0).json();
        assert_eq!(answer["digitalLink"], "https://id.gs1.org/00/095060000000000121", "{id}");
        assert_eq!(answer["elementString"], "(00)095060000000000121");
        assert_eq!(answer["keyType"], "SSCC");
        assert!(answer["epcUrn"].as_str().unwrap().starts_with("urn:epc:id:sscc:9506000"));
        answers.push(answer);
    }
    assert_eq!(answers[1], answers[2]);
    let wrong = call(&["translate", "(01)09506000134353"]).ends(1).says("check digit");
    assert_eq!(wrong.out, "");
    call(&["translate", "hello", "--json"]).ends(1).says("hello");
}

#[test]
fn an_identifier_without_urn_translates_to_null() {
    // A global model number has no EPC scheme.
    let answer = call(&["translate", "(8013)1987654Ad4X4bL5ttr2310c2K", "--json"]).ends(0).json();
    assert!(answer["epcUrn"].is_null(), "{answer}");
    assert_eq!(answer["digitalLink"], "https://id.gs1.org/8013/1987654Ad4X4bL5ttr2310c2K");
}

#[test]
fn validate_says_what_is_wrong_where_and_stores_nothing() {
    let node = Node::empty();
    let good = node.file("good.json", document(&[event(1), event(2)]).to_string());
    let answer = call(&["validate", &good, "--json"]).ends(0).json();
    assert_eq!((&answer["valid"], &answer["events"]), (&json!(true), &json!(2)));
    let mut wrong = event(1);
    wrong["epcList"] = json!(["https://id.gs1.org/01/09506000134353/21/1"]);
    let bad = node.file("bad.json", document(&[wrong]).to_string());
    let answer = call(&["validate", &bad, "--json"]).ends(1).json();
    assert_eq!(answer["valid"], false);
    let finding = &answer["findings"][0];
    assert_eq!(finding["pointer"], "/epcisBody/eventList/0/epcList/0");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["rule"], "gs1.identifier");
    assert!(
        finding["message"].as_str().unwrap().contains("check digit is 3, expected 2"),
        "{finding}"
    );
    assert!(call(&["validate", &bad]).ends(1).out.contains("not valid"));
}

#[test]
fn every_mapping_is_listed_with_how_far_it_is_verified() {
    let listed = call(&["mapping", "list", "--json"]).ends(0).json();
    let mut names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root().join("mappings")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    folders.sort_unstable();
    assert_eq!(names, folders);
    for one in listed.as_array().unwrap() {
        let verified = one["verified"].as_str().unwrap();
        assert!(["none", "documents", "live system"].contains(&verified), "{one}");
    }
    assert!(call(&["mapping", "list"]).ends(0).out.contains("x12-856"));
}

#[test]
fn the_log_is_read_as_c2sp_tiles() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let checkpoint = node.run("log", &["checkpoint"]).ends(0).out;
    let mut lines = checkpoint.lines();
    let origin = lines.next().unwrap();
    assert!(origin.starts_with("farm.countermark/"), "{origin}");
    let size: u64 = lines.next().unwrap().parse().unwrap();
    let path = node.path("tile");
    let tile = format!("tile/0/000.p/{size}");
    node.run("log", &[&tile, "-o", path.to_str().unwrap()]).ends(0);
    assert_eq!(std::fs::read(path).unwrap().len() as u64, 32 * size);
    node.run("log", &["tile/7/000"]).ends(1).says("tile/7/000");
    node.run("log", &["../keys/key"]).ends(1).says("../keys/key");
}

#[test]
fn a_document_is_kept_under_a_salted_id_and_its_cid() {
    let node = Node::new();
    let file = node.file("hello.txt", "hello world\n");
    let kept = node.run("document add", &["--json", &file]).ends(0).json();
    // What `ipfs add --cid-version=1 --raw-leaves` gives for these bytes.
    assert_eq!(kept["cid"], "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4");
    let again = node.run("document add", &["--json", &file]).ends(0).json();
    assert_ne!(kept["documentID"], again["documentID"]);
    let back = node.path("back.txt").display().to_string();
    node.run("document get", &[kept["documentID"].as_str().unwrap(), "-o", &back]).ends(0);
    assert_eq!(std::fs::read(&back).unwrap(), b"hello world\n");
    node.run("document get", &["00", "-o", &back]).ends(1).says("has a document 00");
    node.sound();
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let node = Node::new();
    let events: Vec<Value> = (0..400).map(event).collect();
    node.capture(&document(&events));
    let script = format!(
        "'{}' events --data '{}' --json | head -c 10; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_countermark"),
        node.data().display()
    );
    finish(std::process::Command::new("bash").args(["-c", &script])).ends(0);
}

#[test]
fn one_passphrase_opens_a_node_from_file_or_environment() {
    let node = Node::empty();
    let right = node.file("right", "correct horse\n");
    let wrong = node.file("wrong", "battery staple\n");
    node.run("init", &["--name", "Farm", "--passphrase-file", &right]).ends(0);
    assert!(!node.data().join("keys/key").exists(), "a passphrase leaves no key file");
    let before = std::fs::read(node.data().join("keys/secrets")).unwrap();
    node.run("events", &["--json"]).ends(2).says("--passphrase-file or COUNTERMARK_PASSPHRASE");
    for command in ["events", "fsck", "member list", "index rebuild"] {
        node.run(command, &["--passphrase-file", &wrong]).ends(2).says("wrong passphrase");
    }
    assert_eq!(std::fs::read(node.data().join("keys/secrets")).unwrap(), before);
    assert!(node.data().join("index.db").exists(), "a wrong passphrase changes nothing");
    node.run("events", &["--json", "--passphrase-file", &right]).ends(0);
    let environment = |words: &str| {
        finish(node.command("events", &["--json"]).env("COUNTERMARK_PASSPHRASE", words))
    };
    environment("correct horse").ends(0);
    environment("correct").ends(2).says("wrong passphrase");
    node.run("events", &["--passphrase-file", "gone"]).ends(3).says("gone");
}

#[test]
fn the_generated_key_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let node = Node::new();
    let mode = node.data().join("keys/key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_second_process_is_turned_away_and_the_first_goes_on() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let lock = std::fs::File::open(node.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let file = node.file("more.json", document(&[named(2)]).to_string());
    node.run("events", &["--json"]).ends(2).says("in use by another process");
    node.run("capture", &[&file]).ends(2).says("in use by another process");
    node.run("fsck", &[]).ends(2).says("in use by another process");
    node.run("index rebuild", &[]).ends(2).says("in use by another process");
    drop(lock);
    node.run("capture", &[&file]).ends(0);
    assert_eq!(node.events("").len(), 2);
}

#[test]
fn a_directory_without_a_node_is_told_from_one_that_is_taken() {
    let node = Node::empty();
    node.run("events", &["--json"]).ends(2).says("countermark init");
    node.run("fsck", &[]).ends(2).says("countermark init");
    node.run("init", &["--name", ""]).ends(2).says("empty");
    node.run("init", &["--name", "Farm", "--country", "Germany"]).ends(2).says("Germany");
    node.run("init", &["--name", "Farm", "--country", "DE"]).ends(0);
    node.run("init", &["--name", "Farm"]).ends(2).says("not empty");
}

#[test]
fn an_ordinary_call_prints_nothing_on_standard_error() {
    let node = Node::new();
    let file = node.file("d.json", document(&[named(1)]).to_string());
    for (command, rest) in
        [("capture", vec![&*file]), ("events", vec![]), ("fsck", vec![]), ("member list", vec![])]
    {
        let run = node.run(command, &rest).ends(0);
        assert_eq!(run.err, "", "{command}");
        assert!(!run.out.is_empty(), "{command}");
    }
    assert_eq!(finish(program().args(["translate", "(00)095060000000000121"])).ends(0).err, "");
}

#[test]
fn the_demonstration_tells_its_story_and_leaves_a_sound_node_where_asked() {
    let node = Node::empty();
    let data = node.data().display().to_string();
    let told = call(&["demo", "--once", "--data", &data]).ends(0).out;
    for words in ["Example Farm", "Example Store", "refused"] {
        assert!(told.contains(words), "{told}");
    }
    node.sound();
    assert!(node.events("").len() > 10);
    call(&["demo", "--once", "--data", &data]).ends(2).says("not empty");
    assert!(node.events("").len() > 10);
}

#[test]
fn an_empty_passphrase_is_none() {
    let node = Node::empty();
    let empty = node.file("empty", "\n");
    node.run("init", &["--name", "Farm", "--passphrase-file", &empty]).ends(2).says("empty");
    assert!(!node.data().exists());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named() {
    let node = Node::new();
    let folder = node.data().display().to_string();
    node.run("capture", &[&folder]).ends(3).says(&folder);
}
