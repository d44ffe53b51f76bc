//! The hub: one listener per process, one read per organization and doorbell, one filtered stream per subscriber.
//!
//! Per organization that somebody follows there is a topic with a bounded ring of its newest events. A pump reads the log on
//! from the topic's position when a doorbell rings, after every gap of the listener, and every five seconds in any case. A
//! subscriber that falls out of the ring reads on from the log by itself; one that cannot keep up even so is ended with
//! `SLOW_CONSUMER`. Memory is bounded by the rings, whoever is slow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use domain::event::EventKind;
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::status::AnalysisStatus;
use futures::Stream;
use service::Error;
use service::db::Db;
use service::event::listener::{Doorbell, Listener};
use service::event::{self, AnalysisState, Event, UploadState};
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events that a topic keeps for those who are a little behind.
const RING: usize = 512;
/// Events read in one go.
const BATCH: i32 = 500;
/// How often positions are compared although no doorbell rang.
const SLOW_POLL: Duration = Duration::from_secs(5);
/// Progress of one analysis or upload is shown at most four times a second.
const COALESCE: Duration = Duration::from_millis(250);
/// How often in a row a subscriber may fall out of the ring before it is called too slow.
const MOST_FALLS: u32 = 20;

/// Hears of everything and tells those who follow it. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    topics: Mutex<HashMap<OrganizationId, Weak<Topic>>>,
    hears: std::sync::atomic::AtomicBool,
    /// Bells of analyses and uploads that somebody follows.
    bells: Mutex<HashMap<Uuid, Weak<Notify>>>,
}

struct Topic {
    organization: OrganizationId,
    events: broadcast::Sender<Arc<Event>>,
    /// The sequence of the newest event that was sent.
    position: watch::Sender<i64>,
    wake: Notify,
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
            }),
        };
        let inner = Arc::clone(&hub.inner);
        // A task of its own: `next` is not to be dropped between a doorbell and its being told.
        let (rung, mut bells) = tokio::sync::mpsc::channel(1024);
        let listening = Arc::clone(&hub.inner);
        let stop = stopping.clone();
        tokio::spawn(async move {
            loop {
                let doorbell = tokio::select! {
                    () = stop.cancelled() => return,
                    doorbell = listener.next() => doorbell,
                };
                listening
                    .hears
                    .store(listener.is_connected(), std::sync::atomic::Ordering::Relaxed);
                if rung.send(doorbell).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            let mut poll = tokio::time::interval(SLOW_POLL);
            poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    doorbell = bells.recv() => match doorbell {
                        Some(doorbell) => inner.ring(doorbell, &on_caller),
                        None => return,
                    },
                    _ = poll.tick() => inner.compare_positions().await,
                }
            }
        });
        hub
    }

    /// Whether the listening connection stands.
    pub fn hears(&self) -> bool {
        self.inner.hears.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Every event of an organization after a position (from now on without one), in order, each once. Ends with an error when
    /// the position is no longer kept or the subscriber is too slow.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` before the first event; those of the database.
    pub async fn events(
        &self,
        organization: OrganizationId,
        after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<Arc<Event>, Error>> + Send + use<>, Error> {
        let topic = self.topic(organization).await?;
        // Subscribe first, read second: nothing falls between.
        let ring = topic.events.subscribe();
        let bounds = event::bounds(&self.inner.db, organization).await?;
        let position = match after {
            None => bounds.newest,
            Some(after) if after > bounds.newest || after < 0 => {
                return Err(Error::invalid("after", "is no position of this organization's log"));
            }
            Some(after) if !bounds.reach_back_to(after) => return Err(Error::CursorExpired),
            Some(after) => after,
        };
        Ok(self.clone().follow(topic, ring, position, bounds.newest))
    }

    fn follow(
        self,
        topic: Arc<Topic>,
        mut ring: broadcast::Receiver<Arc<Event>>,
        mut position: i64,
        mut known: i64,
    ) -> impl Stream<Item = Result<Arc<Event>, Error>> + Send + use<> {
        async_stream::stream! {
            let mut falls = 0_u32;
            loop {
                // From the log while behind what is known to be there.
                while position < known {
                    match event::after(&self.inner.db, topic.organization, position, BATCH).await {
                        Ok(batch) if batch.is_empty() => break,
                        Ok(batch) => {
                            for event in batch {
                                if event.sequence != position + 1 {
                                    yield Err(Error::CursorExpired);
                                    return;
                                }
                                position = event.sequence;
                                yield Ok(Arc::new(event));
                            }
                        }
                        Err(Error::Unavailable { .. } | Error::Timeout) => {
                            // The database is away; the position is not.
                            tokio::time::sleep(Duration::from_millis(500)).await;
                        }
                        Err(error) => {
                            yield Err(error);
                            return;
                        }
                    }
                }
                match ring.recv().await {
                    Ok(event) if event.sequence <= position => {}
                    Ok(event) if event.sequence == position + 1 => {
                        position = event.sequence;
                        falls = 0;
                        yield Ok(event);
                    }
                    Ok(event) => known = event.sequence,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        falls += 1;
                        if falls > MOST_FALLS {
                            yield Err(Error::SlowConsumer);
                            return;
                        }
                        known = *topic.position.borrow();
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        }
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
    ) -> Result<impl Stream<Item = Result<AnalysisState, Error>> + Send + use<>, Error> {
        let bell = self.bell(analysis.uuid());
        let events = self.events(organization, None).await?;
        let state = self
            .state(organization, analysis)
            .await?
            .ok_or(Error::NotFound { what: "analysis" })?;
        let hub = self.clone();
        Ok(async_stream::stream! {
            let mut events = std::pin::pin!(events);
            let mut shown = state.clone();
            let mut rung = tokio::time::Instant::now();
            yield Ok(state);
            while !is_final(shown.status) {
                let next = tokio::select! {
                    biased;
                    event = futures::StreamExt::next(&mut events) => match event {
                        Some(Ok(event)) if event.kind == EventKind::AnalysisStatusChanged && event.subject == analysis.uuid() => Some(event),
                        Some(Ok(event)) if event.kind == EventKind::SessionDeleted && event.subject == shown.session.uuid() => return,
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => {
                            yield Err(error);
                            return;
                        }
                        None => return,
                    },
                    () = bell.notified() => None,
                };
                if let Some(event) = next {
                    let Some(status) = event.to.as_deref().and_then(|to| to.parse::<AnalysisStatus>().ok()) else { continue };
                    let latest = match hub.state(organization, analysis).await {
                        Ok(Some(latest)) => latest,
                        Ok(None) => return,
                        Err(error) => {
                            yield Err(error);
                            return;
                        }
                    };
                    // The row may have moved on already; this status is shown all the same, each in order.
                    shown = if latest.status == status { latest } else { AnalysisState { status, at: event.at, ..latest } };
                    yield Ok(shown.clone());
                    continue;
                }
                // Progress: the newest state, coalesced.
                tokio::time::sleep_until(rung + COALESCE).await;
                rung = tokio::time::Instant::now();
                match hub.state(organization, analysis).await {
                    // A change of status is told by its event, so that none is skipped.
                    Ok(Some(latest)) if latest.status == shown.status && latest != shown => {
                        shown = latest;
                        yield Ok(shown.clone());
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                }
            }
        })
    }

    async fn state(&self, organization: OrganizationId, analysis: AnalysisId) -> Result<Option<AnalysisState>, Error> {
        let state = event::analysis_state(&self.inner.db, analysis).await?;
        Ok(state.filter(|state| state.organization == organization))
    }

    /// An upload as it is now, then whenever it moved, at most four times a second. Ends when the session is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not this organization's; those of the database.
    pub async fn upload(
        &self,
        organization: OrganizationId,
        session: SessionId,
    ) -> Result<impl Stream<Item = Result<UploadState, Error>> + Send + use<>, Error> {
        let bell = self.bell(session.uuid());
        let read = async move |hub: &Self| {
            let state = event::upload_state(&hub.inner.db, session).await?;
            Ok::<_, Error>(state.filter(|state| state.organization == organization))
        };
        let state = read(self).await?.ok_or(Error::NotFound {
            what: "recording session",
        })?;
        let hub = self.clone();
        Ok(async_stream::stream! {
            let mut shown = state.clone();
            yield Ok(state);
            loop {
                let rung = tokio::time::Instant::now();
                // A lost doorbell is made up for by the clock.
                let _ = tokio::time::timeout(SLOW_POLL, bell.notified()).await;
                tokio::time::sleep_until(rung + COALESCE).await;
                match read(&hub).await {
                    Ok(Some(latest)) if latest != shown => {
                        shown = latest;
                        yield Ok(shown.clone());
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                }
            }
        })
    }

    /// The topic of an organization, made and pumped while anybody follows it.
    async fn topic(&self, organization: OrganizationId) -> Result<Arc<Topic>, Error> {
        if let Some(topic) = lock(&self.inner.topics).get(&organization).and_then(Weak::upgrade) {
            return Ok(topic);
        }
        let newest = event::bounds(&self.inner.db, organization).await?.newest;
        let mut topics = lock(&self.inner.topics);
        // Somebody else may have been faster.
        if let Some(topic) = topics.get(&organization).and_then(Weak::upgrade) {
            return Ok(topic);
        }
        topics.retain(|_, topic| topic.strong_count() > 0);
        let topic = Arc::new(Topic {
            organization,
            events: broadcast::channel(RING).0,
            position: watch::channel(newest).0,
            wake: Notify::new(),
        });
        topics.insert(organization, Arc::downgrade(&topic));
        drop(topics);
        tokio::spawn(pump(self.inner.db.clone(), Arc::downgrade(&topic)));
        // What was committed between reading the position and being listed rang no bell of this topic.
        topic.wake.notify_one();
        Ok(topic)
    }

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

const fn is_final(status: AnalysisStatus) -> bool {
    matches!(status, AnalysisStatus::Completed | AnalysisStatus::Failed)
}

/// Reads a topic's log on whenever it is woken, and sends what it read; ends when nobody follows it any more.
async fn pump(db: Db, topic: Weak<Topic>) {
    loop {
        let Some(topic) = topic.upgrade() else { return };
        let woken = tokio::time::timeout(SLOW_POLL, topic.wake.notified()).await.is_ok();
        if Arc::strong_count(&topic) == 1 {
            return;
        }
        if !woken {
            continue;
        }
        loop {
            let position = *topic.position.borrow();
            match event::after(&db, topic.organization, position, BATCH).await {
                Ok(batch) if batch.is_empty() => break,
                Ok(batch) => {
                    for event in batch {
                        let sequence = event.sequence;
                        // Nobody listening is no fault: they come back with a position.
                        let _ = topic.events.send(Arc::new(event));
                        topic.position.send_replace(sequence);
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an organization's log could not be read; trying again"
                    );
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }
}

impl Inner {
    fn ring(&self, doorbell: Doorbell, on_caller: &OnCaller) {
        match doorbell {
            Doorbell::Events(organization) => {
                if let Some(topic) = lock(&self.topics).get(&organization).and_then(Weak::upgrade) {
                    topic.wake.notify_one();
                }
            }
            Doorbell::Progress(_, analysis) => self.ring_bell(analysis.uuid()),
            Doorbell::Upload(_, session) => self.ring_bell(session.uuid()),
            Doorbell::Caller(id) => on_caller(Some(id)),
            Doorbell::Gap => {
                on_caller(None);
                for topic in lock(&self.topics).values().filter_map(Weak::upgrade) {
                    topic.wake.notify_one();
                }
                for bell in lock(&self.bells).values().filter_map(Weak::upgrade) {
                    bell.notify_waiters();
                }
            }
        }
    }

    fn ring_bell(&self, subject: Uuid) {
        if let Some(bell) = lock(&self.bells).get(&subject).and_then(Weak::upgrade) {
            bell.notify_waiters();
        }
    }

    /// The slow poll: one read for all topics, for doorbells that were lost without a sign.
    async fn compare_positions(&self) {
        let topics: Vec<Arc<Topic>> = lock(&self.topics).values().filter_map(Weak::upgrade).collect();
        if topics.is_empty() {
            return;
        }
        let organizations: Vec<OrganizationId> = topics.iter().map(|topic| topic.organization).collect();
        match event::positions(&self.db, &organizations).await {
            Ok(positions) => {
                let positions: HashMap<OrganizationId, i64> = positions.into_iter().collect();
                for topic in topics {
                    if positions
                        .get(&topic.organization)
                        .is_some_and(|newest| *newest > *topic.position.borrow())
                    {
                        topic.wake.notify_one();
                    }
                }
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "positions could not be compared; trying again"
            ),
        }
    }
}
