//! Every page of the route table: who sees it, and where its forms may come from.

use axum::body::Body;
use axum::http::{Method, header};
use countermark_node::access::Role;
use countermark_web::route::{Access, Audience, Route, table};

use crate::support::{KITCHEN, World, request};

fn pages() -> impl Iterator<Item = Route> {
    table().into_iter().filter(|route| route.audience == Audience::Person)
}

/// A path of the route: ids that nobody knows.
fn path_of(route: &Route) -> String {
    let parts = route
        .path
        .split('/')
        .map(|part| if part.starts_with('{') { "00000000000000000000000000000000" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn each_page_is_shown_to_whom_it_is_for_and_to_nobody_else() {
    let world = World::new();
    let signed_in: Vec<(Role, String)> = Role::ALL
        .into_iter()
        .map(|role| {
            let member = (role == Role::MemberUser).then_some(KITCHEN);
            (role, world.signed_in(role.name(), role, member))
        })
        .collect();
    let mut seen = 0;
    for route in pages().filter(|route| route.method == Method::GET) {
        let path = path_of(&route);
        let guarded = !matches!(route.access, Access::Public | Access::PublicCostly);
        if !guarded {
            continue;
        }
        seen += 1;
        let stranger = world.get("", &path).await;
        assert_eq!(stranger.status, 303, "{path} to a stranger");
        assert!(stranger.location.starts_with("/sign-in?next="), "{path}");
        for (role, cookie) in &signed_in {
            let answer = world.get(cookie, &path).await;
            let is_allowed = match route.access {
                Access::Allowed(permission) => role.allows(permission),
                _ => true,
            };
            assert_eq!(answer.status != 403, is_allowed, "{path} to {role}: {}", answer.status);
            assert_ne!(answer.status, 401, "{path} to {role}");
            assert!(!answer.status.is_server_error(), "{path} to {role}: {}", answer.text);
        }
    }
    assert!(seen >= 15, "{seen} pages");
}

#[tokio::test]
async fn no_form_is_taken_from_another_site_or_from_nowhere() {
    let world = World::new();
    let owner = world.owner();
    let mut seen = 0;
    for route in pages().filter(|route| route.method != Method::GET) {
        seen += 1;
        let path = path_of(&route);
        for headers in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("origin", "http://evil.example")],
            vec![],
        ] {
            let mut request = request(route.method.clone(), &path, &owner)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let answer = world.send(request.body(Body::from("do=leave&sure=yes")).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} with {headers:?}");
        }
    }
    assert!(seen >= 8, "{seen} forms");
}

#[tokio::test]
async fn whoever_may_not_change_things_is_refused_and_told_who_can() {
    let world = World::new();
    let viewer = world.signed_in("viewer", Role::Viewer, None);
    for route in pages().filter(|route| route.method == Method::POST) {
        if let Access::Allowed(permission) = route.access {
            assert!(!Role::Viewer.allows(permission), "{} changes something", route.path);
            let answer = world.post(&viewer, &path_of(&route), "do=add&name=x").await;
            assert_eq!(answer.status, 403, "{}", route.path);
        }
    }
    let members = world.get(&viewer, "/app/members").await;
    assert!(members.text.contains("An owner of this node can add members"));
    assert!(!members.text.contains("value=\"leave\""));
}
