//! End-to-end tests, told by what a user or an operator would see.

mod remote_vision;
