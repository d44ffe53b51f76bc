//! `organizationEvents` without an execution for each event and subscriber: where a document asks for nothing but what every event has at
//! hand, an event is written once for all who ask alike.
//!
//! Only documents that are valid by their shape are taken: one operation with this one field, its arguments plain or by a variable of the
//! right type, its fields without arguments, directives and fragments, each under a name of its own.

use std::fmt::Write as _;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::{InputType, Name, PathSegment, Pos, Response, ServerError, Value};
use domain::event::EventKind;
use domain::id::OrganizationId;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use super::context::Request;
use super::error::Failure;
use super::subscription::{OrganizationEvent, position};
use crate::http::execution::find;
use crate::http::ready_made::{Asked, Events, ReadyMade, Told};

/// The subscriptions of this schema whose events are at hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventsAtHand;

impl ReadyMade for EventsAtHand {
    fn follow(&self, asked: &Asked<'_>) -> Option<BoxFuture<'static, Option<Events>>> {
        let request = find::<Request>(asked.data)?;
        let organization = request.caller().ok()?.member().ok()?.organization;
        let question = Question::of(asked)?;
        let hub = request.api().hub.clone();
        let after = match asked.cursor.map(str::to_owned).or(question.after) {
            Some(cursor) => Some(position(&cursor, organization).ok()?),
            None => None,
        };
        let (selection, kinds) = (Arc::new(question.selection), question.kinds);
        Some(
            async move {
                let events = hub.events(organization, after).await.ok()?;
                let told = events.filter_map(move |event| {
                    let told = match event {
                        Ok(event) if kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.event.kind)) => {
                            let told = event.written(&selection.key, |event| selection.write(organization, event));
                            Some(told.ok_or_else(|| {
                                selection.error(service::Error::internal("an event that cannot be told"))
                            }))
                        }
                        Ok(_) => None,
                        Err(error) => Some(Err(selection.error(error))),
                    };
                    std::future::ready(told)
                });
                Some(told.boxed())
            }
            .boxed(),
        )
    }
}

/// What is asked may be so long, in bytes: what is written for it is kept with every event of the ring.
const LONGEST: usize = 512;

struct Question {
    after: Option<String>,
    kinds: Option<Vec<EventKind>>,
    selection: Selected,
}

/// What is asked of each event.
struct Selected {
    /// The whole of it as a text: equal for those who ask alike.
    key: Arc<str>,
    root: Name,
    /// Where the document asks for it.
    position: Pos,
    /// The name in the answer, and the field.
    fields: Vec<(Name, String)>,
}

impl Question {
    fn of(asked: &Asked<'_>) -> Option<Self> {
        let operation = asked.operation;
        let [root] = operation.selection_set.node.items.as_slice() else {
            return None;
        };
        let Selection::Field(root) = &root.node else {
            return None;
        };
        let (root, position) = (&root.node, root.pos);
        if root.name.node != "organizationEvents" || !operation.directives.is_empty() || !root.directives.is_empty() {
            return None;
        }
        let (mut after, mut kinds, mut variables) = (None, None, 0);
        for (place, (name, value)) in root.arguments.iter().enumerate() {
            if root.arguments[..place]
                .iter()
                .any(|(earlier, _)| earlier.node == name.node)
            {
                return None;
            }
            let expected: &[&str] = match name.node.as_str() {
                "after" => &["String", "String!"],
                "kinds" => &["[EventKind!]", "[EventKind!]!"],
                _ => return None,
            };
            let mut by = None;
            let plain = value.node.clone().into_const_with(|variable| {
                by = Some(variable);
                Err(())
            });
            let value = match (plain, by) {
                (Ok(plain), None) => Some(plain),
                // The variable itself, and no list with it inside.
                (_, Some(variable)) if value.node.to_string() == format!("${variable}") => {
                    let mut definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
                    let definition = definitions.find(|definition| definition.name.node == variable)?;
                    let of_type = definition.var_type.node.to_string();
                    // What a variable is by default is the executor's to put in.
                    let plain = definition.directives.is_empty() && definition.default_value.is_none();
                    if !plain || !expected.contains(&of_type.as_str()) {
                        return None;
                    }
                    variables += 1;
                    asked.variables.get(&variable).cloned()
                }
                _ => return None,
            };
            match name.node.as_str() {
                "after" => after = Option::<String>::parse(value).ok()?,
                _ => kinds = Option::<Vec<EventKind>>::parse(value).ok()?,
            }
        }
        // One that is not used makes a document invalid. Each argument is there once, and no variable is of both their types.
        if variables != operation.variable_definitions.len() {
            return None;
        }
        Some(Self {
            after,
            kinds,
            selection: Selected::of(root, position)?,
        })
    }
}

impl Selected {
    fn of(root: &Field, position: Pos) -> Option<Self> {
        let name = root.response_key().node.clone();
        let mut key = name.to_string();
        let mut fields: Vec<(Name, String)> = Vec::new();
        for selection in &root.selection_set.node.items {
            let Selection::Field(field) = &selection.node else {
                return None;
            };
            let field = &field.node;
            let plain = field.arguments.is_empty()
                && field.directives.is_empty()
                && field.selection_set.node.items.is_empty()
                && OrganizationEvent::AT_HAND.contains(&field.name.node.as_str());
            let answer = &field.response_key().node;
            if !plain || fields.iter().any(|(taken, _)| taken == answer) {
                return None;
            }
            let _ = write!(key, " {answer}:{}", field.name.node);
            fields.push((answer.clone(), field.name.node.to_string()));
        }
        (!fields.is_empty() && key.len() <= LONGEST).then_some(Self {
            key: key.into(),
            root: name,
            position,
            fields,
        })
    }

    /// An error of the stream, as an execution would tell it.
    fn error(&self, error: service::Error) -> ServerError {
        let error: async_graphql::Error = Failure::from(error).into();
        error
            .into_server_error(self.position)
            .with_path(vec![PathSegment::Field(self.root.to_string())])
    }

    fn write(&self, organization: OrganizationId, event: &Arc<service::event::Event>) -> Option<Told> {
        let event = OrganizationEvent::new(organization, Arc::clone(event));
        let mut written = IndexMap::with_capacity(self.fields.len());
        for (answer, field) in &self.fields {
            written.insert(answer.clone(), event.value(field)?);
        }
        let data = Value::Object(IndexMap::from_iter([(self.root.clone(), Value::Object(written))]));
        Some(Told {
            json: serde_json::to_string(&Response::new(data)).ok()?.into(),
            cursor: event.position().ok()?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::{Data, Variables};
    use serde_json::json;

    use super::*;

    /// The key of a document that is taken, with its arguments.
    fn taken(document: &str) -> Option<(String, Option<String>, Option<usize>)> {
        let tree = parse_query(document).unwrap();
        let (_, operation) = tree.operations.iter().next()?;
        let asked = Asked {
            operation: &operation.node,
            variables: &Variables::from_json(json!({ "a": "c1", "k": ["SESSION_CREATED"] })),
            data: &Data::default(),
            cursor: None,
        };
        let question = Question::of(&asked)?;
        Some((
            question.selection.key.to_string(),
            question.after,
            question.kinds.map(|kinds| kinds.len()),
        ))
    }

    #[test]
    fn only_what_is_valid_by_its_shape_is_taken() {
        let key = |key: &str, after: Option<&str>, kinds| Some((key.to_owned(), after.map(str::to_owned), kinds));
        for (document, expected) in [
            (
                "subscription { organizationEvents { cursor at } }",
                key("organizationEvents cursor:cursor at:at", None, None),
            ),
            (
                "subscription S { e: organizationEvents(after: \"c0\") { what: kind } }",
                key("e what:kind", Some("c0"), None),
            ),
            (
                "subscription ($a: String!, $k: [EventKind!]) { organizationEvents(after: $a, kinds: $k) { to } }",
                key("organizationEvents to:to", Some("c1"), Some(1)),
            ),
            (
                "subscription { organizationEvents(kinds: [SESSION_CREATED, SESSION_DELETED]) { to } }",
                key("organizationEvents to:to", None, Some(2)),
            ),
        ] {
            assert_eq!(taken(document), expected, "{document}");
        }
        for document in [
            "subscription { organizationEvents { cursor actorUserId } }",
            "subscription { organizationEvents { subject { id } } }",
            "subscription { organizationEvents { cursor { x } } }",
            "subscription { organizationEvents { cursor(x: 1) } }",
            "subscription { organizationEvents { cursor @skip(if: true) } }",
            "subscription { organizationEvents @skip(if: true) { cursor } }",
            "subscription @x { organizationEvents { cursor } }",
            "subscription { organizationEvents { a: kind a: to } }",
            "subscription { organizationEvents { ... on OrganizationEvent { cursor } } }",
            "subscription { organizationEvents { ...f } } fragment f on OrganizationEvent { cursor }",
            "subscription { organizationEvents { unknown } }",
            "subscription { organizationEvents(since: 1) { cursor } }",
            "subscription { organizationEvents(after: 1) { cursor } }",
            "subscription { organizationEvents(after: \"c0\", after: \"c1\") { cursor } }",
            "subscription ($a: String, $b: String) { organizationEvents(after: $a, after: $a) { cursor } }",
            "subscription ($a: String = \"c0\") { organizationEvents(after: $a) { cursor } }",
            "subscription ($a: String, $a: String) { organizationEvents(after: $a) { cursor } }",
            "subscription { organizationEvents(kinds: [UNKNOWN]) { cursor } }",
            "subscription ($a: Int) { organizationEvents(after: $a) { cursor } }",
            "subscription ($a: String) { organizationEvents { cursor } }",
            "subscription ($k: EventKind!) { organizationEvents(kinds: [$k]) { cursor } }",
            "subscription { organizationEvents { cursor } uploadProgress(sessionId: 1) { at } }",
            "subscription { uploadProgress(sessionId: 1) { at } }",
        ] {
            assert_eq!(taken(document), None, "{document}");
        }
    }
}
