//! What comes in over the API, and what is refused.

use axum::http::{Method, StatusCode};
use countermark_node::access::Role;
use countermark_node::jobs::limits::JOBS_OPEN_MAX;

use crate::world::{World, document, event, request};

const JSON: &str = "application/json";

#[test]
fn a_document_is_accepted_then_recorded_by_its_job() {
    let world = World::new();
    let sent = document(&[event("urn:x:1", 1), event("urn:x:2", 2)]);
    let target = "/capture?member=Mill&name=a.json";
    let accepted = world.post(Role::Operator, target, "application/ld+json", &sent);
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text());
    let place = accepted.header("location").to_owned();
    assert_eq!(accepted.json()["running"], true);
    assert_eq!(place, format!("/capture/{}", accepted.json()["captureID"].as_str().unwrap()));
    assert_eq!(world.get(Role::Viewer, &place).json()["state"], "queued");
    world.node.jobs_run_queued().unwrap();
    let job = world.get(Role::Viewer, &place).json();
    assert_eq!((&job["success"], &job["running"]), (&true.into(), &false.into()));
    assert_eq!((&job["accepted"], &job["member"]), (&2.into(), &"Mill".into()));
    assert_eq!((&job["account"], &job["file"]), (&"operator".into(), &"a.json".into()));
    assert_eq!(job["report"]["accepted"][0]["eventID"], "urn:x:1");
    assert_eq!(world.get(Role::Viewer, "/events/urn%3Ax%3A1").json()["eventID"], "urn:x:1");
}

#[test]
fn a_job_says_where_its_document_breaks_which_rule() {
    let world = World::new();
    let bad = event("urn:x:1", 1).replace("OBSERVE", "LOOK");
    let accepted = world.post(Role::Owner, "/capture", JSON, &document(&[bad]));
    world.node.jobs_run_queued().unwrap();
    let job = world.get(Role::Owner, accepted.header("location")).json();
    assert_eq!((&job["success"], &job["accepted"]), (&false.into(), &0.into()));
    assert_eq!(job["errors"][0]["pointer"], "/epcisBody/eventList/0/action");
    assert_eq!(job["errors"][0]["status"], 422);
    assert!(job["errors"][0]["rule"].is_string());
    let found = world.get(Role::Viewer, "/findings").json();
    assert_eq!(found[0]["captureID"], job["captureID"]);
    assert_eq!(found[0]["pointer"], "/epcisBody/eventList/0/action");
}

#[test]
fn a_full_queue_says_when_to_come_back_and_keeps_nothing() {
    let world = World::new();
    for number in 0..JOBS_OPEN_MAX {
        let sent = document(&[event(&format!("urn:x:{number}"), number)]);
        let answer = world.post(Role::Owner, "/capture", JSON, &sent);
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    }
    let full = world.post(Role::Owner, "/capture", JSON, &document(&[event("urn:x:z", 1)]));
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.problem(), "too-many");
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);
    let inbox = std::fs::read_dir(world.folder.path().join("node/inbox")).unwrap();
    assert_eq!(inbox.count() as u64, JOBS_OPEN_MAX);
}

#[test]
fn only_rollback_is_served_and_the_other_is_refused_with_words() {
    let world = World::new();
    let send = |behaviour: &str| {
        let key = world.key(Role::Owner);
        let body = (JSON, document(&[event("urn:x:1", 1)]).into_bytes());
        let mut request = request(Method::POST, "/capture", Some(key), Some(body));
        let value = behaviour.parse().unwrap();
        request.headers_mut().insert("gs1-capture-error-behaviour", value);
        world.send(request)
    };
    assert_eq!(send("rollback").status, StatusCode::ACCEPTED);
    let proceed = send("proceed");
    assert_eq!(proceed.problem(), "bad-request");
    assert!(proceed.json()["detail"].as_str().unwrap().contains("whole or not at all"));
    assert_eq!(send("ignore").problem(), "bad-request");
}

#[test]
fn one_event_is_on_the_ledger_when_the_answer_comes() {
    let world = World::new();
    let sent = event("urn:x:1", 1);
    let made = world.post(Role::Owner, "/events", JSON, &sent);
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.header("location"), "/events/urn%3Ax%3A1");
    assert_eq!(world.get(Role::Viewer, made.header("location")).status, StatusCode::OK);
    assert_eq!(world.post(Role::Owner, "/events", JSON, &sent).status, StatusCode::OK);
    let other = world.post(Role::Owner, "/events", JSON, &event("urn:x:1", 2));
    assert_eq!((other.status, other.problem()), (StatusCode::CONFLICT, "conflict".to_owned()));
    assert_eq!(other.json()["rule"], "event.known");
    let bad = world.post(Role::Owner, "/events", JSON, &sent.replace("OBSERVE", "LOOK"));
    assert_eq!(bad.problem(), "invalid");
    assert_eq!(bad.json()["pointer"], "/action");
    assert!(bad.json()["findings"].as_array().unwrap().len() == 1);
    for many in [document(&[event("urn:x:9", 9)]), format!("[{sent}]"), "7".to_owned()] {
        let refused = world.post(Role::Owner, "/events", JSON, &many);
        assert_eq!(refused.json()["rule"], "event.single", "{many}");
    }
    assert_eq!(world.post(Role::Owner, "/events", JSON, "{").json()["rule"], "json.syntax");
    let jobs = world.get(Role::Owner, "/capture").json();
    assert_eq!(jobs[0]["account"], "owner");
    let none = world.post(Role::Owner, "/capture", JSON, " nonsense");
    assert_eq!((none.problem(), &none.json()["rule"]), ("invalid".into(), &"json.syntax".into()));
}

#[test]
fn what_is_sent_under_a_wrong_content_type_is_refused() {
    let world = World::new();
    let sent = document(&[event("urn:x:1", 1)]);
    for (target, kind) in [
        ("/capture", "text/plain"),
        ("/capture", "application/xml"),
        ("/events", ""),
        ("/validate", "multipart/form-data; boundary=x"),
        ("/erasures", "text/json"),
        ("/master-data", JSON),
        ("/verify", JSON),
    ] {
        let answer = world.post(Role::Owner, target, kind, &sent);
        assert_eq!(answer.problem(), "media-type", "{target} {kind}");
    }
}

#[test]
fn a_body_is_refused_before_it_is_read_when_it_is_too_large() {
    let world = World::new();
    let key = world.key(Role::Owner);
    let mut request = request(Method::POST, "/events", Some(key), Some((JSON, b"{}".to_vec())));
    request.headers_mut().insert("content-length", "9999999999".parse().unwrap());
    assert_eq!(world.send(request).problem(), "too-large");
}

#[test]
fn a_parameter_that_is_unknown_malformed_or_twice_is_refused() {
    let world = World::new();
    for target in [
        "/capture?perPage=x",
        "/capture?perPage=-1",
        "/capture?state=lost",
        "/capture?nextPageToken=x",
        "/capture?color=red",
        "/capture?perPage=1&perPage=2",
        "/capture?success=",
        "/events?color=red",
        "/events?nextPageToken=nonsense",
        "/events?eventType=ObjectEvent&eventType=ObjectEvent",
        "/trace",
        "/trace?id=a&direction=left",
        "/blocks?limit=1.5",
        "/members?x",
    ] {
        let answer = world.get(Role::Owner, target);
        assert_eq!(answer.problem(), "bad-request", "{target}");
    }
    let lost = world.post(Role::Owner, "/import", "text/csv", "a,b");
    assert!(lost.json()["detail"].as_str().unwrap().contains("mapping"));
    let unknown = world.post(Role::Owner, "/import?mapping=none", "text/csv", "a,b");
    assert!(unknown.status.is_client_error(), "{}", unknown.text());
    let stranger = world.post(Role::Owner, "/capture?member=Nobody", JSON, "{}");
    assert_eq!(stranger.problem(), "not-found");
}

#[test]
fn checking_a_document_gives_it_back_with_what_is_found_and_stores_nothing() {
    let world = World::new();
    let before = world.node.height();
    let good = world.post(Role::Operator, "/validate", JSON, &document(&[event("urn:x:1", 1)]));
    let good = good.json();
    assert_eq!((&good["valid"], &good["events"]), (&true.into(), &1.into()));
    assert_eq!(good["document"]["epcisBody"]["eventList"][0]["eventID"], "urn:x:1");
    let bad = event("urn:x:1", 1).replace("OBSERVE", "LOOK");
    let bad = world.post(Role::Operator, "/validate", JSON, &document(&[bad])).json();
    assert_eq!(bad["valid"], false);
    assert_eq!(bad["findings"][0]["pointer"], "/epcisBody/eventList/0/action");
    let none = world.post(Role::Operator, "/validate", JSON, "{").json();
    assert_eq!((&none["valid"], &none["document"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(world.node.height(), before);
    assert_eq!(world.get(Role::Owner, "/capture").json().as_array().unwrap().len(), 0);
}

#[test]
fn an_import_shows_first_and_records_then() {
    let world = World::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let known =
        world.post(Role::Owner, "/master-data", "application/toml", &read("master-data.toml"));
    assert_eq!(known.status, StatusCode::OK, "{}", known.text());
    let folder = root.join("csv-harvest/examples");
    let golden = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let input = golden.filter(|path| path.extension().is_some_and(|e| e == "csv")).min().unwrap();
    let csv = std::fs::read_to_string(input).unwrap();
    let dry = world.post(Role::Owner, "/import?mapping=csv-harvest&dryRun=true", "text/csv", &csv);
    let dry = dry.json();
    assert!(dry["fresh"].as_u64().unwrap() > 0, "{dry}");
    assert_eq!(world.get(Role::Owner, "/capture").json().as_array().unwrap().len(), 0);
    let sent = world.post(Role::Owner, "/import?mapping=csv-harvest&name=h.csv", "text/csv", &csv);
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
    world.node.jobs_run_queued().unwrap();
    let job = world.get(Role::Owner, sent.header("location")).json();
    assert_eq!((&job["accepted"], &job["mapping"]), (&dry["fresh"], &"csv-harvest".into()));
}

#[test]
fn the_list_of_jobs_links_to_its_next_page() {
    let world = World::new();
    for number in 0..5 {
        world.capture("Farm", &[event(&format!("urn:x:{number}"), number)]);
    }
    let (mut target, mut seen) = ("/capture?perPage=2".to_owned(), Vec::new());
    loop {
        let page = world.get(Role::Viewer, &target);
        let jobs = page.json();
        seen.extend(jobs.as_array().unwrap().iter().map(|job| job["captureID"].clone()));
        let link = page.header("link");
        let Some(next) = link.strip_prefix('<').and_then(|rest| rest.split('>').next()) else {
            break;
        };
        assert!(link.ends_with("rel=\"next\"") && next.contains("perPage=2"), "{link}");
        target = next.to_owned();
    }
    assert_eq!(seen.len(), 5);
}
