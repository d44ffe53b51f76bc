//! What a caller presents: nothing, a person's token, or a program's key. Nothing is verified here.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use service::config::Secret;

use super::TokenError;

/// What a caller presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    Anonymous,
    /// A token of the sign-in service, for [`super::TokenVerifier::verify`].
    Person(Secret),
    /// The secret of an API key, to be looked up by its hash.
    Key(Secret),
}

/// What every API key begins with.
const KEY_PREFIX: &str = "ns_";

impl Credential {
    /// Reads the headers of a request.
    ///
    /// `Authorization: Bearer …` carries a token or a key, `X-API-Key` a key. Supabase's client libraries send `apikey` with
    /// every request, so a value there that is no key of ours is passed over. Two credentials at once are refused.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, TokenError> {
        let authorization = only(headers, header::AUTHORIZATION.as_str())?.map(bearer).transpose()?;
        let key = match only(headers, "x-api-key")? {
            Some(text) => Some(key(text)?),
            None => match only(headers, "apikey")? {
                Some(text) if text.starts_with(KEY_PREFIX) => Some(key(text)?),
                _ => None,
            },
        };
        match (authorization, key) {
            (None, None) => Ok(Self::Anonymous),
            (Some(credential), None) | (None, Some(credential)) => Ok(credential),
            (Some(first), Some(second)) if first == second => Ok(first),
            (Some(_), Some(_)) => Err(TokenError::Ambiguous),
        }
    }

    /// Reads the payload of `connection_init`: the same names as in headers, in any case, at the top or under `headers`.
    pub fn from_init_payload(payload: &Map<String, Value>) -> Result<Self, TokenError> {
        let nested = payload
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("headers"))
            .and_then(|(_, value)| value.as_object());
        let mut headers = HeaderMap::new();
        for (name, value) in payload.iter().chain(nested.into_iter().flatten()) {
            let name = name.to_ascii_lowercase();
            let (Some(name), Some(text)) = (
                ["authorization", "x-api-key", "apikey"]
                    .into_iter()
                    .find(|known| *known == name),
                value.as_str(),
            ) else {
                continue;
            };
            headers.append(name, text.parse().map_err(|_| TokenError::NotBearer)?);
        }
        Self::from_headers(&headers)
    }
}

/// The one value of a header. Two are refused: proxies and programs do not agree which of them counts.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, TokenError> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TokenError::Ambiguous);
    }
    first
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| TokenError::NotBearer)
}

fn bearer(text: &str) -> Result<Credential, TokenError> {
    let (scheme, rest) = text.split_once(' ').ok_or(TokenError::NotBearer)?;
    let token = rest.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(char::is_whitespace) {
        return Err(TokenError::NotBearer);
    }
    if token.starts_with(KEY_PREFIX) {
        key(token)
    } else {
        Ok(Credential::Person(Secret::new(token)))
    }
}

/// A key is the prefix and 256 bits in base64url or hexadecimal: 43 to 64 characters, with room for a longer kind.
fn key(text: &str) -> Result<Credential, TokenError> {
    let rest = text.strip_prefix(KEY_PREFIX).ok_or(TokenError::MalformedKey)?;
    let legal = rest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !legal || !(43..=128).contains(&rest.len()) {
        return Err(TokenError::MalformedKey);
    }
    Ok(Credential::Key(Secret::new(text)))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::{Credential, TokenError};

    fn read(lines: &[(&'static str, &str)]) -> Result<Credential, TokenError> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Credential::from_headers(&headers)
    }

    fn kind(found: Result<Credential, TokenError>) -> String {
        match found {
            Ok(Credential::Anonymous) => "anonymous".to_owned(),
            Ok(Credential::Person(token)) => format!("person {}", token.expose()),
            Ok(Credential::Key(_)) => "key".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn each_way_to_present_a_credential_is_told_apart() {
        let key = format!("ns_{}", "k".repeat(43));
        let bearer_key = format!("Bearer {key}");
        let table: Vec<(Vec<(&'static str, &str)>, &str)> = vec![
            (vec![], "anonymous"),
            (vec![("authorization", "Bearer a.b.c")], "person a.b.c"),
            (vec![("authorization", "bEaReR   a.b.c ")], "person a.b.c"),
            (vec![("authorization", &bearer_key)], "key"),
            (vec![("x-api-key", &key)], "key"),
            (vec![("apikey", &key)], "key"),
            (vec![("authorization", &bearer_key), ("x-api-key", &key)], "key"),
            (
                vec![("authorization", "Bearer a.b.c"), ("apikey", "sb_publishable_x")],
                "person a.b.c",
            ),
            (vec![("apikey", "sb_publishable_x")], "anonymous"),
            (
                vec![("authorization", "Bearer a.b.c"), ("x-api-key", &key)],
                "Ambiguous",
            ),
            (
                vec![("authorization", "Bearer a.b.c"), ("authorization", "Bearer d.e.f")],
                "Ambiguous",
            ),
            (vec![("x-api-key", "a.b.c")], "MalformedKey"),
            (vec![("x-api-key", "ns_short")], "MalformedKey"),
            (vec![("authorization", "Bearer ns_' or 1=1 --")], "NotBearer"),
            (vec![("authorization", "Basic dTpw")], "NotBearer"),
            (vec![("authorization", "Bearer")], "NotBearer"),
            (vec![("authorization", "Bearer ")], "NotBearer"),
            (vec![("authorization", "a.b.c")], "NotBearer"),
            (vec![("authorization", "")], "NotBearer"),
        ];
        for (lines, wanted) in table {
            assert_eq!(kind(read(&lines)), wanted, "{lines:?}");
        }
    }

    #[test]
    fn a_socket_presents_the_same_in_its_first_message() {
        for (payload, wanted) in [
            (json!({}), "anonymous"),
            (json!({ "Authorization": "Bearer a.b.c" }), "person a.b.c"),
            (
                json!({ "headers": { "authorization": "Bearer a.b.c" }, "other": 1 }),
                "person a.b.c",
            ),
            (
                json!({ "authorization": "Bearer a", "headers": { "Authorization": "Bearer b" } }),
                "Ambiguous",
            ),
            (json!({ "authorization": "Bearer a\nb" }), "NotBearer"),
            (json!({ "authorization": 7 }), "anonymous"),
        ] {
            assert_eq!(
                kind(Credential::from_init_payload(payload.as_object().unwrap())),
                wanted,
                "{payload}"
            );
        }
    }

    #[test]
    fn a_credential_does_not_print_itself() {
        assert_eq!(
            format!("{:?}", read(&[("authorization", "Bearer a.b.c")])),
            "Ok(Person([redacted]))"
        );
    }
}
