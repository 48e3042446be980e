//! `serve`: the node behind a server, until it is told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use countermark_net::oidc::{self, Provider};
use countermark_node::{Node, NodeError};
use countermark_web::{App, Settings, server};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::backups::Backups;
use super::{open, read};
use crate::HOLDS;
use crate::cli::{self, Data, Listen};
use crate::output::say;

pub(crate) fn serve(data: &Data, listen: &Listen, backups: &Backups) -> Result<u8> {
    log_to_stderr(listen, "info");
    let reached = Reached::new(listen)?;
    let node = Arc::new(open(data)?);
    backups.begin(&node)?;
    run(Arc::clone(&node), listen, reached, |url| {
        if let Some(link) = node.first_owner_link()? {
            say("No owner can sign in yet. This link signs one in, once, within a day:");
            say(&format!("  {url}{}", link.path()));
        }
        Ok(())
    })
}

/// Refuses an address that somebody else listens at, before much is done in vain.
pub(crate) fn check_free(listen: &Listen) -> Result<()> {
    std::net::TcpListener::bind(listen.listen).map(drop).with_context(|| cannot_listen(listen))
}

fn cannot_listen(listen: &Listen) -> String {
    format!(
        "nobody can listen at {}; is another server running there? Choose another address with \
         --listen",
        listen.listen
    )
}

/// What was given for the way in: read and checked before a node is opened.
pub(crate) struct Reached {
    tls: Option<Arc<rustls::ServerConfig>>,
    provider: Option<Provider>,
}

impl Reached {
    pub(crate) fn new(listen: &Listen) -> Result<Self> {
        Ok(Self { tls: tls(listen)?, provider: provider(&listen.openid)? })
    }
}

/// Serves a node. `opened` is called with the address people use, once it can be reached.
pub(crate) fn run(
    node: Arc<Node>,
    listen: &Listen,
    reached: Reached,
    opened: impl FnOnce(&str) -> Result<()>,
) -> Result<u8> {
    let Reached { tls, provider } = reached;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener =
            TcpListener::bind(listen.listen).await.with_context(|| cannot_listen(listen))?;
        let base_url = base_url(listen, listener.local_addr()?, tls.is_some());
        if !listener.local_addr()?.ip().is_loopback() && tls.is_none() {
            tracing::warn!(
                "this address is reached from elsewhere, and without TLS; passwords and \
                            API keys travel in clear unless a proxy in front of it adds TLS"
            );
        }
        let settings = Settings { base_url: base_url.clone() };
        if let Some(provider) = &provider {
            say(&format!(
                "People can sign in by {}, which has to know {base_url}/sign-in/openid/callback.",
                provider.issuer()
            ));
        }
        let app = App::with_openid(node, settings, provider);
        say(&format!("Serving at {base_url} (Ctrl-C ends it)."));
        opened(&base_url)?;
        server::serve(listener, app, tls, stopped()).await?;
        say("Stopped.");
        Ok(HOLDS)
    })
}

/// The OpenID provider that people may sign in by. It is called when the first of them does.
fn provider(given: &cli::OpenId) -> Result<Option<Provider>> {
    let (Some(issuer), Some(client_id)) = (&given.openid_issuer, &given.openid_client_id) else {
        return Ok(None);
    };
    let settings = oidc::Settings {
        issuer: issuer.clone(),
        client_id: client_id.clone(),
        client_secret: given.openid_client_secret_file.as_deref().map(secret).transpose()?,
        extra_roots: given.openid_ca.as_deref().map(read).transpose()?,
    };
    let unusable = |error| NodeError::Usage(format!("--openid-issuer {issuer}: {error}"));
    Ok(Some(Provider::new(settings).map_err(unusable)?))
}

/// The first line of a file.
fn secret(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(read(file)?);
    let first = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().next());
    let first = first.map(str::trim).filter(|first| !first.is_empty());
    let none = || {
        let what = "its first line, the client's secret, is empty or no text".to_owned();
        NodeError::Unreadable { place: file.display().to_string(), what }
    };
    Ok(Zeroizing::new(first.ok_or_else(none)?.to_owned()))
}

/// The address people use: as given, else where we listen.
fn base_url(listen: &Listen, at: SocketAddr, is_secure: bool) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    match &listen.base_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("{scheme}://{at}"),
    }
}

fn tls(listen: &Listen) -> Result<Option<Arc<rustls::ServerConfig>>> {
    let (Some(chain), Some(key)) = (&listen.tls_cert, &listen.tls_key) else { return Ok(None) };
    let unusable = |what| {
        let place = format!("{} and {}", chain.display(), key.display());
        NodeError::Unreadable { place, what }
    };
    Ok(Some(server::tls(&read(chain)?, &read(key)?).map_err(unusable)?))
}

/// Ends with the first signal to stop; a second one ends the process.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("stopping: open requests may end");
}

/// Structured logs on standard error, from `level` on where COUNTERMARK_LOG says nothing else: for people on a terminal, JSON elsewhere or where asked for.
pub(crate) fn log_to_stderr(listen: &Listen, level: &str) {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_from_env("COUNTERMARK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second server in one process (tests) keeps the first one's log.
    let _set_before = if listen.log_json || !std::io::stderr().is_terminal() {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
}
