//! The node that a command works on: one whose data directory is here, or one behind a server. Each
//! use case is one method, whichever it is.

use anyhow::Result;
use countermark_node::trace::{Direction, Trace};
use countermark_node::{
    CaptureReport, EpcFormat, Erased, ErasureReason, EventsAnswer, Held, InputFile, KeptDocument,
    KeyView, MemberView, Node, NodeError, Progress, Receipt, Scope, Standing,
};

use crate::cli::Place;
use crate::client::{Bundle, Client};
use crate::commands::pure::mappings;
use crate::commands::{read, unlock};
use crate::output::Bar;

/// The environment variable with the API key.
const TOKEN: &str = "COUNTERMARK_TOKEN";

/// The node that a command works on.
pub(crate) enum Target {
    /// Opened here.
    Local(Box<Node>),
    /// Behind a server.
    Remote(Client),
}

/// Where an import takes its rules from.
pub(crate) struct Sources {
    pub(crate) mapping: String,
    pub(crate) master_data: Option<std::path::PathBuf>,
    pub(crate) mappings: Option<std::path::PathBuf>,
}

impl Target {
    /// Opens the node, or names the server; that is not called yet.
    pub(crate) fn open(place: &Place) -> Result<Self> {
        if let Some(server) = &place.at.server {
            let roots = place.server_ca.as_deref().map(read).transpose()?;
            return Ok(Self::Remote(Client::new(server, &token(place)?, roots)?));
        }
        let folder = place.at.data.as_deref().ok_or_else(|| {
            NodeError::Usage("give --data DIR or --server URL: where is the node?".to_owned())
        })?;
        let node = Node::open(folder, &unlock(&place.unlock)?, &Bar::new())?;
        Ok(Self::Local(Box::new(node)))
    }

    pub(crate) fn members(&self) -> Result<Vec<MemberView>> {
        Ok(match self {
            Self::Local(node) => node.members()?,
            Self::Remote(client) => client.members()?,
        })
    }

    pub(crate) fn member_add(&self, name: &str, country: Option<&str>) -> Result<MemberView> {
        Ok(match self {
            Self::Local(node) => node.member_add(name, country)?,
            Self::Remote(client) => client.member_add(name, country)?,
        })
    }

    pub(crate) fn member_standing(&self, name: &str, standing: Standing) -> Result<()> {
        match self {
            Self::Local(node) => node.member_standing(name, standing)?,
            Self::Remote(client) => client.member_standing(name, standing)?,
        }
        Ok(())
    }

    pub(crate) fn keys(&self) -> Result<Vec<KeyView>> {
        Ok(match self {
            Self::Local(node) => node.keys()?,
            Self::Remote(client) => client.keys()?,
        })
    }

    pub(crate) fn key_rotate(&self, member: Option<&str>) -> Result<String> {
        Ok(match self {
            Self::Local(node) => node.key_rotate(member)?,
            Self::Remote(client) => client.key_rotate(member)?,
        })
    }

    pub(crate) fn key_register(&self, member: Option<&str>) -> Result<String> {
        Ok(match self {
            Self::Local(node) => node.key_register(member)?,
            Self::Remote(client) => client.key_register(member)?,
        })
    }

    pub(crate) fn key_revoke(&self, member: Option<&str>, key: &str) -> Result<()> {
        match self {
            Self::Local(node) => node.key_revoke(member, key)?,
            Self::Remote(client) => client.key_revoke(member, key)?,
        }
        Ok(())
    }

    pub(crate) fn confirm_clock(&self) -> Result<String> {
        Ok(match self {
            Self::Local(node) => node.confirm_clock()?,
            Self::Remote(client) => client.confirm_clock()?,
        })
    }

    pub(crate) fn endorse(&self, member: Option<&str>, event_id: &str) -> Result<()> {
        match self {
            Self::Local(node) => node.endorse(&Scope::All, member, event_id)?,
            Self::Remote(client) => client.endorse(member, event_id)?,
        }
        Ok(())
    }

    pub(crate) fn capture(
        &self,
        member: Option<&str>,
        files: &[InputFile],
        lenient: bool,
        progress: &dyn Progress,
    ) -> Result<CaptureReport> {
        Ok(match self {
            Self::Local(node) => node.capture(member, files, lenient, progress)?,
            Self::Remote(client) => client.capture(member, files, lenient, progress)?,
        })
    }

    /// Imports through a mapping: a shipped one or, on a data directory here, one of a folder.
    pub(crate) fn import(
        &self,
        member: Option<&str>,
        sources: &Sources,
        files: &[InputFile],
        progress: &dyn Progress,
    ) -> Result<CaptureReport> {
        if matches!(self, Self::Remote(_)) && sources.mappings.is_some() {
            let what = "a server imports through the mappings that it has: leave --mappings out, \
                        or import on the data directory itself";
            return Err(NodeError::Usage(what.to_owned()).into());
        }
        if let Some(file) = &sources.master_data {
            self.master_data_add(&file.display().to_string(), &read(file)?)?;
        }
        Ok(match self {
            Self::Local(node) => {
                let mapping = mappings(sources.mappings.as_deref())?.find(&sources.mapping)?;
                node.import(member, &mapping, files, progress)?
            }
            Self::Remote(client) => client.import(member, &sources.mapping, files, progress)?,
        })
    }

    pub(crate) fn master_data_add(&self, name: &str, text: &[u8]) -> Result<String> {
        Ok(match self {
            Self::Local(node) => node.master_data_add(name, text)?,
            Self::Remote(client) => client.master_data_add(name, text)?,
        })
    }

    pub(crate) fn classes_set(&self, name: &str, text: &[u8]) -> Result<usize> {
        Ok(match self {
            Self::Local(node) => node.classes_set(name, text)?,
            Self::Remote(client) => client.classes_set(name, text)?,
        })
    }

    pub(crate) fn quarantine(&self) -> Result<Vec<Held>> {
        Ok(match self {
            Self::Local(node) => node.quarantine(&Scope::All)?,
            Self::Remote(client) => client.quarantine()?,
        })
    }

    pub(crate) fn document(
        &self,
        member: Option<&str>,
        name: &str,
        bytes: &[u8],
    ) -> Result<KeptDocument> {
        Ok(match self {
            Self::Local(node) => node.document(member, name, bytes)?,
            Self::Remote(client) => client.document(member, name, bytes)?,
        })
    }

    pub(crate) fn document_content(&self, id: &str) -> Result<(String, Vec<u8>)> {
        Ok(match self {
            Self::Local(node) => node.document_content(&Scope::All, id)?,
            Self::Remote(client) => client.document_content(id)?,
        })
    }

    pub(crate) fn erase(
        &self,
        member: Option<&str>,
        event_id: &str,
        class: Option<&str>,
        reason: ErasureReason,
    ) -> Result<Erased> {
        Ok(match self {
            Self::Local(node) => Erased {
                event_id: event_id.to_owned(),
                erased: node.erase(&Scope::All, member, event_id, class, reason)?,
                class: class.map(str::to_owned),
            },
            Self::Remote(client) => client.erase(member, event_id, class, reason)?,
        })
    }

    pub(crate) fn events(&self, query: &str, format: EpcFormat) -> Result<EventsAnswer> {
        Ok(match self {
            Self::Local(node) => node.events(&Scope::All, query, format)?,
            Self::Remote(client) => client.events(query, format)?,
        })
    }

    pub(crate) fn trace(&self, id: &str, direction: Direction) -> Result<Trace> {
        Ok(match self {
            Self::Local(node) => node.trace(&Scope::All, id, direction)?,
            Self::Remote(client) => client.trace(id, direction)?,
        })
    }

    pub(crate) fn prove(&self, event_id: &str, fields: &[String]) -> Result<Bundle> {
        Ok(match self {
            Self::Local(node) => {
                let proof = node.prove(&Scope::All, event_id, fields)?;
                let erased = proof.erased.iter().map(|class| class.name().to_owned()).collect();
                Bundle { bytes: proof.bundle, erased }
            }
            Self::Remote(client) => client.prove(event_id, fields)?,
        })
    }

    pub(crate) fn receipt(&self, event_id: &str, with_statement: bool) -> Result<Receipt> {
        Ok(match self {
            Self::Local(node) => node.receipt(&Scope::All, event_id)?,
            Self::Remote(client) => client.receipt(event_id, with_statement)?,
        })
    }

    pub(crate) fn trust(&self) -> Result<String> {
        Ok(match self {
            Self::Local(node) => node.trust()?,
            Self::Remote(client) => client.trust()?,
        })
    }

    pub(crate) fn log_resource(&self, path: &str) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Local(node) => node.log_resource(path)?,
            Self::Remote(client) => client.log_resource(path)?,
        })
    }
}

/// The API key: as given, else from the environment.
fn token(place: &Place) -> Result<String> {
    let given = place.token.clone().or_else(|| std::env::var(TOKEN).ok());
    let token = given.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    Ok(token.ok_or_else(|| {
        let what = format!("a server asks who calls: give --token or {TOKEN} (an API key)");
        NodeError::Usage(what)
    })?)
}
