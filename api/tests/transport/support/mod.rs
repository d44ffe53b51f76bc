//! The schema, the verifier and the server of these tests.
//!
//! Here the schema, every field of which is asked for by some test; apart: who serves it.

mod server;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::http::{LastEventId, RequestId, engine::Unmerged};
use async_graphql::{
    Context, Enum, Error, ErrorExtensions as _, ID, InputObject, InputValueError, InputValueResult, Object, Result,
    Scalar, ScalarType, SimpleObject, Subscription,
};
use chrono::{DateTime, Utc};
use futures::Stream;

pub use server::{Answer, Server, eventually};

use server::Name;

#[derive(Default)]
pub struct Counts {
    /// Executions that were begun, also those that validation then refused.
    pub begun: AtomicU64,
    /// Readers that were opened by a field, and those that ended.
    pub readers: AtomicU64,
    pub finished: AtomicU64,
    pub added: AtomicU64,
    /// Clock streams that exist.
    pub streams: AtomicUsize,
    /// Events that the hot stream has made.
    pub hot: AtomicU64,
    /// Fields that were to be written elsewhere.
    pub written: AtomicU64,
}

/// Who wrote a field: its resolver, or somebody who writes JSON.
struct By(bool);

#[Scalar]
impl ScalarType for By {
    fn parse(value: async_graphql::Value) -> InputValueResult<Self> {
        Err(InputValueError::expected_type(value))
    }

    fn to_value(&self) -> async_graphql::Value {
        if self.0 {
            async_graphql::Value::Binary(r#"{"by":"the database"}"#.into())
        } else {
            "the resolvers".into()
        }
    }
}

/// What a reader would be: opened by the first field that asks; a clone, as each execution gets one, is another.
pub struct Reader {
    counts: Arc<Counts>,
    number: OnceLock<u64>,
}

impl Reader {
    fn of(counts: &Arc<Counts>) -> Self {
        Self {
            counts: Arc::clone(counts),
            number: OnceLock::new(),
        }
    }

    fn number(&self) -> u64 {
        *self
            .number
            .get_or_init(|| self.counts.readers.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        self.counts.begun.fetch_add(1, Ordering::SeqCst);
        Self::of(&self.counts)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.number.get().is_some() {
            self.counts.finished.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Red,
    Green,
}

#[derive(InputObject)]
struct EchoInput {
    text: String,
    number: Option<i32>,
    ratio: Option<f64>,
    colour: Option<Colour>,
    at: Option<DateTime<Utc>>,
    tags: Option<Vec<String>>,
}

#[derive(SimpleObject, Clone)]
struct Item {
    id: ID,
    name: String,
    children: Vec<Leaf>,
}

#[derive(SimpleObject, Clone)]
struct Leaf {
    name: String,
}

#[derive(SimpleObject)]
struct ItemConnection {
    nodes: Vec<Item>,
}

fn item(id: impl std::fmt::Display) -> Item {
    Item {
        id: ID(id.to_string()),
        name: format!("item {id}"),
        children: vec![Leaf {
            name: "leaf".to_owned(),
        }],
    }
}

pub struct Query;

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default_with = "\"world\".to_owned()")] name: String) -> String {
        format!("hello, {name}")
    }

    async fn echo(&self, input: EchoInput) -> String {
        let colour = input
            .colour
            .map(|colour| if colour == Colour::Red { "red" } else { "green" });
        format!(
            "{} {:?} {:?} {:?} {:?} {:?}",
            input.text,
            input.number,
            input.ratio,
            colour,
            input.at.map(|at| at.timestamp()),
            input.tags
        )
    }

    /// Written elsewhere where that may be, which then fails with the code.
    async fn written(&self, context: &Context<'_>, fails: Option<String>) -> Result<By> {
        let elsewhere = context.data_opt::<Unmerged>().is_some();
        if !elsewhere {
            return Ok(By(false));
        }
        context.data::<Arc<Counts>>()?.written.fetch_add(1, Ordering::SeqCst);
        match fails {
            Some(code) => Err(Error::new("not now").extend_with(|_, extensions| extensions.set("code", code))),
            None => Ok(By(true)),
        }
    }

    async fn at(&self, time: DateTime<Utc>) -> i64 {
        time.timestamp()
    }

    async fn who(&self, context: &Context<'_>) -> Option<String> {
        context.data_opt::<Name>().map(|name| name.0.clone())
    }

    /// The number of this execution's reader: the same for all fields of one.
    async fn reader(&self, context: &Context<'_>) -> Result<u64> {
        assert!(
            context.data_opt::<RequestId>().is_some(),
            "the request id is there before any field"
        );
        Ok(context.data::<Reader>()?.number())
    }

    async fn slow(&self, seconds: f64) -> String {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        "at last".to_owned()
    }

    async fn items(&self, first: Option<i32>, last: Option<i32>) -> ItemConnection {
        ItemConnection {
            nodes: (0..first.or(last).unwrap_or(20)).map(item).collect(),
        }
    }

    async fn nodes(&self, ids: Vec<ID>) -> Vec<Option<Item>> {
        ids.into_iter().map(|id| Some(item(id.0))).collect()
    }

    async fn item(&self) -> Item {
        item(1)
    }

    /// A refusal with a code.
    async fn refused(&self) -> Result<Option<String>> {
        Err(Error::new("not yours").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
    }

    /// A fault whose text must not be seen.
    async fn leaks(&self) -> Result<Option<String>> {
        Err(Error::from(std::io::Error::other(
            "password=hunter2 at /var/lib/secret",
        )))
    }

    async fn leaks_non_null(&self) -> Result<String> {
        Err(Error::new("password=hunter2"))
    }

    async fn panics(&self) -> Option<String> {
        panics_on_purpose()
    }
}

fn panics_on_purpose() -> Option<String> {
    panic!("a resolver of the tests panics on purpose")
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn add(&self, context: &Context<'_>, amount: i32) -> Result<u64> {
        let amount = u64::try_from(amount)?;
        Ok(context.data::<Arc<Counts>>()?.added.fetch_add(amount, Ordering::SeqCst) + amount)
    }

    async fn slow_add(&self, context: &Context<'_>) -> Result<u64> {
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(context.data::<Arc<Counts>>()?.added.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Tick {
    number: i32,
    cursor: String,
}

#[async_graphql::ComplexObject]
impl Tick {
    async fn slow(&self, seconds: f64) -> String {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        "at last".to_owned()
    }
}

struct Counted(Arc<Counts>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Clock;

#[Subscription]
impl Clock {
    /// Ticks from 1, or from after `after` or `Last-Event-ID`, `count` times or for ever.
    async fn clock(
        &self,
        context: &Context<'_>,
        #[graphql(default = 10)] every_milliseconds: u64,
        count: Option<i32>,
        after: Option<String>,
    ) -> Result<impl Stream<Item = Tick> + use<>> {
        let after = after.or_else(|| context.data_opt::<LastEventId>().map(|id| id.0.clone()));
        let start: i32 = after.map_or(Ok(0), |after| after.parse())?;
        let counts = Arc::clone(context.data::<Arc<Counts>>()?);
        counts.streams.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(counts);
        Ok(async_stream::stream! {
            let _counted = counted;
            let mut number = start;
            while count.is_none_or(|count| number - start < count) {
                tokio::time::sleep(Duration::from_millis(every_milliseconds)).await;
                number += 1;
                yield Tick { number, cursor: number.to_string() };
            }
        })
    }

    /// Always ready, and large.
    async fn hot(
        &self,
        context: &Context<'_>,
        #[graphql(default = 16384)] bytes: usize,
    ) -> Result<impl Stream<Item = String> + use<>> {
        let counts = Arc::clone(context.data::<Arc<Counts>>()?);
        Ok(async_stream::stream! {
            loop {
                counts.hot.fetch_add(1, Ordering::SeqCst);
                yield "x".repeat(bytes);
            }
        })
    }

    /// Never starts.
    async fn closed(&self) -> Result<futures::stream::Empty<i32>> {
        Err(Error::new("not yours").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
    }

    /// One event, then a panic.
    async fn bursts(&self) -> impl Stream<Item = i32> {
        async_stream::stream! {
            yield 1;
            panic!("a stream of the tests panics on purpose");
        }
    }
}
