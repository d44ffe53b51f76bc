//! One organization's log, read once for all who follow it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::id::OrganizationId;
use futures::Stream;
use service::Error;
use service::db::Db;
use service::event::{self, Event};
use tokio::sync::{Notify, OnceCell};
use tokio_util::task::AbortOnDropHandle;

use super::ring::{After, Ring};
use crate::http::ready_made::Told;

/// Events that a topic keeps for those who are a little behind.
const RING: usize = 512;
/// Events read from the log in one go.
const BATCH: i32 = 500;
/// Events that a follower takes from the ring in one go.
const SIP: usize = 32;
/// How long to wait before a read that failed is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// How often in a row a follower that reads the log may find itself farther behind than before.
const MOST_LOSSES: u32 = 20;

/// An event of a log, and what was written of it for those who ask alike.
pub struct Logged {
    /// What happened.
    pub event: Arc<Event>,
    written: OnceLock<(Arc<str>, Option<Told>)>,
}

impl Logged {
    fn new(event: Event) -> Arc<Self> {
        Arc::new(Self {
            event: Arc::new(event),
            written: OnceLock::new(),
        })
    }

    /// What the first who asked for this had written; whoever asks for something else has it written for himself.
    pub fn written(&self, asked: &Arc<str>, write: impl Fn(&Arc<Event>) -> Option<Told>) -> Option<Told> {
        let (of, told) = self.written.get_or_init(|| (Arc::clone(asked), write(&self.event)));
        if of == asked { told.clone() } else { write(&self.event) }
    }
}

impl Deref for Logged {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

/// The log of an organization that somebody follows. The pump that reads it on ends with the last who holds this.
pub struct Topic {
    log: Arc<Log>,
    pump: OnceCell<AbortOnDropHandle<()>>,
}

struct Log {
    db: Db,
    organization: OrganizationId,
    events: Ring<Arc<Logged>>,
    wake: Notify,
}

impl Topic {
    /// A topic that has read nothing yet.
    pub fn new(db: Db, organization: OrganizationId) -> Self {
        let log = Log {
            db,
            organization,
            events: Ring::new(0, RING),
            wake: Notify::new(),
        };
        Self {
            log: Arc::new(log),
            pump: OnceCell::new(),
        }
    }

    /// Reads the newest events, once for all who wait: when a process comes back, those who were on it resume from memory.
    ///
    /// # Errors
    /// Those of the database; the next who asks tries again.
    pub async fn ready(&self) -> Result<(), Error> {
        let log = &self.log;
        let start = async || {
            let bounds = event::bounds(&log.db, log.organization).await?;
            let oldest = bounds.oldest.map_or(bounds.newest, |oldest| oldest - 1);
            let from = oldest.max(bounds.newest - i64::from(BATCH));
            log.events.start(from);
            let batch = event::after(&log.db, log.organization, from, BATCH).await?;
            log.events.extend(from + 1, batch.into_iter().map(Logged::new));
            // What was committed meanwhile rang no bell of this topic.
            log.wake.notify_one();
            Ok::<_, Error>(AbortOnDropHandle::new(tokio::spawn(pump(Arc::clone(log)))))
        };
        self.pump.get_or_try_init(start).await?;
        Ok(())
    }

    /// Whose log it is.
    pub fn organization(&self) -> OrganizationId {
        self.log.organization
    }

    /// The newest event that was told.
    pub fn position(&self) -> i64 {
        self.log.events.last()
    }

    /// There is more, or may be.
    pub fn wake(&self) {
        self.log.wake.notify_one();
    }

    /// The log is shorter than what was told: see [`Ring::put_back`].
    pub fn put_back(&self, newest: i64) {
        tracing::warn!(
            organization.id = %self.log.organization,
            newest,
            "an organization's log is shorter than it was: the database was put back"
        );
        self.log.events.put_back(newest);
    }

    /// Whether going on from this position needs no look at the log.
    pub fn keeps(&self, position: i64) -> bool {
        self.log.events.keeps(position)
    }

    /// Every event after a position, in order, each once; events in the ring cost nothing, older ones are read from the log.
    pub fn follow(self: Arc<Self>, mut position: i64) -> impl Stream<Item = Result<Arc<Logged>, Error>> + Send + use<> {
        let era = self.log.events.era();
        async_stream::stream! {
            let log = &self.log;
            let mut news = log.events.watch();
            let (mut distance, mut losses) = (i64::MAX, 0_u32);
            loop {
                news.borrow_and_update();
                if log.events.era() != era {
                    yield Err(Error::CursorExpired);
                    return;
                }
                match log.events.after(position, SIP) {
                    After::Items(events) => {
                        (distance, losses) = (i64::MAX, 0);
                        for event in events {
                            position = event.sequence;
                            yield Ok(event);
                        }
                    }
                    After::Nothing => {
                        if news.changed().await.is_err() {
                            return;
                        }
                    }
                    After::Gone => {
                        let behind = log.events.last() - position;
                        losses = if behind >= distance { losses + 1 } else { 0 };
                        distance = behind;
                        if losses > MOST_LOSSES {
                            yield Err(Error::SlowConsumer);
                            return;
                        }
                        let batch = match event::after(&log.db, log.organization, position, BATCH).await {
                            Ok(batch) => batch,
                            // The database is away; the position is not.
                            Err(Error::Unavailable { .. } | Error::Timeout) => {
                                tokio::time::sleep(AGAIN).await;
                                continue;
                            }
                            Err(error) => {
                                yield Err(error);
                                return;
                            }
                        };
                        if batch.first().is_none_or(|first| first.sequence != position + 1) {
                            yield Err(Error::CursorExpired);
                            return;
                        }
                        for event in batch {
                            position = event.sequence;
                            yield Ok(Logged::new(event));
                        }
                    }
                }
            }
        }
    }
}

/// Reads the log on whenever it is woken.
async fn pump(log: Arc<Log>) {
    loop {
        log.wake.notified().await;
        loop {
            match event::after(&log.db, log.organization, log.events.last(), BATCH).await {
                Ok(batch) => {
                    let read = batch.len();
                    if let Some(first) = batch.first() {
                        log.events.extend(first.sequence, batch.into_iter().map(Logged::new));
                    }
                    // Less than asked for is all there was; what came later rings again.
                    if read < BATCH as usize {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an organization's log could not be read; trying again"
                    );
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
