//! Having recordings analysed.

use async_graphql::{Context, ID, InputObject, Object};
use domain::id::{AnalysisId, SessionId};
use domain::sampling::{self, Analyser, Overrides, SamplingPreset};
use service::act::{Change, once as only_once};
use service::analysis_result::request::{self, Settings};

use super::super::analysis_result::Analysis;
use super::super::context::{InRequest as _, Read};
use super::super::error::{Failure, Result};
use super::super::page::{get, id};
use super::{act, once};

/// How an analysis is made: a preset, with some values replaced.
#[derive(Debug, Default, InputObject)]
pub struct AnalysisSettingsInput {
    /// LOCAL where it is left out; REMOTE needs the organization's and the session's permission.
    analyser: Option<Analyser>,
    /// STANDARD where it is left out.
    preset: Option<SamplingPreset>,
    /// Frames kept per second at most, 0.1 to 3.
    frames_per_second: Option<f64>,
    /// Frames kept in all at most, 20 to 300.
    max_frames: Option<i32>,
    /// How much of a screen must change to be another, 0.1 to 0.5.
    scene_threshold: Option<f64>,
}

/// The settings of an input, checked; `path` is where it stands in the whole input.
///
/// # Errors
/// `BAD_USER_INPUT` for a value out of bounds.
pub fn settings(input: Option<AnalysisSettingsInput>, path: &str) -> Result<Settings> {
    let input = input.unwrap_or_default();
    let overrides = Overrides {
        frames_per_second: input.frames_per_second,
        max_frames: input.max_frames.map(Into::into),
        scene_threshold: input.scene_threshold,
    };
    let (preset, sampling) = sampling::resolve(input.preset, overrides)
        .map_err(|error| Failure::invalid(format!("{path}{}", error.field), error.to_string()))?;
    Ok(Settings {
        analyser: input.analyser.unwrap_or(Analyser::Local),
        preset,
        sampling,
    })
}

/// An analysis to be made.
#[derive(Debug, InputObject)]
pub struct EnqueueAnalysisInput {
    /// The session, which is finished and whose video is still there.
    session_id: ID,
    /// How.
    settings: Option<AnalysisSettingsInput>,
    /// A repeat within 24 hours with the same key answers the first analysis.
    idempotency_key: Option<String>,
}

macro_rules! inputs {
    ($($(#[doc = $doc:literal])* $name:ident),+ $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, InputObject)]
        pub struct $name {
            /// The analysis.
            analysis_id: ID,
        }
    )+ };
}

inputs! {
    /// An analysis to be stopped.
    CancelAnalysisInput,
    /// A failed analysis to be tried again.
    RetryAnalysisInput,
    /// A completed analysis whose reply is to be read anew.
    ReinterpretAnalysisInput,
}

macro_rules! payloads {
    ($($(#[doc = $doc:literal])* $name:ident),+ $(,)?) => { $(
        $(#[doc = $doc])*
        pub struct $name {
            read: Read,
            analysis: AnalysisId,
        }

        $(#[doc = $doc])*
        #[Object]
        impl $name {
            /// The analysis.
            async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
                get(ctx, &self.read, self.analysis).await
            }
        }
    )+ };
}

payloads! {
    /// An analysis that was queued, or queued before with the same key.
    EnqueueAnalysisPayload,
    /// An analysis that was, or is being, stopped.
    CancelAnalysisPayload,
    /// An analysis that was queued again.
    RetryAnalysisPayload,
    /// An analysis whose reply is being read anew.
    ReinterpretAnalysisPayload,
}

/// Having recordings analysed.
#[derive(Default)]
pub struct AnalysisMutation;

/// Having recordings analysed.
#[Object]
impl AnalysisMutation {
    /// Queues an analysis of a finished session; one at a time per session.
    async fn enqueue_analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session and how.")] input: EnqueueAnalysisInput,
    ) -> Result<Option<EnqueueAnalysisPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let session: SessionId = id(&input.session_id, "input.sessionId")?;
        let key = once(ctx, input.idempotency_key.as_ref(), "enqueueAnalysis")?;
        let settings = settings(input.settings, "input.settings.")?;
        let scope = request.scope().await?;
        scope.caller()?.writer()?;
        let analysis = only_once(&scope, key.as_ref(), &act, async || {
            let id = request::enqueue(&scope, session, &settings, uuid::Uuid::now_v7().into()).await?;
            act.note(&scope, change("analysis.enqueue", id)).await?;
            Ok(id.uuid())
        })
        .await?;
        scope.commit().await?;
        Ok(Some(EnqueueAnalysisPayload {
            read: request.fresh()?,
            analysis: analysis.into(),
        }))
    }

    /// Stops an analysis: a queued one at once, a running one within two seconds. One that is over stays as it is; one that was only
    /// being read anew goes back to COMPLETED, with the results that it had.
    async fn cancel_analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The analysis.")] input: CancelAnalysisInput,
    ) -> Result<Option<CancelAnalysisPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let analysis: AnalysisId = id(&input.analysis_id, "input.analysisId")?;
        let scope = request.scope().await?;
        request::cancel(&scope, analysis, act.now).await?;
        act.note(&scope, change("analysis.cancel", analysis)).await?;
        scope.commit().await?;
        Ok(Some(CancelAnalysisPayload {
            read: request.fresh()?,
            analysis,
        }))
    }

    /// Tries a failed analysis again, in the same row; what a model already answered is not asked for again.
    async fn retry_analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The analysis.")] input: RetryAnalysisInput,
    ) -> Result<Option<RetryAnalysisPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let analysis: AnalysisId = id(&input.analysis_id, "input.analysisId")?;
        let scope = request.scope().await?;
        request::retry(&scope, analysis, act.now).await?;
        act.note(&scope, change("analysis.retry", analysis)).await?;
        scope.commit().await?;
        Ok(Some(RetryAnalysisPayload {
            read: request.fresh()?,
            analysis,
        }))
    }

    /// Derives everything again from the stored raw reply, without asking the model. What people entered is kept. Until there are new
    /// results the ones that it has stay, in the sums too; when it is cancelled or fails, it goes back to COMPLETED with them, and the try
    /// that failed is among its attempts. It takes the place of no analysis that was made after it.
    async fn reinterpret_analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The analysis.")] input: ReinterpretAnalysisInput,
    ) -> Result<Option<ReinterpretAnalysisPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let analysis: AnalysisId = id(&input.analysis_id, "input.analysisId")?;
        let scope = request.scope().await?;
        request::reinterpret(&scope, analysis, act.now).await?;
        act.note(&scope, change("analysis.reinterpret", analysis)).await?;
        scope.commit().await?;
        Ok(Some(ReinterpretAnalysisPayload {
            read: request.fresh()?,
            analysis,
        }))
    }
}

const fn change(action: &'static str, analysis: AnalysisId) -> Change<'static> {
    Change {
        action,
        subject_type: "analysis",
        subject: analysis.uuid(),
        fields: &["status"],
    }
}
