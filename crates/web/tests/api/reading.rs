//! What is read over the API: who sees it, in which form, for how long it may be kept.

use axum::http::{Method, StatusCode};
use countermark_node::access::Role;

use crate::world::{World, event, request};

const JSON: &str = "application/json";
const BUNDLE: &str = "application/vnd.countermark.bundle+cbor";

fn ids(answer: &serde_json::Value) -> Vec<&str> {
    let events = answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array();
    events.unwrap().iter().map(|event| event["eventID"].as_str().unwrap()).collect()
}

#[test]
fn whoever_is_bound_to_a_member_sees_that_member_only_and_cannot_tell_what_else_there_is() {
    let world = World::new();
    world.capture("Farm", &[event("urn:x:farm", 1)]);
    world.capture("Mill", &[event("urn:x:mill", 2)]);
    let kept = world.post(Role::Owner, "/documents?name=a.pdf", "application/pdf", "x").json();
    let document = format!("/documents/{}", kept["documentID"].as_str().unwrap());
    assert_eq!(ids(&world.get(Role::Auditor, "/events").json()).len(), 2);
    assert_eq!(ids(&world.get(Role::MemberUser, "/events").json()), ["urn:x:mill"]);
    let same = |there: &str, absent: &str, hidden: &str, nowhere: &str| {
        let mine = world.get(Role::MemberUser, there);
        assert_eq!(mine.problem(), "not-found", "{there}");
        let none = world.get(Role::MemberUser, absent);
        assert_eq!(mine.status, none.status);
        assert_eq!(mine.text().replace(hidden, "ID"), none.text().replace(nowhere, "ID"));
    };
    for tail in ["", "/bundle", "/receipt", "/statement"] {
        let path = |id: &str| format!("/events/{id}{tail}");
        same(&path("urn:x:farm"), &path("urn:x:nope"), "urn:x:farm", "urn:x:nope");
    }
    let id = kept["documentID"].as_str().unwrap();
    let nowhere = "0".repeat(32);
    same(&document, &format!("/documents/{nowhere}"), id, &nowhere);
    let jobs = world.get(Role::Owner, "/capture").json();
    let of_farm = jobs.as_array().unwrap().iter().find(|job| job["member"] == "Farm").unwrap();
    let id = of_farm["captureID"].as_str().unwrap();
    same(&format!("/capture/{id}"), &format!("/capture/{nowhere}"), id, &nowhere);
    assert_eq!(world.get(Role::MemberUser, "/capture").json().as_array().unwrap().len(), 1);
    assert_eq!(world.get(Role::MemberUser, "/documents").json(), serde_json::json!([]));
    let erase = r#"{"eventID":"urn:x:farm","reason":"error"}"#;
    assert_eq!(world.post(Role::MemberUser, "/erasures", JSON, erase).problem(), "not-found");
    let other = world.post(Role::MemberUser, "/events?member=Farm", JSON, &event("urn:x:3", 3));
    assert_eq!(other.problem(), "not-found");
    let own = world.post(Role::MemberUser, "/events", JSON, &event("urn:x:4", 4));
    assert_eq!(own.status, StatusCode::CREATED);
    assert_eq!(ids(&world.get(Role::MemberUser, "/events").json()).len(), 2);
}

#[test]
fn events_come_in_the_form_that_is_asked_for() {
    let world = World::new();
    world.capture("Farm", &[event("urn:x:1", 1)]);
    let with = |format: &str| {
        let mut request = request(Method::GET, "/events", Some(world.key(Role::Viewer)), None);
        request.headers_mut().insert("gs1-epc-format", format.parse().unwrap());
        world.send(request)
    };
    let urn = with("Always_EPC_URN");
    assert!(urn.text().contains("urn:epc:id:sscc:"), "{}", urn.text());
    assert_eq!(urn.header("gs1-epc-format"), "Always_EPC_URN");
    assert_eq!(urn.header("gs1-epcis-version"), "2.0");
    let link = with("Always_GS1_Digital_Link");
    assert!(link.text().contains("https://id.gs1.org/00/"));
    assert_eq!(with("Sometimes").problem(), "bad-request");
    assert_eq!(urn.json()["type"], "EPCISQueryDocument");
}

#[test]
fn a_query_goes_on_where_its_page_ended() {
    let world = World::new();
    let events: Vec<String> = (0..7).map(|n| event(&format!("urn:x:{n}"), n)).collect();
    world.capture("Farm", &events);
    let mut target = "/events?perPage=3&eventType=ObjectEvent".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = world.get(Role::Viewer, &target);
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        seen.extend(ids(&page.json()).iter().map(|id| (*id).to_owned()));
        pages += 1;
        let link = page.header("link").to_owned();
        let Some(next) = link.strip_prefix('<').and_then(|rest| rest.split('>').next()) else {
            break;
        };
        target = next.to_owned();
    }
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), pages), (7, 3));
}

#[test]
fn a_checkpoint_is_asked_for_again_and_full_tiles_never() {
    let world = World::new();
    let first = world.send(request(Method::GET, "/log/checkpoint", None, None));
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "no-cache");
    let again = |tag: &str| {
        let mut request = request(Method::GET, "/log/checkpoint", None, None);
        request.headers_mut().insert("if-none-match", tag.parse().unwrap());
        world.send(request)
    };
    let same = again(&format!("\"other\", {tag}"));
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(same.header("etag"), tag);
    world.capture("Farm", &[event("urn:x:1", 1)]);
    assert_eq!(again(&tag).status, StatusCode::OK);
    for number in 0..130 {
        world.capture("Farm", &[event(&format!("urn:y:{number}"), number)]);
    }
    let full = world.send(request(Method::GET, "/log/tile/0/000", None, None));
    assert_eq!((full.status, full.body.len()), (StatusCode::OK, 256 * 32));
    assert!(full.header("cache-control").contains("immutable"));
    let partial = world.send(request(Method::GET, "/log/tile/0/001.p/1", None, None));
    assert_eq!((partial.status, partial.body.len()), (StatusCode::OK, 32));
    assert!(!partial.header("cache-control").contains("immutable"));
    let entries = world.get(Role::Auditor, "/log/tile/entries/000");
    assert!(entries.header("cache-control").starts_with("private"));
    for target in ["/log/tile/0/zzz", "/log/tile/x/000", "/log/tile/0/000.p/300", "/log/tile/0/.."]
    {
        let answer = world.send(request(Method::GET, target, None, None));
        assert_eq!(answer.problem(), "not-found", "{target}");
    }
}

#[test]
fn the_ledger_is_read_by_block_leaf_object_and_proof() {
    let world = World::new();
    world.capture("Farm", &[event("urn:x:1", 1)]);
    let blocks = world.get(Role::Auditor, "/blocks?limit=1").json();
    let height = blocks["blocks"][0]["height"].as_u64().unwrap();
    let block = world.get(Role::Auditor, &format!("/blocks/{height}")).json();
    let statement = &block["statements"][0];
    assert_eq!(statement["kind"], "capture");
    let object = statement["objects"][0].as_str().unwrap();
    let object = world.get(Role::Auditor, &format!("/log/objects/{object}"));
    assert_eq!(object.status, StatusCode::OK);
    let index = statement["leafIndex"].as_u64().unwrap();
    let leaf = world.get(Role::Auditor, &format!("/leaves/{index}")).json();
    let size = leaf["inclusion"]["treeSize"].as_u64().unwrap();
    let proof = world.get(Role::Auditor, &format!("/log/inclusion/{index}/{size}"));
    let steps = leaf["inclusion"]["path"].as_array().unwrap();
    let siblings: Vec<&str> = steps.iter().map(|step| step["sibling"].as_str().unwrap()).collect();
    assert_eq!(proof.text().lines().collect::<Vec<_>>(), siblings);
    let old = world.get(Role::Auditor, &format!("/log/consistency/1/{size}"));
    assert_eq!(old.status, StatusCode::OK);
    for target in
        ["/blocks/999", "/blocks/x", "/leaves/999", "/log/inclusion/9/1", "/log/objects/0"]
    {
        assert_eq!(world.get(Role::Auditor, target).problem(), "not-found", "{target}");
    }
}

#[test]
fn a_bundle_is_fetched_and_verified_over_the_api() {
    let world = World::new();
    world.capture("Farm", &[event("urn:x:1", 1)]);
    let bundle = world.get(Role::Auditor, "/events/urn:x:1/bundle?field=/bizStep&field=/action");
    assert_eq!(bundle.header("content-type"), BUNDLE);
    let verify = |target: &str, kind: &str, body: Vec<u8>| {
        world.send(request(Method::POST, target, None, Some((kind, body))))
    };
    let alone = verify("/verify", BUNDLE, bundle.body.clone()).json();
    assert_eq!(alone["verdict"], "consistent; log key not checked");
    let own = verify("/verify?trust=own", BUNDLE, bundle.body.clone()).json();
    assert_eq!(own["verdict"], "holds");
    let shown: Vec<_> = own["disclosed"].as_array().unwrap().iter().map(|d| &d["value"]).collect();
    assert_eq!(shown.len(), 2);
    let trust = world.send(request(Method::GET, "/trust-policy", None, None));
    let mut form = Vec::new();
    for (name, content) in [("bundle", &bundle.body), ("trust", &trust.body)] {
        let head = "--x\r\nContent-Disposition: form-data; name=";
        form.extend(format!("{head}\"{name}\"; filename=\"f\"\r\n\r\n").into_bytes());
        form.extend(content);
        form.extend(b"\r\n");
    }
    form.extend(b"--x--\r\n");
    let both = verify("/verify", "multipart/form-data; boundary=x", form);
    assert_eq!(both.json()["verdict"], "holds", "{}", both.text());
    let mut altered = bundle.body.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let altered = verify("/verify?trust=own", BUNDLE, altered);
    assert!(altered.status == StatusCode::OK || altered.problem() == "invalid");
    assert!(!altered.text().contains("\"holds\""), "{}", altered.text());
    assert!(verify("/verify", BUNDLE, b"nonsense".to_vec()).status.is_client_error());
    let broken = verify("/verify", "multipart/form-data; boundary=x", b"--y".to_vec());
    assert_eq!(broken.problem(), "bad-request");
    let nothing = world.get(Role::Auditor, "/events/urn:x:1/bundle?field=nonsense");
    assert!(nothing.status.is_client_error());
}

#[test]
fn members_keys_and_accounts_are_managed_over_the_api() {
    let world = World::new();
    let post = |target: &str, body: &str| world.post(Role::Owner, target, JSON, body);
    let shop = post("/members", r#"{"name":"Shop","country":"DE"}"#);
    assert_eq!((shop.status, &shop.json()["status"]), (StatusCode::CREATED, &"active".into()));
    assert_eq!(post("/members", r#"{"name":"Shop"}"#).problem(), "conflict");
    let suspended = post("/members/Shop/standing", r#"{"standing":"suspended"}"#);
    assert_eq!(suspended.json()["status"], "suspended");
    let key = post("/keys/rotate", r#"{"member":"Mill"}"#).json();
    let keys = world.get(Role::Viewer, "/keys").json();
    assert!(keys.as_array().unwrap().iter().any(|one| one["key"] == key["key"]));
    assert_eq!(post("/clock/confirm", "").problem(), "conflict");
    let made = post("/accounts", r#"{"name":"Desk","role":"viewer"}"#);
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let key = post("/api-keys", r#"{"account":"Desk","label":"x","days":1}"#);
    assert_eq!(key.status, StatusCode::CREATED, "{}", key.text());
    let token = key.json()["token"].as_str().unwrap().to_owned();
    let read = || world.send(request(Method::GET, "/members", Some(&token), None)).status;
    assert_eq!(read(), StatusCode::OK);
    let listed = world.get(Role::Owner, "/api-keys?account=Desk");
    assert!(!listed.text().contains(token.rsplit('_').next().unwrap()));
    assert_eq!(post("/accounts/Desk/disable", "").json()["disabled"], true);
    assert_eq!(read(), StatusCode::UNAUTHORIZED);
    let link = post("/invitations", r#"{"role":"member-user","member":"Mill","hours":1}"#);
    assert!(link.json()["url"].as_str().unwrap().contains("/invitation/"), "{}", link.text());
    let log = world.get(Role::Auditor, "/access-log");
    assert!(log.text().contains("account disabled"));
    for nonsense in ["", "[]", "{}", r#"{"name":"A","role":"king"}"#, r#"{"x":1}"#] {
        assert_eq!(post("/accounts", nonsense).problem(), "bad-request", "{nonsense}");
    }
}
