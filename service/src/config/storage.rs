//! Where recordings, frames and reports are kept: a folder, or a bucket that speaks S3.

use std::path::{Path, PathBuf};

use url::Url;

use super::{Exception, Secret, Settings};

/// The object store of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageConfig {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Box<Bucket>),
}

/// A bucket that speaks S3: Amazon's, Supabase Storage, `MinIO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// What every key begins with; empty or without slashes at its ends.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The service's address where it is not Amazon's; requests are then path-style.
    pub endpoint: Option<Url>,
    /// Key and secret. Without them the machine's own identity is asked for.
    pub credentials: Option<(Secret, Secret)>,
    /// The token that goes with short-lived credentials.
    pub session_token: Option<Secret>,
}

impl StorageConfig {
    /// Reads `NEWSYSTEM_STORAGE_URL`: a path, `file:///path`, or `s3://bucket/prefix` with the usual `AWS_` settings.
    /// Without it, objects lie in `data_dir`.
    pub fn read(settings: &mut Settings<'_>, data_dir: &Path) -> Option<Self> {
        // Read in any case, so that a misspelt one is found before it is needed.
        let endpoint = settings.endpoint("AWS_ENDPOINT_URL", Some(Exception::StoragePlaintext));
        let region = settings.text("AWS_REGION");
        let key = settings.secret("AWS_ACCESS_KEY_ID", 0);
        let secret = settings.secret("AWS_SECRET_ACCESS_KEY", 0);
        let session_token = settings.secret("AWS_SESSION_TOKEN", 0);
        if settings.text("NEWSYSTEM_STORAGE_URL").is_none() {
            return Some(Self::Folder(data_dir.join("objects")));
        }
        match settings.optional("NEWSYSTEM_STORAGE_URL", place)? {
            Place::Folder(path) => Some(Self::Folder(path)),
            Place::Bucket { name, prefix } => {
                let credentials = match (key, secret) {
                    (Some(key), Some(secret)) => Some((key, secret)),
                    (None, None) => None,
                    (Some(_), None) => {
                        settings.fault(
                            "AWS_SECRET_ACCESS_KEY",
                            "is not set, but AWS_ACCESS_KEY_ID is: set both or none",
                        );
                        return None;
                    }
                    (None, Some(_)) => {
                        settings.fault(
                            "AWS_ACCESS_KEY_ID",
                            "is not set, but AWS_SECRET_ACCESS_KEY is: set both or none",
                        );
                        return None;
                    }
                };
                let region = region.unwrap_or_else(|| "us-east-1".to_owned());
                Some(Self::Bucket(Box::new(Bucket {
                    name,
                    prefix,
                    region,
                    endpoint,
                    credentials,
                    session_token,
                })))
            }
        }
    }

    /// The place, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Folder(path) => format!("folder {}", path.display()),
            Self::Bucket(bucket) => match &bucket.endpoint {
                Some(endpoint) => format!("bucket {} at {endpoint}", bucket.name),
                None => format!("bucket {} in {}", bucket.name, bucket.region),
            },
        }
    }
}

enum Place {
    Folder(PathBuf),
    Bucket { name: String, prefix: String },
}

fn place(text: &str) -> Result<Place, String> {
    if !text.contains("://") {
        return Ok(Place::Folder(text.into()));
    }
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("carries credentials, a query or a fragment: use the AWS_ settings".to_owned());
    }
    match url.scheme() {
        "file" => url
            .to_file_path()
            .map(Place::Folder)
            .map_err(|()| "is not the path of a folder on this machine".to_owned()),
        "s3" => match url.host_str() {
            Some(name) if !name.is_empty() => Ok(Place::Bucket {
                name: name.to_owned(),
                prefix: url.path().trim_matches('/').to_owned(),
            }),
            _ => Err("names no bucket: s3://bucket/prefix".to_owned()),
        },
        other => Err(format!(
            "{other}:// is not known: give a folder, file:///folder or s3://bucket/prefix"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Settings, StorageConfig};

    fn read(pairs: &[(&str, &str)]) -> Result<StorageConfig, String> {
        let lookup = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let mut settings = Settings::new(&lookup);
        let found = StorageConfig::read(&mut settings, Path::new("/data"));
        settings.finish(found).map_err(|faults| faults.to_string())
    }

    #[test]
    fn objects_lie_in_the_data_folder_unless_told_otherwise() {
        assert_eq!(read(&[]).unwrap(), StorageConfig::Folder("/data/objects".into()));
        assert_eq!(
            read(&[("NEWSYSTEM_STORAGE_URL", "/mnt/o")]).unwrap(),
            StorageConfig::Folder("/mnt/o".into())
        );
        assert_eq!(
            read(&[("NEWSYSTEM_STORAGE_URL", "file:///mnt/o")]).unwrap(),
            StorageConfig::Folder("/mnt/o".into())
        );
    }

    #[test]
    fn a_bucket_comes_with_its_credentials_and_none_is_printed() {
        let config = read(&[
            ("NEWSYSTEM_STORAGE_URL", "s3://recordings/prod/"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "very-secret"),
            ("AWS_ENDPOINT_URL", "https://ref.storage.supabase.co/storage/v1/s3"),
            ("AWS_REGION", "eu-central-1"),
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains("very-secret"));
        let StorageConfig::Bucket(bucket) = config else {
            panic!("a bucket was asked for")
        };
        assert_eq!(
            (bucket.name.as_str(), bucket.prefix.as_str(), bucket.region.as_str()),
            ("recordings", "prod", "eu-central-1")
        );
        assert_eq!(bucket.credentials.unwrap().1.expose(), "very-secret");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (pairs, wanted) in [
            (vec![("NEWSYSTEM_STORAGE_URL", "gs://x/")], "is not known"),
            (vec![("NEWSYSTEM_STORAGE_URL", "s3://")], "NEWSYSTEM_STORAGE_URL"),
            (
                vec![("NEWSYSTEM_STORAGE_URL", "s3://key:secret@x/")],
                "use the AWS_ settings",
            ),
            (
                vec![("NEWSYSTEM_STORAGE_URL", "s3://x"), ("AWS_ACCESS_KEY_ID", "a")],
                "set both or none",
            ),
            (
                vec![
                    ("NEWSYSTEM_STORAGE_URL", "s3://x"),
                    ("AWS_ENDPOINT_URL", "http://minio.test:9000"),
                ],
                "storage-plaintext",
            ),
        ] {
            let fault = read(&pairs).unwrap_err();
            assert!(fault.contains(wanted), "{pairs:?}: {fault}");
        }
        assert!(
            read(&[
                ("NEWSYSTEM_STORAGE_URL", "s3://x"),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
            ])
            .is_ok()
        );
    }
}
