//! Accounts, sessions, keys and links, by a clock that is told what to say.

use super::{HOUR_MS, Lab, MINUTE_MS};
use crate::access::{
    AccessError, AccessNote, AccountView, Client, LinkPurpose, NewAccount, NewApiKey, NewLink,
    OpenIdName, OpenIdUser, Outcome, Permission, PermissionSet, Principal, Role, Via,
};
use crate::error::{ErrorKind, NodeError};
use crate::node::Node;
use crate::scope::Scope;

const PASSWORD: &str = "correct horse battery";
const DAY_MS: u64 = 24 * HOUR_MS;

fn local() -> Principal {
    Principal::local()
}

fn add(node: &Node, name: &str, role: Role, member: Option<&str>) -> AccountView {
    let new = NewAccount {
        name: name.to_owned(),
        role,
        member: member.map(str::to_owned),
        password: Some(PASSWORD.to_owned().into()),
        openid: None,
    };
    node.account_add(&local(), &new).unwrap()
}

fn sign_in(node: &Node, name: &str) -> Result<String, NodeError> {
    let signed_in = node.sign_in(name, PASSWORD, &Client::default())?;
    Ok(signed_in.token.expose().to_owned())
}

fn key(node: &Node, account: &str, permissions: &[Permission], member: Option<&str>) -> NewKey {
    let new = NewApiKey {
        account: account.to_owned(),
        label: "a program".to_owned(),
        permissions: permissions.iter().copied().collect(),
        member: member.map(str::to_owned),
        days: 30,
    };
    node.api_key_add(&local(), &new)
        .map(|made| (made.token.expose().to_owned(), made.key.id))
        .map_err(access)
}

type NewKey = Result<(String, String), AccessError>;

fn access(error: NodeError) -> AccessError {
    match error {
        NodeError::Access(error) => error,
        other => panic!("{other}"),
    }
}

fn link(node: &Node, purpose: LinkPurpose) -> String {
    let made = node.link_make(&local(), &NewLink { purpose, ttl_ms: None }).unwrap();
    made.token.expose().to_owned()
}

fn invitation(role: Role, member: Option<&str>) -> LinkPurpose {
    LinkPurpose::Invitation { role, member: member.map(str::to_owned) }
}

#[test]
fn whoever_signs_in_is_known_until_he_signs_out() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Auditor, None);
    let token = sign_in(&node, "oFFice").unwrap();
    let office = node.session(&token).unwrap().unwrap();
    assert_eq!((&*office.name, office.role, &office.via), ("Office", Role::Auditor, &Via::Session));
    assert!(office.may(Permission::ReadAccessLog) && !office.may(Permission::Capture));
    assert_eq!(office.scope(), Scope::All);
    node.sign_out(&token).unwrap();
    assert_eq!(node.session(&token).unwrap(), None);
    for other in ["", "x", &token.to_uppercase(), &"0".repeat(64)] {
        assert_eq!(node.session(other).unwrap(), None, "{other}");
    }
}

#[test]
fn a_wrong_password_an_unknown_name_and_a_disabled_account_are_refused_alike() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    add(&node, "Quality", Role::Viewer, None);
    node.account_disable(&local(), "Quality").unwrap();
    for (name, password) in [
        ("Office", "wrong horse battery"),
        ("Nobody", PASSWORD),
        ("Quality", PASSWORD),
        ("Office", ""),
    ] {
        let error = node.sign_in(name, password, &Client::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(access(error), AccessError::WrongPassword, "{name}");
    }
    let log = node.access_log(&local(), None, 10).unwrap();
    let refused = log.iter().filter(|entry| entry.outcome == Outcome::Refused);
    let refused: Vec<&str> = refused.filter_map(|entry| entry.account.as_deref()).collect();
    assert!(refused.contains(&"office") && refused.contains(&"nobody"), "{log:?}");
    assert!(!format!("{log:?}").contains("horse"), "no password is written down");
}

#[test]
fn guessing_is_slowed_down_and_the_owner_of_the_account_gets_in_after_the_pause() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let guess = || node.sign_in("office", "wrong horse battery", &Client::default());
    for _ in 0..6 {
        assert_eq!(access(guess().unwrap_err()), AccessError::WrongPassword);
    }
    let error = access(sign_in(&node, "Office").unwrap_err());
    assert_eq!(error, AccessError::TooMany { retry_after_ms: 1000 });
    lab.clock.pass(MINUTE_MS);
    sign_in(&node, "Office").unwrap();
    assert_eq!(access(guess().unwrap_err()), AccessError::WrongPassword);
}

#[test]
fn a_session_ends_after_eight_idle_hours_and_after_a_day() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let idle = sign_in(&node, "Office").unwrap();
    let busy = sign_in(&node, "Office").unwrap();
    for hour in 1..24 {
        lab.clock.pass(HOUR_MS);
        assert!(node.session(&busy).unwrap().is_some(), "hour {hour}");
        if hour == 9 {
            assert_eq!(node.session(&idle).unwrap(), None);
        }
    }
    lab.clock.pass(HOUR_MS);
    assert_eq!(node.session(&busy).unwrap(), None);
}

#[test]
fn a_session_that_a_wrong_clock_began_in_the_future_does_not_hold() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let token = sign_in(&node, "Office").unwrap();
    lab.clock.set_by(-(DAY_MS as i64));
    assert_eq!(node.session(&token).unwrap(), None);
}

#[test]
fn signing_in_again_ends_the_browsers_session_before() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let before = sign_in(&node, "Office").unwrap();
    let client = Client { session: Some(&before), ..Client::default() };
    let after = node.sign_in("Office", PASSWORD, &client).unwrap();
    assert_eq!(node.session(&before).unwrap(), None);
    assert!(node.session(after.token.expose()).unwrap().is_some());
}

#[test]
fn sessions_and_keys_are_kept_over_a_restart_but_not_their_tokens() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let token = sign_in(&node, "Office").unwrap();
    let (key, _) = key(&node, "Office", &[Permission::Read], None).unwrap();
    drop(node);
    for file in ["desk.db", "desk.db-wal"] {
        let bytes = std::fs::read(lab.folder.path().join(file)).unwrap_or_default();
        for secret in [&*token, key.rsplit('_').next().unwrap(), PASSWORD] {
            let holds = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!holds, "{file} holds {secret}");
        }
    }
    let node = lab.open().unwrap();
    assert!(node.session(&token).unwrap().is_some());
    assert!(node.api_key(&key).unwrap().is_some());
}

#[test]
fn disabling_an_account_ends_its_sessions_links_and_keys_at_once() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let token = sign_in(&node, "Office").unwrap();
    let (key, _) = key(&node, "Office", &[Permission::Read], None).unwrap();
    let link = link(&node, LinkPurpose::SignIn { account: "Office".to_owned() });
    assert!(node.account_disable(&local(), "Office").unwrap().disabled);
    assert_eq!(node.session(&token).unwrap(), None);
    assert_eq!(node.api_key(&key).unwrap(), None);
    assert_eq!(node.link_look(&link).unwrap(), None);
    node.account_enable(&local(), "Office").unwrap();
    assert_eq!(node.session(&token).unwrap(), None);
    assert_eq!(node.api_key(&key).unwrap(), None);
    sign_in(&node, "Office").unwrap();
}

#[test]
fn a_new_password_ends_all_sessions_and_the_old_one_opens_nothing() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let (one, two) = (sign_in(&node, "Office").unwrap(), sign_in(&node, "Office").unwrap());
    let office = node.session(&one).unwrap().unwrap();
    let client = Client { session: Some(&one), ..Client::default() };
    let change = |current, new| node.password_change(&office, current, new, &client);
    let wrong = change(Some("not the current one"), "another good password").unwrap_err();
    assert_eq!(access(wrong), AccessError::WrongPassword);
    let short = change(Some(PASSWORD), "short").unwrap_err();
    assert!(matches!(access(short), AccessError::Password(_)));
    assert!(node.session(&two).unwrap().is_some());
    let signed_in = change(Some(PASSWORD), "another good password").unwrap();
    assert_eq!(node.session(&one).unwrap(), None);
    assert_eq!(node.session(&two).unwrap(), None);
    assert!(node.session(signed_in.token.expose()).unwrap().is_some());
    assert!(sign_in(&node, "Office").is_err());
    node.account_set_password(&local(), "Office", PASSWORD).unwrap();
    assert_eq!(node.session(signed_in.token.expose()).unwrap(), None);
    sign_in(&node, "Office").unwrap();
}

#[test]
fn an_api_key_or_the_command_line_changes_no_password_of_its_own() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let (key, _) = key(&node, "Office", &[Permission::Read], None).unwrap();
    let office = node.api_key(&key).unwrap().unwrap();
    let token = sign_in(&node, "Office").unwrap();
    let client = Client { session: Some(&token), ..Client::default() };
    for by in [&office, &local()] {
        let changed = node.password_change(by, Some(PASSWORD), "another good password", &client);
        assert!(matches!(access(changed.unwrap_err()), AccessError::Invalid(_)));
    }
}

#[test]
fn whoever_signed_in_by_a_link_sets_a_new_password_without_the_forgotten_one() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let link = link(&node, LinkPurpose::SignIn { account: "Office".to_owned() });
    let signed_in = node.link_use(&link, &Client::default()).unwrap();
    let client = Client { session: Some(signed_in.token.expose()), ..Client::default() };
    let principal = &signed_in.principal;
    node.password_change(principal, None, "another good password", &client).unwrap();
    node.sign_in("Office", "another good password", &Client::default()).unwrap();
}

#[test]
fn the_last_owner_is_neither_disabled_nor_demoted() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "One", Role::Owner, None);
    let stays = || {
        let errors = [
            node.account_disable(&local(), "one").unwrap_err(),
            node.account_set_role(&local(), "One", Role::Viewer, None).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(access(error), AccessError::LastOwner("One".to_owned()));
        }
    };
    stays();
    add(&node, "Two", Role::Owner, None);
    node.account_disable(&local(), "Two").unwrap();
    stays();
    node.account_enable(&local(), "Two").unwrap();
    node.account_disable(&local(), "One").unwrap();
    node.account_set_role(&local(), "One", Role::Viewer, None).unwrap();
}

#[test]
fn a_role_holds_at_once_for_sessions_and_keys() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "One", Role::Owner, None);
    add(&node, "Office", Role::Operator, None);
    let token = sign_in(&node, "Office").unwrap();
    let (key, _) = key(&node, "Office", &[Permission::Read, Permission::Capture], None).unwrap();
    assert!(node.api_key(&key).unwrap().unwrap().may(Permission::Capture));
    node.account_set_role(&local(), "Office", Role::Viewer, None).unwrap();
    assert!(!node.session(&token).unwrap().unwrap().may(Permission::Capture));
    let principal = node.api_key(&key).unwrap().unwrap();
    assert!(!principal.may(Permission::Capture) && principal.may(Permission::Read));
    node.account_set_role(&local(), "Office", Role::MemberUser, Some("Farm")).unwrap();
    let bound = node.session(&token).unwrap().unwrap();
    assert_eq!(bound.scope(), node.scope_of("Farm").unwrap());
}

#[test]
fn member_users_have_a_member_and_those_who_run_the_node_have_none() {
    let lab = Lab::new();
    let node = lab.begin();
    let try_add = |role, member: Option<&str>| {
        let new = NewAccount {
            name: format!("{role} {}", member.is_some()),
            role,
            member: member.map(str::to_owned),
            password: None,
            openid: None,
        };
        node.account_add(&local(), &new)
    };
    for (role, without, with) in [
        (Role::Owner, true, false),
        (Role::Operator, true, false),
        (Role::MemberUser, false, true),
        (Role::Auditor, true, true),
        (Role::Viewer, true, true),
    ] {
        assert_eq!(try_add(role, None).is_ok(), without, "{role}");
        assert_eq!(try_add(role, Some("Farm")).is_ok(), with, "{role}");
    }
    assert!(matches!(try_add(Role::Viewer, Some("Mill")), Err(NodeError::UnknownMember { .. })));
}

#[test]
fn whoever_is_bound_to_a_member_does_nothing_that_concerns_others() {
    let lab = Lab::new();
    let node = lab.begin();
    let farm = node.scope_of("Farm").unwrap();
    add(&node, "Auditor", Role::Auditor, Some("Farm"));
    let token = sign_in(&node, "Auditor").unwrap();
    let auditor = node.session(&token).unwrap().unwrap();
    assert_eq!(auditor.scope(), farm);
    let may: Vec<Permission> = auditor.permissions.iter().collect();
    assert_eq!(may, [Permission::Read, Permission::Prove, Permission::ReadLedger]);
    add(&node, "One", Role::Owner, None);
    let (token, _) =
        key(&node, "One", &[Permission::Read, Permission::Capture], Some("Farm")).unwrap();
    assert_eq!(node.api_key(&token).unwrap().unwrap().scope(), farm);
    let more = key(&node, "One", &[Permission::Read, Permission::ReadAccessLog], Some("Farm"));
    assert!(matches!(more.unwrap_err(), AccessError::Invalid(_)));
}

#[test]
fn a_key_stays_with_the_member_that_its_account_was_bound_to() {
    let lab = Lab::new();
    let node = lab.begin();
    let farm = node.scope_of("Farm").unwrap();
    add(&node, "Office", Role::MemberUser, Some("Farm"));
    let (token, _) = key(&node, "Office", &[Permission::Read], None).unwrap();
    node.account_set_role(&local(), "Office", Role::Viewer, None).unwrap();
    assert_eq!(node.api_key(&token).unwrap().unwrap().scope(), farm);
    node.member_add("Mill", None).unwrap();
    node.account_set_role(&local(), "Office", Role::MemberUser, Some("Mill")).unwrap();
    assert_eq!(node.api_key(&token).unwrap(), None);
}

#[test]
fn an_api_key_allows_what_it_says_until_it_expires_or_is_revoked() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Operator, None);
    let (token, id) = key(&node, "Office", &[Permission::Read], None).unwrap();
    let principal = node.api_key(&token).unwrap().unwrap();
    assert_eq!(principal.via, Via::ApiKey(id.clone()));
    let read: PermissionSet = [Permission::Read].into_iter().collect();
    assert_eq!(principal.permissions, read);
    let mut altered = token.clone();
    altered.pop();
    for other in [altered.clone() + "0", altered.clone() + "1", altered, token.replace('_', "-")] {
        if other != token {
            assert_eq!(node.api_key(&other).unwrap(), None, "{other}");
        }
    }
    lab.clock.pass(30 * DAY_MS - 1);
    assert!(node.api_key(&token).unwrap().is_some());
    lab.clock.pass(1);
    assert_eq!(node.api_key(&token).unwrap(), None);
    assert_eq!(node.api_key_list(&local(), Some("office")).unwrap()[0].status, "expired");
    let (token, id) = key(&node, "Office", &[Permission::Read], None).unwrap();
    node.api_key_revoke(&local(), &id).unwrap();
    assert_eq!(node.api_key(&token).unwrap(), None);
    let again = node.api_key_revoke(&local(), &id).unwrap_err();
    assert!(matches!(access(again), AccessError::NotFound(_)));
}

#[test]
fn an_api_key_is_not_made_for_more_than_the_account_may_or_for_ever() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let error = key(&node, "Office", &[Permission::Read, Permission::Capture], None).unwrap_err();
    assert!(error.to_string().contains("capture"), "{error}");
    assert!(key(&node, "Office", &[], None).is_err());
    assert!(matches!(
        key(&node, "Nobody", &[Permission::Read], None),
        Err(AccessError::NotFound(_))
    ));
    for (days, is_taken) in [(0, false), (1, true), (366, true), (367, false), (u64::MAX, false)] {
        let new = NewApiKey {
            account: "Office".to_owned(),
            label: "a program".to_owned(),
            permissions: Role::Viewer.permissions(),
            member: None,
            days,
        };
        assert_eq!(node.api_key_add(&local(), &new).is_ok(), is_taken, "{days}");
    }
}

#[test]
fn looking_at_a_link_does_not_use_it_up_and_using_it_does() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Viewer, None);
    let purpose = LinkPurpose::SignIn { account: "Office".to_owned() };
    let link = link(&node, purpose.clone());
    assert_eq!(node.link_look(&link).unwrap().unwrap().purpose, purpose);
    assert_eq!(node.link_look(&link).unwrap().unwrap().purpose, purpose);
    let as_invitation = node.invitation_use(&link, "Stranger", PASSWORD, &Client::default());
    assert_eq!(access(as_invitation.unwrap_err()), AccessError::LinkSpent);
    let signed_in = node.link_use(&link, &Client::default()).unwrap();
    assert_eq!(signed_in.principal.name, "Office");
    assert_eq!(node.link_look(&link).unwrap(), None);
    let again = node.link_use(&link, &Client::default()).unwrap_err();
    assert_eq!(access(again), AccessError::LinkSpent);
}

#[test]
fn a_link_that_is_used_at_two_places_at_one_time_opens_at_one() {
    let lab = Lab::new();
    let node = lab.begin();
    let token = link(&node, invitation(Role::Viewer, None));
    let used: Vec<bool> = std::thread::scope(|scope| {
        let call = |n: usize| {
            let (node, token) = (&node, &token);
            scope.spawn(move || {
                node.invitation_use(token, &format!("name {n}"), PASSWORD, &Client::default())
                    .is_ok()
            })
        };
        let calls: Vec<_> = (0..4).map(call).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(used.iter().filter(|used| **used).count(), 1);
    assert_eq!(node.account_list(&local()).unwrap().len(), 1);
}

#[test]
fn links_expire() {
    let lab = Lab::new();
    let node = lab.begin();
    let token = link(&node, invitation(Role::Viewer, None));
    lab.clock.pass(7 * DAY_MS);
    assert_eq!(node.link_look(&token).unwrap(), None);
    let used = node.invitation_use(&token, "Office", PASSWORD, &Client::default());
    assert_eq!(access(used.unwrap_err()), AccessError::LinkSpent);
    for ttl_ms in [Some(0), Some(31 * DAY_MS)] {
        let new = NewLink { purpose: invitation(Role::Viewer, None), ttl_ms };
        assert!(node.link_make(&local(), &new).is_err());
    }
}

#[test]
fn an_invitation_makes_the_account_it_is_for_and_a_refused_name_does_not_use_it_up() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Owner, None);
    let token = link(&node, invitation(Role::MemberUser, Some("Farm")));
    let client = Client::default();
    for (name, password) in
        [("office", PASSWORD), ("Quality", "short"), ("", PASSWORD), ("a\u{202e}b", PASSWORD)]
    {
        assert!(node.invitation_use(&token, name, password, &client).is_err(), "{name}");
    }
    let signed_in = node.invitation_use(&token, "Quality", PASSWORD, &client).unwrap();
    assert_eq!(signed_in.principal.role, Role::MemberUser);
    assert_eq!(signed_in.principal.scope(), node.scope_of("Farm").unwrap());
    assert!(node.invitation_use(&token, "Dispatch", PASSWORD, &client).is_err());
    sign_in(&node, "Quality").unwrap();
}

#[test]
fn the_first_owner_gets_a_link_until_an_owner_can_sign_in() {
    let lab = Lab::new();
    let node = lab.begin();
    let first = node.first_owner_link().unwrap().unwrap();
    let second = node.first_owner_link().unwrap().unwrap();
    assert!(second.path().starts_with("/sign-in/link/"));
    assert_eq!(node.account_list(&local()).unwrap().len(), 1);
    let signed_in = node.link_use(first.token.expose(), &Client::default()).unwrap();
    assert_eq!(signed_in.principal.role, Role::Owner);
    assert!(node.first_owner_link().unwrap().is_none());
}

#[test]
fn an_openid_user_needs_an_invitation_once_and_is_known_by_issuer_and_subject() {
    let lab = Lab::new();
    let node = lab.begin();
    let client = Client::default();
    let user = |issuer: &str, subject: &str| OpenIdUser {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        name: Some("Office".to_owned()),
    };
    let office = user("https://login.example.com", "4711");
    let refused = node.openid_sign_in(&office, None, &client).unwrap_err();
    assert_eq!(access(refused), AccessError::NotInvited);
    let token = link(&node, invitation(Role::Auditor, None));
    let signed_in = node.openid_sign_in(&office, Some(&token), &client).unwrap();
    assert_eq!((&*signed_in.principal.name, signed_in.principal.role), ("Office", Role::Auditor));
    node.openid_sign_in(&office, None, &client).unwrap();
    for other in [user("https://login.example.org", "4711"), user("https://login.example.com", "1")]
    {
        assert!(node.openid_sign_in(&other, None, &client).is_err());
        assert!(node.openid_sign_in(&other, Some(&token), &client).is_err());
    }
    assert!(node.sign_in("Office", "", &client).is_err(), "it has no password");
    let other = user("https://login.example.org", "9");
    let new = NewAccount {
        name: "Quality".to_owned(),
        role: Role::Viewer,
        member: None,
        password: None,
        openid: Some(OpenIdName { issuer: other.issuer.clone(), subject: other.subject.clone() }),
    };
    node.account_add(&local(), &new).unwrap();
    assert_eq!(node.openid_sign_in(&other, None, &client).unwrap().principal.name, "Quality");
    node.account_disable(&local(), "Quality").unwrap();
    assert!(node.openid_sign_in(&other, None, &client).is_err());
}

#[test]
fn a_name_that_a_provider_gives_becomes_one_that_is_free_and_shown_as_it_is() {
    let lab = Lab::new();
    let node = lab.begin();
    let name = |subject: &str, name: Option<&str>| {
        let user = OpenIdUser {
            issuer: "https://login.example.com".to_owned(),
            subject: subject.to_owned(),
            name: name.map(str::to_owned),
        };
        let token = link(&node, invitation(Role::Viewer, None));
        let signed_in = node.openid_sign_in(&user, Some(&token), &Client::default()).unwrap();
        signed_in.principal.name
    };
    add(&node, "Office", Role::Owner, None);
    assert_eq!(name("1", Some("office")), "office (2)");
    assert_eq!(name("2", Some(" Off\u{202e}ice\n")), "Office (3)");
    assert_eq!(name("3", None), "3");
    assert_eq!(name("4", Some("\u{200b}")), "OpenID user");
    let long = "x".repeat(300);
    assert_eq!(name("5", Some(&long)), "x".repeat(100));
    assert_eq!(name("6", Some(&long)), format!("{} (2)", "x".repeat(95)));
}

#[test]
fn nobody_who_signs_in_or_calls_waits_for_a_block() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "Office", Role::Owner, None);
    let session = sign_in(&node, "Office").unwrap();
    let key = key(&node, "Office", &[Permission::Read], None).unwrap().0;
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        // As the sequencer has it while a block is made durable.
        let block = node.lock();
        let node = &node;
        threads.spawn(move || {
            assert!(node.session(&session).unwrap().is_some());
            assert!(node.api_key(&key).unwrap().is_some());
            sign_in(node, "Office").unwrap();
            node.note_access(AccessNote::refused("/app", None, "not-signed-in")).unwrap();
            node.access_log_write().unwrap();
            node.sign_out(&session).unwrap();
            tell.send(()).unwrap();
        });
        let done = told.recv_timeout(std::time::Duration::from_secs(60));
        drop(block);
        assert!(done.is_ok(), "access waits for the sequencer");
    });
}

#[test]
fn only_whoever_manages_accounts_manages_accounts() {
    let lab = Lab::new();
    let node = lab.begin();
    add(&node, "One", Role::Owner, None);
    for role in [Role::Operator, Role::Auditor, Role::Viewer] {
        add(&node, role.name(), role, None);
        let token = sign_in(&node, role.name()).unwrap();
        let by = node.session(&token).unwrap().unwrap();
        let new = NewAccount {
            name: "Stranger".to_owned(),
            role: Role::Owner,
            member: None,
            password: None,
            openid: None,
        };
        let new_link = NewLink { purpose: invitation(Role::Owner, None), ttl_ms: None };
        let new_key = NewApiKey {
            account: "One".to_owned(),
            label: "x".to_owned(),
            permissions: Role::Owner.permissions(),
            member: None,
            days: 1,
        };
        let errors = [
            node.account_add(&by, &new).unwrap_err(),
            node.account_list(&by).unwrap_err(),
            node.account(&by, "One").unwrap_err(),
            node.account_disable(&by, "One").unwrap_err(),
            node.account_enable(&by, "One").unwrap_err(),
            node.account_set_role(&by, role.name(), Role::Owner, None).unwrap_err(),
            node.account_set_password(&by, "One", PASSWORD).unwrap_err(),
            node.link_make(&by, &new_link).unwrap_err(),
            node.api_key_add(&by, &new_key).unwrap_err(),
            node.api_key_list(&by, None).unwrap_err(),
            node.api_key_revoke(&by, "x").unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert!(error.to_string().contains("manage-accounts"), "{error}");
        }
        assert_eq!(node.access_log(&by, None, 1).is_ok(), by.may(Permission::ReadAccessLog));
    }
}

#[test]
fn refusals_are_counted_together_and_written_at_the_end_at_the_latest() {
    let lab = Lab::new();
    let node = lab.begin();
    for _ in 0..500 {
        let note = AccessNote::refused("GET /events", None, "not signed in");
        node.note_access(note.from("192.0.2.1".parse().ok())).unwrap();
    }
    drop(node);
    let node = lab.open().unwrap();
    let log = node.access_log(&local(), None, 10).unwrap();
    assert_eq!(log.iter().map(|entry| entry.times).sum::<i64>(), 500);
    assert!(log.len() <= 2, "{log:?}");
    assert_eq!(log[0].address.as_deref(), Some("192.0.2.1"));
}

#[test]
fn an_entry_of_the_access_log_is_one_line_of_bounded_length() {
    let lab = Lab::new();
    let node = lab.begin();
    let reason = format!("first\r\nsecond\u{1b}[31m{}", "x".repeat(5000));
    node.note_access(AccessNote::refused("GET /events", None, &reason)).unwrap();
    let entry = node.access_log(&local(), None, 1).unwrap().remove(0);
    let reason = entry.reason.unwrap();
    assert!(reason.starts_with("first\u{fffd}\u{fffd}second\u{fffd}[31m"), "{reason}");
    assert_eq!(reason.chars().count(), 200);
}

#[test]
fn the_access_log_is_read_page_by_page_from_the_newest() {
    let lab = Lab::new();
    let node = lab.begin();
    for n in 0..5 {
        add(&node, &format!("name {n}"), Role::Viewer, None);
    }
    let first = node.access_log(&local(), None, 2).unwrap();
    let names = |page: &[crate::access::AccessEntry]| {
        page.iter().filter_map(|entry| entry.target.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["name 4", "name 3"]);
    let next = node.access_log(&local(), Some(first[1].id), 10).unwrap();
    assert_eq!(names(&next), ["name 2", "name 1", "name 0"]);
}
