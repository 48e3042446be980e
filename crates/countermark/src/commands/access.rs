//! `account`, `api-key`, `access-log`.

use std::io::Read;
use std::path::Path;

use anyhow::Result;
use countermark_node::access::{
    ACCESS_LOG_PAGE_MAX, AccessEntry, AccountView, ApiKeyView, LinkPurpose, NewAccount, NewApiKey,
    OpenIdName, Outcome, PASSWORD_BYTES_MAX, Permission, Role,
};
use countermark_node::{NodeError, Passphrase};

use super::unreadable;
use crate::HOLDS;
use crate::access_cli::{AccountCommand, ApiKeyCommand, LinkArguments};
use crate::cli::Place;
use crate::output::{say, say_json};
use crate::target::Target;

pub(crate) fn account(command: AccountCommand) -> Result<u8> {
    match command {
        AccountCommand::Add { at, name, role, member, password, openid, json } => {
            let password = password.password_file.as_deref().map(read_password).transpose()?;
            let openid = openid.openid_issuer.zip(openid.openid_subject);
            let openid = openid.map(|(issuer, subject)| OpenIdName { issuer, subject });
            let role = parse_role(&role)?;
            let new = NewAccount { name, role, member, password, openid };
            show_account(&Target::open(&at)?.account_add(&new)?, json);
        }
        AccountCommand::List { at, json } => {
            let accounts = Target::open(&at)?.account_list()?;
            if json {
                say_json(&accounts);
            } else {
                accounts.iter().for_each(|account| show_account(account, false));
            }
        }
        AccountCommand::Disable { at, name } => {
            let account = Target::open(&at)?.account_disable(&name)?;
            say(&format!(
                "{} is disabled: its sessions and links have ended, its API keys are revoked.",
                account.name
            ));
        }
        AccountCommand::Enable { at, name } => {
            let account = Target::open(&at)?.account_enable(&name)?;
            say(&format!("{} may sign in again; its API keys stay revoked.", account.name));
        }
        AccountCommand::Password { at, name, password_file } => {
            let password = read_password(&password_file)?;
            Target::open(&at)?.account_set_password(&name, &password)?;
            say(&format!("The password of {name} is set; its sessions have ended."));
        }
        AccountCommand::Role { at, name, role, member, json } => {
            let role = parse_role(&role)?;
            let account = Target::open(&at)?.account_set_role(&name, role, member.as_deref())?;
            show_account(&account, json);
        }
        AccountCommand::Invite { at, role, member, link } => {
            let purpose = LinkPurpose::Invitation { role: parse_role(&role)?, member };
            make_link(&Target::open(&at)?, purpose, &link)?;
        }
        AccountCommand::Link { at, name, link } => {
            make_link(&Target::open(&at)?, LinkPurpose::SignIn { account: name }, &link)?;
        }
    }
    Ok(HOLDS)
}

pub(crate) fn api_key(command: ApiKeyCommand) -> Result<u8> {
    match command {
        ApiKeyCommand::Add { at, account, label, scope, member, days, json } => {
            let permissions = scope.iter().map(|name| parse_permission(name));
            let permissions = permissions.collect::<Result<Vec<Permission>>>()?;
            let permissions = permissions.into_iter().collect();
            let new = NewApiKey { account, label, permissions, member, days };
            let made = Target::open(&at)?.api_key_add(&new)?;
            if json {
                say_json(&made);
            } else {
                say(&made.token);
                eprintln!(
                    "This is shown once; keep it where secrets are kept. It ends at {}.",
                    made.key.expires_at
                );
            }
        }
        ApiKeyCommand::List { at, account, json } => {
            let keys = Target::open(&at)?.api_key_list(account.as_deref())?;
            if json {
                say_json(&keys);
            } else {
                keys.iter().for_each(show_key);
            }
        }
        ApiKeyCommand::Revoke { at, id } => {
            Target::open(&at)?.api_key_revoke(&id)?;
            say(&format!("{id} opens nothing any more."));
        }
    }
    Ok(HOLDS)
}

pub(crate) fn access_log(at: &Place, before: Option<i64>, limit: u32, json: bool) -> Result<u8> {
    let limit = limit.min(ACCESS_LOG_PAGE_MAX);
    let entries = Target::open(at)?.access_log(before, limit)?;
    if json {
        say_json(&entries);
    } else {
        entries.iter().for_each(show_entry);
    }
    Ok(HOLDS)
}

/// Accounts are named by roles that the node knows; which those are stands in the refusal.
fn parse_role(name: &str) -> Result<Role> {
    let known = || Role::ALL.map(Role::name).join(", ");
    let unknown = || NodeError::Usage(format!("\"{name}\" is no role; there are: {}", known()));
    Ok(Role::parse(name).ok_or_else(unknown)?)
}

fn parse_permission(name: &str) -> Result<Permission> {
    let known = || Permission::ALL.map(Permission::name).join(", ");
    let unknown =
        || NodeError::Usage(format!("\"{name}\" is no permission; there are: {}", known()));
    Ok(Permission::parse(name).ok_or_else(unknown)?)
}

/// The first line of a file, or of standard input for `-`. Never an argument: those stand in the
/// list of processes and in the shell's history.
fn read_password(path: &Path) -> Result<Passphrase> {
    let most = PASSWORD_BYTES_MAX as u64 + 2;
    let mut text = Passphrase::new(String::new());
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    read.map_err(|error| unreadable(path, &error.to_string()))?;
    Ok(Passphrase::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn make_link(target: &Target, purpose: LinkPurpose, arguments: &LinkArguments) -> Result<()> {
    let made = target.link_make(purpose, arguments.hours)?;
    if arguments.json {
        say_json(&made);
    } else {
        say(&made.path);
        eprintln!(
            "Put the server's address before it. It works once, until {}, and is shown once.",
            made.expires_at
        );
    }
    Ok(())
}

fn show_account(account: &AccountView, json: bool) {
    if json {
        return say_json(account);
    }
    let member = account.member.as_deref().map_or_else(String::new, |name| format!(" of {name}"));
    let how = match (account.has_password, &account.openid) {
        _ if account.disabled => "disabled".to_owned(),
        (true, None) => "password".to_owned(),
        (_, Some(openid)) => format!("OpenID {} at {}", openid.subject, openid.issuer),
        (false, None) => "no password yet: `account link` signs in".to_owned(),
    };
    say(&format!("{}  {}{member}  {how}", account.name, account.role));
}

fn show_key(key: &ApiKeyView) {
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::name).collect();
    let member = key.member.as_deref().map_or_else(String::new, |name| format!("  for {name}"));
    say(&format!(
        "{}  {}  {}  {}{member}  {} until {}",
        key.id,
        key.account,
        key.label,
        permissions.join(","),
        key.status,
        key.expires_at
    ));
}

fn show_entry(entry: &AccessEntry) {
    let outcome = if entry.outcome == Outcome::Done { "done" } else { "refused" };
    let mut line = format!("{}  {}  {outcome}  {}", entry.id, entry.time, entry.action);
    let parts = [&entry.account, &entry.via, &entry.address, &entry.target, &entry.reason];
    for part in parts.into_iter().flatten() {
        line.push_str("  ");
        line.push_str(part);
    }
    if entry.times > 1 {
        line.push_str(&format!("  {} times", entry.times));
    }
    say(&line);
}
