//! A client of the graphql-transport-ws protocol that does exactly what a test says, and no more.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

/// What the server says about an operation, or about the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A response: the payload.
    Next(Value),
    /// The operation was refused: its errors.
    Error(Value),
    /// The operation is over.
    Complete,
    /// The connection was closed, with this code and reason.
    Closed(u16, String),
    /// The connection broke without a word.
    Broken,
}

/// An open socket with verified credentials.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Opens one and waits for the acknowledgement.
    ///
    /// # Errors
    /// When there is no connection, or another answer.
    pub async fn open(address: SocketAddr, credential: &str) -> Result<Self> {
        Self::open_through(address, credential, None).await
    }

    /// The same, for a client whose address a proxy of ours names.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub async fn open_through(address: SocketAddr, credential: &str, client: Option<&str>) -> Result<Self> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            HeaderValue::from_static("graphql-transport-ws"),
        );
        if let Some(client) = client {
            headers.insert("x-forwarded-for", client.parse()?);
        }
        let (stream, _) = client_async(request, TcpStream::connect(address).await?).await?;
        let mut socket = Self { stream };
        let authorization = format!("Bearer {credential}");
        socket
            .send(&json!({ "type": "connection_init", "payload": { "Authorization": authorization } }))
            .await?;
        match socket.message().await {
            Ok(message) if message["type"] == "connection_ack" => Ok(socket),
            other => bail!("no acknowledgement but {other:?}"),
        }
    }

    async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.stream.send(Message::text(message.to_string())).await?)
    }

    /// Starts an operation under an id.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) -> Result<()> {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await
    }

    async fn message(&mut self) -> Result<Value, Said> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).map_err(|_| Said::Broken),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    return Err(Said::Closed(code, reason));
                }
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Said::Broken),
            }
        }
    }

    /// The next thing that the server says.
    pub async fn hear(&mut self) -> Said {
        loop {
            let mut message = match self.message().await {
                Ok(message) => message,
                Err(said) => return said,
            };
            let payload = message["payload"].take();
            match message["type"].as_str() {
                Some("next") => return Said::Next(payload),
                Some("error") => return Said::Error(payload),
                Some("complete") => return Said::Complete,
                _ => {}
            }
        }
    }

    /// The next thing that the server says within a generous time.
    ///
    /// # Errors
    /// When it says nothing.
    pub async fn hear_soon(&mut self) -> Result<Said> {
        tokio::time::timeout(Duration::from_secs(20), self.hear())
            .await
            .context("the server says nothing")
    }

    /// The data of the next response.
    ///
    /// # Errors
    /// When the server says something else, or nothing.
    pub async fn data(&mut self) -> Result<Value> {
        match self.hear_soon().await? {
            Said::Next(mut payload) if payload.get("errors").is_none() => Ok(payload["data"].take()),
            other => bail!("no data but {other:?}"),
        }
    }
}
