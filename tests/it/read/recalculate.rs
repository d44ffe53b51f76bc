//! Calculating the costs of everything anew: in proportion to what there is, and the same as one by one.

use std::time::Instant;

use serde_json::{Value, json};

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

    /// How many analyses were done, in how many statements.
    async fn recalculates_all(&self) -> (u64, u64) {
        let owner = self.owner().await;
        let before = self.db().statements();
        let data = self.data(&owner, ALL).await;
        let statements = self.db().statements() - before;
        (data["recalculateCosts"]["queued"].as_u64().unwrap(), statements)
    }
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

#[tokio::test]
#[ignore = "prints how long 2,004 opportunities in 334 analyses take"]
async fn two_thousand_opportunities() {
    let world = World::new().await;
    world.record(334).await;
    let began = Instant::now();
    let (done, statements) = world.recalculates_all().await;
    println!("{done} analyses, {statements} statements: {:?}", began.elapsed());
}
