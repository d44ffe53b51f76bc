//! Changes of what people say about a session; its state is not theirs to say.

use domain::category::WorkflowCategory;
use domain::id::SessionId;
use sea_orm::{FromQueryResult, Value};

use super::input::{PrivacyInput, check_declared, check_description, check_title, is_laxer, privacy};
use super::lock::lock_own;
use crate::act::{Act, Change};
use crate::db::Scope;
use crate::error::{Error, Result};

/// What may change about a session; absent fields are left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// What it is called.
    pub title: Option<String>,
    /// What it shows.
    pub description: Option<String>,
    /// The kind of work.
    pub workflow_type: Option<WorkflowCategory>,
    /// How it is to be treated.
    pub privacy: Option<PrivacyInput>,
    /// How often a day a person does this.
    pub declared_occurrences_per_day: Option<f64>,
    /// How many people do it.
    pub people_count: Option<i32>,
}

/// Changes what people say about a session.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for an operator on another's and for covering less of another person,
/// [`Error::Invalid`].
pub async fn update(scope: &Scope, session: SessionId, update: &Update, act: &Act) -> Result<()> {
    let member = scope.caller()?.writer()?;
    if let Some(title) = &update.title {
        check_title(title)?;
    }
    check_description(update.description.as_deref())?;
    check_declared(update.declared_occurrences_per_day, update.people_count)?;
    let locked = lock_own(scope, session).await?;
    let privacy_settings = match &update.privacy {
        None => None,
        Some(input) => {
            #[derive(FromQueryResult)]
            struct Days {
                retention_video_days: i32,
            }
            let rule: Days = scope
                .row(
                    "select retention_video_days from public.organizations where id = $1",
                    [member.organization.uuid().into()],
                )
                .await?
                .ok_or(Error::NotFound { what: "organization" })?;
            let settings = privacy(&locked.privacy_settings, input, rule.retention_video_days)?;
            if is_laxer(&locked.privacy_settings, &settings) && !shows_caller(scope, session).await? {
                return Err(Error::Forbidden {
                    why: "only the recorded person may make the privacy settings laxer",
                });
            }
            Some(settings)
        }
    };
    let changed: Vec<&str> = [
        ("title", update.title.is_some()),
        ("description", update.description.is_some()),
        ("workflow_type", update.workflow_type.is_some()),
        ("privacy_settings", privacy_settings.is_some()),
        (
            "declared_occurrences_per_day",
            update.declared_occurrences_per_day.is_some(),
        ),
        ("people_count", update.people_count.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect();
    scope
        .run(
            "update public.recording_sessions set title = coalesce($2, title), description = coalesce($3, description), workflow_type = coalesce($4, workflow_type),
                    classified_by = case when $4::text is null then classified_by else 'user' end, privacy_settings = coalesce($5, privacy_settings),
                    declared_occurrences_per_day = coalesce($6, declared_occurrences_per_day), people_count = coalesce($7, people_count) where id = $1",
            [
                session.uuid().into(),
                update.title.clone().into(),
                update.description.clone().into(),
                update.workflow_type.map(WorkflowCategory::as_str).into(),
                Value::Json(privacy_settings.map(Box::new)),
                update.declared_occurrences_per_day.into(),
                update.people_count.into(),
            ],
        )
        .await?;
    act.note(
        scope,
        Change {
            action: "recording_session.update",
            subject_type: "recording_session",
            subject: session.uuid(),
            fields: &changed,
        },
    )
    .await
}

/// Whether the caller is the person that the recording shows; a key is nobody.
async fn shows_caller(scope: &Scope, session: SessionId) -> Result<bool> {
    #[derive(FromQueryResult)]
    struct Person {
        user_id: uuid::Uuid,
    }
    let person: Option<Person> = scope
        .row(
            "select user_id from private.session_people(array[$1]::uuid[])",
            [session.uuid().into()],
        )
        .await?;
    let caller = scope.caller()?.user();
    Ok(person.is_some_and(|person| caller.is_some_and(|user| user.uuid() == person.user_id)))
}
