//! The closed list of kinds of work, and who assigned one.

use crate::closed::closed;

closed! {
    /// The kind of work that a recording, workflow or opportunity is about.
    pub enum WorkflowCategory {
        /// Entering or changing customers' orders.
        OrderEntry = "order_entry",
        /// Booking, planning or confirming transport with carriers.
        ShipmentBooking = "shipment_booking",
        /// Customs declarations, tariff codes, transit and clearance.
        Customs = "customs",
        /// Making, checking, matching or paying invoices.
        Invoicing = "invoicing",
        /// Stock, warehouse, receipt and counting.
        Inventory = "inventory",
        /// Following shipments and telling others where they are.
        Tracking = "tracking",
        /// Damage, loss, complaints and returns.
        Claims = "claims",
        /// Reading and writing messages without one of the other purposes.
        Email = "email",
        /// Keeping customers, articles, addresses and rates up to date.
        MasterData = "master_data",
        /// Collecting figures into lists, spreadsheets and dashboards.
        Reporting = "reporting",
        /// None of the others with enough evidence.
        Other = "other",
    }

    /// Who assigned a recording's category.
    pub enum ClassifiedBy {
        /// A person chose it; analyses leave it alone.
        User = "user",
        /// The model named it.
        Model = "model",
        /// Rules found it from the names of applications and the words on the screens.
        Rules = "rules",
    }
}
