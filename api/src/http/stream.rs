//! From running operations to one wire: a bounded lane for each, read in turns.
//!
//! Every operation runs in a task of its own and fills its own lane; the one writer of a connection takes one item of
//! each lane in turn, so a hot stream cannot starve the others. A full lane holds back its own stream only; if it stays
//! full, the subscription ends with `SLOW_CONSUMER`.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_graphql::{Executor, Value};
use futures::StreamExt as _;
use tokio::{sync::Notify, task::AbortHandle};

use super::{
    engine::{Engine, Outcome, Prepared, panicked},
    error::{Code, Refusal},
    places::Seat,
    request_id::RequestId,
};

/// Finds the cursor of an event in the `data` of its payload, for the `id:` of server-sent events.
pub type EventId = fn(&Value) -> Option<String>;

/// The default: `cursor` of the root field.
pub fn root_cursor(data: &Value) -> Option<String> {
    let Value::Object(roots) = data else { return None };
    let Value::Object(event) = roots.values().next()? else {
        return None;
    };
    match event.get("cursor")? {
        Value::String(cursor) => Some(cursor.clone()),
        _ => None,
    }
}

/// Something for the client about one operation.
#[derive(Debug)]
pub enum Item {
    /// An answer or event.
    Next { json: Arc<str>, event_id: Option<Arc<str>> },
    /// The operation was refused or broke off: a document without `data`. Nothing follows.
    Error { outcome: Box<Outcome> },
    /// Nothing follows.
    Complete,
}

impl Item {
    /// The last event of a stream that broke off.
    fn broken(outcome: &Outcome) -> Self {
        Self::Next {
            json: outcome.to_json().into(),
            event_id: None,
        }
    }

    const fn ends(&self) -> bool {
        matches!(self, Self::Error { .. } | Self::Complete)
    }
}

/// What the writer does next.
#[derive(Debug)]
pub enum Out<C> {
    /// A message about the connection itself.
    Control(C),
    /// A message about an operation, by the client's id for it.
    Item(String, Item),
    /// Nothing more: end the connection.
    Close(Close),
}

/// Why a connection ends.
#[derive(Debug, Clone)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

/// Why an operation could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub enum NotOpened {
    Duplicate,
    TooMany,
}

#[derive(Debug, PartialEq, Eq)]
enum Pushed {
    Yes,
    /// The client gave the operation up.
    Gone,
    /// The lane stayed full.
    Slow,
}

struct Lane {
    id: String,
    items: VecDeque<Item>,
    room: Arc<Notify>,
    queued: bool,
    task: Option<AbortHandle>,
    /// A query or mutation: may finish while the server drains.
    short: bool,
    /// What a subscription is counted with.
    _seat: Option<Seat>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct State<C> {
    control: VecDeque<C>,
    turns: VecDeque<u64>,
    lanes: HashMap<u64, Lane>,
    keys: HashMap<String, u64>,
    next_key: u64,
    close: Option<Close>,
}

/// What waits to be written to one connection. `C` is the connection's own kind of message.
pub struct Outbox<C> {
    state: Mutex<State<C>>,
    ready: Notify,
    capacity: usize,
    patience: Duration,
}

/// Items that a stream which is always ready tells before others have their turn.
const TURN: u32 = 8;
/// Control messages that may wait: a client that floods and does not read is let go.
const MAX_CONTROL: usize = 1024;

impl<C: Send + 'static> Outbox<C> {
    pub fn new(capacity: usize, patience: Duration) -> Self {
        let state = State {
            control: VecDeque::new(),
            turns: VecDeque::new(),
            lanes: HashMap::new(),
            keys: HashMap::new(),
            next_key: 1,
            close: None,
        };
        Self {
            state: Mutex::new(state),
            ready: Notify::new(),
            capacity: capacity.max(1),
            patience,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation in a task of its own, under the client's id.
    pub(super) fn start<E: Executor>(
        self: &Arc<Self>,
        id: &str,
        most: usize,
        engine: &Arc<Engine<E>>,
        prepared: Prepared,
        event_id: EventId,
        seat: Option<Seat>,
    ) -> Result<(), NotOpened> {
        let key = {
            let mut state = self.lock();
            if state.keys.contains_key(id) {
                return Err(NotOpened::Duplicate);
            }
            if state.lanes.len() >= most {
                return Err(NotOpened::TooMany);
            }
            let key = state.next_key;
            state.next_key += 1;
            let short = prepared.kind != async_graphql::parser::types::OperationType::Subscription;
            let lane = Lane {
                id: id.to_owned(),
                items: VecDeque::new(),
                room: Arc::new(Notify::new()),
                queued: false,
                task: None,
                short,
                _seat: seat,
            };
            state.lanes.insert(key, lane);
            state.keys.insert(id.to_owned(), key);
            key
        };
        let (outbox, engine) = (Arc::clone(self), Arc::clone(engine));
        let task = tokio::spawn(async move { run(&engine, prepared, &outbox, key, event_id).await });
        if let Some(lane) = self.lock().lanes.get_mut(&key) {
            lane.task = Some(task.abort_handle());
        }
        Ok(())
    }

    /// Whether an operation runs under this id.
    pub fn has(&self, id: &str) -> bool {
        self.lock().keys.contains_key(id)
    }

    /// The client wants no more of an operation: it is dropped at once, with what waits of it.
    pub fn stop(&self, id: &str) {
        let mut state = self.lock();
        if let Some(key) = state.keys.remove(id) {
            state.lanes.remove(&key);
            // A turn without a lane would make the writer wait with something unflushed.
            state.turns.retain(|turn| *turn != key);
        }
    }

    /// Refuses an operation that never started.
    pub fn refuse(self: &Arc<Self>, id: &str, outcome: Outcome) {
        let mut state = self.lock();
        let key = state.next_key;
        state.next_key += 1;
        let items = VecDeque::from([Item::Error {
            outcome: Box::new(outcome),
        }]);
        state.lanes.insert(
            key,
            Lane {
                id: id.to_owned(),
                items,
                room: Arc::new(Notify::new()),
                queued: true,
                task: None,
                short: true,
                _seat: None,
            },
        );
        state.turns.push_back(key);
        let waiting = state.lanes.len();
        drop(state);
        if waiting > MAX_CONTROL {
            self.close(4400, "too many messages unread");
        }
        self.ready.notify_one();
    }

    /// Queues a message about the connection; these go first.
    pub fn control(&self, message: C) {
        let mut state = self.lock();
        if state.control.len() >= MAX_CONTROL {
            drop(state);
            self.close(4400, "too many messages unread");
            return;
        }
        state.control.push_back(message);
        drop(state);
        self.ready.notify_one();
    }

    /// Ends the connection: every operation is dropped. The first reason stands.
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        let mut state = self.lock();
        if state.close.is_none() {
            state.close = Some(Close {
                code,
                reason: reason.into(),
            });
        }
        let dropped = std::mem::take(&mut state.lanes);
        state.keys.clear();
        state.turns.clear();
        drop(state);
        drop(dropped);
        self.ready.notify_one();
    }

    /// Queries and mutations under way, or with an answer unwritten.
    pub fn short_operations(&self) -> usize {
        self.lock().lanes.values().filter(|lane| lane.short).count()
    }

    /// Whether nothing waits to be written now.
    pub fn is_idle(&self) -> bool {
        let state = self.lock();
        state.control.is_empty() && state.turns.is_empty() && state.close.is_none()
    }

    /// The next thing to write. For one writer only; may be dropped while it waits.
    pub async fn next(&self) -> Out<C> {
        loop {
            if let Some(out) = self.try_next() {
                return out;
            }
            self.ready.notified().await;
        }
    }

    fn try_next(&self) -> Option<Out<C>> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(message) = state.control.pop_front() {
            return Some(Out::Control(message));
        }
        if let Some(close) = state.close.clone() {
            return Some(Out::Close(close));
        }
        while let Some(key) = state.turns.pop_front() {
            let Some(lane) = state.lanes.get_mut(&key) else {
                continue;
            };
            let Some(item) = lane.items.pop_front() else {
                lane.queued = false;
                continue;
            };
            let id = lane.id.clone();
            lane.room.notify_one();
            let more = !lane.items.is_empty();
            lane.queued = more;
            if item.ends() {
                // Free before it is written: the client may use the id again as soon as it reads this.
                state.lanes.remove(&key);
                if state.keys.get(&id) == Some(&key) {
                    state.keys.remove(&id);
                }
            } else if more {
                state.turns.push_back(key);
            }
            return Some(Out::Item(id, item));
        }
        None
    }

    /// Adds an item; gives it back, with what to wait for, while the lane is full.
    fn try_push(&self, key: u64, item: Item) -> Result<Pushed, (Item, Arc<Notify>)> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(lane) = state.lanes.get_mut(&key) else {
            return Ok(Pushed::Gone);
        };
        if lane.items.len() >= self.capacity {
            return Err((item, Arc::clone(&lane.room)));
        }
        lane.items.push_back(item);
        if !std::mem::replace(&mut lane.queued, true) {
            state.turns.push_back(key);
        }
        drop(guard);
        self.ready.notify_one();
        Ok(Pushed::Yes)
    }

    async fn push(&self, key: u64, item: Item) -> Pushed {
        let (mut item, mut room) = match self.try_push(key, item) {
            Ok(pushed) => return pushed,
            Err(full) => full,
        };
        let waiting = async {
            loop {
                room.notified().await;
                match self.try_push(key, item) {
                    Ok(pushed) => return pushed,
                    Err(full) => (item, room) = full,
                }
            }
        };
        Box::pin(tokio::time::timeout(self.patience, waiting))
            .await
            .unwrap_or(Pushed::Slow)
    }

    /// The last words of an operation, which a full lane takes too.
    fn finish(&self, key: u64, items: impl IntoIterator<Item = Item>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(lane) = state.lanes.get_mut(&key) else { return };
        lane.items.extend(items);
        if !std::mem::replace(&mut lane.queued, true) {
            state.turns.push_back(key);
        }
        drop(guard);
        self.ready.notify_one();
    }
}

async fn run<E: Executor, C: Send + 'static>(
    engine: &Arc<Engine<E>>,
    prepared: Prepared,
    outbox: &Outbox<C>,
    key: u64,
    event_id: EventId,
) {
    let id = prepared.id.clone();
    let Some(prepared) = tell_ready_made(engine, prepared, outbox, key, &id).await else {
        return;
    };
    let mut outcomes = pin!(engine.stream(prepared));
    let mut told = 0_u32;
    while let Some(outcome) = outcomes.next().await {
        if outcome.request_error {
            outbox.finish(
                key,
                [Item::Error {
                    outcome: Box::new(outcome),
                }],
            );
            return;
        }
        let item = Item::Next {
            json: outcome.to_json().into(),
            event_id: event_id(&outcome.response.data).map(Into::into),
        };
        if !tell(outbox, key, item, &mut told, &id).await {
            return;
        }
    }
    outbox.finish(key, [Item::Complete]);
}

/// Tells events that need no execution. Gives the operation back where it has to be executed.
async fn tell_ready_made<E: Executor, C: Send + 'static>(
    engine: &Arc<Engine<E>>,
    prepared: Prepared,
    outbox: &Outbox<C>,
    key: u64,
    id: &RequestId,
) -> Option<Prepared> {
    let Some(events) = engine.ready_made(&prepared).await else {
        return Some(prepared);
    };
    drop(prepared);
    let mut events = AssertUnwindSafe(events).catch_unwind();
    let mut told = 0_u32;
    while let Some(event) = events.next().await {
        let (item, last) = match event {
            Ok(Ok(event)) => (
                Item::Next {
                    json: event.json,
                    event_id: Some(event.cursor),
                },
                false,
            ),
            Ok(Err(error)) => (Item::broken(&Outcome::broken(error, id)), true),
            Err(_) => (Item::broken(&panicked(id)), true),
        };
        if !tell(outbox, key, item, &mut told, id).await {
            return None;
        }
        if last {
            break;
        }
    }
    outbox.finish(key, [Item::Complete]);
    None
}

/// Adds an item; false when nothing more is to be told.
async fn tell<C: Send + 'static>(outbox: &Outbox<C>, key: u64, item: Item, told: &mut u32, id: &RequestId) -> bool {
    match outbox.push(key, item).await {
        Pushed::Yes => {}
        Pushed::Gone => return false,
        Pushed::Slow => {
            tracing::info!(request.id = %id, "a subscription ended because its client does not read");
            outbox.finish(key, [Item::broken(&slow(id)), Item::Complete]);
            return false;
        }
    }
    // A stream that is always ready must not keep the thread from others.
    *told = told.wrapping_add(1);
    if told.is_multiple_of(TURN) {
        tokio::task::yield_now().await;
    }
    true
}

fn slow(id: &RequestId) -> Outcome {
    let message = "events were not read in time: subscribe again after the last cursor";
    Outcome::refused(vec![Refusal::new(Code::SlowConsumer, message)], id)
}
