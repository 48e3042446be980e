//! Accounts, sessions, keys, links and the access log, as the desk keeps them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use countermark_store::desk::Desk;
use countermark_store::desk::access::{
    AccessRow, AccountRow, ApiKeyRow, LinkFor, LinkRow, SessionRow,
};
use tempfile::TempDir;

fn new() -> (TempDir, Desk) {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::open(&directory.path().join("desk.db")).unwrap();
    (directory, desk)
}

fn account(name: &str, openid: Option<(&str, &str)>) -> AccountRow {
    AccountRow {
        id: 0,
        name: name.into(),
        folded_name: name.to_lowercase(),
        role: 1,
        member: Some([7; 16]),
        password: Some(vec![1, 2, 3]),
        openid: openid.map(|(issuer, subject)| (issuer.into(), subject.into())),
        created_at_ms: 10,
        disabled_at_ms: None,
        last_sign_in_at_ms: None,
    }
}

fn session(token: u8, account: i64, at_ms: i64) -> SessionRow {
    SessionRow { token: [token; 32], account, manner: 1, created_at_ms: at_ms, used_at_ms: at_ms }
}

fn api_key(id: &str, account: i64) -> ApiKeyRow {
    ApiKeyRow {
        id: id.into(),
        account,
        label: "scale".into(),
        secret: [9; 32],
        permissions: 5,
        member: None,
        created_at_ms: 10,
        expires_at_ms: 100,
        revoked_at_ms: None,
        used_at_ms: None,
    }
}

fn entry(outcome: i64, at_ms: i64) -> AccessRow {
    AccessRow {
        id: 0,
        at_ms,
        outcome,
        action: "sign-in".into(),
        account: Some("office".into()),
        via: None,
        target: None,
        address: Some("192.0.2.1".into()),
        reason: Some("wrong name or password".into()),
        times: 3,
    }
}

#[test]
fn an_account_is_found_by_number_name_and_openid_user() {
    let (_directory, desk) = new();
    let given = account("Office", Some(("https://login.example.com", "4711")));
    let id = desk.add_account(&given).unwrap().unwrap();
    let kept = Some(AccountRow { id, ..given.clone() });
    assert_eq!(desk.account(id).unwrap(), kept);
    assert_eq!(desk.account_named("office").unwrap(), kept);
    assert_eq!(desk.account_of_openid("https://login.example.com", "4711").unwrap(), kept);
    assert_eq!(desk.account_of_openid("https://login.example.org", "4711").unwrap(), None);
    assert_eq!(desk.add_account(&account("OFFICE", None)).unwrap(), None);
    let same_user = account("Quality", Some(("https://login.example.com", "4711")));
    assert_eq!(desk.add_account(&same_user).unwrap(), None);
    assert!(desk.add_account(&account("Dispatch", None)).unwrap().unwrap() > id);
    assert_eq!((desk.account_count().unwrap(), desk.enabled_count(1).unwrap()), (2, 2));
    assert_eq!(desk.accounts(id, 10).unwrap().len(), 1);
}

#[test]
fn disabling_ends_sessions_links_and_keys_of_that_account_alone() {
    let (_directory, mut desk) = new();
    let office = desk.add_account(&account("Office", None)).unwrap().unwrap();
    let quality = desk.add_account(&account("Quality", None)).unwrap().unwrap();
    for (n, id) in [(1, office), (2, quality)] {
        desk.add_session(&session(n, id, 20), None, 0, 20).unwrap();
        desk.add_api_key(&api_key(&n.to_string(), id), 0).unwrap();
        let purpose = LinkFor::Account(id);
        let link = LinkRow { token: [n; 32], purpose, created_at_ms: 1, expires_at_ms: 100 };
        desk.add_link(&link).unwrap();
    }
    desk.disable_account(office, 50).unwrap();
    assert_eq!(desk.enabled_count(1).unwrap(), 1);
    assert_eq!(desk.session(&[1; 32]).unwrap(), None);
    assert_eq!(desk.link(&[1; 32]).unwrap(), None);
    assert_eq!(desk.api_key("1").unwrap().unwrap().revoked_at_ms, Some(50));
    assert!(desk.session(&[2; 32]).unwrap().is_some() && desk.link(&[2; 32]).unwrap().is_some());
    assert_eq!(desk.api_key("2").unwrap().unwrap().revoked_at_ms, None);
    desk.enable_account(office).unwrap();
    assert_eq!(desk.account(office).unwrap().unwrap().disabled_at_ms, None);
    assert_eq!(desk.live_api_keys(office, 60).unwrap(), 0);
    assert_eq!(
        (desk.live_api_keys(quality, 60).unwrap(), desk.live_api_keys(quality, 100).unwrap()),
        (1, 0)
    );
}

#[test]
fn sessions_of_an_account_are_bounded_and_old_ones_go() {
    let (_directory, mut desk) = new();
    let office = desk.add_account(&account("Office", None)).unwrap().unwrap();
    for n in 1..=6 {
        desk.add_session(&session(n, office, i64::from(n) * 10), None, 0, 3).unwrap();
    }
    let held = |desk: &Desk| {
        (1..=9).filter(|n| desk.session(&[*n; 32]).unwrap().is_some()).collect::<Vec<u8>>()
    };
    assert_eq!(held(&desk), [4, 5, 6]);
    desk.add_session(&session(7, office, 70), Some(&[6; 32]), 50, 3).unwrap();
    assert_eq!(held(&desk), [5, 7]);
    assert_eq!(desk.account(office).unwrap().unwrap().last_sign_in_at_ms, Some(70));
    desk.set_account_password(office, &[4]).unwrap();
    assert!(held(&desk).is_empty());
    assert!(!desk.end_session(&[7; 32]).unwrap());
}

#[test]
fn a_link_is_spent_once_and_expired_ones_go() {
    let (_directory, mut desk) = new();
    let purpose = LinkFor::Invitation { role: 3, member: Some([7; 16]) };
    let link = LinkRow { token: [1; 32], purpose, created_at_ms: 1, expires_at_ms: 100 };
    desk.add_link(&link).unwrap();
    assert_eq!(desk.link(&[1; 32]).unwrap(), Some(link.clone()));
    assert_eq!((desk.open_links(99).unwrap(), desk.open_links(100).unwrap()), (1, 0));
    assert!(desk.spend_link(&[1; 32]).unwrap());
    assert!(!desk.spend_link(&[1; 32]).unwrap());
    desk.add_link(&link).unwrap();
    let later = LinkRow { token: [2; 32], created_at_ms: 100, expires_at_ms: 200, ..link };
    desk.add_link(&later).unwrap();
    assert_eq!(desk.link(&[1; 32]).unwrap(), None);
}

#[test]
fn keys_that_ended_long_ago_are_forgotten() {
    let (_directory, mut desk) = new();
    desk.add_api_key(&api_key("old", 1), 0).unwrap();
    desk.api_key_used("old", 30).unwrap();
    assert_eq!(desk.api_key("old").unwrap().unwrap().used_at_ms, Some(30));
    desk.add_api_key(&api_key("revoked", 1), 0).unwrap();
    assert!(desk.revoke_api_key("revoked", 50).unwrap());
    assert!(!desk.revoke_api_key("revoked", 60).unwrap());
    desk.add_api_key(&ApiKeyRow { expires_at_ms: 900, ..api_key("new", 2) }, 60).unwrap();
    let ids = |account| -> Vec<String> {
        desk.api_keys(account, 10).unwrap().into_iter().map(|key| key.id).collect()
    };
    assert_eq!(ids(None), ["old", "new"]);
    assert_eq!(ids(Some(2)), ["new"]);
}

#[test]
fn a_flood_of_refusals_does_not_push_out_what_was_done() {
    let (_directory, mut desk) = new();
    desk.add_access(&[entry(1, 10), entry(1, 11)]).unwrap();
    let flood: Vec<AccessRow> = (0..50).map(|n| entry(2, 20 + n)).collect();
    desk.add_access(&flood).unwrap();
    desk.cut_access(10, 0).unwrap();
    let left = desk.access_log(None, 100).unwrap();
    let count = |outcome| left.iter().filter(|entry| entry.outcome == outcome).count();
    assert_eq!((count(1), count(2)), (2, 10));
    assert!(left.windows(2).all(|pair| pair[0].id > pair[1].id));
    assert_eq!(AccessRow { id: 0, ..left[0].clone() }, entry(2, 69));
    assert_eq!(desk.access_log(Some(left[3].id), 2).unwrap(), left[4..6]);
    desk.cut_access(10, 60).unwrap();
    assert!(desk.access_log(None, 100).unwrap().iter().all(|entry| entry.at_ms >= 60));
}
