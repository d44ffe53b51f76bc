//! A tenant: its plan, limits, rules and assumptions.

use domain::id::OrganizationId;
use domain::quota::SubscriptionStatus;
use domain::quota::SubscriptionTier;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "organizations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    pub subscription_tier: SubscriptionTier,
    pub subscription_status: SubscriptionStatus,
    pub max_users: i32,
    pub max_recordings_per_month: i32,
    pub max_storage_bytes: i64,
    pub max_recording_seconds: i32,
    pub max_parallel_analyses: i32,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Text")]
    pub locale: String,
    #[sea_orm(column_type = "Text")]
    pub time_zone: String,
    pub remote_analysis_allowed: bool,
    #[sea_orm(column_type = "Decimal(None)")]
    pub model_budget_monthly_usd: Decimal,
    #[sea_orm(column_type = "Decimal(None)")]
    pub model_budget_per_analysis_usd: Decimal,
    pub retention_video_days: i32,
    pub retention_frame_days: i32,
    pub retention_raw_reply_days: Option<i32>,
    pub delete_video_after_analysis: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub roi_defaults: Json,
    pub deletion_requested_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
