//! The check of the remote model: whether its endpoint takes the key and knows the model, and until when.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use reqwest::StatusCode;
use service::config::Settings;
use worker::config::{ModelConfig, OPENAI};

use super::Finding;
use crate::environment::Environment;

/// The day on which OpenAI takes these models, in all their dated versions, out of its API (announced; facts of 2026).
const RETIRED_ON: NaiveDate = NaiveDate::from_ymd_opt(2027, 1, 14).unwrap();
const RETIRING: [&str; 4] = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"];

/// How long before its end a model is warned of.
const NOTICE: Days = Days::new(120);

pub async fn check(environment: &Environment, today: NaiveDate, findings: &mut Vec<Finding>) {
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let config = ModelConfig::read(&mut settings);
    let Ok(config) = settings.finish(config) else {
        findings.push(Finding::skipped("remote model", "its settings are wrong"));
        return;
    };
    let at_openai = config.base_url.as_str().trim_end_matches('/') == OPENAI;
    if let Some(model) = &config.model
        && let Some(finding) = retirement(model, at_openai, today)
    {
        findings.push(finding);
    }
    if config.api_key.is_none() && at_openai {
        findings.push(Finding::good(
            "remote model",
            "no key is set: recordings are analysed on this machine only",
        ));
        return;
    }
    findings.push(endpoint(&config).await);
}

/// What is to be said about the life of a model, if anything.
fn retirement(model: &str, at_openai: bool, today: NaiveDate) -> Option<Finding> {
    if !at_openai || !RETIRING.into_iter().any(|name| is_version_of(model, name)) {
        return None;
    }
    let remedy = "set GPT4V_MODEL to a current model, or remove it for the current one of the price table";
    if today >= RETIRED_ON {
        Some(Finding::fault(
            "model's life",
            format!("{model} left OpenAI's API on {RETIRED_ON}"),
            remedy,
        ))
    } else if today + NOTICE >= RETIRED_ON {
        let days = (RETIRED_ON - today).num_days();
        Some(Finding::warning(
            "model's life",
            format!("{model} leaves OpenAI's API on {RETIRED_ON}, in {days} days"),
            remedy,
        ))
    } else {
        Some(Finding::good(
            "model's life",
            format!("{model} stays in OpenAI's API until {RETIRED_ON}"),
        ))
    }
}

/// Whether `model` is `name` or one of its dated versions: `gpt-4o-2024-08-06` is a `gpt-4o`, `gpt-4o-mini` is not.
fn is_version_of(model: &str, name: &str) -> bool {
    match model.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|date| NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()),
        None => false,
    }
}

/// Asks the endpoint for the model, or for its list of models. Nothing of a recording is sent, and it costs nothing.
async fn endpoint(config: &ModelConfig) -> Finding {
    const CHECK: &str = "remote model";
    let place = config.base_url.as_str().trim_end_matches('/');
    let url = match &config.model {
        Some(model) => format!("{place}/models/{model}"),
        None => format!("{place}/models"),
    };
    let asked = async {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut request = http.get(&url);
        if let Some(key) = &config.api_key {
            request = request.bearer_auth(key.expose());
        }
        request.send().await.map(|response| response.status())
    };
    let model = config.model.as_deref().unwrap_or("the price table's current model");
    match asked.await {
        Ok(StatusCode::OK) => Finding::good(CHECK, format!("{place} answers; model: {model}")),
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Finding::fault(
            CHECK,
            format!("{place} refuses the key"),
            "set OPENAI_API_KEY to a valid key of a project that may use the model",
        ),
        Ok(StatusCode::NOT_FOUND) if config.model.is_some() => Finding::fault(
            CHECK,
            format!("{place} does not know {model}"),
            "set GPT4V_MODEL to a model that it has",
        ),
        // Some compatible endpoints have no list of models.
        Ok(StatusCode::NOT_FOUND) => {
            Finding::warning(CHECK, format!("{place} has no list of models"), "set GPT4V_MODEL")
        }
        Ok(StatusCode::TOO_MANY_REQUESTS) => Finding::warning(
            CHECK,
            format!("{place} is asked too often or the quota is used up"),
            "check the account's limits",
        ),
        Ok(status) => Finding::fault(
            CHECK,
            format!("{place} answers {status}"),
            "check OPENAI_BASE_URL; try again later",
        ),
        Err(error) => Finding::fault(
            CHECK,
            format!("{place} cannot be reached: {}", error.without_url()),
            "check OPENAI_BASE_URL and that this machine may reach it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;
    use chrono::NaiveDate;

    use super::{Finding, check, is_version_of};
    use crate::command::doctor::Verdict;
    use crate::environment::Environment;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    async fn find(pairs: &[(&str, &str)], today: &str) -> Vec<Finding> {
        let settings = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut findings = Vec::new();
        check(&Environment::of(settings), day(today), &mut findings).await;
        findings
    }

    #[test]
    fn a_dated_version_is_told_from_another_model() {
        assert!(is_version_of("gpt-4o", "gpt-4o") && is_version_of("gpt-4o-2024-08-06", "gpt-4o"));
        assert!(is_version_of("gpt-4o-mini-2024-07-18", "gpt-4o-mini"));
        assert!(!is_version_of("gpt-4o-mini", "gpt-4o") && !is_version_of("gpt-4.1-nano", "gpt-4.1"));
        assert!(!is_version_of("gpt-4o-mini-2024-07-18", "gpt-4o"));
    }

    #[tokio::test]
    async fn the_seeds_model_is_warned_of_and_then_refused() {
        let seed = [("GPT4V_MODEL", "gpt-4o-2024-08-06")];
        let verdict = async |today| find(&seed, today).await[0].verdict;
        assert_eq!(verdict("2026-06-01").await, Verdict::Good);
        assert_eq!(verdict("2026-11-24").await, Verdict::Warning);
        assert_eq!(verdict("2027-01-13").await, Verdict::Warning);
        assert_eq!(verdict("2027-01-14").await, Verdict::Fault);
        assert_eq!(
            find(&[("GPT4V_MODEL", "gpt-5.2")], "2027-06-01").await.len(),
            1,
            "no word about others"
        );
    }

    #[tokio::test]
    async fn an_endpoint_is_asked_for_its_model_with_the_key() {
        let app = Router::new().route(
            "/v1/models/{model}",
            get(async |path: axum::extract::Path<String>, headers: HeaderMap| {
                match (
                    headers.get("authorization").and_then(|value| value.to_str().ok()),
                    path.as_str(),
                ) {
                    (Some("Bearer sk-good"), "known") => StatusCode::OK,
                    (Some("Bearer sk-good"), _) => StatusCode::NOT_FOUND,
                    _ => StatusCode::UNAUTHORIZED,
                }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        for (key, model, verdict, words) in [
            ("sk-good", "known", Verdict::Good, "answers"),
            ("sk-good", "unknown", Verdict::Fault, "does not know unknown"),
            ("sk-bad", "known", Verdict::Fault, "refuses the key"),
        ] {
            let pairs = [
                ("OPENAI_BASE_URL", base.as_str()),
                ("OPENAI_API_KEY", key),
                ("GPT4V_MODEL", model),
            ];
            let findings = find(&pairs, "2026-11-24").await;
            let last = findings.last().unwrap();
            assert!(
                last.verdict == verdict && last.found.contains(words) && !last.found.contains(key),
                "{last:?}"
            );
        }
        server.abort();
        let findings = find(&[("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")], "2026-11-24").await;
        assert!(findings[0].found.contains("cannot be reached"), "{findings:?}");
    }
}
