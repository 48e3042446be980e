//! The accept loop: connections bounded in number, in the time of their handshake and head, and ended
//! in order when the server stops.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::ConnectInfo;
use countermark_node::Node;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::App;
use crate::limits::{
    ACCESS_LOG_TICK, CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HANDSHAKE_TIMEOUT,
    HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, STOP_TIMEOUT,
};

/// Reads a certificate chain and its key (both PEM).
///
/// # Errors
/// In words, where they are none, or do not belong together.
pub fn tls(chain: &[u8], key: &[u8]) -> Result<Arc<rustls::ServerConfig>, String> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate file is no PEM: {error}"))?;
    if chain.is_empty() {
        return Err("the certificate file holds no certificate (PEM)".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| format!("the key file holds no private key (PEM): {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| format!("certificate and key cannot be used: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Connections of each address.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of an address's connections; counted until it is dropped.
struct Counted {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    fn count(&self, address: IpAddr) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CONNECTIONS_PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Counted { addresses: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What a connection holds until it ends.
struct Held {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
    app: App,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.app.metrics().connections.dec();
    }
}

/// Serves until `stop` is done, then lets open requests end.
///
/// # Errors
/// Where the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    app: App,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let worker = Worker::start(&app)?;
    let notes = tokio::spawn(write_access_log(app.clone()));
    let router = crate::router(app.clone());
    let acceptor = tls.map(TlsAcceptor::from);
    let graceful = GracefulShutdown::new();
    let (permits, addresses) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Addresses::default());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted?,
            () = &mut stop => break,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let Some(counted) = addresses.count(peer.ip()) else {
            app.metrics().connection_refused();
            continue;
        };
        app.metrics().connections.inc();
        let held = Held { _permit: permit, _counted: counted, app: app.clone() };
        let (router, acceptor) = (router.clone(), acceptor.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _held = held;
            match acceptor {
                None => talk(stream, peer, router, watcher).await,
                Some(acceptor) => {
                    let handshake =
                        tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
                    match handshake.await {
                        Ok(Ok(stream)) => talk(stream, peer, router, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS"),
                        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
                    }
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that were still open are cut off");
    }
    notes.abort();
    worker.stop().await;
    note(&app).await;
    Ok(())
}

/// Writes what waits for the access log, again and again; never twice at one time.
async fn write_access_log(app: App) {
    loop {
        tokio::time::sleep(ACCESS_LOG_TICK).await;
        note(&app).await;
    }
}

async fn note(app: &App) {
    if let Err(problem) = app.check(Node::access_log_write).await {
        tracing::warn!(reason = problem.detail, "the access log could not be written");
    }
}

/// The thread that works on capture jobs.
struct Worker {
    node: Arc<Node>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Worker {
    fn start(app: &App) -> io::Result<Self> {
        let (node, stop) = (Arc::clone(app.node()), Arc::new(AtomicBool::new(false)));
        let (works_on, told) = (Arc::clone(&node), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("capture jobs".to_owned());
        let thread = thread.spawn(move || works_on.jobs_run(&told))?;
        Ok(Self { node, stop, thread })
    }

    /// Lets the job that runs end, if it does so in time; else it is taken up at the next start.
    async fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.node.jobs_wake();
        let begun = std::time::Instant::now();
        while !self.thread.is_finished() {
            if begun.elapsed() > STOP_TIMEOUT {
                tracing::warn!("a capture job is cut off; it goes on at the next start");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// The next connection; `None` where it went away, or the system has no room for it at the moment.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)>> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are written whole; nothing is gained by holding small ones back.
            let _slower = stream.set_nodelay(true);
            Ok(Some((stream, peer, permit)))
        }
        Err(error) => {
            tracing::debug!(%error, "a connection could not be accepted");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            Ok(None)
        }
    }
}

/// Answers the requests of one connection.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(HEAD_TIMEOUT);
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
