//! The end-to-end suite, one module per subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod catalogue;
mod clients;
mod embedded_postgres;
mod organization;
mod partners;
mod platform;
mod pooler;
mod privacy;
mod queue;
mod read;
mod realtime;
mod recording;
mod remote_vision;
mod scope;
mod sign_in;
mod supabase;
mod tenancy;
mod versions;
