//! What whoever runs the platform does across organizations, as the owner of the tables: its figures, the search for leaks, and
//! the acts of an operator. Every act names its reason in the audit logs of those whom it concerns.

pub mod admin;
pub mod impact;
pub mod reply;
pub mod verify;
