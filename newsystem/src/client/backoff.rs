//! When to try again: pauses that grow, with chance in them, so that many clients of a server that comes back do not come at
//! once.

use std::time::Duration;

use super::Failure;

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// Tries in all.
    pub attempts: u32,
    /// The longest pause that a server may ask for; beyond it we give up and say so.
    pub obeyed: Duration,
}

impl Backoff {
    /// For requests: about four minutes, then somebody should hear of it.
    pub const REQUEST: Self = Self {
        first: Duration::from_millis(500),
        longest: Duration::from_secs(30),
        attempts: 12,
        obeyed: Duration::from_mins(5),
    };

    /// The pause after so many failures in a row, the first being 1; none when it is time to give up. `chance` is in `0..1`:
    /// half of a pause is fixed, the other half is drawn.
    pub fn pause(&self, failures: u32, chance: f64, retry_after: Option<Duration>) -> Option<Duration> {
        if failures >= self.attempts || retry_after.is_some_and(|asked| asked > self.obeyed) {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let own = whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        Some(match retry_after {
            // Never earlier than asked, and not all at the same instant.
            Some(asked) => (asked + self.first.mul_f64(chance.clamp(0.0, 1.0))).max(own),
            None => own,
        })
    }
}

/// Does `work` until it succeeds, is refused for good, or patience ends. `say` hears of each pause.
pub async fn retrying<T>(
    backoff: Backoff,
    say: impl Fn(&Failure, Duration),
    mut work: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut failures = 0;
    loop {
        let failure = match work().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        failures += 1;
        let pause = backoff.pause(failures, rand::random(), failure.retry_after());
        match pause {
            Some(pause) if failure.passes() => {
                say(&failure, pause);
                tokio::time::sleep(pause).await;
            }
            _ => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::{Backoff, retrying};
    use crate::client::Failure;

    const QUICK: Backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(4),
        attempts: 4,
        obeyed: Duration::from_secs(1),
    };

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let most = |failures| QUICK.pause(failures, 1.0, None);
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!([1, 2, 3, 4].map(most), [ms(1), ms(2), ms(4), None]);
        let patient = Backoff {
            attempts: u32::MAX,
            ..QUICK
        };
        assert_eq!(patient.pause(4_000_000, 1.0, None), ms(4), "no overflow");
        for chance in [0.0, 0.3, 0.99] {
            let pause = QUICK.pause(3, chance, None).unwrap();
            assert!(
                pause >= Duration::from_millis(2) && pause <= Duration::from_millis(4),
                "{pause:?}"
            );
        }
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_within_reason() {
        let asked = Duration::from_millis(700);
        let pause = QUICK.pause(1, 0.5, Some(asked)).unwrap();
        assert!(pause >= asked && pause < asked * 2, "{pause:?}");
        assert_eq!(QUICK.pause(1, 0.5, Some(Duration::from_secs(2))), None);
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_said_at_once() {
        let said = Cell::new(0);
        let mut left = 2;
        let done = retrying(
            QUICK,
            |_, _| said.set(said.get() + 1),
            async || {
                if left == 0 {
                    return Ok("done");
                }
                left -= 1;
                Err(Failure::Unreachable("gone".to_owned()))
            },
        );
        assert_eq!(done.await.unwrap(), "done");
        assert_eq!(said.get(), 2);

        let mut tries = 0;
        let refused = retrying(
            QUICK,
            |_, _| (),
            async || {
                tries += 1;
                Err::<(), _>(Failure::Unreadable("x".to_owned()))
            },
        );
        assert!(refused.await.is_err());
        assert_eq!(tries, 1);
    }
}
