//! Variables, coerced against the schema before anything runs: a missing one must not be found by the second field of a
//! mutation whose first has been committed.

use async_graphql::{
    Name, Number, Value, Variables,
    indexmap::IndexMap,
    parser::types::{BaseType, OperationDefinition, Type},
};

use super::{
    super::error::{Code, Refusal},
    Limits,
    types::{Input, Kind, Types},
};

/// The variables of `operation`, complete and of their types; what it does not declare is dropped.
pub fn coerce(
    operation: &OperationDefinition,
    given: serde_json::Map<String, serde_json::Value>,
    types: &Types,
    limits: &Limits,
) -> Result<Variables, Vec<Refusal>> {
    let mut given: IndexMap<String, serde_json::Value> = given.into_iter().collect();
    let mut variables = Variables::default();
    let mut refusals = Vec::new();
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let at = definition.pos;
        let refuse = |message: String| Refusal::new(Code::BadUserInput, message).field(name.as_str()).at(at);
        match given.swap_remove(name.as_str()) {
            None if definition.node.default_value.is_some() || ty.nullable => {}
            None => refusals.push(refuse(format!("variable \"${name}\" of type \"{ty}\" is required"))),
            Some(json) => {
                let coercion = Coercion { types, limits };
                match Value::from_json(json) {
                    Err(_) => refusals.push(refuse(format!("variable \"${name}\" holds a key that is not a name"))),
                    Ok(value) => match coercion.value(ty, value, &mut Path::root(name)) {
                        Ok(value) => {
                            variables.insert(name.clone(), value);
                        }
                        Err((path, problem)) => {
                            refusals.push(
                                Refusal::new(problem.code, format!("variable \"${path}\": {}", problem.message))
                                    .field(path)
                                    .at(at),
                            );
                        }
                    },
                }
            }
        }
    }
    if refusals.is_empty() {
        Ok(variables)
    } else {
        Err(refusals)
    }
}

/// Where in a value we are, as `input.items.3.name`.
pub struct Path(String);

impl Path {
    pub fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn within<T>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.0.push('.');
        self.0.push_str(step);
        let result = look(self);
        self.0.truncate(length);
        result
    }
}

pub struct Problem {
    pub code: Code,
    pub message: String,
}

pub struct Coercion<'a> {
    pub types: &'a Types,
    pub limits: &'a Limits,
}

type Coerced = Result<Value, (String, Problem)>;

fn problem<T>(path: &Path, code: Code, message: String) -> Result<T, (String, Problem)> {
    Err((path.0.clone(), Problem { code, message }))
}

impl Coercion<'_> {
    fn value(&self, ty: &Type, value: Value, path: &mut Path) -> Coerced {
        if value == Value::Null {
            return if ty.nullable {
                Ok(value)
            } else {
                problem(path, Code::BadUserInput, format!("expected {ty}, found null"))
            };
        }
        match &ty.base {
            BaseType::List(inner) => match value {
                Value::List(values) => {
                    self.length(values.len(), path)?;
                    let each = |(index, value): (usize, Value)| {
                        path.within(&index.to_string(), |path| self.value(inner, value, path))
                    };
                    values
                        .into_iter()
                        .enumerate()
                        .map(each)
                        .collect::<Result<_, _>>()
                        .map(Value::List)
                }
                single => Ok(Value::List(vec![self.value(inner, single, path)?])),
            },
            BaseType::Named(name) => match self.types.get(name) {
                // Not ours to word: validation says that the type is unknown or cannot be given.
                None | Some(Kind::Composite(_)) => Ok(value),
                Some(Kind::Scalar) => self.scalar(name, value, path),
                Some(Kind::Enum(values)) => match &value {
                    Value::String(text) if values.contains(text) => Ok(value),
                    _ => problem(
                        path,
                        Code::BadUserInput,
                        format!("expected {name}, found {}", found(&value)),
                    ),
                },
                Some(Kind::Input { fields, one_of }) => match value {
                    Value::Object(object) => self.object(name, fields, *one_of, object, path),
                    other => problem(
                        path,
                        Code::BadUserInput,
                        format!("expected {name}, found {}", found(&other)),
                    ),
                },
            },
        }
    }

    fn object(
        &self,
        name: &str,
        fields: &std::collections::HashMap<String, Input>,
        one_of: bool,
        object: IndexMap<Name, Value>,
        path: &mut Path,
    ) -> Coerced {
        if one_of && (object.len() != 1 || object.values().any(|value| *value == Value::Null)) {
            return problem(
                path,
                Code::BadUserInput,
                format!("{name} takes exactly one field, not null"),
            );
        }
        for (field, input) in fields {
            if !input.ty.nullable && input.default.is_none() && !object.contains_key(field.as_str()) {
                return path.within(field, |path| {
                    problem(
                        path,
                        Code::BadUserInput,
                        format!("expected {}, found nothing", input.ty),
                    )
                });
            }
        }
        let mut coerced = IndexMap::with_capacity(object.len());
        for (field, value) in object {
            let value = path.within(&field, |path| match fields.get(field.as_str()) {
                Some(input) => self.value(&input.ty, value, path),
                None => problem(path, Code::BadUserInput, format!("{name} has no such field")),
            })?;
            coerced.insert(field, value);
        }
        Ok(Value::Object(coerced))
    }

    fn scalar(&self, name: &str, value: Value, path: &Path) -> Coerced {
        let coerced = match (name, value) {
            ("Int", Value::Number(number)) => whole(&number)
                .filter(|number| i32::try_from(*number).is_ok())
                .map(Value::from)
                .ok_or(Value::Number(number)),
            ("Float", value @ Value::Number(_))
            | ("Boolean", value @ Value::Boolean(_))
            | ("String" | "ID", value @ Value::String(_)) => Ok(value),
            ("ID", Value::Number(number)) => whole(&number)
                .map(|number| Value::from(number.to_string()))
                .ok_or(Value::Number(number)),
            ("Int" | "Float" | "Boolean" | "String" | "ID", other) => Err(other),
            (_, value) => {
                if let Some(check) = self.types.scalar(name)
                    && let Err(message) = check(&value)
                {
                    return problem(path, Code::BadUserInput, format!("expected {name}, {message}"));
                }
                Ok(value)
            }
        };
        match coerced {
            Ok(value) => {
                no_nul(&value, path)?;
                Ok(value)
            }
            Err(value) => problem(
                path,
                Code::BadUserInput,
                format!("expected {name}, found {}", found(&value)),
            ),
        }
    }

    /// Refuses a list that is too long.
    pub fn length(&self, length: usize, path: &Path) -> Result<(), (String, Problem)> {
        let most = self.limits.list_argument_length;
        if length > most {
            problem(path, Code::TooComplex, format!("a list of {length}, {most} at most"))
        } else {
            Ok(())
        }
    }
}

/// Refuses NUL in text, which no database column can hold, also inside free-form JSON.
pub fn no_nul(value: &Value, path: &Path) -> Result<(), (String, Problem)> {
    match value {
        Value::String(text) if text.contains('\0') => {
            problem(path, Code::BadUserInput, "text may not contain NUL".to_owned())
        }
        Value::List(values) => values.iter().try_for_each(|value| no_nul(value, path)),
        Value::Object(object) => object.values().try_for_each(|value| no_nul(value, path)),
        _ => Ok(()),
    }
}

/// A whole number, also written as `3.0`.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 9.0e15)
            .map(|float| float as i64)
    })
}

/// A value in a message: its kind, and the value itself if it is short and no text of the user's.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::String(_) | Value::Enum(_) => "other text".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Binary(_) => "bytes".to_owned(),
    }
}
