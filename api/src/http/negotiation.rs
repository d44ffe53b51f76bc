//! Media types: what a request is written in and what its answer may be.

use axum::http::{HeaderMap, header};

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells a refused request from an answer.
    GraphqlResponse,
    /// `application/json`: 200 for anything that was a GraphQL request.
    Json,
}

impl Media {
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// What `Accept` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The better of the JSON types, if one is acceptable.
    pub json: Option<Media>,
    /// `text/event-stream` is acceptable by name.
    pub event_stream: bool,
    /// … and preferred to JSON.
    pub event_stream_first: bool,
}

impl Accepted {
    /// By quality first, then by the order in the header; a missing or empty one takes `application/json`.
    pub fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT);
        let ranges: Vec<_> = lines
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(range)
            .collect();
        if ranges.is_empty() {
            let none_given = lines.iter().all(|line| line.as_bytes().trim_ascii().is_empty());
            return Self {
                json: none_given.then_some(Media::Json),
                event_stream: false,
                event_stream_first: false,
            };
        }
        let quality = |name: &str, wildcards: &[&str]| {
            let find = |wanted: &str| {
                ranges
                    .iter()
                    .enumerate()
                    .find(|(_, (range, _))| range == wanted)
                    .map(|(index, (_, quality))| (*quality, index))
            };
            find(name)
                .or_else(|| wildcards.iter().find_map(|wanted| find(wanted)))
                .filter(|(quality, _)| *quality > 0)
        };
        let json = quality("application/json", &["application/*", "*/*"]);
        let graphql = quality("application/graphql-response+json", &[]);
        let event_stream = quality("text/event-stream", &[]);
        // Higher quality, or the same and earlier.
        let before = |a: (u16, usize), b: (u16, usize)| a.0 > b.0 || (a.0 == b.0 && a.1 < b.1);
        let plain = json.is_some_and(|json| graphql.is_none_or(|graphql| before(json, graphql)));
        let (media, best) = match (plain, graphql) {
            (true, _) => (Some(Media::Json), json),
            (false, Some(_)) => (Some(Media::GraphqlResponse), graphql),
            (false, None) => (None, None),
        };
        let event_stream_first = event_stream.is_some_and(|stream| best.is_none_or(|json| before(stream, json)));
        Self {
            json: media,
            event_stream: event_stream.is_some(),
            event_stream_first,
        }
    }
}

/// `type/subtype` and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';');
    let name = parts.next()?.trim().to_ascii_lowercase();
    if !name.contains('/') {
        return None;
    }
    let mut quality = 1000;
    for parameter in parts {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if key.trim().eq_ignore_ascii_case("q") {
            let value: f32 = value.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
            quality = (value * 1000.0).round() as u16;
        }
    }
    Some((name, quality))
}

/// Whether a body is JSON in UTF-8. Only such bodies are read: a page of another origin cannot send one unasked.
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = text.split(';');
    let json = parts
        .next()
        .is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((key, value)) if key.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    json && utf8
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(text: &'static str) -> Accepted {
        Accepted::read(&HeaderMap::from_iter([(
            header::ACCEPT,
            HeaderValue::from_static(text),
        )]))
    }

    #[test]
    fn the_header_decides_by_quality_then_by_order() {
        use Media::{GraphqlResponse, Json};
        for (text, json, stream, first) in [
            ("", Some(Json), false, false),
            ("*/*", Some(Json), false, false),
            ("application/*;q=0.1", Some(Json), false, false),
            ("application/graphql-response+json", Some(GraphqlResponse), false, false),
            (
                "application/graphql-response+json,application/json;q=0.9",
                Some(GraphqlResponse),
                false,
                false,
            ),
            (
                "application/json, application/graphql-response+json",
                Some(Json),
                false,
                false,
            ),
            (
                "application/json;q=0.5, application/graphql-response+json;q=0.6",
                Some(GraphqlResponse),
                false,
                false,
            ),
            ("APPLICATION/JSON; charset=utf-8", Some(Json), false, false),
            ("application/json;q=0, text/html", None, false, false),
            ("text/html", None, false, false),
            ("text/event-stream", None, true, true),
            (
                "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
                Some(GraphqlResponse),
                true,
                false,
            ),
            ("text/event-stream, */*;q=0.1", Some(Json), true, true),
        ] {
            assert_eq!(
                accepted(text),
                Accepted {
                    json,
                    event_stream: stream,
                    event_stream_first: first
                },
                "{text}"
            );
        }
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        let is_json = |text: &'static str| {
            is_json(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(text),
            )]))
        };
        for text in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }
}
