//! The published form of a chat-completions request, as far as this product could depart from it.
//!
//! Written from `OpenAI`'s API reference ("Create chat completion") and its guides on structured outputs and images, not
//! from the client's code: what a request must have, which properties exist, what a message and a picture look like, and
//! what a strict JSON schema may be.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

const MOST_BODY_BYTES: usize = 50 * 1024 * 1024;
const MOST_PICTURE_BYTES: usize = 20 * 1024 * 1024;
const MOST_PICTURES: usize = 500;

/// Every property of the request object; another one is refused.
const PROPERTIES: [&str; 36] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// Where a request departs from the form.
pub fn departures(headers: &HeaderMap, length: usize, body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let header = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if header(header::CONTENT_TYPE).split(';').next() != Some("application/json") {
        faults.push("content-type is not application/json".to_owned());
    }
    if !header(header::AUTHORIZATION).starts_with("Bearer ") {
        faults.push("no bearer token".to_owned());
    }
    if length > MOST_BODY_BYTES {
        faults.push(format!("the body is longer than {MOST_BODY_BYTES} bytes"));
    }
    let Value::Object(fields) = body else {
        faults.push("the body is no JSON object".to_owned());
        return faults;
    };
    for name in fields.keys().filter(|name| !PROPERTIES.contains(&name.as_str())) {
        faults.push(format!("unrecognized request argument: {name}"));
    }
    scalars(fields, &mut faults);
    messages(fields.get("messages"), &mut faults);
    if let Some(format) = fields.get("response_format") {
        response_format(format, &mut faults);
    }
    faults
}

fn scalars(fields: &Map<String, Value>, faults: &mut Vec<String>) {
    if fields.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        faults.push("model is required and a text".to_owned());
    }
    if fields.contains_key("max_tokens") && fields.contains_key("max_completion_tokens") {
        faults.push("max_tokens and max_completion_tokens exclude each other".to_owned());
    }
    for name in ["max_tokens", "max_completion_tokens", "n"] {
        if fields
            .get(name)
            .is_some_and(|value| value.as_u64().is_none_or(|number| number == 0))
        {
            faults.push(format!("{name} is not a positive whole number"));
        }
    }
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ] {
        if fields
            .get(name)
            .is_some_and(|value| value.as_f64().is_none_or(|number| !(least..=most).contains(&number)))
        {
            faults.push(format!("{name} is not a number from {least} to {most}"));
        }
    }
    for name in ["stream", "store", "logprobs", "parallel_tool_calls"] {
        if fields.get(name).is_some_and(|value| !value.is_boolean()) {
            faults.push(format!("{name} is not a boolean"));
        }
    }
    let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    if fields
        .get("reasoning_effort")
        .is_some_and(|value| value.as_str().is_none_or(|word| !efforts.contains(&word)))
    {
        faults.push("reasoning_effort is none of its values".to_owned());
    }
}

fn messages(messages: Option<&Value>, faults: &mut Vec<String>) {
    let Some(messages) = messages
        .and_then(Value::as_array)
        .filter(|messages| !messages.is_empty())
    else {
        faults.push("messages is required and not empty".to_owned());
        return;
    };
    for (number, message) in messages.iter().enumerate() {
        let place = format!("messages[{number}]");
        let role = message["role"].as_str().unwrap_or_default();
        if !["developer", "system", "user", "assistant", "tool"].contains(&role) {
            faults.push(format!("{place}.role is none of its values"));
        }
        match &message["content"] {
            Value::String(_) => {}
            Value::Array(parts) if !parts.is_empty() => {
                for (number, part) in parts.iter().enumerate() {
                    content_part(&format!("{place}.content[{number}]"), role, part, faults);
                }
            }
            _ => faults.push(format!("{place}.content is neither a text nor a list of parts")),
        }
    }
    let all: Vec<_> = messages
        .iter()
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "image_url")
        .collect();
    if all.len() > MOST_PICTURES {
        faults.push(format!("more than {MOST_PICTURES} pictures"));
    }
}

fn content_part(place: &str, role: &str, part: &Value, faults: &mut Vec<String>) {
    match part["type"].as_str() {
        Some("text") => {
            if !part["text"].is_string() {
                faults.push(format!("{place}.text is required"));
            }
        }
        Some("image_url") if role == "user" => {
            let image = &part["image_url"];
            let detail = image.get("detail").is_none_or(|detail| {
                detail
                    .as_str()
                    .is_some_and(|word| ["auto", "low", "high", "original"].contains(&word))
            });
            if !detail {
                faults.push(format!("{place}.image_url.detail is none of its values"));
            }
            if let Some(fault) = picture_fault(image["url"].as_str().unwrap_or_default()) {
                faults.push(format!("{place}.image_url.url: {fault}"));
            }
        }
        Some("image_url") => faults.push(format!("{place}: only a user's message holds pictures")),
        _ => faults.push(format!("{place}.type is none of its values")),
    }
}

/// The product never sends addresses, only pictures themselves.
fn picture_fault(url: &str) -> Option<String> {
    let Some((kind, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) else {
        return Some("not a data URL in base64".to_owned());
    };
    let Ok(bytes) = STANDARD.decode(data) else {
        return Some("not base64".to_owned());
    };
    if bytes.len() > MOST_PICTURE_BYTES {
        return Some("larger than 20 MB".to_owned());
    }
    let matches = match kind {
        "image/jpeg" => bytes.starts_with(&[0xff, 0xd8, 0xff]),
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/gif" => bytes.starts_with(b"GIF8"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        _ => false,
    };
    (!matches).then(|| format!("not a picture of type {kind}"))
}

/// The pictures of a request.
pub(super) fn pictures(body: &Value) -> impl Iterator<Item = &Value> {
    let messages = body["messages"].as_array().into_iter().flatten();
    messages
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "image_url")
}

fn response_format(format: &Value, faults: &mut Vec<String>) {
    match format["type"].as_str() {
        Some("text" | "json_object") => {}
        Some("json_schema") => {
            let outer = &format["json_schema"];
            let name = outer["name"].as_str().unwrap_or_default();
            if !(1..=64).contains(&name.len())
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            {
                faults.push("response_format.json_schema.name is not a name".to_owned());
            }
            let schema = &outer["schema"];
            if outer["strict"] == true {
                let mut sums = Sums::default();
                if schema["type"] != "object" || !schema["anyOf"].is_null() {
                    faults.push("a strict schema has an object at its root".to_owned());
                }
                strict("schema", schema, 1, &mut sums, faults);
                if sums.properties > 5_000 || sums.enumerated > 1_000 || sums.characters > 120_000 {
                    faults.push("the schema is too large".to_owned());
                }
            } else if !schema.is_object() {
                faults.push("response_format.json_schema.schema is not an object".to_owned());
            }
        }
        _ => faults.push("response_format.type is none of its values".to_owned()),
    }
}

#[derive(Default)]
struct Sums {
    properties: usize,
    enumerated: usize,
    characters: usize,
}

fn strict(place: &str, schema: &Value, level: usize, sums: &mut Sums, faults: &mut Vec<String>) {
    let Value::Object(fields) = schema else {
        faults.push(format!("{place} is not a schema"));
        return;
    };
    if level > 10 {
        faults.push(format!("{place} lies deeper than ten levels"));
        return;
    }
    for word in [
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "oneOf",
        "patternProperties",
    ] {
        if fields.contains_key(word) {
            faults.push(format!("{place}: {word} is not permitted"));
        }
    }
    let names: Vec<&str> = match &fields.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let known = ["string", "number", "boolean", "integer", "object", "array", "null"];
    let described = !names.is_empty()
        || ["anyOf", "$ref", "enum", "const"]
            .iter()
            .any(|word| fields.contains_key(*word));
    if !described || names.iter().any(|name| !known.contains(name)) {
        faults.push(format!("{place} has no known type"));
    }
    if let Some(Value::Array(values)) = fields.get("enum") {
        sums.enumerated += values.len();
        sums.characters += values.iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
    }
    if names.contains(&"object") {
        if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
            faults.push(format!("{place}: additionalProperties is required to be false"));
        }
        let properties = fields
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let mut required: Vec<_> = fields
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        required.sort_unstable();
        let mut present: Vec<_> = properties.keys().map(String::as_str).collect();
        present.sort_unstable();
        if required != present {
            faults.push(format!("{place}: required must name every property"));
        }
        sums.properties += properties.len();
        sums.characters += properties.keys().map(String::len).sum::<usize>();
        for (name, property) in &properties {
            strict(&format!("{place}.{name}"), property, level + 1, sums, faults);
        }
    }
    if names.contains(&"array") {
        strict(
            &format!("{place}[]"),
            fields.get("items").unwrap_or(&Value::Null),
            level + 1,
            sums,
            faults,
        );
    }
    for choice in fields.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        strict(&format!("{place}|"), choice, level, sums, faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::json;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer k"));
        headers
    }

    fn good() -> Value {
        let picture = format!("data:image/jpeg;base64,{}", STANDARD.encode([0xff, 0xd8, 0xff, 0xd9]));
        json!({
            "model": "m",
            "messages": [
                { "role": "system", "content": "s" },
                { "role": "user", "content": [{ "type": "text", "text": "t" }, { "type": "image_url", "image_url": { "url": picture, "detail": "high" } }] }
            ],
            "response_format": { "type": "json_schema", "json_schema": { "name": "n", "strict": true, "schema": {
                "type": "object", "properties": { "a": { "type": ["string", "null"] } }, "required": ["a"], "additionalProperties": false
            } } }
        })
    }

    #[test]
    fn a_good_request_passes_and_each_departure_is_found() {
        type Change = fn(&mut Value);
        assert_eq!(departures(&headers(), 1, &good()), Vec::<String>::new());
        let changes: [(&str, Change); 13] = [
            ("model", |body| body["model"] = json!("")),
            ("messages", |body| body["messages"] = json!([])),
            ("unrecognized", |body| body["max_output"] = json!(1)),
            ("temperature", |body| body["temperature"] = json!(2.5)),
            ("max_completion_tokens", |body| {
                body["max_completion_tokens"] = json!("many");
            }),
            ("role", |body| body["messages"][0]["role"] = json!("boss")),
            ("only a user's", |body| body["messages"][1]["role"] = json!("system")),
            ("data URL", |body| {
                body["messages"][1]["content"][1]["image_url"]["url"] = json!("https://example.com/a.jpg");
            }),
            ("not a picture", |body| {
                body["messages"][1]["content"][1]["image_url"]["url"] = json!("data:image/png;base64,/9j/2Q==");
            }),
            ("detail", |body| {
                body["messages"][1]["content"][1]["image_url"]["detail"] = json!("ultra");
            }),
            ("additionalProperties", |body| {
                body["response_format"]["json_schema"]["schema"]["additionalProperties"] = json!(true);
            }),
            ("required", |body| {
                body["response_format"]["json_schema"]["schema"]["required"] = json!([]);
            }),
            ("root", |body| {
                body["response_format"]["json_schema"]["schema"] =
                    json!({ "type": "array", "items": { "type": "string" } });
            }),
        ];
        for (word, change) in changes {
            let mut body = good();
            change(&mut body);
            let faults = departures(&headers(), 1, &body);
            assert!(faults.len() == 1 && faults[0].contains(word), "{word}: {faults:?}");
        }
        assert_eq!(departures(&HeaderMap::new(), MOST_BODY_BYTES + 1, &good()).len(), 3);
    }
}
