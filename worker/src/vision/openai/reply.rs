//! What an exchange amounts to, before anything of its content is believed.

use serde_json::Value;

use super::error::Error;
use super::ledger::StoredReply;
use super::retry;
use super::wire::Heard;
use crate::vision::price::{ModelPrice, Usage};
use crate::vision::prompt;

/// What to do with what came back.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Keep it. Whether it can be read is another question.
    Answer,
    /// Asking again will not help.
    Final(Error),
    /// Asking again may help.
    Passing {
        /// What happened, safe to show.
        reason: String,
        /// The status that counts: a gateway's own, or the one that it put into the body of a success.
        status: u16,
    },
}

/// Sorts by status and by the endpoint's error code. The endpoint's own words are not repeated: they can hold parts of
/// the key and of the request.
pub(super) fn sort(heard: &Heard) -> Outcome {
    let body = serde_json::from_slice::<Value>(&heard.body).unwrap_or_default();
    let error = &body["error"];
    let mut status = heard.status;
    if (200..300).contains(&status) {
        if error.is_null() || !body["choices"].is_null() {
            return Outcome::Answer;
        }
        // Some gateways answer 200 and put the upstream's failure into the body.
        let inner = error["code"].as_u64().or_else(|| error["code"].as_str()?.parse().ok());
        status = inner
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| *code >= 400)
            .unwrap_or(502);
    }
    let code = [&error["code"], &error["type"]]
        .into_iter()
        .filter_map(Value::as_str)
        .find(|text| is_word(text));
    let says = |words: &[&str]| {
        [&error["code"], &error["type"]]
            .into_iter()
            .filter_map(Value::as_str)
            .any(|text| words.contains(&text))
    };
    if status == 402 || says(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]) {
        return Outcome::Final(Error::Quota);
    }
    if says(&[
        "content_filter",
        "content_policy_violation",
        "ResponsibleAIPolicyViolation",
    ]) {
        return Outcome::Final(Error::Refused { filtered: true });
    }
    match status {
        401 | 403 => Outcome::Final(Error::Unauthorized { status }),
        _ if retry::passes(status) => Outcome::Passing {
            reason: format!("HTTP {status}"),
            status,
        },
        _ => Outcome::Final(Error::Rejected {
            status,
            code: code.map(str::to_owned),
        }),
    }
}

/// `model_not_found`, not a sentence.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The answer as it is kept, with what can be told of it without reading it: who answered, and what it took.
pub(super) fn stored(heard: &Heard, price: Option<&ModelPrice>) -> StoredReply {
    // No answer holds them, and a database's text can hold neither: whatever sent them is kept all the same.
    let body = String::from_utf8_lossy(&heard.body).replace('\0', "\u{fffd}");
    let read = serde_json::from_str::<Value>(&body).unwrap_or_default();
    let usage = usage(&read["usage"]);
    StoredReply {
        usage,
        cost_usd: usage.zip(price).map(|(usage, price)| price.cost_usd(usage)),
        model: model_name(&read),
        body,
    }
}

/// Who answered, by its own words, where they can be a name.
pub fn model_name(reply: &Value) -> Option<String> {
    reply["model"]
        .as_str()
        .filter(|name| (1..=100).contains(&name.len()) && !name.contains(char::is_control))
        .map(str::to_owned)
}

/// No request takes more, by far; a larger figure is no bill.
const MOST_TOKENS: u64 = 100_000_000;

/// None unless both figures are there: half a bill is no bill.
fn usage(usage: &Value) -> Option<Usage> {
    let figure = |figure: &Value| figure.as_u64().filter(|tokens| *tokens <= MOST_TOKENS);
    let details = &usage["prompt_tokens_details"];
    Some(Usage {
        prompt_tokens: figure(&usage["prompt_tokens"])?,
        completion_tokens: figure(&usage["completion_tokens"])?,
        cached_tokens: figure(&details["cached_tokens"]).unwrap_or(0),
        cache_write_tokens: figure(&details["cache_write_tokens"]).unwrap_or(0),
    })
}

/// Where the first choice's content departs from the schema.
pub(super) fn departures(body: &str, most: usize) -> Vec<String> {
    let read = serde_json::from_str::<Value>(body).unwrap_or_default();
    match read["choices"][0]["message"]["content"]
        .as_str()
        .map(serde_json::from_str::<Value>)
    {
        Some(Ok(content)) => prompt::departures(&content, most),
        Some(Err(_)) => vec!["answer is no bare JSON".to_owned()],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::price::PriceTable;
    use domain::analysis_error::AnalysisErrorCode;
    use serde_json::json;

    fn heard(status: u16, body: &Value) -> Heard {
        Heard {
            status,
            headers: http::HeaderMap::new(),
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn failures_are_sorted_into_codes() {
        let error = |code: &str| json!({ "error": { "message": "Incorrect API key provided: sk-abc", "type": "x", "code": code } });
        let cases = [
            (
                401,
                error("invalid_api_key"),
                AnalysisErrorCode::ModelUnauthorized,
                false,
            ),
            (
                403,
                error("unsupported_country_region_territory"),
                AnalysisErrorCode::ModelUnauthorized,
                false,
            ),
            (429, error("insufficient_quota"), AnalysisErrorCode::ModelQuota, false),
            (402, json!({}), AnalysisErrorCode::ModelQuota, false),
            (
                400,
                error("content_policy_violation"),
                AnalysisErrorCode::ModelRefused,
                false,
            ),
            (
                400,
                error("context_length_exceeded"),
                AnalysisErrorCode::ModelUnavailable,
                false,
            ),
            (
                404,
                error("model_not_found"),
                AnalysisErrorCode::ModelUnavailable,
                false,
            ),
            (301, json!({}), AnalysisErrorCode::ModelUnavailable, false),
        ];
        for (status, body, code, again) in cases {
            let Outcome::Final(error) = sort(&heard(status, &body)) else {
                panic!("{status} is not final")
            };
            assert_eq!(
                (error.code(), error.worth_another_try()),
                (code, again),
                "{status} {body}"
            );
            assert!(!error.to_string().contains("sk-"), "{error}");
        }
        for status in [408, 409, 429, 500, 503] {
            assert!(
                matches!(sort(&heard(status, &json!({}))), Outcome::Passing { .. }),
                "{status}"
            );
        }
    }

    #[test]
    fn a_failure_inside_a_success_is_a_failure() {
        assert!(matches!(
            sort(&heard(200, &json!({ "error": { "code": 429 } }))),
            Outcome::Passing { status: 429, .. }
        ));
        assert!(matches!(
            sort(&heard(200, &json!({ "error": { "code": "401" } }))),
            Outcome::Final(Error::Unauthorized { .. })
        ));
        assert!(matches!(
            sort(&heard(200, &json!({ "error": "overloaded" }))),
            Outcome::Passing { status: 502, .. }
        ));
        assert!(matches!(
            sort(&heard(200, &json!({ "choices": [], "error": null }))),
            Outcome::Answer
        ));
        assert!(matches!(
            sort(&Heard {
                status: 200,
                headers: http::HeaderMap::new(),
                body: b"<html>".to_vec()
            }),
            Outcome::Answer
        ));
    }

    #[test]
    fn what_no_database_text_can_hold_is_replaced() {
        let heard = Heard {
            status: 200,
            headers: http::HeaderMap::new(),
            body: b"a\0\xffb".to_vec(),
        };
        assert_eq!(stored(&heard, None).body, "a\u{fffd}\u{fffd}b");
        assert_eq!(model_name(&json!({ "model": "x\0" })), None);
    }

    #[test]
    fn a_bill_is_whole_or_absent() {
        let prices = PriceTable::embedded().unwrap();
        let price = prices.find("gpt-4o");
        let full = stored(
            &heard(
                200,
                &json!({ "model": "gpt-4o-2024-11-20", "usage": { "prompt_tokens": 1000, "completion_tokens": 10 } }),
            ),
            price,
        );
        assert_eq!(full.cost_usd, Some("0.0026".parse().unwrap()));
        assert_eq!(full.model.as_deref(), Some("gpt-4o-2024-11-20"));
        for usage in [
            json!(null),
            json!({ "prompt_tokens": 5 }),
            json!({ "prompt_tokens": -5, "completion_tokens": 1 }),
            json!({ "prompt_tokens": 500_000_000_000_u64, "completion_tokens": 1 }),
            json!("many"),
        ] {
            assert_eq!(stored(&heard(200, &json!({ "usage": usage })), price).cost_usd, None);
        }
    }
}
