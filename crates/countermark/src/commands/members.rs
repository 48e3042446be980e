//! `init`, `member`, `key`, `confirm-clock`.

use anyhow::Result;
use countermark_node::{Node, Scope, Standing};

use super::{open, unlock};
use crate::HOLDS;
use crate::cli::{Data, KeyCommand, MemberCommand};
use crate::output::{say, say_json};

pub(crate) fn init(
    data: &Data,
    name: &str,
    country: Option<&str>,
    origin: Option<&str>,
) -> Result<u8> {
    let node = Node::init(&data.data, &unlock(&data.unlock)?, name, country, origin)?;
    say(&format!(
        "A ledger with the origin {} and its first member {name} is in {}.",
        node.origin(),
        data.data.display()
    ));
    say("Its keys are under keys/: keep a copy of that folder elsewhere, apart from the rest.");
    Ok(HOLDS)
}

pub(crate) fn member(command: MemberCommand) -> Result<u8> {
    match command {
        MemberCommand::Add { data, name, country } => {
            let node = open(&data)?;
            let member = node.member_add(&name, country.as_deref())?;
            say(&format!("{} is member {}.", member.name, member.id));
        }
        MemberCommand::Suspend { data, name } => {
            open(&data)?.member_standing(&name, Standing::Suspended)?;
            say(&format!("{name} is suspended: it states nothing until it is resumed."));
        }
        MemberCommand::Resume { data, name } => {
            open(&data)?.member_standing(&name, Standing::Active)?;
            say(&format!("{name} may state again."));
        }
        MemberCommand::Leave { data, name } => {
            open(&data)?.member_standing(&name, Standing::Left)?;
            say(&format!("{name} has left; what it recorded stays provable."));
        }
        MemberCommand::List { data, json } => {
            let members = open(&data)?.members()?;
            if json {
                say_json(&members);
            } else {
                for member in &members {
                    say(&format!("{}  {}  {}", member.id, member.status, member.name));
                }
                if members.len() > 1 {
                    say(&format!("{} members, one hand: this node holds all keys.", members.len()));
                }
            }
        }
    }
    Ok(HOLDS)
}

pub(crate) fn key(command: KeyCommand) -> Result<u8> {
    match command {
        KeyCommand::Rotate { data, member } => {
            let key = open(&data)?.key_rotate(member.as_deref())?;
            say(&format!("New signing key {key}; the old one signs nothing from now on."));
        }
        KeyCommand::Register { data, member } => {
            let key = open(&data)?.key_register(member.as_deref())?;
            say(&format!("New signing key {key}."));
        }
        KeyCommand::Revoke { data, member, key } => {
            open(&data)?.key_revoke(member.as_deref(), &key)?;
            say(&format!("{key} signs nothing from the next block on."));
        }
        KeyCommand::List { data, json } => {
            let keys = open(&data)?.keys()?;
            if json {
                say_json(&keys);
            } else {
                for key in &keys {
                    let until = key
                        .revoked_at_height
                        .map_or("valid".to_owned(), |height| format!("revoked at block {height}"));
                    say(&format!(
                        "{}  {}  from block {}, {until}",
                        key.id, key.member, key.valid_from_height
                    ));
                }
            }
        }
    }
    Ok(HOLDS)
}

pub(crate) fn endorse(data: &Data, member: Option<&str>, event_id: &str) -> Result<u8> {
    open(data)?.endorse(&Scope::All, member, event_id)?;
    say(&format!("Endorsed: {event_id}."));
    Ok(HOLDS)
}

pub(crate) fn confirm_clock(data: &Data) -> Result<u8> {
    let time = open(data)?.confirm_clock()?;
    say(&format!("Recorded: the clock really stands at {time}."));
    Ok(HOLDS)
}
