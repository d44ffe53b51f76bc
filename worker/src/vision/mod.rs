//! Reading what a recording shows. Only `openai` lets anything leave the house, and only with a [`openai::Permit`].

pub mod ledger;
pub mod local;
pub mod ocr;
pub mod openai;
pub mod price;
pub mod prompt;
pub mod redact;
pub mod stored;
