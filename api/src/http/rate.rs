//! Budgets: how often a caller may ask. One for each kind of caller, one for addresses, one for uploads.
//!
//! A budget is a leaky bucket per key (governor's GCRA): `burst` at once, refilled evenly over `seconds`.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use serde::{Deserialize, Serialize};
use service::config::Settings;

use super::session::Caller;
use crate::config::Network;

/// A number of calls and the time in which a spent budget fills again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Rate {
    /// Calls at once.
    pub burst: NonZeroU32,
    /// Seconds in which an empty budget fills.
    pub seconds: NonZeroU32,
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Rate {
    /// Zero counts as one.
    pub const fn new(burst: u32, seconds: u32) -> Self {
        Self {
            burst: at_least_one(burst),
            seconds: at_least_one(seconds),
        }
    }
}

impl std::str::FromStr for Rate {
    type Err = String;

    /// `calls/seconds`, such as `1200/60`.
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |text: &str| text.trim().parse::<NonZeroU32>().ok();
        text.split_once('/')
            .and_then(|(burst, seconds)| {
                Some(Self {
                    burst: read(burst)?,
                    seconds: read(seconds)?,
                })
            })
            .ok_or_else(|| {
                format!("{text:?} is no budget such as 1200/60: calls, and the seconds in which they come back")
            })
    }
}

impl Rates {
    /// Reads the budgets from the settings.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let defaults = Self::default();
        let mut rate = |name: &'static str, default: Rate| settings.or(name, default, str::parse);
        Self {
            address: rate("NEWSYSTEM_RATE_ADDRESS", defaults.address),
            anonymous: rate("NEWSYSTEM_RATE_ANONYMOUS", defaults.anonymous),
            user: rate("NEWSYSTEM_RATE_USER", defaults.user),
            key: rate("NEWSYSTEM_RATE_KEY", defaults.key),
            upload: rate("NEWSYSTEM_RATE_UPLOAD", defaults.upload),
        }
    }
}

/// The budgets of a server. An operation costs one, also in a batch and on a socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// HTTP requests and socket openings of one address, before anything is verified. Behind shared addresses many people.
    pub address: Rate,
    /// Operations of callers without credentials, by address.
    pub anonymous: Rate,
    /// Operations of a person.
    pub user: Rate,
    /// Operations of an API key.
    pub key: Rate,
    /// Uploads of a caller; not used by GraphQL.
    pub upload: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: Rate::new(6_000, 60),
            anonymous: Rate::new(300, 60),
            user: Rate::new(1_200, 60),
            key: Rate::new(3_000, 60),
            // An eight-hour shift is 5,760 chunks of 5 s; a client that was cut off sends them all at once.
            upload: Rate::new(12_000, 60),
        }
    }
}

/// What a check of a budget found.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Whether the call may go on.
    pub allowed: bool,
    /// Calls left now.
    pub remaining: u32,
    /// Seconds until a refused call may be tried again; 0 if allowed.
    pub retry_after_seconds: u64,
    rate: Rate,
}

impl Allowance {
    /// Writes `RateLimit-*`, `RateLimit` and `RateLimit-Policy`, and `Retry-After` for a refusal.
    pub fn write(&self, headers: &mut HeaderMap) {
        let (burst, seconds) = (u64::from(self.rate.burst.get()), u64::from(self.rate.seconds.get()));
        let reset = if self.allowed {
            (burst - u64::from(self.remaining).min(burst)) * seconds / burst
        } else {
            self.retry_after_seconds
        };
        let mut set = |name: &'static str, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("ratelimit-limit", burst.to_string());
        set("ratelimit-remaining", self.remaining.to_string());
        set("ratelimit-reset", reset.to_string());
        set("ratelimit-policy", format!("\"default\";q={burst};w={seconds}"));
        set("ratelimit", format!("\"default\";r={};t={reset}", self.remaining));
        if !self.allowed {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after_seconds));
        }
    }
}

type Limiter = RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// One budget for many keys. Keys that have a full budget again are forgotten from time to time.
pub struct Budget {
    limiter: Limiter,
    rate: Rate,
    checks: AtomicU32,
}

impl Budget {
    /// Full budgets for everyone.
    pub fn new(rate: Rate) -> Self {
        let period = Duration::from_secs(u64::from(rate.seconds.get())) / rate.burst.get();
        let quota = Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_second(rate.burst))
            .allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::dashmap(quota).with_middleware(),
            rate,
            checks: AtomicU32::new(0),
        }
    }

    /// Takes one call from the budget of `key`.
    pub fn take(&self, key: &String) -> Allowance {
        if self.checks.fetch_add(1, Ordering::Relaxed) % 4096 == 4095 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        match self.limiter.check_key(key) {
            Ok(state) => Allowance {
                allowed: true,
                remaining: state.remaining_burst_capacity(),
                retry_after_seconds: 0,
                rate: self.rate,
            },
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let retry_after_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Allowance {
                    allowed: false,
                    remaining: 0,
                    retry_after_seconds: retry_after_seconds.max(1),
                    rate: self.rate,
                }
            }
        }
    }
}

/// The budgets in use.
pub(super) struct Budgets {
    anonymous: Budget,
    user: Budget,
    key: Budget,
}

impl Budgets {
    pub fn new(rates: &Rates) -> Self {
        Self {
            anonymous: Budget::new(rates.anonymous),
            user: Budget::new(rates.user),
            key: Budget::new(rates.key),
        }
    }

    /// Takes one operation from the caller's budget.
    pub fn take(&self, caller: &Caller, address: Option<IpAddr>) -> Allowance {
        let budget = match caller {
            Caller::Anonymous => &self.anonymous,
            Caller::User(_) => &self.user,
            Caller::Key(_) => &self.key,
        };
        budget.take(&caller.budget_key(address))
    }
}

/// What one person holds of the address space: a whole IPv4 address, a /64 of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

/// The address that speaks to us: the peer or, while that is a proxy of ours, what it says of the one before it.
pub(super) fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    let ours = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut address = peer?;
    let lines = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    for hop in hops.into_iter().rev() {
        if !ours(address) {
            break;
        }
        match hop.trim().parse() {
            Ok(before) => address = before,
            Err(_) => break,
        }
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_by_key_and_says_when_it_fills() {
        let budget = Budget::new(Rate::new(3, 30));
        let (ada, bob) = ("ada".to_owned(), "bob".to_owned());
        let left: Vec<_> = (0..3).map(|_| budget.take(&ada).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = budget.take(&ada);
        assert!(!refused.allowed);
        assert!((9..=10).contains(&refused.retry_after_seconds), "{refused:?}");
        assert!(budget.take(&bob).allowed);
        let mut headers = HeaderMap::new();
        refused.write(&mut headers);
        assert_eq!(headers["ratelimit-limit"], "3");
        assert_eq!(headers["ratelimit-remaining"], "0");
        assert_eq!(headers[RETRY_AFTER], headers["ratelimit-reset"]);
    }

    #[test]
    fn a_forged_forwarding_header_is_not_believed() {
        let proxies = [Network::parse("10.0.0.0/8").unwrap()];
        let address = |peer: &str, forwarded: &'static str, proxies: &[Network]| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(forwarded),
            )]);
            client_address(Some(peer.parse().unwrap()), &headers, proxies)
                .unwrap()
                .to_string()
        };
        assert_eq!(
            address("9.9.9.9", "1.1.1.1, 2.2.2.2", &proxies),
            "9.9.9.9",
            "the peer is no proxy of ours"
        );
        assert_eq!(
            address("10.0.0.1", "1.1.1.1, 2.2.2.2", &[]),
            "10.0.0.1",
            "none is configured"
        );
        assert_eq!(
            address("10.0.0.1", "1.1.1.1, 2.2.2.2", &proxies),
            "2.2.2.2",
            "the client wrote the rest"
        );
        assert_eq!(
            address("10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.2", &proxies),
            "2.2.2.2",
            "two proxies of ours"
        );
        assert_eq!(address("10.0.0.1", "1.1.1.1, nonsense", &proxies), "10.0.0.1");
    }

    #[test]
    fn one_household_has_one_budget() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:aaaa::1"), network("2001:db8:1:2:bbbb::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
