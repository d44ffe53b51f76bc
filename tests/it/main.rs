//! The end-to-end suite, one module per subject.

mod catalogue;
mod embedded_postgres;
mod pooler;
mod read;
mod remote_vision;
mod scope;
mod sign_in;
mod supabase;
mod tenancy;
mod versions;
