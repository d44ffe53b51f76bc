//! Who is served when: a thousand of one organization stand before nobody's first, and a plan's parallel analyses are kept to.

use std::collections::BTreeMap;
use std::sync::Mutex;

use service::queue::{self, Handler, Job, Verdict};

use super::*;

/// Notes whose job it was handed, and lets it take a moment.
struct Ledger {
    moment: Duration,
    began: Mutex<Vec<char>>,
    at_once: Mutex<BTreeMap<char, (usize, usize)>>,
}

/// The organization of an analysis, as its id begins.
fn house_of(job: &Job) -> char {
    job.subject.simple().to_string().chars().next().unwrap()
}

#[async_trait::async_trait]
impl Handler for Ledger {
    async fn handle(&self, job: Job) -> Verdict {
        let house = house_of(&job);
        self.began.lock().unwrap().push(house);
        {
            let mut at_once = self.at_once.lock().unwrap();
            let (now, most) = at_once.entry(house).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        tokio::time::sleep(self.moment).await;
        self.at_once.lock().unwrap().entry(house).or_default().0 -= 1;
        Verdict::Done
    }
}

impl Ledger {
    fn new(moment: Duration) -> Arc<Self> {
        Arc::new(Self {
            moment,
            began: Mutex::default(),
            at_once: Mutex::default(),
        })
    }

    fn count(&self) -> usize {
        self.began.lock().unwrap().len()
    }

    async fn has_begun(&self, jobs: usize) {
        let waited = async {
            while self.count() < jobs {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, waited).await.unwrap();
    }
}

impl House {
    /// Queues so many analyses of an organization, as `private.enqueue` does once it has checked whose they are.
    async fn queues(&self, organization: char, analyses: u32) {
        let tenant = seeded(organization, 1);
        self.run(&format!(
            "create temp table made as select overlay(gen_random_uuid()::text placing '{organization}' from 1 for 1)::uuid as id, gen_random_uuid() as session from generate_series(1, {analyses});
             insert into public.recording_sessions (id, organization_id, status, chunk_count, finished_at) select session, '{tenant}', 'processing', 1, now() from made;
             insert into public.analysis_results (id, session_id, organization_id) select id, session, '{tenant}' from made;
             select private.add_job('analyze_recording', made.id, '{tenant}', (select max_parallel_analyses from public.organizations where id = '{tenant}')) from made;
             drop table made"
        ))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_queued_here_delay_anothers_first_by_no_more_than_what_runs() {
    const SLOTS: usize = 2;
    let house = House::new().await;
    for organization in ['b', 'c'] {
        house.found(organization).await;
    }
    // More at once than there are slots: nothing but the order keeps a place free.
    let plan = format!(
        "update public.organizations set max_parallel_analyses = 4 where id = '{}'",
        seeded('a', 1)
    );
    house.run(&plan).await;
    house.queues('a', 1000).await;
    let ledger = Ledger::new(Duration::from_millis(150));
    let stop = CancellationToken::new();
    let (settings, handler, shutdown) = (house.queue(SLOTS), ledger.clone(), stop.clone());
    let worker = tokio::spawn(async move { queue::run(&settings, handler, shutdown).await });
    ledger.has_begun(4).await;
    for organization in ['b', 'c'] {
        house.queues(organization, 1).await;
        let before = ledger.count();
        let served = async {
            while !ledger.began.lock().unwrap().contains(&organization) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, served).await.unwrap();
        let place = ledger
            .began
            .lock()
            .unwrap()
            .iter()
            .position(|house| *house == organization)
            .unwrap();
        assert!(place <= before + SLOTS, "{} analyses went before it", place - before);
    }
    stop.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_run_at_once_as_the_plan_allows() {
    let house = House::new().await;
    house.found('b').await;
    house
        .run(&format!(
            "update public.organizations set max_parallel_analyses = 2 where id = '{}'",
            seeded('a', 1)
        ))
        .await;
    house.queues('a', 5).await;
    house.queues('b', 3).await;
    let ledger = Ledger::new(Duration::from_millis(400));
    let stop = CancellationToken::new();
    let (settings, handler, shutdown) = (house.queue(4), ledger.clone(), stop.clone());
    let worker = tokio::spawn(async move { queue::run(&settings, handler, shutdown).await });
    house.is_quiet().await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let at_once = ledger.at_once.lock().unwrap();
    assert_eq!((at_once[&'a'], at_once[&'b'], ledger.count()), ((0, 2), (0, 1), 8));
}
