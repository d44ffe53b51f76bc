//! What a member may do in an organization.

use crate::closed::closed;

closed! {
    /// What a member may do in the organization.
    pub enum Role {
        /// Everything, and alone: change roles, budgets, remote permission and keys, delete the organization.
        Owner = "owner",
        /// Sees and manages every recording, analysis, money figure and report, and invites members.
        Admin = "admin",
        /// Records and analyses the own work; reads the organization's results without the persons behind them.
        Operator = "operator",
    }
}

impl Role {
    /// Whether this role may do what `needed` may do: OWNER includes ADMIN, ADMIN includes OPERATOR.
    pub const fn includes(self, needed: Self) -> bool {
        (self as u8) <= (needed as u8)
    }

    /// Owners and admins: those who see money that leaves the house and change figures.
    pub const fn manages(self) -> bool {
        self.includes(Self::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Admin, Operator, Owner};

    #[test]
    fn each_role_includes_those_below_it() {
        assert!(Owner.includes(Owner) && Owner.includes(Admin) && Owner.includes(Operator));
        assert!(!Admin.includes(Owner) && Admin.includes(Admin) && Admin.includes(Operator));
        assert!(!Operator.includes(Owner) && !Operator.includes(Admin) && Operator.includes(Operator));
        assert!(Owner.manages() && Admin.manages() && !Operator.manages());
    }
}
