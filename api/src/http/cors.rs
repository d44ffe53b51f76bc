//! Which browser pages may call: a list of origins. Credentials of the browser (cookies) are never allowed, so a
//! wildcard lends nobody's identity; callers authenticate with a header that only their own code can set.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The origins that may call: exact ones, or `*`.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    any: bool,
    list: Vec<HeaderValue>,
}

/// An origin that is no origin.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not an origin: write scheme://host or scheme://host:port, or *")]
pub struct InvalidOrigin(String);

impl Origins {
    /// Reads a list such as `["https://app.example.com"]` or `["*"]`; an empty one allows no foreign page.
    pub fn parse<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let mut parsed = Self::default();
        for origin in origins {
            let text = origin.as_ref().trim();
            if text == "*" {
                parsed.any = true;
                continue;
            }
            let invalid = || InvalidOrigin(text.to_owned());
            let url = url::Url::parse(text).map_err(|_| invalid())?;
            if url.origin().ascii_serialization() != text {
                return Err(invalid());
            }
            parsed.list.push(HeaderValue::from_str(text).map_err(|_| invalid())?);
        }
        Ok(parsed)
    }

    pub(super) fn layer(&self) -> CorsLayer {
        let origins = if self.any {
            AllowOrigin::any()
        } else {
            AllowOrigin::list(self.list.clone())
        };
        CorsLayer::new()
            .allow_origin(origins)
            .allow_credentials(false)
            .allow_methods([Method::GET, Method::POST, Method::PUT])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::RANGE,
                HeaderName::from_static("apikey"),
                HeaderName::from_static("x-api-key"),
                HeaderName::from_static("x-request-id"),
                HeaderName::from_static("last-event-id"),
            ])
            .expose_headers(
                [
                    "x-request-id",
                    "retry-after",
                    "ratelimit",
                    "ratelimit-policy",
                    "ratelimit-limit",
                    "ratelimit-remaining",
                    "ratelimit-reset",
                ]
                .map(HeaderName::from_static),
            )
            .max_age(std::time::Duration::from_hours(2))
    }

    /// Browsers do not apply CORS to sockets but do say where the page is from: same host, a listed origin, or no browser.
    pub(super) fn may_open_socket(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        if self.any || self.list.contains(origin) {
            return true;
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let from = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"))
            .map(|(_, authority)| authority);
        host.is_some() && host == from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_are_origins() {
        for text in [
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/x",
            "null",
            "https://*.example.com:99999",
        ] {
            assert!(Origins::parse([text]).is_err(), "{text}");
        }
        assert!(Origins::parse(["https://app.example.com", "http://localhost:5173", "*"]).is_ok());
    }

    #[test]
    fn a_foreign_page_opens_no_socket() {
        let origins = Origins::parse(["https://app.example.com"]).unwrap();
        let headers = |origin: &'static str| {
            HeaderMap::from_iter([
                (header::HOST, HeaderValue::from_static("api.example.com")),
                (header::ORIGIN, HeaderValue::from_static(origin)),
            ])
        };
        assert!(origins.may_open_socket(&HeaderMap::new()));
        assert!(origins.may_open_socket(&headers("https://app.example.com")));
        assert!(origins.may_open_socket(&headers("https://api.example.com")));
        assert!(!origins.may_open_socket(&headers("https://evil.example.com")));
        assert!(!origins.may_open_socket(&headers("null")));
    }
}
