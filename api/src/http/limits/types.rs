//! The schema's types as the checks need them, read from its own SDL.

use std::collections::HashMap;

use async_graphql::{
    Value,
    parser::{
        self, parse_schema,
        types::{BaseType, Type, TypeKind, TypeSystemDefinition},
    },
};

/// Checks the text form of a custom scalar. The error completes "expected X, ".
pub type ScalarCheck = fn(&Value) -> Result<(), String>;

/// An argument or the field of an input object.
#[derive(Debug, Clone)]
pub struct Input {
    pub ty: Type,
    pub default: Option<Value>,
}

/// A field of an object or interface.
#[derive(Debug)]
pub struct Field {
    pub ty: Type,
    pub arguments: HashMap<String, Input>,
}

impl Field {
    pub fn is_list(&self) -> bool {
        matches!(self.ty.base, BaseType::List(_))
    }

    pub fn is_paged(&self) -> bool {
        self.arguments.contains_key("first") || self.arguments.contains_key("last")
    }
}

/// A type that can be selected from or given.
#[derive(Debug)]
pub enum Kind {
    Scalar,
    Enum(Vec<String>),
    Input {
        fields: HashMap<String, Input>,
        one_of: bool,
    },
    Composite(HashMap<String, Field>),
}

/// All types by name.
pub struct Types {
    by_name: HashMap<String, Kind>,
    scalars: HashMap<&'static str, ScalarCheck>,
    pub query: String,
    pub mutation: String,
    pub subscription: String,
}

impl Types {
    /// Reads the SDL. `scalars` adds to the checks that come with the transport.
    pub fn read(sdl: &str, scalars: &[(&'static str, ScalarCheck)]) -> Result<Self, parser::Error> {
        let document = parse_schema(sdl)?;
        let mut all = Self {
            by_name: ["Int", "Float", "String", "Boolean", "ID"]
                .map(|name| (name.to_owned(), Kind::Scalar))
                .into(),
            scalars: standard_scalars().into_iter().chain(scalars.iter().copied()).collect(),
            query: "Query".to_owned(),
            mutation: "Mutation".to_owned(),
            subscription: "Subscription".to_owned(),
        };
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let schema = schema.node;
                    let set = |root: &mut String, name: Option<async_graphql::Positioned<async_graphql::Name>>| {
                        if let Some(name) = name {
                            *root = name.node.to_string();
                        }
                    };
                    set(&mut all.query, schema.query);
                    set(&mut all.mutation, schema.mutation);
                    set(&mut all.subscription, schema.subscription);
                }
                TypeSystemDefinition::Type(ty) => {
                    let ty = ty.node;
                    let one_of = ty
                        .directives
                        .iter()
                        .any(|directive| directive.node.name.node == "oneOf");
                    let kind = match ty.kind {
                        TypeKind::Scalar => Kind::Scalar,
                        TypeKind::Enum(body) => Kind::Enum(
                            body.values
                                .into_iter()
                                .map(|value| value.node.value.node.to_string())
                                .collect(),
                        ),
                        TypeKind::InputObject(body) => Kind::Input {
                            fields: body.fields.into_iter().map(input).collect(),
                            one_of,
                        },
                        TypeKind::Object(body) => composite(body.fields),
                        TypeKind::Interface(body) => composite(body.fields),
                        TypeKind::Union(_) => Kind::Composite(HashMap::new()),
                    };
                    all.by_name.insert(ty.name.node.to_string(), kind);
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(all)
    }

    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.by_name.get(name)
    }

    /// The field of an object or interface.
    pub fn field(&self, parent: Option<&str>, name: &str) -> Option<&Field> {
        match self.by_name.get(parent?)? {
            Kind::Composite(fields) => fields.get(name),
            _ => None,
        }
    }

    pub fn scalar(&self, name: &str) -> Option<ScalarCheck> {
        self.scalars.get(name).copied()
    }
}

/// The name at the heart of a type: `X` of `[X!]!`.
pub fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

fn input(definition: async_graphql::Positioned<parser::types::InputValueDefinition>) -> (String, Input) {
    let definition = definition.node;
    let default = definition.default_value.map(|value| value.node);
    (
        definition.name.node.to_string(),
        Input {
            ty: definition.ty.node,
            default,
        },
    )
}

fn composite(fields: Vec<async_graphql::Positioned<parser::types::FieldDefinition>>) -> Kind {
    let field = |field: async_graphql::Positioned<parser::types::FieldDefinition>| {
        let field = field.node;
        (
            field.name.node.to_string(),
            Field {
                ty: field.ty.node,
                arguments: field.arguments.into_iter().map(input).collect(),
            },
        )
    };
    Kind::Composite(fields.into_iter().map(field).collect())
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("found something that is not a string".to_owned()),
    }
}

fn standard_scalars() -> [(&'static str, ScalarCheck); 6] {
    [
        ("DateTime", |value| {
            chrono::DateTime::parse_from_rfc3339(text(value)?)
                .map(drop)
                .map_err(|_| "found text that is not an RFC 3339 instant".to_owned())
        }),
        ("Decimal", |value| match value {
            Value::Number(_) => Ok(()),
            _ => text(value)?
                .parse::<rust_decimal::Decimal>()
                .map(drop)
                .map_err(|_| "found text that is not a decimal number".to_owned()),
        }),
        ("BigInt", |value| match value {
            Value::Number(number) if number.is_i64() => Ok(()),
            Value::Number(_) => Err("found a number outside of 64 bits".to_owned()),
            _ => text(value)?
                .parse::<i64>()
                .map(drop)
                .map_err(|_| "found text that is not a whole number of 64 bits".to_owned()),
        }),
        ("URL", |value| {
            url::Url::parse(text(value)?)
                .map(drop)
                .map_err(|_| "found text that is not an absolute URL".to_owned())
        }),
        ("Url", |value| {
            url::Url::parse(text(value)?)
                .map(drop)
                .map_err(|_| "found text that is not an absolute URL".to_owned())
        }),
        ("UUID", |value| {
            text(value)?
                .parse::<uuid::Uuid>()
                .map(drop)
                .map_err(|_| "found text that is not a UUID".to_owned())
        }),
    ]
}
