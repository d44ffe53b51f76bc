//! The hub: one listener per process, one read per organization and doorbell, one filtered stream per subscriber.
//!
//! Per organization that somebody follows there is a [`topic`] with a bounded [`ring`] of its newest events. A pump reads the
//! log on from the topic's position when a doorbell rings; after every gap of the listener, and every five seconds in any case,
//! the positions of all topics are compared with the database in one read. A subscriber that falls out of the ring reads on
//! from the log by itself; one that cannot keep up even so is ended with `SLOW_CONSUMER`. An analysis or upload that somebody
//! watches is read once for each change ([`watched`]). Memory is bounded by the rings, whoever is slow.

mod ring;
mod topic;
mod watched;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use domain::id::{AnalysisId, OrganizationId, SessionId};
use futures::Stream;
use service::Error;
use service::db::Db;
use service::event::listener::{Doorbell, Listener};
use service::event::{self, AnalysisState, UploadState};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use topic::Logged;
use topic::Topic;
use watched::{Watched, Watches};

/// How often positions are compared although no doorbell rang, and how often the listener's heartbeat is sent.
const SLOW_POLL: Duration = Duration::from_secs(5);
/// Every so many slow polls the rights behind open sockets are looked at although no doorbell rang.
const POLLS_PER_LOOK: u32 = 6;
/// How long to wait before a comparison that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Hears of everything and tells those who follow it. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    topics: Mutex<HashMap<OrganizationId, Weak<Topic>>>,
    hears: AtomicBool,
    /// Bells of analyses and uploads that somebody watches.
    bells: Mutex<HashMap<Uuid, Weak<Notify>>>,
    analyses: Watches<AnalysisId, AnalysisState>,
    uploads: Watches<SessionId, UploadState>,
    /// Positions are to be compared at once.
    compare: Notify,
    on_caller: OnCaller,
}

/// What a process does when someone's rights change; `None` when changes may have been missed.
pub type OnCaller = Box<dyn Fn(Option<Uuid>) + Send + Sync>;

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("topics", &lock(&self.inner.topics).len())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Starts listening. Ends with `stopping`.
    pub fn start(db: Db, mut listener: Listener, on_caller: OnCaller, stopping: CancellationToken) -> Self {
        let hub = Self {
            inner: Arc::new(Inner {
                db,
                topics: Mutex::default(),
                hears: true.into(),
                bells: Mutex::default(),
                analyses: Watches::default(),
                uploads: Watches::default(),
                compare: Notify::new(),
                on_caller,
            }),
        };
        // What a doorbell does waits for nothing, so nothing stands between one and the next.
        let (inner, stop) = (Arc::clone(&hub.inner), stopping.clone());
        tokio::spawn(async move {
            loop {
                let doorbell = tokio::select! {
                    () = stop.cancelled() => return,
                    doorbell = listener.next() => doorbell,
                };
                inner.hears.store(listener.is_connected(), Ordering::Relaxed);
                inner.ring(doorbell);
            }
        });
        let inner = Arc::clone(&hub.inner);
        tokio::spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = inner.poll() => {}
            }
        });
        hub
    }

    /// Somebody's rights were changed by this process: it holds before the answer that says so, and does not wait for the doorbell.
    pub fn rights_changed(&self, of: Uuid) {
        (self.inner.on_caller)(Some(of));
    }

    /// Whether the listening connection stands.
    pub fn hears(&self) -> bool {
        self.inner.hears.load(Ordering::Relaxed)
    }

    /// Every event of an organization after a position (from now on without one), in order, each once. Ends with an error when
    /// the position is no longer kept or the subscriber is too slow.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` before the first event, also for a position that a restored database never had; those of the database.
    pub async fn events(
        &self,
        organization: OrganizationId,
        after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<Arc<Logged>, Error>> + Send + use<>, Error> {
        let topic = self.topic(organization).await?;
        // Whoever resumes from the newest events costs no statement: all clients of a process that was killed come at once.
        let position = match after {
            Some(after) if topic.keeps(after) => after,
            after => {
                let bounds = event::bounds(&self.inner.db, organization).await?;
                match after {
                    None => bounds.newest,
                    Some(after) if after <= bounds.newest && bounds.reach_back_to(after) => after,
                    Some(_) => return Err(Error::CursorExpired),
                }
            }
        };
        Ok(topic.follow(position))
    }

    /// An analysis as it is now, then each change of status in order, and its progress at most four times a second. Ends after a
    /// final status, or when the analysis is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not this organization's; those of the database.
    pub async fn analysis(
        &self,
        organization: OrganizationId,
        analysis: AnalysisId,
    ) -> Result<impl Stream<Item = Result<Arc<AnalysisState>, Error>> + Send + use<>, Error> {
        let key = (organization, analysis);
        if let Some(watched) = self.inner.analyses.find(key) {
            return Ok(watched.states());
        }
        // Subscribe first, read second: nothing falls between.
        let topic = self.topic(organization).await?;
        let bell = self.bell(analysis.uuid());
        let state = event::analysis_state(&self.inner.db, organization, analysis).await?;
        let state = state.ok_or(Error::NotFound { what: "analysis" })?;
        let watched = watched::analysis(self.inner.db.clone(), topic, bell, analysis, state);
        Ok(self.inner.analyses.put(key, watched).states())
    }

    /// An upload as it is now, then whenever it moved, at most four times a second. Ends when the session is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not this organization's; those of the database.
    pub async fn upload(
        &self,
        organization: OrganizationId,
        session: SessionId,
    ) -> Result<impl Stream<Item = Result<Arc<UploadState>, Error>> + Send + use<>, Error> {
        let key = (organization, session);
        if let Some(watched) = self.inner.uploads.find(key) {
            return Ok(watched.states());
        }
        let bell = self.bell(session.uuid());
        let state = event::upload_state(&self.inner.db, organization, session).await?;
        let state = state.ok_or(Error::NotFound {
            what: "recording session",
        })?;
        let watched: Watched<_> = watched::upload(self.inner.db.clone(), organization, bell, session, state);
        Ok(self.inner.uploads.put(key, watched).states())
    }

    /// The topic of an organization, kept while anybody follows it.
    async fn topic(&self, organization: OrganizationId) -> Result<Arc<Topic>, Error> {
        let topic = {
            let mut topics = lock(&self.inner.topics);
            if let Some(topic) = topics.get(&organization).and_then(Weak::upgrade) {
                topic
            } else {
                topics.retain(|_, topic| topic.strong_count() > 0);
                let topic = Arc::new(Topic::new(self.inner.db.clone(), organization));
                topics.insert(organization, Arc::downgrade(&topic));
                topic
            }
        };
        topic.ready().await?;
        Ok(topic)
    }

    /// The bell of something that is watched. Two who begin at once share it, and one of their watches is dropped.
    fn bell(&self, subject: Uuid) -> Arc<Notify> {
        let mut bells = lock(&self.inner.bells);
        if let Some(bell) = bells.get(&subject).and_then(Weak::upgrade) {
            return bell;
        }
        bells.retain(|_, bell| bell.strong_count() > 0);
        let bell = Arc::new(Notify::new());
        bells.insert(subject, Arc::downgrade(&bell));
        bell
    }
}

impl Inner {
    fn ring(&self, doorbell: Doorbell) {
        match doorbell {
            Doorbell::Events(organization) => {
                if let Some(topic) = lock(&self.topics).get(&organization).and_then(Weak::upgrade) {
                    topic.wake();
                }
            }
            Doorbell::Progress(_, analysis) => self.ring_bell(analysis.uuid()),
            Doorbell::Upload(_, session) => self.ring_bell(session.uuid()),
            Doorbell::Caller(id) => (self.on_caller)(Some(id)),
            Doorbell::Gap => {
                (self.on_caller)(None);
                self.compare.notify_one();
                for bell in lock(&self.bells).values().filter_map(Weak::upgrade) {
                    bell.notify_one();
                }
            }
        }
    }

    fn ring_bell(&self, subject: Uuid) {
        if let Some(bell) = lock(&self.bells).get(&subject).and_then(Weak::upgrade) {
            bell.notify_one();
        }
    }

    /// For doorbells that were lost, with a sign or without.
    async fn poll(&self) {
        let mut clock = tokio::time::interval(SLOW_POLL);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut polls = 0_u32;
        loop {
            tokio::select! {
                () = self.compare.notified() => {}
                _ = clock.tick() => {
                    polls = polls.wrapping_add(1);
                    if polls.is_multiple_of(POLLS_PER_LOOK) {
                        (self.on_caller)(None);
                    }
                    if let Err(error) = event::beat(&self.db).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "no heartbeat could be sent");
                    }
                }
            }
            while let Err(error) = self.compare_positions().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "positions could not be compared; trying again"
                );
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// One read for all topics.
    async fn compare_positions(&self) -> Result<(), Error> {
        // Before the read: what is told meanwhile is no sign of a log that was put back.
        let topics: Vec<(Arc<Topic>, i64)> = lock(&self.topics)
            .values()
            .filter_map(Weak::upgrade)
            .map(|topic| {
                let position = topic.position();
                (topic, position)
            })
            .collect();
        if topics.is_empty() {
            return Ok(());
        }
        let organizations: Vec<OrganizationId> = topics.iter().map(|(topic, _)| topic.organization()).collect();
        let newest: HashMap<OrganizationId, i64> =
            event::positions(&self.db, &organizations).await?.into_iter().collect();
        for (topic, position) in topics {
            match newest.get(&topic.organization()) {
                Some(newest) if *newest > position => topic.wake(),
                Some(newest) if *newest < position => topic.put_back(*newest),
                _ => {}
            }
        }
        Ok(())
    }
}
