//! The JSON of an answer, in which a field may stand that was JSON before.

use async_graphql::{Response, Value};

/// The response. A [`Value::Binary`] is JSON that stands as it is; no scalar of a schema served here is binary.
///
/// # Errors
/// Those of the writer, which for a value in memory has none.
pub fn write(response: &Response) -> serde_json::Result<String> {
    let mut json = Vec::with_capacity(1024);
    json.push(b'{');
    if !response.errors.is_empty() {
        json.extend_from_slice(b"\"errors\":");
        serde_json::to_writer(&mut json, &response.errors)?;
        json.push(b',');
    }
    json.extend_from_slice(b"\"data\":");
    value(&response.data, &mut json)?;
    if !response.extensions.is_empty() {
        json.extend_from_slice(b",\"extensions\":");
        serde_json::to_writer(&mut json, &response.extensions)?;
    }
    json.push(b'}');
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

fn value(data: &Value, json: &mut Vec<u8>) -> serde_json::Result<()> {
    match data {
        Value::Binary(written) => json.extend_from_slice(written),
        Value::List(list) => {
            json.push(b'[');
            for (at, item) in list.iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                value(item, json)?;
            }
            json.push(b']');
        }
        Value::Object(members) => {
            json.push(b'{');
            for (at, (name, member)) in members.iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                // Keys of documents that people stored are any text.
                serde_json::to_writer(&mut *json, name.as_str())?;
                json.push(b':');
                value(member, json)?;
            }
            json.push(b'}');
        }
        plain => serde_json::to_writer(json, plain)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, Pos, ServerError};

    use super::*;

    #[test]
    fn a_response_is_written_as_a_serializer_would_and_json_stands_as_it_is() {
        let plain = serde_json::json!({ "a": [1, 2.5, "x\"\u{1}é", null, true, {}], "b": { "c": [] }, "a\":1},\"data\":{\"\n\n": {} });
        let mut response = Response::new(Value::from_json(plain).unwrap());
        assert_eq!(write(&response).unwrap(), serde_json::to_string(&response).unwrap());
        response = response.extension("cost", Value::from(7));
        response
            .errors
            .push(ServerError::new("no \"such\" thing", Some(Pos { line: 1, column: 2 })));
        assert_eq!(write(&response).unwrap(), serde_json::to_string(&response).unwrap());
        let both = Value::List(vec![Value::Binary("{\"a\":1}".into()), Value::Enum(Name::new("B"))]);
        assert_eq!(write(&Response::new(both)).unwrap(), r#"{"data":[{"a":1},"B"]}"#);
    }
}
