//! Calculating the costs of everything anew: in proportion to what there is, and the same as one by one.

use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use service::automation_opportunity::recalculate::{self, Step};
use service::db::Db;
use service::queue::{Job, JobKind, Verdict};
use service::sweep;
use tests::database::seeded;
use tokio_util::sync::CancellationToken;

use super::World;

const ALL: &str = "mutation { recalculateCosts(input: { all: true }) { queued costAnalysis { id } } }";
const ONE: &str = "mutation($id: ID!) { recalculateCosts(input: { analysisId: $id }) { costAnalysis { annualSavings { amount } processes { annualSavings { amount } opportunities { analysis { id } evidence { startSeconds } } } } } }";

/// The money of every opportunity and of every current analysis, and what its insights take over.
const MONEY: &str = "select jsonb_build_array(
  (select jsonb_agg(jsonb_build_array(id, estimated_cost_savings_monthly, monthly_savings_low, monthly_savings_high, roi_percentage, payback_period_days, counted, priority) order by id) from public.automation_opportunities),
  (select jsonb_agg(jsonb_build_array(id, cost_savings_annual, time_savings_hours_weekly) order by id) from public.analysis_results where is_current),
  (select jsonb_agg(jsonb_build_array(id, roi_score, priority) order by id) from public.workflow_insights))";

/// How often each analysis was calculated by now.
const CALCULATED: &str = "select jsonb_agg(n order by n) from (select count(*) as n from public.cost_analyses where created_at = to_timestamp(1795500000) group by analysis_id) as c";
const WAITING: &str = "select to_jsonb(count(*)) from public.cost_recalculations";
const JOBS: &str = "select jsonb_agg(key) from graphile_worker._private_jobs";

impl World {
    async fn value(&self, sql: &str) -> Value {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Asks for all; answers how many analyses are waiting.
    async fn asks_for_all(&self) -> u64 {
        let owner = self.owner().await;
        let data = self.data(&owner, ALL).await;
        data["recalculateCosts"]["queued"].as_u64().unwrap()
    }

    /// How many analyses were done, in how many statements of a worker.
    async fn recalculates_all(&self) -> (u64, u64) {
        let queued = self.asks_for_all().await;
        let worker = self.database.worker().await.unwrap();
        assert_eq!(works(&worker, &CancellationToken::new()).await, Verdict::Done);
        (queued, worker.statements())
    }
}

async fn works(worker: &Db, shutdown: &CancellationToken) -> Verdict {
    let job = Job {
        kind: JobKind::RecalculateCosts,
        subject: seeded('a', 1),
        attempt: 1,
        shutdown: shutdown.clone(),
    };
    worker::job::recalculate_costs::run(worker, World::now, &job).await
}

#[tokio::test]
async fn all_costs_are_calculated_anew_in_proportion_to_what_there_is_and_as_one_by_one() {
    let world = World::new().await;
    world.record(20).await;
    world
        .run("update public.automation_opportunities set reviewer_input = jsonb_build_object('occurrences_per_day', occurrences_per_day) where organization_id = 'aeeeeeee-0000-7000-8000-000000000001'")
        .await;
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
        let cost = &reply["data"]["recalculateCosts"]["costAnalysis"];
        let amount = |of: &Value| {
            of["annualSavings"]["amount"]
                .as_str()
                .unwrap()
                .parse::<Decimal>()
                .unwrap()
        };
        let processes = cost["processes"].as_array().unwrap();
        assert_eq!(processes.iter().map(amount).sum::<Decimal>(), amount(cost), "{cost:#}");
        let shown = processes
            .iter()
            .flat_map(|process| process["opportunities"].as_array().unwrap());
        assert!(shown.clone().count() > 0);
        for opportunity in shown {
            assert_eq!(opportunity["analysis"]["id"], analysis.to_string());
        }
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
/// no more and ends nobody's job.
#[tokio::test]
async fn a_recalculation_survives_its_workers_and_does_each_analysis_once() {
    let world = World::new().await;
    world.record(60).await;
    let worker = world.database.worker().await.unwrap();
    assert_eq!(world.asks_for_all().await, 60);
    assert_eq!(
        world.value(JOBS).await,
        json!([format!("recalculate_costs:{}", seeded('a', 1))])
    );

    let organization = seeded('a', 1).into();
    let mut first = recalculate::begin(&worker, organization).await.unwrap().unwrap();
    assert_eq!(first.next(&worker, World::now()).await.unwrap(), Step::Part);
    assert_eq!(world.value(CALCULATED).await, json!(vec![1; 50]));
    // Another takes it up in the very moment in which this one goes on.
    let mut other = world.pool.begin().await.unwrap();
    sqlx::query("select private.begin_recalculation($1)")
        .bind(seeded('a', 1))
        .execute(&mut *other)
        .await
        .unwrap();
    let going_on = first.next(&worker, World::now());
    let taken_over = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.commit().await.unwrap();
    };
    assert_eq!(tokio::join!(going_on, taken_over).0.unwrap(), Step::Lost);
    // Handed back at a shutdown: nothing more is done, nothing is lost, and whoever worked before works no more.
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    assert_eq!(works(&worker, &shutdown).await, Verdict::HandedBack);
    assert_eq!(first.next(&worker, World::now()).await.unwrap(), Step::Lost);
    assert_eq!(world.value(CALCULATED).await, json!(vec![1; 50]));
    // What came after the request, as the last five of these might have, knows what it knows.
    world
        .run("update public.cost_recalculations set until = (select id from public.analysis_results where is_current order by id limit 1 offset 54)")
        .await;
    for _ in 0..2 {
        assert_eq!(works(&worker, &CancellationToken::new()).await, Verdict::Done);
        assert_eq!(world.value(CALCULATED).await, json!(vec![1; 55]));
    }
    assert_eq!(world.value(WAITING).await, 0);
}

#[tokio::test]
async fn who_asks_again_takes_the_place_of_what_is_not_done() {
    let world = World::new().await;
    world.record(60).await;
    let worker = world.database.worker().await.unwrap();
    world.asks_for_all().await;
    let mut first = recalculate::begin(&worker, seeded('a', 1).into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.next(&worker, World::now()).await.unwrap(), Step::Part);
    let owner = world.owner().await;
    let dearer = "mutation { recalculateCosts(input: { all: true, assumptions: { hourlyRate: \"99\" } }) { queued } }";
    for _ in 0..3 {
        world.data(&owner, dearer).await;
    }
    assert_eq!(world.value(WAITING).await, 1);
    assert_eq!(
        world.value(JOBS).await,
        json!([format!("recalculate_costs:{}", seeded('a', 1))])
    );
    assert_eq!(first.next(&worker, World::now()).await.unwrap(), Step::Lost);
    assert_eq!(works(&worker, &CancellationToken::new()).await, Verdict::Done);
    let dearer = "select to_jsonb(count(distinct analysis_id)) from public.cost_analyses where (assumptions -> 'values' -> 'hourly_rate' ->> 'value')::numeric = 99";
    assert_eq!(world.value(dearer).await, 60);
}

/// Its job vanished: it is added again. Its tries are over, or its workers die of it: it is given up, and the audit log says why.
#[tokio::test]
async fn a_recalculation_that_cannot_be_done_is_given_up() {
    let world = World::new().await;
    let worker = world.database.worker().await.unwrap();
    let later = || chrono::Utc::now() + chrono::TimeDelta::minutes(1);
    let told = "select coalesce(jsonb_agg(reason order by at), '[]') from public.audit_log where action = 'cost_analysis.recalculate_failed'";
    world.asks_for_all().await;
    world.run("delete from graphile_worker._private_jobs").await;
    assert_eq!(
        sweep::stale_recalculations(&worker, chrono::Utc::now()).await.unwrap(),
        0,
        "too young"
    );
    assert_eq!(sweep::stale_recalculations(&worker, later()).await.unwrap(), 1);
    assert_eq!(
        world.value(JOBS).await,
        json!([format!("recalculate_costs:{}", seeded('a', 1))])
    );
    assert_eq!(sweep::stale_recalculations(&worker, later()).await.unwrap(), 0);
    world
        .run("update graphile_worker._private_jobs set attempts = max_attempts")
        .await;
    assert_eq!(sweep::stale_recalculations(&worker, later()).await.unwrap(), 1);
    assert_eq!(world.value(told).await, json!(["every try at it failed"]));
    assert_eq!(world.value(WAITING).await, 0);

    world.asks_for_all().await;
    for _ in 0..10 {
        assert!(
            recalculate::begin(&worker, seeded('a', 1).into())
                .await
                .unwrap()
                .is_some()
        );
    }
    assert_eq!(works(&worker, &CancellationToken::new()).await, Verdict::Done);
    assert_eq!(
        world.value(told).await,
        json!([
            "every try at it failed",
            "its workers ended without a word, one after the other"
        ])
    );
    assert_eq!(world.value(WAITING).await, 0);
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
