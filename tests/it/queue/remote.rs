//! Asking the remote model through a worker: what is sent, booked and disclosed, what a kill repeats, and what the switch stops.

use domain::sampling::Analyser;
use serde_json::json;
use tests::model_stand_in::{Behaviour, ModelStandIn};

use super::*;

/// Twenty seconds of the demo.
fn short() -> Vec<u8> {
    clip()[..250_000].to_vec()
}

fn settings(stand_in: &ModelStandIn, switch: &str) -> Vec<(&'static str, String)> {
    vec![
        ("OPENAI_BASE_URL", stand_in.base_url()),
        ("OPENAI_API_KEY", "sk-stand-in".to_owned()),
        ("GPT4V_MODEL", "gpt-4o".to_owned()),
        ("REMOTE_MAX_IMAGES", "3".to_owned()),
        ("REMOTE_ANALYSIS", switch.to_owned()),
    ]
}

const ALLOW: &str = "update public.organizations set remote_analysis_allowed = true";
const STATES: &str = "select jsonb_agg(state order by created_at, id) from public.model_requests";

impl House {
    /// What was booked, disclosed and stored says the same as what arrived.
    async fn books_agree(&self, stand_in: &ModelStandIn, analysis: AnalysisId) {
        assert_eq!(stand_in.faults(), Vec::<String>::new());
        let arrived: Vec<_> = stand_in
            .received()
            .iter()
            .map(|request| json!([request.frames.len(), request.bytes]))
            .collect();
        let disclosed = self
            .value("select jsonb_agg(jsonb_build_array(frames, bytes) order by at, id) from public.disclosures")
            .await;
        assert_eq!(disclosed, Value::from(arrived));
        let agrees = format!(
            "select a.analysis_cost = m.cost and a.prompt_tokens = m.prompt and a.completion_tokens = m.completion and a.analysis_cost > 0 and a.gpt_version = 'gpt-4o' and a.prompt_version is not null
                    and t.cost = m.all_cost and (a.raw_gpt_response ? 'model') and (a.raw_gpt_response ? 'measured')
               from public.analysis_results a, (select sum(cost_usd) as cost, sum(coalesce(cost_usd, estimate_usd)) as all_cost, sum(prompt_tokens) as prompt, sum(completion_tokens) as completion from public.model_requests) m,
                    (select sum(cost_usd) as cost from public.analysis_attempts) t where a.id = '{analysis}'"
        );
        assert!(self.is(&agrees).await);
    }
}

/// Undisturbed: as many requests as batches.
async fn undisturbed() -> Value {
    let (house, stand_in) = (House::new().await, ModelStandIn::start().await.unwrap());
    house.run(ALLOW).await;
    let session = house.records(1, &[&short()]).await;
    let analysis = house.asks(session, Analyser::Remote).await;
    let _worker = house.worker(&settings(&stand_in, "on"));
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    let frames = house
        .value("select count(*) from public.analysis_frames")
        .await
        .as_u64()
        .unwrap();
    assert!(frames > 6, "{frames} frames are too few for three batches");
    assert_eq!(
        stand_in.count() as u64,
        frames.div_ceil(3),
        "as many requests as batches"
    );
    let sent: Vec<u32> = stand_in
        .received()
        .iter()
        .flat_map(|request| request.frames.clone())
        .collect();
    assert_eq!(sent, (0..frames as u32).collect::<Vec<_>>(), "every frame once");
    assert_eq!(house.value(STATES).await, json!(vec!["stored"; stand_in.count()]));
    house.books_agree(&stand_in, analysis).await;
    house.left(analysis).await
}

/// A worker whose second request is under way, and takes so long.
async fn in_flight(house: &House, stand_in: &ModelStandIn, long: Duration) -> (AnalysisId, Process) {
    house.run(ALLOW).await;
    stand_in.will([Behaviour::Answer, Behaviour::Slow(long)]);
    let session = house.records(1, &[&short()]).await;
    let analysis = house.asks(session, Analyser::Remote).await;
    let worker = house.worker(&settings(stand_in, "on"));
    let second = async {
        while stand_in.count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, second).await.unwrap();
    (analysis, worker)
}

/// Killed while the second request is in flight.
async fn killed_in_flight() -> Value {
    let (house, stand_in) = (House::new().await, ModelStandIn::start().await.unwrap());
    let (analysis, mut worker) = in_flight(&house, &stand_in, Duration::from_mins(5)).await;
    worker.kill();
    assert_eq!(house.value(STATES).await, json!(["stored", "reserved"]));
    let _other = house.worker(&settings(&stand_in, "on"));
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    let batches = house
        .value("select count(distinct request_key) from public.model_requests")
        .await;
    assert_eq!(
        stand_in.count() as u64,
        batches.as_u64().unwrap() + 1,
        "the one in flight was repeated, and no other"
    );
    let received = stand_in.received();
    assert_eq!(received[1].frames, received[2].frames);
    assert!(
        received[1..].iter().all(|request| request.frames != received[0].frames),
        "what was stored is not asked for again"
    );
    let mut states = vec!["stored"; stand_in.count()];
    states[1] = "uncertain";
    assert_eq!(house.value(STATES).await, json!(states));
    assert_eq!(house.attempts(analysis).await, json!(["worker_crashed", null]));
    house.books_agree(&stand_in, analysis).await;
    house.left(analysis).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_asked_to_stop_awaits_the_answer_that_is_paid_for() {
    let (house, stand_in) = (House::new().await, ModelStandIn::start().await.unwrap());
    let (analysis, mut worker) = in_flight(&house, &stand_in, Duration::from_secs(2)).await;
    stops(&mut worker).await;
    assert_eq!(house.value(STATES).await, json!(["stored", "stored"]));
    let _other = house.worker(&settings(&stand_in, "on"));
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    assert_eq!(house.value(STATES).await, json!(vec!["stored"; stand_in.count()]));
    house.books_agree(&stand_in, analysis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_asked_once_for_each_batch_and_a_kill_repeats_at_most_the_request_in_flight() {
    drop(TestDatabase::create().await.unwrap());
    let (undisturbed, killed) = tokio::join!(undisturbed(), killed_in_flight());
    for (part, rows) in undisturbed.as_object().unwrap() {
        assert_eq!(&killed[part], rows, "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_the_house_unless_everybody_allows_it() {
    let (house, stand_in) = (House::new().await, ModelStandIn::start().await.unwrap());
    // The platform's switch, the organization, the session: each alone keeps it in.
    let cases = [("off", true, true), ("on", false, true), ("on", true, false)];
    for (number, (switch, organization, session)) in (1..).zip(cases) {
        house
            .run(&format!(
                "update public.organizations set remote_analysis_allowed = {organization}"
            ))
            .await;
        let recorded = house.records(number, &[&short()]).await;
        house.run(&format!("update public.recording_sessions set privacy_settings = privacy_settings || '{{\"allow_remote_analysis\": {session}}}' where id = '{recorded}'")).await;
        let analysis = house.asks(recorded, Analyser::Remote).await;
        let _worker = house.worker(&settings(&stand_in, switch));
        house.ends_with(analysis, "failed").await;
        assert_eq!(house.ended(analysis).await.1, "remote_not_allowed");
        assert_eq!(
            house.attempts(analysis).await,
            json!(["remote_not_allowed"]),
            "not worth another try"
        );
    }
    assert_eq!(stand_in.count(), 0);
    assert!(
        house
            .is("select not exists (select from public.disclosures) and not exists (select from public.model_requests)")
            .await
    );
}
