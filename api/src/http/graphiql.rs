//! The explorer for development, `GraphiQL`, with all its assets in the binary: no request leaves the host.
//!
//! The files come from `api/graphiql` (`npm ci && npm run build`) and are committed, so that building the server needs no Node.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

const PAGE: &[u8] = include_bytes!("../../graphiql/dist/index.html");
const SCRIPT: &[u8] = include_bytes!("../../graphiql/dist/graphiql.js");
const STYLE: &[u8] = include_bytes!("../../graphiql/dist/graphiql.css");

/// Only this host's own files; `unsafe-inline` is for styles that the editor sets on its lines.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(super) async fn page() -> Response {
    file(PAGE, "text/html; charset=utf-8")
}

/// `GET /graphiql/{file}`.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "graphiql.js" => file(SCRIPT, "text/javascript; charset=utf-8"),
        "graphiql.css" => file(STYLE, "text/css; charset=utf-8"),
        _ => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn file(content: &'static [u8], media: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    #[test]
    fn the_bundle_was_made_from_what_is_here() {
        let mut hash = Sha256::new();
        hash.update(include_bytes!("../../graphiql/build.mjs"));
        hash.update(include_bytes!("../../graphiql/package-lock.json"));
        hash.update(include_bytes!("../../graphiql/src/index.html"));
        hash.update(include_bytes!("../../graphiql/src/index.jsx"));
        hash.update(include_bytes!("../../graphiql/src/page.css"));
        assert_eq!(
            hex::encode(hash.finalize()),
            include_str!("../../graphiql/dist/sources.sha256").trim(),
            "build it anew: npm ci && npm run build in api/graphiql"
        );
    }
}
