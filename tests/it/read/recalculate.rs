//! Calculating the costs of everything anew: in proportion to what there is, and the same as one by one.

use std::time::Instant;

use domain::id::RecalculationId;
use serde_json::{Value, json};
use service::automation_opportunity::recalculate;
use service::db::Db;
use service::queue::{Job, JobKind, Verdict};
use service::sweep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::World;

const ALL: &str = "mutation { recalculateCosts(input: { all: true }) { queued costAnalysis { id } } }";
const ONE: &str = "mutation($id: ID!) { recalculateCosts(input: { analysisId: $id }) { costAnalysis { id } } }";

/// The money of every opportunity and of every current analysis, and what its insights take over.
const MONEY: &str = "select jsonb_build_array(
  (select jsonb_agg(jsonb_build_array(id, estimated_cost_savings_monthly, monthly_savings_low, monthly_savings_high, roi_percentage, payback_period_days, counted, priority) order by id) from public.automation_opportunities),
  (select jsonb_agg(jsonb_build_array(id, cost_savings_annual, time_savings_hours_weekly) order by id) from public.analysis_results where is_current),
  (select jsonb_agg(jsonb_build_array(id, roi_score, priority) order by id) from public.workflow_insights))";

impl World {
    async fn value(&self, sql: &str) -> Value {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Asks for all; answers how many analyses are waiting, and what the job is about.
    async fn asks_for_all(&self) -> (u64, Uuid) {
        let owner = self.owner().await;
        let data = self.data(&owner, ALL).await;
        let id =
            sqlx::query_scalar("select id from public.cost_recalculations order by created_at desc, id desc limit 1");
        (
            data["recalculateCosts"]["queued"].as_u64().unwrap(),
            id.fetch_one(&self.pool).await.unwrap(),
        )
    }

    /// How many analyses were done, in how many statements of a worker.
    async fn recalculates_all(&self) -> (u64, u64) {
        let (queued, id) = self.asks_for_all().await;
        let worker = self.database.worker().await.unwrap();
        assert_eq!(works_on(&worker, id, &CancellationToken::new()).await, Verdict::Done);
        (queued, worker.statements())
    }
}

async fn works_on(worker: &Db, id: Uuid, shutdown: &CancellationToken) -> Verdict {
    let job = Job {
        kind: JobKind::RecalculateCosts,
        subject: id,
        attempt: 1,
        shutdown: shutdown.clone(),
    };
    worker::job::recalculate_costs::run(worker, World::now, &job).await
}

#[tokio::test]
async fn all_costs_are_calculated_anew_in_proportion_to_what_there_is_and_as_one_by_one() {
    let world = World::new().await;
    world.record(20).await;
    // An insight about each second opportunity's process, which the analyser has named.
    world
        .run("update public.workflow_insights set metadata = '{\"opportunity\": \"process-2\"}' where title = 'Insight 1'")
        .await;
    let (done, few) = world.recalculates_all().await;
    assert_eq!(done, 20);
    let all: Value = world.value(MONEY).await;
    let follows = "select bool_and(i.priority = o.priority and i.roi_score is not distinct from round(o.estimated_cost_savings_monthly * 12 / nullif(o.estimated_implementation_cost, 0), 2)) and count(*) = 20
                     from public.workflow_insights i join public.analysis_results a on a.id = i.analysis_id and a.is_current join public.automation_opportunities o on o.analysis_id = a.id and o.process_key = 'process-2'
                    where i.title = 'Insight 1'";
    let follows: bool = sqlx::query_scalar(follows).fetch_one(&world.pool).await.unwrap();
    assert!(follows, "insights stand as the opportunities do that they are about");

    let owner = world.owner().await;
    let current: Vec<uuid::Uuid> = sqlx::query_scalar("select id from public.analysis_results where is_current")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    for analysis in current {
        let reply = world.ask_with(Some(&owner), ONE, json!({ "id": analysis })).await;
        assert_eq!(reply.get("errors"), None, "{reply:#}");
    }
    assert_eq!(world.value(MONEY).await, all);

    // Three times as much is at most three times the work; nothing of it is read once for each.
    world.record(40).await;
    let (done, many) = world.recalculates_all().await;
    assert_eq!(done, 60);
    assert!(many < few * 3 + 20, "{few} statements for 20, {many} for 60");

    let operator = world.operator().await;
    let refused = world.ask(&operator, ALL).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused:#}");
}

/// A worker that dies between two parts has done the first; the next does the others, each once. One that was taken for dead writes
/// no more, and one whose job is gone is found by the sweep.
#[tokio::test]
async fn a_recalculation_survives_its_workers_and_does_each_analysis_once() {
    let world = World::new().await;
    world.record(60).await;
    let costs = "select jsonb_agg(n order by n) from (select count(*) as n from public.cost_analyses where created_at = to_timestamp(1795500000) group by analysis_id) as c";
    let worker = world.database.worker().await.unwrap();
    let (queued, id) = world.asks_for_all().await;
    assert_eq!(queued, 60);
    let jobs = "select jsonb_agg(key) from graphile_worker._private_jobs";
    assert_eq!(world.value(jobs).await, json!([format!("recalculate_costs:{id}")]));

    let mut first = recalculate::begin(&worker, RecalculationId::new(id))
        .await
        .unwrap()
        .unwrap();
    assert!(first.next(&worker, World::now()).await.unwrap());
    assert_eq!(world.value(costs).await, json!(vec![1; 50]));
    // Handed back at a shutdown: nothing more is done, nothing is lost, and whoever worked before works no more.
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    assert_eq!(works_on(&worker, id, &shutdown).await, Verdict::HandedBack);
    assert!(!first.next(&worker, World::now()).await.unwrap());
    assert_eq!(world.value(costs).await, json!(vec![1; 50]));
    assert_eq!(works_on(&worker, id, &CancellationToken::new()).await, Verdict::Done);
    assert_eq!(world.value(costs).await, json!(vec![1; 60]));
    assert_eq!(works_on(&worker, id, &CancellationToken::new()).await, Verdict::Done);
    assert_eq!(world.value(costs).await, json!(vec![1; 60]));
    assert_eq!(
        world
            .value("select to_jsonb(count(*)) from public.cost_recalculations")
            .await,
        0
    );

    // Its job vanished: it is added again. Its tries are over: it is given up, and the audit log says so.
    let (_, id) = world.asks_for_all().await;
    world.run("delete from graphile_worker._private_jobs").await;
    assert_eq!(sweep::stale_recalculations(&worker).await.unwrap(), 1);
    assert_eq!(world.value(jobs).await, json!([format!("recalculate_costs:{id}")]));
    assert_eq!(sweep::stale_recalculations(&worker).await.unwrap(), 0);
    world
        .run("update graphile_worker._private_jobs set attempts = max_attempts")
        .await;
    assert_eq!(sweep::stale_recalculations(&worker).await.unwrap(), 1);
    assert_eq!(works_on(&worker, id, &CancellationToken::new()).await, Verdict::Done);
    let told = "select to_jsonb(count(*)) from public.audit_log where action = 'cost_analysis.recalculate_failed'";
    assert_eq!(world.value(told).await, 1);
}

#[tokio::test]
#[ignore = "prints how long 2,004 opportunities in 334 analyses take"]
async fn two_thousand_opportunities() {
    let world = World::new().await;
    world.record(334).await;
    let began = Instant::now();
    let (done, statements) = world.recalculates_all().await;
    println!("{done} analyses, {statements} statements: {:?}", began.elapsed());
}
