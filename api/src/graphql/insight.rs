//! What an analysis has read from a recording: workflows, steps, applications, routines.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};
use domain::category::WorkflowCategory;
use domain::insight as read;
use service::row::Columns;
use uuid::Uuid;

use super::context::Read;
use super::error::Result;
use super::loader::FrameAt;
use super::scalar::TimeSpan;

/// What an analysis has read from a recording.
pub struct StructuredInsights {
    read: Read,
    analysis: Uuid,
    insights: Arc<read::StructuredInsights>,
}

impl StructuredInsights {
    /// What this analysis has read.
    pub fn new(read: &Read, analysis: Uuid, insights: Arc<read::StructuredInsights>) -> Self {
        Self {
            read: read.clone(),
            analysis,
            insights,
        }
    }
}

/// What an analysis has read from a recording.
#[Object]
impl StructuredInsights {
    /// What happens in the recording, in sentences.
    fn description(&self) -> &str {
        &self.insights.description
    }

    /// The pieces of work, the main one first.
    fn workflows(&self) -> Vec<Workflow> {
        let workflow = |workflow: &read::Workflow| Workflow {
            category: workflow.category,
            name: workflow.name.clone(),
            description: workflow.description.clone(),
        };
        self.insights.workflows.iter().map(workflow).collect()
    }

    /// What was done, in order.
    fn steps(&self) -> Vec<WorkflowStep> {
        let step = |index| WorkflowStep {
            read: self.read.clone(),
            analysis: self.analysis,
            insights: Arc::clone(&self.insights),
            index,
        };
        (0..self.insights.steps.len()).map(step).collect()
    }

    /// What it was done with.
    fn applications(&self) -> Vec<ApplicationUse> {
        let application = |application: &read::ApplicationUse| ApplicationUse {
            name: application.name.clone(),
            purpose: application.purpose.clone(),
            active_seconds: application.active_seconds,
            share: application.share,
        };
        self.insights.applications.iter().map(application).collect()
    }

    /// Patterns in words.
    fn patterns(&self) -> &[String] {
        &self.insights.patterns
    }

    /// What comes back, measured.
    fn routines(&self) -> Vec<Routine> {
        self.insights.routines.iter().map(Routine::of).collect()
    }

    /// Elements of the analyser's reply that could not be read, each with the reason.
    fn dropped(&self) -> &[String] {
        &self.insights.dropped
    }
}

/// One piece of work in a recording.
#[derive(SimpleObject)]
pub struct Workflow {
    /// Its kind.
    category: WorkflowCategory,
    /// Its name.
    name: String,
    /// What it is, in a sentence; null when the analyser gives none.
    description: Option<String>,
}

/// One step of the work.
pub struct WorkflowStep {
    read: Read,
    analysis: Uuid,
    insights: Arc<read::StructuredInsights>,
    index: usize,
}

impl WorkflowStep {
    fn step(&self) -> Result<&read::WorkflowStep> {
        self.insights
            .steps
            .get(self.index)
            .ok_or_else(|| service::Error::internal("a step out of its list").into())
    }
}

/// One step of the work.
#[Object]
impl WorkflowStep {
    /// Its number, from 1.
    fn number(&self) -> Result<u32> {
        Ok(self.step()?.number)
    }

    /// What was done.
    fn action(&self) -> Result<&str> {
        Ok(&self.step()?.action)
    }

    /// In which application; null when that is not known.
    fn application(&self) -> Result<Option<&str>> {
        Ok(self.step()?.application.as_deref())
    }

    /// To which end; null when that is not known.
    fn purpose(&self) -> Result<Option<&str>> {
        Ok(self.step()?.purpose.as_deref())
    }

    /// Kinds of data that were read or written, never their values.
    fn data_involved(&self) -> Result<&[String]> {
        Ok(&self.step()?.data_involved)
    }

    /// When; null in replies taken over without times.
    fn span(&self) -> Result<Option<TimeSpan>> {
        Ok(self.step()?.span.map(Into::into))
    }

    /// Ids of the frames that show it. For the recorded person, admins and owners; empty to others.
    async fn frame_ids(&self) -> Result<Vec<ID>> {
        let at = |index: &u32| FrameAt {
            analysis: self.analysis,
            index: i32::try_from(*index).unwrap_or(i32::MAX),
            columns: Columns::NONE,
        };
        let frames = self.read.get_all(self.step()?.frames.iter().map(at)).await?;
        Ok(frames
            .iter()
            .map(|frame| frame.id().map(Into::into))
            .collect::<service::Result<_>>()?)
    }
}

/// The use of one application.
#[derive(SimpleObject)]
pub struct ApplicationUse {
    /// Its name as read from the screen.
    name: String,
    /// What it was used for; null when that is not known.
    purpose: Option<String>,
    /// Active time in it, in seconds; null where it was not measured.
    active_seconds: Option<f64>,
    /// Its share of the recording's active time, 0 to 1; null where it was not measured.
    share: Option<f64>,
}

/// A sequence of screens that comes back: measured, not guessed.
#[derive(SimpleObject)]
pub struct Routine {
    /// The process that it is, the same in every recording that shows it.
    process_key: String,
    /// What people would call it.
    name: String,
    /// The screens (clusters of equal frames) in their order.
    screens: Vec<u32>,
    /// Each time that it was done.
    occurrences: Vec<Occurrence>,
    /// Median active time of an occurrence, in seconds.
    median_active_seconds: f64,
    /// Mean active time of an occurrence, in seconds.
    mean_active_seconds: f64,
}

impl Routine {
    fn of(routine: &read::Routine) -> Self {
        Self {
            process_key: routine.process_key.clone(),
            name: routine.name.clone(),
            screens: routine.screens.clone(),
            occurrences: routine.occurrences.iter().copied().map(Occurrence::of).collect(),
            median_active_seconds: routine.median_active_seconds,
            mean_active_seconds: routine.mean_active_seconds,
        }
    }
}

/// One time that a routine was done.
#[derive(SimpleObject)]
pub struct Occurrence {
    /// When.
    span: TimeSpan,
    /// Seconds in which the person worked.
    active_seconds: f64,
    /// Seconds in which the screen was busy: spinner, progress, load.
    waiting_seconds: f64,
    /// Seconds in which nothing changed for long: a break, never part of a saving.
    idle_seconds: f64,
}

impl Occurrence {
    fn of(occurrence: read::Occurrence) -> Self {
        Self {
            span: occurrence.span.into(),
            active_seconds: occurrence.active_seconds,
            waiting_seconds: occurrence.waiting_seconds,
            idle_seconds: occurrence.idle_seconds,
        }
    }
}
