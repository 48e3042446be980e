//! The arguments of `account` and `api-key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Place;

/// A password: never an argument itself.
#[derive(Debug, Args)]
pub(crate) struct PasswordFile {
    /// File whose first line is the password; `-` is standard input. Without it a link signs in
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// The user of an OpenID provider that an account belongs to.
#[derive(Debug, Args)]
pub(crate) struct OpenId {
    /// The provider's issuer, as `https://login.example.com`
    #[arg(long, value_name = "URL", requires = "openid_subject")]
    pub(crate) openid_issuer: Option<String>,
    /// The user's id (`sub`) there
    #[arg(long, value_name = "ID", requires = "openid_issuer")]
    pub(crate) openid_subject: Option<String>,
}

/// How long a link lasts, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// Hours that it lasts, up to 720 (default: an invitation 168, a sign-in link 24)
    #[arg(long)]
    pub(crate) hours: Option<u64>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account
    Add {
        #[command(flatten)]
        at: Place,
        name: String,
        /// owner, operator, member-user, auditor or viewer
        #[arg(long)]
        role: String,
        /// The member that it is bound to (a member-user always is)
        #[arg(long)]
        member: Option<String>,
        #[command(flatten)]
        password: PasswordFile,
        #[command(flatten)]
        openid: OpenId,
        #[arg(long)]
        json: bool,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        at: Place,
        #[arg(long)]
        json: bool,
    },
    /// Disable an account: its sessions end at once, its API keys are revoked
    Disable {
        #[command(flatten)]
        at: Place,
        name: String,
    },
    /// Let a disabled account sign in again
    Enable {
        #[command(flatten)]
        at: Place,
        name: String,
    },
    /// Set an account's password; its sessions end
    Password {
        #[command(flatten)]
        at: Place,
        name: String,
        /// File whose first line is the password; `-` is standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        password_file: PathBuf,
    },
    /// Give an account another role
    Role {
        #[command(flatten)]
        at: Place,
        name: String,
        /// owner, operator, member-user, auditor or viewer
        role: String,
        /// The member that it is bound to from now on
        #[arg(long)]
        member: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Make a one-time link that lets somebody make an account
    Invite {
        #[command(flatten)]
        at: Place,
        /// owner, operator, member-user, auditor or viewer
        #[arg(long)]
        role: String,
        /// The member that the account is bound to
        #[arg(long)]
        member: Option<String>,
        #[command(flatten)]
        link: LinkArguments,
    },
    /// Make a one-time link that signs in with an account
    Link {
        #[command(flatten)]
        at: Place,
        name: String,
        #[command(flatten)]
        link: LinkArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Make an API key; it is shown once
    Add {
        #[command(flatten)]
        at: Place,
        /// The account that it acts for
        #[arg(long)]
        account: String,
        /// What it is for
        #[arg(long)]
        label: String,
        /// What it allows, as `read,capture`: within what the account's role allows
        #[arg(long, value_delimiter = ',', required = true)]
        scope: Vec<String>,
        /// The member whose records alone it reaches
        #[arg(long)]
        member: Option<String>,
        /// Days until it ends, up to 366
        #[arg(long, default_value_t = 90)]
        days: u64,
        #[arg(long)]
        json: bool,
    },
    /// List the API keys
    List {
        #[command(flatten)]
        at: Place,
        /// Those of this account only
        #[arg(long)]
        account: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Revoke an API key, by its id
    Revoke {
        #[command(flatten)]
        at: Place,
        id: String,
    },
}
