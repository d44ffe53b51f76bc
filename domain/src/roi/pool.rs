//! An organization's processes, each counted once: the same process in several recordings or analyses is pooled, the same
//! recording uploaded or analysed ten times changes nothing, and together they take no more time than there is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::ScenarioName;
use super::assumptions::Assumptions;
use super::copies::{each_recording_once, together};
use super::frequency::{Evidence, Frequency};
use super::scenario::SteadyMonth;
use super::worth::{Known, Line, Load, Missing, Observation, effort};
use crate::category::WorkflowCategory;
use crate::effort::{HoursPerMonth, PerDay, Seconds};
use crate::id::{AnalysisId, OpportunityId, UserId};
use crate::money::{Cost, MoneyPerMonth};
use crate::share::Share;
use crate::span::{TimeSpan, union, union_seconds};
use crate::status::OpportunityStatus;

/// One process of an organization, pooled over its recordings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Which one.
    pub process_key: String,
    /// The same, with the recording of one without a name: see [`Observation::pooled_as`].
    pub pooled_as: String,
    /// The kind that its newest observation has.
    pub category: WorkflowCategory,
    /// The furthest that it has come: IMPLEMENTED before ACCEPTED before PROPOSED.
    pub status: OpportunityStatus,
    /// The analyses that it was pooled from.
    pub analyses: BTreeSet<AnalysisId>,
    /// The opportunities that it was pooled from, newest first: their evidence shows it.
    pub opportunities: Vec<OpportunityId>,
    /// What was seen of it in all of them.
    pub evidence: Evidence,
    /// How often it is done; none when not known.
    pub frequency: Option<Frequency>,
    /// How many people do it.
    pub people: u32,
    /// Whether a person entered the effort, and not the default for its complexity.
    pub effort_entered: bool,
    /// What it adds to sums: nothing unless its frequency is known, and nothing where other processes cover all its time.
    pub contribution: Option<Contribution>,
    /// Why it has no figures, if it has none.
    pub missing: Option<Missing>,
}

/// What a process adds to sums, in the base scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// Hours that it takes now.
    pub current_hours: HoursPerMonth,
    /// Hours of these that are saved, potentially or really.
    pub saved_hours: HoursPerMonth,
    /// The saving, in whole cents.
    pub monthly_savings: MoneyPerMonth,
    /// What it costs to build, in whole cents.
    pub implementation_cost: Cost,
    /// It was cut, because a person's day holds only so many hours.
    pub capped: bool,
    /// The share of its time that no other process claims.
    pub own_share: Share,
}

/// An organization's processes, worked out together.
#[derive(Debug, Clone)]
pub struct Pool {
    /// All of them, by key.
    pub processes: Vec<Process>,
    /// People that do them: the most of any process of each recorded person.
    pub people: u32,
    pub(super) lines: Vec<Option<Line>>,
}

impl Pool {
    /// Works out an organization's processes from the opportunities of the current analysis of each session.
    ///
    /// Rules, in this order:
    /// 1. Of each recording (by content) only the newest analysis counts; what a person entered on another copy holds for it too.
    /// 2. Dismissed opportunities do not count. Of the others, those of one process in one recording count together; one without a
    ///    readable name is none of the others.
    /// 3. A process has the mean time of its occurrences, and the frequency weighted by recorded time: measured, that is
    ///    all occurrences over all time; declared, the mean of what was declared, each weighted by its recording's length.
    /// 4. Within a recording, time that several processes show belongs to one: first what is implemented, then what is
    ///    accepted, then the one that shows most time. The others count with what is left.
    /// 5. The processes booked on one recorded person together fill at most a working day; if more, all are cut alike.
    pub fn of(observations: &[Observation], assumptions: &Assumptions) -> Self {
        Self::on_evidence(observations, &BTreeMap::new(), assumptions)
    }

    /// As [`Pool::of`], with the evidence of processes replaced: one analysis, judged on what the whole organization saw.
    pub(super) fn on_evidence(
        observations: &[Observation],
        elsewhere: &BTreeMap<String, Evidence>,
        assumptions: &Assumptions,
    ) -> Self {
        let seen = each_process_of_each_recording(observations);
        let mut groups: BTreeMap<Cow<'_, str>, Vec<&Observation>> = BTreeMap::new();
        for observation in &seen {
            groups.entry(observation.pooled_as()).or_default().push(observation);
        }
        let day = assumptions.working_time().day();
        let mut pooled: Vec<Pooled<'_>> = groups
            .into_iter()
            .map(|(key, seen)| Pooled::of(key.into_owned(), seen, elsewhere, day, assumptions))
            .collect();
        let own = own_shares(&pooled);
        for (process, own) in pooled.iter_mut().zip(&own) {
            process.claim(*own);
        }
        fit_into_days(&mut pooled, day);

        let people = people(&pooled);
        let lines = pooled.iter().map(Pooled::counting_line).collect();
        let processes = pooled
            .iter()
            .zip(own)
            .map(|(process, own)| process.finish(own, assumptions))
            .collect();
        Self {
            processes,
            people,
            lines,
        }
    }

    /// A month in steady state, and how many processes it is made of.
    pub(super) fn steady_month(&self, scenario: ScenarioName, assumptions: &Assumptions) -> SteadyMonth {
        let mut month = SteadyMonth {
            saved: HoursPerMonth::ZERO,
            gross: MoneyPerMonth::ZERO,
            running: MoneyPerMonth::ZERO,
            cost: Cost::ZERO,
        };
        for line in self.lines.iter().flatten() {
            let saving = line.saving(line.load.of(scenario), scenario, assumptions);
            month.saved = month.saved + saving.saved;
            month.gross = month.gross + saving.gross;
            month.running = month.running + saving.running;
            month.cost = month.cost + line.cost;
        }
        month
    }
}

/// What each recording shows of each process that was not dismissed.
fn each_process_of_each_recording(observations: &[Observation]) -> Vec<Cow<'_, Observation>> {
    let mut parts: BTreeMap<(String, String), Vec<Cow<'_, Observation>>> = BTreeMap::new();
    for one in each_recording_once(observations) {
        if one.status != OpportunityStatus::Dismissed {
            let place = (one.pooled_as().into_owned(), one.recording.clone());
            parts.entry(place).or_default().push(one);
        }
    }
    parts.into_values().filter_map(together).collect()
}

/// Who was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Person<'a> {
    /// A member.
    Named(UserId),
    /// Whoever this recording shows: the name is gone, the day is still one person's.
    InRecording(&'a str),
}

impl<'a> Person<'a> {
    fn in_(observation: &'a Observation) -> Self {
        observation
            .recorded_by
            .map_or(Self::InRecording(&observation.recording), Self::Named)
    }
}

/// A process while it is worked out.
struct Pooled<'a> {
    key: String,
    seen: Vec<&'a Observation>,
    status: OpportunityStatus,
    evidence: Evidence,
    frequency: Option<Frequency>,
    people: u32,
    effort_entered: bool,
    line: Result<Line, Missing>,
    /// Nothing of its time is its own.
    covered: bool,
}

impl<'a> Pooled<'a> {
    /// `seen` is not empty.
    fn of(
        key: String,
        mut seen: Vec<&'a Observation>,
        elsewhere: &BTreeMap<String, Evidence>,
        day: Seconds,
        assumptions: &Assumptions,
    ) -> Self {
        seen.sort_by_key(|one| std::cmp::Reverse((one.analysed_at, one.analysis)));
        let own = seen.iter().fold(Evidence::default(), |sum, one| sum.and(&one.evidence));
        let evidence = elsewhere.get(&key).cloned().unwrap_or(own);
        let frequency = Frequency::of(declared(&seen), &evidence, day);
        let status = seen
            .iter()
            .map(|one| one.status)
            .max_by_key(|status| status.progress())
            .unwrap_or(OpportunityStatus::Proposed);
        // Of several answers of people the newest, of several guesses the more careful one.
        let entered = seen.iter().find_map(|one| one.effort);
        let complexity = seen.iter().filter_map(|one| one.complexity).max();
        let people = seen.iter().map(|one| one.people).max().unwrap_or(1);
        let implemented = || seen.iter().filter(|one| one.status == OpportunityStatus::Implemented);
        let line = Line::new(
            &Known {
                seconds: mean_seconds(&seen),
                frequency,
                is_enough: evidence.is_enough(),
                people,
                complexity,
                effort: effort(entered, complexity, assumptions).0,
                actual_cost: implemented().find_map(|one| one.actual_cost),
                seconds_after: implemented().find_map(|one| one.seconds_after),
            },
            assumptions,
        );
        Self {
            key,
            seen,
            status,
            evidence,
            frequency,
            people,
            effort_entered: entered.is_some(),
            line,
            covered: false,
        }
    }

    fn is_counted(&self) -> bool {
        self.line.is_ok() && self.frequency.is_some_and(Frequency::is_counted)
    }

    fn counting_line(&self) -> Option<Line> {
        if self.is_counted() && !self.covered {
            self.line.ok()
        } else {
            None
        }
    }

    fn claim(&mut self, own: Share) {
        self.covered = own == Share::NONE;
        if let Ok(line) = &mut self.line {
            line.load = Load {
                low: line.load.low * own,
                base: line.load.base * own,
                high: line.load.high * own,
            };
        }
    }

    /// Whose day it is booked on: of those recorded, the one with most recorded time of it.
    fn person(&self) -> Option<Person<'a>> {
        let mut recorded: BTreeMap<Person<'a>, Seconds> = BTreeMap::new();
        for one in &self.seen {
            let sum = recorded.entry(Person::in_(one)).or_default();
            *sum = *sum + one.evidence.observed;
        }
        recorded
            .into_iter()
            .max_by_key(|(person, seconds)| (*seconds, *person))
            .map(|(person, _)| person)
    }

    fn finish(&self, own: Share, assumptions: &Assumptions) -> Process {
        let contribution = self.counting_line().map(|line| {
            let saving = line.saving(line.load.base, ScenarioName::Base, assumptions);
            Contribution {
                current_hours: saving.current,
                saved_hours: saving.saved,
                monthly_savings: saving.net(),
                implementation_cost: line.cost,
                capped: line.capped,
                own_share: own,
            }
        });
        Process {
            process_key: self
                .seen
                .first()
                .map_or_else(String::new, |one| one.process_key.clone()),
            pooled_as: self.key.clone(),
            category: self.seen.first().map_or(WorkflowCategory::Other, |one| one.category),
            status: self.status,
            analyses: self.seen.iter().map(|one| one.analysis).collect(),
            opportunities: self.seen.iter().flat_map(|one| &one.opportunities).copied().collect(),
            evidence: self.evidence.clone(),
            frequency: self.frequency,
            people: self.people,
            effort_entered: self.effort_entered,
            contribution,
            missing: self.line.as_ref().err().copied(),
        }
    }
}

/// The mean time of all occurrences. Where none were seen, the plain mean of what people entered.
fn mean_seconds(seen: &[&Observation]) -> Option<Seconds> {
    weighted_mean(seen.iter().filter_map(|one| {
        Some((
            one.seconds_per_occurrence?.value(),
            Decimal::from(one.evidence.occurrences),
        ))
    }))
    .map(Seconds::new)
}

/// The mean of what was declared, each weighted by recorded time. Where nothing was recorded, the plain mean.
fn declared(seen: &[&Observation]) -> Option<PerDay> {
    weighted_mean(
        seen.iter()
            .filter_map(|one| Some((one.declared_per_day?.value(), one.evidence.observed.value()))),
    )
    .map(PerDay::new)
}

pub(super) fn weighted_mean(values: impl Iterator<Item = (Decimal, Decimal)> + Clone) -> Option<Decimal> {
    let (sum, weight) = values
        .clone()
        .fold((Decimal::ZERO, Decimal::ZERO), |(sum, weight), (value, w)| {
            (sum + value * w, weight + w)
        });
    if weight > Decimal::ZERO {
        return Some(sum / weight);
    }
    let count = Decimal::from(values.clone().count());
    values.map(|(value, _)| value).sum::<Decimal>().checked_div(count)
}

/// For each process the share of its shown time that no process before it claims.
fn own_shares(pooled: &[Pooled<'_>]) -> Vec<Share> {
    struct Shown<'a> {
        process: usize,
        rank: u8,
        seconds: f64,
        spans: &'a [TimeSpan],
    }
    let mut recordings: BTreeMap<&str, Vec<Shown<'_>>> = BTreeMap::new();
    for (process, one) in pooled.iter().enumerate().filter(|(_, one)| one.is_counted()) {
        let rank = match one.status {
            OpportunityStatus::Implemented => 0,
            OpportunityStatus::Accepted => 1,
            _ => 2,
        };
        for seen in &one.seen {
            recordings.entry(&seen.recording).or_default().push(Shown {
                process,
                rank,
                seconds: union_seconds(&seen.spans),
                spans: &seen.spans,
            });
        }
    }
    let mut shown = vec![(0.0, 0.0); pooled.len()];
    for mut claims in recordings.into_values() {
        claims.sort_by(|a, b| {
            a.rank
                .cmp(&b.rank)
                .then(b.seconds.total_cmp(&a.seconds))
                .then(a.process.cmp(&b.process))
        });
        let mut taken: Vec<TimeSpan> = Vec::new();
        for claim in claims {
            let own = union(claim.spans);
            let lost: f64 = own
                .iter()
                .flat_map(|span| taken.iter().map(|other| span.overlap_seconds(*other)))
                .sum();
            let (free, all) = &mut shown[claim.process];
            *free += (claim.seconds - lost).max(0.0);
            *all += claim.seconds;
            taken.extend(own);
            taken = union(&taken);
        }
    }
    shown
        .into_iter()
        .map(|(free, all)| {
            if all > 0.0 {
                Share::from_f64((free / all).min(1.0)).unwrap_or(Share::ALL)
            } else {
                Share::ALL
            }
        })
        .collect()
}

/// Cuts the processes of each recorded person to a working day. What is above the best estimate is cut to the room that is
/// left, so that a scenario with more of everything never has less of anything.
fn fit_into_days(pooled: &mut [Pooled<'_>], day: Seconds) {
    let mut days: BTreeMap<Person<'_>, Vec<&mut Line>> = BTreeMap::new();
    for process in pooled
        .iter_mut()
        .filter(|process| process.is_counted() && !process.covered)
    {
        if let (Some(person), Ok(line)) = (process.person(), &mut process.line) {
            days.entry(person).or_default().push(line);
        }
    }
    for lines in days.into_values() {
        let base: Seconds = lines.iter().map(|line| line.load.base).sum();
        let cut = if base > day {
            (day / base).map_or(Share::ALL, Share::clamped)
        } else {
            Share::ALL
        };
        let room = if base > day { Seconds::ZERO } else { day - base };
        let more: Seconds = lines.iter().map(|line| line.load.high - line.load.base).sum();
        let grant = if more > room {
            (room / more).map_or(Share::NONE, Share::clamped)
        } else {
            Share::ALL
        };
        for line in lines {
            let Load { low, base, high } = line.load;
            let more = high - base;
            line.load = Load {
                low: low * cut,
                base: base * cut,
                high: base * cut + more * grant,
            };
            line.capped |= cut != Share::ALL || grant != Share::ALL;
        }
    }
}

/// People that do the counted processes: for each recorded person the most of any process booked there.
fn people(pooled: &[Pooled<'_>]) -> u32 {
    let mut most: BTreeMap<Person<'_>, u32> = BTreeMap::new();
    for process in pooled.iter().filter(|process| process.is_counted() && !process.covered) {
        if let Some(person) = process.person() {
            let people = most.entry(person).or_default();
            *people = (*people).max(process.people);
        }
    }
    most.into_values().sum()
}

/// All that people work in an average month: what saved and remaining hours together never exceed.
pub fn available_hours(people: u32, assumptions: &Assumptions) -> HoursPerMonth {
    assumptions.working_time().month_of(people)
}
