//! What an analysis found, as the API tells it. Names of enumerations are texts: a client takes new ones as they come.

use serde::Deserialize;

pub const FINDINGS: &str = "\
query Findings($id: ID!) {
  analysis(id: $id) {
    id status isCurrent errorCode errorMessage gptVersion framesAnalyzed coverage confidenceScore processingTimeSeconds
    timeSavingsHoursWeekly costSavingsAnnual { ...Amount } settings { analyser preset }
    session { id title durationSeconds workflowType }
    structuredInsights {
      description workflows { category name description } patterns dropped
      steps { number action application purpose span { ...Span } }
      applications { name purpose activeSeconds share }
      routines {
        processKey name screens medianActiveSeconds meanActiveSeconds
        occurrences { span { ...Span } activeSeconds waitingSeconds idleSeconds }
      }
    }
    insights(first: 100) {
      totalCount
      nodes { id insightType title description priority confidenceScore timeSavedSeconds evidence { ...Span } }
    }
    opportunities(first: 100, orderBy: [{ field: PRIORITY, direction: DESC }]) {
      totalCount
      nodes {
        id processKey opportunityType title description workflowSteps currentTimePerOccurrenceSeconds occurrencesObserved
        observedSeconds occurrencesPerDay frequencyBasis peopleCount counted automationComplexity
        estimatedCostSavingsMonthly { ...Amount } monthlySavingsLow { ...Amount } monthlySavingsHigh { ...Amount }
        paybackPeriodDays roiPercentage confidenceScore priority priorityReason status evidence { ...Span }
      }
    }
  }
}
fragment Span on TimeSpan { startSeconds endSeconds }
fragment Amount on Money { amount currency }";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    pub id: String,
    pub status: String,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub gpt_version: Option<String>,
    pub frames_analyzed: u64,
    pub coverage: Option<f64>,
    pub confidence_score: Option<f64>,
    pub time_savings_hours_weekly: Option<String>,
    pub cost_savings_annual: Option<Money>,
    pub settings: Settings,
    pub session: Session,
    pub structured_insights: Option<Structured>,
    pub insights: List<Insight>,
    pub opportunities: List<Opportunity>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    pub analyser: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub title: String,
    pub duration_seconds: Option<f64>,
    pub workflow_type: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    pub total_count: u64,
    pub nodes: Vec<T>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    pub start_seconds: f64,
    pub end_seconds: f64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Money {
    /// An exact number.
    pub amount: String,
    pub currency: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Structured {
    pub description: String,
    pub steps: Vec<Step>,
    pub applications: Vec<Application>,
    pub routines: Vec<Routine>,
    pub dropped: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub number: u32,
    pub action: String,
    pub application: Option<String>,
    pub span: Option<Span>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    pub name: String,
    pub active_seconds: Option<f64>,
    pub share: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routine {
    pub name: String,
    pub median_active_seconds: f64,
    pub occurrences: Vec<Occurrence>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Occurrence {
    pub span: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    #[serde(rename = "insightType")]
    pub kind: String,
    pub title: String,
    pub description: String,
    pub priority: Option<String>,
    pub evidence: Vec<Span>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opportunity {
    pub title: String,
    pub current_time_per_occurrence_seconds: Option<f64>,
    pub occurrences_observed: u64,
    pub occurrences_per_day: Option<f64>,
    pub frequency_basis: String,
    pub people_count: u64,
    pub counted: bool,
    pub estimated_cost_savings_monthly: Option<Money>,
    pub monthly_savings_low: Option<Money>,
    pub monthly_savings_high: Option<Money>,
    pub priority: Option<String>,
    pub evidence: Vec<Span>,
}
