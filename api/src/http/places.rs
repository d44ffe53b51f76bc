//! Sockets, event streams and subscriptions that are open: in all, by caller, by organization. Each holds what it was counted
//! with, and gives it back when it is dropped.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{limits::Limits, session::Session};

/// How many of something somebody has open.
#[derive(Default)]
struct Tally(HashMap<String, usize>);

impl Tally {
    fn held(&self, key: Option<&String>) -> usize {
        key.and_then(|key| self.0.get(key)).copied().unwrap_or_default()
    }

    fn add(&mut self, key: Option<&String>) {
        if let Some(key) = key {
            *self.0.entry(key.clone()).or_default() += 1;
        }
    }

    fn take(&mut self, key: Option<&String>) {
        if let Some(key) = key
            && let Some(held) = self.0.get_mut(key)
        {
            *held -= 1;
            if *held == 0 {
                self.0.remove(key);
            }
        }
    }
}

/// What is counted: sockets and event streams, or subscriptions.
#[derive(Default)]
struct Counted {
    by_caller: Tally,
    by_organization: Tally,
}

/// Whom something counts for.
#[derive(Debug, Clone)]
struct Owner {
    caller: String,
    organization: Option<String>,
}

impl Owner {
    fn of(session: &Session, address: Option<IpAddr>) -> Self {
        Self {
            caller: session.caller.budget_key(address),
            organization: session.organization.clone(),
        }
    }
}

impl Counted {
    /// Counts one more, unless there are as many already.
    fn add(&mut self, owner: &Owner, per_caller: usize, per_organization: usize) -> Result<(), TooMany> {
        if self.by_caller.held(Some(&owner.caller)) >= per_caller {
            return Err(TooMany::OfCaller);
        }
        if self.by_organization.held(owner.organization.as_ref()) >= per_organization {
            return Err(TooMany::OfOrganization);
        }
        self.by_caller.add(Some(&owner.caller));
        self.by_organization.add(owner.organization.as_ref());
        Ok(())
    }

    fn take(&mut self, owner: &Owner) {
        self.by_caller.take(Some(&owner.caller));
        self.by_organization.take(owner.organization.as_ref());
    }
}

/// Whose limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMany {
    OfCaller,
    OfOrganization,
}

impl TooMany {
    /// The limit, in words.
    pub const fn whose(self) -> &'static str {
        match self {
            Self::OfCaller => "of this caller",
            Self::OfOrganization => "of this organization",
        }
    }
}

/// All that is open in this process.
pub(super) struct Places {
    state: Mutex<State>,
    most: usize,
    sockets: [usize; 2],
    subscriptions: [usize; 2],
}

#[derive(Default)]
struct State {
    open: usize,
    sockets: Counted,
    subscriptions: Counted,
}

impl Places {
    pub fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            most: limits.sockets,
            sockets: [limits.sockets_per_caller, limits.sockets_per_organization],
            subscriptions: [limits.subscriptions_per_caller, limits.subscriptions_per_organization],
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for someone not yet known; none if the process is full.
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        let mut state = self.state();
        if state.open >= self.most {
            return None;
        }
        state.open += 1;
        Some(Place {
            places: Arc::clone(self),
            owner: None,
        })
    }

    /// A seat for one subscription of this session.
    pub fn seat(self: &Arc<Self>, session: &Session, address: Option<IpAddr>) -> Result<Seat, TooMany> {
        let owner = Owner::of(session, address);
        let [caller, organization] = self.subscriptions;
        self.state().subscriptions.add(&owner, caller, organization)?;
        Ok(Seat {
            places: Arc::clone(self),
            owner,
        })
    }
}

/// One open socket or event stream; given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    /// Whom it counts for, once that is known.
    owner: Option<Owner>,
}

impl Place {
    /// Counts the place for its caller and organization, who may have too many already.
    pub fn claim(&mut self, session: &Session, address: Option<IpAddr>) -> Result<(), TooMany> {
        let owner = Owner::of(session, address);
        let [caller, organization] = self.places.sockets;
        self.places.state().sockets.add(&owner, caller, organization)?;
        self.owner = Some(owner);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.open -= 1;
        if let Some(owner) = &self.owner {
            state.sockets.take(owner);
        }
    }
}

/// One subscription; given back when dropped.
pub(super) struct Seat {
    places: Arc<Places>,
    owner: Owner,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.places.state().subscriptions.take(&self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::session::Caller;

    fn session(user: &str, organization: &str) -> Session {
        Session::new(Caller::User(user.to_owned())).of_organization(organization.to_owned())
    }

    #[test]
    fn what_is_dropped_is_given_back_to_caller_and_organization() {
        let limits = Limits {
            sockets: 4,
            sockets_per_caller: 2,
            sockets_per_organization: 3,
            subscriptions_per_caller: 1,
            subscriptions_per_organization: 2,
            ..Limits::default()
        };
        let places = Arc::new(Places::new(&limits));
        let open = |user: &str, organization: &str| {
            let mut place = places.take().expect("room");
            place.claim(&session(user, organization), None).map(|()| place)
        };
        let one = open("ada", "acme").ok();
        let two = open("ada", "acme").ok();
        assert_eq!(open("ada", "acme").err(), Some(TooMany::OfCaller));
        let three = open("bob", "acme").ok();
        assert_eq!(open("cem", "acme").err(), Some(TooMany::OfOrganization));
        let four = open("dan", "globex").ok();
        assert!(one.is_some() && two.is_some() && three.is_some() && four.is_some());
        assert!(places.take().is_none(), "the process is full");
        drop(two);
        assert!(open("cem", "acme").is_ok());

        let seat = |user: &str| places.seat(&session(user, "acme"), None);
        let first = seat("ada");
        assert_eq!(seat("ada").err(), Some(TooMany::OfCaller));
        let second = seat("bob");
        assert_eq!(seat("cem").err(), Some(TooMany::OfOrganization));
        drop((first, second));
        assert!(seat("cem").is_ok());
        assert!(places.state().subscriptions.by_caller.0.is_empty());
    }
}
