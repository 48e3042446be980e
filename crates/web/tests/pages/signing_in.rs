use axum::body::Body;
use axum::http::{Method, header};
use countermark_node::access::{LinkPurpose, NewLink, Principal, Role};

use crate::support::{FARM, KITCHEN, PASSWORD, World, request};

fn session(answer: &crate::support::Answer) -> String {
    answer.cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_name_and_its_password_open_the_page_that_was_asked_for() {
    let world = World::new();
    world.signed_in("anna's desk", Role::Viewer, None);
    let asked = world.get("", "/app/events?step=shipping").await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    assert_eq!(asked.location, "/sign-in?next=%2Fapp%2Fevents%3Fstep%3Dshipping");
    let form = world.get("", &asked.location).await;
    assert!(form.text.contains("value=\"/app/events?step=shipping\""), "{}", form.text);
    let body = format!(
        "name=anna's+desk&password={}&next=%2Fapp%2Fevents%3Fstep%3Dshipping",
        PASSWORD.replace(' ', "+")
    );
    let answer = world.post("", "/sign-in", &body).await;
    assert_eq!((answer.status.as_u16(), &*answer.location), (303, "/app/events?step=shipping"));
    assert!(answer.cookie.contains("HttpOnly; SameSite=Lax"), "{}", answer.cookie);
    let cookie = session(&answer);
    assert_eq!(world.get(&cookie, "/app/events").await.status, 200);
    let out = world.post(&cookie, "/sign-out", "").await;
    assert_eq!((out.status.as_u16(), &*out.location), (303, "/sign-in"));
    assert!(out.cookie.contains("Max-Age=0"), "{}", out.cookie);
    assert_eq!(world.get(&cookie, "/app/events").await.status, 303);
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_and_not_what_was_wrong() {
    let world = World::new();
    world.signed_in("desk", Role::Viewer, None);
    let wrong = world.post("", "/sign-in", "name=desk&password=not+this+one+at+all").await;
    let nobody = world.post("", "/sign-in", "name=nobody&password=not+this+one+at+all").await;
    assert_eq!(wrong.status, nobody.status);
    assert!(wrong.status.is_client_error());
    assert!(wrong.cookie.is_empty() && wrong.text.contains("name=\"password\""));
    assert!(wrong.text.contains("value=\"desk\"") && !wrong.text.contains("not this one"));
    assert_eq!(wrong.text.replace("\"desk\"", "\"nobody\""), nobody.text);
}

#[tokio::test]
async fn nobody_is_sent_to_another_host_after_signing_in() {
    let world = World::new();
    world.signed_in("desk", Role::Viewer, None);
    for next in [
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%09%2Fevil.example",
    ] {
        let body = format!("name=desk&password={}&next={next}", PASSWORD.replace(' ', "+"));
        let answer = world.post("", "/sign-in", &body).await;
        assert_eq!((answer.status.as_u16(), &*answer.location), (303, "/app"), "{next}");
        let form = world.get("", &format!("/sign-in?next={next}")).await;
        assert!(form.text.contains("name=\"next\" value=\"/app\""), "{next}: {}", form.text);
    }
}

#[tokio::test]
async fn looking_at_a_link_does_not_use_it_up_and_its_button_does() {
    let world = World::new();
    world.signed_in("desk", Role::Auditor, None);
    let purpose = LinkPurpose::SignIn { account: "desk".to_owned() };
    let link = NewLink { purpose, ttl_ms: None };
    let path = world.node.link_make(&Principal::local(), &link).unwrap().path();
    for _ in 0..3 {
        let page = world.get("", &path).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Sign in as desk"));
    }
    let used = world.post("", &path, "").await;
    assert_eq!((used.status.as_u16(), &*used.location), (303, "/app"), "{}", used.text);
    assert_eq!(world.get(&session(&used), "/app").await.status, 200);
    assert_eq!(world.get("", &path).await.status, 404);
    assert_eq!(world.post("", &path, "").await.status, 404);
}

#[tokio::test]
async fn an_invitation_asks_for_two_things_and_leads_to_the_import() {
    let world = World::new();
    let path = world.invite(Role::MemberUser, Some(KITCHEN));
    let page = world.get("", &path).await;
    assert!(page.text.contains(KITCHEN) && page.text.contains("member-user"), "{}", page.text);
    assert_eq!(page.text.matches("<input ").count(), 2);
    let short = world.post("", &path, "name=kitchen&password=short").await;
    assert_eq!(short.status.as_u16() / 100, 4);
    assert!(short.text.contains("value=\"kitchen\""), "the name is kept: {}", short.text);
    let body = format!("name=kitchen&password={}", PASSWORD.replace(' ', "+"));
    let used = world.post("", &path, &body).await;
    assert_eq!((used.status.as_u16(), &*used.location), (303, "/app/import"), "{}", used.text);
    let page = world.get(&session(&used), "/app/import").await;
    assert!(page.text.contains("recorded by Town Kitchen") && !page.text.contains(FARM));
    assert_eq!(world.get("", &path).await.status, 404);
}

#[tokio::test]
async fn whoever_came_by_a_link_sets_a_password_without_knowing_the_old_one() {
    let world = World::new();
    let link = world.node.first_owner_link().unwrap().unwrap();
    let used = world.post("", &link.path(), "").await;
    let cookie = session(&used);
    assert!(world.get(&cookie, "/app").await.text.contains("no password yet"));
    let body = format!("new={}", PASSWORD.replace(' ', "+"));
    let changed = world.post(&cookie, "/app/me/password", &body).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    assert_eq!(world.get(&cookie, "/app").await.status, 303, "older sessions end");
    assert!(!world.get(&session(&changed), "/app").await.text.contains("no password yet"));
}

#[tokio::test]
async fn secrets_are_shown_once() {
    let world = World::new();
    let owner = world.owner();
    let made = world.post(&owner, "/app/accounts", "do=invite&role=viewer&member=").await;
    assert_eq!(made.status, 200, "{}", made.text);
    let at = made.text.find("/invitation/").unwrap();
    let token = &made.text[at + 12..at + 76];
    assert_eq!(world.get("", &format!("/invitation/{token}")).await.status, 200);
    assert!(!world.get(&owner, "/app/accounts").await.text.contains(token));
    let form = "do=key&account=first&label=till&days=30&may-read=yes";
    let made = world.post(&owner, "/app/accounts", form).await;
    let at = made.text.find("cmk_").unwrap();
    let key: String =
        made.text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    assert!(world.node.api_key(&key).unwrap().is_some());
    let page = world.get(&owner, "/app/accounts").await;
    assert!(page.text.contains("till") && !page.text.contains(&key));
    let id = key.split('_').nth(1).unwrap();
    let gone = world.post(&owner, "/app/accounts", &format!("do=revoke&key={id}")).await;
    assert_eq!(gone.location, "/app/accounts?done=revoked");
    assert!(world.node.api_key(&key).unwrap().is_none());
}

#[tokio::test]
async fn a_sign_in_form_of_another_site_is_refused() {
    let world = World::new();
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")] {
        let request = request(Method::POST, "/sign-in", "")
            .header(name, value)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = world.send(request.body(Body::from("name=a&password=b")).unwrap()).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
}
