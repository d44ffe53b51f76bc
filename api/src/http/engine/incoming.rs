//! What comes in: the parameters of a request. Apart because every transport reads them before the engine is asked.

use axum::http::StatusCode;
use serde_json::Map;

use crate::http::error::{Code, Refusal};

/// In the data of a request over server-sent events that carried `Last-Event-ID`: resume after this cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastEventId(pub String);

/// The parameters of a GraphQL request, of the right JSON types.
#[derive(Debug, Default)]
pub(in crate::http) struct Incoming {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Map<String, serde_json::Value>,
    pub extensions: Map<String, serde_json::Value>,
    pub last_event_id: Option<String>,
}

impl Incoming {
    /// Reads a JSON object; unknown members are left alone, as the specification asks.
    pub fn from_json(json: serde_json::Value) -> Result<Self, Refusal> {
        use serde_json::Value as Json;
        let wrong = |name: &str, wanted: &str| {
            Refusal::http(
                StatusCode::BAD_REQUEST,
                Code::BadUserInput,
                format!("{name} must be {wanted}"),
            )
            .field(name)
        };
        let Json::Object(mut members) = json else {
            return Err(wrong("the request", "a JSON object"));
        };
        let mut text = |name: &str| match members.remove(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        };
        let (query, operation_name) = (text("query")?, text("operationName")?);
        let mut map = |name: &str| match members.remove(name) {
            None | Some(Json::Null) => Ok(Map::new()),
            Some(Json::Object(map)) => Ok(map),
            Some(_) => Err(wrong(name, "an object")),
        };
        let (variables, extensions) = (map("variables")?, map("extensions")?);
        Ok(Self {
            query,
            operation_name,
            variables,
            extensions,
            last_event_id: None,
        })
    }
}
