//! The one LISTEN connection of a process. It tells doorbells apart and says when some may have been missed.

use std::time::Duration;

use domain::id::{AnalysisId, OrganizationId, SessionId};
use sqlx::postgres::{PgListener, PgPoolOptions};
use uuid::Uuid;

use crate::error::Result;

/// What a doorbell says; ids only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doorbell {
    /// An organization's log has grown.
    Events(OrganizationId),
    /// An analysis has moved on.
    Progress(OrganizationId, AnalysisId),
    /// An upload has moved on.
    Upload(OrganizationId, SessionId),
    /// A person's or key's rights have changed.
    Caller(Uuid),
    /// Some doorbells may have been missed: read on from the last positions, and believe no cache.
    Gap,
}

const CHANNELS: [&str; 5] = [
    "newsystem_events",
    "newsystem_progress",
    "newsystem_uploads",
    "newsystem_callers",
    HEARTBEAT,
];
/// Says nothing but that the connection still hears: see [`beat`](super::beat).
pub(super) const HEARTBEAT: &str = "newsystem_heartbeat";

/// How long to wait before connecting again, at first and at most. A revoked right is to be heard of within a second.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long one attempt to connect may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// Silence after which the connection is taken for dead: three heartbeats.
const SILENCE: Duration = Duration::from_secs(15);

/// Hears doorbells, for ever: a lost connection is made anew, and every loss is a [`Doorbell::Gap`].
pub struct Listener {
    url: String,
    listening: Option<PgListener>,
    wait: Duration,
}

impl Listener {
    /// Listens on a direct or session-pooled connection: a transaction pooler delivers nothing.
    ///
    /// # Errors
    /// When nothing answers at the address.
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self {
            url: url.to_owned(),
            listening: Some(listen(url).await?),
            wait: FIRST_WAIT,
        })
    }

    /// Whether the connection stands, as far as is known.
    pub const fn is_connected(&self) -> bool {
        self.listening.is_some()
    }

    /// The next doorbell.
    pub async fn next(&mut self) -> Doorbell {
        loop {
            let Some(listening) = &mut self.listening else {
                tokio::time::sleep(self.wait).await;
                match listen(&self.url).await {
                    Ok(listening) => {
                        tracing::info!("listening again");
                        self.listening = Some(listening);
                        self.wait = FIRST_WAIT;
                        return Doorbell::Gap;
                    }
                    Err(_) => self.wait = (self.wait * 2).min(LONGEST_WAIT),
                }
                continue;
            };
            // `try_recv`, never `recv`, which hides losses: a None and an error both mean that some may be missing.
            match tokio::time::timeout(SILENCE, listening.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    if notification.channel() == HEARTBEAT {
                        continue;
                    }
                    if let Some(doorbell) = read(notification.channel(), notification.payload()) {
                        return doorbell;
                    }
                    tracing::warn!(channel = notification.channel(), "a doorbell that says nothing");
                }
                lost => {
                    match lost {
                        Ok(Err(error)) => tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the listening connection failed"
                        ),
                        Ok(_) => tracing::warn!("the listening connection was lost"),
                        // A peer that vanished without a word; nothing but silence tells.
                        Err(_) => tracing::warn!("the listening connection hears nothing, not even its heartbeat"),
                    }
                    self.listening = None;
                    return Doorbell::Gap;
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a connection that only listens: no statement runs on it, so no tenant is needed"
)]
async fn listen(url: &str) -> Result<PgListener> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(CONNECTING)
        .connect(url)
        .await?;
    let mut listening = PgListener::connect_with(&pool).await?;
    listening.ignore_pool_close_event(true);
    // Connecting anew is done here, where it is known to be a gap and bounded in time.
    listening.eager_reconnect(false);
    listening.listen_all(CHANNELS).await?;
    Ok(listening)
}

fn read(channel: &str, payload: &str) -> Option<Doorbell> {
    let pair = || {
        let (organization, subject) = payload.split_once(':')?;
        Some((organization.parse::<Uuid>().ok()?, subject.parse::<Uuid>().ok()?))
    };
    Some(match channel {
        "newsystem_events" => Doorbell::Events(payload.parse().ok()?),
        "newsystem_progress" => {
            pair().map(|(organization, analysis)| Doorbell::Progress(organization.into(), analysis.into()))?
        }
        "newsystem_uploads" => {
            pair().map(|(organization, session)| Doorbell::Upload(organization.into(), session.into()))?
        }
        "newsystem_callers" => Doorbell::Caller(payload.parse().ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doorbells_are_told_apart_and_nonsense_is_none() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(
            read("newsystem_events", &one.to_string()),
            Some(Doorbell::Events(one.into()))
        );
        assert_eq!(
            read("newsystem_progress", &format!("{one}:{two}")),
            Some(Doorbell::Progress(one.into(), two.into()))
        );
        assert_eq!(
            read("newsystem_uploads", &format!("{one}:{two}")),
            Some(Doorbell::Upload(one.into(), two.into()))
        );
        assert_eq!(read("newsystem_callers", &one.to_string()), Some(Doorbell::Caller(one)));
        for (channel, payload) in [
            ("newsystem_events", "x"),
            ("newsystem_progress", "x:y"),
            ("other", ""),
            ("newsystem_uploads", ""),
        ] {
            assert_eq!(read(channel, payload), None);
        }
    }
}
