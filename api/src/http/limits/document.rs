//! The checks on the parsed tree: everything that costs more than its own text says.
//!
//! A fragment is weighed once and its weight added at each spread, so that a document that would explode when spread is
//! measured in linear time and refused before validation, which does spread it.

use std::{collections::HashMap, convert::Infallible};

use async_graphql::{
    Name, Pos, Positioned, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};

use super::{
    super::error::{Code, Refusal},
    Limits,
    types::{self, Kind, Types, named},
    variables::{Coercion, Path, no_nul},
};

/// Introspection lists (`fields`, `interfaces`, …) within each other, as the reference implementation allows them.
const INTROSPECTION_LISTS: usize = 3;
/// Selections within each other, fragments spread: bounds the recursion here, and is what validation allows by default.
const RECURSION: usize = 32;

/// What a selection amounts to, with its fragments spread.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    nodes: u64,
    aliases: u64,
    directives: u64,
    depth: usize,
    complexity: u64,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.complexity = self.complexity.saturating_add(other.complexity);
    }
}

/// What may be asked, beside the limits.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// `__schema` and `__type`.
    pub introspection: bool,
}

/// Structural checks that need no variables: how many operations, which one runs, how many roots a subscription has.
pub fn select<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
    limits: &Limits,
) -> Result<&'a Positioned<OperationDefinition>, Refusal> {
    let count = document.operations.iter().count();
    if count > limits.operations_per_document {
        let message = format!(
            "the document has {count} operations, {} at most",
            limits.operations_per_document
        );
        return Err(Refusal::new(Code::TooComplex, message));
    }
    let operation = match name {
        Some(name) => document
            .operations
            .iter()
            .find(|(found, _)| found.is_some_and(|found| found == name))
            .ok_or_else(|| {
                Refusal::new(Code::ValidationFailed, "the document has no operation of that name")
                    .field("operationName")
            })?,
        None if count == 1 => document
            .operations
            .iter()
            .next()
            .ok_or_else(|| Refusal::new(Code::ValidationFailed, "the document has no operation"))?,
        None => {
            let message = "operationName must say which of the operations to run";
            return Err(Refusal::new(Code::ValidationFailed, message).field("operationName"));
        }
    };
    Ok(operation.1)
}

/// Weighs all operations of the document against the limits; returns the complexity of the one that runs.
pub fn check(
    document: &ExecutableDocument,
    runs: &Positioned<OperationDefinition>,
    variables: &Variables,
    types: &Types,
    limits: &Limits,
    permission: Permission,
) -> Result<u64, Refusal> {
    let too_many =
        |what: &str, most: u64| Refusal::new(Code::TooComplex, format!("the document has more than {most} {what}"));
    let mut total = Weight::default();
    let mut complexity = 0;
    for (_, operation) in document.operations.iter() {
        let mut scale = Scale {
            document,
            variables,
            types,
            limits,
            permission,
            fragments: HashMap::new(),
        };
        let root = match operation.node.ty {
            OperationType::Query => &types.query,
            OperationType::Mutation => &types.mutation,
            OperationType::Subscription => &types.subscription,
        };
        let set = &operation.node.selection_set.node;
        let mut weight = scale.weigh(set, Some(root), Place::default())?;
        weight.directives += operation.node.directives.len() as u64;
        if std::ptr::eq(operation, runs) {
            complexity = weight.complexity;
        }
        total.add(weight);
        // Before anything that spreads the fragments.
        if total.nodes > limits.fields {
            return Err(too_many("fields and fragment spreads", limits.fields));
        }
        if operation.node.ty == OperationType::Subscription {
            scale.one_root(set, operation.pos)?;
        }
    }
    if total.aliases > limits.aliases {
        return Err(too_many("aliases", limits.aliases));
    }
    if total.directives > limits.directives {
        return Err(too_many("directives", limits.directives));
    }
    if total.complexity > limits.complexity {
        let message = format!(
            "the answer could have {} fields, {} at most: ask for fewer or smaller lists",
            total.complexity, limits.complexity
        );
        return Err(Refusal::new(Code::TooComplex, message));
    }
    Ok(complexity)
}

/// Where a selection stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    depth: usize,
    recursion: usize,
    /// Inside `__schema` or `__type`.
    introspection: bool,
    introspection_lists: usize,
}

enum Weighed {
    /// Entered but not left: a spread that finds this is a cycle.
    Open,
    /// Weighed, at the place it was weighed for.
    Done(Weight),
}

struct Scale<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    types: &'a Types,
    limits: &'a Limits,
    permission: Permission,
    /// By name, and by introspection lists around: the only context that changes a fragment's verdict.
    fragments: HashMap<(&'a str, usize), Weighed>,
}

impl<'a> Scale<'a> {
    fn weigh(&mut self, set: &'a SelectionSet, parent: Option<&str>, place: Place) -> Result<Weight, Refusal> {
        if place.recursion > RECURSION {
            return Err(self.too_deep(None));
        }
        let inner = Place {
            recursion: place.recursion + 1,
            ..place
        };
        let mut weight = Weight::default();
        let mut keys: HashMap<&str, usize> = HashMap::new();
        for selection in &set.items {
            weight.nodes += 1;
            weight.directives = weight
                .directives
                .saturating_add(selection.node.directives().len() as u64);
            match &selection.node {
                Selection::Field(field) => {
                    let seen = keys.entry(field.node.response_key().node.as_str()).or_default();
                    *seen += 1;
                    if *seen > self.limits.repeated_fields {
                        let message = format!("a field is repeated more than {} times", self.limits.repeated_fields);
                        return Err(Refusal::new(Code::TooComplex, message).at(field.pos));
                    }
                    weight.aliases += u64::from(field.node.alias.is_some());
                    weight.add(self.field(field, parent, inner)?);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map(|condition| condition.node.on.node.as_str());
                    weight.add(self.weigh(&fragment.node.selection_set.node, on.or(parent), inner)?);
                }
                Selection::FragmentSpread(spread) => weight.add(self.fragment(&spread.node.fragment_name, inner)?),
            }
        }
        Ok(weight)
    }

    fn fragment(&mut self, name: &'a Positioned<Name>, place: Place) -> Result<Weight, Refusal> {
        let key = (name.node.as_str(), place.introspection_lists);
        match self.fragments.get(&key) {
            Some(Weighed::Open) => {
                return Err(Refusal::new(
                    Code::ValidationFailed,
                    format!("fragment \"{}\" contains itself", name.node),
                )
                .at(name.pos));
            }
            Some(Weighed::Done(weight)) => {
                let weight = *weight;
                // Depth counts from the fragment's own root: one weighed high up may still be too deep down here.
                return if place.introspection || place.depth + weight.depth <= self.limits.depth {
                    Ok(weight)
                } else {
                    Err(self.too_deep(Some(name.pos)))
                };
            }
            None => {}
        }
        // An unknown fragment weighs nothing; validation refuses it.
        let Some(fragment) = self.document.fragments.get(&name.node) else {
            return Ok(Weight::default());
        };
        self.fragments.insert(key, Weighed::Open);
        let parent = fragment.node.type_condition.node.on.node.as_str();
        let mut weight = self.weigh(&fragment.node.selection_set.node, Some(parent), place)?;
        weight.directives = weight.directives.saturating_add(fragment.node.directives.len() as u64);
        self.fragments.insert(key, Weighed::Done(weight));
        Ok(weight)
    }

    fn field(&mut self, field: &'a Positioned<Field>, parent: Option<&str>, place: Place) -> Result<Weight, Refusal> {
        let name = field.node.name.node.as_str();
        let mut inner = Place {
            depth: place.depth + 1,
            ..place
        };
        if name == "__schema" || name == "__type" {
            if !self.permission.introspection {
                return Err(Refusal::new(
                    Code::IntrospectionDisabled,
                    "introspection is not available to this caller",
                )
                .at(field.pos));
            }
            inner.introspection = true;
        }
        if inner.introspection {
            if ["fields", "interfaces", "possibleTypes", "inputFields"].contains(&name) {
                inner.introspection_lists += 1;
                if inner.introspection_lists >= INTROSPECTION_LISTS {
                    return Err(Refusal::new(Code::TooComplex, "introspection is nested too deep").at(field.pos));
                }
            }
        } else if inner.depth > self.limits.depth {
            return Err(self.too_deep(Some(field.pos)));
        }
        let types = self.types;
        let definition = types.field(parent, name);
        let arguments = self.arguments(field, definition)?;
        let size = if inner.introspection {
            1
        } else {
            self.size(field, definition, parent, &arguments)?
        };
        let child = definition.map(|definition| named(&definition.ty));
        let children = self.weigh(&field.node.selection_set.node, child, inner)?;
        Ok(Weight {
            depth: children.depth + 1,
            complexity: size.saturating_mul(children.complexity).saturating_add(1),
            ..children
        })
    }

    /// Arguments with variables filled in, after the checks that validation does not make.
    fn arguments<'d>(
        &self,
        field: &Positioned<Field>,
        definition: Option<&'d types::Field>,
    ) -> Result<HashMap<&'d str, Value>, Refusal> {
        let mut values = HashMap::new();
        for (name, argument) in &field.node.arguments {
            let fill = |variable: Name| Ok::<_, Infallible>(self.variables.get(&variable).cloned().unwrap_or_default());
            let Ok(value) = argument.node.clone().into_const_with(fill);
            let coercion = Coercion {
                types: self.types,
                limits: self.limits,
            };
            let ty = definition
                .and_then(|definition| definition.arguments.get(name.node.as_str()))
                .map(|input| &input.ty);
            self.literal(&coercion, ty, &value, &mut Path::root(&name.node))
                .map_err(|refusal| refusal.at(argument.pos))?;
            if let Some(known) =
                definition.and_then(|definition| definition.arguments.get_key_value(name.node.as_str()))
            {
                values.insert(known.0.as_str(), value);
            }
        }
        Ok(values)
    }

    fn literal(
        &self,
        coercion: &Coercion<'_>,
        ty: Option<&async_graphql::parser::types::Type>,
        value: &Value,
        path: &mut Path,
    ) -> Result<(), Refusal> {
        let refuse = |(path, problem): (String, super::variables::Problem)| {
            Refusal::new(problem.code, format!("argument \"{path}\": {}", problem.message)).field(path)
        };
        match value {
            Value::List(values) => {
                coercion.length(values.len(), path).map_err(refuse)?;
                for (index, value) in values.iter().enumerate() {
                    path.within(&index.to_string(), |path| self.literal(coercion, ty, value, path))?;
                }
            }
            Value::Object(object) => {
                let fields = match ty.map(named).and_then(|name| self.types.get(name)) {
                    Some(Kind::Input { fields, .. }) => Some(fields),
                    _ => None,
                };
                for (name, value) in object {
                    let ty = fields
                        .and_then(|fields| fields.get(name.as_str()))
                        .map(|input| &input.ty);
                    path.within(name, |path| self.literal(coercion, ty, value, path))?;
                }
            }
            Value::Null => {}
            value => {
                no_nul(value, path).map_err(refuse)?;
                if let Some(name) = ty.map(named)
                    && let Some(check) = self.types.scalar(name)
                    && let Err(message) = check(value)
                {
                    let path = path.as_str();
                    return Err(Refusal::new(
                        Code::BadUserInput,
                        format!("argument \"{path}\": expected {name}, {message}"),
                    )
                    .field(path));
                }
            }
        }
        Ok(())
    }

    /// How many elements a field can return.
    fn size(
        &self,
        field: &Positioned<Field>,
        definition: Option<&types::Field>,
        parent: Option<&str>,
        arguments: &HashMap<&str, Value>,
    ) -> Result<u64, Refusal> {
        let Some(definition) = definition else { return Ok(1) };
        if definition.is_paged() {
            let mut size = None;
            for name in ["first", "last"] {
                let given = arguments
                    .get(name)
                    .or_else(|| definition.arguments.get(name)?.default.as_ref());
                let Some(Value::Number(number)) = given else { continue };
                let most = self.limits.page_size;
                let count = number.as_u64().filter(|count| *count <= most).ok_or_else(|| {
                    Refusal::new(Code::BadUserInput, format!("{name} must be between 0 and {most}"))
                        .field(name)
                        .at(field.pos)
                })?;
                size = Some(size.map_or(count, |size: u64| size.min(count)));
            }
            return Ok(size.unwrap_or(self.limits.default_page_size));
        }
        if !definition.is_list() {
            return Ok(1);
        }
        // The page's own lists have the size that the connection was weighed with.
        if parent.is_some_and(|parent| parent.ends_with("Connection")) {
            return Ok(1);
        }
        let longest = arguments
            .values()
            .filter_map(|value| {
                if let Value::List(values) = value {
                    Some(values.len() as u64)
                } else {
                    None
                }
            })
            .max();
        Ok(longest.unwrap_or(self.limits.assumed_list_size))
    }

    /// A subscription has one root field, and it is not introspection.
    fn one_root(&self, set: &'a SelectionSet, at: Pos) -> Result<(), Refusal> {
        let mut roots = Vec::new();
        self.roots(set, &mut roots, 0);
        let mut keys: Vec<_> = roots
            .iter()
            .map(|field| field.node.response_key().node.as_str())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != 1 || roots.iter().any(|field| field.node.name.node.starts_with("__")) {
            return Err(Refusal::new(
                Code::ValidationFailed,
                "a subscription must have exactly one root field",
            )
            .at(at));
        }
        Ok(())
    }

    fn roots(&self, set: &'a SelectionSet, roots: &mut Vec<&'a Positioned<Field>>, recursion: usize) {
        if recursion > RECURSION {
            return;
        }
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => roots.push(field),
                Selection::InlineFragment(fragment) => {
                    self.roots(&fragment.node.selection_set.node, roots, recursion + 1);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.roots(&fragment.node.selection_set.node, roots, recursion + 1);
                    }
                }
            }
        }
    }

    fn too_deep(&self, at: Option<Pos>) -> Refusal {
        let refusal = Refusal::new(
            Code::TooComplex,
            format!("the document is more than {} fields deep", self.limits.depth),
        );
        match at {
            Some(at) => refusal.at(at),
            None => refusal,
        }
    }
}
