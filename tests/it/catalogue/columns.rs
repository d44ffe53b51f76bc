//! Columns: closed enumerations are those of the domain, and the entities are the tables, type for type.

use std::collections::{BTreeMap, BTreeSet};

use domain::analysis_error::AnalysisErrorCode;
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::event::EventKind;
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::insight::InsightType;
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use domain::report::ReportType;
use domain::roi::{Complexity, ConfidenceLevel, EffortBasis, FrequencyBasis, Priority};
use domain::role::Role;
use domain::sampling::{Analyser, SamplingPreset};
use domain::status::{
    AnalysisStage, AnalysisStatus, ExportStatus, OpportunityStatus, ReportStatus, SessionStatus, UploadStatus,
};
use sea_orm::Iterable as _;
use sea_orm::entity::prelude::*;
use sqlx::AssertSqlSafe;
use tests::database::TestDatabase;

use super::texts;

/// The texts of a closed enumeration.
macro_rules! all {
    ($name:ty) => {
        <$name>::ALL.iter().map(|value| value.as_str()).collect::<Vec<&str>>()
    };
}

#[tokio::test]
async fn enumerations_are_those_of_the_domain() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let locales = || vec!["en", "nl", "fr", "de"];
    let expected: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("organizations_subscription_tier", all!(SubscriptionTier)),
        ("organizations_subscription_status", all!(SubscriptionStatus)),
        ("organizations_locale", locales()),
        ("user_profiles_role", all!(Role)),
        ("invitations_role", all!(Role)),
        ("api_keys_role", all!(Role)),
        ("recording_notices_locale", locales()),
        ("recording_sessions_status", all!(SessionStatus)),
        ("recording_sessions_classified_by", all!(ClassifiedBy)),
        ("video_chunks_upload_status", all!(UploadStatus)),
        ("analysis_results_status", all!(AnalysisStatus)),
        ("analysis_results_analyser", all!(Analyser)),
        ("analysis_results_preset", all!(SamplingPreset)),
        (
            "model_requests_state",
            vec!["reserved", "stored", "failed", "uncertain", "expired"],
        ),
        ("automation_opportunities_basis", all!(FrequencyBasis)),
        ("automation_opportunities_complexity", all!(Complexity)),
        ("automation_opportunities_effort_basis", all!(EffortBasis)),
        ("automation_opportunities_priority", all!(Priority)),
        ("automation_opportunities_status", all!(OpportunityStatus)),
        ("workflow_insights_type", all!(InsightType)),
        ("workflow_insights_priority", all!(Priority)),
        ("workflow_visualizations_type", all!(VisualizationType)),
        ("workflow_visualizations_layout", all!(LayoutAlgorithm)),
        ("cost_analyses_confidence", all!(ConfidenceLevel)),
        ("generated_reports_type", all!(ReportType)),
        ("generated_reports_status", all!(ReportStatus)),
        ("data_exports_status", all!(ExportStatus)),
        ("generated_reports_locale", locales()),
    ]);
    let checks = texts(
        &pool,
        "select conname || '|' || (select string_agg(m[1], ',') from regexp_matches(pg_get_constraintdef(oid), '''([^'']*)''::text', 'g') m) from pg_constraint
          where contype = 'c' and connamespace = 'public'::regnamespace and pg_get_constraintdef(oid) ~ 'CHECK \\(\\(\\w+ = ANY \\(ARRAY\\['",
    )
    .await;
    let found: BTreeMap<&str, BTreeSet<&str>> = checks
        .iter()
        .map(|check| check.split_once('|').unwrap())
        .map(|(name, values)| (name, values.split(',').collect()))
        .collect();
    let expected: BTreeMap<&str, BTreeSet<&str>> = expected
        .into_iter()
        .map(|(name, values)| (name, values.into_iter().collect()))
        .collect();
    assert_eq!(found, expected);
    // The long ones are in functions.
    let functions: [(&str, Vec<&str>, &[&str]); 4] = [
        (
            "is_workflow_category",
            all!(WorkflowCategory),
            &["automation_opportunities_type", "recording_sessions_workflow_type"],
        ),
        (
            "is_analysis_error_code",
            all!(AnalysisErrorCode),
            &["analysis_attempts_error_code", "analysis_results_error_code"],
        ),
        ("is_analysis_stage", all!(AnalysisStage), &["analysis_results_stage"]),
        ("is_event_kind", all!(EventKind), &["organization_events_kind"]),
    ];
    for (function, values, constraints) in functions {
        let unknown: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select value from unnest($1::text[]) value where private.{function}(value) is not true"
        )))
        .bind(&values)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(unknown, [""; 0], "{function}");
        let body: String = sqlx::query_scalar("select prosrc from pg_proc where proname = $1")
            .bind(function)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(body.matches('\'').count() / 2, values.len(), "{body}");
        let calling = format!(
            "select conname::text from pg_constraint where contype = 'c' and pg_get_constraintdef(oid) like '%{function}%' order by 1"
        );
        assert_eq!(texts(&pool, &calling).await, constraints);
    }
}

/// The columns of an entity, as the catalogue would say it.
fn columns<E: EntityTrait>(_: E) -> (String, BTreeMap<String, (String, bool)>) {
    let columns = E::Column::iter()
        .map(|column| {
            let definition = column.def();
            let kind = type_name(definition.get_column_type());
            (column.as_str().to_owned(), (kind, definition.is_null()))
        })
        .collect();
    (E::default().table_name().to_owned(), columns)
}

fn type_name(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::BigInteger => "bigint".to_owned(),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Decimal(_) => "numeric".to_owned(),
        ColumnType::JsonBinary => "jsonb".to_owned(),
        ColumnType::TimestampWithTimeZone => "timestamp with time zone".to_owned(),
        // An array's element has no annotation of its own: a String is text.
        ColumnType::Array(of) if matches!(**of, ColumnType::String(_)) => "text[]".to_owned(),
        ColumnType::Array(of) => format!("{}[]", type_name(of)),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn entities_are_the_tables() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    macro_rules! entities {
        ($($module:ident)+) => { [$(columns(entity::$module::Entity)),+] };
    }
    let declared: BTreeMap<_, _> = entities!(
        analysis_attempt analysis_frame analysis_result api_key audit_entry automation_opportunity cost_analysis cost_recalculation data_export disclosure erasure_receipt generated_report idempotency_key invitation model_request
        object_deletion organization organization_event recording_notice recording_session report_link user_profile video_chunk workflow_insight workflow_visualization
    )
    .into_iter()
    .collect();
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "select c.relname::text, attname::text, format_type(atttypid, null), not attnotnull from pg_attribute a join pg_class c on c.oid = attrelid
          where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut migrated: BTreeMap<String, BTreeMap<String, (String, bool)>> = BTreeMap::new();
    for (table, column, kind, nullable) in rows {
        migrated.entry(table).or_default().insert(column, (kind, nullable));
    }
    assert_eq!(declared.keys().collect::<Vec<_>>(), migrated.keys().collect::<Vec<_>>());
    for (table, columns) in &migrated {
        assert_eq!(&declared[table], columns, "{table}");
    }
}
