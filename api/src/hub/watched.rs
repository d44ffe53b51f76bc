//! An analysis or upload that somebody watches: its row is read once for each change, for all who watch.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use domain::event::EventKind;
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::status::AnalysisStatus;
use futures::{Stream, StreamExt as _};
use service::Error;
use service::db::Db;
use service::event::{self, AnalysisState, UploadState};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::lock;
use super::ring::{After, Ring};
use super::topic::Topic;

/// Progress of one analysis or upload is shown at most four times a second.
const COALESCE: Duration = Duration::from_millis(250);
/// The row is looked at this often although no doorbell rang.
const SLOW_LOOK: Duration = Duration::from_secs(5);
/// How long to wait before a read that failed is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// States kept for those who are a little behind: changes of status are few, and of progress only the latest counts.
const RING: usize = 64;

/// One state of what is watched.
#[derive(Debug, Clone)]
enum Step<S> {
    /// A state that may be left out where a newer one is at hand.
    Progress(Arc<S>),
    /// A change of status: every one is told, in order.
    Transition(Arc<S>),
    /// Nothing follows; with an error where it broke off.
    End(Option<Error>),
}

/// Something that is watched. The task that reads its row ends with the last who holds this.
pub struct Watched<S> {
    steps: Arc<Ring<Step<S>>>,
    _reader: AbortOnDropHandle<()>,
}

impl<S: Clone + Send + Sync + 'static> Watched<S> {
    fn has_ended(&self) -> bool {
        matches!(self.steps.newest(), None | Some((_, Step::End(_))))
    }

    /// The present state, and what follows.
    pub fn states(self: Arc<Self>) -> impl Stream<Item = Result<Arc<S>, Error>> + Send + use<S> {
        async_stream::stream! {
            let mut news = self.steps.watch();
            // The newest state comes first, also where it turned out to be the last.
            let mut position = match self.steps.newest() {
                Some((last, Step::End(_))) => last - 2,
                Some((last, _)) => last - 1,
                None => return,
            };
            loop {
                news.borrow_and_update();
                match self.steps.after(position, RING) {
                    After::Items(steps) => {
                        let next = steps.iter().position(|step| !matches!(step, Step::Progress(_)));
                        let next = next.unwrap_or(steps.len() - 1);
                        position += next as i64 + 1;
                        match &steps[next] {
                            Step::Progress(state) | Step::Transition(state) => yield Ok(Arc::clone(state)),
                            Step::End(None) => return,
                            Step::End(Some(error)) => {
                                yield Err(error.clone());
                                return;
                            }
                        }
                    }
                    After::Nothing => {
                        if news.changed().await.is_err() {
                            return;
                        }
                    }
                    After::Gone => {
                        yield Err(Error::SlowConsumer);
                        return;
                    }
                }
            }
        }
    }
}

type ByKey<I, S> = HashMap<(OrganizationId, I), Weak<Watched<S>>>;

/// All that is watched of one kind, by id. An id is one organization's: whoever asks for another's finds nothing in the database
/// and comes to nothing here, since the organization is part of the key.
pub struct Watches<I, S>(Mutex<ByKey<I, S>>);

impl<I, S> Default for Watches<I, S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<I: Copy + Eq + Hash, S: Clone + Send + Sync + 'static> Watches<I, S> {
    /// The watch under this key that still goes on.
    pub fn find(&self, key: (OrganizationId, I)) -> Option<Arc<Watched<S>>> {
        let found = lock(&self.0).get(&key).and_then(Weak::upgrade)?;
        (!found.has_ended()).then_some(found)
    }

    /// Puts a watch there, unless somebody was faster; gives the one that is there.
    pub fn put(&self, key: (OrganizationId, I), watched: Watched<S>) -> Arc<Watched<S>> {
        let mut all = lock(&self.0);
        if let Some(found) = all.get(&key).and_then(Weak::upgrade)
            && !found.has_ended()
        {
            return found;
        }
        all.retain(|_, watched| watched.strong_count() > 0);
        let watched = Arc::new(watched);
        all.insert(key, Arc::downgrade(&watched));
        watched
    }
}

/// Whether the database is only away: then waits a moment.
async fn comes_back(error: &Error) -> bool {
    let away = matches!(error, Error::Unavailable { .. } | Error::Timeout);
    if away {
        tokio::time::sleep(AGAIN).await;
    }
    away
}

const fn is_final(status: AnalysisStatus) -> bool {
    matches!(status, AnalysisStatus::Completed | AnalysisStatus::Failed)
}

/// Watches an analysis. The bell must have been hung up before the state was read, with the position of its snapshot.
pub fn analysis(
    db: Db,
    topic: Arc<Topic>,
    bell: Arc<Notify>,
    id: AnalysisId,
    (state, position): (AnalysisState, i64),
) -> Watched<AnalysisState> {
    let steps = Arc::new(Ring::new(0, RING));
    let over = is_final(state.status);
    steps.push(Step::Transition(Arc::new(state.clone())));
    let reader = Analysis {
        db,
        organization: topic.organization(),
        id,
        shown: state,
        steps: Arc::clone(&steps),
    };
    let reader = tokio::spawn(async move {
        let steps = Arc::clone(&reader.steps);
        let end = if over {
            None
        } else {
            reader.run(topic, bell, position).await.err()
        };
        steps.push(Step::End(end));
    });
    Watched {
        steps,
        _reader: AbortOnDropHandle::new(reader),
    }
}

struct Analysis {
    db: Db,
    organization: OrganizationId,
    id: AnalysisId,
    shown: AnalysisState,
    steps: Arc<Ring<Step<AnalysisState>>>,
}

impl Analysis {
    async fn read(&self) -> Result<Option<AnalysisState>, Error> {
        loop {
            match event::analysis_state(&self.db, self.organization, self.id).await {
                Ok(state) => return Ok(state.map(|(state, _)| state)),
                Err(error) if comes_back(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A lease that was renewed touches the row too, and is nothing to show.
    fn differs(&self, latest: &AnalysisState) -> bool {
        let shown = &self.shown;
        (latest.stage, latest.frames_done, latest.frames_total) != (shown.stage, shown.frames_done, shown.frames_total)
            || (latest.progress - shown.progress).abs() > f64::EPSILON
            || latest.message != shown.message
    }

    async fn run(mut self, topic: Arc<Topic>, bell: Arc<Notify>, position: i64) -> Result<(), Error> {
        let mut events = std::pin::pin!(topic.follow(position));
        let mut shown_at = Instant::now();
        let mut look_at = shown_at + SLOW_LOOK;
        loop {
            let event = tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(event) => Some(event?),
                    None => return Ok(()),
                },
                () = bell.notified() => {
                    look_at = look_at.min(shown_at + COALESCE);
                    continue;
                }
                () = tokio::time::sleep_until(look_at) => None,
            };
            match event {
                Some(event) if event.kind == EventKind::AnalysisStatusChanged && event.subject == self.id.uuid() => {
                    let Some(status) = event.to.as_deref().and_then(|to| to.parse().ok()) else {
                        continue;
                    };
                    // Each status is shown, in order, also where the row has moved on or is gone.
                    let before = AnalysisState {
                        status,
                        at: event.at,
                        ..self.shown.clone()
                    };
                    self.shown = match self.read().await? {
                        Some(latest) if latest.status == status => latest,
                        _ => before,
                    };
                    self.steps.push(Step::Transition(Arc::new(self.shown.clone())));
                    if is_final(status) {
                        return Ok(());
                    }
                }
                Some(event)
                    if event.kind == EventKind::SessionDeleted && event.subject == self.shown.session.uuid() =>
                {
                    return Ok(());
                }
                Some(_) => {}
                None => {
                    shown_at = Instant::now();
                    look_at = shown_at + SLOW_LOOK;
                    match self.read().await? {
                        // A change of status is told by its event, so that none is skipped.
                        Some(latest) if latest.status == self.shown.status && self.differs(&latest) => {
                            self.shown = latest;
                            self.steps.push(Step::Progress(Arc::new(self.shown.clone())));
                        }
                        Some(_) => {}
                        // Its session was deleted; the event of it may have been lost with the organization.
                        None => return Ok(()),
                    }
                }
            }
        }
    }
}

/// Watches an upload. The bell must have been hung up before the state was read.
pub fn upload(
    db: Db,
    organization: OrganizationId,
    bell: Arc<Notify>,
    id: SessionId,
    state: UploadState,
) -> Watched<UploadState> {
    let steps = Arc::new(Ring::new(0, RING));
    steps.push(Step::Progress(Arc::new(state.clone())));
    let reader = Upload {
        db,
        organization,
        id,
        shown: state,
        steps: Arc::clone(&steps),
    };
    let reader = tokio::spawn(async move {
        let steps = Arc::clone(&reader.steps);
        let end = reader.run(bell).await.err();
        steps.push(Step::End(end));
    });
    Watched {
        steps,
        _reader: AbortOnDropHandle::new(reader),
    }
}

struct Upload {
    db: Db,
    organization: OrganizationId,
    id: SessionId,
    shown: UploadState,
    steps: Arc<Ring<Step<UploadState>>>,
}

impl Upload {
    async fn run(mut self, bell: Arc<Notify>) -> Result<(), Error> {
        loop {
            let next = Instant::now() + COALESCE;
            // A lost doorbell is made up for by the clock.
            let _ = tokio::time::timeout(SLOW_LOOK, bell.notified()).await;
            tokio::time::sleep_until(next).await;
            match event::upload_state(&self.db, self.organization, self.id).await {
                Ok(Some(latest)) if latest != self.shown => {
                    self.shown = latest;
                    self.steps.push(Step::Progress(Arc::new(self.shown.clone())));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if comes_back(&error).await => bell.notify_one(),
                Err(error) => return Err(error),
            }
        }
    }
}
