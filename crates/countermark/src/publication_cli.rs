//! The arguments of `publication`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::Data;

#[derive(Debug, Subcommand)]
pub(crate) enum PublicationCommand {
    /// Release to the public what a JSON file says, in the place of what was released before
    Put {
        #[command(flatten)]
        data: Data,
        /// The member in whose name it is released; bundles are made of its events alone
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        #[arg(long)]
        json: bool,
        /// What is released (schemas/release.schema.json)
        file: PathBuf,
    },
    /// What was released, and the recalls in force
    List {
        #[command(flatten)]
        data: Data,
        /// The identifier after which the list begins
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Withdraw what was released, with its bundles
    Withdraw {
        #[command(flatten)]
        data: Data,
        /// The product, lot or item, in any spelling
        id: String,
    },
    /// Recall a product, a lot or an item; the notice is public at once
    Recall {
        #[command(flatten)]
        data: Data,
        /// The member that recalls
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        /// Why, in one line
        #[arg(long)]
        title: String,
        /// What whoever has it should do
        #[arg(long, value_name = "TEXT")]
        what_to_do: String,
        /// Whom to ask
        #[arg(long)]
        contact: Option<String>,
        #[arg(long)]
        json: bool,
        /// The product, lot or item, in any spelling
        id: String,
    },
    /// End a recall
    RecallClear {
        #[command(flatten)]
        data: Data,
        /// The product, lot or item, in any spelling
        id: String,
    },
}
