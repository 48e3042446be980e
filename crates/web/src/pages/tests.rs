//! Trace, ledger, publications and documentation, as a browser gets them.

use countermark_node::access::Role;

use crate::testing::World;

const LOT: &str = "https://id.gs1.org/01/09521234543213/10/L1";
const EVIL: &str = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";

fn event(id: &str, more: &str) -> String {
    format!(
        r#"{{"type":"ObjectEvent","eventID":"{id}","eventTime":"2026-02-01T10:00:00.000Z",
        "eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"shipping",
        "bizLocation":{{"id":"https://id.gs1.org/414/9521234000006"}},
        "quantityList":[{{"epcClass":"{LOT}","quantity":5,"uom":"KGM"}}]{more}}}"#
    )
}

fn sent(id: &str) -> String {
    let to = r#","destinationList":[{"type":"owning_party",
        "destination":"https://id.gs1.org/417/9521234000013"}]"#;
    event(id, to)
}

fn lot_path() -> String {
    format!("/app/trace?id={}", crate::body::encode(LOT))
}

#[test]
fn a_trace_answers_in_a_sentence_with_a_picture_a_table_and_its_gaps() {
    let world = World::new();
    world.capture("Green Farm", &[sent("urn:x:1")]);
    let viewer = world.key(Role::Viewer, None);
    let page = world.get_as(&viewer, &lot_path());
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("<svg class=\"lanes\"") && text.contains("role=\"listitem\""));
    assert!(text.contains("href=\"/app/events/urn%3Ax%3A1\""));
    assert!(text.contains("one side only"));
    assert!(text.contains("What is missing") && text.contains("was not asked"));
    assert!(text.contains("Read as LGTIN (01)09521234543213(10)L1"), "{text}");
    let spelled = world.get_as(&viewer, "/app/trace?id=(01)09521234543213(10)L1&direction=down");
    assert_eq!(spelled.status, 200);
    let csv = world.get_as(&viewer, &lot_path().replace("/app/trace", "/app/trace.csv"));
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.text().contains("2026-02-01 10:00,,shipping,handover,"), "{}", csv.text());
    assert!(csv.text().contains("missing: "));
}

#[test]
fn what_is_not_known_is_said_and_what_was_typed_is_shown_as_text() {
    let world = World::new();
    let viewer = world.key(Role::Viewer, None);
    let page = world.get_as(&viewer, &format!("/app/trace?id={EVIL}&sort={EVIL}"));
    assert_eq!(page.status, 404);
    assert!(page.text().contains("Nothing is known of it here"));
    assert!(!page.text().contains("<script>alert"));
    assert_eq!(world.get_as(&viewer, "/app/trace").status, 200, "an empty question is a form");
}

#[test]
fn a_member_s_trace_ends_at_its_own_border() {
    let world = World::new();
    world.node.member_add("Mill", None).unwrap();
    world.capture("Green Farm", &[sent("urn:x:1")]);
    world.capture("Mill", &[event("urn:x:2", "").replace("shipping", "storing")]);
    let mill = world.key(Role::MemberUser, Some("Mill"));
    let text = world.get_as(&mill, &lot_path()).text();
    assert!(!text.contains("urn%3Ax%3A1") && !text.contains("Green Farm"), "{text}");
}

#[test]
fn the_ledger_is_shown_from_blocks_to_the_proof_of_a_leaf() {
    let world = World::new();
    world.capture("Green Farm", &[event("urn:x:1", "")]);
    let auditor = world.key(Role::Auditor, None);
    let blocks = world.get_as(&auditor, "/app/ledger");
    assert_eq!(blocks.status, 200);
    assert!(blocks.text().contains("/app/ledger/blocks/1"));
    let block = world.get_as(&auditor, "/app/ledger/blocks/1").text();
    assert!(block.contains("Green Farm recorded 1 event."), "{block}");
    let leaf = world.get_as(&auditor, "/app/ledger/leaves/3").text();
    assert!(leaf.contains("none is contradicted") && leaf.contains("data-ladder"), "{leaf}");
    assert!(leaf.contains("state proven") && leaf.contains("state unchecked"));
    let raw = world.get_as(&auditor, "/app/ledger/leaves/3/raw");
    let cose = world.get_as(&auditor, "/app/ledger/leaves/3/cose");
    assert_eq!(raw.bytes[1..], cose.bytes);
    assert_eq!(cose.header("content-type"), "application/cose");
    assert_eq!(world.get_as(&auditor, "/app/ledger/leaves/2/cose").status, 404, "a header");
    assert_eq!(world.get_as(&auditor, "/app/ledger/leaves/999").status, 404);
    assert_eq!(world.get_as(&auditor, "/app/ledger/leaves/x").status, 400);
}

#[test]
fn another_member_s_values_are_not_available_on_its_leaf() {
    let world = World::new();
    world.node.member_add("Mill", None).unwrap();
    world.capture("Green Farm", &[event("urn:x:1", "")]);
    let mill = world.key(Role::MemberUser, Some("Mill"));
    let last = world.node.log_head().unwrap().size - 1;
    let text = world.get_as(&mill, &format!("/app/ledger/leaves/{last}")).text();
    assert!(text.contains("state absent") && text.contains("the vault of Green Farm"), "{text}");
}

#[test]
fn only_who_may_publish_sees_the_publications() {
    let world = World::new();
    for (role, status) in [(Role::Viewer, 403), (Role::Auditor, 403), (Role::Operator, 200)] {
        let key = world.key(role, None);
        for path in ["/app/publications", "/app/publications/new?id=x"] {
            assert_eq!(world.get_as(&key, path).status, status, "{role:?} {path}");
        }
    }
    let viewer = world.key(Role::Viewer, None);
    let put = world.post_as(&viewer, "/app/publications", "identifier=x&product=y");
    assert_eq!(put.status, 403);
    assert_eq!(
        world.get_as(&viewer, "/app/ledger").status,
        403,
        "nor may a viewer read the ledger"
    );
}

#[test]
fn a_release_is_previewed_made_shown_and_withdrawn_by_forms() {
    let world = World::new();
    world.capture("Green Farm", &[event("urn:x:1", "")]);
    let key = world.key(Role::Operator, None);
    let form =
        world.get_as(&key, &format!("/app/publications/new?id={}", crate::body::encode(LOT)));
    assert!(form.text().contains("name=\"identifier\" type=\"text\" value=\"https://id.gs1.org/"));
    assert!(!form.text().contains("checked"), "nothing is ticked before somebody ticks it");
    let body = "identifier=(01)09521234543213(10)L1&product=%3Cb%3ESalad&step=packed+%7C+Here+%7C+2026-02-01\
                &proof=urn:x:1+%7C+/bizStep";
    let preview = world.post_as(&key, "/app/publications", &format!("{body}&action=preview"));
    assert_eq!(preview.status, 200, "{}", preview.text());
    assert!(preview.text().contains("nothing of this is released"));
    assert!(!preview.text().contains("<b>Salad"));
    assert_eq!(world.get("/01/09521234543213/10/L1").status, 404);
    let put = world.post_as(&key, "/app/publications", &format!("{body}&action=release"));
    assert_eq!(
        (put.status.as_u16(), put.header("location")),
        (303, "/app/publications?done=released")
    );
    assert_eq!(world.get("/01/09521234543213/10/L1").status, 200);
    let labels = format!("/app/publications/labels?count=3&id={}", crate::body::encode(LOT));
    assert_eq!(world.get_as(&key, &labels).text().matches("class=\"label\"").count(), 3);
    let recalled = "identifier=(01)09521234543213(10)L1&title=Glass&what_to_do=Return";
    assert_eq!(world.post_as(&key, "/app/publications/recall", recalled).status, 303);
    assert!(world.get("/01/09521234543213/10/L1").text().contains("Glass"));
    let id = "identifier=https://id.gs1.org/01/09521234543213/10/L1";
    assert_eq!(world.post_as(&key, "/app/publications/recall/clear", id).status, 303);
    assert_eq!(world.post_as(&key, "/app/publications/withdraw", id).status, 303);
    assert_eq!(world.get("/01/09521234543213/10/L1").status, 404);
    let refused = world.post_as(&key, "/app/publications", "identifier=x&product=y");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("role=\"alert\""));
}

#[test]
fn the_documentation_and_its_files_are_served() {
    let world = World::new();
    let front = world.get("/docs/");
    assert_eq!(front.status, 200);
    assert!(front.text().contains("href=\"/docs/tutorial/first-hour\""));
    assert_eq!(world.get("/docs/how-to/read-the-log").status, 200);
    assert_eq!(
        world.get("/docs/how-to/read-the-log.md").header("location"),
        "/docs/how-to/read-the-log"
    );
    let schema = world.get("/docs/reference/schemas/trace.schema.json");
    assert_eq!(schema.header("content-type"), "application/json");
    let verifier = world.get("/docs/verifier/countermark-verify.html");
    assert!(verifier.header("content-disposition").starts_with("attachment"));
    for path in ["/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml", "/docs/nothing", "/docs/.git"] {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_server_verifies_what_a_form_sends_and_says_that_it_did() {
    use axum::body::Body;
    use axum::http::Request;
    let world = World::new();
    world.capture("Green Farm", &[event("urn:x:1", "")]);
    let proof = world
        .node
        .prove(&countermark_node::Scope::All, "urn:x:1", &["/bizStep".to_owned()])
        .unwrap();
    let trust = world.node.trust().unwrap();
    let send = |bundle: &[u8], site: &str| {
        let mut body = Vec::new();
        for (name, bytes) in [("bundle", bundle), ("trust", trust.as_bytes())] {
            let head = format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--x--\r\n");
        let request = Request::post("/verify/check")
            .header("host", "id.example.com")
            .header("sec-fetch-site", site)
            .header("content-type", "multipart/form-data; boundary=x");
        world.send(request.body(Body::from(body)).unwrap())
    };
    let held = send(&proof.bundle, "same-origin");
    assert_eq!(held.status, 200, "{}", held.text());
    assert!(held.text().contains("It holds") && held.text().contains("not by your device"));
    assert!(held.text().contains("/bizStep"));
    let mut altered = proof.bundle.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let text = send(&altered, "same-origin").text();
    assert!(text.contains("Altered, or not the original") && !text.contains("/bizStep"), "{text}");
    assert_eq!(send(b"no bundle", "same-origin").status, 422);
    assert_eq!(send(&proof.bundle, "cross-site").status, 403);
    assert_eq!(world.get("/verify").status, 200);
}
