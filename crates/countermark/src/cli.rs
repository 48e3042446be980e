//! The command line: every command, its arguments, and the exit codes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::access_cli::{AccountCommand, ApiKeyCommand};
use crate::commands::backups::Backups;
use crate::commands::operating::{BackupArgs, DoctorArgs, RestoreArgs};
use crate::publication_cli::PublicationCommand;

const EXIT_CODES: &str = "\
Exit codes: 0 holds; 1 does not hold, or invalid; 2 usage, or a data directory that cannot be used \
that way; 3 input that cannot be read; 4 consistent, but log key not checked (verify without --trust); \
5 not allowed; 6 server cannot be reached, or is too busy.";

/// A provenance ledger that several companies share and none of them owns.
#[derive(Debug, Parser)]
#[command(name = "countermark", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the node's stores are, and how their keys are unlocked.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The node's data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
}

/// The node that a command works on: one whose data directory is here, or one behind a server.
#[derive(Debug, Args)]
pub(crate) struct Place {
    #[command(flatten)]
    pub(crate) at: At,
    /// The API key for the server (else COUNTERMARK_TOKEN)
    #[arg(long, requires = "server")]
    pub(crate) token: Option<String>,
    /// Certificates (PEM) that the server's may be signed by, beside the public ones
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(crate) server_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
}

/// Where the node is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct At {
    /// The node's data directory
    #[arg(long, value_name = "DIR", conflicts_with_all = ["token", "server_ca"])]
    pub(crate) data: Option<PathBuf>,
    /// The node's server, such as https://ledger.example.com
    #[arg(long, value_name = "URL", conflicts_with = "passphrase_file")]
    pub(crate) server: Option<String>,
}

/// How the node's keys are unlocked. Without either, the key file that `init` made is used.
#[derive(Debug, Args, Clone)]
pub(crate) struct Unlock {
    /// File whose first line is the passphrase (else COUNTERMARK_PASSPHRASE, else the key file)
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Where a server listens, and how it is reached.
#[derive(Debug, Args, Clone)]
pub(crate) struct Listen {
    /// Address and port; only this machine reaches the default
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub(crate) listen: std::net::SocketAddr,
    /// Certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The address that people use, where it is not the one listened at: `https://ledger.example.com`
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    #[command(flatten)]
    pub(crate) openid: OpenId,
    /// Logs as JSON, also on a terminal (level: COUNTERMARK_LOG, such as `info` or `debug`)
    #[arg(long)]
    pub(crate) log_json: bool,
}

/// An OpenID provider that people may sign in by.
#[derive(Debug, Args, Clone)]
pub(crate) struct OpenId {
    /// OpenID provider that people may sign in by: its issuer, `https://login.example.com`
    #[arg(long, value_name = "URL", requires = "openid_client_id")]
    pub(crate) openid_issuer: Option<String>,
    /// This server's client id at the provider
    #[arg(long, value_name = "ID", requires = "openid_issuer")]
    pub(crate) openid_client_id: Option<String>,
    /// File whose first line is the client's secret; without one PKCE alone protects the sign-in
    #[arg(long, value_name = "FILE", requires = "openid_issuer")]
    pub(crate) openid_client_secret_file: Option<PathBuf>,
    /// Certificates (PEM) to trust at the provider beside the public ones
    #[arg(long, value_name = "FILE", requires = "openid_issuer")]
    pub(crate) openid_ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a ledger in an empty directory; NAME is its first member
    Init {
        #[command(flatten)]
        data: Data,
        /// The first member's name
        #[arg(long)]
        name: String,
        /// The first member's country, ISO 3166-1 alpha-2
        #[arg(long, value_name = "CC")]
        country: Option<String>,
        /// The log's origin (a name without spaces); made from NAME where not given
        #[arg(long)]
        origin: Option<String>,
    },
    /// Add members, or list them
    #[command(subcommand)]
    Member(MemberCommand),
    /// Register, rotate or revoke a member's signing key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Commit EPCIS 2.0 JSON-LD documents
    Capture {
        #[command(flatten)]
        at: Place,
        /// The member that captures (default: the first)
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        /// Take what other systems get wrong, and report each leniency
        #[arg(long)]
        lenient: bool,
        #[arg(long)]
        json: bool,
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Commit documents of foreign formats through a mapping
    Import {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        /// The mapping's name (see `mapping list`)
        #[arg(long)]
        mapping: String,
        /// Parties, items and sites to know (TOML); added to what the node knows already
        #[arg(long, value_name = "FILE")]
        master_data: Option<PathBuf>,
        /// A folder of mappings of your own, beside the shipped ones
        #[arg(long, value_name = "DIR")]
        mappings: Option<PathBuf>,
        #[arg(long)]
        json: bool,
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Mappings of foreign formats
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Parties, items and sites that the resolver knows
    MasterData {
        #[command(flatten)]
        at: Place,
        /// TOML file to add
        file: PathBuf,
    },
    /// Keep documents (certificates, photographs) and commit to them by salted hash
    #[command(subcommand)]
    Document(DocumentCommand),
    /// Parties and items that documents named and nobody here knows
    Quarantine {
        #[command(flatten)]
        at: Place,
        #[arg(long)]
        json: bool,
    },
    /// Endorse an event's record; counts where the member's keys are in another hand
    Endorse {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        /// The event's id, or the id of its record (32 hex digits) where the event's is erased
        event_id: String,
    },
    /// Events, by the parameters of the EPCIS simple event query
    Events {
        #[command(flatten)]
        at: Place,
        /// For example 'MATCH_epc=…&EQ_bizStep=shipping'
        #[arg(long, default_value = "")]
        query: String,
        /// How GS1 identifiers are written
        #[arg(long, value_enum, default_value_t = EpcFormat::NeverTranslates)]
        epc_format: EpcFormat,
        #[arg(long)]
        json: bool,
    },
    /// Where something came from and where it went, across the members of this node
    Trace {
        #[command(flatten)]
        at: Place,
        /// A lot, item or logistic unit: Digital Link, EPC URN or element string
        id: String,
        /// Only where it came from
        #[arg(long, conflicts_with = "down")]
        up: bool,
        /// Only where it went
        #[arg(long)]
        down: bool,
        #[arg(long)]
        json: bool,
    },
    /// Write a bundle that proves an event, or fields of it, to anyone, offline
    Prove {
        #[command(flatten)]
        at: Place,
        /// The event's id, or the id of its record (32 hex digits) where the event's is erased
        event_id: String,
        /// JSON pointer to a field of the event as `events --json` prints it
        #[arg(long, value_name = "JSON_POINTER")]
        field: Vec<String>,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Write the COSE receipt (RFC 9942) of the statement that captured an event
    Receipt {
        #[command(flatten)]
        at: Place,
        /// The event's id, or the id of its record (32 hex digits) where the event's is erased
        event_id: String,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Write the signed statement (COSE_Sign1) too
        #[arg(long, value_name = "FILE")]
        statement: Option<PathBuf>,
    },
    /// Write this log's trust policy: whom a verifier trusts
    Trust {
        #[command(flatten)]
        at: Place,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Check a bundle; needs no data directory and no network
    Verify {
        file: PathBuf,
        /// The trust policy; without it the log's key is not checked (exit code 4)
        #[arg(long, value_name = "FILE")]
        trust: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// The EPCIS event hashes of a document, one `ni:` URI a line
    Hash {
        #[arg(long, value_enum)]
        profile: HashProfile,
        /// Print the pre-hash strings instead
        #[arg(long)]
        pre_hash: bool,
        file: PathBuf,
    },
    /// A GS1 identifier in its other forms
    Translate {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Check an EPCIS document; nothing is stored
    Validate {
        file: PathBuf,
        #[arg(long)]
        lenient: bool,
        #[arg(long)]
        json: bool,
    },
    /// The transparency log as others read it (C2SP tlog-tiles)
    Log {
        #[command(flatten)]
        at: Place,
        /// `checkpoint`, or a tile's path such as `tile/0/000` or `tile/entries/000.p/5`
        path: String,
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Recompute everything and say what is wrong, and where
    Fsck {
        #[command(flatten)]
        data: Data,
        #[arg(long)]
        json: bool,
    },
    /// The index
    #[command(subcommand)]
    Index(IndexCommand),
    /// Destroy the values of an event, or of one field class of it; its proofs stay
    Erase {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        /// The event's id, or the id of its record (32 hex digits) where the event's is erased
        event_id: String,
        /// identity, transport, quality, quantity, location, certificate, cost, medical, personal,
        /// provenance or other; all of them where not given
        #[arg(long)]
        class: Option<String>,
        /// Why; stands on the ledger
        #[arg(long, value_enum, default_value_t = Reason::Error)]
        reason: Reason,
        #[arg(long)]
        json: bool,
    },
    /// Say which extensions belong to which field class (TOML), for events from now on
    Classes {
        #[command(flatten)]
        at: Place,
        file: PathBuf,
    },
    /// Confirm that the clock really did jump by more than an hour
    ConfirmClock {
        #[command(flatten)]
        at: Place,
    },
    /// What the public may know: releases and recalls
    #[command(subcommand)]
    Publication(PublicationCommand),
    /// People and programs that may call a server of this node
    #[command(subcommand)]
    Account(AccountCommand),
    /// Keys for programs
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Refusals, sign-ins, and changes of accounts and keys, newest first
    AccessLog {
        #[command(flatten)]
        at: Place,
        /// Entries before this one (its number)
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// Entries at most, up to 1,000
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[arg(long)]
        json: bool,
    },
    /// Write an archive of all that cannot be made again
    Backup(BackupArgs),
    /// Restore an archive; let a restored node write again, or begin a new log after a loss
    Restore(RestoreArgs),
    /// Look at a node and the machine under it, and say what to do
    Doctor(DoctorArgs),
    /// Print a shell's completion script
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, or write those of all commands
    Man {
        /// Write one page for every command into this directory
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Serve the API and the pages
    Serve {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        backups: Backups,
    },
    /// Tell the whole story on sample data of five organisations, then serve it to a browser
    Demo {
        /// End after the story
        #[arg(long)]
        once: bool,
        /// Keep the data here (an empty or absent directory); with --once a temporary one where not
        /// given, else countermark-demo
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        listen: Listen,
    },
    /// Measure capture, proof and trace on this machine
    Bench {
        /// Events of each capture measurement
        #[arg(long, default_value_t = 20_000)]
        events: usize,
        /// Events in the trace's index; 0 leaves the trace out
        #[arg(long, default_value_t = 1_000_000)]
        trace_events: usize,
        /// Also give the same events to PostgreSQL (JSONB with a GIN index; its programs must be
        /// installed) and to a chain of hashes in SQLite
        #[arg(long)]
        peers: bool,
        /// Where to measure (a directory on the disk in question); default: a temporary one
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Also write the result to a file, as JSON; as DIR/bench.json the node's pages draw it
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[arg(long)]
        json: bool,
        /// Only write the documents that would be captured, for a load generator
        #[arg(long, value_name = "DIR")]
        documents: Option<PathBuf>,
        /// Only opens the node in a directory and says how long it took
        #[arg(long, value_name = "DIR", hide = true)]
        only_open: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Add a member whose keys this node holds
    Add {
        #[command(flatten)]
        at: Place,
        name: String,
        #[arg(long, value_name = "CC")]
        country: Option<String>,
    },
    /// Let a member state nothing until it is resumed
    Suspend {
        #[command(flatten)]
        at: Place,
        name: String,
    },
    /// Let a suspended member state again
    Resume {
        #[command(flatten)]
        at: Place,
        name: String,
    },
    /// Let a member leave, by its own statement
    Leave {
        #[command(flatten)]
        at: Place,
        name: String,
    },
    /// List the members
    List {
        #[command(flatten)]
        at: Place,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Replace the member's signing key by a new one
    Rotate {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
    },
    /// Give a member without a valid key a new one, stated by the founding member
    Register {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
    },
    /// Revoke a signing key, by its id
    Revoke {
        #[command(flatten)]
        at: Place,
        /// The member that states it: the key's own, or the founding one
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        key: String,
    },
    /// List the keys of all members
    List {
        #[command(flatten)]
        at: Place,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MappingCommand {
    /// List the mappings
    List {
        /// A folder of mappings of your own, beside the shipped ones
        #[arg(long, value_name = "DIR")]
        mappings: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DocumentCommand {
    /// Keep a document
    Add {
        #[command(flatten)]
        at: Place,
        #[arg(long = "as", value_name = "MEMBER")]
        member: Option<String>,
        #[arg(long)]
        json: bool,
        file: PathBuf,
    },
    /// Write a kept document to a file
    Get {
        #[command(flatten)]
        at: Place,
        document_id: String,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Make the index again from log, objects and vault
    Rebuild {
        #[command(flatten)]
        data: Data,
    },
}

/// GS1's four values of `GS1-EPC-Format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EpcFormat {
    #[value(name = "Always_GS1_Digital_Link")]
    AlwaysGs1DigitalLink,
    #[value(name = "Always_EPC_URN")]
    AlwaysEpcUrn,
    #[value(name = "Never_Translates")]
    NeverTranslates,
    #[value(name = "No_Preference")]
    NoPreference,
}

/// Why values are erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    /// The person concerned asked for it
    Request,
    /// The time for which it had to be kept is over
    Retention,
    /// It was captured in error
    Error,
    /// An authority ordered it
    Order,
    /// The agreement under which it was kept has ended
    Agreement,
}

/// The event-hash profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HashProfile {
    #[value(name = "cbv2.0-legacy")]
    Cbv20Legacy,
    #[value(name = "cbv2.0-2026")]
    Cbv20V2026,
    #[value(name = "cbv2.1")]
    Cbv21,
}
