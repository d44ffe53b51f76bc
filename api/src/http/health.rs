//! Whether the process lives, and whether it can serve: for orchestrators and load balancers.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::graphql::Api;

/// A probe that takes longer is a failed one.
const PATIENCE: Duration = Duration::from_secs(3);

/// `GET /health/live`: the process answers.
pub async fn live() -> &'static str {
    "alive\n"
}

/// `GET /health/ready`: 200 when database and storage answer and the listener hears, else 503 with the reasons.
pub async fn ready(State(api): State<Api>) -> Response {
    let database = async {
        match tokio::time::timeout(PATIENCE, api.db.system().applied_migrations()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        }
    };
    let storage = async {
        match tokio::time::timeout(PATIENCE, api.storage.exists("probes/ready")).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        }
    };
    let (database, storage) = tokio::join!(database, storage);
    let listener =
        (!api.hub.hears()).then(|| "is being connected again; events come with up to five seconds' delay".to_owned());
    let verdict = |reason: &Option<String>| reason.clone().unwrap_or_else(|| "ok".to_owned());
    let body = json!({ "database": verdict(&database), "storage": verdict(&storage), "listener": verdict(&listener) });
    // Without its listener the process is slower, not wrong.
    let status = if database.is_none() && storage.is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}
