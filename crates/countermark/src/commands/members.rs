//! `init`, `member`, `key`, `confirm-clock`.

use anyhow::Result;
use countermark_node::{Node, Standing};

use super::unlock;
use crate::HOLDS;
use crate::cli::{Data, KeyCommand, MemberCommand, Place};
use crate::output::{say, say_json};
use crate::target::Target;

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
        MemberCommand::Add { at, name, country } => {
            let node = Target::open(&at)?;
            let member = node.member_add(&name, country.as_deref())?;
            say(&format!("{} is member {}.", member.name, member.id));
        }
        MemberCommand::Suspend { at, name } => {
            Target::open(&at)?.member_standing(&name, Standing::Suspended)?;
            say(&format!("{name} is suspended: it states nothing until it is resumed."));
        }
        MemberCommand::Resume { at, name } => {
            Target::open(&at)?.member_standing(&name, Standing::Active)?;
            say(&format!("{name} may state again."));
        }
        MemberCommand::Leave { at, name } => {
            Target::open(&at)?.member_standing(&name, Standing::Left)?;
            say(&format!("{name} has left; what it recorded stays provable."));
        }
        MemberCommand::List { at, json } => {
            let members = Target::open(&at)?.members()?;
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
        KeyCommand::Rotate { at, member } => {
            let key = Target::open(&at)?.key_rotate(member.as_deref())?;
            say(&format!("New signing key {key}; the old one signs nothing from now on."));
        }
        KeyCommand::Register { at, member } => {
            let key = Target::open(&at)?.key_register(member.as_deref())?;
            say(&format!("New signing key {key}."));
        }
        KeyCommand::Revoke { at, member, key } => {
            Target::open(&at)?.key_revoke(member.as_deref(), &key)?;
            say(&format!("{key} signs nothing from the next block on."));
        }
        KeyCommand::List { at, json } => {
            let keys = Target::open(&at)?.keys()?;
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

pub(crate) fn endorse(at: &Place, member: Option<&str>, event_id: &str) -> Result<u8> {
    Target::open(at)?.endorse(member, event_id)?;
    say(&format!("Endorsed: {event_id}."));
    Ok(HOLDS)
}

pub(crate) fn confirm_clock(at: &Place) -> Result<u8> {
    let time = Target::open(at)?.confirm_clock()?;
    say(&format!("Recorded: the clock really stands at {time}."));
    Ok(HOLDS)
}
