//! What pages are made of: nothing that a strict policy forbids, and nothing that others wrote runs.

use countermark_node::InputFile;

use crate::support::{FARM, World};

const SCRIPT: &str = "<script>alert(1)</script>";

/// What templates write as it is.
const TRUSTED: [&str; 6] = ["body", "picture", "html", "code", "rates_picture", "stores_picture"];

#[test]
fn no_template_has_a_style_or_a_script_in_line() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        seen += 1;
        for forbidden in [
            " style=",
            "<style",
            "javascript:",
            " onclick",
            " onsubmit",
            " onload",
            " onchange",
            "http-equiv",
        ] {
            assert!(!text.contains(forbidden), "{name} has {forbidden}");
        }
        // What is not escaped is made by the program alone: pictures, drawn from escaped texts, the
        // rendered documentation, and the body of the verify page, which is a file of its own.
        for trusted in text.match_indices("|safe") {
            let name = text[..trusted.0].rsplit([' ', '{', '.']).next().unwrap();
            assert!(TRUSTED.contains(&name), "{path:?} trusts {name}");
        }
        for script in text.match_indices("<script") {
            let tag = &text[script.0..text[script.0..].find('>').unwrap() + script.0];
            assert!(tag.contains(" src="), "{name}: {tag}");
        }
    }
    assert!(seen >= 20, "{seen} templates");
}

fn epcis(id: &str) -> Vec<u8> {
    let text = format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{{"ex":"https://example.org/ns/"}}],
        "type":"ObjectEvent","eventID":"{id}","eventTime":"2026-11-16T07:30:00Z","eventTimeZoneOffset":"+00:00",
        "action":"ADD","bizStep":"https://example.org/{SCRIPT}","readPoint":{{"id":"https://example.org/place/1"}},
        "epcList":["https://example.org/thing/1"],
        "ilmd":{{"ex:note":"{SCRIPT}"}},"ex:remark":"{SCRIPT}"}}"#
    );
    text.into_bytes()
}

#[tokio::test]
async fn what_others_wrote_is_shown_and_never_run() {
    let world = World::new();
    let owner = world.owner();
    let id = "urn:uuid:060e6d6a-de38-40ea-a461-bb4caf4ad742";
    let file = InputFile { name: format!("{SCRIPT}.json"), bytes: epcis(id) };
    let silent = countermark_node::Silent;
    let report = world.node.capture(Some(FARM), &[file], true, &silent).unwrap();
    assert_eq!(report.accepted.len(), 1, "{:?}", report.rejected);
    world.node.document(Some(FARM), &format!("{SCRIPT}.pdf"), b"content").unwrap();
    let member = format!("Farm {SCRIPT}");
    world.node.member_add(&member, None).unwrap();
    let master = format!("[[party]]\ngln = \"9520000001018\"\nname = \"{SCRIPT}\"\n");
    world.node.master_data_add(&format!("{SCRIPT}.toml"), master.as_bytes()).unwrap();
    let csv = format!("Date;Item {SCRIPT};Note\n2026-11-16;{SCRIPT};{SCRIPT}\n");
    let name = "%3Cscript%3Ealert(1)%3C/script%3E.csv";
    let draft = world.upload(&owner, "/app/import", name, csv.as_bytes(), FARM).await;
    assert_eq!(draft.status, 303, "{}", draft.text);
    let pages = [
        "/app".to_owned(),
        "/app/events".to_owned(),
        format!("/app/events/{id}"),
        "/app/documents".to_owned(),
        "/app/members".to_owned(),
        "/app/accounts".to_owned(),
        "/app/accounts/log".to_owned(),
        "/app/settings".to_owned(),
        "/app/import".to_owned(),
        draft.location,
        format!("/app/events?id={SCRIPT}&place={SCRIPT}").replace('<', "%3C").replace('>', "%3E"),
        "/app/trace?id=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
    ];
    for page in pages {
        let answer = world.get(&owner, &page).await;
        assert!(!answer.status.is_server_error(), "{page}: {}", answer.text);
        assert!(!answer.text.contains("<script>alert"), "{page}: {}", answer.text);
    }
    let event = world.get(&owner, &format!("/app/events/{id}")).await;
    assert!(event.text.matches("&#60;script&#62;").count() > 3, "{}", event.text);
}

#[tokio::test]
async fn one_event_says_who_vouches_for_what_and_can_be_erased_by_whoever_may() {
    let world = World::new();
    let owner = world.owner();
    let id = "urn:uuid:060e6d6a-de38-40ea-a461-bb4caf4ad742";
    let file = InputFile { name: "one.json".to_owned(), bytes: epcis(id) };
    world.node.capture(Some(FARM), &[file], true, &countermark_node::Silent).unwrap();
    let page = world.get(&owner, &format!("/app/events/{id}")).await;
    assert!(page.text.contains("Green Farm says so") && page.text.contains("held here"));
    let path = format!("/app/events/{id}/erase");
    let unsure = world.post(&owner, &path, "class=&reason=error").await;
    assert_eq!(unsure.status, 400, "{}", unsure.text);
    assert!(
        world
            .node
            .events_one(
                &countermark_node::Scope::All,
                id,
                countermark_node::EpcFormat::NoPreference
            )
            .is_ok()
    );
    let done = world.post(&owner, &path, "class=&reason=error&sure=yes").await;
    assert_eq!(done.status, 303, "{}", done.text);
    let gone = world.node.events_one(
        &countermark_node::Scope::All,
        id,
        countermark_node::EpcFormat::NoPreference,
    );
    assert!(gone.is_err());
}
