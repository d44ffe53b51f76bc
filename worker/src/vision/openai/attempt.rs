//! One request to its stored answer, through the ledger and as often as is worth it.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::ledger::{Failed, Ledger, LedgerFault, RequestKey, Reservation, Reserved, StoredReply};
use super::reply::{self, Outcome};
use super::retry::{self, Next, Patience};
use super::wire::{Heard, Silence, Wire};
use crate::vision::price::ModelPrice;

/// A ledger that does not answer while a paid answer waits to be kept is asked again this often.
const STORE_TRIES: u32 = 8;

/// How asking is brought to an end.
#[derive(Debug, Clone)]
pub struct Ending {
    /// No further request: the one under way is awaited, since it is paid for.
    pub soon: CancellationToken,
    /// At once, wherever it is.
    pub now: CancellationToken,
}

impl Default for Ending {
    /// Nobody has asked for it. Ending now is ending soon, too.
    fn default() -> Self {
        let now = CancellationToken::new();
        Self {
            soon: now.child_token(),
            now,
        }
    }
}

/// What carries one request there and its answer back, once.
pub(super) trait Transport: Sync {
    fn send(&self, request: &Value) -> impl Future<Output = Result<Heard, Silence>> + Send;
}

impl Transport for Wire {
    async fn send(&self, request: &Value) -> Result<Heard, Silence> {
        self.post(request).await
    }
}

/// What every request of one analysis is asked with.
pub(super) struct Asking<'a, T, L> {
    pub(super) transport: &'a T,
    pub(super) ledger: &'a L,
    pub(super) ending: &'a Ending,
    pub(super) patience: Patience,
    pub(super) price: Option<&'a ModelPrice>,
}

impl<T: Transport, L: Ledger> Asking<'_, T, L> {
    /// One request to its stored answer.
    pub(super) async fn one(
        &self,
        reservation: &Reservation,
        request: &Value,
        requests_sent: &mut u32,
    ) -> Result<StoredReply, Error> {
        let (ledger, ending) = (self.ledger, self.ending);
        let key = &reservation.key;
        let mut attempt = 0;
        loop {
            attempt += 1;
            if ending.soon.is_cancelled() {
                return Err(Error::Cancelled);
            }
            match ledger.reserve(reservation).await? {
                Reserved::AlreadyStored(stored) => return Ok(stored),
                Reserved::Stopped => return Err(Error::NotAllowed("remote analysis was stopped meanwhile")),
                Reserved::PrivacyChanged => return Err(Error::PrivacyChanged),
                Reserved::TokenCeilingReached { left } => {
                    let estimate = reservation.estimated_tokens;
                    return Err(Error::TokenCeiling { estimate, left });
                }
                Reserved::BudgetExceeded { budget, left_usd } => {
                    let estimate_usd = reservation.estimate_usd.unwrap_or_default();
                    return Err(Error::BudgetExceeded {
                        budget,
                        estimate_usd,
                        left_usd,
                    });
                }
                Reserved::Granted { interrupted } => {
                    if interrupted {
                        tracing::warn!(analysis.id = %reservation.analysis, "a request was in flight at a kill and is repeated");
                    }
                }
            }
            *requests_sent += 1;
            let heard = tokio::select! {
                biased;
                () = ending.now.cancelled() => {
                    ledger.mark_uncertain(key).await?;
                    return Err(Error::Cancelled);
                }
                heard = self.transport.send(request) => heard,
            };
            let (reason, asked) = match heard {
                Ok(heard) => match reply::sort(&heard) {
                    Outcome::Answer => {
                        let stored = reply::stored(&heard, self.price);
                        store(ledger, key, &stored).await?;
                        return Ok(stored);
                    }
                    Outcome::Final(error) => {
                        ledger.settle_failed(key, &failed(&error, Some(heard.status))).await?;
                        return Err(error);
                    }
                    Outcome::Passing { reason, status } => {
                        let asked = retry::asked_wait(status, &heard.headers);
                        if retry::leaves_doubt(status) {
                            ledger.mark_uncertain(key).await?;
                        } else {
                            let error = Error::Unavailable {
                                reason: reason.clone(),
                                retry_after: asked,
                            };
                            ledger.settle_failed(key, &failed(&error, Some(heard.status))).await?;
                        }
                        (reason, asked)
                    }
                },
                Err(Silence::NotSent(reason)) => {
                    let error = Error::Unavailable {
                        reason: reason.clone(),
                        retry_after: None,
                    };
                    ledger.settle_failed(key, &failed(&error, None)).await?;
                    (reason, None)
                }
                Err(Silence::Unknown(reason)) => {
                    ledger.mark_uncertain(key).await?;
                    (reason, None)
                }
            };
            match self.patience.after(attempt, asked, rand::random()) {
                Next::GiveUp(retry_after) => {
                    return Err(Error::Unavailable { reason, retry_after });
                }
                Next::Wait(wait) => {
                    tracing::info!(analysis.id = %reservation.analysis, attempt, wait_ms = wait.as_millis() as u64, reason, "the model is asked again");
                    tokio::select! {
                        biased;
                        () = ending.soon.cancelled() => return Err(Error::Cancelled),
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
    }
}

/// Keeps an answer, patiently: it is paid for, and it exists nowhere else.
async fn store<L: Ledger>(ledger: &L, key: &RequestKey, reply: &StoredReply) -> Result<(), LedgerFault> {
    let mut wait = Duration::from_millis(250);
    for _ in 1..STORE_TRIES {
        match ledger.store_reply(key, reply).await {
            Err(LedgerFault::Unavailable(cause)) => {
                tracing::warn!(error = %cause, "a paid answer waits for the ledger");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(8));
            }
            done => return done,
        }
    }
    ledger.store_reply(key, reply).await
}

fn failed(error: &Error, status: Option<u16>) -> Failed {
    Failed {
        code: error.code(),
        status,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use http::{HeaderMap, HeaderValue};
    use serde_json::json;
    use tokio::time::Instant;
    use uuid::Uuid;

    use super::*;
    use crate::vision::openai::ledger::{Answered, Disclosure};
    use domain::id::AnalysisId;

    /// Answers from a list and notes when it was asked.
    struct Scripted {
        answers: Mutex<VecDeque<Result<Heard, Silence>>>,
        asked_at: Mutex<Vec<Instant>>,
    }

    impl Scripted {
        fn new(answers: impl IntoIterator<Item = Result<Heard, Silence>>) -> Self {
            Self {
                answers: Mutex::new(answers.into_iter().collect()),
                asked_at: Mutex::default(),
            }
        }

        fn waits(&self) -> Vec<Duration> {
            let asked_at = self.asked_at.lock().unwrap();
            asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect()
        }
    }

    impl Transport for Scripted {
        async fn send(&self, _: &Value) -> Result<Heard, Silence> {
            self.asked_at.lock().unwrap().push(Instant::now());
            let next = self.answers.lock().unwrap().pop_front();
            match next {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    }

    /// Takes its time.
    struct Slow(Scripted);

    impl Transport for Slow {
        async fn send(&self, request: &Value) -> Result<Heard, Silence> {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.0.send(request).await
        }
    }

    /// Notes its calls; refuses to keep an answer so many times.
    #[derive(Default)]
    struct Notes {
        calls: Mutex<Vec<String>>,
        refusals: Mutex<u32>,
    }

    impl Notes {
        fn note(&self, call: impl Into<String>) {
            self.calls.lock().unwrap().push(call.into());
        }

        fn calls(&self) -> Vec<String> {
            self.calls.lock().unwrap().clone()
        }
    }

    impl Ledger for Notes {
        async fn answered(&self) -> Result<Vec<Answered>, LedgerFault> {
            Ok(Vec::new())
        }

        async fn reserve(&self, _: &Reservation) -> Result<Reserved, LedgerFault> {
            self.note("reserve");
            Ok(Reserved::Granted { interrupted: false })
        }

        async fn store_reply(&self, _: &RequestKey, _: &StoredReply) -> Result<(), LedgerFault> {
            let mut refusals = self.refusals.lock().unwrap();
            if *refusals > 0 {
                *refusals -= 1;
                return Err(LedgerFault::Unavailable("down".into()));
            }
            self.note("store");
            Ok(())
        }

        async fn settle_failed(&self, _: &RequestKey, failed: &Failed) -> Result<(), LedgerFault> {
            self.note(format!("failed {:?}", failed.status));
            Ok(())
        }

        async fn mark_uncertain(&self, _: &RequestKey) -> Result<(), LedgerFault> {
            self.note("uncertain");
            Ok(())
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "in the form of what the transport answers")]
    fn status(status: u16, headers: &[(&'static str, &'static str)]) -> Result<Heard, Silence> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let body = if status == 200 {
            json!({ "choices": [] })
        } else {
            json!({ "error": {} })
        };
        Ok(Heard {
            status,
            headers: map,
            body: body.to_string().into_bytes(),
        })
    }

    fn reservation() -> Reservation {
        let analysis = AnalysisId::new(Uuid::from_u128(1));
        Reservation {
            key: RequestKey::new(analysis, "p", "m", []),
            analysis,
            prompt_version: "p",
            estimate_usd: None,
            estimated_tokens: 100,
            token_ceiling: None,
            disclosure: Disclosure {
                endpoint: "e".to_owned(),
                model: "m".to_owned(),
                frames: vec![0],
                bytes: 1,
            },
        }
    }

    async fn ask(transport: &impl Transport, ledger: &Notes, ending: &Ending) -> (Result<StoredReply, Error>, u32) {
        let asking = Asking {
            transport,
            ledger,
            ending,
            patience: Patience {
                attempts: 4,
                first_wait: Duration::from_secs(1),
                longest_wait: Duration::from_mins(1),
            },
            price: None,
        };
        let mut sent = 0;
        let outcome = asking.one(&reservation(), &json!({}), &mut sent).await;
        (outcome, sent)
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_the_one_that_the_endpoint_asked_for() {
        let transport = Scripted::new([
            status(429, &[("retry-after-ms", "1500"), ("retry-after", "40")]),
            status(429, &[("retry-after", "20")]),
            status(429, &[("x-ratelimit-reset-requests", "30s")]),
            status(200, &[]),
        ]);
        let ledger = Notes::default();
        let (outcome, sent) = ask(&transport, &ledger, &Ending::default()).await;
        outcome.unwrap();
        assert_eq!(sent, 4);
        for (wait, asked) in transport.waits().into_iter().zip([1.5, 20.0, 30.0]) {
            let wait = wait.as_secs_f64();
            assert!((asked..=asked + 1.01).contains(&wait), "{wait} for {asked}");
        }
        assert_eq!(
            ledger.calls(),
            [
                "reserve",
                "failed Some(429)",
                "reserve",
                "failed Some(429)",
                "reserve",
                "failed Some(429)",
                "reserve",
                "store"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_wish_the_waits_double_and_the_tries_end() {
        let transport = Scripted::new((0..9).map(|_| status(503, &[])));
        let (outcome, sent) = ask(&transport, &Notes::default(), &Ending::default()).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }) && error.worth_another_try());
        assert_eq!(sent, 4);
        for (wait, longest) in transport.waits().into_iter().zip([1.0, 2.0, 4.0]) {
            let wait = wait.as_secs_f64();
            assert!((longest / 2.0..=longest + 0.01).contains(&wait), "{wait} of {longest}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_for_more_than_is_allowed_goes_back_to_the_queue() {
        let transport = Scripted::new([status(429, &[("retry-after", "3600")])]);
        let started = Instant::now();
        let (outcome, sent) = ask(&transport, &Notes::default(), &Ending::default()).await;
        assert_eq!(outcome.unwrap_err().retry_after(), Some(Duration::from_hours(1)));
        assert_eq!((sent, started.elapsed()), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_is_marked_and_reserved_anew() {
        let doubt = || Err(Silence::Unknown("cut off".to_owned()));
        let transport = Scripted::new([
            doubt(),
            Err(Silence::NotSent("no connection".to_owned())),
            status(504, &[]),
            status(200, &[]),
        ]);
        let ledger = Notes::default();
        let (outcome, sent) = ask(&transport, &ledger, &Ending::default()).await;
        outcome.unwrap();
        assert_eq!(sent, 4);
        assert_eq!(
            ledger.calls(),
            [
                "reserve",
                "uncertain",
                "reserve",
                "failed None",
                "reserve",
                "uncertain",
                "reserve",
                "store"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_paid_answer_waits_for_the_ledger() {
        let ledger = Notes::default();
        *ledger.refusals.lock().unwrap() = STORE_TRIES - 1;
        let (outcome, sent) = ask(&Scripted::new([status(200, &[])]), &ledger, &Ending::default()).await;
        outcome.unwrap();
        assert_eq!(
            (sent, ledger.calls()),
            (1, vec!["reserve".to_owned(), "store".to_owned()])
        );
        *ledger.refusals.lock().unwrap() = STORE_TRIES;
        let (outcome, _) = ask(&Scripted::new([status(200, &[])]), &ledger, &Ending::default()).await;
        assert!(matches!(outcome, Err(Error::Ledger(LedgerFault::Unavailable(_)))));
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_a_wait_and_a_request_at_once() {
        let ending = Ending::default();
        let transport = Scripted::new([status(503, &[("retry-after", "50")])]);
        let ledger = Notes::default();
        let cancelled_at = tokio::spawn({
            let ending = ending.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                ending.now.cancel();
                Instant::now()
            }
        });
        let (outcome, _) = ask(&transport, &ledger, &ending).await;
        assert!(matches!(outcome, Err(Error::Cancelled)));
        assert_eq!(cancelled_at.await.unwrap(), Instant::now());
        assert_eq!(ledger.calls(), ["reserve", "failed Some(503)"]);

        let ending = Ending::default();
        let (silent, ledger) = (Scripted::new([]), Notes::default());
        let asking = ask(&silent, &ledger, &ending);
        let (outcome, ()) = tokio::join!(asking, async { ending.now.cancel() });
        assert!(matches!(outcome.0, Err(Error::Cancelled)));
        assert_eq!(ledger.calls(), ["reserve", "uncertain"]);
    }

    #[tokio::test(start_paused = true)]
    async fn ending_soon_awaits_the_request_under_way_and_sends_no_other() {
        let ending = Ending::default();
        ending.soon.cancel();
        let ledger = Notes::default();
        let (outcome, sent) = ask(&Scripted::new([status(200, &[])]), &ledger, &ending).await;
        assert!(matches!(outcome, Err(Error::Cancelled)) && sent == 0 && ledger.calls().is_empty());

        let ending = Ending::default();
        let slow = Slow(Scripted::new([status(200, &[])]));
        let asking = ask(&slow, &ledger, &ending);
        let (outcome, ()) = tokio::join!(asking, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            ending.soon.cancel();
        });
        outcome.0.unwrap();
        assert_eq!(ledger.calls(), ["reserve", "store"]);
    }
}
