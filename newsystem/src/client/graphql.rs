//! Questions and changes: GraphQL over HTTP.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::backoff::{Backoff, retrying};
use super::{Failure, Server};

/// How long one answer may take; the server gives up earlier.
const ANSWERING: Duration = Duration::from_mins(1);

const ACCEPTED: &str = "application/graphql-response+json, application/json;q=0.9";

impl Server {
    /// Asks once.
    pub async fn ask<T: DeserializeOwned>(&self, document: &str, variables: &Value) -> Result<T, Failure> {
        let response = self
            .http
            .post(self.graphql.clone())
            .bearer_auth(self.token.expose())
            .header(ACCEPT, ACCEPTED)
            .timeout(ANSWERING)
            .json(&json!({ "query": document, "variables": variables }))
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let data = read(status, wait, &body)?;
        serde_json::from_value(data).map_err(|error| Failure::Unreadable(error.to_string()))
    }

    /// Asks until there is an answer. Only for what may be repeated.
    pub async fn ask_patiently<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
        say: impl Fn(&Failure, Duration),
    ) -> Result<T, Failure> {
        retrying(Backoff::REQUEST, say, async || self.ask(document, variables).await).await
    }

    /// A request to a signed address, without credentials: the address carries them.
    pub fn signed(&self, method: reqwest::Method, url: url::Url) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let place = self.base.origin().ascii_serialization();
        Failure::Unreachable(if error.is_timeout() {
            format!("{place} does not answer in time")
        } else if error.is_connect() {
            format!("cannot reach {place}")
        } else {
            format!("the connection to {place} was lost")
        })
    }
}

/// The seconds of `Retry-After`; its other form, a date, is not one that the server uses.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The data of an answer. One with data and errors counts if none of its roots was refused; what is missing is in the log.
fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Result<Value, Failure> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else {
        return Err(if status == 200 {
            Failure::Unreadable("it is no JSON".to_owned())
        } else {
            Failure::Status {
                what: "the server",
                status,
                retry_after,
            }
        });
    };
    let refusal = first_refusal(&answer, status, retry_after);
    let data = member(&mut answer, "data");
    let whole = data
        .as_object()
        .is_some_and(|roots| !roots.values().any(Value::is_null));
    match refusal {
        Some(refusal) if !whole => Err(refusal),
        Some(refusal) => {
            tracing::warn!(reason = %refusal, "a part of the answer is missing");
            Ok(data)
        }
        None if data.is_object() => Ok(data),
        None if status != 200 => Err(Failure::Status {
            what: "the server",
            status,
            retry_after,
        }),
        None => Err(Failure::Unreadable("it has neither data nor errors".to_owned())),
    }
}

/// A member of an object, taken out; null where there is none, or no object.
pub(super) fn member(value: &mut Value, name: &str) -> Value {
    value.get_mut(name).map(Value::take).unwrap_or_default()
}

/// The first of an answer's errors.
pub fn first_refusal(answer: &Value, status: u16, retry_after: Option<Duration>) -> Option<Failure> {
    let error = answer.get("errors")?.as_array()?.first()?;
    Some(refusal(error, status, retry_after))
}

pub(super) fn refusal(error: &Value, status: u16, retry_after: Option<Duration>) -> Failure {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let code = text(&error["extensions"]["code"]).unwrap_or_else(|| "UNKNOWN".to_owned());
    let mut message = text(&error["message"]).unwrap_or_else(|| "refused without a reason".to_owned());
    if code == "UNAUTHENTICATED" {
        message.push_str(": give a new token in NEWSYSTEM_TOKEN, or start `newsystem dev` again");
    }
    Failure::Refused {
        code,
        message,
        field: text(&error["extensions"]["field"]),
        status,
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{read, retry_after};
    use crate::client::Failure;

    fn answered(status: u16, body: &Value) -> Result<Value, Failure> {
        read(status, None, body.to_string().as_bytes())
    }

    #[test]
    fn an_answer_is_its_data_unless_a_root_was_refused() {
        let error = json!({ "message": "no", "extensions": { "code": "CONFLICT", "field": "input.title" } });
        assert_eq!(
            answered(200, &json!({ "data": { "a": null } })).unwrap(),
            json!({ "a": null })
        );
        assert_eq!(
            answered(200, &json!({ "data": { "a": { "b": null } }, "errors": [error] })).unwrap(),
            json!({ "a": { "b": null } }),
            "what was done is not lost"
        );
        for body in [
            json!({ "data": { "a": null }, "errors": [error] }),
            json!({ "data": null, "errors": [error] }),
            json!({ "errors": [error] }),
        ] {
            let failure = answered(200, &body).unwrap_err();
            assert_eq!(failure.to_string(), "no (CONFLICT, input.title)");
            assert!(!failure.passes());
        }
    }

    #[test]
    fn an_answer_of_a_proxy_is_told_by_its_status() {
        let wait = Some(Duration::from_secs(7));
        let failure = read(503, wait, b"<html>").unwrap_err();
        assert_eq!(failure.to_string(), "the server answered with HTTP status 503");
        assert_eq!((failure.passes(), failure.retry_after()), (true, wait));
        assert!(!read(200, None, b"<html>").unwrap_err().passes());
        assert!(!read(200, None, b"[]").unwrap_err().passes());
        assert_eq!(answered(502, &json!({})).unwrap_err().status(), Some(502));
    }

    #[test]
    fn who_is_not_signed_in_is_told_what_to_do() {
        let body =
            json!({ "errors": [{ "message": "the token has ended", "extensions": { "code": "UNAUTHENTICATED" } }] });
        let failure = answered(401, &body).unwrap_err().to_string();
        assert!(
            failure.starts_with("the token has ended: give a new token"),
            "{failure}"
        );
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds() {
        let asked = |text: &str| {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert("retry-after", text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(asked("12"), Some(Duration::from_secs(12)));
        assert_eq!(asked("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
