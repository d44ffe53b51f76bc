//! Organizations and keys as text for people, or as JSON.

use serde_json::json;
use service::platform::admin::{Key, Organization};

use crate::command::words::{Row, Set, clean, grouped, table};

/// All of them in a table.
pub fn organizations(organizations: &[Organization], json: bool) -> anyhow::Result<String> {
    if json {
        return Ok(serde_json::to_string_pretty(organizations)? + "\n");
    }
    let rows: Vec<Row> = organizations
        .iter()
        .map(|one| {
            let row = Row::of([
                one.id.to_string(),
                clean(&one.name),
                one.subscription_tier.clone(),
                one.subscription_status.clone(),
                format!("{}/{}", one.members, one.max_users),
                format!("{}/{}", one.recordings_this_month, one.max_recordings_per_month),
            ]);
            match one.erased_at() {
                Some(at) => row.with_below(format!("to be erased from {} on", at.format("%Y-%m-%d %H:%M UTC"))),
                None => row,
            }
        })
        .collect();
    let heads = [
        ("Id", Set::Left),
        ("Name", Set::Wrapped),
        ("Tier", Set::Left),
        ("Status", Set::Left),
        ("Members", Set::Right),
        ("This month", Set::Right),
    ];
    Ok(table(&heads, &rows, 120))
}

/// One with its limits and keys.
pub fn organization(one: &Organization, keys: &[Key], as_json: bool) -> anyhow::Result<String> {
    if as_json {
        return Ok(serde_json::to_string_pretty(&json!({ "organization": one, "keys": keys }))? + "\n");
    }
    let mut lines = vec![
        format!("{}  {}", one.id, clean(&one.name)),
        format!("  {}, {}", one.subscription_tier, one.subscription_status),
    ];
    let number = |number: i64| grouped(&number.to_string());
    for (what, used, limit) in [
        ("members", one.members, i64::from(one.max_users)),
        (
            "recordings this month",
            one.recordings_this_month,
            i64::from(one.max_recordings_per_month),
        ),
        ("bytes stored", one.storage_bytes, one.max_storage_bytes),
    ] {
        lines.push(format!("  {what}: {} of {}", number(used), number(limit)));
    }
    lines.push(format!(
        "  longest recording: {} s",
        number(i64::from(one.max_recording_seconds))
    ));
    lines.push(format!("  analyses at the same time: {}", one.max_parallel_analyses));
    lines.push(format!(
        "  models this month: {} of {} USD, {} USD for one analysis; remote analysis {}",
        one.model_cost_usd.round_dp(2),
        one.model_budget_monthly_usd.normalize(),
        one.model_budget_per_analysis_usd.normalize(),
        if one.remote_analysis_allowed {
            "allowed"
        } else {
            "not allowed"
        }
    ));
    if let Some(at) = one.erased_at() {
        lines.push(format!("  to be erased from {} on", at.format("%Y-%m-%d %H:%M UTC")));
    }
    let mut text = lines.join("\n") + "\n";
    if !keys.is_empty() {
        let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
            at.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d").to_string())
        };
        let rows: Vec<Row> = keys
            .iter()
            .map(|key| {
                Row::of([
                    key.id.to_string(),
                    clean(&key.name),
                    clean(&key.prefix),
                    format!("{}{}", key.role, if key.read_only { ", reads" } else { "" }),
                    day(key.last_used_at),
                    day(key.expires_at),
                    day(key.revoked_at),
                ])
            })
            .collect();
        let heads = [
            ("Key", Set::Left),
            ("Name", Set::Wrapped),
            ("Begins", Set::Left),
            ("Role", Set::Left),
            ("Used", Set::Left),
            ("Ends", Set::Left),
            ("Revoked", Set::Left),
        ];
        text.push('\n');
        text.push_str(&table(&heads, &rows, 120));
    }
    Ok(text)
}
