//! How results are written for people: times, amounts, tables. Texts come from what stood on screens, so nothing in them may
//! steer the terminal.

/// A text without control characters, on one line.
pub fn clean(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character });
    spaced.filter(|character| !is_steering(*character)).collect()
}

/// Control characters, and the marks that turn the direction of writing round.
fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name of the contract in words: `EXTRACTING_FRAMES`, "extracting frames".
pub fn words(name: &str) -> String {
    clean(&name.to_lowercase().replace('_', " "))
}

/// A time stamp: `m:ss`, from one hour on `h:mm:ss`.
pub fn clock(seconds: f64) -> String {
    let whole = if seconds.is_finite() {
        seconds.max(0.0) as u64
    } else {
        0
    };
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A share, `0..=1`, in percent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A number with at most one digit after the point.
pub fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// An exact number as it came, its thousands set apart: `1234567.50`, "1,234,567.50".
pub fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, rest)| (whole, Some(rest)));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return clean(number);
    }
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Cuts a text into lines of at most `width` characters, between words where it can.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let gap = usize::from(used > 0);
            if used > 0 && used + gap + word.len() > width {
                lines.push(String::new());
                used = 0;
                continue;
            }
            let take = word.len().min(width);
            let rest = word.split_off(take);
            if let Some(line) = lines.last_mut() {
                if gap > 0 {
                    line.push(' ');
                }
                line.extend(&word);
            }
            used += gap + take;
            word = rest;
        }
    }
    lines
}

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Left,
    Right,
    /// To the left, over several lines where the room is short.
    Wrapped,
}

/// A row, and a remark below it.
#[derive(Debug, Default)]
pub struct Row {
    pub cells: Vec<String>,
    pub below: Option<String>,
}

impl Row {
    pub fn of<const N: usize>(cells: [String; N]) -> Self {
        Self {
            cells: cells.into(),
            below: None,
        }
    }

    #[must_use]
    pub fn with_below(mut self, text: String) -> Self {
        self.below = Some(text);
        self
    }
}

const INDENT: &str = "  ";
const GAP: usize = 2;
/// Narrower, no column of words is made.
const NARROWEST: usize = 16;

/// A table of at most `width` characters, as far as its columns of words allow.
pub fn table(heads: &[(&str, Set)], rows: &[Row], width: usize) -> String {
    let length = |text: &str| text.chars().count();
    let mut widths: Vec<usize> = heads.iter().map(|(head, _)| length(head)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(length(cell));
        }
    }
    loop {
        let all = INDENT.len() + widths.iter().sum::<usize>() + GAP * (widths.len().saturating_sub(1));
        let widest = (0..heads.len())
            .filter(|column| heads[*column].1 == Set::Wrapped && widths[*column] > NARROWEST)
            .max_by_key(|column| widths[*column]);
        match widest {
            Some(column) if all > width => widths[column] -= 1,
            _ => break,
        }
    }
    let mut text = String::new();
    let titles: Vec<_> = heads.iter().map(|(head, _)| vec![(*head).to_owned()]).collect();
    set_row(&mut text, heads, &widths, &titles);
    for row in rows {
        let cells = row
            .cells
            .iter()
            .enumerate()
            .map(|(column, cell)| match heads[column].1 {
                Set::Wrapped => wrap(cell, widths[column]),
                Set::Left | Set::Right => vec![cell.clone()],
            });
        set_row(&mut text, heads, &widths, &cells.collect::<Vec<_>>());
        if let Some(below) = &row.below {
            let deeper = INDENT.repeat(2);
            for part in wrap(below, width.saturating_sub(deeper.len())) {
                text.extend([deeper.as_str(), &part, "\n"]);
            }
        }
    }
    text
}

/// Adds one row, as many lines high as its highest cell.
fn set_row(text: &mut String, heads: &[(&str, Set)], widths: &[usize], cells: &[Vec<String>]) {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..height {
        let mut line = String::from(INDENT);
        for (column, lines) in cells.iter().enumerate() {
            let cell = lines.get(at).map_or("", String::as_str);
            let pad = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            if column > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let (before, after) = if heads[column].1 == Set::Right {
                (pad.as_str(), "")
            } else {
                ("", pad.as_str())
            };
            line.extend([before, cell, after]);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, Set, clean, clock, grouped, percent, short, table, words, wrap};

    #[test]
    fn times_and_amounts_are_written_for_people() {
        assert_eq!(
            [0.0, 59.9, 60.0, 3599.0, 3600.0, -1.0, f64::NAN].map(clock),
            ["0:00", "0:59", "1:00", "59:59", "1:00:00", "0:00", "0:00"]
        );
        assert_eq!(
            ["0", "999.5", "1000", "-1234567.50", "12x"].map(grouped),
            ["0", "999.5", "1,000", "-1,234,567.50", "12x"]
        );
        assert_eq!([2.0, 2.04, 2.06, 12.55].map(short), ["2", "2", "2.1", "12.6"]);
        assert_eq!(
            (percent(0.426), words("EXTRACTING_FRAMES")),
            ("43 %".to_owned(), "extracting frames".to_owned())
        );
    }

    #[test]
    fn no_text_steers_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d\u{7}"), "a[31mb cd");
    }

    #[test]
    fn text_is_wrapped_between_words_where_it_can_be() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn a_table_keeps_its_columns_and_wraps_words() {
        let rows = [
            Row::of([
                "1".to_owned(),
                "open the order that came by mail".to_owned(),
                "0:10".to_owned(),
            ]),
            Row::of(["12".to_owned(), "save".to_owned(), "12:00".to_owned()]).with_below("seen at 0:01".to_owned()),
        ];
        let heads = [("#", Set::Right), ("Action", Set::Wrapped), ("At", Set::Right)];
        let text = table(&heads, &rows, 30);
        assert_eq!(
            text,
            "   #  Action                At\n   1  open the order      0:10\n      that came by mail\n  12  save               12:00\n    seen at 0:01\n"
        );
    }
}
