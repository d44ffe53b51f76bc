//! What fails on the way, and what is then counted, kept and tried again. Apart because each failure is played by the
//! stand-in.

use std::time::{Duration, Instant};

use domain::analysis_error::AnalysisErrorCode;
use rust_decimal::Decimal;
use tests::memory_ledger::State;
use tests::model_stand_in::Behaviour;
use worker::vision::openai::Ending;

use super::Desk;

#[tokio::test]
async fn failures_that_pass_are_tried_again() {
    let header = |name, value: &str| Behaviour::TooManyRequests(vec![(name, value.to_owned())]);
    for behaviour in [
        header("retry-after-ms", "10"),
        header("retry-after", "0"),
        header("x-ratelimit-reset-tokens", "12ms"),
        Behaviour::Status(500),
        Behaviour::Status(409),
        Behaviour::Status(503),
        Behaviour::FailureInside(429),
    ] {
        let desk = Desk::with_frames(2).await;
        desk.stand_in.will([behaviour.clone(), behaviour.clone()]);
        let answer = desk.asks().await.unwrap();
        assert_eq!(desk.stand_in.count(), 3, "{behaviour:?}");
        assert_eq!(desk.states(), ["failed", "failed", "stored"], "{behaviour:?}");
        assert_eq!(
            desk.ledger.counted_usd(),
            answer.cost_usd.unwrap(),
            "failures cost nothing"
        );
        desk.holds();
    }
}

#[tokio::test]
async fn a_gateway_that_gave_up_waiting_leaves_the_estimate_counted() {
    let desk = Desk::with_frames(2).await;
    desk.stand_in.will([Behaviour::Status(504), Behaviour::Status(408)]);
    let answer = desk.asks().await.unwrap();
    assert_eq!(desk.states(), ["uncertain", "uncertain", "stored"]);
    let estimate = desk.ledger.rows()[0].estimate_usd;
    assert_eq!(
        desk.ledger.counted_usd(),
        answer.cost_usd.unwrap() + estimate + estimate
    );
    desk.holds();
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let desk = Desk::with_frames(1).await;
    desk.stand_in.will([
        Behaviour::TooManyRequests(vec![("retry-after-ms", "400".to_owned())]),
        Behaviour::TooManyRequests(vec![
            ("retry-after", "1".to_owned()),
            ("x-ratelimit-reset-requests", "6m0s".to_owned()),
        ]),
    ]);
    desk.asks().await.unwrap();
    let at: Vec<_> = desk.stand_in.received().iter().map(|request| request.at).collect();
    let (first, second) = (at[1] - at[0], at[2] - at[1]);
    assert!(
        (Duration::from_millis(400)..Duration::from_millis(900)).contains(&first),
        "{first:?}"
    );
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(2)).contains(&second),
        "{second:?}"
    );
}

#[tokio::test]
async fn failures_that_stay_are_asked_once() {
    for (behaviour, code) in [
        (Behaviour::Unauthorized, AnalysisErrorCode::ModelUnauthorized),
        (Behaviour::InsufficientQuota, AnalysisErrorCode::ModelQuota),
        (Behaviour::ModelNotFound, AnalysisErrorCode::ModelUnavailable),
        (Behaviour::Status(400), AnalysisErrorCode::ModelUnavailable),
    ] {
        let desk = Desk::with_frames(2).await;
        desk.stand_in.will([behaviour.clone()]);
        let error = desk.asks().await.unwrap_err();
        assert_eq!(
            (error.code(), error.worth_another_try()),
            (code, false),
            "{behaviour:?}"
        );
        assert_eq!(desk.stand_in.count(), 1, "{behaviour:?}");
        assert_eq!(desk.states(), ["failed"]);
        assert_eq!(desk.ledger.counted_usd(), Decimal::ZERO);
        assert!(!error.to_string().contains("sk-"), "{error}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_kept_and_not_paid_for_twice() {
    for (behaviour, code) in [
        (Behaviour::Refusal, AnalysisErrorCode::ModelRefused),
        (Behaviour::ContentFilter, AnalysisErrorCode::ModelRefused),
        (Behaviour::Length, AnalysisErrorCode::ModelCutOff),
        (Behaviour::InvalidJson, AnalysisErrorCode::ModelUnreadable),
        (Behaviour::WrongSchema, AnalysisErrorCode::ModelUnreadable),
        (Behaviour::NoChoices, AnalysisErrorCode::ModelUnreadable),
        (
            Behaviour::Body("<html>a gateway's page</html>".to_owned()),
            AnalysisErrorCode::ModelUnreadable,
        ),
    ] {
        let desk = Desk::with_frames(2).await;
        desk.stand_in.will([behaviour.clone()]);
        let error = desk.asks().await.unwrap_err();
        assert_eq!(
            (error.code(), error.worth_another_try()),
            (code, false),
            "{behaviour:?}"
        );
        let answer = desk.stand_in.received()[0].answer.clone().unwrap();
        assert!(
            matches!(&desk.ledger.rows()[0].state, State::Stored(reply) if reply.body == answer),
            "{behaviour:?}"
        );
        assert_eq!(desk.asks().await.unwrap_err().code(), code);
        assert_eq!(desk.stand_in.count(), 1, "{behaviour:?} was asked again");
    }
}

#[tokio::test]
async fn an_unknown_reason_for_the_end_is_tolerated() {
    let desk = Desk::with_frames(2).await;
    desk.stand_in.will([Behaviour::UnknownFinish]);
    assert_eq!(desk.asks().await.unwrap().reading.insights.steps.len(), 2);
}

#[tokio::test]
async fn an_answer_without_usage_keeps_its_estimate_counted() {
    let desk = Desk::with_frames(2).await;
    desk.stand_in.will([Behaviour::NoUsage]);
    let answer = desk.asks().await.unwrap();
    assert_eq!((answer.cost_usd, answer.prompt_tokens), (None, None));
    assert_eq!(desk.ledger.counted_usd(), desk.ledger.rows()[0].estimate_usd);
}

#[tokio::test]
async fn a_broken_connection_is_in_doubt_reserved_anew_and_tried_again() {
    for behaviour in [Behaviour::CutOff, Behaviour::HangUp] {
        let desk = Desk::with_frames(2).await;
        desk.stand_in.will([behaviour.clone()]);
        let answer = desk.asks().await.unwrap();
        assert_eq!(desk.states(), ["uncertain", "stored"], "{behaviour:?}");
        let rows = desk.ledger.rows();
        assert_eq!(
            desk.ledger.counted_usd(),
            rows[0].estimate_usd + answer.cost_usd.unwrap(),
            "doubt stays counted"
        );
        desk.holds();
    }
}

#[tokio::test]
async fn a_slow_endpoint_is_given_up_after_the_configured_time() {
    let mut desk = Desk::with_frames(1).await;
    desk.config.timeout = Duration::from_millis(200);
    desk.config.patience.attempts = 2;
    desk.stand_in.will([
        Behaviour::Slow(Duration::from_secs(30)),
        Behaviour::Slow(Duration::from_secs(30)),
    ]);
    let started = Instant::now();
    let error = desk.asks().await.unwrap_err();
    assert_eq!(
        (error.code(), error.worth_another_try()),
        (AnalysisErrorCode::ModelUnavailable, true)
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(desk.states(), ["uncertain", "uncertain"]);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable_and_nothing_was_disclosed() {
    let mut desk = Desk::with_frames(1).await;
    desk.config.base_url = "http://127.0.0.1:9/v1".parse().unwrap();
    desk.config.patience.attempts = 2;
    let error = desk.asks().await.unwrap_err();
    assert_eq!(
        (error.code(), error.worth_another_try()),
        (AnalysisErrorCode::ModelUnavailable, true)
    );
    for row in desk.ledger.rows() {
        assert!(matches!(row.state, State::Failed(failed) if failed.status.is_none()));
    }
}

#[tokio::test]
async fn a_kill_in_flight_repeats_that_one_request_and_marks_it() {
    let mut desk = Desk::with_frames(6).await;
    desk.config.max_images = 2;
    desk.stand_in
        .will([Behaviour::Answer, Behaviour::Slow(Duration::from_secs(30))]);
    // Dropping the future is what a kill leaves behind: an open reservation.
    assert!(
        tokio::time::timeout(Duration::from_millis(700), desk.asks())
            .await
            .is_err()
    );
    assert_eq!(desk.states(), ["stored", "open"]);
    let answer = desk.asks().await.unwrap();
    assert_eq!(desk.stand_in.count(), 4, "three batches and the one in flight");
    assert_eq!(desk.states(), ["stored", "uncertain", "stored", "stored"]);
    assert_eq!(answer.reading.insights.steps.len(), 6);
    desk.holds();
}

#[tokio::test]
async fn cancelling_ends_a_request_in_flight_at_once() {
    let desk = Desk::with_frames(1).await;
    desk.stand_in.will([Behaviour::Slow(Duration::from_secs(30))]);
    let ending = Ending::default();
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(desk.asks_until(&ending), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ending.now.cancel();
    });
    assert_eq!(outcome.unwrap_err().code(), AnalysisErrorCode::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(desk.states(), ["uncertain"]);
}

#[tokio::test]
async fn an_answer_is_kept_through_a_restart_of_the_database() {
    let desk = Desk::with_frames(1).await;
    desk.ledger.fail_stores(2);
    desk.asks().await.unwrap();
    assert_eq!((desk.stand_in.count(), desk.states()), (1, vec!["stored"]));
}
