//! Who may ask for a field, before anything is read. The same rules as in the database's policies, which decide in any case:
//! docs/permissions.md is the table behind both.

use async_graphql::{Context, Guard};
use service::Error;
use service::caller::Caller;

use super::context::InRequest as _;
use super::error::{Failure, Result};

/// What a field asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Signed in, or a key.
    Known,
    /// A place in an organization.
    Member,
    /// A place in an organization, as a person.
    Person,
    /// An admin or owner, person or key.
    Manager,
    /// An admin or owner who is a person: keys manage neither members nor keys.
    ManagingPerson,
    /// A person who owns the organization.
    Owner,
}

/// In a schema's data: no guard refuses anything, so that a test can see the database refuse the same by itself.
pub struct GuardsOff;

impl Needs {
    /// Whether this caller may.
    ///
    /// # Errors
    /// FORBIDDEN, saying what would be needed.
    pub fn of(self, caller: &Caller) -> Result<()> {
        let refuse = |why| Err(Failure::from(Error::Forbidden { why }));
        match self {
            Self::Known => Ok(()),
            Self::Member => Ok(caller.member().map(|_| ())?),
            Self::Person => {
                caller.member()?;
                if caller.user().is_some() {
                    Ok(())
                } else {
                    refuse("only a person may see this")
                }
            }
            Self::Manager => {
                caller.member()?;
                if caller.is_manager() {
                    Ok(())
                } else {
                    refuse("only admins and owners may see this")
                }
            }
            Self::ManagingPerson => {
                caller.member()?;
                if caller.is_manager() && caller.user().is_some() {
                    Ok(())
                } else {
                    refuse("only a person who is an admin or owner may see this")
                }
            }
            Self::Owner => {
                caller.member()?;
                if caller.is_owner() {
                    Ok(())
                } else {
                    refuse("only a person who owns the organization may see this")
                }
            }
        }
    }
}

impl Guard for Needs {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let caller = ctx.request()?.caller()?;
        if ctx.data_opt::<GuardsOff>().is_some() {
            return Ok(());
        }
        Ok(self.of(caller)?)
    }
}
