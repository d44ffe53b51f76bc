//! Relations in batches: whatever the fields of one level ask for in one turn is one statement.
//!
//! The crate `dataloader` collects keys, but runs a batch inside the future of whoever waited first: dropped there (a
//! non-null sibling failed), the batch would be lost for all others. So a batch here is only started there, without waiting,
//! as a task of its own; what the crate hands out is the promise of its outcome. Dropped with the operation, it is stopped.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use ::dataloader::BatchFn;
use ::dataloader::cached::Loader;
use domain::id::UserId;
use domain::insight::StructuredInsights;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use rust_decimal::Decimal;
use service::db::{Reader, Scope};
use service::page::{self, Below, Page, Window};
use service::row::{Columns, Relation, Row, Wanted};
use service::{
    analysis_frame, analysis_result, api_key, audit_entry, automation_opportunity, cost_analysis, data_export,
    generated_report, invitation, node, organization, recording_session, user_profile, video_chunk, workflow_insight,
    workflow_visualization,
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::context::{FaultLog, Read};
use super::error::{Failure, Result};

/// Something that is loaded in batches.
pub trait Key: Clone + Eq + Hash + Debug + Send + Sync + Sized + 'static {
    /// What a key leads to.
    type Value: Clone + Send + Sync + 'static;

    /// Loads a batch. Keys that lead nowhere are absent from the answer.
    fn load(scope: &Scope, keys: &[Self]) -> impl Future<Output = service::Result<HashMap<Self, Self::Value>>> + Send;

    /// Its place among the loaders.
    fn slot(loaders: &Loaders) -> &Slot<Self>;
}

type Outcome<K> = Result<Arc<HashMap<K, <K as Key>::Value>>>;

/// A batch that is under way, shared by all who wait for it.
pub struct Promise<K: Key>(Shared<BoxFuture<'static, Outcome<K>>>);

impl<K: Key> Clone for Promise<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Starts batches of one kind.
pub struct Start {
    reader: Reader,
    faults: FaultLog,
}

impl<K: Key> BatchFn<K, Promise<K>> for Start {
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Promise<K>> {
        let (reader, faults, batch) = (self.reader.clone(), self.faults.clone(), keys.to_vec());
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let loaded = reader.load(async |scope: &Scope| K::load(scope, &batch).await).await;
            loaded.map(Arc::new).map_err(|error| faults.failure(&error))
        }));
        let promise = async move {
            task.await.unwrap_or_else(|error| {
                Err(service::Error::internal(format!("a load ended without a word: {error}")).into())
            })
        }
        .boxed()
        .shared();
        let promise = Promise(promise);
        keys.iter().map(|key| (key.clone(), promise.clone())).collect()
    }
}

/// The loader of one kind, made when it is first used.
pub struct Slot<K: Key>(OnceLock<Loader<K, Promise<K>, Start>>);

impl<K: Key> Default for Slot<K> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

/// All keys of a level may be in one batch: the limits on a document bound them.
const MAX_BATCH: usize = 20_000;

impl<K: Key> Slot<K> {
    fn loader(&self, read: &Read) -> &Loader<K, Promise<K>, Start> {
        self.0.get_or_init(|| {
            Loader::new(Start {
                reader: read.reader().clone(),
                faults: read.fault_log(),
            })
            .with_max_batch_size(MAX_BATCH)
            // One turn is enough for all fields of a level to say what they want.
            .with_yield_count(1)
        })
    }
}

impl Read {
    /// What a key leads to, loaded together with what others ask for in the same turn.
    ///
    /// # Errors
    /// Those of the batch, the same for all who wait for it.
    pub async fn get<K: Key>(&self, key: K) -> Result<Option<K::Value>> {
        // Unconstrained: a task that has used its share of turns would be sent away in the middle of a level, and the level
        // would become two batches. Nothing here runs long.
        let loader = K::slot(self.loaders()).loader(self);
        let promise = tokio::task::unconstrained(loader.try_load(key.clone()))
            .await
            .map_err(|error| Failure::from(service::Error::internal(format!("a batch lost a key: {error}"))))?;
        Ok(tokio::task::unconstrained(promise.0).await?.get(&key).cloned())
    }

    /// As [`Read::get`], for several keys; in their order, without those that lead nowhere.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub async fn get_all<K: Key>(&self, keys: impl IntoIterator<Item = K>) -> Result<Vec<K::Value>> {
        let found = futures::future::try_join_all(keys.into_iter().map(|key| self.get(key))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// A table whose rows are loaded by id.
pub trait Loadable: Relation {
    /// The loader by id.
    fn by_id(loaders: &Loaders) -> &Slot<ById<Self>>;
}

/// A table whose rows are loaded below a parent.
pub trait Child: Relation {
    /// The loader of pages.
    fn below(loaders: &Loaders) -> &Slot<ByParent<Self>>;
    /// The loader of counts.
    fn count(loaders: &Loaders) -> &Slot<CountOf<Self>>;
}

/// A row by its id. Those of a batch travel with the columns that any of them asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ById<T> {
    id: Uuid,
    columns: Columns,
    table: std::marker::PhantomData<T>,
}

impl<T> ById<T> {
    /// The row with this id and at least these columns.
    pub const fn new(id: Uuid, columns: Columns) -> Self {
        Self {
            id,
            columns,
            table: std::marker::PhantomData,
        }
    }
}

impl<T: Loadable> Key for ById<T> {
    type Value = Arc<Row<T>>;

    async fn load(scope: &Scope, keys: &[Self]) -> service::Result<HashMap<Self, Self::Value>> {
        let mut ids: Vec<Uuid> = keys.iter().map(|key| key.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let columns = keys.iter().fold(Columns::NONE, |all, key| all | key.columns);
        let rows: HashMap<Uuid, Arc<Row<T>>> = page::by_ids::<T>(scope, &ids, columns)
            .await?
            .into_iter()
            .map(|row| Ok((row.uuid()?, Arc::new(row))))
            .collect::<service::Result<_>>()?;
        Ok(keys
            .iter()
            .filter_map(|key| Some((*key, rows.get(&key.id)?.clone())))
            .collect())
    }

    fn slot(loaders: &Loaders) -> &Slot<Self> {
        T::by_id(loaders)
    }
}

/// What is wanted below each parent of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Which rows.
    pub below: Below,
    /// Which page of them.
    pub window: Arc<Window>,
    /// What of each.
    pub wanted: Wanted,
}

/// The window is left out: an operation has few of them, and its order and cursors are long to hash for each parent.
impl Hash for Want {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.below.hash(state);
        self.wanted.hash(state);
    }
}

/// A page of rows below a parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ByParent<T> {
    parent: Uuid,
    want: Want,
    table: std::marker::PhantomData<T>,
}

impl<T> ByParent<T> {
    /// This page below this parent.
    pub const fn new(parent: Uuid, want: Want) -> Self {
        Self {
            parent,
            want,
            table: std::marker::PhantomData,
        }
    }
}

impl<T: Child> Key for ByParent<T> {
    type Value = Page<T>;

    async fn load(scope: &Scope, keys: &[Self]) -> service::Result<HashMap<Self, Self::Value>> {
        let mut wants: Vec<(&Want, Vec<&Self>)> = Vec::with_capacity(1);
        for key in keys {
            match wants.iter_mut().find(|(want, _)| **want == key.want) {
                Some((_, same)) => same.push(key),
                None => wants.push((&key.want, vec![key])),
            }
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (want, same) in wants {
            let parents: Vec<Uuid> = same.iter().map(|key| key.parent).collect();
            let mut pages = page::pages::<T>(scope, want.below, &parents, &want.wanted, &want.window).await?;
            for key in same {
                if let Some(page) = pages.remove(&key.parent) {
                    found.insert(key.clone(), page);
                }
            }
        }
        Ok(found)
    }

    fn slot(loaders: &Loaders) -> &Slot<Self> {
        T::below(loaders)
    }
}

/// How many rows there are below a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountOf<T> {
    parent: Uuid,
    below: Below,
    table: std::marker::PhantomData<T>,
}

impl<T> CountOf<T> {
    /// The count of these rows below this parent.
    pub const fn new(parent: Uuid, below: Below) -> Self {
        Self {
            parent,
            below,
            table: std::marker::PhantomData,
        }
    }
}

impl<T: Child> Key for CountOf<T> {
    type Value = i64;

    async fn load(scope: &Scope, keys: &[Self]) -> service::Result<HashMap<Self, i64>> {
        let mut kinds: Vec<(Below, Vec<Uuid>)> = Vec::with_capacity(1);
        for key in keys {
            match kinds.iter_mut().find(|(below, _)| *below == key.below) {
                Some((_, parents)) => parents.push(key.parent),
                None => kinds.push((key.below, vec![key.parent])),
            }
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (below, parents) in kinds {
            for (parent, count) in page::counts::<T>(scope, below, &parents).await? {
                found.insert(Self::new(parent, below), count);
            }
        }
        Ok(found)
    }

    fn slot(loaders: &Loaders) -> &Slot<Self> {
        T::count(loaders)
    }
}

/// Keys that are an id and nothing else.
macro_rules! id_keys {
    ($( $(#[$meta:meta])* $name:ident -> $value:ty, $slot:ident, $load:expr; )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub Uuid);

        impl Key for $name {
            type Value = $value;

            async fn load(scope: &Scope, keys: &[Self]) -> service::Result<HashMap<Self, Self::Value>> {
                let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
                Ok($load(scope, &ids).await?.into_iter().map(|(id, value)| (Self(id), value)).collect())
            }

            fn slot(loaders: &Loaders) -> &Slot<Self> {
                &loaders.$slot
            }
        }
    )+ };
}

async fn own_sessions(scope: &Scope, ids: &[Uuid]) -> service::Result<Vec<(Uuid, ())>> {
    Ok(recording_session::own(scope, ids)
        .await?
        .into_iter()
        .map(|id| (id, ()))
        .collect())
}

async fn flow_data(scope: &Scope, ids: &[Uuid]) -> service::Result<HashMap<Uuid, Arc<serde_json::Value>>> {
    page::documents::<workflow_visualization::Table>(scope, ids, workflow_visualization::Table::FLOW_DATA).await
}

async fn assumptions(scope: &Scope, ids: &[Uuid]) -> service::Result<HashMap<Uuid, Arc<serde_json::Value>>> {
    page::documents::<cost_analysis::Table>(scope, ids, cost_analysis::Table::ASSUMPTIONS).await
}

async fn scenarios(scope: &Scope, ids: &[Uuid]) -> service::Result<HashMap<Uuid, Arc<serde_json::Value>>> {
    page::documents::<cost_analysis::Table>(scope, ids, cost_analysis::Table::SCENARIOS).await
}

id_keys! {
    /// Who a session recorded, where the caller may know.
    PersonOf -> UserId, people, recording_session::people;
    /// Whether a session is the caller's own.
    OwnSession -> (), own, own_sessions;
    /// What an analysis has cost, where the caller may see it.
    CostOf -> analysis_result::ModelCost, costs, analysis_result::costs;
    /// What an attempt has cost, where the caller may see it.
    AttemptCostOf -> Decimal, attempt_costs, analysis_result::attempt::costs;
    /// The model's reply, where the caller may read it.
    RawReplyOf -> Arc<serde_json::Value>, raw_replies, analysis_result::raw_replies;
    /// What an analysis has read.
    InsightsOf -> Arc<StructuredInsights>, insights, analysis_result::insights;
    /// The content of a diagram.
    FlowDataOf -> Arc<serde_json::Value>, flow_data, flow_data;
    /// What a cost analysis started from.
    AssumptionsOf -> Arc<serde_json::Value>, assumptions, assumptions;
    /// The scenarios of a cost analysis.
    ScenariosOf -> Arc<serde_json::Value>, scenarios, scenarios;
    /// What an id is the id of.
    KindOf -> node::Kind, kinds, node::kinds;
}

/// A frame by its place in an analysis, where the caller may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameAt {
    /// The analysis.
    pub analysis: Uuid,
    /// The frame's index in it.
    pub index: i32,
    /// At least these columns.
    pub columns: Columns,
}

impl Key for FrameAt {
    type Value = Arc<analysis_frame::Row>;

    async fn load(scope: &Scope, keys: &[Self]) -> service::Result<HashMap<Self, Self::Value>> {
        let mut places: Vec<(Uuid, i32)> = keys.iter().map(|key| (key.analysis, key.index)).collect();
        places.sort_unstable();
        places.dedup();
        let columns = keys.iter().fold(Columns::NONE, |all, key| all | key.columns);
        let rows: HashMap<(Uuid, i32), Arc<analysis_frame::Row>> = analysis_frame::at(scope, &places, columns)
            .await?
            .into_iter()
            .map(|(place, row)| (place, Arc::new(row)))
            .collect();
        Ok(keys
            .iter()
            .filter_map(|key| Some((*key, rows.get(&(key.analysis, key.index))?.clone())))
            .collect())
    }

    fn slot(loaders: &Loaders) -> &Slot<Self> {
        &loaders.frames_at
    }
}

macro_rules! loaders {
    (by id { $($id_field:ident: $id_table:ty),+ $(,)? } below { $($child_field:ident $count_field:ident: $child_table:ty),+ $(,)? }) => {
        /// One set for one snapshot.
        #[derive(Default)]
        pub struct Loaders {
            $($id_field: Slot<ById<$id_table>>,)+
            $($child_field: Slot<ByParent<$child_table>>, $count_field: Slot<CountOf<$child_table>>,)+
            people: Slot<PersonOf>,
            own: Slot<OwnSession>,
            costs: Slot<CostOf>,
            attempt_costs: Slot<AttemptCostOf>,
            raw_replies: Slot<RawReplyOf>,
            insights: Slot<InsightsOf>,
            flow_data: Slot<FlowDataOf>,
            assumptions: Slot<AssumptionsOf>,
            scenarios: Slot<ScenariosOf>,
            kinds: Slot<KindOf>,
            frames_at: Slot<FrameAt>,
        }

        $(
            impl Loadable for $id_table {
                fn by_id(loaders: &Loaders) -> &Slot<ById<Self>> {
                    &loaders.$id_field
                }
            }
        )+

        $(
            impl Child for $child_table {
                fn below(loaders: &Loaders) -> &Slot<ByParent<Self>> {
                    &loaders.$child_field
                }

                fn count(loaders: &Loaders) -> &Slot<CountOf<Self>> {
                    &loaders.$count_field
                }
            }
        )+
    };
}

loaders! {
    by id {
        organization: organization::Table,
        member: user_profile::Table,
        invitation: invitation::Table,
        api_key: api_key::Table,
        session: recording_session::Table,
        chunk: video_chunk::Table,
        analysis: analysis_result::Table,
        frame: analysis_frame::Table,
        opportunity: automation_opportunity::Table,
        cost_analysis: cost_analysis::Table,
        visualization: workflow_visualization::Table,
        insight: workflow_insight::Table,
        report: generated_report::Table,
        report_link: generated_report::link::Table,
        data_export: data_export::Table,
    }
    below {
        chunks chunk_count: video_chunk::Table,
        analyses analysis_count: analysis_result::Table,
        opportunities opportunity_count: automation_opportunity::Table,
        insight_rows insight_count: workflow_insight::Table,
        cost_analyses cost_analysis_count: cost_analysis::Table,
        frames frame_count: analysis_frame::Table,
        reports report_count: generated_report::Table,
        visualizations visualization_count: workflow_visualization::Table,
        attempts attempt_count: analysis_result::attempt::Table,
        disclosures disclosure_count: analysis_result::disclosure::Table,
        links link_count: generated_report::link::Table,
        audit_entries audit_entry_count: audit_entry::Table,
    }
}
