//! The half of a socket that writes. Apart from the reader, with which it shares only the outbox.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{SinkExt as _, stream::SplitSink};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    Control, Sockets,
    message::{message, short, text},
};
use crate::http::stream::{Close, Out};

/// The one writer: takes turns, pings, and gives up on a peer that takes nothing for two pings.
pub(super) async fn write(mut sink: SplitSink<WebSocket, Message>, outbox: Arc<Sockets>, ping: Duration) {
    let mut pings = interval(ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    loop {
        let out = tokio::select! {
            out = outbox.next() => Some(out),
            _ = pings.tick() => None,
        };
        let (message, last) = match out {
            None => (Message::Ping(axum::body::Bytes::new()), false),
            Some(Out::Control(Control::Acknowledge)) => (text(json!({ "type": "connection_ack" }).to_string()), false),
            Some(Out::Control(Control::Pong(None))) => (text(json!({ "type": "pong" }).to_string()), false),
            Some(Out::Control(Control::Pong(Some(payload)))) => {
                (text(json!({ "type": "pong", "payload": payload }).to_string()), false)
            }
            Some(Out::Item(id, item)) => (text(message(&id, &item)), false),
            Some(Out::Close(Close { code, reason })) => (
                Message::Close(Some(CloseFrame {
                    code,
                    reason: short(&reason).into(),
                })),
                true,
            ),
        };
        let send = async {
            sink.feed(message).await?;
            if last || outbox.is_idle() {
                sink.flush().await
            } else {
                Ok(())
            }
        };
        if !matches!(timeout(ping * 2, send).await, Ok(Ok(()))) || last {
            return;
        }
    }
}
