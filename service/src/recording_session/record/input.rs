//! What people say about a recording and how it is checked, the same for a new session and a changed one.

use std::collections::BTreeSet;

use serde_json::json;

use crate::error::{Error, Result};

/// How a recording is to be treated, as far as a person says so; each may only be stricter than the organization's rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivacyInput {
    /// Cover personal data.
    pub redact_personal_data: Option<bool>,
    /// Cover passwords.
    pub blur_passwords: Option<bool>,
    /// Words and windows to leave out.
    pub custom_exclusions: Option<Vec<String>>,
    /// Whether it may be sent to a model where the organization allows it.
    pub allow_remote_analysis: Option<bool>,
    /// Days until the video is deleted.
    pub retain_video_days: Option<i32>,
}

pub(super) fn check_title(title: &str) -> Result<()> {
    let characters = title.chars().count();
    if title.trim().is_empty() || characters > 300 || title.contains('\0') {
        return Err(Error::invalid("input.title", "must have 1 to 300 characters"));
    }
    Ok(())
}

pub(super) fn check_description(description: Option<&str>) -> Result<()> {
    if description.is_some_and(|text| text.chars().count() > 5_000 || text.contains('\0')) {
        return Err(Error::invalid(
            "input.description",
            "must have at most 5,000 characters",
        ));
    }
    Ok(())
}

pub(super) fn check_declared(per_day: Option<f64>, people: Option<i32>) -> Result<()> {
    if per_day.is_some_and(|times| !(times > 0.0 && times <= 10_000.0)) {
        return Err(Error::invalid(
            "input.declaredOccurrencesPerDay",
            "must be more than 0 and at most 10,000",
        ));
    }
    if people.is_some_and(|people| !(1..=100_000).contains(&people)) {
        return Err(Error::invalid("input.peopleCount", "must be between 1 and 100,000"));
    }
    Ok(())
}

pub(super) fn check_metadata(metadata: Option<&serde_json::Value>) -> Result<()> {
    let Some(metadata) = metadata else { return Ok(()) };
    let text = metadata.to_string();
    if !metadata.is_object() || text.len() > 16_384 || text.contains("\\u0000") {
        return Err(Error::invalid("input.metadata", "must be an object of at most 16 KiB"));
    }
    Ok(())
}

/// Whether one setting is laxer than another: personal data or passwords no longer covered, an exclusion gone, a model allowed that was
/// not, or the video kept for longer.
pub(super) fn is_laxer(than: &serde_json::Value, settings: &serde_json::Value) -> bool {
    let covers = |settings: &serde_json::Value, name: &str| {
        settings.get(name).and_then(serde_json::Value::as_bool) != Some(false)
    };
    let exclusions = |settings: &serde_json::Value| -> BTreeSet<String> {
        let words = settings.get("custom_exclusions").and_then(serde_json::Value::as_array);
        let words = words.into_iter().flatten().filter_map(serde_json::Value::as_str);
        words.map(|word| word.trim().to_lowercase()).collect()
    };
    // Without a number of days of its own a session has the organization's, which are the most.
    let days = |settings: &serde_json::Value| {
        let days = settings.get("retain_video_days").and_then(serde_json::Value::as_i64);
        days.unwrap_or(i64::MAX)
    };
    let sends = |settings: &serde_json::Value| covers(settings, "allow_remote_analysis");
    ["redact_personal_data", "blur_passwords"]
        .into_iter()
        .any(|name| covers(than, name) && !covers(settings, name))
        || (sends(settings) && !sends(than))
        || days(settings) > days(than)
        || !exclusions(than).is_subset(&exclusions(settings))
}

/// Lays what a person says over what holds. What the organization rules (remote analysis, retention) may only become stricter.
pub(super) fn privacy(
    current: &serde_json::Value,
    input: &PrivacyInput,
    organization_days: i32,
) -> Result<serde_json::Value> {
    let held = |name: &str, absent: bool| current.get(name).and_then(serde_json::Value::as_bool).unwrap_or(absent);
    if let Some(days) = input.retain_video_days
        && !(0..=organization_days).contains(&days)
    {
        return Err(Error::invalid(
            "input.privacySettings.retainVideoDays",
            format!("must be between 0 and the organization's {organization_days} days"),
        ));
    }
    let exclusions = match &input.custom_exclusions {
        None => current.get("custom_exclusions").cloned().unwrap_or_else(|| json!([])),
        Some(words)
            if words.len() > 100
                || words
                    .iter()
                    .any(|word| word.trim().is_empty() || word.chars().count() > 200 || word.contains('\0')) =>
        {
            return Err(Error::invalid(
                "input.privacySettings.customExclusions",
                "must be at most 100 texts of 1 to 200 characters",
            ));
        }
        Some(words) => json!(words),
    };
    Ok(json!({
        "redact_personal_data": input.redact_personal_data.unwrap_or_else(|| held("redact_personal_data", true)),
        "blur_passwords": input.blur_passwords.unwrap_or_else(|| held("blur_passwords", true)),
        "custom_exclusions": exclusions,
        "allow_remote_analysis": input.allow_remote_analysis.unwrap_or_else(|| held("allow_remote_analysis", true)),
        "retain_video_days": input.retain_video_days.map_or_else(|| current.get("retain_video_days").cloned().unwrap_or_default(), Into::into),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_less_is_laxer_and_covering_more_is_not() {
        let held = json!({ "redact_personal_data": true, "custom_exclusions": ["HR", "Anke Jansen"] });
        for (settings, laxer) in [
            (json!({ "custom_exclusions": ["anke jansen ", "hr", "Payroll"] }), false),
            (json!({ "custom_exclusions": ["HR"] }), true),
            (
                json!({ "redact_personal_data": false, "custom_exclusions": ["HR", "Anke Jansen"] }),
                true,
            ),
            (
                json!({ "blur_passwords": false, "custom_exclusions": ["HR", "Anke Jansen"] }),
                true,
            ),
        ] {
            assert_eq!(is_laxer(&held, &settings), laxer, "{settings}");
        }
        let strict = json!({ "allow_remote_analysis": false, "retain_video_days": 0 });
        for (settings, laxer) in [
            (json!({ "allow_remote_analysis": true, "retain_video_days": 0 }), true),
            (json!({ "allow_remote_analysis": false, "retain_video_days": 9 }), true),
            (json!({ "allow_remote_analysis": false }), true),
            (strict.clone(), false),
        ] {
            assert_eq!(is_laxer(&strict, &settings), laxer, "{settings}");
        }
        let off = json!({ "redact_personal_data": false, "blur_passwords": false });
        assert!(!is_laxer(&off, &off) && !is_laxer(&off, &held));
    }
}
