//! What must not be sent: beyond a budget or without a price, without a consent, too large, or to another host. Apart because
//! the proof is in what did not arrive.

use domain::analysis_error::AnalysisErrorCode;
use domain::id::AnalysisId;
use rust_decimal::Decimal;
use tests::memory_ledger::MemoryLedger;
use tests::model_stand_in::{Behaviour, ModelStandIn};
use uuid::Uuid;
use worker::vision::openai::{Consents, Error, Permit, Redaction};

use super::Desk;

#[tokio::test]
async fn a_budget_stops_before_the_request_that_it_does_not_cover() {
    // One request of three frames may cost 16,000 tokens of answer at USD 10 a million, and its prompt.
    let ledger = MemoryLedger::with_budgets(Decimal::new(18, 2), Decimal::from(50));
    let mut desk = Desk::new(6, ledger).await;
    desk.config.max_images = 3;
    let error = desk.asks().await.unwrap_err();
    assert_eq!(
        (error.code(), error.worth_another_try()),
        (AnalysisErrorCode::BudgetExceeded, false)
    );
    assert_eq!(desk.stand_in.count(), 1, "the first is covered, the second is not");
    assert!(desk.ledger.counted_usd() <= Decimal::new(18, 2));

    let desk = Desk::new(2, MemoryLedger::with_budgets(Decimal::from(2), Decimal::new(1, 2))).await;
    let error = desk.asks().await.unwrap_err();
    assert!(error.to_string().contains("monthly"), "{error}");
    assert_eq!(desk.stand_in.count(), 0);
}

#[tokio::test]
async fn a_model_without_a_price_needs_a_ceiling_and_keeps_it() {
    let mut desk = Desk::with_frames(4).await;
    desk.config.model = Some("house-model".to_owned());
    desk.config.max_images = 2;
    assert_eq!(
        desk.asks().await.unwrap_err().code(),
        AnalysisErrorCode::ModelPriceUnknown
    );
    assert_eq!((desk.stand_in.count(), desk.ledger.rows().len()), (0, 0));

    desk.config.token_ceiling = Some(100_000);
    let answer = desk.asks().await.unwrap();
    assert_eq!((answer.cost_usd, answer.gpt_version.as_str()), (None, "house-model"));
    assert!(answer.prompt_tokens.is_some());

    desk.analysis = AnalysisId::new(Uuid::new_v4());
    desk.config.token_ceiling = Some(25_000);
    let error = desk.asks().await.unwrap_err();
    assert_eq!(error.code(), AnalysisErrorCode::BudgetExceeded);
    assert!(desk.stand_in.count() <= 3);
}

#[tokio::test]
async fn a_ceiling_holds_over_all_attempts() {
    let mut desk = Desk::with_frames(2).await;
    desk.config.model = Some("house-model".to_owned());
    desk.config.token_ceiling = Some(50_000);
    desk.stand_in.will(vec![Behaviour::Status(504); 5]);
    let error = desk.asks().await.unwrap_err();
    assert_eq!(error.code(), AnalysisErrorCode::BudgetExceeded, "{error}");
    let sent = desk.stand_in.count();
    assert!((1..5).contains(&sent), "{sent}");
    assert!(desk.asks().await.is_err());
    assert_eq!(desk.stand_in.count(), sent, "a later attempt has no ceiling of its own");
}

#[tokio::test]
async fn what_is_answered_is_not_asked_again_after_limits_and_model_have_changed() {
    let mut desk = Desk::with_frames(7).await;
    desk.config.max_images = 3;
    desk.stand_in.will([Behaviour::Answer, Behaviour::Status(400)]);
    desk.asks().await.unwrap_err();
    assert_eq!((desk.stand_in.count(), desk.states()), (2, vec!["stored", "failed"]));

    desk.config.max_images = 4;
    desk.config.model = Some("gpt-4o-mini".to_owned());
    let answer = desk.asks().await.unwrap();
    let asked: Vec<_> = desk.stand_in.received()[2..]
        .iter()
        .map(|request| request.frames.clone())
        .collect();
    let first = desk.ledger.rows()[0].disclosure.frames.len() as u32;
    let rest: Vec<u32> = (first..7).collect();
    assert_eq!(asked.concat(), rest, "each of the others once");
    assert_eq!(answer.replies.len(), asked.len() + 1);
    assert_eq!(answer.frames_asked, 7);
    desk.holds();
}

#[tokio::test]
async fn nothing_leaves_without_every_consent() {
    let desk = Desk::with_frames(1).await;
    let yes = Consents {
        organization: true,
        session: true,
        redaction: Redaction::Done,
    };
    let mut off = desk.config.clone();
    off.enabled = false;
    for (config, consents, code) in [
        (&off, yes, AnalysisErrorCode::RemoteNotAllowed),
        (
            &desk.config,
            Consents {
                organization: false,
                ..yes
            },
            AnalysisErrorCode::RemoteNotAllowed,
        ),
        (
            &desk.config,
            Consents { session: false, ..yes },
            AnalysisErrorCode::RemoteNotAllowed,
        ),
        (
            &desk.config,
            Consents {
                redaction: Redaction::Impossible,
                ..yes
            },
            AnalysisErrorCode::OcrMissing,
        ),
    ] {
        assert_eq!(Permit::grant(config, consents).unwrap_err().code(), code);
    }
    assert_eq!(desk.stand_in.count(), 0);
}

#[tokio::test]
async fn a_frame_too_large_for_the_endpoint_is_left_out_and_named() {
    let mut desk = Desk::with_frames(3).await;
    std::fs::write(&desk.frames[1].file, vec![0xff; 3_000]).unwrap();
    desk.config.max_image_bytes = 1_000;
    let answer = desk.asks().await.unwrap();
    assert_eq!(answer.frames_asked, 2);
    assert_eq!(
        answer.reading.insights.dropped,
        ["frame 1: too large for the endpoint, not sent"]
    );
    desk.config.max_image_bytes = 10;
    assert!(matches!(desk.asks().await, Err(Error::NoFrames)));
}

#[tokio::test]
async fn a_redirect_carries_no_screen_to_another_host() {
    let desk = Desk::with_frames(1).await;
    let stranger = ModelStandIn::start().await.unwrap();
    desk.stand_in
        .will([Behaviour::Redirect(format!("{}/chat/completions", stranger.base_url()))]);
    let error = desk.asks().await.unwrap_err();
    assert_eq!(
        (error.code(), error.worth_another_try()),
        (AnalysisErrorCode::ModelUnavailable, false)
    );
    assert_eq!((desk.stand_in.count(), stranger.count()), (1, 0));
}
