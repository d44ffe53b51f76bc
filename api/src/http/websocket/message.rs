//! The protocol's messages: what a client says, read, and what is said to it, as text. Apart from the tasks because nothing
//! here waits.

use axum::extract::ws::Message;
use serde_json::{Map, Value, json};

use crate::http::{
    engine::Incoming,
    stream::{Close, Item},
};

/// Longest reason that fits a close frame.
const MAX_REASON: usize = 123;

pub(super) fn text(json: String) -> Message {
    Message::Text(json.into())
}

/// An operation's message. `json` is a document already, so it is put in as it stands.
pub(super) fn message(id: &str, item: &Item) -> String {
    let id = Value::from(id);
    match item {
        Item::Next { json, .. } => format!(r#"{{"id":{id},"type":"next","payload":{json}}}"#),
        Item::Error { outcome } => json!({ "id": id, "type": "error", "payload": outcome.response.errors }).to_string(),
        Item::Complete => json!({ "id": id, "type": "complete" }).to_string(),
    }
}

pub(super) fn short(reason: &str) -> String {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason[..end].to_owned()
}

pub(super) fn close(code: u16, reason: impl Into<String>) -> Close {
    Close {
        code,
        reason: reason.into(),
    }
}

/// A message of the client, of the right shape.
pub(super) enum Received {
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe { id: String, incoming: Incoming },
    Complete { id: String },
}

pub(super) fn receive(text: &str) -> Result<Received, Close> {
    let invalid = |reason: &str| close(4400, format!("Invalid message: {reason}"));
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
        return Err(invalid("not a JSON object"));
    };
    let Some(Value::String(kind)) = message.remove("type") else {
        return Err(invalid("no type"));
    };
    let payload = message.remove("payload");
    let optional_object = |payload: Option<Value>| match payload {
        None | Some(Value::Null) => Ok(None),
        Some(payload @ Value::Object(_)) => Ok(Some(payload)),
        Some(_) => Err(invalid("the payload must be an object")),
    };
    let id = match message.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        _ => None,
    };
    match (kind.as_str(), id) {
        ("connection_init", _) => Ok(Received::Init(match optional_object(payload)? {
            Some(Value::Object(payload)) => payload,
            _ => Map::new(),
        })),
        ("ping", _) => Ok(Received::Ping(optional_object(payload)?)),
        ("pong", _) => optional_object(payload).map(|_| Received::Pong),
        ("complete", Some(id)) => Ok(Received::Complete { id }),
        ("subscribe", Some(id)) => {
            let incoming =
                Incoming::from_json(payload.unwrap_or_default()).map_err(|refusal| invalid(&refusal.message))?;
            if incoming.query.is_none() && !incoming.extensions.contains_key("persistedQuery") {
                return Err(invalid("query is required"));
            }
            Ok(Received::Subscribe { id, incoming })
        }
        ("subscribe" | "complete", None) => Err(invalid("id must be text, not empty")),
        _ => Err(invalid("unknown type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_none_close_with_4400() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"ping","payload":[]}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":{}}}"#,
            r#"{"type":"complete"}"#,
        ] {
            let Err(reason) = receive(text) else {
                panic!("{text} was taken")
            };
            assert_eq!(reason.code, 4400, "{text}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = short(&"ü".repeat(100));
        assert_eq!(reason.len(), 122);
    }
}
