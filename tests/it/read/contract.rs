//! The schema against the contract that it was designed by, and against `schema.graphql`.

use std::collections::BTreeMap;

use api::graphql;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// What the schema still lacks of the contract; a line leaves with the work that brings it.
const NOT_YET: &[&str] = &[
    "DeleteReportInput",
    "DeleteReportPayload",
    "GenerateReportInput",
    "GenerateReportPayload",
    "Mutation.deleteReport",
    "Mutation.generateReport",
    "Mutation.revokeReportLink",
    "Mutation.shareReport",
    "RevokeReportLinkInput",
    "RevokeReportLinkPayload",
    "ShareReportInput",
    "ShareReportPayload",
];

fn types(document: &ServiceDocument) -> BTreeMap<String, &TypeDefinition> {
    let definitions = document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), &definition.node)),
        _ => None,
    });
    definitions.collect()
}

/// Members of a type, each as it is written.
fn members(definition: &TypeDefinition) -> BTreeMap<String, String> {
    let argument = |argument: &InputValueDefinition| {
        let default = argument
            .default_value
            .as_ref()
            .map(|value| format!(" = {}", value.node))
            .unwrap_or_default();
        (argument.name.node.to_string(), format!("{}{default}", argument.ty.node))
    };
    let field = |field: &FieldDefinition| {
        let mut arguments: Vec<_> = field.arguments.iter().map(|one| argument(&one.node)).collect();
        arguments.sort();
        (field.name.node.to_string(), format!("{arguments:?}: {}", field.ty.node))
    };
    match &definition.kind {
        TypeKind::Object(object) => object.fields.iter().map(|one| field(&one.node)).collect(),
        TypeKind::Interface(interface) => interface.fields.iter().map(|one| field(&one.node)).collect(),
        TypeKind::InputObject(input) => input.fields.iter().map(|one| argument(&one.node)).collect(),
        TypeKind::Enum(values) => values
            .values
            .iter()
            .map(|value| (value.node.value.node.to_string(), String::new()))
            .collect(),
        TypeKind::Scalar | TypeKind::Union(_) => BTreeMap::new(),
    }
}

#[test]
fn the_schema_contains_the_contract() {
    let sdl = graphql::sdl();
    let (ours, contract) = (
        parse_schema(&sdl).unwrap(),
        parse_schema(include_str!("../../fixtures/contract.graphql")).unwrap(),
    );
    let (ours, contract) = (types(&ours), types(&contract));
    let mut missing = Vec::new();
    for (name, wanted) in &contract {
        let Some(found) = ours.get(name) else {
            missing.push(name.clone());
            continue;
        };
        let found = members(found);
        for (member, wanted) in members(wanted) {
            match found.get(&member) {
                None => missing.push(format!("{name}.{member}")),
                Some(found) if *found != wanted => missing.push(format!("{name}.{member}: {found} is not {wanted}")),
                Some(_) => {}
            }
        }
        if let (TypeKind::Object(wanted), TypeKind::Object(found)) = (&wanted.kind, &ours[name].kind) {
            assert!(
                wanted
                    .implements
                    .iter()
                    .all(|one| found.implements.iter().any(|other| one.node == other.node)),
                "{name} is a node"
            );
        }
    }
    assert_eq!(missing, NOT_YET, "in the contract and not in the schema");
}

#[test]
fn schema_graphql_is_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql");
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        known == graphql::sdl(),
        "schema.graphql is not the schema any more: write it with `./dev schema`, read the difference, commit it"
    );
}

#[test]
fn only_what_is_never_null_takes_its_siblings_along() {
    let sdl = graphql::sdl();
    let document = parse_schema(&sdl).unwrap();
    let TypeKind::Object(query) = &types(&document)["Query"].kind else {
        panic!("no query")
    };
    let never: Vec<String> = query
        .fields
        .iter()
        .filter(|field| !field.node.ty.node.nullable)
        .map(|field| field.node.name.node.to_string())
        .collect();
    assert_eq!(never, graphql::root::NEVER_NULL);
}
