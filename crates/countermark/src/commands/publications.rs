//! `publication`: what the public may know.

use anyhow::Result;
use countermark_node::NodeError;
use countermark_node::publications::{
    PUBLICATIONS_PAGE_MAX, Publication, Recall, RecallNotice, Release,
};

use super::{open, read};
use crate::HOLDS;
use crate::output::{say, say_json};
use crate::publication_cli::PublicationCommand;

pub(crate) fn publication(command: PublicationCommand) -> Result<u8> {
    match command {
        PublicationCommand::Put { data, member, json, file } => {
            let release: Release = serde_json::from_slice(&read(&file)?).map_err(|error| {
                let what = format!("{error}; docs/reference/schemas/release.schema.json says more");
                NodeError::Unreadable { place: file.display().to_string(), what }
            })?;
            let put = open(&data)?.publication_put(member.as_deref(), release)?;
            if json {
                say_json(&put);
            } else {
                show(&put);
            }
        }
        PublicationCommand::List { data, after, json } => {
            let all = open(&data)?.publications(after.as_deref(), PUBLICATIONS_PAGE_MAX)?;
            if json {
                say_json(&all);
            } else {
                all.publications.iter().for_each(show);
                all.recalls.iter().for_each(show_recall);
            }
            if let Some(after) = all.next_after.filter(|_| !json) {
                eprintln!("There are more: add --after '{after}'.");
            }
        }
        PublicationCommand::Withdraw { data, id } => {
            open(&data)?.publication_withdraw(&id)?;
            say(&format!("{id} is not public any more."));
        }
        PublicationCommand::Recall { data, member, title, what_to_do, contact, json, id } => {
            let notice = RecallNotice { identifier: id, title, what_to_do, contact };
            let recall = open(&data)?.recall_set(member.as_deref(), notice)?;
            if json {
                say_json(&recall);
            } else {
                show_recall(&recall);
            }
        }
        PublicationCommand::RecallClear { data, id } => {
            open(&data)?.recall_clear(&id)?;
            say(&format!("{id} is not recalled any more."));
        }
    }
    Ok(HOLDS)
}

fn show(publication: &Publication) {
    let Publication { member, released_at, release } = publication;
    let (id, product, count) = (&release.identifier, &release.product, release.proofs.len());
    say(&format!("{id}  {product}  released by {member} at {released_at}, {count} bundles"));
}

fn show_recall(recall: &Recall) {
    let Recall { member, since, notice } = recall;
    say(&format!("{}  RECALLED by {member} since {since}: {}", notice.identifier, notice.title));
}
