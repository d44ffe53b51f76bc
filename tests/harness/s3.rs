//! A server of the S3 protocol that checks signatures, over a folder.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tower::Service;

/// The bucket that it has.
pub const BUCKET: &str = "recordings";
/// The key that it knows, and its secret.
pub const KEY: (&str, &str) = ("test-key", "test-secret");

/// Such a server, for as long as the runtime lives.
pub struct S3Server {
    /// What it stores, a folder for each bucket.
    pub folder: tempfile::TempDir,
    /// `http://…`
    pub endpoint: String,
}

impl S3Server {
    /// Starts one in this process, on a port of its own, with its objects in a new folder beneath this one.
    pub async fn start(beneath: &std::path::Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(beneath)?;
        std::fs::create_dir(folder.path().join(BUCKET))?;
        let files = FileSystem::new(folder.path()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let service = builder.build();
        let serve = move |request: Request| {
            let mut service = service.clone();
            async move {
                match Service::call(&mut service, request).await {
                    Ok(answer) => answer.map(Body::new),
                    Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        Ok(Self { folder, endpoint })
    }
}
