//! An analysis, followed to its end by subscription. A lost connection is no failure: the analysis goes on without us.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::super::meter::Meter;
use super::super::words::{clean, words};
use crate::client::backoff::Backoff;
use crate::client::{Failure, Server};

pub const FOLLOW: &str = "\
subscription Following($id: ID!) {
  analysisProgress(analysisId: $id) { status stage progress framesDone framesTotal message }
}";

pub const STATE: &str = "\
query StateOfAnalysis($id: ID!) { analysis(id: $id) { status stage progress } }";

/// Pauses between connections; the state is asked for at each, so the longest is also how late the end may be seen.
const PAUSES: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(10),
    attempts: u32::MAX,
    obeyed: Duration::from_mins(2),
};
/// Without a word of the server for so long, somebody should look.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    analysis_progress: State,
}

#[derive(Deserialize)]
struct Answer {
    analysis: Option<State>,
}

/// How far an analysis is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    status: String,
    stage: String,
    progress: f64,
    #[serde(default)]
    frames_done: u64,
    frames_total: Option<u64>,
    message: Option<String>,
}

impl State {
    fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "FAILED")
    }
}

/// What is being done, for people; what counts within it comes after a colon.
fn doing(state: &State) -> String {
    let known = match state.stage.as_str() {
        "WAITING" => "waiting for a worker",
        "ASSEMBLING" => "putting the recording together",
        "EXTRACTING_FRAMES" => "choosing frames",
        "REDACTING" => "hiding personal data",
        "ASKING_MODEL" => "asking the model",
        "INTERPRETING" => "reading what was found",
        "COMPUTING_COSTS" => "computing costs",
        "STORING" => "storing the results",
        "DONE" => "done",
        other => &words(other),
    };
    let mut text = known.to_owned();
    match state.frames_total {
        Some(total) if total > 0 => text = format!("{text}: {} of {total} frames", state.frames_done),
        _ if state.frames_done > 0 => text = format!("{text}: {} frames", state.frames_done),
        _ => {}
    }
    if let Some(message) = &state.message {
        let joint = if text.contains(": ") { ", " } else { ": " };
        text += joint;
        text += &clean(message);
    }
    text
}

/// Follows until the analysis has ended.
pub async fn to_the_end(server: &Server, analysis: &str, meter: &Meter) -> Result<(), Failure> {
    let variables = json!({ "id": analysis });
    let (mut failures, mut heard) = (0, Instant::now());
    loop {
        let mut ended = false;
        let followed = server.follow(
            FOLLOW,
            &variables,
            |Event {
                 analysis_progress: state,
             }| {
                (failures, heard) = (0, Instant::now());
                meter.stage(state.progress, &doing(&state));
                ended = state.is_final();
                if ended {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        let followed = followed.await;
        if ended {
            return Ok(());
        }
        if let Err(failure) = &followed
            && !can_be_asked_instead(failure)
        {
            return followed;
        }
        // Whatever became of the socket, the state can be asked for.
        match server.ask::<Answer>(STATE, &variables).await {
            Ok(Answer { analysis: Some(state) }) => {
                heard = Instant::now();
                meter.stage(state.progress, &doing(&state));
                if state.is_final() {
                    return Ok(());
                }
            }
            // Erased meanwhile: the next question says so.
            Ok(Answer { analysis: None }) => return Ok(()),
            Err(failure) if failure.passes() && heard.elapsed() < PATIENCE => {
                if failures == 0 {
                    meter.remark(&format!("{failure}; the analysis goes on, trying again"));
                }
            }
            Err(failure) => return Err(failure),
        }
        failures += 1;
        let asked = followed.err().and_then(|failure| failure.retry_after());
        let pause = PAUSES.pause(failures, rand::random(), asked.map(|asked| asked.min(PAUSES.obeyed)));
        tokio::time::sleep(pause.unwrap_or(PAUSES.longest)).await;
    }
}

/// A proxy that knows no WebSocket is no reason to stop; a refusal is.
fn can_be_asked_instead(failure: &Failure) -> bool {
    failure.passes() || matches!(failure, Failure::Status { .. })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
    use axum::routing::{get, post};
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use service::config::Secret;

    use super::super::super::meter::Meter;
    use super::{State, can_be_asked_instead, doing, to_the_end};
    use crate::client::{Failure, Server, Target};

    #[test]
    fn a_stage_is_told_in_words_with_what_counts_in_it() {
        let at = |stage: &str, frames_done, frames_total, message: Option<&str>| {
            doing(&State {
                status: "PROCESSING".to_owned(),
                stage: stage.to_owned(),
                progress: 0.5,
                frames_done,
                frames_total,
                message: message.map(str::to_owned),
            })
        };
        assert_eq!(at("WAITING", 0, None, None), "waiting for a worker");
        assert_eq!(
            at("EXTRACTING_FRAMES", 12, Some(40), None),
            "choosing frames: 12 of 40 frames"
        );
        assert_eq!(
            at("ASKING_MODEL", 3, None, Some("batch 2\u{1b}")),
            "asking the model: 3 frames, batch 2"
        );
        assert_eq!(at("STORING", 0, None, Some("almost")), "storing the results: almost");
        assert_eq!(at("NEW_STAGE", 0, None, None), "new stage");
    }

    #[test]
    fn a_proxy_without_sockets_is_gone_round_and_a_refusal_is_not() {
        let status = Failure::Status {
            what: "x",
            status: 400,
            retry_after: None,
        };
        assert!(can_be_asked_instead(&status));
        assert!(!can_be_asked_instead(&Failure::Unreadable("x".to_owned())));
    }

    fn at(status: &str) -> Value {
        json!({ "status": status, "stage": "ASSEMBLING", "progress": 0.1, "framesDone": 0, "framesTotal": null, "message": null })
    }

    /// One connection: an event, then an end without warning.
    async fn play(mut socket: WebSocket, status: &str) {
        let _init = socket.recv().await;
        socket
            .send(Message::text(r#"{"type":"connection_ack"}"#))
            .await
            .unwrap();
        let _subscribe = socket.recv().await;
        let next = json!({ "id": "1", "type": "next", "payload": { "data": { "analysisProgress": at(status) } } });
        socket.send(Message::text(next.to_string())).await.unwrap();
        let frame = CloseFrame {
            code: 1012,
            reason: "Service Restart".into(),
        };
        let _ = socket.send(Message::Close(Some(frame))).await;
    }

    /// Follows on a server whose sockets say one status after the other, and whose answers do the same. Gives how many of
    /// either were used.
    async fn followed(told: Vec<&'static str>, answered: Vec<&'static str>) -> (Result<(), String>, usize, usize) {
        let (sockets, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&answers);
        let mut door = post(async move || {
            let status = answered[count.fetch_add(1, Ordering::SeqCst).min(answered.len() - 1)];
            Json(json!({ "data": { "analysis": at(status) } }))
        });
        if !told.is_empty() {
            let count = Arc::clone(&sockets);
            door = door.merge(get(async move |upgrade: WebSocketUpgrade| {
                let status = told[count.fetch_add(1, Ordering::SeqCst).min(told.len() - 1)];
                upgrade
                    .protocols(["graphql-transport-ws"])
                    .on_upgrade(move |socket| play(socket, status))
            }));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let serving = tokio::spawn(axum::serve(listener, Router::new().route("/graphql", door)).into_future());
        let server = Server::new(Target {
            url,
            token: Secret::new("t"),
        })
        .unwrap();
        let ended = to_the_end(&server, "a", &Meter::stages())
            .await
            .map_err(|failure| failure.to_string());
        serving.abort();
        (ended, sockets.load(Ordering::SeqCst), answers.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_lost_connection_is_opened_again_until_the_end() {
        let told = vec!["QUEUED", "PROCESSING", "FAILED"];
        assert_eq!(followed(told, vec!["PROCESSING"]).await, (Ok(()), 3, 2));
    }

    #[tokio::test]
    async fn an_end_that_was_missed_is_asked_for() {
        assert_eq!(followed(vec!["PROCESSING"], vec!["COMPLETED"]).await, (Ok(()), 1, 1));
    }

    #[tokio::test]
    async fn without_sockets_the_state_is_asked_for() {
        assert_eq!(
            followed(vec![], vec!["QUEUED", "PROCESSING", "COMPLETED"]).await,
            (Ok(()), 0, 3)
        );
    }
}
