//! The check of the remote model: whether its endpoint takes the key and knows the model, and until when.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use reqwest::StatusCode;
use service::config::Settings;
use worker::config::{ModelConfig, OPENAI, read_remote};

use super::Finding;
use crate::environment::Environment;

/// How long before its end a model is warned of.
const NOTICE: Days = Days::new(120);

pub async fn check(environment: &Environment, today: NaiveDate, findings: &mut Vec<Finding>) {
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let config = ModelConfig::read(&mut settings).zip(read_remote(&mut settings));
    let Ok((config, remote)) = settings.finish(config) else {
        findings.push(Finding::skipped("remote model", "its settings are wrong"));
        return;
    };
    let at_openai = config.base_url.as_str().trim_end_matches('/') == OPENAI;
    if config.api_key.is_none() && at_openai && config.model.is_none() {
        findings.push(Finding::good(
            "remote model",
            "no key is set: recordings are analysed on this machine only",
        ));
        return;
    }
    let ends_on = remote.price().and_then(|price| price.retires_on).filter(|_| at_openai);
    if let Some(day) = ends_on {
        findings.push(retirement(remote.model(), day, today));
    }
    if remote.price().is_none() && remote.token_ceiling.is_none() {
        findings.push(Finding::warning(
            "model's price",
            format!(
                "the price table does not know {}: it would be refused (MODEL_PRICE_UNKNOWN)",
                remote.model()
            ),
            "set REMOTE_TOKEN_CEILING, or REMOTE_PRICES_FILE to a table that has it",
        ));
    }
    for caution in remote.cautions(today) {
        findings.push(Finding::warning(
            "remote model",
            caution,
            "see docs/operations.md, The remote model",
        ));
    }
    if config.api_key.is_none() && at_openai {
        findings.push(Finding::warning(
            "remote model",
            format!("{} is set, but no key", remote.model()),
            "set OPENAI_API_KEY, or remove GPT4V_MODEL: recordings are analysed on this machine only",
        ));
        return;
    }
    if !remote.enabled {
        findings.push(Finding::warning(
            "remote analysis",
            "a key is set, but the platform's switch is off",
            "set REMOTE_ANALYSIS=on, or remove OPENAI_API_KEY",
        ));
    }
    findings.push(endpoint(&config, remote.model()).await);
}

/// What is to be said about the end of a model.
fn retirement(model: &str, day: NaiveDate, today: NaiveDate) -> Finding {
    let check = "model's life";
    let remedy = "set GPT4V_MODEL to a current model, or remove it for the current one of the price table";
    if today >= day {
        Finding::fault(check, format!("{model} left OpenAI's API on {day}"), remedy)
    } else if today + NOTICE >= day {
        let days = (day - today).num_days();
        Finding::warning(
            check,
            format!("{model} leaves OpenAI's API on {day}, in {days} days"),
            remedy,
        )
    } else {
        Finding::good(check, format!("{model} stays in OpenAI's API until {day}"))
    }
}

/// Asks the endpoint for the model. Nothing of a recording is sent, and it costs nothing.
async fn endpoint(config: &ModelConfig, model: &str) -> Finding {
    const CHECK: &str = "remote model";
    let place = config.base_url.as_str().trim_end_matches('/');
    let url = format!("{place}/models/{model}");
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
    match asked.await {
        Ok(StatusCode::OK) => Finding::good(CHECK, format!("{place} answers; model: {model}")),
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Finding::fault(
            CHECK,
            format!("{place} refuses the key"),
            "set OPENAI_API_KEY to a valid key of a project that may use the model",
        ),
        // Some compatible endpoints do not tell which models they have; then the first analysis does.
        Ok(StatusCode::NOT_FOUND) => Finding::fault(
            CHECK,
            format!("{place} does not know {model}"),
            "set GPT4V_MODEL to a model that it has",
        ),
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

    use super::{Finding, check};
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

    #[tokio::test]
    async fn the_seeds_model_is_warned_of_and_then_refused() {
        let seed = [("GPT4V_MODEL", "gpt-4o-2024-08-06")];
        let verdict = async |today| find(&seed, today).await[0].verdict;
        assert_eq!(verdict("2026-06-01").await, Verdict::Good);
        assert_eq!(verdict("2026-11-24").await, Verdict::Warning);
        assert_eq!(verdict("2027-01-13").await, Verdict::Warning);
        assert_eq!(verdict("2027-01-14").await, Verdict::Fault);
        let unknown = find(&[("GPT4V_MODEL", "some-model")], "2027-06-01").await;
        assert!(unknown[0].found.contains("MODEL_PRICE_UNKNOWN"), "{unknown:?}");
    }

    #[tokio::test]
    async fn what_the_client_would_warn_of_is_said_and_a_price_table_of_ones_own_is_read() {
        let table = tempfile::NamedTempFile::new().unwrap();
        let path = table.path().to_str().unwrap();
        let own = serde_json::json!({
            "as_of": "2026-01-01", "source": "the contract", "current": "house-model",
            "models": [{
                "name": "house-model", "input_usd_per_million": "1", "output_usd_per_million": "2", "context_tokens": 32000, "max_output_tokens": 8000,
                "image_tokens": { "tiles": { "base": 85, "per_tile": 170 } }, "accepts_temperature": false
            }]
        });
        std::fs::write(path, own.to_string()).unwrap();
        let settings = [
            ("REMOTE_PRICES_FILE", path),
            ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
            ("REMOTE_TEMPERATURE", "0.2"),
        ];
        let found = find(&settings, "2026-11-24").await;
        let said: Vec<_> = found.iter().map(|finding| finding.found.as_str()).collect();
        assert!(
            said.iter().any(|found| found.contains("days old (2026-01-01)")),
            "{said:?}"
        );
        assert!(
            said.iter()
                .any(|found| found.contains("house-model takes no temperature")),
            "{said:?}"
        );
        assert!(
            !said.iter().any(|found| found.contains("MODEL_PRICE_UNKNOWN")),
            "{said:?}"
        );
        std::fs::write(path, "{}").unwrap();
        let found = find(&settings, "2026-11-24").await;
        assert!(matches!(found[0].verdict, Verdict::Skipped), "{found:?}");
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
