//! Sums over an organization, against sums worked out here from the rows.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::Row as _;
use tests::database::seeded;

use super::World;

/// Duplicates, re-analyses, dismissed, uncounted, overlapping, measured ones, too much for a day, other currencies: what a careless sum
/// would count.
const TROUBLE: &str = "
do $$
declare org uuid := 'aeeeeeee-0000-7000-8000-000000000001'; people uuid[] := array['aeeeeeee-0000-7000-8000-000000000013', 'aeeeeeee-0000-7000-8000-000000000014']; s uuid; a uuid; version int;
begin
  for n in 1..40 loop
    s := gen_random_uuid();
    insert into public.recording_sessions (id, organization_id, user_id, title, status, workflow_type, content_sha256, created_at)
      values (s, org, people[n % 3], 'R' || n, 'completed', (array['customs', 'invoicing', null])[1 + n % 3], case when n % 4 = 0 then lpad(to_hex(n / 8), 64, '0') end, timestamptz '2026-03-01' + make_interval(days => n));
    for version in 0..(n % 3) loop
      a := gen_random_uuid();
      insert into public.analysis_results (id, session_id, organization_id, status, is_current, confidence_score, automation_opportunities_count, processing_time_seconds, frames_analyzed, structured_insights, processing_completed_at)
        values (a, s, org, 'completed', version = n % 3, 0.5 + (n % 5) / 10.0, 4, n, n * 2, jsonb_build_object('workflows', jsonb_build_array(jsonb_build_object('category', (array['customs', 'email'])[1 + n % 2], 'name', 'x'))),
          timestamptz '2026-04-01' + make_interval(hours => n * 10 + version));
      insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, status, people_count, automation_complexity,
          current_time_per_occurrence_seconds, occurrences_observed, observed_seconds, frequency_basis, occurrences_per_day, effort_basis, implementation_effort_hours, actual_implementation_cost, measured_seconds_after, evidence)
        select a, s, org, 'p' || p, 'customs', 't', 'd', case when n % 11 = 0 then 'USD' else 'EUR' end, case when n * i % 5 = 2 then 'dismissed' when n % 2 = 0 and p in (1, 4, 12) then 'implemented' when n % 2 = 0 and p in (3, 6, 8, 10) then 'accepted' else 'proposed' end, 1 + p % 2,
               case when (n + i) % 13 > 0 then (array['low', 'medium', 'high'])[1 + p % 3] end, case when (n + i) % 17 > 0 then 30 + n * 3 + i * 7.25 end, n % 6, (n % 4) * 2500,
               case when p in (2, 5, 7) then 'extrapolated' else 'declared' end, case when p = 2 then 9 else 4 + (n * i) % 37 end, case when n % 7 = 0 then 'entered' else 'assumed' end, case when n % 7 = 0 then 20 + n end,
               case when i = 4 then 900 + n end, case when i % 2 = 0 then 12 end,
               jsonb_build_array(jsonb_build_object('start_seconds', i * 10 + n % 3, 'end_seconds', i * 10 + 8 + n % 5), jsonb_build_object('start_seconds', 200 + i, 'end_seconds', 210 + i * 2.5))
          from generate_series(1, 4) i, lateral (select (n * 3 + i) % 13 as p) k;
    end loop;
  end loop;
end $$;";

/// The three sums of what counts, by workflow type, by hand-written SQL: hours and money a month.
async fn expected(world: &World) -> BTreeMap<Option<String>, [(Decimal, Decimal); 3]> {
    let mut member = world.pool.begin().await.unwrap();
    sqlx::query("select set_config('role', 'newsystem_member', true), set_config('request.jwt.claims', $1, true)")
        .bind(json!({ "sub": seeded('a', 11), "role": "authenticated" }).to_string())
        .execute(&mut *member)
        .await
        .unwrap();
    let rows = sqlx::query(include_str!("worth.sql"))
        .fetch_all(&mut *member)
        .await
        .unwrap();
    let mut sums: BTreeMap<Option<String>, [(Decimal, Decimal); 3]> = BTreeMap::new();
    for row in &rows {
        let state: i32 = row.get("state");
        let sum = sums.entry(row.get("workflow_type")).or_default();
        for sum in &mut sum[..usize::try_from(state).unwrap()] {
            sum.0 += row.get::<Decimal, _>("hours");
            sum.1 += row.get::<Decimal, _>("money");
        }
    }
    sums
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn near(shown: &Value, exact: Decimal) -> bool {
    (decimal(shown) - exact).abs() <= Decimal::new(1, 2)
}

/// Adds the processes' money up by what they count as.
fn added_up(processes: &Value) -> [Decimal; 3] {
    let mut sums = [Decimal::ZERO; 3];
    for process in processes.as_array().unwrap() {
        let state = ["PROPOSED", "ACCEPTED", "IMPLEMENTED"]
            .iter()
            .position(|state| process["status"] == *state)
            .unwrap();
        for sum in &mut sums[..=state] {
            *sum += decimal(&process["annualSavings"]["amount"]);
        }
    }
    sums
}

#[tokio::test]
async fn every_cent_of_a_sum_leads_to_processes_and_these_to_seconds_of_recordings() {
    let world = World::new().await;
    let owner = world.owner().await;
    world.run(TROUBLE).await;
    let money = "{ identified { amount } accepted { amount } implemented { amount } }";
    let shown = "processes(first: 20) { processKey status annualSavings { amount } opportunitiesCount opportunities(first: 40) { id processKey status evidence { startSeconds endSeconds } session { id } } }";
    let data = world.data(&owner, &format!("{{ businessImpact {{ annualSavings {money} {shown} }} organizationPerformance {{ annualCost {money} processes {{ status annualSavings {{ amount }} }} }} }}")).await;
    let impact = &data["businessImpact"];
    let sums = |of: &Value| ["identified", "accepted", "implemented"].map(|state| decimal(&of[state]["amount"]));
    assert_eq!(added_up(&impact["processes"]), sums(&impact["annualSavings"]));
    for row in data["organizationPerformance"].as_array().unwrap() {
        assert_eq!(added_up(&row["processes"]), sums(&row["annualCost"]), "{row}");
    }
    let processes = impact["processes"].as_array().unwrap();
    let savings: Vec<_> = processes
        .iter()
        .map(|process| decimal(&process["annualSavings"]["amount"]))
        .collect();
    assert!(savings.len() > 5 && savings.is_sorted_by(|a, b| a >= b), "{savings:?}");
    for process in processes {
        let shown = process["opportunities"].as_array().unwrap();
        assert_eq!(process["opportunitiesCount"], shown.len());
        assert!(!shown.is_empty());
        for opportunity in shown {
            assert_eq!(opportunity["processKey"], process["processKey"]);
            assert!(opportunity["status"] != "DISMISSED" && opportunity["session"]["id"].is_string());
            assert!(!opportunity["evidence"].as_array().unwrap().is_empty(), "{opportunity}");
        }
    }
    let part = world
        .data(
            &owner,
            "{ businessImpact { processes(first: 2, skip: 1) { processKey } } }",
        )
        .await;
    let keys = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["processKey"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&part["businessImpact"]["processes"]),
        keys(&impact["processes"])[1..3]
    );
    let refused = world
        .ask(&owner, "{ businessImpact { processes(first: 0) { processKey } } }")
        .await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_process_counts_once_through_the_newest_analysis_of_each_recording() {
    let world = World::new().await;
    let owner = world.owner().await;
    world.run(TROUBLE).await;
    let sums = expected(&world).await;
    let all = |state: usize| sums.values().map(|sum| sum[state].1).sum::<Decimal>();
    assert!(
        sums.len() == 3 && all(0) > all(1) && all(1) > all(2) && all(2) > Decimal::ZERO,
        "the data is worth a test: {sums:?}"
    );
    let states = "{ identified accepted implemented }";
    let money = "{ identified { amount currency } accepted { amount } implemented { amount } }";
    let data = world.data(&owner, &format!("{{ organizationPerformance {{ workflowType totalRecordings averageConfidence totalOpportunities weeklyHours {states} annualCost {money} }} businessImpact {{ recordings analyses annualHours {states} annualSavings {money} meanConfidence reviewPrecision }} }}")).await;
    let rows = data["organizationPerformance"].as_array().unwrap();
    let mut total = [(Decimal::ZERO, Decimal::ZERO); 3];
    for row in rows {
        let kind = row["workflowType"].as_str().map(str::to_lowercase);
        let sum = sums.get(&kind).copied().unwrap_or_default();
        for (index, state) in ["identified", "accepted", "implemented"].iter().enumerate() {
            let hours = sum[index].0 * Decimal::from(12) / Decimal::from(52);
            assert!(
                near(&row["weeklyHours"][state], hours),
                "{kind:?} {state}: {} is not {hours}",
                row["weeklyHours"][state]
            );
            let money = sum[index].1 * Decimal::from(12);
            assert!(
                near(&row["annualCost"][state]["amount"], money),
                "{kind:?} {state}: {} is not {money}",
                row["annualCost"][state]
            );
            total[index].0 += sum[index].0;
            total[index].1 += sum[index].1;
        }
    }
    let order: Vec<Decimal> = rows
        .iter()
        .map(|row| decimal(&row["annualCost"]["identified"]["amount"]))
        .collect();
    assert!(order.is_sorted_by(|a, b| a >= b), "highest potential first: {order:?}");
    assert_eq!(
        rows.iter()
            .map(|row| row["totalRecordings"].as_i64().unwrap())
            .sum::<i64>(),
        40
    );
    assert_eq!(
        rows.iter()
            .map(|row| row["totalOpportunities"].as_i64().unwrap())
            .sum::<i64>(),
        160
    );
    let impact = &data["businessImpact"];
    assert_eq!((&impact["recordings"], &impact["analyses"]), (&json!(42), &json!(40)));
    for (index, state) in ["identified", "accepted", "implemented"].iter().enumerate() {
        assert!(
            near(&impact["annualHours"][state], total[index].0 * Decimal::from(12)),
            "{state}"
        );
        assert!(
            near(
                &impact["annualSavings"][state]["amount"],
                total[index].1 * Decimal::from(12)
            ),
            "{state}"
        );
    }
    assert_eq!(impact["annualSavings"]["identified"]["currency"], "EUR");
    assert!((impact["meanConfidence"].as_f64().unwrap() - 0.7).abs() < 0.01);
    let precision = impact["reviewPrecision"].as_f64().unwrap();
    assert!(precision > 0.0 && precision < 1.0);

    // Everybody sees the same sums, whoever may see whom was recorded.
    let operators = world
        .data(
            &world.operator().await,
            &format!("{{ businessImpact {{ annualHours {states} annualSavings {money} }} }}"),
        )
        .await;
    assert_eq!(operators["businessImpact"]["annualHours"], impact["annualHours"]);
    assert_eq!(operators["businessImpact"]["annualSavings"], impact["annualSavings"]);

    // Analysing everything again, and uploading a recording again, changes no sum.
    world
        .run("insert into public.recording_sessions (id, organization_id, user_id, title, status, workflow_type, content_sha256, created_at) select md5(id::text)::uuid, organization_id, user_id, 'copy', 'completed', workflow_type, content_sha256, created_at from public.recording_sessions where content_sha256 is not null;
              insert into public.analysis_results (id, session_id, organization_id, status, is_current, confidence_score, automation_opportunities_count, processing_completed_at)
                select md5(a.id::text)::uuid, md5(a.session_id::text)::uuid, a.organization_id, 'completed', true, a.confidence_score, 4, a.processing_completed_at - interval '1 second' from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current and s.content_sha256 is not null;
              insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, automation_complexity, current_time_per_occurrence_seconds, occurrences_observed, observed_seconds)
                select md5(o.analysis_id::text)::uuid, md5(o.session_id::text)::uuid, o.organization_id, o.process_key, 'customs', 't', 'd', o.currency, 'low', 9999, 99, 1 from public.automation_opportunities o join public.analysis_results a on a.id = o.analysis_id join public.recording_sessions s on s.id = a.session_id where a.is_current and s.content_sha256 is not null and s.title <> 'copy'")
        .await;
    let again = world
        .data(
            &owner,
            &format!("{{ businessImpact {{ annualHours {states} annualSavings {money} }} }}"),
        )
        .await;
    assert_eq!(again["businessImpact"]["annualHours"], impact["annualHours"]);
    assert_eq!(again["businessImpact"]["annualSavings"], impact["annualSavings"]);
}

#[tokio::test]
async fn patterns_count_current_analyses_by_their_first_workflow() {
    let world = World::new().await;
    world.run(TROUBLE).await;
    let owner = world.owner().await;
    let data = world.data(&owner, "{ workflowPatterns { category analyses averageProcessingSeconds averageFrames } march: workflowPatterns(during: { from: \"2026-03-02T00:00:00Z\", to: \"2026-03-12T00:00:00Z\" }) { category analyses } }").await;
    assert_eq!(
        data["workflowPatterns"],
        json!([{ "category": "CUSTOMS", "analyses": 20, "averageProcessingSeconds": 21.0, "averageFrames": 42.0 }, { "category": "EMAIL", "analyses": 20, "averageProcessingSeconds": 20.0, "averageFrames": 40.0 }])
    );
    assert_eq!(
        data["march"],
        json!([{ "category": "CUSTOMS", "analyses": 5 }, { "category": "EMAIL", "analyses": 5 }])
    );
}

#[tokio::test]
async fn precision_says_nothing_below_ten_reviews() {
    let world = World::new().await;
    let owner = world.owner().await;
    let ask = "{ businessImpact { reviewPrecision meanConfidence annualSavings { implemented { amount } } } }";
    world.run("update public.analysis_results set status = 'completed', is_current = true where id = 'aeeeeeee-0000-7000-8000-000000000031';
               insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, status)
               select 'aeeeeeee-0000-7000-8000-000000000031', 'aeeeeeee-0000-7000-8000-000000000021', 'aeeeeeee-0000-7000-8000-000000000001', 'q' || i, 'email', 't', 'd', 'EUR', case when i <= 6 then 'accepted' else 'dismissed' end from generate_series(1, 9) i").await;
    assert_eq!(
        world.data(&owner, ask).await["businessImpact"],
        json!({ "reviewPrecision": null, "meanConfidence": null, "annualSavings": { "implemented": { "amount": "0.00" } } })
    );
    world.run("update public.automation_opportunities set status = 'implemented' where id = 'aeeeeeee-0000-7000-8000-000000000036'").await;
    assert_eq!(world.data(&owner, ask).await["businessImpact"]["reviewPrecision"], 0.7);
}

#[tokio::test]
async fn usage_counts_the_organizations_own_month() {
    let world = World::new().await;
    // The month of the clock begins at midnight in Amsterdam.
    world.api.clock.set("2026-10-31T23:30:00Z".parse().unwrap());
    world
        .run("update public.recording_sessions set created_at = '2026-10-31T22:59:59Z' where id = 'aeeeeeee-0000-7000-8000-000000000021';
              update public.recording_sessions set created_at = '2026-10-31T23:00:00Z' where id = 'aeeeeeee-0000-7000-8000-000000000022';
              update public.model_requests set cost_usd = 0.75, created_at = '2026-11-01T00:00:00Z'")
        .await;
    let ask = "{ usage { month recordings maxRecordings members maxUsers storageBytes modelCostUsd modelBudgetUsd } }";
    let usage = world.data(&world.admin().await, ask).await;
    assert_eq!(
        usage["usage"],
        json!({ "month": "2026-11", "recordings": 1, "maxRecordings": 50, "members": 4, "maxUsers": 5, "storageBytes": "15", "modelCostUsd": "0.750000", "modelBudgetUsd": "50.000000" })
    );
    assert_eq!(
        world.data(&world.operator().await, ask).await["usage"]["modelCostUsd"],
        Value::Null
    );
}
