//! `serve`: the API, until it is asked to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use api::config::Config;
use api::http::Upgraded;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use service::db::Db;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use super::wiring;
use crate::environment::Environment;
use crate::shutdown;

pub async fn run(environment: &Environment) -> anyhow::Result<ExitCode> {
    let config = Config::load(&|name| environment.get(name))?;
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    let db = wiring::connect(&config.database, &config.pool).await?;
    refuse_pending(&db).await?;
    let stopping = shutdown::on_signal()?;
    let listener = listen(config.listen).await?;
    let application = wiring::application(&config, db.clone(), &stopping, false).await?;
    serve(listener, application, stopping, config.drain).await?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A process that serves or works does not change tables, and does not run on others than its own.
pub async fn refuse_pending(db: &Db) -> anyhow::Result<()> {
    let status = wiring::migrations_seen_by(db).await?;
    if let Some(first) = status.pending.first() {
        bail!(
            "{} migrations are pending, {first} first: run `newsystem migrate up`",
            status.pending.len()
        );
    }
    Ok(())
}

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("{address} is in use by another program: stop it, or set NEWSYSTEM_LISTEN to another address")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

/// How long a client may take for the head of a request, and keep a connection on which it asks nothing.
/// Longer than the minute for which proxies keep one: who closes first should not be us.
const HEAD_TIMEOUT: Duration = Duration::from_secs(90);
/// What is read of a connection at once, and the longest head of a request. hyper's own 400 KB are, with eight uploads at a time and
/// a few buffers of each on their way to the disk, the greater part of the server's memory.
const READ_BYTES: usize = 64 * 1024;

/// Serves until `stopping`, then lets open requests end, for at most `drain`.
pub async fn serve(
    mut listener: TcpListener,
    application: Router,
    stopping: CancellationToken,
    drain: Duration,
) -> anyhow::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let sockets = Upgraded::default();
    let application = application.layer(Extension(sockets.clone()));
    let connections = GracefulShutdown::new();
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(READ_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIMEOUT)
        .enable_connect_protocol();
    loop {
        // axum's waits and goes on where there is no descriptor left.
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = stopping.cancelled() => break,
        };
        // What is pushed is small and should not wait for the client to acknowledge what was pushed before.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(application.clone()));
        let (http, watcher, stopping) = (http.clone(), connections.watcher(), stopping.clone());
        tokio::spawn(async move {
            // hyper's own clock starts with the first byte.
            let mut first = [0];
            let spoken = tokio::select! {
                spoken = tokio::time::timeout(HEAD_TIMEOUT, stream.peek(&mut first)) => spoken.is_ok(),
                () = stopping.cancelled() => false,
            };
            if !spoken {
                return;
            }
            let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection.into_owned()).await {
                tracing::debug!(error = &*error, %peer, "a connection ended early");
            }
        });
    }
    drop(listener);
    let ended = async {
        connections.shutdown().await;
        // Upgraded connections are not among them.
        sockets.0.close();
        sockets.0.wait().await;
    };
    tokio::select! {
        () = ended => {}
        () = tokio::time::sleep(drain) => {
            tracing::warn!(drain_seconds = drain.as_secs(), "open requests did not end in time");
        }
    }
    tracing::info!("the API has stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::sync::CancellationToken;

    use super::{listen, serve};

    async fn ask(address: std::net::SocketAddr) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut text = String::new();
        // A server that gives up closes in the middle.
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    async fn stop_amid(work: Duration, drain: Duration) -> (String, Duration) {
        let app = Router::new().route(
            "/slow",
            get(async move || {
                tokio::time::sleep(work).await;
                "done"
            }),
        );
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let server = tokio::spawn(serve(listener, app, stopping.clone(), drain));
        let asking = tokio::spawn(ask(address));
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopping.cancel();
        let asked = Instant::now();
        server.await.unwrap().unwrap();
        let took = asked.elapsed();
        assert!(
            tokio::net::TcpStream::connect(address).await.is_err(),
            "nobody listens any more"
        );
        asking.abort();
        (asking.await.unwrap_or_default(), took)
    }

    #[tokio::test]
    async fn an_open_request_ends_before_the_server_does() {
        let app = Router::new().route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(400)).await;
                "done"
            }),
        );
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let server = tokio::spawn(serve(listener, app, stopping.clone(), Duration::from_secs(10)));
        let asking = tokio::spawn(ask(address));
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopping.cancel();
        assert!(asking.await.unwrap().ends_with("done"));
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_without_end_is_given_up() {
        let (_, took) = stop_amid(Duration::from_mins(1), Duration::from_millis(300)).await;
        assert!(
            took >= Duration::from_millis(300) && took < Duration::from_secs(10),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_ends_is_given_up() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let server = tokio::spawn(serve(listener, Router::new(), stopping.clone(), Duration::ZERO));
        for said in [&b"GET / HTTP/1.1\r\nhost:"[..], b""] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(said).await.unwrap();
            let mut left = Vec::new();
            stream.read_to_end(&mut left).await.unwrap();
        }
        stopping.cancel();
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_is_said_to_be() {
        let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = listen(taken.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(
            error.contains("is in use by another program") && error.contains("NEWSYSTEM_LISTEN"),
            "{error}"
        );
    }
}
