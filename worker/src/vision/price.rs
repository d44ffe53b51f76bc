//! What asking a model costs: a dated table, an estimate before a request, the booked cost after it.
//!
//! Prices and retirements change on other people's calendars, so they are configuration: the table below is what was
//! published on its date, and a file of the same shape replaces it whole. The estimate is an upper bound that budgets
//! reserve; what is booked comes from the `usage` of the reply and from nothing else.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use super::openai::Detail;

/// The table that is built in.
const EMBEDDED: &str = include_str!("price/table.json");

/// Prices are shown to a person as doubtful after this many days.
const STALE_AFTER_DAYS: i64 = 180;

/// Money is kept to the millionth of a dollar: one token of the cheapest model is worth a tenth of that.
const DECIMALS: u32 = 6;

/// Why a price table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableFault {
    /// The text is not a table.
    #[error("the price table cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The table contradicts itself.
    #[error("the price table is wrong: {0}")]
    Wrong(String),
}

/// Models with their prices, as published on one day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The day on which the prices were read.
    pub as_of: NaiveDate,
    /// Where they were read.
    pub source: String,
    /// The model that is asked when the configuration names none.
    pub current: String,
    /// Every model that has a price.
    pub models: Vec<ModelPrice>,
}

/// One model of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// The name that a request carries. Dated names (`gpt-4o-2024-11-20`) have the price of their family.
    pub name: String,
    /// USD for a million tokens of the request.
    pub input_usd_per_million: Decimal,
    /// USD for a million tokens that the endpoint read from its cache; the full price when absent.
    #[serde(default)]
    pub cached_input_usd_per_million: Option<Decimal>,
    /// USD for a million tokens that the endpoint wrote to its cache; the full price when absent.
    #[serde(default)]
    pub cache_write_usd_per_million: Option<Decimal>,
    /// USD for a million tokens of the reply, reasoning included.
    pub output_usd_per_million: Decimal,
    /// Tokens of request and reply together.
    pub context_tokens: u64,
    /// Most tokens of one reply.
    pub max_output_tokens: u64,
    /// How a picture becomes tokens.
    pub image_tokens: ImageTokens,
    /// Reasoning models refuse a temperature other than their own.
    #[serde(default = "yes")]
    pub accepts_temperature: bool,
    /// What reasoning models are asked to spend; reading a screen needs little.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    /// The day on which the model leaves the API.
    #[serde(default)]
    pub retires_on: Option<NaiveDate>,
    /// What a reader of the table should know.
    #[serde(default)]
    pub note: Option<String>,
}

fn yes() -> bool {
    true
}

/// How a picture becomes tokens. Source: `OpenAI`, "Images and vision", "Calculating costs".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageTokens {
    /// Fitted into 2048 x 2048, then the short side to 768, then cut into tiles of 512: `base + per_tile * tiles`.
    Tiles {
        /// Tokens of any picture, and all of one at low detail.
        base: u64,
        /// Tokens of each tile.
        per_tile: u64,
    },
    /// Cut into patches of 32 x 32, at most so many, times a factor of the model. Detail makes no difference.
    Patches {
        /// The model's factor.
        multiplier: Decimal,
        /// Larger pictures are shrunk to this many patches.
        most_patches: u64,
    },
}

impl ImageTokens {
    /// Tokens of one picture: exact for tile models, never less than billed for patch models.
    pub fn count(self, width_pixels: u32, height_pixels: u32, detail: Detail) -> u64 {
        match self {
            Self::Tiles { base, .. } if detail == Detail::Low => base,
            Self::Tiles { base, per_tile } => {
                let (width, height) = fit(width_pixels.max(1), height_pixels.max(1));
                base + per_tile * u64::from(width.div_ceil(512)) * u64::from(height.div_ceil(512))
            }
            Self::Patches {
                multiplier,
                most_patches,
            } => {
                let across = u64::from(width_pixels.max(1).div_ceil(32));
                let down = u64::from(height_pixels.max(1).div_ceil(32));
                let patches = Decimal::from(across.saturating_mul(down).min(most_patches));
                u64::try_from((patches * multiplier).ceil()).unwrap_or(u64::MAX)
            }
        }
    }
}

/// The size at which a tile model sees a picture. Small pictures are not enlarged.
fn fit(width: u32, height: u32) -> (u32, u32) {
    let (mut width, mut height) = (f64::from(width), f64::from(height));
    let long = width.max(height);
    if long > 2048.0 {
        (width, height) = (width * 2048.0 / long, height * 2048.0 / long);
    }
    let short = width.min(height);
    if short > 768.0 {
        (width, height) = (width * 768.0 / short, height * 768.0 / short);
    }
    (width.ceil() as u32, height.ceil() as u32)
}

/// What a reply says that it used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub prompt_tokens: u64,
    /// Those of them that came from the endpoint's cache.
    pub cached_tokens: u64,
    /// Those of them that were written to the endpoint's cache.
    pub cache_write_tokens: u64,
    /// Tokens of the reply, reasoning included.
    pub completion_tokens: u64,
}

impl Usage {
    /// Request and reply together.
    pub fn total_tokens(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

impl ModelPrice {
    /// USD for this use, to six places.
    pub fn cost_usd(&self, usage: Usage) -> Decimal {
        // An endpoint that counts more cached tokens than it was sent is not believed.
        let cached = usage.cached_tokens.min(usage.prompt_tokens);
        let written = usage.cache_write_tokens.min(usage.prompt_tokens - cached);
        let fresh = usage.prompt_tokens - cached - written;
        let input = self.input_usd_per_million;
        let sum = Decimal::from(fresh) * input
            + Decimal::from(cached) * self.cached_input_usd_per_million.unwrap_or(input)
            + Decimal::from(written) * self.cache_write_usd_per_million.unwrap_or(input)
            + Decimal::from(usage.completion_tokens) * self.output_usd_per_million;
        usd(sum / Decimal::from(1_000_000))
    }

    /// The most that a request can cost: nothing cached, everything written to the cache, a reply as long as allowed.
    pub fn most_usd(&self, prompt_tokens: u64, max_output_tokens: u64) -> Decimal {
        let input = self
            .input_usd_per_million
            .max(self.cache_write_usd_per_million.unwrap_or_default());
        let sum = Decimal::from(prompt_tokens) * input + Decimal::from(max_output_tokens) * self.output_usd_per_million;
        usd(sum / Decimal::from(1_000_000))
    }
}

/// Rounded away from zero, so that no request is free.
fn usd(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(DECIMALS, RoundingStrategy::AwayFromZero)
}

impl PriceTable {
    /// The table that is built in.
    pub fn embedded() -> Result<Self, TableFault> {
        Self::parse(EMBEDDED)
    }

    /// A table from the text of a file of the same shape as the built-in one.
    pub fn parse(text: &str) -> Result<Self, TableFault> {
        let table: Self = serde_json::from_str(text)?;
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), TableFault> {
        if self.find(&self.current).is_none() {
            return Err(TableFault::Wrong(format!(
                "the current model {} has no price",
                self.current
            )));
        }
        for model in &self.models {
            let prices = [
                Some(model.input_usd_per_million),
                Some(model.output_usd_per_million),
                model.cached_input_usd_per_million,
                model.cache_write_usd_per_million,
            ];
            if prices.into_iter().flatten().any(|price| price.is_sign_negative()) {
                return Err(TableFault::Wrong(format!("{} has a negative price", model.name)));
            }
            if model.context_tokens == 0 || model.max_output_tokens == 0 {
                return Err(TableFault::Wrong(format!("{} has no room for tokens", model.name)));
            }
            if let ImageTokens::Patches { multiplier, .. } = model.image_tokens
                && !multiplier.is_sign_positive()
            {
                return Err(TableFault::Wrong(format!("{} makes pictures free", model.name)));
            }
            if self.models.iter().filter(|other| other.name == model.name).count() > 1 {
                return Err(TableFault::Wrong(format!("{} stands in it twice", model.name)));
            }
        }
        Ok(())
    }

    /// The model of that name, or of the family whose dated version it is.
    pub fn find(&self, name: &str) -> Option<&ModelPrice> {
        self.models.iter().find(|model| model.name == name).or_else(|| {
            let family = undated(name)?;
            self.models.iter().find(|model| model.name == family)
        })
    }

    /// That the prices are old, where they are.
    pub fn stale(&self, today: NaiveDate) -> Option<String> {
        let age = (today - self.as_of).num_days();
        (age > STALE_AFTER_DAYS).then(|| format!("the price table is {age} days old ({}): set a newer one", self.as_of))
    }

    /// What a person should know before relying on this model, one sentence each.
    pub fn warnings(&self, model: &str, today: NaiveDate) -> Vec<String> {
        let mut warnings: Vec<String> = self.stale(today).into_iter().collect();
        match self.find(model) {
            None => warnings.push(format!(
                "the model {model} has no price: it is asked only under a token ceiling"
            )),
            Some(ModelPrice {
                retires_on: Some(day), ..
            }) if *day <= today => {
                warnings.push(format!("the model {model} left OpenAI's API on {day}: set another one"));
            }
            Some(ModelPrice {
                retires_on: Some(day), ..
            }) => {
                let left = (*day - today).num_days();
                warnings.push(format!(
                    "the model {model} leaves OpenAI's API on {day}, in {left} days"
                ));
            }
            Some(_) => {}
        }
        warnings
    }
}

/// `gpt-4o` for `gpt-4o-2024-11-20`.
fn undated(name: &str) -> Option<&str> {
    let cut = name.len().checked_sub(11)?;
    let date = name.get(cut..)?.strip_prefix('-')?;
    NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    name.get(..cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> PriceTable {
        PriceTable::embedded().unwrap()
    }

    fn price(name: &str) -> ModelPrice {
        table().find(name).unwrap().clone()
    }

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_embedded_table_holds_and_its_current_model_does_not_retire() {
        let table = table();
        assert_eq!(table.find(&table.current).unwrap().retires_on, None);
        for name in ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"] {
            assert_eq!(price(name).retires_on, NaiveDate::from_ymd_opt(2027, 1, 14), "{name}");
        }
    }

    #[test]
    fn pictures_become_the_published_tokens() {
        let cases = [
            ("gpt-4o", 1920, 1080, Detail::High, 1_105),
            ("gpt-4o", 1024, 1024, Detail::High, 765),
            ("gpt-4o", 2048, 4096, Detail::High, 1_105),
            ("gpt-4o", 4096, 8192, Detail::Low, 85),
            ("gpt-4o", 512, 512, Detail::High, 255),
            ("gpt-4o-mini", 1920, 1080, Detail::High, 2_833 + 6 * 5_667),
            ("gpt-4.1-mini", 1024, 1024, Detail::High, 1_659), // 1,024 patches
            ("gpt-4.1-mini", 1800, 2400, Detail::High, 2_489), // capped at 1,536 patches
            ("gpt-4.1-mini", 1, 1, Detail::High, 2),
        ];
        for (name, width, height, detail, tokens) in cases {
            assert_eq!(
                price(name).image_tokens.count(width, height, detail),
                tokens,
                "{name} {width}x{height}"
            );
        }
    }

    #[test]
    fn cost_is_booked_to_the_millionth_and_cached_tokens_are_cheaper() {
        let usage = Usage {
            prompt_tokens: 110_500,
            completion_tokens: 2_000,
            ..Usage::default()
        };
        assert_eq!(price("gpt-4o").cost_usd(usage), dec("0.29625"));
        let half_cached = Usage {
            cached_tokens: 55_250,
            ..usage
        };
        assert_eq!(
            price("gpt-4o").cost_usd(half_cached),
            dec("0.2271875").round_dp_with_strategy(6, RoundingStrategy::AwayFromZero)
        );
        let one = Usage {
            prompt_tokens: 1,
            ..Usage::default()
        };
        assert_eq!(price("gpt-6-luna").cost_usd(one), dec("0.000001"));
        let absurd = Usage {
            prompt_tokens: 10,
            cached_tokens: 1_000,
            cache_write_tokens: 7,
            completion_tokens: 0,
        };
        assert_eq!(price("gpt-6-luna").cost_usd(absurd), dec("0.000001"));
        let written = Usage {
            prompt_tokens: 1_000_000,
            cache_write_tokens: 1_000_000,
            ..Usage::default()
        };
        assert_eq!(price("gpt-6-luna").cost_usd(written), dec("0.125"));
    }

    #[test]
    fn the_estimate_is_never_below_the_cost() {
        for model in &table().models {
            for (prompt, cached, written, reply) in
                [(1_000, 0, 0, 5), (1_000, 400, 600, 900), (7, 7, 0, 0), (9, 0, 9, 1_000)]
            {
                let usage = Usage {
                    prompt_tokens: prompt,
                    cached_tokens: cached,
                    cache_write_tokens: written,
                    completion_tokens: reply,
                };
                assert!(model.most_usd(prompt, 1_000) >= model.cost_usd(usage), "{}", model.name);
            }
        }
    }

    #[test]
    fn dated_names_have_the_price_of_their_family_and_strangers_have_none() {
        assert_eq!(table().find("gpt-4o-2024-11-20").unwrap().name, "gpt-4o");
        assert_eq!(table().find("gpt-4o-mini-2024-07-18").unwrap().name, "gpt-4o-mini");
        for stranger in ["gpt-4o-audio", "gpt-4o-2024-99-99", "llama", "", "é2024-11-20"] {
            assert!(table().find(stranger).is_none(), "{stranger}");
        }
    }

    #[test]
    fn retirement_strangers_and_age_are_told() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(
            table().warnings("gpt-4o", day("2027-01-04")),
            ["the model gpt-4o leaves OpenAI's API on 2027-01-14, in 10 days"]
        );
        assert_eq!(
            table().warnings("gpt-4o", day("2027-01-14")),
            ["the model gpt-4o left OpenAI's API on 2027-01-14: set another one"]
        );
        assert!(table().warnings("gpt-6-luna", day("2026-12-01")).is_empty());
        assert_eq!(table().warnings("llama", day("2027-12-01")).len(), 2);
    }

    #[test]
    fn a_wrong_table_is_refused() {
        let good = EMBEDDED;
        for bad in [
            good.replace("\"current\": \"gpt-6-luna\"", "\"current\": \"gpt-7\""),
            good.replace("\"0.15\"", "\"-0.15\""),
            good.replace("\"name\": \"gpt-4o-mini\"", "\"name\": \"gpt-4o\""),
            good.replace("\"as_of\"", "\"when\""),
            "[]".to_owned(),
        ] {
            assert!(PriceTable::parse(&bad).is_err());
        }
    }
}
