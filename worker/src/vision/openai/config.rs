//! What the operator of the platform sets about the remote model, read once and refused whole where it is wrong.

use std::fmt;
use std::time::Duration;

use chrono::NaiveDate;
use url::Url;

use super::retry::Patience;
use crate::vision::price::{ModelPrice, PriceTable, TableFault};

/// How finely the model looks at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A small copy: cheap, text is lost.
    Low,
    /// Tiles or patches of the whole picture.
    High,
    /// The endpoint chooses; estimated as high.
    Auto,
}

impl Detail {
    /// The word of a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Auto => "auto",
        }
    }
}

/// A text that no log shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Everything about the remote model.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The one switch: off, and nothing leaves, whatever organizations and sessions allow.
    pub enabled: bool,
    /// Any endpoint that speaks `OpenAI`'s chat completions; requests go to `<base>/chat/completions`.
    pub base_url: Url,
    /// The key; endpoints in the own house often need none.
    pub api_key: Option<Secret>,
    /// The model; the price table's current one when absent.
    pub model: Option<String>,
    /// How finely the model looks.
    pub detail: Detail,
    /// Sent only where set, and never to a model that refuses it.
    pub temperature: Option<f32>,
    /// What reasoning models are asked to spend; the table's word for the model when absent.
    pub reasoning_effort: Option<String>,
    /// Most tokens of one answer, reasoning included.
    pub max_output_tokens: u64,
    /// Most pictures of one request. `OpenAI`'s limit is 500.
    pub max_images: usize,
    /// Longest body of one request. `OpenAI`'s limit is 50 MB.
    pub max_request_bytes: u64,
    /// Longest file of one picture. `OpenAI`'s limit is 20 MB.
    pub max_image_bytes: u64,
    /// Tokens of request and answer together; the table's figure for the model when absent.
    pub context_tokens: Option<u64>,
    /// Most tokens that one analysis may take. The only thing that lets a model without a price be asked.
    pub token_ceiling: Option<u64>,
    /// How long one request may take, answer included.
    pub timeout: Duration,
    /// How often and after which waits a request is tried again.
    pub patience: Patience,
    /// What models cost.
    pub prices: PriceTable,
}

/// Where a model without a price has no context on record: what common endpoints have at least.
const ASSUMED_CONTEXT_TOKENS: u64 = 32_000;

impl RemoteConfig {
    /// The defaults: switched off, `OpenAI`'s endpoint, no key.
    pub fn new() -> Result<Self, TableFault> {
        let base_url = Url::parse("https://api.openai.com/v1").map_err(|fault| TableFault::Wrong(fault.to_string()))?;
        Ok(Self {
            enabled: false,
            base_url,
            api_key: None,
            model: None,
            detail: Detail::High,
            temperature: None,
            reasoning_effort: None,
            max_output_tokens: 16_000,
            max_images: 500,
            max_request_bytes: 50_000_000,
            max_image_bytes: 20_000_000,
            context_tokens: None,
            token_ceiling: None,
            timeout: Duration::from_mins(5),
            patience: Patience::default(),
            prices: PriceTable::embedded()?,
        })
    }

    /// The configuration that names hold, and every fault in it.
    ///
    /// | Name | Meaning | Default |
    /// |---|---|---|
    /// | `REMOTE_ANALYSIS` | `on` or `off`: the switch that stops all of it; `on` alone sends nothing | `on` with a key or an endpoint |
    /// | `OPENAI_BASE_URL` | the endpoint | `https://api.openai.com/v1` |
    /// | `OPENAI_API_KEY` | the key | none |
    /// | `GPT4V_MODEL` | the model | the price table's current one |
    /// | `REMOTE_DETAIL` | `low`, `high` or `auto` | `high` |
    /// | `REMOTE_TEMPERATURE` | 0 to 2 | not sent |
    /// | `REMOTE_REASONING_EFFORT` | a word of the endpoint | the price table's |
    /// | `REMOTE_MAX_OUTPUT_TOKENS` | of one answer | 16000 |
    /// | `REMOTE_MAX_IMAGES` | of one request | 500 |
    /// | `REMOTE_MAX_REQUEST_BYTES` | of one request | 50000000 |
    /// | `REMOTE_MAX_IMAGE_BYTES` | of one picture | 20000000 |
    /// | `REMOTE_CONTEXT_TOKENS` | of the model | the price table's |
    /// | `REMOTE_TOKEN_CEILING` | of one analysis | none |
    /// | `REMOTE_TIMEOUT_SECONDS` | of one request | 300 |
    /// | `REMOTE_ATTEMPTS` | of one request | 5 |
    ///
    /// `prices` is the text of the file that replaces the built-in price table (`REMOTE_PRICES_FILE`, read by the caller).
    pub fn read(value_of: impl Fn(&str) -> Option<String>, prices: Option<&str>) -> Result<Self, Vec<String>> {
        let mut config = Self::new().map_err(|fault| vec![fault.to_string()])?;
        let mut faults = Vec::new();
        let value_of = |name: &str| {
            value_of(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        if let Some(text) = prices {
            match PriceTable::parse(text) {
                Ok(table) => config.prices = table,
                Err(fault) => faults.push(format!("REMOTE_PRICES_FILE: {fault}")),
            }
        }
        match value_of("REMOTE_ANALYSIS").as_deref() {
            // Without a key, and without an endpoint of one's own, there is nobody to ask.
            None => config.enabled = value_of("OPENAI_API_KEY").is_some() || value_of("OPENAI_BASE_URL").is_some(),
            Some("on") => config.enabled = true,
            Some("off") => {}
            Some(_) => faults.push("REMOTE_ANALYSIS: on or off".to_owned()),
        }
        if let Some(text) = value_of("OPENAI_BASE_URL") {
            match Url::parse(&text) {
                Ok(url) if plain(&url) => config.base_url = url,
                _ => faults.push("OPENAI_BASE_URL: an http or https address without a query or credentials".to_owned()),
            }
        }
        match value_of("REMOTE_DETAIL").as_deref() {
            None => {}
            Some("low") => config.detail = Detail::Low,
            Some("high") => config.detail = Detail::High,
            Some("auto") => config.detail = Detail::Auto,
            Some(_) => faults.push("REMOTE_DETAIL: low, high or auto".to_owned()),
        }
        if let Some(text) = value_of("REMOTE_TEMPERATURE") {
            match text.parse::<f32>() {
                Ok(number) if (0.0..=2.0).contains(&number) => config.temperature = Some(number),
                _ => faults.push("REMOTE_TEMPERATURE: a number from 0 to 2".to_owned()),
            }
        }
        config.api_key = value_of("OPENAI_API_KEY").map(Secret::new);
        config.model = value_of("GPT4V_MODEL");
        config.reasoning_effort = value_of("REMOTE_REASONING_EFFORT");
        let mut whole = |name: &str, most: u64| {
            let text = value_of(name)?;
            match text.parse::<u64>() {
                Ok(number) if (1..=most).contains(&number) => Some(number),
                _ => {
                    faults.push(format!("{name}: a whole number from 1 to {most}"));
                    None
                }
            }
        };
        if let Some(number) = whole("REMOTE_MAX_OUTPUT_TOKENS", 1_000_000) {
            config.max_output_tokens = number;
        }
        if let Some(number) = whole("REMOTE_MAX_IMAGES", 10_000) {
            config.max_images = number as usize;
        }
        if let Some(number) = whole("REMOTE_MAX_REQUEST_BYTES", 500_000_000) {
            config.max_request_bytes = number;
        }
        if let Some(number) = whole("REMOTE_MAX_IMAGE_BYTES", 100_000_000) {
            config.max_image_bytes = number;
        }
        config.context_tokens = whole("REMOTE_CONTEXT_TOKENS", 100_000_000);
        config.token_ceiling = whole("REMOTE_TOKEN_CEILING", 1_000_000_000);
        if let Some(number) = whole("REMOTE_TIMEOUT_SECONDS", 3_600) {
            config.timeout = Duration::from_secs(number);
        }
        if let Some(number) = whole("REMOTE_ATTEMPTS", 20) {
            config.patience.attempts = number as u32;
        }
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// The model that is asked.
    pub fn model(&self) -> &str {
        self.model.as_deref().unwrap_or(&self.prices.current)
    }

    /// Its prices, where it has any.
    pub fn price(&self) -> Option<&ModelPrice> {
        self.prices.find(self.model())
    }

    /// The endpoint's host, as disclosures name it.
    pub fn endpoint(&self) -> String {
        let host = self.base_url.host_str().unwrap_or_default();
        self.base_url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// What a person should know before relying on this configuration, one sentence each.
    pub fn warnings(&self, today: NaiveDate) -> Vec<String> {
        let model = self.prices.warnings(self.model(), today);
        let stale = self.prices.stale(today);
        let model = model.into_iter().filter(|warning| Some(warning) != stale.as_ref());
        model.chain(self.cautions(today)).collect()
    }

    /// Those of the warnings that are about neither the model's life nor its price.
    pub fn cautions(&self, today: NaiveDate) -> Vec<String> {
        let mut warnings: Vec<String> = self.prices.stale(today).into_iter().collect();
        if self.base_url.scheme() == "http" && !self.is_loopback() {
            warnings.push(format!("screens would travel to {} unencrypted", self.endpoint()));
        }
        if self.temperature.is_some() && self.price().is_some_and(|price| !price.accepts_temperature) {
            warnings.push(format!(
                "the model {} takes no temperature: it is not sent",
                self.model()
            ));
        }
        warnings
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self.base_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Most tokens of one answer: as configured, as the model allows, and never more than half the context.
    pub(super) fn output_tokens(&self) -> u64 {
        let allowed = self.price().map_or(u64::MAX, |price| price.max_output_tokens);
        self.max_output_tokens.min(allowed).min(self.context() / 2)
    }

    pub(super) fn context(&self) -> u64 {
        self.context_tokens
            .or_else(|| self.price().map(|price| price.context_tokens))
            .unwrap_or(ASSUMED_CONTEXT_TOKENS)
    }
}

/// Credentials have a field of their own, which no log shows.
fn plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<RemoteConfig, Vec<String>> {
        RemoteConfig::read(
            |name| {
                pairs
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            },
            None,
        )
    }

    #[test]
    fn without_a_key_nobody_can_be_asked_and_the_switch_stops_all_of_it() {
        assert!(!read(&[]).unwrap().enabled);
        assert!(
            !read(&[("OPENAI_API_KEY", "sk-secret"), ("REMOTE_ANALYSIS", "off")])
                .unwrap()
                .enabled
        );
        // A key opens the platform's door only: organization and session decide, see `permit`.
        let config = read(&[("OPENAI_API_KEY", "sk-secret")]).unwrap();
        assert!(config.enabled);
        assert_eq!(config.model(), "gpt-6-luna");
        assert_eq!(config.endpoint(), "api.openai.com");
        assert!(!format!("{config:?}").contains("sk-secret"));
    }

    #[test]
    fn every_fault_is_reported_together() {
        let faults = read(&[
            ("REMOTE_ANALYSIS", "yes"),
            ("OPENAI_BASE_URL", "ftp://x"),
            ("REMOTE_DETAIL", "fine"),
            ("REMOTE_TEMPERATURE", "3"),
            ("REMOTE_ATTEMPTS", "0"),
        ])
        .unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(RemoteConfig::read(|_| None, Some("{}")).is_err());
    }

    #[test]
    fn a_model_in_the_own_house_has_its_port_named_and_a_bounded_context() {
        let config = read(&[
            ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"),
            ("GPT4V_MODEL", "llava"),
            ("REMOTE_ANALYSIS", "on"),
        ])
        .unwrap();
        assert_eq!(config.endpoint(), "127.0.0.1:8080");
        assert!(config.is_loopback() && config.price().is_none());
        assert_eq!((config.context(), config.output_tokens()), (32_000, 16_000));
        assert_eq!(config.warnings(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()).len(), 1);
    }

    #[test]
    fn screens_in_clear_text_and_a_vain_temperature_are_told() {
        let config = read(&[
            ("OPENAI_BASE_URL", "http://models.example/v1"),
            ("REMOTE_TEMPERATURE", "0.2"),
        ])
        .unwrap();
        assert_eq!(config.warnings(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()).len(), 2);
    }
}
