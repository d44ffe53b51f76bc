//! What is followed: subscriptions in the graphql-transport-ws protocol, one to a socket.

use std::ops::ControlFlow;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::graphql::{first_refusal, member, refusal};
use super::{CONNECTING, Failure, Server};

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The one operation of a socket.
const ID: &str = "1";
/// The server gives a sign of life every 15 s; after so long without one the connection is lost.
const SILENCE: Duration = Duration::from_mins(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A message of the server.
#[derive(Debug, PartialEq)]
enum Heard {
    Acknowledged,
    Ping(Value),
    Next(Value),
    Complete,
    /// Nothing to be done.
    Other,
}

impl Server {
    /// Follows a subscription on one connection, until `each` has enough or the server ends it. A lost connection is a
    /// [`Failure`] that passes.
    pub async fn follow<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
        mut each: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut socket = timeout(CONNECTING, self.open_socket())
            .await
            .map_err(|_| lost("it does not answer in time"))??;
        let authorization = format!("Bearer {}", self.token.expose());
        let init = json!({ "type": "connection_init", "payload": { "Authorization": authorization } });
        send(&mut socket, &init).await?;
        loop {
            let text = match timeout(SILENCE, socket.next()).await {
                Err(_) => return Err(lost("there is no sign of life")),
                Ok(None) => return Err(lost("it ended")),
                Ok(Some(Err(error))) => return Err(lost(&error.to_string())),
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (u16::from(frame.code), frame.reason.to_string())
                    });
                    return Err(closed(code, &reason));
                }
                // Pings are answered by the library.
                Ok(Some(Ok(_))) => continue,
            };
            match hear(&text)? {
                Heard::Acknowledged => {
                    let payload = json!({ "query": document, "variables": variables });
                    send(
                        &mut socket,
                        &json!({ "id": ID, "type": "subscribe", "payload": payload }),
                    )
                    .await?;
                }
                Heard::Ping(payload) => {
                    let mut pong = json!({ "type": "pong" });
                    if !payload.is_null() {
                        pong["payload"] = payload;
                    }
                    send(&mut socket, &pong).await?;
                }
                Heard::Next(data) => {
                    let event = serde_json::from_value(data).map_err(|error| Failure::Unreadable(error.to_string()))?;
                    if each(event).is_break() {
                        break;
                    }
                }
                Heard::Complete => break,
                Heard::Other => {}
            }
        }
        // The server notices by itself when this does not arrive.
        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        Ok(())
    }

    async fn open_socket(&self) -> Result<Socket, Failure> {
        let mut request = self
            .socket
            .as_str()
            .into_client_request()
            .map_err(|error| Failure::Unreadable(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(Failure::Status {
                what: "the server's WebSocket",
                status: response.status().as_u16(),
                retry_after: super::graphql::retry_after(response.headers()),
            }),
            Err(error) => Err(lost(&error.to_string())),
        }
    }
}

async fn send(socket: &mut Socket, message: &Value) -> Result<(), Failure> {
    let sent = socket.send(Message::text(message.to_string()));
    match timeout(SILENCE, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(lost(&error.to_string())),
        Err(_) => Err(lost("it takes nothing any more")),
    }
}

fn lost(why: &str) -> Failure {
    Failure::Unreachable(format!("the connection that is followed was lost: {why}"))
}

/// Why a socket was closed. All but a refusal of the credentials and mistakes of ours pass.
fn closed(code: u16, reason: &str) -> Failure {
    match code {
        4403 => refusal(
            &json!({ "message": reason, "extensions": { "code": "UNAUTHENTICATED" } }),
            200,
            None,
        ),
        4400 | 4401 | 4406 | 4409 => Failure::Unreadable(format!("the socket was closed with {code} {reason}")),
        _ => lost(format!("it was closed with {code} {reason}").trim_end()),
    }
}

fn hear(text: &str) -> Result<Heard, Failure> {
    let mut message: Value =
        serde_json::from_str(text).map_err(|_| Failure::Unreadable("a message is no JSON".to_owned()))?;
    let mut payload = member(&mut message, "payload");
    Ok(match message["type"].as_str() {
        Some("connection_ack") => Heard::Acknowledged,
        Some("ping") => Heard::Ping(payload),
        Some("complete") => Heard::Complete,
        Some("error") => return Err(refusal(&payload[0], 200, None)),
        Some("next") => {
            if let Some(refusal) = first_refusal(&payload, 200, None) {
                return Err(refusal);
            }
            Heard::Next(member(&mut payload, "data"))
        }
        _ => Heard::Other,
    })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use axum::Router;
    use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
    use axum::routing::any;
    use serde_json::{Value, json};
    use service::config::Secret;

    use super::{Heard, closed, hear};
    use crate::client::{Server, Target};

    #[test]
    fn messages_of_the_protocol_are_understood() {
        assert_eq!(hear(r#"{"type":"connection_ack"}"#).unwrap(), Heard::Acknowledged);
        assert_eq!(hear(r#"{"type":"ping"}"#).unwrap(), Heard::Ping(Value::Null));
        assert_eq!(hear(r#"{"type":"pong"}"#).unwrap(), Heard::Other);
        assert_eq!(hear(r#"{"id":"1","type":"complete"}"#).unwrap(), Heard::Complete);
        let next = r#"{"id":"1","type":"next","payload":{"data":{"a":1}}}"#;
        assert_eq!(hear(next).unwrap(), Heard::Next(json!({ "a": 1 })));
        let error = r#"{"id":"1","type":"error","payload":[{"message":"no","extensions":{"code":"NOT_FOUND"}}]}"#;
        assert_eq!(hear(error).unwrap_err().code(), Some("NOT_FOUND"));
        let slow = r#"{"id":"1","type":"next","payload":{"data":null,"errors":[{"message":"slow","extensions":{"code":"SLOW_CONSUMER"}}]}}"#;
        assert!(hear(slow).unwrap_err().passes());
        assert!(hear("x").is_err());
        assert_eq!(hear("[1]").unwrap(), Heard::Other);
    }

    #[test]
    fn a_closed_socket_is_opened_again_unless_that_is_pointless() {
        for (code, passes) in [
            (1012, true),
            (1006, true),
            (4429, true),
            (4500, true),
            (4403, false),
            (4400, false),
        ] {
            assert_eq!(closed(code, "because").passes(), passes, "{code}");
        }
        assert_eq!(closed(4403, "revoked").code(), Some("UNAUTHENTICATED"));
    }

    async fn message(socket: &mut WebSocket) -> Value {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Plays a server: greets, sends what it is given, and closes with a code or completes.
    async fn play(mut socket: WebSocket, events: Vec<Value>, close: Option<u16>) {
        let init = message(&mut socket).await;
        assert_eq!(init["payload"]["Authorization"], "Bearer t");
        socket
            .send(Message::text(r#"{"type":"connection_ack"}"#))
            .await
            .unwrap();
        let subscribe = message(&mut socket).await;
        assert_eq!(subscribe["payload"]["variables"], json!({ "id": "x" }));
        for data in events {
            let next = json!({ "id": subscribe["id"], "type": "next", "payload": { "data": data } });
            socket.send(Message::text(next.to_string())).await.unwrap();
        }
        let last = match close {
            Some(code) => Message::Close(Some(CloseFrame {
                code,
                reason: "Service Restart".into(),
            })),
            None => Message::text(json!({ "id": subscribe["id"], "type": "complete" }).to_string()),
        };
        let _ = socket.send(last).await;
    }

    async fn followed(close: Option<u16>, most: usize) -> (Vec<i64>, Result<(), String>) {
        let door = any(async move |upgrade: WebSocketUpgrade| {
            let events = vec![json!({ "n": 1 }), json!({ "n": 2 })];
            upgrade
                .protocols(["graphql-transport-ws"])
                .on_upgrade(move |socket| play(socket, events, close))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let serving = tokio::spawn(axum::serve(listener, Router::new().route("/graphql", door)).into_future());
        let server = Server::new(Target {
            url,
            token: Secret::new("t"),
        })
        .unwrap();
        let mut seen = Vec::new();
        let ended = server
            .follow("subscription { n }", &json!({ "id": "x" }), |event: Value| {
                seen.push(event["n"].as_i64().unwrap());
                if seen.len() == most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .await
            .map_err(|failure| format!("{} {failure}", failure.passes()));
        serving.abort();
        (seen, ended)
    }

    #[tokio::test]
    async fn a_subscription_is_followed_to_its_end() {
        assert_eq!(followed(None, 9).await, (vec![1, 2], Ok(())));
        assert_eq!(followed(None, 1).await, (vec![1], Ok(())));
        let (seen, ended) = followed(Some(1012), 9).await;
        assert_eq!(seen, [1, 2]);
        let why = ended.unwrap_err();
        assert!(
            why.starts_with("true ") && why.contains("1012 Service Restart"),
            "{why}"
        );
    }
}
