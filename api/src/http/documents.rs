//! Documents that ran without an error, by their text: lexed, parsed and found valid once. A dashboard sends the same few texts
//! all day, and what differs between two requests is in their variables, which are checked each time.

use std::collections::HashMap;
use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use lru::LruCache;

/// Bytes of text kept at most; a tree is about twenty times its text.
const MOST_BYTES: usize = 1 << 20;
/// A text beyond this is not kept: it would push out many others.
const LONGEST: usize = 32 << 10;
/// So long a document rests that could not be written: what that costs again is little beside it.
const REST: Duration = Duration::from_mins(10);

/// A document that was parsed.
#[derive(Debug)]
pub(super) struct Known {
    /// What its text says.
    pub tree: ExecutableDocument,
    sound: AtomicBool,
    rests_until: Mutex<Option<Instant>>,
    unmerged: OnceLock<bool>,
}

impl Known {
    pub const fn new(tree: ExecutableDocument) -> Self {
        Self {
            tree,
            sound: AtomicBool::new(false),
            rests_until: Mutex::new(None),
            unmerged: OnceLock::new(),
        }
    }

    /// Whether parts of its answer may be written elsewhere: no object of it is put together of two selections under one key, and it
    /// has not failed of late. Only for a document that is valid: its fragments are known and do not lie within themselves.
    pub fn may_be_written(&self) -> bool {
        let rests_until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        rests_until.is_none_or(|until| Instant::now() >= until)
            && *self.unmerged.get_or_init(|| {
                let mut operations = self.tree.operations.iter();
                operations.all(|(_, operation)| unmerged(&self.tree, &operation.node.selection_set.node))
            })
    }

    /// For a while no part of its answer is written elsewhere: that failed where the resolvers did not.
    pub fn rest(&self) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }

    /// Whether it is valid, and its last run had no error.
    pub fn is_sound(&self) -> bool {
        self.sound.load(Ordering::Relaxed)
    }

    pub fn set_sound(&self, sound: bool) {
        self.sound.store(sound, Ordering::Relaxed);
    }
}

/// Whether each key of a selection that has a selection of its own is there once, and so below it.
fn unmerged(tree: &ExecutableDocument, set: &SelectionSet) -> bool {
    let mut keys = HashMap::new();
    once(tree, set, &mut keys) && keys.values().flatten().all(|below| unmerged(tree, below))
}

fn once<'a>(
    tree: &'a ExecutableDocument,
    set: &'a SelectionSet,
    keys: &mut HashMap<&'a str, Option<&'a SelectionSet>>,
) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let below = Some(&field.node.selection_set.node).filter(|set| !set.items.is_empty());
            let before = keys.insert(field.node.response_key().node.as_str(), below);
            before.is_none_or(|before| before.is_none() && below.is_none())
        }
        Selection::FragmentSpread(spread) => {
            let fragment = tree.fragments.get(&spread.node.fragment_name.node);
            fragment.is_some_and(|fragment| once(tree, &fragment.node.selection_set.node, keys))
        }
        Selection::InlineFragment(fragment) => once(tree, &fragment.node.selection_set.node, keys),
    })
}

/// The documents of one schema, those that were used last.
#[derive(Default)]
pub(super) struct Documents(Mutex<Kept>);

struct Kept {
    by_text: LruCache<Arc<str>, Arc<Known>>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            by_text: LruCache::unbounded(),
            bytes: 0,
        }
    }
}

impl Documents {
    pub fn find(&self, text: &str) -> Option<Arc<Known>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_text.get(text).cloned()
    }

    /// Keeps a document that ran without an error.
    pub fn keep(&self, text: &Arc<str>, document: &Arc<Known>) {
        if text.len() > LONGEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_text.put(Arc::clone(text), Arc::clone(document)).is_none() {
            kept.bytes += text.len();
        }
        while kept.bytes > MOST_BYTES
            && let Some((text, _)) = kept.by_text.pop_lru()
        {
            kept.bytes -= text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn a_key_with_a_selection_that_is_there_twice_is_merged() {
        for (text, expected) in [
            ("{ a b { c } d: b { c } }", true),
            ("{ a a b { c c } }", true),
            ("{ b { c } b { d } }", false),
            ("{ b { c { d } ...F } } fragment F on B { e c { e } }", false),
            ("{ b { c { d } ...F } } fragment F on B { e ... { f { g } } }", true),
            ("{ b { ... on B { c { d } } ... on B { c { d } } } }", false),
            ("query A { a { b } } query B { a { b } a { c } }", false),
            ("{ a { b { c } } ... on Query { a: d } }", false),
            ("{ ... on Query { a: d } a { b { c } } }", false),
        ] {
            assert_eq!(
                Known::new(parse_query(text).unwrap()).may_be_written(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_was_not_used_for_long_makes_room() {
        let documents = Documents::default();
        let text = |number: usize| -> Arc<str> { format!("{{ a }} #{number:0>20000}").into() };
        for number in 0..200 {
            let tree = parse_query(text(number).as_ref()).unwrap();
            documents.keep(&text(number), &Arc::new(Known::new(tree)));
            assert!(documents.find(&text(0)).is_some(), "used all the time");
        }
        assert!(documents.find(&text(199)).is_some());
        assert!(documents.find(&text(1)).is_none(), "pushed out");
        assert!(documents.0.lock().unwrap().bytes <= MOST_BYTES);
        let long: Arc<str> = format!("{{ a }} #{}", "x".repeat(LONGEST)).into();
        documents.keep(&long, &Arc::new(Known::new(parse_query("{ a }").unwrap())));
        assert!(documents.find(&long).is_none(), "too long to be kept");
    }
}
