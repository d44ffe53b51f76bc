//! Rows as far as they were asked for: the driver's row, the set of columns that travelled, and accessors that decode a
//! column when somebody looks at it.

mod columns;
mod decode;
mod read;
mod relation;

pub use columns::Columns;
pub use decode::Decode;
pub use read::{Row, Wanted};
pub(crate) use relation::table;
pub use relation::{Kind, Relation, Single};
