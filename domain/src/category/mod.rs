//! The closed list of kinds of work, and rules that find one from words.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::closed::closed;

mod terms;

use terms::TERMS;

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

/// A category that rules found, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The category; OTHER when the evidence does not suffice.
    pub category: WorkflowCategory,
    /// The terms that speak for it, for the person who wonders.
    pub terms: Vec<String>,
}

/// Points that the winner needs ...
///
/// A term of one word is worth 1, a term of several words 2, since it is far less often there by chance; each term counts once,
/// however often it is read, so that one label on every frame decides nothing. Three points are thus at least two different
/// terms. The threshold is a product setting.
const ENOUGH: u32 = 3;
/// ... and how far it must lead: at least 3 points to 2 of the runner-up.
const LEAD: (u32, u32) = (3, 2);

/// Classifies work by the names of applications and the words read from its screens, in English, Dutch, French and German.
/// OTHER rather than a guess.
///
/// EMAIL has a rule of its own, since mail is open in nearly every kind of work: it wins only if no other category has enough.
pub fn classify<'a>(
    applications: impl IntoIterator<Item = &'a str>,
    words: impl IntoIterator<Item = &'a str>,
) -> Classification {
    // Applications and words are separate phrases: no term spans two of them.
    let mut text = String::from(" ");
    for phrase in applications.into_iter().chain(words) {
        text += &normalized(phrase);
        text += "| ";
    }
    let mut points: BTreeMap<WorkflowCategory, (u32, BTreeSet<&'static str>)> = BTreeMap::new();
    for (category, terms) in TERMS {
        for term in terms.iter().copied() {
            if text.contains(&format!(" {term} ")) {
                let (sum, found) = points.entry(*category).or_default();
                if found.insert(term) {
                    *sum += if term.contains(' ') { 2 } else { 1 };
                }
            }
        }
    }
    let email = points
        .remove(&WorkflowCategory::Email)
        .filter(|(sum, _)| *sum >= ENOUGH);
    let mut ranked: Vec<_> = points.into_iter().collect();
    ranked.sort_by_key(|(_, (sum, _))| std::cmp::Reverse(*sum));
    let runner_up = ranked.get(1).map_or(0, |(_, (sum, _))| *sum);
    match ranked.into_iter().next() {
        Some((category, (sum, found))) if sum >= ENOUGH => {
            if sum * LEAD.1 >= runner_up * LEAD.0 {
                Classification {
                    category,
                    terms: found.into_iter().map(str::to_owned).collect(),
                }
            } else {
                Classification {
                    category: WorkflowCategory::Other,
                    terms: Vec::new(),
                }
            }
        }
        _ => match email {
            Some((_, found)) => Classification {
                category: WorkflowCategory::Email,
                terms: found.into_iter().map(str::to_owned).collect(),
            },
            None => Classification {
                category: WorkflowCategory::Other,
                terms: Vec::new(),
            },
        },
    }
}

/// Lower case, without accents, words separated and followed by one blank.
fn normalized(phrase: &str) -> String {
    let mut text = String::with_capacity(phrase.len() + 2);
    let mut gap = true;
    for letter in phrase.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'à' | 'á' | 'â' | 'ä' | 'ã' => "a",
            'ç' => "c",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'î' | 'ï' | 'í' | 'ì' => "i",
            'ô' | 'ö' | 'ó' | 'ò' => "o",
            'û' | 'ü' | 'ú' | 'ù' => "u",
            'ß' => "ss",
            'œ' => "oe",
            // "d'achat" is two words.
            other if other.is_alphanumeric() => {
                text.push(other);
                gap = false;
                continue;
            }
            _ => {
                if !gap {
                    text.push(' ');
                    gap = true;
                }
                continue;
            }
        };
        text.push_str(plain);
        gap = false;
    }
    if !gap {
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::WorkflowCategory::{
        Claims, Customs, Email, Inventory, Invoicing, MasterData, OrderEntry, Other, Reporting, ShipmentBooking,
        Tracking,
    };
    use super::*;

    #[test]
    fn work_is_recognised_in_four_languages() {
        for (category, application, words) in [
            (
                OrderEntry,
                "Outlook",
                vec!["Inbox", "Sales order SO-1042", "Order lines", "Save"],
            ),
            (OrderEntry, "Exact Online", vec!["Nieuwe order", "Ordernummer", "Klant"]),
            (OrderEntry, "Sage", vec!["Bon de commande n° 12", "Lignes de commande"]),
            (
                OrderEntry,
                "SAP GUI",
                vec!["Auftragserfassung", "Auftragsnummer", "Auftragsbestätigung"],
            ),
            (
                ShipmentBooking,
                "TMS",
                vec!["Transportopdracht", "Laadadres", "Losadres"],
            ),
            (ShipmentBooking, "Portal", vec!["Bill of Lading", "Consignee"]),
            (ShipmentBooking, "TMS", vec!["Lettre de voiture", "Destinataire"]),
            (Customs, "Portbase", vec!["Douaneaangifte", "MRN", "Goederencode"]),
            (Customs, "ATLAS", vec!["Ausfuhranmeldung", "Zolltarifnummer", "EORI"]),
            (Customs, "Delta", vec!["Déclaration d'exportation", "Douane"]),
            (
                Invoicing,
                "Excel",
                vec!["Rechnungsnummer", "Fälligkeitsdatum", "Gutschrift"],
            ),
            (Invoicing, "Exact", vec!["Factuurnummer", "Vervaldatum", "BTW-bedrag"]),
            (Inventory, "WMS Cloud", vec!["Goods receipt", "Bin location"]),
            (Inventory, "WMS", vec!["Wareneingang", "Lagerplatz"]),
            (Tracking, "Chrome", vec!["Track and trace", "Tracking number", "ETA"]),
            (Tracking, "Chrome", vec!["Numéro de suivi", "Statut de livraison"]),
            (Claims, "CRM", vec!["Schademelding", "Retouraanvraag", "Klacht"]),
            (MasterData, "SAP", vec!["Stammdaten", "Neuer Kunde"]),
            (Reporting, "Power BI", vec!["Dashboard", "KPI"]),
            (Email, "Outlook", vec!["Postvak IN", "Beantwoorden", "Doorsturen"]),
        ] {
            let found = classify([application], words.iter().copied());
            assert_eq!(found.category, category, "{application} {words:?}: {:?}", found.terms);
            assert!(!found.terms.is_empty());
        }
    }

    #[test]
    fn too_little_or_too_much_of_everything_is_other() {
        for words in [
            vec![],
            vec!["Save", "Cancel", "Customer name"],
            // One label, however often.
            vec!["Invoice", "Invoice", "invoice", "INVOICE"],
            vec!["Invoice", "Due date no", "Purchase order", "orders"],
            // Parts of words are no words.
            vec!["Preorders", "invoiced", "disclaimers", "beta"],
            // A term does not span two labels.
            vec!["purchase", "order", "bill", "of lading", "air", "waybill"],
        ] {
            let found = classify(["Chrome"], words.iter().copied());
            assert_eq!(found.category, Other, "{words:?}: {:?}", found.terms);
        }
    }

    #[test]
    fn mail_yields_to_the_purpose_that_it_serves() {
        let mail = ["Inbox", "Reply all", "Forward"];
        assert_eq!(classify(["Outlook"], mail).category, Email);
        let with_order = mail.into_iter().chain(["Purchase order", "Order number"]);
        assert_eq!(classify(["Outlook"], with_order).category, OrderEntry);
    }

    #[test]
    fn terms_are_normalised_and_belong_to_one_category() {
        let mut seen = BTreeSet::new();
        for (_, terms) in TERMS {
            for term in *terms {
                assert_eq!(normalized(term).trim_end(), *term);
                assert!(seen.insert(*term), "{term} is listed twice");
            }
        }
    }
}
