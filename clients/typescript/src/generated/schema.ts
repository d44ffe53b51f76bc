// Written by generate.mjs from schema.graphql and src/operations: do not edit.
import type { BigInt } from '../scalars.js';
import type { DateTime } from '../scalars.js';
import type { Decimal } from '../scalars.js';
import type { JSON } from '../scalars.js';
import type { URL } from '../scalars.js';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A whole number of up to 64 bits, as a text: `"53687091200"`. A number is accepted too. */
  BigInt: { input: BigInt; output: BigInt; }
  /** An instant in RFC 3339, with a time zone: `2026-11-24T07:00:00.123456Z`. Answers are in UTC. */
  DateTime: { input: DateTime; output: DateTime; }
  /** An exact decimal number, as a text: `"1234.50"`. A number is accepted too, as its shortest decimal form. */
  Decimal: { input: Decimal; output: Decimal; }
  /** Any JSON value: object, list, text, number, truth value or null. */
  JSON: { input: JSON; output: JSON; }
  /** An address: absolute, or a path on this server where its public address is not configured. */
  URL: { input: URL; output: URL; }
};

/** An invitation to be accepted. */
export type AcceptInvitationInput = {
  /** The token of the invitation. */
  readonly token: Scalars['String']['input'];
  /** First name. */
  readonly firstName?: InputMaybe<Scalars['String']['input']>;
  /** Last name. */
  readonly lastName?: InputMaybe<Scalars['String']['input']>;
  /** What the person does. */
  readonly jobTitle?: InputMaybe<Scalars['String']['input']>;
};

/** An invitation that was accepted. */
export type AcceptInvitationPayload = {
  /** The new member. */
  readonly member: Member;
  /** The organization that the person belongs to now. */
  readonly organization: Organization;
};

/** Who reads a recording. */
export type Analyser =
  /** Measured on this platform's own workers; nothing leaves the house. */
  | 'LOCAL'
  /** A model behind an endpoint, where an owner and the session allow it. */
  | 'REMOTE';

/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type Analysis = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The recording that it is about. */
  readonly session: RecordingSession;
  /** Where it stands. */
  readonly status: AnalysisStatus;
  /** What a worker is doing with it. */
  readonly stage: AnalysisStage;
  /** How far it is, 0 to 1. */
  readonly progress: Scalars['Float']['output'];
  /** Whether it is the newest one with results of its session: what every sum counts, also while it is read anew. */
  readonly isCurrent: Scalars['Boolean']['output'];
  /** How it looks at the recording. */
  readonly settings: AnalysisSettings;
  /** The tries of workers at it, the first one first. */
  readonly attempts: ReadonlyArray<AnalysisAttempt>;
  /** Why it failed; null unless its status is FAILED. */
  readonly errorCode?: Maybe<AnalysisErrorCode>;
  /** Why it failed and what to do about it, in a sentence; null unless its status is FAILED. */
  readonly errorMessage?: Maybe<Scalars['String']['output']>;
  /** The model that answered, as it named itself; null for local analyses. */
  readonly gptVersion?: Maybe<Scalars['String']['output']>;
  /** The version of the questions that the model was asked; null for local analyses. */
  readonly promptVersion?: Maybe<Scalars['String']['output']>;
  /** How many frames were looked at closely. */
  readonly framesAnalyzed: Scalars['Int']['output'];
  /** Share of the recording that the chosen frames stand for, 0 to 1; null before they are chosen. */
  readonly coverage?: Maybe<Scalars['Float']['output']>;
  /** The analyser's own estimate, 0 to 1: not an accuracy. Null before the end, or when it gives none. */
  readonly confidenceScore?: Maybe<Scalars['Float']['output']>;
  /** What the model cost, in USD; null while unknown, when the model has no price, and to operators. */
  readonly analysisCostUsd?: Maybe<Scalars['Decimal']['output']>;
  /** Tokens that went into the model; null while unknown, and to operators. */
  readonly promptTokens?: Maybe<Scalars['Int']['output']>;
  /** Tokens that came out of the model; null while unknown, and to operators. */
  readonly completionTokens?: Maybe<Scalars['Int']['output']>;
  /** How long it took, in seconds; null before the end. */
  readonly processingTimeSeconds?: Maybe<Scalars['Float']['output']>;
  /** How many opportunities it found. */
  readonly automationOpportunitiesCount: Scalars['Int']['output'];
  /** Hours a week that could be saved: potential, base scenario; null where nothing can be counted. */
  readonly timeSavingsHoursWeekly?: Maybe<Scalars['Decimal']['output']>;
  /** Money a year that could be saved: potential, base scenario; null where nothing can be counted. */
  readonly costSavingsAnnual?: Maybe<Money>;
  /**
   * The model's reply, unmodified. For the recorded person, admins and owners; audited; null to others and once it was
   * deleted.
   */
  readonly rawGptResponse?: Maybe<Scalars['JSON']['output']>;
  /** What was read from the recording: steps, applications, routines; null before the end. */
  readonly structuredInsights?: Maybe<StructuredInsights>;
  /** Opportunities that it found, highest potential savings first. */
  readonly opportunities: AutomationOpportunityConnection;
  /** Its newest cost analysis; null before the first. */
  readonly costAnalysis?: Maybe<CostAnalysis>;
  /** Its cost analyses, the newest first: corrections and new assumptions each made one. */
  readonly costAnalyses: CostAnalysisConnection;
  /** Its diagrams. */
  readonly visualizations: ReadonlyArray<WorkflowVisualization>;
  /** Its diagram of one kind; null where there is none. */
  readonly visualization?: Maybe<WorkflowVisualization>;
  /** Insights that it wrote, the newest first. */
  readonly insights: WorkflowInsightConnection;
  /** Frames kept as evidence, in the order of the recording. For the recorded person, admins and owners; empty to others. */
  readonly frames: AnalysisFrameConnection;
  /** Reports made from it, the newest first. */
  readonly reports: ReportConnection;
  /** What left the house for it: one entry per request to a model; empty for local analyses. */
  readonly disclosures: ReadonlyArray<Disclosure>;
  /** When someone asked to cancel it; null unless that happened. */
  readonly cancelRequestedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was last queued. */
  readonly queuedAt: Scalars['DateTime']['output'];
  /** When a worker first took it up; null before. */
  readonly processingStartedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the results that it has were completed, or it failed; null before. */
  readonly processingCompletedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was asked for. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it was last changed. */
  readonly updatedAt: Scalars['DateTime']['output'];
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisOpportunitiesArgs = {
  orderBy?: InputMaybe<ReadonlyArray<OpportunityOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisCostAnalysesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisVisualizationArgs = {
  type: VisualizationType;
  layout?: InputMaybe<LayoutAlgorithm>;
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisInsightsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisFramesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** One analysis of a recording: how it was made, how far it is, and what it found. */
export type AnalysisReportsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};

/** One try of a worker at an analysis. */
export type AnalysisAttempt = {
  /** Its number, from 1. */
  readonly number: Scalars['Int']['output'];
  /** When it began. */
  readonly startedAt: Scalars['DateTime']['output'];
  /** When it ended; null while it runs. */
  readonly endedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Why it failed; null when it did not. */
  readonly errorCode?: Maybe<AnalysisErrorCode>;
  /** What was said about its end; null when nothing was. */
  readonly message?: Maybe<Scalars['String']['output']>;
  /** What it cost, in USD; null while unknown, and to operators. */
  readonly costUsd?: Maybe<Scalars['Decimal']['output']>;
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type AnalysisConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<AnalysisEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<Analysis>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type AnalysisEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: Analysis;
};

/** Why an analysis failed. errorMessage says what to do about it. */
export type AnalysisErrorCode =
  /** Someone cancelled it. */
  | 'CANCELLED'
  /** The file is no video, or has no picture in it. */
  | 'NOT_A_VIDEO'
  /** It is a video, but too little of it can be decoded. */
  | 'VIDEO_UNREADABLE'
  /** It is longer than the organization's plan allows. */
  | 'VIDEO_TOO_LONG'
  /** The video was deleted by its retention rule or by a person. */
  | 'VIDEO_GONE'
  /** The decoder stopped on this file, or exceeded its memory or time. */
  | 'DECODER_CRASHED'
  /** Workers stopped again and again while this analysis ran. */
  | 'WORKER_CRASHED'
  /** Redaction is required and text recognition is not installed. */
  | 'OCR_MISSING'
  /** The organization or the session does not allow screens to leave the house. */
  | 'REMOTE_NOT_ALLOWED'
  /** The model's endpoint refused the credentials. */
  | 'MODEL_UNAUTHORIZED'
  /** The account at the model's endpoint has no credit left. */
  | 'MODEL_QUOTA'
  /** The model declined to answer, or its content filter stopped the answer. */
  | 'MODEL_REFUSED'
  /** The model's answer ended before it was complete. */
  | 'MODEL_CUT_OFF'
  /** The model's answer is stored and cannot be understood. */
  | 'MODEL_UNREADABLE'
  /** The model's endpoint did not take the request, or did not answer or answered with faults until the attempts were used up. */
  | 'MODEL_UNAVAILABLE'
  /** The model has no price on record, so no budget could bind it. */
  | 'MODEL_PRICE_UNKNOWN'
  /** The budget of this analysis or of the organization's month does not cover the estimate. */
  | 'BUDGET_EXCEEDED'
  /** The recording could not be read from storage, or results could not be written to it. */
  | 'STORAGE_UNAVAILABLE'
  /** Every attempt ended in a passing fault; the attempts say which. */
  | 'ATTEMPTS_EXHAUSTED'
  /** A fault of the platform; its operator finds the cause under the analysis's id in the log. */
  | 'INTERNAL';

/** Which analyses; what is left out does not restrict. */
export type AnalysisFilter = {
  /** In one of these states. */
  readonly status?: InputMaybe<ReadonlyArray<AnalysisStatus>>;
  /** Of this session. */
  readonly sessionId?: InputMaybe<Scalars['ID']['input']>;
  /** True for the newest completed one of each session only. */
  readonly currentOnly?: InputMaybe<Scalars['Boolean']['input']>;
  /** Asked for in this range. */
  readonly created?: InputMaybe<DateTimeRange>;
  /** Changed in this range. */
  readonly updated?: InputMaybe<DateTimeRange>;
};

/** A frame of a recording, chosen by an analysis and kept as evidence. For the recorded person, admins and owners. */
export type AnalysisFrame = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** Its place among the analysis's frames, from 0. */
  readonly index: Scalars['Int']['output'];
  /** When it was taken, in seconds from the recording's start. */
  readonly timestampSeconds: Scalars['Float']['output'];
  /** The stretch of the recording that it stands for. */
  readonly span: TimeSpan;
  /** Its width in pixels. */
  readonly widthPixels: Scalars['Int']['output'];
  /** Its height in pixels. */
  readonly heightPixels: Scalars['Int']['output'];
  /** The analysis that chose it. */
  readonly analysis: Analysis;
  /** The cluster of equal screens that it belongs to. */
  readonly screen: Scalars['Int']['output'];
  /** Where its picture is: signed for the caller, for an hour; audited. */
  readonly imageUrl: Scalars['URL']['output'];
  /** Whether personal data on it was covered before it was stored. */
  readonly redacted: Scalars['Boolean']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type AnalysisFrameConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<AnalysisFrameEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<AnalysisFrame>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type AnalysisFrameEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: AnalysisFrame;
};

/** One key of an order of analyses. */
export type AnalysisOrder = {
  /** By what. */
  readonly field: AnalysisOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What analyses can be ordered by. */
export type AnalysisOrderField =
  /** When it was asked for. */
  | 'CREATED_AT'
  /** When it was last changed. */
  | 'UPDATED_AT'
  /** The analyser's own estimate. */
  | 'CONFIDENCE'
  /** Potential savings a year. */
  | 'COST_SAVINGS_ANNUAL';

/** Where an analysis stands. */
export type AnalysisProgress = {
  /** The analysis itself. */
  readonly analysis: Analysis;
  /** Its status; every change of it is told, in order. */
  readonly status: AnalysisStatus;
  /** The stage in hand. */
  readonly stage: AnalysisStage;
  /** Share of the whole, 0 to 1. */
  readonly progress: Scalars['Float']['output'];
  /** Frames chosen or read so far. */
  readonly framesDone: Scalars['Int']['output'];
  /** Frames in all; null until that is known. */
  readonly framesTotal?: Maybe<Scalars['Int']['output']>;
  /** USD that models cost so far; null to all but admins and owners, and while nothing was booked. */
  readonly costUsdSoFar?: Maybe<Scalars['Decimal']['output']>;
  /** A sentence for people; null where there is nothing to say. */
  readonly message?: Maybe<Scalars['String']['output']>;
  /** Since when it stands there. */
  readonly at: Scalars['DateTime']['output'];
};

/** How an analysis looks at a recording. */
export type AnalysisSettings = {
  /** Who reads the recording. */
  readonly analyser: Analyser;
  /** The named choice that the values come from; CUSTOM where any was replaced. */
  readonly preset: SamplingPreset;
  /** Frames looked at per second of recording, 0.1 to 3. */
  readonly framesPerSecond: Scalars['Float']['output'];
  /** Frames kept at most, 20 to 300. */
  readonly maxFrames: Scalars['Int']['output'];
  /** Share of a screen that must change to be another screen, 0.1 to 0.5. */
  readonly sceneThreshold: Scalars['Float']['output'];
};

/** How an analysis is made: a preset, with some values replaced. */
export type AnalysisSettingsInput = {
  /** LOCAL where it is left out; REMOTE needs the organization's and the session's permission. */
  readonly analyser?: InputMaybe<Analyser>;
  /** STANDARD where it is left out. */
  readonly preset?: InputMaybe<SamplingPreset>;
  /** Frames kept per second at most, 0.1 to 3. */
  readonly framesPerSecond?: InputMaybe<Scalars['Float']['input']>;
  /** Frames kept in all at most, 20 to 300. */
  readonly maxFrames?: InputMaybe<Scalars['Int']['input']>;
  /** How much of a screen must change to be another, 0.1 to 0.5. */
  readonly sceneThreshold?: InputMaybe<Scalars['Float']['input']>;
};

/** What a worker is doing with an analysis. An attempt passes the stages in this order and may skip some. */
export type AnalysisStage =
  /** In the queue, before the first attempt or between two. */
  | 'WAITING'
  /** Putting the recording together from its chunks and probing it. */
  | 'ASSEMBLING'
  /** Choosing the frames that tell one screen from the next. */
  | 'EXTRACTING_FRAMES'
  /** Reading the screens and covering personal data on them. */
  | 'REDACTING'
  /** Measuring the screens or asking the model about them. */
  | 'ASKING_MODEL'
  /** Reading steps, routines and opportunities from the stored reply. */
  | 'INTERPRETING'
  /** Working out what the opportunities are worth. */
  | 'COMPUTING_COSTS'
  /** Writing all results in one transaction. */
  | 'STORING'
  /** Over, with or without results. */
  | 'DONE';

/** Where an analysis stands. */
export type AnalysisStatus =
  /** Waits for a worker. Entered by enqueueAnalysis, by retryAnalysis, by reinterpretAnalysis, and by a worker that hands it back for another attempt. */
  | 'QUEUED'
  /** A worker holds it under a lease. Left by that worker, or by the sweep when the lease is dead. */
  | 'PROCESSING'
  /**
   * Done, with results. Left only by reinterpretAnalysis, which derives the results anew in place, and come back to however that ends: a new
   * analysis is a new object.
   */
  | 'COMPLETED'
  /** Ended without results, with an errorCode; CANCELLED is one of them. retryAnalysis takes it back to QUEUED. */
  | 'FAILED';

/** A key with which a partner's program calls the API. Its secret is shown once, when it is made. */
export type ApiKey = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** What it is for, in the owner's words. */
  readonly name: Scalars['String']['output'];
  /** What it may do; never members, keys, roles, budgets or permissions, whatever its role. */
  readonly role: Role;
  /** Whether it may only read. */
  readonly readOnly: Scalars['Boolean']['output'];
  /** The first characters of its secret, to tell keys apart. */
  readonly prefix: Scalars['String']['output'];
  /** When it was last used, to the minute; null if never. */
  readonly lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Until when it works; null for no end. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was revoked; null while it works. */
  readonly revokedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** The use of one application. */
export type ApplicationUse = {
  /** Its name as read from the screen. */
  readonly name: Scalars['String']['output'];
  /** What it was used for; null when that is not known. */
  readonly purpose?: Maybe<Scalars['String']['output']>;
  /** Active time in it, in seconds; null where it was not measured. */
  readonly activeSeconds?: Maybe<Scalars['Float']['output']>;
  /** Its share of the recording's active time, 0 to 1; null where it was not measured. */
  readonly share?: Maybe<Scalars['Float']['output']>;
};

/** Who did what to which row, and which fields changed; never contents. */
export type AuditEntry = {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** When it happened. */
  readonly at: Scalars['DateTime']['output'];
  /** The person who did it; null when it was none. */
  readonly actorUserId?: Maybe<Scalars['ID']['output']>;
  /** The key that did it; null when it was none. */
  readonly actorApiKeyId?: Maybe<Scalars['ID']['output']>;
  /** The part of the platform that did it (worker, sweep, operator); null when a person or key did. */
  readonly actorSystem?: Maybe<Scalars['String']['output']>;
  /** What was done. */
  readonly action: Scalars['String']['output'];
  /** The kind of row that it was done to. */
  readonly subjectType: Scalars['String']['output'];
  /** The row that it was done to; null for what concerns several. */
  readonly subjectId?: Maybe<Scalars['ID']['output']>;
  /** The id of the request, as in the log and in `extensions.requestId` of errors. */
  readonly requestId?: Maybe<Scalars['String']['output']>;
  /** Why, where a reason was given. */
  readonly reason?: Maybe<Scalars['String']['output']>;
  /** Names of the fields that changed. */
  readonly changedFields: ReadonlyArray<Scalars['String']['output']>;
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type AuditEntryConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<AuditEntryEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<AuditEntry>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type AuditEntryEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: AuditEntry;
};

/** Which entries of the audit log; what is left out does not restrict. */
export type AuditFilter = {
  /** Done by this person. */
  readonly actorUserId?: InputMaybe<Scalars['ID']['input']>;
  /** Done to this kind of row. */
  readonly subjectType?: InputMaybe<Scalars['String']['input']>;
  /** Done to this row. */
  readonly subjectId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this act. */
  readonly action?: InputMaybe<Scalars['String']['input']>;
  /** Done in this range. */
  readonly at?: InputMaybe<DateTimeRange>;
};

/** Something that could be automated, what that is worth, and the seconds of the recording that show it. */
export type AutomationOpportunity = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The analysis that found it. */
  readonly analysis: Analysis;
  /** The recording that shows it. */
  readonly session: RecordingSession;
  /** The process that it is about: the same in other recordings has the same key, and sums count it once. */
  readonly processKey: Scalars['String']['output'];
  /** Its kind of work. */
  readonly opportunityType: WorkflowCategory;
  /** What to automate, in a few words. */
  readonly title: Scalars['String']['output'];
  /** How, and what for. */
  readonly description: Scalars['String']['output'];
  /** The steps that would be automated. */
  readonly workflowSteps: ReadonlyArray<Scalars['String']['output']>;
  /** Active and waiting time of one occurrence, in seconds; null when it is not known. */
  readonly currentTimePerOccurrenceSeconds?: Maybe<Scalars['Float']['output']>;
  /** How often the recording shows it. */
  readonly occurrencesObserved: Scalars['Int']['output'];
  /** Recorded time in which it was looked for, in seconds. */
  readonly observedSeconds: Scalars['Float']['output'];
  /** How often a person does it on a working day; null when that is not known. */
  readonly occurrencesPerDay?: Maybe<Scalars['Float']['output']>;
  /** What is known about how often it is done. */
  readonly frequencyBasis: FrequencyBasis;
  /** How many people do it, as people entered it. */
  readonly peopleCount: Scalars['Int']['output'];
  /** How hard it is to automate; null when that is not known. */
  readonly automationComplexity?: Maybe<Complexity>;
  /** Hours to build the automation; null when the complexity is not known either. */
  readonly implementationEffortHours?: Maybe<Scalars['Decimal']['output']>;
  /** Whether these hours were entered or assumed. */
  readonly effortBasis: EffortBasis;
  /** Saving a month: potential, base scenario; null below three occurrences and where the figures behind it are missing. */
  readonly estimatedCostSavingsMonthly?: Maybe<Money>;
  /** The same saving at the low end of the frequency; null as that one. */
  readonly monthlySavingsLow?: Maybe<Money>;
  /** The same saving at the high end of the frequency; null as that one. */
  readonly monthlySavingsHigh?: Maybe<Money>;
  /** Hours saved a month: potential, base scenario; null as the saving. */
  readonly hoursSavedMonthly?: Maybe<Scalars['Decimal']['output']>;
  /** What building it costs; null when the effort is not known. */
  readonly estimatedImplementationCost?: Maybe<Money>;
  /** Return in the first year of steady state, net, in percent of the cost; null without a saving or a cost. */
  readonly roiPercentage?: Maybe<Scalars['Decimal']['output']>;
  /** Days until the saving has paid for the building; null when it never does. */
  readonly paybackPeriodDays?: Maybe<Scalars['Int']['output']>;
  /** Whether it enters sums: false for extrapolated frequencies, which are shown and never summed. */
  readonly counted: Scalars['Boolean']['output'];
  /** The analyser's estimate that this is a real opportunity, 0 to 1; null when it gives none. */
  readonly confidenceScore?: Maybe<Scalars['Float']['output']>;
  /** How soon it deserves attention; null before it was worked out. */
  readonly priority?: Maybe<Priority>;
  /** Why it has this priority, in words. */
  readonly priorityReason?: Maybe<Scalars['String']['output']>;
  /** What people decided about it. */
  readonly status: OpportunityStatus;
  /** What people said about it; null before the first review. */
  readonly review?: Maybe<Review>;
  /** The element of the analyser's reply that it was read from. */
  readonly recordMetadata: Scalars['JSON']['output'];
  /** The stretches of the recording that show it. */
  readonly evidence: ReadonlyArray<TimeSpan>;
  /** The frames that show it. For the recorded person, admins and owners; empty to others. */
  readonly frames: ReadonlyArray<AnalysisFrame>;
  /** When it was found. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it was last changed. */
  readonly updatedAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type AutomationOpportunityConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<AutomationOpportunityEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<AutomationOpportunity>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type AutomationOpportunityEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: AutomationOpportunity;
};

/** What analyses have found and people have made of it. A process counts once, however many recordings show it. */
export type BusinessImpact = {
  /** Recordings, analysed or not. */
  readonly recordings: Scalars['Int']['output'];
  /** Recordings with a completed analysis. */
  readonly analyses: Scalars['Int']['output'];
  /** Hours a year, base scenario. */
  readonly annualHours: ValueByState;
  /** Money a year, base scenario. */
  readonly annualSavings: MoneyByState;
  /** Mean of the analysers' own estimates, 0 to 1; null without any. */
  readonly meanConfidence?: Maybe<Scalars['Float']['output']>;
  /** accepted / (accepted + dismissed) opportunities, implemented ones being accepted; null below ten reviews. */
  readonly reviewPrecision?: Maybe<Scalars['Float']['output']>;
  /** What the sums are made of: each process once, the highest saving first. */
  readonly processes: ReadonlyArray<ProcessContribution>;
};


/** What analyses have found and people have made of it. A process counts once, however many recordings show it. */
export type BusinessImpactProcessesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  skip?: InputMaybe<Scalars['Int']['input']>;
};

/** An analysis to be stopped. */
export type CancelAnalysisInput = {
  /** The analysis. */
  readonly analysisId: Scalars['ID']['input'];
};

/** An analysis that was, or is being, stopped. */
export type CancelAnalysisPayload = {
  /** The analysis. */
  readonly analysis: Analysis;
};

/** A chunk to be uploaded. */
export type ChunkInput = {
  /** Its place in the recording, from 0. */
  readonly chunkIndex: Scalars['Int']['input'];
  /** Its length in bytes. */
  readonly sizeBytes: Scalars['BigInt']['input'];
  /** SHA-256 of its bytes, 64 lower-case hexadecimal digits. */
  readonly sha256: Scalars['String']['input'];
  /** Its media type, passed on to the storage. */
  readonly contentType?: InputMaybe<Scalars['String']['input']>;
};

/** Where a chunk's bytes go: one request with the method, the address and the headers that are named here. */
export type ChunkUpload = {
  /** The chunk. */
  readonly chunk: VideoChunk;
  /** The address, good until `expiresAt`. */
  readonly url: Scalars['URL']['output'];
  /** The method: PUT. */
  readonly method: Scalars['String']['output'];
  /** Headers to send along. */
  readonly headers: ReadonlyArray<HttpHeader>;
  /** From then on the address is refused; ask for another. */
  readonly expiresAt: Scalars['DateTime']['output'];
};

/** Who assigned a recording's category. */
export type ClassifiedBy =
  /** A person chose it; analyses leave it alone. */
  | 'USER'
  /** The model named it. */
  | 'MODEL'
  /** Rules found it from the names of applications and the words on the screens. */
  | 'RULES';

/** Chunks whose bytes a client has put. */
export type CompleteChunkUploadsInput = {
  /** Up to 50 chunks of one session. */
  readonly chunkIds: ReadonlyArray<Scalars['ID']['input']>;
};

/** Chunks that were looked at: COMPLETED where the announced bytes are stored, else FAILED with a message. */
export type CompleteChunkUploadsPayload = {
  /** The chunks, in the order asked for. */
  readonly chunks: ReadonlyArray<VideoChunk>;
  /** Their session. */
  readonly session: RecordingSession;
};

/** How hard an opportunity is to automate. */
export type Complexity =
  /** Rules without exceptions in one or two applications. */
  | 'LOW'
  /** Several applications, or exceptions that can be listed. */
  | 'MEDIUM'
  /** Judgement, free text or systems without an interface. */
  | 'HIGH';

/** How far the figures of a cost analysis can be relied on, by a written rule. */
export type ConfidenceLevel =
  /** Little was observed, or the frequency is only projected. */
  | 'LOW'
  /** The frequency is known, with some of the rest assumed. */
  | 'MEDIUM'
  /** Frequency and effort are known and much was observed. */
  | 'HIGH';

/** What the recorded person agreed to. */
export type Consent = {
  /** The version of the notice that was shown. */
  readonly noticeVersion: Scalars['String']['output'];
  /** When the person agreed. */
  readonly at: Scalars['DateTime']['output'];
  /** When the person took it back; null unless that happened. */
  readonly withdrawnAt?: Maybe<Scalars['DateTime']['output']>;
};

/** What an analysis is worth, with the assumptions that the figures rest on: potential, base scenario. */
export type CostAnalysis = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The analysis that it is about. */
  readonly analysis: Analysis;
  /** The recording that it is about. */
  readonly session: RecordingSession;
  /** Hours a month that the processes take now; null where nothing can be counted, as are all figures. */
  readonly currentMonthlyHours?: Maybe<Scalars['Decimal']['output']>;
  /** What these hours cost. */
  readonly currentMonthlyCost?: Maybe<Money>;
  /** Hours a month that they would still take. */
  readonly projectedMonthlyHours?: Maybe<Scalars['Decimal']['output']>;
  /** What these hours, upkeep and licences would cost. */
  readonly projectedMonthlyCost?: Maybe<Money>;
  /** What building the automations costs. */
  readonly totalImplementationCost?: Maybe<Money>;
  /** Potential saving a month, after upkeep and licences. */
  readonly monthlySavings?: Maybe<Money>;
  /** Potential saving a year: twelve months. */
  readonly annualSavings?: Maybe<Money>;
  /** Days until the saving has paid for the building, as a simple quotient; null when it never does. */
  readonly paybackPeriodDays?: Maybe<Scalars['Int']['output']>;
  /** Return in the first year of steady state, net, in percent of the cost; null without a cost. */
  readonly roiPercentage?: Maybe<Scalars['Decimal']['output']>;
  /** What an hour of work costs, as calculated with. */
  readonly currentHourlyRate?: Maybe<Money>;
  /** How far the figures can be relied on; null when that was not judged. */
  readonly confidenceLevel?: Maybe<ConfidenceLevel>;
  /** Every value that was calculated with, and where it comes from. */
  readonly assumptions: Scalars['JSON']['output'];
  /** What the figures are made of: each process that counts, the highest saving first. Empty for one made before it was kept. */
  readonly processes: ReadonlyArray<ProcessContribution>;
  /** Whether the organization's assumptions have changed since, so that recalculateCosts would give other figures. */
  readonly assumptionsOutdated: Scalars['Boolean']['output'];
  /** Three views of the same savings: WORST, BASE and BEST. */
  readonly scenarios: ReadonlyArray<CostScenario>;
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
};


/** What an analysis is worth, with the assumptions that the figures rest on: potential, base scenario. */
export type CostAnalysisProcessesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  skip?: InputMaybe<Scalars['Int']['input']>;
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type CostAnalysisConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<CostAnalysisEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<CostAnalysis>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type CostAnalysisEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: CostAnalysis;
};

/** Which cost analyses; what is left out does not restrict. */
export type CostAnalysisFilter = {
  /** Of this session. */
  readonly sessionId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this analysis. */
  readonly analysisId?: InputMaybe<Scalars['ID']['input']>;
  /** Made in this range. */
  readonly created?: InputMaybe<DateTimeRange>;
};

/** One key of an order of cost analyses. */
export type CostAnalysisOrder = {
  /** By what. */
  readonly field: CostAnalysisOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What cost analyses can be ordered by. */
export type CostAnalysisOrderField =
  /** When it was made. */
  | 'CREATED_AT'
  /** Potential saving a year. */
  | 'ANNUAL_SAVINGS';

/** One view of the savings. BASE equals the stored figures to the cent. */
export type CostScenario = {
  /** Which one. */
  readonly name: ScenarioName;
  /** Share of occurrences that go through the automations, 0 to 1. */
  readonly adoption: Scalars['Float']['output'];
  /** Saving a month in steady state. */
  readonly monthlySavings: Money;
  /** Today's worth of all cash within the horizon. */
  readonly netPresentValue: Money;
  /** Days until the cash is back, with ramp-up; null when it never is. */
  readonly cashPaybackDays?: Maybe<Scalars['Int']['output']>;
  /** The cash after each month: first the building, then one value for each month of the horizon. */
  readonly cumulativeCash: ReadonlyArray<Money>;
};

/** A new key for a partner. */
export type CreateApiKeyInput = {
  /** What it is for, 1 to 200 characters. */
  readonly name: Scalars['String']['input'];
  /** What it may do; never manage keys, members or roles. */
  readonly role: Role;
  /** Whether it only reads. */
  readonly readOnly?: Scalars['Boolean']['input'];
  /** From when on it is refused; never where it is left out. */
  readonly expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** A repeat with the same key is refused, since the secret is shown once. */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** A key that was made. Its secret is shown here once. */
export type CreateApiKeyPayload = {
  /** The key. */
  readonly apiKey: ApiKey;
  /** The secret, to be sent as `Authorization: Bearer` or `X-API-Key`; shown here once. */
  readonly secret: Scalars['String']['output'];
};

/** A new organization and its first owner. */
export type CreateOrganizationInput = {
  /** Its name, 1 to 200 characters. */
  readonly name: Scalars['String']['input'];
  /** ISO 4217 code of a currency with hundredths; EUR where it is left out. */
  readonly currency?: InputMaybe<Scalars['String']['input']>;
  /** en, nl, fr or de; en where it is left out. */
  readonly locale?: InputMaybe<Scalars['String']['input']>;
  /** IANA name; Europe/Amsterdam where it is left out. */
  readonly timeZone?: InputMaybe<Scalars['String']['input']>;
  /** The owner's first name. */
  readonly firstName?: InputMaybe<Scalars['String']['input']>;
  /** The owner's last name. */
  readonly lastName?: InputMaybe<Scalars['String']['input']>;
  /** The owner's job. */
  readonly jobTitle?: InputMaybe<Scalars['String']['input']>;
  /** A repeat with the same key answers the same organization. */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** An organization that was founded. */
export type CreateOrganizationPayload = {
  /** The organization. */
  readonly organization: Organization;
  /** Its first owner. */
  readonly member: Member;
};

/**
 * An export of a person's or of the organization's data: a ZIP with a JSON file for each table, and the media. Seen by whoever asked
 * for it, as long as that person may have it.
 */
export type DataExport = {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** A person's data, or the organization's. */
  readonly subject: ExportSubject;
  /** Whose data; null for the organization's. */
  readonly member?: Maybe<Member>;
  /** Where it stands. */
  readonly status: ExportStatus;
  /** How far it is, 0 to 1. */
  readonly progress: Scalars['Float']['output'];
  /** Why it could not be made; null unless its status is FAILED. */
  readonly errorMessage?: Maybe<Scalars['String']['output']>;
  /** Where the archive is: signed for the caller, for an hour, with range requests; null unless it is READY and has not expired. */
  readonly downloadUrl?: Maybe<Scalars['URL']['output']>;
  /** The archive's size in bytes; null before it is READY. */
  readonly fileSizeBytes?: Maybe<Scalars['BigInt']['output']>;
  /** Until when the archive is kept: a day from when it was made; null before it is READY. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was asked for. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type DataExportConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<DataExportEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<DataExport>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type DataExportEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: DataExport;
};

/** A range of instants; what is left out does not bound. */
export type DateTimeRange = {
  /** At or after this instant. */
  readonly from?: InputMaybe<Scalars['DateTime']['input']>;
  /** Before this instant. */
  readonly to?: InputMaybe<Scalars['DateTime']['input']>;
};

/** Bounds of an exact number; what is left out does not bound. */
export type DecimalFilter = {
  /** Greater than this. */
  readonly gt?: InputMaybe<Scalars['Decimal']['input']>;
  /** This or greater. */
  readonly gte?: InputMaybe<Scalars['Decimal']['input']>;
  /** Less than this. */
  readonly lt?: InputMaybe<Scalars['Decimal']['input']>;
  /** This or less. */
  readonly lte?: InputMaybe<Scalars['Decimal']['input']>;
};

/** An organization to be deleted. */
export type DeleteOrganizationInput = {
  /** Its name, repeated. */
  readonly confirmName: Scalars['String']['input'];
};

/** An organization that will be erased. */
export type DeleteOrganizationPayload = {
  /** The organization. */
  readonly organizationId: Scalars['ID']['output'];
  /** When everything of it but receipts and audit is erased; until then the platform's operator can undo it. */
  readonly erasedAt: Scalars['DateTime']['output'];
};

/** A session to be erased. */
export type DeleteRecordingSessionInput = {
  /** The session; everything of it is erased. */
  readonly sessionId: Scalars['ID']['input'];
};

/** A session that was erased. */
export type DeleteRecordingSessionPayload = {
  /** The session that is gone. */
  readonly sessionId: Scalars['ID']['output'];
  /** What was erased. */
  readonly erasure: ErasureReceipt;
};

/** What left the house in one request to a model. */
export type Disclosure = {
  /** Where it went. */
  readonly endpoint: Scalars['String']['output'];
  /** To which model. */
  readonly model: Scalars['String']['output'];
  /** How many frames were in it. */
  readonly frames: Scalars['Int']['output'];
  /** How many bytes it had. */
  readonly bytes: Scalars['BigInt']['output'];
  /** When it was sent. */
  readonly at: Scalars['DateTime']['output'];
};

/** Where the hours to build an automation come from. */
export type EffortBasis =
  /** The default for the complexity: every ROI and payback resting on it says "assumed". */
  | 'ASSUMED'
  /** Entered by a person. */
  | 'ENTERED';

/** An analysis to be made. */
export type EnqueueAnalysisInput = {
  /** The session, which is finished and whose video is still there. */
  readonly sessionId: Scalars['ID']['input'];
  /** How. */
  readonly settings?: InputMaybe<AnalysisSettingsInput>;
  /** A repeat within 24 hours with the same key answers the first analysis. */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** An analysis that was queued, or queued before with the same key. */
export type EnqueueAnalysisPayload = {
  /** The analysis. */
  readonly analysis: Analysis;
};

/** That something was erased and how much, without what it was. */
export type ErasureReceipt = {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** When. */
  readonly at: Scalars['DateTime']['output'];
  /** Rows that are gone. */
  readonly rows: Scalars['Int']['output'];
  /** Objects that are deleted from storage. */
  readonly objects: Scalars['Int']['output'];
  /** Their bytes. */
  readonly bytes: Scalars['BigInt']['output'];
};

/** What happened, in an organization's log of events. */
export type EventKind =
  /** A recording was started. */
  | 'SESSION_CREATED'
  /** A recording's title, category, settings or figures changed. */
  | 'SESSION_CHANGED'
  /** A recording moved to another status; `from` and `to` say which. */
  | 'SESSION_STATUS_CHANGED'
  /** A recording and everything derived from it was erased. */
  | 'SESSION_DELETED'
  /** An analysis was queued or moved to another status; `from` and `to` say which. */
  | 'ANALYSIS_STATUS_CHANGED'
  /** An analysis found an automation opportunity. */
  | 'OPPORTUNITY_CREATED'
  /** An opportunity was reviewed, corrected or worked out anew. */
  | 'OPPORTUNITY_CHANGED'
  /** An analysis wrote its insights. */
  | 'INSIGHTS_CREATED'
  /** Costs and savings were worked out, for a new analysis or from new assumptions. */
  | 'COST_ANALYSIS_CREATED'
  /** A report was asked for or moved to another status; `from` and `to` say which. */
  | 'REPORT_STATUS_CHANGED'
  /** A member joined, left, changed role or changed the profile. */
  | 'MEMBER_CHANGED'
  /** The organization's name, settings, limits or permissions changed. */
  | 'ORGANIZATION_CHANGED';

/** What to export. */
export type ExportDataInput = {
  /** A person's data, or the organization's. */
  readonly subject?: ExportSubject;
  /** Whose, for a person's data; the caller's own where it is left out. */
  readonly memberId?: InputMaybe<Scalars['ID']['input']>;
};

/** An export that is made by a worker. */
export type ExportDataPayload = {
  /** The export: read its status until it is READY. */
  readonly export: DataExport;
};

/** Where an export stands. */
export type ExportStatus =
  /** Waits for a worker. Entered by exportData, and by a worker that hands it back. */
  | 'QUEUED'
  /** A worker is making the archive. */
  | 'GENERATING'
  /** Can be fetched for a day; then it is deleted, with its archive. */
  | 'READY'
  /** Could not be made, or something in it was erased; errorMessage says why. Ask for another. */
  | 'FAILED';

/** What is exported. */
export type ExportSubject =
  /** Everything about one member. */
  | 'PERSON'
  /** Everything of the organization. */
  | 'ORGANIZATION';

/** A chunk that a client gave up on. */
export type FailChunkUploadInput = {
  /** The chunk. */
  readonly chunkId: Scalars['ID']['input'];
  /** Why, for its person; at most 1,000 characters. */
  readonly message: Scalars['String']['input'];
};

/** A chunk that was given up on. */
export type FailChunkUploadPayload = {
  /** The chunk. */
  readonly chunk: VideoChunk;
};

/** The end of a recording. */
export type FinishRecordingSessionInput = {
  /** The session. */
  readonly sessionId: Scalars['ID']['input'];
  /** How many chunks it has: exactly 0 to `chunkCount - 1` must be completed. */
  readonly chunkCount: Scalars['Int']['input'];
  /** Whether it is analysed at once. */
  readonly analyze?: Scalars['Boolean']['input'];
  /** How, where it is. */
  readonly analysis?: InputMaybe<AnalysisSettingsInput>;
};

/** A recording that was finished. */
export type FinishRecordingSessionPayload = {
  /** The session. */
  readonly session: RecordingSession;
  /** The analysis that was queued; null where none was asked for. */
  readonly analysis?: Maybe<Analysis>;
};

/** What is known about how often a process is done. */
export type FrequencyBasis =
  /** A person entered how often; counts in sums. */
  | 'DECLARED'
  /** Recorded for at least four active hours on at least two days; counts in sums. */
  | 'MEASURED'
  /** Projected from a short recording: shown with its uncertainty, never summed. */
  | 'EXTRAPOLATED';

/** A header that a client sends along. */
export type HttpHeader = {
  /** Its name. */
  readonly name: Scalars['String']['output'];
  /** Its value. */
  readonly value: Scalars['String']['output'];
};

/** Which insights; what is left out does not restrict. */
export type InsightFilter = {
  /** Of this session. */
  readonly sessionId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this analysis. */
  readonly analysisId?: InputMaybe<Scalars['ID']['input']>;
  /** About one of these. */
  readonly insightType?: InputMaybe<ReadonlyArray<InsightType>>;
  /** Of one of these priorities. */
  readonly priority?: InputMaybe<ReadonlyArray<Priority>>;
};

/** One key of an order of insights. */
export type InsightOrder = {
  /** By what. */
  readonly field: InsightOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What insights can be ordered by. */
export type InsightOrderField =
  /** When it was written. */
  | 'CREATED_AT'
  /** Urgency: CRITICAL is largest. */
  | 'PRIORITY'
  /** What acting on it could save per occurrence. */
  | 'TIME_SAVED';

/** What an insight is about. */
export type InsightType =
  /** Something that comes back: a routine, a habit, an order of work. */
  | 'PATTERN'
  /** Where time is lost: waiting, rework, switching. */
  | 'BOTTLENECK'
  /** What could be done differently. */
  | 'OPTIMIZATION';

/** An invitation to join the organization. Its secret token is shown once, when it is made. */
export type Invitation = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The address that was invited; only its holder can accept. */
  readonly email: Scalars['String']['output'];
  /** What the person may do after joining. */
  readonly role: Role;
  /** Until when it can be accepted. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** When it was accepted; null while it is open. */
  readonly acceptedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was taken back; null unless it was. */
  readonly revokedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type InvitationConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<InvitationEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<Invitation>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type InvitationEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: Invitation;
};

/** Somebody to be invited. */
export type InviteMemberInput = {
  /** The address; the invitation is for whoever signs in with it. */
  readonly email: Scalars['String']['input'];
  /** What the person may do; admins invite operators only. */
  readonly role: Role;
  /** A repeat with the same key is refused, since the token is shown once. */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** An invitation that was made. The token is shown here once. */
export type InviteMemberPayload = {
  /** The invitation. */
  readonly invitation: Invitation;
  /** What the invited person accepts with; shown here once. */
  readonly token: Scalars['String']['output'];
};

/** How a diagram's nodes are placed. */
export type LayoutAlgorithm =
  /** In layers from left to right. */
  | 'DAGRE'
  /** In layers from top to bottom. */
  | 'HIERARCHICAL'
  /** By attraction along edges and repulsion between nodes. */
  | 'FORCE';

/** A person with a place in the organization. */
export type Member = Node & {
  /** The membership's id, which is also the person's. */
  readonly id: Scalars['ID']['output'];
  /** The person's id, as in the sign-in token. */
  readonly userId: Scalars['ID']['output'];
  /** The address from the sign-in token, kept at sign-in; null for tokens without one. */
  readonly email?: Maybe<Scalars['String']['output']>;
  /** What the person may do. */
  readonly role: Role;
  /** The first name, if the person gave one. */
  readonly firstName?: Maybe<Scalars['String']['output']>;
  /** The last name, if the person gave one. */
  readonly lastName?: Maybe<Scalars['String']['output']>;
  /** What the person does, if given. */
  readonly jobTitle?: Maybe<Scalars['String']['output']>;
  /** When the person joined. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type MemberConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<MemberEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<Member>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type MemberEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: Member;
};

/** An amount in a currency. */
export type Money = {
  /** The number, in whole cents. */
  readonly amount: Scalars['Decimal']['output'];
  /** The currency, by its ISO 4217 code. */
  readonly currency: Scalars['String']['output'];
};

/** Three different sums of money; each holds the next. */
export type MoneyByState = {
  /** Potential of everything that was found and not dismissed. */
  readonly identified: Money;
  /** Of these, what people accepted or implemented. */
  readonly accepted: Money;
  /** Of these, what is implemented: the only sum that may be called saved. */
  readonly implemented: Money;
};

/** Everything that can be changed. */
export type Mutation = {
  /** Founds an organization: a signed-in person who belongs to none, and who then owns it. */
  readonly createOrganization?: Maybe<CreateOrganizationPayload>;
  /** Changes an organization: admins and owners; budgets, permissions, retention, currency and notice are for owners. */
  readonly updateOrganization?: Maybe<UpdateOrganizationPayload>;
  /** Seven days to undo by the platform's operator; then everything but the receipt is erased. Owners. */
  readonly deleteOrganization?: Maybe<DeleteOrganizationPayload>;
  /** Makes a key for a partner: owners, at most 20. Its secret is answered once. */
  readonly createApiKey?: Maybe<CreateApiKeyPayload>;
  /** Revokes a key within a second, on open sockets too: owners. */
  readonly revokeApiKey?: Maybe<RevokeApiKeyPayload>;
  /** Changes the caller's own profile. */
  readonly updateProfile?: Maybe<UpdateProfilePayload>;
  /** Invites somebody: owners, and admins for operators. The token is answered once; it is good for seven days. */
  readonly inviteMember?: Maybe<InviteMemberPayload>;
  /** Accepts an invitation: a signed-in person who belongs to no organization, with the invited address. */
  readonly acceptInvitation?: Maybe<AcceptInvitationPayload>;
  /** Revokes an invitation that was not accepted yet: admins and owners. */
  readonly revokeInvitation?: Maybe<RevokeInvitationPayload>;
  /** Changes a member's role: owners, never their own; the last owner stays one. */
  readonly updateMemberRole?: Maybe<UpdateMemberRolePayload>;
  /** Removes a member, or leaves: owners anyone, admins operators, everyone oneself; the last owner stays. */
  readonly removeMember?: Maybe<RemoveMemberPayload>;
  /** Starts a recording. Its person has been shown the notice in force, whose version is named. */
  readonly startRecordingSession?: Maybe<StartRecordingSessionPayload>;
  /** Announces chunks, and answers where each goes. Every step of an upload may be repeated, in parallel and out of order. */
  readonly requestChunkUploads?: Maybe<RequestChunkUploadsPayload>;
  /** Completes chunks whose bytes were put. */
  readonly completeChunkUploads?: Maybe<CompleteChunkUploadsPayload>;
  /** Records that a client gave up on a chunk; it may be announced and put again. */
  readonly failChunkUpload?: Maybe<FailChunkUploadPayload>;
  /** Finishes a recording of exactly so many chunks, and has it analysed unless told otherwise. Again, it changes nothing. */
  readonly finishRecordingSession?: Maybe<FinishRecordingSessionPayload>;
  /**
   * Changes what people say about a session: the recorded person, admins and owners. Figures follow declaredOccurrencesPerDay and
   * peopleCount at the next analysis or recalculateCosts, where no reviewer entered other ones.
   */
  readonly updateRecordingSession?: Maybe<UpdateRecordingSessionPayload>;
  /** Takes a consent back: what is under way for the session stops, and everything of it is erased. */
  readonly withdrawConsent?: Maybe<WithdrawConsentPayload>;
  /** Erases a session with everything of it: chunks, frames, replies, analyses, opportunities, reports and links. */
  readonly deleteRecordingSession?: Maybe<DeleteRecordingSessionPayload>;
  /** Queues an analysis of a finished session; one at a time per session. */
  readonly enqueueAnalysis?: Maybe<EnqueueAnalysisPayload>;
  /**
   * Stops an analysis: a queued one at once, a running one within two seconds. One that is over stays as it is; one that was only
   * being read anew goes back to COMPLETED, with the results that it had.
   */
  readonly cancelAnalysis?: Maybe<CancelAnalysisPayload>;
  /** Tries a failed analysis again, in the same row; what a model already answered is not asked for again. */
  readonly retryAnalysis?: Maybe<RetryAnalysisPayload>;
  /**
   * Derives everything again from the stored raw reply, without asking the model. What people entered is kept. Until there are new
   * results the ones that it has stay, in the sums too; when it is cancelled or fails, it goes back to COMPLETED with them, and the try
   * that failed is among its attempts. It takes the place of no analysis that was made after it.
   */
  readonly reinterpretAnalysis?: Maybe<ReinterpretAnalysisPayload>;
  /** Enters a review: admins and owners. Money, summary and a new cost analysis follow in the same transaction. */
  readonly updateOpportunity?: Maybe<UpdateOpportunityPayload>;
  /**
   * Calculates costs anew: admins and owners. One analysis at once, all of them soon. Takes what the sessions declare now, where no reviewer
   * entered something else. Earlier cost analyses stay as history.
   */
  readonly recalculateCosts?: Maybe<RecalculateCostsPayload>;
  /**
   * Has a copy made of what is stored: people of their own data, admins and owners of a member's, owners of the organization's;
   * also with an inactive subscription. While one of the same is under way, a repeat answers that one; a new one replaces an older. Audited.
   */
  readonly exportData?: Maybe<ExportDataPayload>;
};


/** Everything that can be changed. */
export type MutationCreateOrganizationArgs = {
  input: CreateOrganizationInput;
};


/** Everything that can be changed. */
export type MutationUpdateOrganizationArgs = {
  input: UpdateOrganizationInput;
};


/** Everything that can be changed. */
export type MutationDeleteOrganizationArgs = {
  input: DeleteOrganizationInput;
};


/** Everything that can be changed. */
export type MutationCreateApiKeyArgs = {
  input: CreateApiKeyInput;
};


/** Everything that can be changed. */
export type MutationRevokeApiKeyArgs = {
  input: RevokeApiKeyInput;
};


/** Everything that can be changed. */
export type MutationUpdateProfileArgs = {
  input: UpdateProfileInput;
};


/** Everything that can be changed. */
export type MutationInviteMemberArgs = {
  input: InviteMemberInput;
};


/** Everything that can be changed. */
export type MutationAcceptInvitationArgs = {
  input: AcceptInvitationInput;
};


/** Everything that can be changed. */
export type MutationRevokeInvitationArgs = {
  input: RevokeInvitationInput;
};


/** Everything that can be changed. */
export type MutationUpdateMemberRoleArgs = {
  input: UpdateMemberRoleInput;
};


/** Everything that can be changed. */
export type MutationRemoveMemberArgs = {
  input: RemoveMemberInput;
};


/** Everything that can be changed. */
export type MutationStartRecordingSessionArgs = {
  input: StartRecordingSessionInput;
};


/** Everything that can be changed. */
export type MutationRequestChunkUploadsArgs = {
  input: RequestChunkUploadsInput;
};


/** Everything that can be changed. */
export type MutationCompleteChunkUploadsArgs = {
  input: CompleteChunkUploadsInput;
};


/** Everything that can be changed. */
export type MutationFailChunkUploadArgs = {
  input: FailChunkUploadInput;
};


/** Everything that can be changed. */
export type MutationFinishRecordingSessionArgs = {
  input: FinishRecordingSessionInput;
};


/** Everything that can be changed. */
export type MutationUpdateRecordingSessionArgs = {
  input: UpdateRecordingSessionInput;
};


/** Everything that can be changed. */
export type MutationWithdrawConsentArgs = {
  input: WithdrawConsentInput;
};


/** Everything that can be changed. */
export type MutationDeleteRecordingSessionArgs = {
  input: DeleteRecordingSessionInput;
};


/** Everything that can be changed. */
export type MutationEnqueueAnalysisArgs = {
  input: EnqueueAnalysisInput;
};


/** Everything that can be changed. */
export type MutationCancelAnalysisArgs = {
  input: CancelAnalysisInput;
};


/** Everything that can be changed. */
export type MutationRetryAnalysisArgs = {
  input: RetryAnalysisInput;
};


/** Everything that can be changed. */
export type MutationReinterpretAnalysisArgs = {
  input: ReinterpretAnalysisInput;
};


/** Everything that can be changed. */
export type MutationUpdateOpportunityArgs = {
  input: UpdateOpportunityInput;
};


/** Everything that can be changed. */
export type MutationRecalculateCostsArgs = {
  input: RecalculateCostsInput;
};


/** Everything that can be changed. */
export type MutationExportDataArgs = {
  input: ExportDataInput;
};

/** Anything that has an id of its own and can be had by it. */
export type Node = {
  /** The id, unique among all objects. */
  readonly id: Scalars['ID']['output'];
};

/** One time that a routine was done. */
export type Occurrence = {
  /** When. */
  readonly span: TimeSpan;
  /** Seconds in which the person worked. */
  readonly activeSeconds: Scalars['Float']['output'];
  /** Seconds in which the screen was busy: spinner, progress, load. */
  readonly waitingSeconds: Scalars['Float']['output'];
  /** Seconds in which nothing changed for long: a break, never part of a saving. */
  readonly idleSeconds: Scalars['Float']['output'];
};

/** Which opportunities; what is left out does not restrict. */
export type OpportunityFilter = {
  /** Of this session. */
  readonly sessionId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this analysis. */
  readonly analysisId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this process. */
  readonly processKey?: InputMaybe<Scalars['String']['input']>;
  /** Of one of these kinds of work. */
  readonly opportunityType?: InputMaybe<ReadonlyArray<WorkflowCategory>>;
  /** Of one of these priorities. */
  readonly priority?: InputMaybe<ReadonlyArray<Priority>>;
  /** In one of these states. */
  readonly status?: InputMaybe<ReadonlyArray<OpportunityStatus>>;
  /** Of one of these complexities. */
  readonly automationComplexity?: InputMaybe<ReadonlyArray<Complexity>>;
  /** With a frequency known in one of these ways. */
  readonly frequencyBasis?: InputMaybe<ReadonlyArray<FrequencyBasis>>;
  /** With a return on investment within these bounds, in percent. */
  readonly roiPercentage?: InputMaybe<DecimalFilter>;
  /** True for those of the newest completed analysis of each session only. */
  readonly currentOnly?: InputMaybe<Scalars['Boolean']['input']>;
  /** Changed in this range. */
  readonly updated?: InputMaybe<DateTimeRange>;
};

/** One key of an order of opportunities. */
export type OpportunityOrder = {
  /** By what. */
  readonly field: OpportunityOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What opportunities can be ordered by. */
export type OpportunityOrderField =
  /** Potential saving a month. */
  | 'ESTIMATED_COST_SAVINGS_MONTHLY'
  /** Return on investment. */
  | 'ROI_PERCENTAGE'
  /** Days until it has paid for itself. */
  | 'PAYBACK_PERIOD'
  /** Urgency: CRITICAL is largest. */
  | 'PRIORITY'
  /** When it was found. */
  | 'CREATED_AT'
  /** When it was last changed. */
  | 'UPDATED_AT';

/** What people decided about an opportunity. */
export type OpportunityStatus =
  /** Found by an analysis, not yet reviewed. */
  | 'PROPOSED'
  /** A reviewer agrees that it is worth automating. */
  | 'ACCEPTED'
  /** A reviewer turned it down; it counts in no sum. */
  | 'DISMISSED'
  /** Automated. Only these savings may be called saved. */
  | 'IMPLEMENTED';

/** Which way a list is ordered. */
export type OrderDirection =
  /** Smallest, oldest or first in the alphabet first; without a value last. */
  | 'ASC'
  /** Largest, newest or last in the alphabet first; without a value last. */
  | 'DESC';

/** An organization: the company whose work is recorded, with its plan, rules and assumptions. */
export type Organization = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** Its name. */
  readonly name: Scalars['String']['output'];
  /** The plan that sets its limits. */
  readonly subscriptionTier: SubscriptionTier;
  /** Whether it may add recordings and analyses. */
  readonly subscriptionStatus: SubscriptionStatus;
  /** How many members the plan allows. */
  readonly maxUsers: Scalars['Int']['output'];
  /** How many recordings the plan allows in a month. */
  readonly maxRecordingsPerMonth: Scalars['Int']['output'];
  /** The currency of its money figures, by its ISO 4217 code. */
  readonly currency: Scalars['String']['output'];
  /** The language of its reports: en, nl, fr or de. */
  readonly locale: Scalars['String']['output'];
  /** The IANA name of its time zone; months and days are counted in it. */
  readonly timeZone: Scalars['String']['output'];
  /** Whether an owner has allowed screens to be sent to a model's endpoint. */
  readonly remoteAnalysisAllowed: Scalars['Boolean']['output'];
  /** What models may cost in a month, in USD. */
  readonly modelBudgetMonthlyUsd: Scalars['Decimal']['output'];
  /** What models may cost in one analysis, in USD. */
  readonly modelBudgetPerAnalysisUsd: Scalars['Decimal']['output'];
  /** How long what is kept. */
  readonly retention: RetentionRules;
  /** What every calculation starts from. */
  readonly roiDefaults: RoiDefaults;
  /** How much of the plan is used in the running month. */
  readonly usage: Usage;
  /** When its deletion was asked for; null unless it is to be deleted. */
  readonly deletionRequestedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was founded. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it was last changed. */
  readonly updatedAt: Scalars['DateTime']['output'];
};

/**
 * Something that happened in the organization. `cursor` goes into `after`; `sequence` rises by exactly one from event to event,
 * so that a client can see that it has missed nothing (with `kinds` it may skip).
 */
export type OrganizationEvent = {
  /** The position to go on from. */
  readonly cursor: Scalars['String']['output'];
  /** Its number in the organization's log. */
  readonly sequence: Scalars['BigInt']['output'];
  /** What happened. */
  readonly kind: EventKind;
  /** The id of what it happened to. */
  readonly subjectId: Scalars['ID']['output'];
  /** What it happened to, as it is now; null where it is gone or the caller may not see it. */
  readonly subject?: Maybe<Node>;
  /** The state that it left; null where it is no change of state. */
  readonly from?: Maybe<Scalars['String']['output']>;
  /** The state that it came to; null where it is no change of state. */
  readonly to?: Maybe<Scalars['String']['output']>;
  /** Who did it; null for workers and keys, and to operators unless they did it themselves, since it would tell who recorded. */
  readonly actorUserId?: Maybe<Scalars['ID']['output']>;
  /** The key that did it; null unless one did. A key is nobody's name, so everybody may know. */
  readonly actorApiKeyId?: Maybe<Scalars['ID']['output']>;
  /** When. */
  readonly at: Scalars['DateTime']['output'];
};

/** Where a page of a long list stands. */
export type PageInfo = {
  /**
   * Whether rows follow the last one of this page. Going backward, true wherever `before` is given: the row of that cursor
   * follows, unless it was erased since.
   */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /**
   * Whether rows come before the first one of this page. Going forward, true wherever `after` is given: the row of that cursor
   * comes before, unless it was erased since.
   */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** The place of the first row, for `before`; null on an empty page. */
  readonly startCursor?: Maybe<Scalars['String']['output']>;
  /** The place of the last row, for `after`; null on an empty page. */
  readonly endCursor?: Maybe<Scalars['String']['output']>;
};

/** A recording to watch. */
export type Playback = {
  /** Where: signed for the caller, with range requests. */
  readonly url: Scalars['URL']['output'];
  /** Until when the address works. */
  readonly expiresAt: Scalars['DateTime']['output'];
};

/** How soon an opportunity deserves attention, by a written rule; HIGH and CRITICAL only where the frequency is known. */
export type Priority =
  /** Worth little, or known too little. */
  | 'LOW'
  /** Worth a look. */
  | 'MEDIUM'
  /** Pays back soon on a known frequency. */
  | 'HIGH'
  /** Pays back at once, on a known frequency and in large sums. */
  | 'CRITICAL';

/** How a recording is to be treated; stricter than the organization's rules, never laxer. */
export type PrivacySettings = {
  /** Whether personal data is covered on every frame and in every text before it is stored or sent. */
  readonly redactPersonalData: Scalars['Boolean']['output'];
  /** Whether passwords are covered. */
  readonly blurPasswords: Scalars['Boolean']['output'];
  /** Words and window titles to leave out. */
  readonly customExclusions: ReadonlyArray<Scalars['String']['output']>;
  /** Whether its screens may be sent to a model, where the organization allows that. */
  readonly allowRemoteAnalysis: Scalars['Boolean']['output'];
  /** Days until its video is deleted; null for the organization's rule. */
  readonly retainVideoDays?: Maybe<Scalars['Int']['output']>;
};

/** How a recording is to be treated. What the organization rules may only become stricter. */
export type PrivacySettingsInput = {
  /** Cover personal data on frames and in texts, and show no raw video; true where it is left out. */
  readonly redactPersonalData?: InputMaybe<Scalars['Boolean']['input']>;
  /** Cover passwords; true where it is left out. */
  readonly blurPasswords?: InputMaybe<Scalars['Boolean']['input']>;
  /** Words, window titles or applications whose screens are dropped whole; at most 100. */
  readonly customExclusions?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** False keeps this recording from every model, whatever the organization allows. */
  readonly allowRemoteAnalysis?: InputMaybe<Scalars['Boolean']['input']>;
  /** Days until the video is deleted; at most the organization's. */
  readonly retainVideoDays?: InputMaybe<Scalars['Int']['input']>;
};

/**
 * What one process adds to a sum, in the base scenario. The savings of all of them add up to the sum to the cent; the evidence of
 * their opportunities shows each in its recordings.
 */
export type ProcessContribution = {
  /** The process: its normalised sequence of applications and steps, as corrected by reviewers. */
  readonly processKey: Scalars['String']['output'];
  /** The kind of work that its newest observation has. */
  readonly category: WorkflowCategory;
  /** The furthest that it has come: PROPOSED, ACCEPTED or IMPLEMENTED. It counts as identified, from ACCEPTED on as accepted too. */
  readonly status: OpportunityStatus;
  /** What its frequency is known from: DECLARED or MEASURED, since nothing else enters a sum. */
  readonly frequencyBasis: FrequencyBasis;
  /** How often a person does it on a working day. */
  readonly occurrencesPerDay: Scalars['Float']['output'];
  /** How many people do it. */
  readonly peopleCount: Scalars['Int']['output'];
  /** How often all recordings saw it from beginning to end. */
  readonly occurrencesObserved: Scalars['Int']['output'];
  /** Recorded time of the recordings that show it, without idle time, in seconds. */
  readonly observedSeconds: Scalars['Float']['output'];
  /** Hours saved a month. */
  readonly hoursSavedMonthly: Scalars['Decimal']['output'];
  /** Saved a month, after upkeep and licences. */
  readonly monthlySavings: Money;
  /** Saved a year: twelve months. */
  readonly annualSavings: Money;
  /** What building its automation costs. */
  readonly implementationCost: Money;
  /** The share of its shown time that no other process claims, 0 to 1: the same seconds count once. */
  readonly ownShare: Scalars['Float']['output'];
  /** Whether it was cut, because a person's day holds only so many hours. */
  readonly capped: Scalars['Boolean']['output'];
  /** How many opportunities it was pooled from when the sum was made. */
  readonly opportunitiesCount: Scalars['Int']['output'];
  /**
   * The opportunities that it was pooled from, newest first: evidence, frames and recording of each show it. Those that a new reading
   * has replaced since, or that were erased, are left out.
   */
  readonly opportunities: ReadonlyArray<AutomationOpportunity>;
};


/**
 * What one process adds to a sum, in the base scenario. The savings of all of them add up to the sum to the cent; the evidence of
 * their opportunities shows each in its recordings.
 */
export type ProcessContributionOpportunitiesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  skip?: InputMaybe<Scalars['Int']['input']>;
};

/** Everything that can be asked. */
export type Query = {
  /** Who is asking. */
  readonly viewer: Viewer;
  /** Anything by its id; null when there is nothing that the caller may see. */
  readonly node?: Maybe<Node>;
  /** Several things by their ids, in their order; null for each that is nothing that the caller may see. */
  readonly nodes: ReadonlyArray<Maybe<Node>>;
  /** The caller's organization; null to a person who belongs to none yet. */
  readonly organization?: Maybe<Organization>;
  /** How much of its plan the organization uses. */
  readonly usage?: Maybe<Usage>;
  /** The organization's members, who came first first. */
  readonly members?: Maybe<MemberConnection>;
  /** Invitations to the organization, the newest first. Persons who are admins or owners. */
  readonly invitations?: Maybe<InvitationConnection>;
  /** The organization's keys, revoked ones too, the newest first. Owners. */
  readonly apiKeys?: Maybe<ReadonlyArray<ApiKey>>;
  /** The text that a person to be recorded is shown, in force now: the platform's own until an owner has set one. */
  readonly recordingNotice?: Maybe<RecordingNotice>;
  /** A session by its id; null when there is none that the caller may see. */
  readonly recordingSession?: Maybe<RecordingSession>;
  /** The organization's sessions, the newest first unless ordered otherwise. */
  readonly recordingSessions?: Maybe<RecordingSessionConnection>;
  /** An analysis by its id; null when there is none that the caller may see. */
  readonly analysis?: Maybe<Analysis>;
  /** The organization's analyses, the newest first unless ordered otherwise. */
  readonly analyses?: Maybe<AnalysisConnection>;
  /** An opportunity by its id; null when there is none that the caller may see. */
  readonly opportunity?: Maybe<AutomationOpportunity>;
  /**
   * The organization's opportunities, highest potential saving first unless ordered otherwise; those of earlier analyses too
   * unless `currentOnly`.
   */
  readonly opportunities?: Maybe<AutomationOpportunityConnection>;
  /** A cost analysis by its id; null when there is none that the caller may see. */
  readonly costAnalysis?: Maybe<CostAnalysis>;
  /** The organization's cost analyses, the newest first unless ordered otherwise. */
  readonly costAnalyses?: Maybe<CostAnalysisConnection>;
  /** The organization's insights, the newest first unless ordered otherwise. */
  readonly insights?: Maybe<WorkflowInsightConnection>;
  /** The organization's reports, the newest first unless ordered otherwise. */
  readonly reports?: Maybe<ReportConnection>;
  /** How the organization does by kind of work: the newest completed analysis of each recording, highest potential first. */
  readonly organizationPerformance?: Maybe<ReadonlyArray<WorkflowTypePerformance>>;
  /** The newest completed analysis of each recording by the category of its first workflow, most analyses first. */
  readonly workflowPatterns?: Maybe<ReadonlyArray<WorkflowPattern>>;
  /** What analyses have found and people have made of it, over the whole organization. */
  readonly businessImpact?: Maybe<BusinessImpact>;
  /** The audit log, the newest entry first. Owners and admins. */
  readonly auditLog?: Maybe<AuditEntryConnection>;
  /** An export by its id; null when there is none that the caller has asked for and may have. */
  readonly dataExport?: Maybe<DataExport>;
  /** The exports that the caller has asked for, the newest first; one for each subject, and those under way. */
  readonly dataExports?: Maybe<DataExportConnection>;
};


/** Everything that can be asked. */
export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryNodesArgs = {
  ids: ReadonlyArray<Scalars['ID']['input']>;
};


/** Everything that can be asked. */
export type QueryMembersArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryInvitationsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryRecordingNoticeArgs = {
  locale?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryRecordingSessionArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryRecordingSessionsArgs = {
  filter?: InputMaybe<RecordingSessionFilter>;
  orderBy?: InputMaybe<ReadonlyArray<RecordingSessionOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryAnalysisArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryAnalysesArgs = {
  filter?: InputMaybe<AnalysisFilter>;
  orderBy?: InputMaybe<ReadonlyArray<AnalysisOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryOpportunityArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryOpportunitiesArgs = {
  filter?: InputMaybe<OpportunityFilter>;
  orderBy?: InputMaybe<ReadonlyArray<OpportunityOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryCostAnalysisArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryCostAnalysesArgs = {
  filter?: InputMaybe<CostAnalysisFilter>;
  orderBy?: InputMaybe<ReadonlyArray<CostAnalysisOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryInsightsArgs = {
  filter?: InputMaybe<InsightFilter>;
  orderBy?: InputMaybe<ReadonlyArray<InsightOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryReportsArgs = {
  filter?: InputMaybe<ReportFilter>;
  orderBy?: InputMaybe<ReadonlyArray<ReportOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryOrganizationPerformanceArgs = {
  during?: InputMaybe<DateTimeRange>;
};


/** Everything that can be asked. */
export type QueryWorkflowPatternsArgs = {
  during?: InputMaybe<DateTimeRange>;
};


/** Everything that can be asked. */
export type QueryBusinessImpactArgs = {
  during?: InputMaybe<DateTimeRange>;
};


/** Everything that can be asked. */
export type QueryAuditLogArgs = {
  filter?: InputMaybe<AuditFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** Everything that can be asked. */
export type QueryDataExportArgs = {
  id: Scalars['ID']['input'];
};


/** Everything that can be asked. */
export type QueryDataExportsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};

/** What is to be calculated anew: exactly one of `analysisId` and `all`. */
export type RecalculateCostsInput = {
  /** One analysis. */
  readonly analysisId?: InputMaybe<Scalars['ID']['input']>;
  /** True for the current analysis of every session. */
  readonly all?: InputMaybe<Scalars['Boolean']['input']>;
  /** Assumptions for this calculation alone; the organization's where they are left out. */
  readonly assumptions?: InputMaybe<RoiDefaultsInput>;
};

/** What was calculated anew. */
export type RecalculateCostsPayload = {
  /** The new cost analysis; null with `all`. */
  readonly costAnalysis?: Maybe<CostAnalysis>;
  /** With `all`: how many analyses will be calculated anew, by a worker; null otherwise. */
  readonly queued?: Maybe<Scalars['Int']['output']>;
};

/** The text that a person to be recorded is shown, in one version and language. */
export type RecordingNotice = {
  /** The version, to be named when a recording starts. */
  readonly version: Scalars['String']['output'];
  /** The language: en, nl, fr or de. */
  readonly locale: Scalars['String']['output'];
  /** The text. */
  readonly text: Scalars['String']['output'];
};

/** A new version of the text that people are shown before they are recorded. */
export type RecordingNoticeInput = {
  /** en, nl, fr or de. */
  readonly locale: Scalars['String']['input'];
  /** The text, 1 to 20,000 characters. */
  readonly text: Scalars['String']['input'];
};

/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSession = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** Its title. */
  readonly title: Scalars['String']['output'];
  /** What it shows, in its person's words; null when nothing was said. */
  readonly description?: Maybe<Scalars['String']['output']>;
  /** Where it stands. */
  readonly status: SessionStatus;
  /** The kind of work; null until someone or something classified it. */
  readonly workflowType?: Maybe<WorkflowCategory>;
  /** Who assigned the kind of work; null without one. */
  readonly classifiedBy?: Maybe<ClassifiedBy>;
  /** Its length in seconds; null until the recording has been probed. */
  readonly durationSeconds?: Maybe<Scalars['Float']['output']>;
  /** Bytes of its chunks that have arrived. */
  readonly fileSizeBytes: Scalars['BigInt']['output'];
  /** Whether it was closed by the sweeper with what had arrived, and not by its person. */
  readonly truncated: Scalars['Boolean']['output'];
  /** Why the recording is unusable; null unless its status is FAILED. */
  readonly errorMessage?: Maybe<Scalars['String']['output']>;
  /** How it is to be treated. */
  readonly privacySettings: PrivacySettings;
  /** What the recording program said about itself and the screen. */
  readonly metadata: Scalars['JSON']['output'];
  /** The recorded person's consent; null for recordings without one. */
  readonly consent?: Maybe<Consent>;
  /** The recorded person; null to an operator who is not this person, and once the person has left. */
  readonly user?: Maybe<Member>;
  /** How often a day the process that it mainly shows is done, as people entered it; null when nobody did. */
  readonly declaredOccurrencesPerDay?: Maybe<Scalars['Float']['output']>;
  /** How many people do this process, as people entered it. */
  readonly peopleCount: Scalars['Int']['output'];
  /** When it was started. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it was last changed. */
  readonly updatedAt: Scalars['DateTime']['output'];
  /** When nothing was active on it any more, the last time; null before. */
  readonly completedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When its video was deleted; null while it is kept. */
  readonly videoDeletedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When its frames were deleted; null while they are kept. */
  readonly framesDeletedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Its chunks, in the order of the recording. */
  readonly chunks: VideoChunkConnection;
  /** Its newest analysis; null before the first. */
  readonly analysis?: Maybe<Analysis>;
  /** Its newest completed analysis, which is what every sum counts; null before the first. */
  readonly currentAnalysis?: Maybe<Analysis>;
  /** Its analyses, the newest first. */
  readonly analyses: AnalysisConnection;
  /** Opportunities that its analyses found, current and earlier ones, highest potential savings first. */
  readonly opportunities: AutomationOpportunityConnection;
  /** Insights from it, the newest first. */
  readonly insights: WorkflowInsightConnection;
  /**
   * What was done to it and who looked at its video, frames and raw replies, the newest first. For the recorded person, admins
   * and owners; empty to others.
   */
  readonly auditLog: AuditEntryConnection;
  /**
   * A seekable recording with range requests. For the recorded person, admins and owners; watching is audited. Null to others,
   * while the recording is not whole, once its video is deleted, and where redaction was asked for.
   */
  readonly playback?: Maybe<Playback>;
};


/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSessionChunksArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSessionAnalysesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSessionOpportunitiesArgs = {
  orderBy?: InputMaybe<ReadonlyArray<OpportunityOrder>>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSessionInsightsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};


/** A recording of work on a screen, from its first chunk to what analyses found in it. */
export type RecordingSessionAuditLogArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type RecordingSessionConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<RecordingSessionEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<RecordingSession>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type RecordingSessionEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: RecordingSession;
};

/** Which sessions; what is left out does not restrict. */
export type RecordingSessionFilter = {
  /** In one of these states. */
  readonly status?: InputMaybe<ReadonlyArray<SessionStatus>>;
  /** Of one of these kinds of work. */
  readonly workflowType?: InputMaybe<ReadonlyArray<WorkflowCategory>>;
  /** Of this person; to an operator, others' sessions are none. */
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
  /** With this text in title or description, upper or lower case. */
  readonly search?: InputMaybe<Scalars['String']['input']>;
  /** Started in this range. */
  readonly created?: InputMaybe<DateTimeRange>;
  /** Changed in this range. */
  readonly updated?: InputMaybe<DateTimeRange>;
};

/** One key of an order of sessions. */
export type RecordingSessionOrder = {
  /** By what. */
  readonly field: RecordingSessionOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What sessions can be ordered by. */
export type RecordingSessionOrderField =
  /** When it was started. */
  | 'CREATED_AT'
  /** When it was last changed. */
  | 'UPDATED_AT'
  /** Its title. */
  | 'TITLE'
  /** Its length. */
  | 'DURATION'
  /** Its size in bytes. */
  | 'FILE_SIZE';

/** A completed analysis whose reply is to be read anew. */
export type ReinterpretAnalysisInput = {
  /** The analysis. */
  readonly analysisId: Scalars['ID']['input'];
};

/** An analysis whose reply is being read anew. */
export type ReinterpretAnalysisPayload = {
  /** The analysis. */
  readonly analysis: Analysis;
};

/** A member to be removed. `eraseRecordings` true erases what this member recorded; false keeps it without the name. */
export type RemoveMemberInput = {
  /** The member; oneself to leave. */
  readonly memberId: Scalars['ID']['input'];
  /** Whether what the member recorded is erased. */
  readonly eraseRecordings: Scalars['Boolean']['input'];
};

/** A member who was removed. */
export type RemoveMemberPayload = {
  /** The member who is gone. */
  readonly memberId: Scalars['ID']['output'];
  /** What was erased; null where nothing was to be, or nothing was there. */
  readonly erasure?: Maybe<ErasureReceipt>;
};

/** A report made from an analysis. It never names the recorded person. */
export type Report = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The analysis that it was made from. */
  readonly analysis: Analysis;
  /** The recording that it is about. */
  readonly session: RecordingSession;
  /** Its form. */
  readonly reportType: ReportType;
  /** Where it stands. */
  readonly status: ReportStatus;
  /** How far it is, 0 to 1. */
  readonly progress: Scalars['Float']['output'];
  /** Why it could not be written; null unless its status is FAILED. */
  readonly errorMessage?: Maybe<Scalars['String']['output']>;
  /** Its language: en, nl, fr or de. */
  readonly locale: Scalars['String']['output'];
  /** Where its file is: signed for the caller, for a quarter of an hour; null unless it is READY and has not expired. */
  readonly downloadUrl?: Maybe<Scalars['URL']['output']>;
  /** Its size in bytes; null before it is READY. */
  readonly fileSizeBytes?: Maybe<Scalars['BigInt']['output']>;
  /** Whether it has been shared by a link. */
  readonly isPublic: Scalars['Boolean']['output'];
  /** Until when it is kept; null for as long as its analysis. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** How often it was fetched. */
  readonly downloadCount: Scalars['Int']['output'];
  /** The links that share it, revoked ones too, the oldest first. For admins and owners; empty to others. */
  readonly links: ReadonlyArray<ReportLink>;
  /** When it was asked for. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type ReportConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<ReportEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<Report>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type ReportEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: Report;
};

/** Which reports; what is left out does not restrict. */
export type ReportFilter = {
  /** Of this analysis. */
  readonly analysisId?: InputMaybe<Scalars['ID']['input']>;
  /** Of this session. */
  readonly sessionId?: InputMaybe<Scalars['ID']['input']>;
  /** In one of these forms. */
  readonly reportType?: InputMaybe<ReadonlyArray<ReportType>>;
  /** In one of these states. */
  readonly status?: InputMaybe<ReadonlyArray<ReportStatus>>;
};

/** A secret address of a report, for people without an account. The address itself is shown once, when it is made. */
export type ReportLink = {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** Whether frames of the recording may be seen through it. */
  readonly includeFrames: Scalars['Boolean']['output'];
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** Until when it works. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** When it was revoked; null while it works. */
  readonly revokedAt?: Maybe<Scalars['DateTime']['output']>;
  /** How often the report was fetched through it. */
  readonly downloadCount: Scalars['Int']['output'];
};

/** One key of an order of reports. */
export type ReportOrder = {
  /** By what. */
  readonly field: ReportOrderField;
  /** Which way. */
  readonly direction?: OrderDirection;
};

/** What reports can be ordered by. */
export type ReportOrderField =
  /** When it was asked for. */
  | 'CREATED_AT';

/** Where a report stands. */
export type ReportStatus =
  /** Waits for a worker. Entered by generateReport, and by a worker that hands it back. */
  | 'QUEUED'
  /** A worker is writing it, for minutes at most. */
  | 'GENERATING'
  /** Can be downloaded until it expires or is deleted. */
  | 'READY'
  /** Could not be written; errorMessage says why. */
  | 'FAILED';

/** The form of a report. */
export type ReportType =
  /** A document to print or send, with frames as evidence. */
  | 'PDF'
  /** A workbook with steps, opportunities, costs and the assumptions as editable cells. */
  | 'EXCEL'
  /** A page behind a secret address that expires and can be revoked. */
  | 'SHAREABLE_LINK'
  /** Everything an analysis found, for other programs. */
  | 'JSON_EXPORT';

/** Chunks that a client wants to upload. */
export type RequestChunkUploadsInput = {
  /** The session that they belong to. */
  readonly sessionId: Scalars['ID']['input'];
  /** Up to 50 chunks. */
  readonly chunks: ReadonlyArray<ChunkInput>;
};

/** Where chunks go. */
export type RequestChunkUploadsPayload = {
  /** One for each chunk, in the order asked for. */
  readonly uploads: ReadonlyArray<ChunkUpload>;
};

/** How long what is kept, in days. */
export type RetentionRules = {
  /** Days until a recording's video is deleted; a session may only be stricter. */
  readonly videoDays: Scalars['Int']['output'];
  /** Days until frames kept as evidence are deleted. */
  readonly frameDays: Scalars['Int']['output'];
  /** Days until a model's raw reply is deleted; null keeps it as long as the analysis. */
  readonly rawReplyDays?: Maybe<Scalars['Int']['output']>;
  /** Whether the video is deleted as soon as an analysis of it is complete. */
  readonly deleteVideoAfterAnalysis: Scalars['Boolean']['output'];
};

/** How long things are kept. */
export type RetentionRulesInput = {
  /** Days until videos are deleted, 0 to 3650. */
  readonly videoDays?: InputMaybe<Scalars['Int']['input']>;
  /** Days until frames are deleted, 0 to 3650. */
  readonly frameDays?: InputMaybe<Scalars['Int']['input']>;
  /** Days until raw replies are deleted, 0 to 3650. */
  readonly rawReplyDays?: InputMaybe<Scalars['Int']['input']>;
  /** Whether a video is deleted as soon as its analysis is completed. */
  readonly deleteVideoAfterAnalysis?: InputMaybe<Scalars['Boolean']['input']>;
};

/** A failed analysis to be tried again. */
export type RetryAnalysisInput = {
  /** The analysis. */
  readonly analysisId: Scalars['ID']['input'];
};

/** An analysis that was queued again. */
export type RetryAnalysisPayload = {
  /** The analysis. */
  readonly analysis: Analysis;
};

/** What people said about an opportunity, the last time. */
export type Review = {
  /** Who; null once the person has left, and where a key did it. */
  readonly by?: Maybe<Member>;
  /** When. */
  readonly at: Scalars['DateTime']['output'];
  /** What was noted. */
  readonly note?: Maybe<Scalars['String']['output']>;
  /** Why it was turned down; null unless it was. */
  readonly dismissalReason?: Maybe<Scalars['String']['output']>;
  /** Since when it is automated; null unless it is. */
  readonly implementedAt?: Maybe<Scalars['DateTime']['output']>;
  /** What building it really cost; null while unknown. */
  readonly actualImplementationCost?: Maybe<Money>;
  /** What an occurrence takes since then, in seconds; null until it is measured. */
  readonly measuredSecondsAfter?: Maybe<Scalars['Float']['output']>;
  /** What it really saves a month; null until it is measured. */
  readonly realisedSavingsMonthly?: Maybe<Money>;
};

/** A key to be revoked. */
export type RevokeApiKeyInput = {
  /** The key. */
  readonly apiKeyId: Scalars['ID']['input'];
};

/** A key that was revoked. */
export type RevokeApiKeyPayload = {
  /** The key. */
  readonly apiKey: ApiKey;
};

/** An invitation to be revoked. */
export type RevokeInvitationInput = {
  /** The invitation. */
  readonly invitationId: Scalars['ID']['input'];
};

/** An invitation that was revoked. */
export type RevokeInvitationPayload = {
  /** The invitation. */
  readonly invitation: Invitation;
};

/** Where one value of the assumptions comes from. */
export type RoiDefaultSource = {
  /** The value's field in `RoiDefaults`. */
  readonly name: Scalars['String']['output'];
  /** Who set it. */
  readonly source: ValueSource;
  /** The statistic behind a default, or that it is an assumption; null for values that people entered. */
  readonly reference?: Maybe<Scalars['String']['output']>;
};

/** What every calculation starts from. All of it is editable; `sources` says where each value comes from. */
export type RoiDefaults = {
  /** What an hour of work costs the employer, loaded with all contributions. */
  readonly hourlyRate: Money;
  /** Working days in a year. */
  readonly workingDaysPerYear: Scalars['Int']['output'];
  /** Working hours of a person on a working day. */
  readonly hoursPerDay: Scalars['Decimal']['output'];
  /** What an hour of building an automation costs. */
  readonly implementationHourlyRate: Money;
  /** Hours to build an automation of LOW complexity. */
  readonly effortHoursLow: Scalars['Decimal']['output'];
  /** Hours to build an automation of MEDIUM complexity. */
  readonly effortHoursMedium: Scalars['Decimal']['output'];
  /** Hours to build an automation of HIGH complexity. */
  readonly effortHoursHigh: Scalars['Decimal']['output'];
  /** Share of a process's time that an automation of LOW complexity takes over, 0 to 1. */
  readonly automatableShareLow: Scalars['Float']['output'];
  /** Share of a process's time that an automation of MEDIUM complexity takes over, 0 to 1. */
  readonly automatableShareMedium: Scalars['Float']['output'];
  /** Share of a process's time that an automation of HIGH complexity takes over, 0 to 1. */
  readonly automatableShareHigh: Scalars['Float']['output'];
  /** Yearly upkeep as a share of the cost to build, 0 to 1. */
  readonly maintenanceSharePerYear: Scalars['Float']['output'];
  /** Licences a month for each automation. */
  readonly licencePerMonth: Money;
  /** Yearly rate at which later money is worth less, 0 to 1. */
  readonly discountRate: Scalars['Float']['output'];
  /** Share of occurrences that go through the automation in the WORST scenario, 0 to 1. */
  readonly adoptionWorst: Scalars['Float']['output'];
  /** Share of occurrences that go through the automation in the BASE scenario, 0 to 1. */
  readonly adoptionBase: Scalars['Float']['output'];
  /** Share of occurrences that go through the automation in the BEST scenario, 0 to 1. */
  readonly adoptionBest: Scalars['Float']['output'];
  /** Months until an automation has its full effect, rising evenly. */
  readonly rampUpMonths: Scalars['Int']['output'];
  /** Months that a scenario looks ahead. */
  readonly horizonMonths: Scalars['Int']['output'];
  /** Where each value comes from. */
  readonly sources: ReadonlyArray<RoiDefaultSource>;
};

/** Assumptions of calculations; what is left out stays. */
export type RoiDefaultsInput = {
  /** Loaded cost of an hour of work. */
  readonly hourlyRate?: InputMaybe<Scalars['Decimal']['input']>;
  /** Working days in a year. */
  readonly workingDaysPerYear?: InputMaybe<Scalars['Int']['input']>;
  /** Working hours in a day. */
  readonly hoursPerDay?: InputMaybe<Scalars['Decimal']['input']>;
  /** Cost of an hour of building an automation. */
  readonly implementationHourlyRate?: InputMaybe<Scalars['Decimal']['input']>;
  /** Hours to build an easy automation. */
  readonly effortHoursLow?: InputMaybe<Scalars['Decimal']['input']>;
  /** Hours to build one of medium difficulty. */
  readonly effortHoursMedium?: InputMaybe<Scalars['Decimal']['input']>;
  /** Hours to build a hard one. */
  readonly effortHoursHigh?: InputMaybe<Scalars['Decimal']['input']>;
  /** Share of an easy process that can be automated, 0 to 1. */
  readonly automatableShareLow?: InputMaybe<Scalars['Float']['input']>;
  /** The same for one of medium difficulty. */
  readonly automatableShareMedium?: InputMaybe<Scalars['Float']['input']>;
  /** The same for a hard one. */
  readonly automatableShareHigh?: InputMaybe<Scalars['Float']['input']>;
  /** Upkeep in a year, as a share of what building cost, 0 to 1. */
  readonly maintenanceSharePerYear?: InputMaybe<Scalars['Float']['input']>;
  /** Licences of one automation in a month. */
  readonly licencePerMonth?: InputMaybe<Scalars['Decimal']['input']>;
  /** Yearly interest by which later cash is discounted, 0 to 1. */
  readonly discountRate?: InputMaybe<Scalars['Float']['input']>;
  /** Share of occurrences that go through an automation in the WORST scenario. */
  readonly adoptionWorst?: InputMaybe<Scalars['Float']['input']>;
  /** The same in the BASE scenario. */
  readonly adoptionBase?: InputMaybe<Scalars['Float']['input']>;
  /** The same in the BEST scenario. */
  readonly adoptionBest?: InputMaybe<Scalars['Float']['input']>;
  /** Months until an automation is fully used. */
  readonly rampUpMonths?: InputMaybe<Scalars['Int']['input']>;
  /** Months that cash is looked at. */
  readonly horizonMonths?: InputMaybe<Scalars['Int']['input']>;
};

/** What a member may do in the organization. */
export type Role =
  /** Everything, and alone: change roles, budgets, remote permission and keys, delete the organization. */
  | 'OWNER'
  /** Sees and manages every recording, analysis, money figure and report, and invites members. */
  | 'ADMIN'
  /** Records and analyses the own work; reads the organization's results without the persons behind them. */
  | 'OPERATOR';

/** A sequence of screens that comes back: measured, not guessed. */
export type Routine = {
  /** The process that it is, the same in every recording that shows it. */
  readonly processKey: Scalars['String']['output'];
  /** What people would call it. */
  readonly name: Scalars['String']['output'];
  /** The screens (clusters of equal frames) in their order. */
  readonly screens: ReadonlyArray<Scalars['Int']['output']>;
  /** Each time that it was done. */
  readonly occurrences: ReadonlyArray<Occurrence>;
  /** Median active time of an occurrence, in seconds. */
  readonly medianActiveSeconds: Scalars['Float']['output'];
  /** Mean active time of an occurrence, in seconds. */
  readonly meanActiveSeconds: Scalars['Float']['output'];
};

/** A named choice of how closely to look. */
export type SamplingPreset =
  /** A frame every three seconds, up to 50. */
  | 'QUICK'
  /** A frame a second, up to 120. */
  | 'STANDARD'
  /** Two frames a second, up to 200, noticing smaller changes. */
  | 'DETAILED'
  /** Three frames a second, up to 300, noticing the smallest changes. */
  | 'FORENSIC'
  /** Values of one's own; what is not given is as in STANDARD. */
  | 'CUSTOM';

/** One of three views of the same savings; they differ in adoption and in the frequency's interval. */
export type ScenarioName =
  /** Low adoption and the low end of the frequency. */
  | 'WORST'
  /** What the stored figures say. */
  | 'BASE'
  /** High adoption and the high end of the frequency. */
  | 'BEST';

/** Where a recording stands. */
export type SessionStatus =
  /** Accepts chunks. Entered by startRecordingSession, left by finishRecordingSession, or by the sweeper after a day without chunks. */
  | 'RECORDING'
  /** Finished, with a probe or an analysis active. Entered by finishing or by a new analysis, left by the worker when nothing is active any more. */
  | 'PROCESSING'
  /** Finished with nothing active, whether or not an analysis succeeded; a new analysis takes it back to PROCESSING. */
  | 'COMPLETED'
  /** The recording itself is unusable: no first chunk, or no video. Entered by the sweeper or by the probe; never left. */
  | 'FAILED';

/** A new recording session. */
export type StartRecordingSessionInput = {
  /** What it is called, 1 to 300 characters. */
  readonly title: Scalars['String']['input'];
  /** What it shows, at most 5,000 characters. */
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /** The kind of work; classified by the analysis where it is left out. */
  readonly workflowType?: InputMaybe<WorkflowCategory>;
  /** The version of the notice that the person was shown: that of `recordingNotice`. */
  readonly noticeVersion: Scalars['String']['input'];
  /** How it is to be treated. */
  readonly privacySettings?: InputMaybe<PrivacySettingsInput>;
  /**
   * How often one person does this on a working day, as people say: makes the frequency of the process that the recording mainly shows
   * (the one with most observed seconds) DECLARED. How often its other processes are done is measured or extrapolated.
   */
  readonly declaredOccurrencesPerDay?: InputMaybe<Scalars['Float']['input']>;
  /** How many people do this; 1 where it is left out. */
  readonly peopleCount?: InputMaybe<Scalars['Int']['input']>;
  /** What the recorder says of itself, an object of at most 16 KiB. */
  readonly metadata?: InputMaybe<Scalars['JSON']['input']>;
  /** A repeat within 24 hours with the same key answers the first session. */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** The session that was started. */
export type StartRecordingSessionPayload = {
  /** The session. */
  readonly session: RecordingSession;
};

/** What an analysis has read from a recording. */
export type StructuredInsights = {
  /** What happens in the recording, in sentences. */
  readonly description: Scalars['String']['output'];
  /** The pieces of work, the main one first. */
  readonly workflows: ReadonlyArray<Workflow>;
  /** What was done, in order. */
  readonly steps: ReadonlyArray<WorkflowStep>;
  /** What it was done with. */
  readonly applications: ReadonlyArray<ApplicationUse>;
  /** Patterns in words. */
  readonly patterns: ReadonlyArray<Scalars['String']['output']>;
  /** What comes back, measured. */
  readonly routines: ReadonlyArray<Routine>;
  /** Elements of the analyser's reply that could not be read, each with the reason. */
  readonly dropped: ReadonlyArray<Scalars['String']['output']>;
};

/** What can be followed. */
export type Subscription = {
  /**
   * The analysis as it is now, at once; then each change of status, every one in order, and its progress, at most four times a
   * second. Ends after a final status.
   */
  readonly analysisProgress: AnalysisProgress;
  /**
   * Every durable event of the caller's organization, in order. With `after`, what was missed comes first; a position that is
   * no longer kept is `CURSOR_EXPIRED`.
   */
  readonly organizationEvents: OrganizationEvent;
  /** Chunks of one session as they arrive; the state as it is now comes first. */
  readonly uploadProgress: UploadProgress;
};


/** What can be followed. */
export type SubscriptionAnalysisProgressArgs = {
  analysisId: Scalars['ID']['input'];
};


/** What can be followed. */
export type SubscriptionOrganizationEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  kinds?: InputMaybe<ReadonlyArray<EventKind>>;
};


/** What can be followed. */
export type SubscriptionUploadProgressArgs = {
  sessionId: Scalars['ID']['input'];
};

/** Whether an organization may add recordings and analyses. Set by the platform's operator. */
export type SubscriptionStatus =
  /** Everything within the limits is allowed. */
  | 'ACTIVE'
  /** Reading, exporting and erasing only. */
  | 'INACTIVE'
  /** As ACTIVE, before the first payment. */
  | 'TRIAL';

/** The plan that sets an organization's limits. Set by the platform's operator. */
export type SubscriptionTier =
  /** For trying out: few members and recordings. */
  | 'FREE'
  /** For a department. */
  | 'GROWTH'
  /** For a company; the limits are agreed on and set by the platform's operator. */
  | 'ENTERPRISE';

/** A stretch of a recording. */
export type TimeSpan = {
  /** Where it starts, in seconds from the recording's start. */
  readonly startSeconds: Scalars['Float']['output'];
  /** Where it ends, in seconds from the recording's start. */
  readonly endSeconds: Scalars['Float']['output'];
};

/** Another role for a member. */
export type UpdateMemberRoleInput = {
  /** The member; never oneself. */
  readonly memberId: Scalars['ID']['input'];
  /** The role. */
  readonly role: Role;
};

/** A member whose role was changed. */
export type UpdateMemberRolePayload = {
  /** The member. */
  readonly member: Member;
};

/** What a reviewer enters about an opportunity; what is left out stays. */
export type UpdateOpportunityInput = {
  /** The opportunity. */
  readonly opportunityId: Scalars['ID']['input'];
  /** What was decided. */
  readonly status?: InputMaybe<OpportunityStatus>;
  /** A priority that overrides the rule's. */
  readonly priority?: InputMaybe<Priority>;
  /** Another title, at most 300 characters. */
  readonly title?: InputMaybe<Scalars['String']['input']>;
  /** The process that it really is, at most 500 characters. */
  readonly processKey?: InputMaybe<Scalars['String']['input']>;
  /** Seconds that one occurrence takes. */
  readonly currentTimePerOccurrenceSeconds?: InputMaybe<Scalars['Float']['input']>;
  /** How often one person does it on a working day; makes the frequency DECLARED. */
  readonly occurrencesPerDay?: InputMaybe<Scalars['Float']['input']>;
  /** How many people do it. */
  readonly peopleCount?: InputMaybe<Scalars['Int']['input']>;
  /** How hard it is to automate. */
  readonly automationComplexity?: InputMaybe<Complexity>;
  /** Hours to build it; makes the effort ENTERED. */
  readonly implementationEffortHours?: InputMaybe<Scalars['Decimal']['input']>;
  /** A remark, at most 5,000 characters. */
  readonly note?: InputMaybe<Scalars['String']['input']>;
  /** Why it was dismissed, at most 5,000 characters; only for one that is DISMISSED, and gone when it no longer is. */
  readonly dismissalReason?: InputMaybe<Scalars['String']['input']>;
  /** Since when it is implemented; now, where it becomes so without a date. Only for one that is IMPLEMENTED, and gone when it no longer is. */
  readonly implementedAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** What building it cost, in the organization's currency. */
  readonly actualImplementationCost?: InputMaybe<Scalars['Decimal']['input']>;
  /** Seconds that one occurrence takes since then; what is saved follows from it. */
  readonly measuredSecondsAfter?: InputMaybe<Scalars['Float']['input']>;
};

/** An opportunity that was reviewed. */
export type UpdateOpportunityPayload = {
  /** The opportunity. */
  readonly opportunity: AutomationOpportunity;
  /** The cost analysis that was written because of it. */
  readonly costAnalysis?: Maybe<CostAnalysis>;
};

/** What changes about an organization; what is left out stays. */
export type UpdateOrganizationInput = {
  /** Its name. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  /** ISO 4217; owners, and only while no amounts are stored. */
  readonly currency?: InputMaybe<Scalars['String']['input']>;
  /** en, nl, fr or de. */
  readonly locale?: InputMaybe<Scalars['String']['input']>;
  /** IANA name; months and days are counted in it. */
  readonly timeZone?: InputMaybe<Scalars['String']['input']>;
  /** Whether recordings may be sent to a model at all; owners, and audited. */
  readonly remoteAnalysisAllowed?: InputMaybe<Scalars['Boolean']['input']>;
  /** USD that models may cost in a month; owners. */
  readonly modelBudgetMonthlyUsd?: InputMaybe<Scalars['Decimal']['input']>;
  /** USD that one analysis may cost; owners. */
  readonly modelBudgetPerAnalysisUsd?: InputMaybe<Scalars['Decimal']['input']>;
  /** How long things are kept; owners. */
  readonly retention?: InputMaybe<RetentionRulesInput>;
  /** Assumptions that the organization sets itself; admins and owners. */
  readonly roiDefaults?: InputMaybe<RoiDefaultsInput>;
  /** A new version of the notice; owners. */
  readonly recordingNotice?: InputMaybe<RecordingNoticeInput>;
};

/** An organization that was changed. */
export type UpdateOrganizationPayload = {
  /** The organization. */
  readonly organization: Organization;
};

/** What a person changes about himself; what is left out stays. */
export type UpdateProfileInput = {
  /** First name, at most 200 characters. */
  readonly firstName?: InputMaybe<Scalars['String']['input']>;
  /** Last name, at most 200 characters. */
  readonly lastName?: InputMaybe<Scalars['String']['input']>;
  /** What the person does, at most 200 characters. */
  readonly jobTitle?: InputMaybe<Scalars['String']['input']>;
};

/** A profile that was changed. */
export type UpdateProfilePayload = {
  /** The member. */
  readonly member: Member;
};

/** What changes about a session; what is left out stays. */
export type UpdateRecordingSessionInput = {
  /** The session. */
  readonly sessionId: Scalars['ID']['input'];
  /** What it is called. */
  readonly title?: InputMaybe<Scalars['String']['input']>;
  /** What it shows. */
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /** The kind of work, as a person sees it. */
  readonly workflowType?: InputMaybe<WorkflowCategory>;
  /** How it is to be treated. */
  readonly privacySettings?: InputMaybe<PrivacySettingsInput>;
  /** How often one person does this on a working day: the process that the recording mainly shows, the one with most observed seconds. */
  readonly declaredOccurrencesPerDay?: InputMaybe<Scalars['Float']['input']>;
  /** How many people do this. */
  readonly peopleCount?: InputMaybe<Scalars['Int']['input']>;
};

/** A session that was changed. */
export type UpdateRecordingSessionPayload = {
  /** The session. */
  readonly session: RecordingSession;
};

/** Where an upload stands. */
export type UploadProgress = {
  /** The session. */
  readonly sessionId: Scalars['ID']['output'];
  /** Chunks that are stored. */
  readonly chunksCompleted: Scalars['Int']['output'];
  /** Chunks that failed and were not put again yet. */
  readonly chunksFailed: Scalars['Int']['output'];
  /** Chunks in all; null until the session is finished. */
  readonly chunksTotal?: Maybe<Scalars['Int']['output']>;
  /** Bytes of the chunks that are stored. */
  readonly bytesUploaded: Scalars['BigInt']['output'];
  /** Since when it stands there. */
  readonly at: Scalars['DateTime']['output'];
};

/** Where one chunk of a recording stands. */
export type UploadStatus =
  /** An upload was asked for and nothing has arrived. Swept after a day. */
  | 'PENDING'
  /** Bytes are arriving. Swept after a day without completion. */
  | 'UPLOADING'
  /** Stored, with size and hash as announced. Until the session is finished another chunk may take its place, by way of PENDING. */
  | 'COMPLETED'
  /** The last try failed; errorMessage says why, and asking for an upload again takes it back to PENDING. */
  | 'FAILED';

/** How much of its plan an organization uses, in the running month of its own time zone. */
export type Usage = {
  /** The month: 2026-11. */
  readonly month: Scalars['String']['output'];
  /** Recordings started in it. */
  readonly recordings: Scalars['Int']['output'];
  /** How many the plan allows in a month. */
  readonly maxRecordings: Scalars['Int']['output'];
  /** Members. */
  readonly members: Scalars['Int']['output'];
  /** How many members the plan allows. */
  readonly maxUsers: Scalars['Int']['output'];
  /** Bytes of recordings, frames and reports that are kept, as far as the caller may see them. */
  readonly storageBytes: Scalars['BigInt']['output'];
  /** What models have cost this month, in USD; null to operators. */
  readonly modelCostUsd?: Maybe<Scalars['Decimal']['output']>;
  /** What models may cost in a month, in USD. */
  readonly modelBudgetUsd: Scalars['Decimal']['output'];
};

/** Three different sums; each holds the next. */
export type ValueByState = {
  /** Potential of everything that was found and not dismissed. */
  readonly identified: Scalars['Decimal']['output'];
  /** Of these, what people accepted or implemented. */
  readonly accepted: Scalars['Decimal']['output'];
  /** Of these, what is implemented: the only sum that may be called saved. */
  readonly implemented: Scalars['Decimal']['output'];
};

/** Where a value of a calculation comes from. */
export type ValueSource =
  /** The platform's default; its reference names the statistic, or says that it is an assumption. */
  | 'DEFAULT'
  /** Set for the whole organization by an owner or admin. */
  | 'ORGANIZATION'
  /** Entered by a person for this calculation or opportunity. */
  | 'REVIEWER';

/** A piece of a recording, as it is uploaded. Where it is stored is never shown. */
export type VideoChunk = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** Its place in the recording, from 0. */
  readonly chunkIndex: Scalars['Int']['output'];
  /** Its announced size in bytes. */
  readonly fileSizeBytes: Scalars['BigInt']['output'];
  /** Its announced SHA-256, in hexadecimal. */
  readonly sha256?: Maybe<Scalars['String']['output']>;
  /** Where it stands. */
  readonly uploadStatus: UploadStatus;
  /** How often an upload of it failed. */
  readonly retryCount: Scalars['Int']['output'];
  /** Why the last upload failed; null unless it did. */
  readonly errorMessage?: Maybe<Scalars['String']['output']>;
  /** The recording that it is a piece of. */
  readonly session: RecordingSession;
  /** When it was announced. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it was completely stored; null before. */
  readonly uploadedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type VideoChunkConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<VideoChunkEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<VideoChunk>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type VideoChunkEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: VideoChunk;
};

/** Who is asking: a person, or a partner's key. */
export type Viewer = {
  /** The person's id, as in the sign-in token; for a key, the key's. */
  readonly userId: Scalars['ID']['output'];
  /** The address from the sign-in token; null for keys and tokens without one. */
  readonly email?: Maybe<Scalars['String']['output']>;
  /** The person's place in the organization; null for keys, and for a person who belongs to none yet. */
  readonly member?: Maybe<Member>;
  /** The organization; null for a person who belongs to none yet. */
  readonly organization?: Maybe<Organization>;
  /** What the caller may do; null for a person who belongs to no organization yet. */
  readonly role?: Maybe<Role>;
  /** The key that is calling; null for persons. */
  readonly apiKey?: Maybe<ApiKey>;
};

/** What a diagram shows. */
export type VisualizationType =
  /** The steps in their order, with decisions and returns. */
  | 'FLOW_CHART'
  /** The steps along the recording's time. */
  | 'TIMELINE'
  /** The screens, or the applications, and how often work goes from one to another. */
  | 'PROCESS_MAP';

/** A consent that is taken back. */
export type WithdrawConsentInput = {
  /** The session; everything of it is erased. */
  readonly sessionId: Scalars['ID']['input'];
};

/** A session that was erased because its person took the consent back. */
export type WithdrawConsentPayload = {
  /** The session that is gone. */
  readonly sessionId: Scalars['ID']['output'];
  /** What was erased. */
  readonly erasure: ErasureReceipt;
};

/** One piece of work in a recording. */
export type Workflow = {
  /** Its kind. */
  readonly category: WorkflowCategory;
  /** Its name. */
  readonly name: Scalars['String']['output'];
  /** What it is, in a sentence; null when the analyser gives none. */
  readonly description?: Maybe<Scalars['String']['output']>;
};

/** The kind of work that a recording, workflow or opportunity is about. */
export type WorkflowCategory =
  /** Entering or changing customers' orders. */
  | 'ORDER_ENTRY'
  /** Booking, planning or confirming transport with carriers. */
  | 'SHIPMENT_BOOKING'
  /** Customs declarations, tariff codes, transit and clearance. */
  | 'CUSTOMS'
  /** Making, checking, matching or paying invoices. */
  | 'INVOICING'
  /** Stock, warehouse, receipt and counting. */
  | 'INVENTORY'
  /** Following shipments and telling others where they are. */
  | 'TRACKING'
  /** Damage, loss, complaints and returns. */
  | 'CLAIMS'
  /** Reading and writing messages without one of the other purposes. */
  | 'EMAIL'
  /** Keeping customers, articles, addresses and rates up to date. */
  | 'MASTER_DATA'
  /** Collecting figures into lists, spreadsheets and dashboards. */
  | 'REPORTING'
  /** None of the others with enough evidence. */
  | 'OTHER';

/** A pattern, a bottleneck, or something that could be done differently, with the seconds of the recording that show it. */
export type WorkflowInsight = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The recording that it is about. */
  readonly session: RecordingSession;
  /** The analysis that wrote it; null for one that belongs to the session alone. */
  readonly analysis?: Maybe<Analysis>;
  /** What it is about. */
  readonly insightType: InsightType;
  /** The insight in a few words. */
  readonly title: Scalars['String']['output'];
  /** The insight in sentences, with the figures that support it. */
  readonly description: Scalars['String']['output'];
  /** The analyser's own estimate, 0 to 1; null when it gives none. */
  readonly confidenceScore?: Maybe<Scalars['Float']['output']>;
  /** What acting on it could save per occurrence, in seconds; null when that is not known. */
  readonly timeSavedSeconds?: Maybe<Scalars['Float']['output']>;
  /** Annual saving divided by cost; null without a cost. */
  readonly roiScore?: Maybe<Scalars['Decimal']['output']>;
  /** The share that could be automated, 0 to 1; null when that is not known. */
  readonly automationPotential?: Maybe<Scalars['Float']['output']>;
  /** How soon it deserves attention; null when that was not worked out. */
  readonly priority?: Maybe<Priority>;
  /** The rule that found it and its inputs. */
  readonly metadata: Scalars['JSON']['output'];
  /** The stretches of the recording that show it. */
  readonly evidence: ReadonlyArray<TimeSpan>;
  /** When it was written. */
  readonly createdAt: Scalars['DateTime']['output'];
};

/** A page of a list: its rows, where it stands, and how long the whole list is. */
export type WorkflowInsightConnection = {
  /** The rows with their places. */
  readonly edges: ReadonlyArray<WorkflowInsightEdge>;
  /** The rows without their places. */
  readonly nodes: ReadonlyArray<WorkflowInsight>;
  /** Where this page stands in the list. */
  readonly pageInfo: PageInfo;
  /** How many rows the whole list has, whatever the page; counted only when asked for. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A row of a list and its place. */
export type WorkflowInsightEdge = {
  /** The place in the list, for `after` and `before`. */
  readonly cursor: Scalars['String']['output'];
  /** The row. */
  readonly node: WorkflowInsight;
};

/** The current analyses whose first workflow is of one kind. */
export type WorkflowPattern = {
  /** The kind of work; null where an analysis names none. */
  readonly category?: Maybe<WorkflowCategory>;
  /** How many analyses. */
  readonly analyses: Scalars['Int']['output'];
  /** Mean time that an analysis took, in seconds; null where none was measured. */
  readonly averageProcessingSeconds?: Maybe<Scalars['Float']['output']>;
  /** Mean number of frames that an analysis looked at closely. */
  readonly averageFrames?: Maybe<Scalars['Float']['output']>;
};

/** One step of the work. */
export type WorkflowStep = {
  /** Its number, from 1. */
  readonly number: Scalars['Int']['output'];
  /** What was done. */
  readonly action: Scalars['String']['output'];
  /** In which application; null when that is not known. */
  readonly application?: Maybe<Scalars['String']['output']>;
  /** To which end; null when that is not known. */
  readonly purpose?: Maybe<Scalars['String']['output']>;
  /** Kinds of data that were read or written, never their values. */
  readonly dataInvolved: ReadonlyArray<Scalars['String']['output']>;
  /** When; null in replies taken over without times. */
  readonly span?: Maybe<TimeSpan>;
  /** Ids of the frames that show it. For the recorded person, admins and owners; empty to others. */
  readonly frameIds: ReadonlyArray<Scalars['ID']['output']>;
};

/** The current analyses of recordings of one kind of work. A process counts once, however many recordings show it. */
export type WorkflowTypePerformance = {
  /** The kind of work; null for recordings that nobody classified. */
  readonly workflowType?: Maybe<WorkflowCategory>;
  /** Recordings with a completed analysis. */
  readonly totalRecordings: Scalars['Int']['output'];
  /** Mean of the analysers' own estimates, 0 to 1; null without any. */
  readonly averageConfidence?: Maybe<Scalars['Float']['output']>;
  /** Opportunities in these analyses, counted or not. */
  readonly totalOpportunities: Scalars['Int']['output'];
  /** Hours a week, base scenario. */
  readonly weeklyHours: ValueByState;
  /** Money a year, base scenario. */
  readonly annualCost: MoneyByState;
  /** What the sums are made of: each process once, the highest saving first. */
  readonly processes: ReadonlyArray<ProcessContribution>;
};


/** The current analyses of recordings of one kind of work. A process counts once, however many recordings show it. */
export type WorkflowTypePerformanceProcessesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  skip?: InputMaybe<Scalars['Int']['input']>;
};

/** A diagram of what an analysis found, with its nodes placed. */
export type WorkflowVisualization = Node & {
  /** Its id. */
  readonly id: Scalars['ID']['output'];
  /** The analysis that it shows. */
  readonly analysis: Analysis;
  /** The recording that it shows. */
  readonly session: RecordingSession;
  /** What it shows. */
  readonly visualizationType: VisualizationType;
  /** How its nodes are placed. */
  readonly layoutAlgorithm: LayoutAlgorithm;
  /** What React Flow takes: `{nodes: [{id, type, position {x, y}, data {…}}], edges: [{id, source, target, label, data}]}`. */
  readonly flowData: Scalars['JSON']['output'];
  /** When it was drawn. */
  readonly createdAt: Scalars['DateTime']['output'];
};
