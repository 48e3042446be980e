//! The route table, walked: every route with every role, without a key, and with keys that ended.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use countermark_node::access::Role;
use countermark_web::route::{self, Access, Audience, Route};

use crate::world::{Answer, World, request};

/// A path of the route in which every name stands for something that is not there.
fn sample(route: &Route) -> String {
    let segment = |segment: &str| {
        if segment.starts_with('{') { "0".to_owned() } else { segment.to_owned() }
    };
    route.path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Whether the guard let it through: what a handler then says of nonsense is its own affair.
fn is_let_through(answer: &Answer) -> bool {
    let to_sign_in =
        answer.status == StatusCode::SEE_OTHER && answer.header("location").starts_with("/sign-in");
    !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && !to_sign_in
}

fn call(world: &World, route: &Route, key: Option<&str>) -> Answer {
    world.send(request(route.method.clone(), &sample(route), key, None))
}

#[test]
fn whoever_shows_no_key_gets_what_is_public_and_nothing_else() {
    let world = World::new();
    for route in route::table().iter().filter(|route| route.access != Access::PublicCostly) {
        let answer = call(&world, route, None);
        let is_public = route.access == Access::Public;
        // A form without a session is not taken from another site, public or not.
        let is_form = route.audience == Audience::Person && route.method != Method::GET;
        assert_eq!(
            is_let_through(&answer),
            is_public && !is_form,
            "{} {}",
            route.method,
            route.path
        );
        if !is_public && route.audience == Audience::Program {
            assert_eq!(answer.problem(), "not-signed-in", "{} {}", route.method, route.path);
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[test]
fn every_role_is_let_through_where_the_table_allows_it_and_refused_elsewhere() {
    let world = World::new();
    let mut refused = 0;
    for route in route::table() {
        let Access::Allowed(permission) = route.access else { continue };
        for role in Role::ALL {
            let answer = call(&world, &route, Some(world.key(role)));
            let place = format!("{role} {} {}", route.method, route.path);
            assert_eq!(is_let_through(&answer), role.allows(permission), "{place}");
            if !role.allows(permission) {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{place}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn keys_that_ended_open_nothing() {
    let world = World::new();
    let local = countermark_node::access::Principal::local();
    let revoked = world.key(Role::Auditor).to_owned();
    let expired = world.key(Role::Owner).to_owned();
    let id = |key: &str| key.split('_').nth(1).unwrap().to_owned();
    world.node.api_key_revoke(&local, &id(&revoked)).unwrap();
    let desk = rusqlite::Connection::open(world.folder.path().join("node/desk.db")).unwrap();
    let changed =
        desk.execute("UPDATE api_key SET expires_at = 1 WHERE id = ?1", [id(&expired)]).unwrap();
    assert_eq!(changed, 1);
    let mut half = world.key(Role::Viewer).to_owned();
    half.pop();
    for key in [&*revoked, &*expired, &*half, "cmk_", "", "x y"] {
        for route in route::table() {
            if !matches!(route.access, Access::Allowed(_)) || route.audience == Audience::Person {
                continue;
            }
            let answer = call(&world, &route, Some(key));
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{key} {}", route.path);
        }
    }
}

#[test]
fn what_the_api_answers_is_what_its_document_says() {
    let world = World::new();
    for route in route::table() {
        if route.operation.id.is_none() || route.access == Access::PublicCostly {
            continue;
        }
        let doc = &countermark_web::openapi::document()["paths"][route.path.replace("{*", "{")]
            [route.method.as_str().to_lowercase()];
        let said: BTreeSet<u16> = doc["responses"]
            .as_object()
            .unwrap_or_else(|| panic!("{} is not documented", route.path))
            .keys()
            .map(|status| status.parse().unwrap())
            .collect();
        for key in [None, Some(world.key(Role::Owner)), Some(world.key(Role::Viewer))] {
            let answer = call(&world, &route, key);
            let status = answer.status.as_u16();
            assert!(said.contains(&status), "{} {}: {status}", route.method, route.path);
        }
    }
}

#[test]
fn operations_have_names_of_their_own_and_describe_their_paths() {
    let mut names = BTreeSet::new();
    for route in route::table() {
        let doc = &route.operation;
        let Some(id) = doc.id else { continue };
        assert!(names.insert(id), "{id} twice");
        assert!(!doc.summary.is_empty(), "{id}");
        let in_path: BTreeSet<&str> = route
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{'))
            .map(|part| part.trim_start_matches('*').trim_end_matches('}'))
            .collect();
        let named = doc.parameters.iter().filter(|one| one.place == route::Place::Path);
        assert_eq!(named.map(|one| one.name).collect::<BTreeSet<_>>(), in_path, "{id}");
    }
}

#[test]
fn head_is_served_as_get_and_options_says_what_is() {
    let world = World::new();
    let head = world.send(request(Method::HEAD, "/log/checkpoint", None, None));
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert!(!head.header("etag").is_empty());
    for target in ["/events", "/capture", "/log/checkpoint"] {
        let options = world.send(request(Method::OPTIONS, target, None, None));
        assert_eq!(options.status, StatusCode::NO_CONTENT, "{target}");
        assert!(options.header("allow").contains("GET"), "{target}: {}", options.header("allow"));
    }
    let wrong = world.send(request(Method::DELETE, "/events", Some(world.key(Role::Owner)), None));
    assert_eq!(wrong.problem(), "method");
    assert!(wrong.header("allow").contains("POST"));
}

#[test]
fn paths_that_nobody_serves_are_problems() {
    let world = World::new();
    for target in [
        "/nothing",
        "/events/a/b/c",
        "/capture/x/y",
        "/log/tile",
        "//events",
        "/%00",
        "/events/%ff",
    ] {
        let answer = world.get(Role::Owner, target);
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}");
        assert_eq!(answer.problem(), "not-found", "{target}");
    }
}

#[test]
fn every_kind_of_problem_is_described() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let page = std::fs::read_to_string(root.join("problems.md")).unwrap();
    for (name, status, _) in countermark_web::Problem::all() {
        let heading = format!("\n## {name}\n");
        let at = page.find(&heading).unwrap_or_else(|| panic!("{name} is not described"));
        let rest = &page[at + heading.len()..];
        let section = rest.split("\n## ").next().unwrap();
        assert!(section.contains(&status.to_string()), "{name}: {section}");
    }
    let headings = page.matches("\n## ").count();
    assert_eq!(headings, countermark_web::Problem::all().count(), "one too many");
}

#[test]
fn every_schema_that_the_document_refers_to_is_in_it_and_every_one_in_it_is_used() {
    let document = countermark_web::openapi::document();
    let text = document.to_string();
    let prefix = "#/components/schemas/";
    let named: BTreeSet<&str> =
        text.split(prefix).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let there: BTreeSet<&str> = schemas.keys().map(String::as_str).collect();
    assert_eq!(named, there);
    for (name, schema) in schemas {
        assert!(schema.is_object() && schema["title"].is_string(), "{name} does not read");
    }
}
