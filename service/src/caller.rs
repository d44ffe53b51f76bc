//! Who is asking: a signed-in person, with or without an organization, or a partner's key.

use domain::id::{ApiKeyId, OrganizationId, UserId};
use domain::role::Role;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A person or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Signed in with a token.
    Person(UserId),
    /// Called with a partner's key.
    Key(ApiKeyId),
}

impl Actor {
    /// The row that acts, whichever it is.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Person(user) => user.uuid(),
            Self::Key(key) => key.uuid(),
        }
    }
}

/// The caller's place in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The tenant.
    pub organization: OrganizationId,
    /// What the person or key may do in it.
    pub role: Role,
    /// Whether the subscription lets it write; inactive ones read, export and erase.
    pub active: bool,
}

/// Who is asking, as the doors have found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Person or key.
    pub actor: Actor,
    /// From the token; absent for keys and for tokens without one.
    pub email: Option<String>,
    /// Absent for a signed-in person who belongs to no organization yet.
    pub membership: Option<Membership>,
    /// True for a key that may only read.
    pub read_only: bool,
}

impl Caller {
    /// The person, if it is one.
    pub const fn user(&self) -> Option<UserId> {
        match self.actor {
            Actor::Person(user) => Some(user),
            Actor::Key(_) => None,
        }
    }

    /// The key, if it is one.
    pub const fn api_key(&self) -> Option<ApiKeyId> {
        match self.actor {
            Actor::Key(key) => Some(key),
            Actor::Person(_) => None,
        }
    }

    /// The caller's place, which everything inside a tenant needs.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a person who belongs to no organization.
    pub fn member(&self) -> Result<Membership> {
        self.membership.ok_or(Error::Forbidden {
            why: "you belong to no organization yet: found one, or accept an invitation",
        })
    }

    /// An admin or owner, person or key.
    pub fn is_manager(&self) -> bool {
        self.membership
            .is_some_and(|m| matches!(m.role, Role::Owner | Role::Admin))
    }

    /// A person who owns the organization; no key ever is one.
    pub fn is_owner(&self) -> bool {
        self.user().is_some() && self.membership.is_some_and(|m| m.role == Role::Owner)
    }

    /// May change things: the subscription is active and the key, if one, is not read-only.
    ///
    /// # Errors
    /// [`Error::SubscriptionInactive`] or [`Error::Forbidden`].
    pub fn writer(&self) -> Result<Membership> {
        let membership = self.eraser()?;
        if membership.active {
            Ok(membership)
        } else {
            Err(Error::SubscriptionInactive)
        }
    }

    /// May erase: as [`Caller::writer`], but an inactive subscription does not stand in the way.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn eraser(&self) -> Result<Membership> {
        let membership = self.member()?;
        if self.read_only {
            Err(Error::Forbidden {
                why: "this key may only read",
            })
        } else {
            Ok(membership)
        }
    }

    /// An admin or owner who may write.
    ///
    /// # Errors
    /// [`Error::Forbidden`] and those of [`Caller::writer`].
    pub fn managing_writer(&self) -> Result<Membership> {
        let membership = self.writer()?;
        if self.is_manager() {
            Ok(membership)
        } else {
            Err(Error::Forbidden {
                why: "only an admin or owner may do this",
            })
        }
    }

    /// A person who owns the organization and may write.
    ///
    /// # Errors
    /// [`Error::Forbidden`] and those of [`Caller::writer`].
    pub fn owning_writer(&self) -> Result<Membership> {
        let membership = self.writer()?;
        if self.is_owner() {
            Ok(membership)
        } else {
            Err(Error::Forbidden {
                why: "only an owner may do this",
            })
        }
    }
}
