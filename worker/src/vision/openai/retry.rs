//! The one place that tries a request again: what is worth it, how long to wait, and when to leave it to the queue.
//!
//! The client library's own retries are off (see `wire`): two places that retry multiply. An endpoint's wish about
//! waiting is obeyed; where it says nothing, the wait doubles from try to try and a random share spreads the herd.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

/// How patient one request is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries in all, the first included.
    pub attempts: u32,
    /// The wait after the first failure, where the endpoint names none.
    pub first_wait: Duration,
    /// No wait is longer. An endpoint that asks for more sends the analysis back to the queue.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
        }
    }
}

/// What to do after a failure that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait so long, then ask again.
    Wait(Duration),
    /// Leave it to the queue, not before so long from now where the endpoint said so.
    GiveUp(Option<Duration>),
}

impl Patience {
    /// What follows the failure of try number `attempt` (from 1). `chance` in `0..1` spreads the waits.
    pub fn after(self, attempt: u32, asked: Option<Duration>, chance: f64) -> Next {
        if attempt >= self.attempts {
            return Next::GiveUp(asked);
        }
        match asked {
            Some(wait) if wait > self.longest_wait => Next::GiveUp(Some(wait)),
            // Exactly as asked is where the whole herd comes back: a little later, never earlier.
            Some(wait) => Next::Wait(wait + wait.mul_f64(0.1 * share(chance)).min(self.first_wait)),
            None => {
                let doubled = self.first_wait.saturating_mul(1 << (attempt - 1).min(16));
                Next::Wait(doubled.min(self.longest_wait).mul_f64(0.5 + 0.5 * share(chance)))
            }
        }
    }
}

fn share(chance: f64) -> f64 {
    if chance.is_finite() {
        chance.clamp(0.0, 1.0)
    } else {
        0.5
    }
}

/// Whether a status may pass by itself.
pub fn passes(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429) || status >= 500
}

/// Whether a status leaves open what became of the request: a gateway gave up waiting, and the model may have worked on, and billed.
pub fn leaves_doubt(status: u16) -> bool {
    matches!(status, 408 | 502 | 504 | 520..=524)
}

/// No endpoint keeps an analysis waiting for longer.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// How long the endpoint asks to wait: `retry-after-ms`, then `retry-after`, then, where a limit is used up, the rate limits' reset times.
pub fn asked_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    milliseconds(headers)
        .or_else(|| retry_after(headers))
        .or_else(|| (status == 429).then(|| reset(headers))?)
        .map(|wait| wait.min(LONGEST_WISH))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn milliseconds(headers: &HeaderMap) -> Option<Duration> {
    seconds(text(headers, "retry-after-ms")?.parse::<f64>().ok()? / 1_000.0)
}

/// Seconds or an HTTP date; the date counts from the reply's own `Date`, so that our clock does not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if let Ok(number) = value.parse::<f64>() {
        return seconds(number);
    }
    let then = http_date(value)?;
    let now = http_date(text(headers, "date")?)?;
    Some((then - now).to_std().unwrap_or_default())
}

fn http_date(value: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc2822(value).ok()?.with_timezone(&Utc))
}

/// The longest reset among the limits that are used up, or do not say what is left.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let limits = ["requests", "tokens"].map(|limit| {
        let wait = text(headers, &format!("x-ratelimit-reset-{limit}")).and_then(reset_time);
        let left = text(headers, &format!("x-ratelimit-remaining-{limit}")).and_then(|left| left.parse::<f64>().ok());
        (wait, left)
    });
    limits
        .into_iter()
        .filter(|(_, left)| left.is_none_or(|left| left <= 0.0))
        .filter_map(|(wait, _)| wait)
        .max()
}

/// `1s`, `6m0s`, `12ms`, `1h30m`, `1.5s`.
pub fn reset_time(value: &str) -> Option<Duration> {
    let mut rest = value.trim();
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        sum += number
            * match &rest[..letters] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[letters..];
    }
    seconds(sum)
}

fn seconds(value: f64) -> Option<Duration> {
    (value.is_finite() && value >= 0.0).then(|| Duration::try_from_secs_f64(value).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_endpoints_wish_is_read_in_its_order() {
        #[expect(
            clippy::type_complexity,
            reason = "a table: headers and the wait they ask for, in milliseconds"
        )]
        let cases: &[(&[(&'static str, &str)], Option<u64>)] = &[
            (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1_500)),
            (
                &[("retry-after", "2"), ("x-ratelimit-reset-requests", "6m0s")],
                Some(2_000),
            ),
            (&[("retry-after", "0.5")], Some(500)),
            (
                &[
                    ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
                    ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
                ],
                Some(30_000),
            ),
            (
                &[
                    ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
                    ("date", "Wed, 21 Oct 2026 07:28:30 GMT"),
                ],
                Some(0),
            ),
            (&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], None),
            (
                &[("retry-after", "soon"), ("x-ratelimit-reset-tokens", "12ms")],
                Some(12),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-reset-tokens", "1s"),
                ],
                Some(360_000),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-remaining-requests", "12"),
                    ("x-ratelimit-reset-tokens", "1s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                ],
                Some(1_000),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "12ms"),
                    ("x-ratelimit-remaining-requests", "4999"),
                ],
                None,
            ),
            (&[("retry-after", "31536000")], Some(86_400_000)),
            (&[("retry-after", "-4")], None),
            (&[("retry-after-ms", "NaN")], None),
            (&[], None),
        ];
        for (pairs, milliseconds) in cases {
            assert_eq!(
                asked_wait(429, &headers(pairs)),
                milliseconds.map(Duration::from_millis),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn what_is_left_of_a_limit_says_nothing_about_an_outage() {
        let reset = headers(&[("x-ratelimit-reset-tokens", "6m0s")]);
        assert_eq!(asked_wait(503, &reset), None);
        assert_eq!(
            asked_wait(503, &headers(&[("retry-after", "3")])),
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn reset_times_are_read() {
        for (text, milliseconds) in [
            ("1s", 1_000),
            ("6m0s", 360_000),
            ("12ms", 12),
            ("1h30m", 5_400_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(reset_time(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "5", "5x", "1s2", "é", "1..2s"] {
            assert_eq!(reset_time(text), None, "{text}");
        }
    }

    #[test]
    fn waits_double_and_end() {
        let patience = Patience {
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(3),
        };
        let wait = |attempt| patience.after(attempt, None, 1.0);
        assert_eq!(wait(1), Next::Wait(Duration::from_secs(1)));
        assert_eq!(wait(2), Next::Wait(Duration::from_secs(2)));
        assert_eq!(wait(3), Next::Wait(Duration::from_secs(3)));
        assert_eq!(wait(4), Next::GiveUp(None));
        let asked = |seconds| patience.after(1, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(2), Next::Wait(Duration::from_secs(2)));
        assert_eq!(asked(4), Next::GiveUp(Some(Duration::from_secs(4))));
    }

    #[test]
    fn only_passing_statuses_are_tried_again() {
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(passes(status), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 413, 422] {
            assert!(!passes(status), "{status}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_asked_nor_longer_than_allowed(
            attempt in 1u32..40, asked in prop::option::of(0u64..100_000), chance in any::<f64>()
        ) {
            let patience = Patience { attempts: 30, ..Patience::default() };
            let asked = asked.map(Duration::from_millis);
            if let Next::Wait(wait) = patience.after(attempt, asked, chance) {
                prop_assert!(wait >= asked.unwrap_or_default());
                prop_assert!(wait <= patience.longest_wait + patience.first_wait);
            }
        }

        #[test]
        fn any_header_text_is_survived(text in "[ -~]{0,24}") {
            let _ = reset_time(&text);
            let _ = asked_wait(429, &headers(&[("retry-after", &text), ("date", &text), ("x-ratelimit-reset-tokens", &text)]));
        }
    }
}
