//! Windows that open over others.
//!
//! Around a window stands what was there before, and its words would decide which screen it is. So what appears at once in one
//! part of the picture, while the rest stays, counts as a window, if the same appears at the same place another time: new data in
//! a form looks much the same, but never comes back with the same words.

use super::text::{Area, Change, Page};

/// Share that two areas must have in common to be one place.
const SAME_PLACE: f32 = 0.7;
/// Likeness of two windows' contents.
const SAME_WINDOW: f32 = 0.5;

/// For each picture the window in front, if it is one that comes back.
pub fn foregrounds(pages: &[Page]) -> Vec<Option<Area>> {
    let changes: Vec<Change> = std::iter::once(Change::Everything)
        .chain(pages.windows(2).map(|pair| pair[1].change_since(&pair[0])))
        .collect();
    let opened = |at: usize| match changes[at] {
        Change::Part(area) => Some(area),
        _ => None,
    };
    let comes_back = |at: usize, area: Area| {
        (0..pages.len()).any(|other| {
            other != at
                && opened(other).is_some_and(|there| area.in_common(there) >= SAME_PLACE)
                && pages[at].likeness(&pages[other], Some(area)) >= SAME_WINDOW
        })
    };
    let mut front = None;
    changes
        .iter()
        .enumerate()
        .map(|(at, change)| {
            match change {
                Change::Everything => front = None,
                Change::Part(area) if comes_back(at, *area) => front = Some(*area),
                Change::Part(_) | Change::Little => {}
            }
            front
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::text::lines;
    use super::*;

    fn page(shown: &[(&str, f32, f32)]) -> Page {
        Page::plain(&lines(shown))
    }

    #[test]
    fn a_window_is_one_wherever_it_opens_and_new_data_in_a_form_is_none() {
        let sheet: &[(&str, f32, f32)] = &[
            ("Rates 2026 sheet zones tonnes diesel toll notes remarks", 0.05, 0.05),
            ("north south east west centre islands ports borders hubs", 0.05, 0.3),
            ("alpha beta gamma delta epsilon zeta eta theta iota", 0.05, 0.5),
            ("january february march april may june july august autumn", 0.05, 0.9),
        ];
        let chat: &[(&str, f32, f32)] = &[
            (
                "Operations channel people messages today online away busy search",
                0.05,
                0.05,
            ),
            ("Jan asks whether the lorry from Ghent has left yet", 0.05, 0.3),
            ("Nobody knows but the driver answers his phone later on", 0.05, 0.6),
            ("Type a message here and send it with the arrow", 0.05, 0.9),
        ];
        // What is behind the window is covered.
        let with_window = |behind: &[(&'static str, f32, f32)], client: &'static str| {
            let mut lines: Vec<(&str, f32, f32)> = vec![behind[0], behind[3]];
            lines.extend([
                ("New quote Cotatio", 0.3, 0.2),
                ("Client", 0.3, 0.3),
                (client, 0.4, 0.3),
            ]);
            lines.extend([
                ("Route Price Validity Remarks", 0.3, 0.45),
                ("Send the quote now", 0.3, 0.6),
            ]);
            page(&lines)
        };
        let pages = [
            page(sheet),
            with_window(sheet, "Marzin"),
            page(sheet),
            page(chat),
            with_window(chat, "Delmas"),
        ];
        let front = foregrounds(&pages);
        assert!(front[0].is_none() && front[3].is_none());
        assert!(front[1].is_some() && front[4].is_some());

        let form = |data: &'static str| {
            page(&[
                ("Order entry customer reference article quantity date terms", 0.05, 0.1),
                (data, 0.3, 0.4),
                ("Save the order and print the label for it", 0.05, 0.9),
            ])
        };
        let pages = [
            form("Bakker Breda pallets tea twelve Monday"),
            form("Weber Koeln crates coffee nine Friday"),
            form("Dupont Lille boxes sugar four Sunday"),
        ];
        assert_eq!(foregrounds(&pages), [None, None, None]);
    }
}
