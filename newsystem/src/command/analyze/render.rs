//! What an analysis found, as tables for people. Amounts are potential: nothing here was saved.

use super::super::words::{Row, Set, clean, clock, grouped, percent, short, table, words, wrap};
use super::findings::{Findings, List, Money, Opportunity, Span, Structured};

/// Characters of a line.
const WIDTH: usize = 100;
/// Time stamps of one claim that are written out; the JSON has all.
const MOST_STAMPS: usize = 12;

/// The whole result.
pub fn render(findings: &Findings) -> String {
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    say(&clean(&findings.session.title));
    for line in wrap(&summary(findings), WIDTH) {
        say(&line);
    }
    if let Some(structured) = &findings.structured_insights {
        say("");
        for line in wrap(&clean(&structured.description), WIDTH) {
            say(&line);
        }
    }
    let mut section = |title: &str, heads: &[(&str, Set)], rows: &[Row], total: u64| {
        say("");
        if rows.is_empty() {
            say(&format!("{title}: none found"));
            return;
        }
        say(title);
        for line in table(heads, rows, WIDTH).lines() {
            say(line);
        }
        let more = total.saturating_sub(rows.len() as u64);
        if more > 0 {
            say(&format!("  and {more} more"));
        }
    };
    if let Some(structured) = &findings.structured_insights {
        let (heads, rows) = steps(structured);
        section("Steps", &heads, &rows, 0);
        let (heads, rows) = applications(structured);
        section("Applications", &heads, &rows, 0);
        let (heads, rows) = routines(structured);
        section("Routines", &heads, &rows, 0);
    }
    let (heads, rows) = insights(findings);
    section("Insights", &heads, &rows, findings.insights.total_count);
    let (heads, rows) = opportunities(&findings.opportunities);
    section("Opportunities", &heads, &rows, findings.opportunities.total_count);
    for line in remarks(findings) {
        say("");
        say(&line);
    }
    text
}

fn summary(findings: &Findings) -> String {
    let by = match (findings.settings.analyser.as_str(), &findings.gpt_version) {
        ("LOCAL", None) => "on the server itself".to_owned(),
        ("LOCAL", Some(version)) => format!("on the server itself ({})", clean(version)),
        (_, Some(version)) => format!("by {}", clean(version)),
        (other, None) => format!("by {}", words(other)),
    };
    let mut parts = Vec::new();
    if let Some(duration) = findings.session.duration_seconds {
        parts.push(format!("{} of recording", clock(duration)));
    }
    if let Some(kind) = &findings.session.workflow_type {
        parts.push(words(kind));
    }
    parts.push(format!("analysed {by}"));
    parts.push(format!("{} frames", findings.frames_analyzed));
    if let Some(coverage) = findings.coverage {
        // Rounded down: all of it is only what is all of it.
        parts.push(format!("{} covered", percent((coverage * 100.0).floor() / 100.0)));
    }
    if let Some(confidence) = findings.confidence_score {
        parts.push(format!("confidence {}, its own estimate", percent(confidence)));
    }
    parts.join("; ")
}

type Table<const N: usize> = ([(&'static str, Set); N], Vec<Row>);

fn steps(structured: &Structured) -> Table<4> {
    let rows = structured.steps.iter().map(|step| {
        Row::of([
            step.number.to_string(),
            step.span.map(stamp).unwrap_or_default(),
            clean(step.application.as_deref().unwrap_or_default()),
            clean(&step.action),
        ])
    });
    let heads = [
        ("#", Set::Right),
        ("When", Set::Left),
        ("Application", Set::Wrapped),
        ("Action", Set::Wrapped),
    ];
    (heads, rows.collect())
}

fn applications(structured: &Structured) -> Table<3> {
    let rows = structured.applications.iter().map(|application| {
        Row::of([
            clean(&application.name),
            application.active_seconds.map(clock).unwrap_or_default(),
            application.share.map(percent).unwrap_or_default(),
        ])
    });
    let heads = [
        ("Application", Set::Wrapped),
        ("Active", Set::Right),
        ("Share", Set::Right),
    ];
    (heads, rows.collect())
}

fn routines(structured: &Structured) -> Table<4> {
    let rows = structured.routines.iter().map(|routine| {
        let spans: Vec<Span> = routine.occurrences.iter().map(|occurrence| occurrence.span).collect();
        Row::of([
            clean(&routine.name),
            routine.occurrences.len().to_string(),
            clock(routine.median_active_seconds),
            stamps(&spans),
        ])
    });
    let heads = [
        ("Routine", Set::Wrapped),
        ("Times", Set::Right),
        ("Median active", Set::Right),
        ("When", Set::Wrapped),
    ];
    (heads, rows.collect())
}

fn insights(findings: &Findings) -> Table<4> {
    let rows = findings.insights.nodes.iter().map(|insight| {
        Row::of([
            words(&insight.kind),
            format!("{}: {}", clean(&insight.title), clean(&insight.description)),
            insight.priority.as_deref().map(words).unwrap_or_default(),
            stamps(&insight.evidence),
        ])
    });
    let heads = [
        ("Kind", Set::Left),
        ("Insight", Set::Wrapped),
        ("Priority", Set::Left),
        ("When", Set::Wrapped),
    ];
    (heads, rows.collect())
}

fn opportunities(found: &List<Opportunity>) -> Table<6> {
    let rows = found.nodes.iter().map(|opportunity| {
        let each = opportunity.current_time_per_occurrence_seconds;
        let row = Row::of([
            opportunity.priority.as_deref().map(words).unwrap_or_default(),
            clean(&opportunity.title),
            each.map(|seconds| format!("{} s", short(seconds))).unwrap_or_default(),
            opportunity.occurrences_observed.to_string(),
            frequency(opportunity),
            potential(opportunity),
        ]);
        match stamps(&opportunity.evidence) {
            when if when.is_empty() => row,
            when => row.with_below(format!("at {when}")),
        }
    });
    let heads = [
        ("Priority", Set::Left),
        ("Opportunity", Set::Wrapped),
        ("Each", Set::Right),
        ("Seen", Set::Right),
        ("Frequency", Set::Wrapped),
        ("Potential a month (low–high)", Set::Wrapped),
    ];
    (heads, rows.collect())
}

/// How often, and whose word that is.
fn frequency(opportunity: &Opportunity) -> String {
    let mut text = words(&opportunity.frequency_basis);
    if let Some(per_day) = opportunity.occurrences_per_day {
        text = format!("{text}, {} a day", short(per_day));
    }
    if opportunity.people_count > 1 {
        text = format!("{text} by {} people", opportunity.people_count);
    }
    if !opportunity.counted {
        text += ", in no sum";
    }
    text
}

fn potential(opportunity: &Opportunity) -> String {
    let Some(base) = &opportunity.estimated_cost_savings_monthly else {
        return "insufficient evidence".to_owned();
    };
    match (&opportunity.monthly_savings_low, &opportunity.monthly_savings_high) {
        (Some(low), Some(high)) => format!("{} ({}–{})", money(base), grouped(&low.amount), grouped(&high.amount)),
        _ => money(base),
    }
}

fn money(money: &Money) -> String {
    format!("{} {}", clean(&money.currency), grouped(&money.amount))
}

fn stamp(span: Span) -> String {
    format!("{}–{}", clock(span.start_seconds), clock(span.end_seconds))
}

fn stamps(spans: &[Span]) -> String {
    let mut text = spans
        .iter()
        .take(MOST_STAMPS)
        .map(|span| stamp(*span))
        .collect::<Vec<_>>()
        .join(", ");
    let more = spans.len().saturating_sub(MOST_STAMPS);
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    text
}

fn remarks(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    let hours = findings.time_savings_hours_weekly.as_deref();
    if let (Some(hours), Some(annual)) = (hours, &findings.cost_savings_annual) {
        lines.push(format!(
            "Potential in all, base scenario: {} hours a week, {} a year.",
            grouped(hours),
            money(annual)
        ));
    }
    let dropped = findings
        .structured_insights
        .as_ref()
        .map_or(0, |structured| structured.dropped.len());
    if dropped > 0 {
        lines.push(format!(
            "Elements of the analyser's reply that could not be read: {dropped}; --json lists them."
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::render;

    fn span(start: f64, end: f64) -> Value {
        json!({ "startSeconds": start, "endSeconds": end })
    }

    fn opportunity(title: &str, monthly: Option<[&str; 3]>) -> Value {
        let amount = |at: usize| monthly.map(|amounts| json!({ "amount": amounts[at], "currency": "EUR" }));
        json!({
            "title": title, "currentTimePerOccurrenceSeconds": 24.25, "occurrencesObserved": 6, "occurrencesPerDay": 40.0,
            "frequencyBasis": if monthly.is_some() { "MEASURED" } else { "EXTRAPOLATED" },
            "peopleCount": 3, "counted": monthly.is_some(), "priority": "HIGH",
            "estimatedCostSavingsMonthly": amount(0), "monthlySavingsLow": amount(1), "monthlySavingsHigh": amount(2),
            "evidence": [span(10.0, 40.0), span(62.0, 91.5)],
        })
    }

    fn findings() -> Value {
        json!({
            "id": "a", "status": "COMPLETED", "errorCode": null, "errorMessage": null, "gptVersion": "local-1",
            "framesAnalyzed": 42, "coverage": 0.995, "confidenceScore": null, "timeSavingsHoursWeekly": "3.5",
            "costSavingsAnnual": { "amount": "14400.00", "currency": "EUR" }, "settings": { "analyser": "LOCAL" },
            "session": { "id": "s", "title": "Orders\u{1b}[2J", "durationSeconds": 300.0, "workflowType": "ORDER_ENTRY" },
            "structuredInsights": {
                "description": "Orders come by mail and are typed into the warehouse system.",
                "steps": [
                    { "number": 1, "action": "Open the order", "application": "Mail", "span": span(0.0, 12.0) },
                    { "number": 2, "action": "Save", "application": null, "span": null },
                ],
                "applications": [{ "name": "Mail", "activeSeconds": 130.0, "share": 0.433 }],
                "routines": [{ "name": "Enter an order", "medianActiveSeconds": 24.0, "occurrences": [{ "span": span(10.0, 40.0) }] }],
                "dropped": ["x"],
            },
            "insights": {
                "totalCount": 1,
                "nodes": [{
                    "insightType": "BOTTLENECK", "title": "Waiting for the system",
                    "description": "Saving an order takes 20 seconds in which nothing else is done.", "priority": null,
                    "evidence": [span(100.0, 120.0), span(220.0, 240.0), span(3600.0, 3620.0)],
                }],
            },
            "opportunities": {
                "totalCount": 3,
                "nodes": [
                    opportunity("Enter orders from mail", Some(["1200.00", "800.00", "1500.00"])),
                    opportunity("Copy the number", None),
                ],
            },
        })
    }

    #[test]
    fn the_result_is_a_table_with_time_stamps() {
        let text = render(&serde_json::from_value(findings()).unwrap());
        insta::assert_snapshot!(text, @r"
        Orders[2J
        5:00 of recording; order entry; analysed on the server itself (local-1); 42 frames; 99 % covered

        Orders come by mail and are typed into the warehouse system.

        Steps
          #  When       Application  Action
          1  0:00–0:12  Mail         Open the order
          2                          Save

        Applications
          Application  Active  Share
          Mail           2:10   43 %

        Routines
          Routine         Times  Median active  When
          Enter an order      1           0:24  0:10–0:40

        Insights
          Kind        Insight                                Priority  When
          bottleneck  Waiting for the system: Saving an                1:40–2:00, 3:40–4:00, 1:00:00–1:00:20
                      order takes 20 seconds in which
                      nothing else is done.

        Opportunities
          Priority  Opportunity               Each  Seen  Frequency                 Potential a month (low–high)
          high      Enter orders from mail  24.2 s     6  measured, 40 a day by 3   EUR 1,200.00
                                                          people                    (800.00–1,500.00)
            at 0:10–0:40, 1:02–1:31
          high      Copy the number         24.2 s     6  extrapolated, 40 a day    insufficient evidence
                                                          by 3 people, in no sum
            at 0:10–0:40, 1:02–1:31
          and 1 more

        Potential in all, base scenario: 3.5 hours a week, EUR 14,400.00 a year.

        Elements of the analyser's reply that could not be read: 1; --json lists them.
        ");
    }

    #[test]
    fn a_result_without_anything_says_so() {
        let mut nothing = findings();
        nothing["structuredInsights"] = Value::Null;
        for list in ["insights", "opportunities"] {
            nothing[list] = json!({ "totalCount": 0, "nodes": [] });
        }
        let text = render(&serde_json::from_value(nothing).unwrap());
        assert!(
            text.contains("Insights: none found\n\nOpportunities: none found\n"),
            "{text}"
        );
    }
}
