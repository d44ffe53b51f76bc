//! Signed addresses: whoever holds one may fetch what it names until it expires, without signing in. Keyed by a secret of the
//! configuration, so that every process of a deployment signs and verifies alike.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use domain::id::ChunkId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::error::{Error, Result};

/// What an address fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The picture of a frame.
    Frame,
    /// A recording, with range requests.
    Playback,
    /// The file of a report.
    Report,
    /// Everything about a person or of an organization.
    Export,
}

impl Subject {
    /// The folder below `/files`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Frame => "frames",
            Self::Playback => "playback",
            Self::Report => "reports",
            Self::Export => "exports",
        }
    }

    /// How long an address lives.
    pub fn life(self) -> Duration {
        match self {
            Self::Frame | Self::Export => Duration::hours(1),
            Self::Playback => Duration::hours(4),
            Self::Report => Duration::minutes(15),
        }
    }
}

/// An address and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Absolute when the signer knows the server's public address, else a path on it.
    pub url: String,
    /// From then on it is refused.
    pub expires_at: DateTime<Utc>,
}

/// Makes and verifies addresses. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    inner: Arc<Inner>,
}

struct Inner {
    key: Hmac<Sha256>,
    base: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("base", &self.inner.base)
            .field("key", &"[redacted]")
            .finish()
    }
}

impl Signer {
    /// A signer with this secret for a server at this public address, without a slash at its end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a secret shorter than 32 bytes.
    pub fn new(secret: &[u8], base: &str) -> Result<Self> {
        if secret.len() < 32 {
            return Err(Error::invalid("NEWSYSTEM_SIGNING_KEY", "must have at least 32 bytes"));
        }
        let key = Hmac::new_from_slice(secret).map_err(|_| Error::internal("no key for signing"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                key,
                base: base.trim_end_matches('/').to_owned(),
            }),
        })
    }

    /// The address of a thing, for this actor, from now on for as long as its kind lives. Ends are rounded up to whole minutes,
    /// so that a page that is loaded again finds its pictures in the browser's cache.
    pub fn sign(&self, subject: Subject, id: Uuid, actor: Uuid, now: DateTime<Utc>) -> Signed {
        let expires = (now + subject.life()).timestamp() / 60 * 60 + 60;
        let signature = hex::encode(self.mac(subject, id, actor, expires).finalize().into_bytes());
        Signed {
            url: format!(
                "{}/files/{}/{id}?actor={actor}&expires={expires}&signature={signature}",
                self.inner.base,
                subject.folder()
            ),
            expires_at: DateTime::from_timestamp(expires, 0).unwrap_or(now),
        }
    }

    /// Whether these are the parts of an address that this signer made and that has not ended.
    pub fn verify(
        &self,
        subject: Subject,
        id: Uuid,
        actor: Uuid,
        expires: i64,
        signature: &str,
        now: DateTime<Utc>,
    ) -> bool {
        let Ok(signature) = hex::decode(signature) else {
            return false;
        };
        // In constant time, and whether expired or not.
        let genuine = self.mac(subject, id, actor, expires).verify_slice(&signature).is_ok();
        genuine && now.timestamp() < expires
    }

    /// The address to PUT a chunk's announced bytes to, from now on for an hour. It names their hash, so that it stores nothing
    /// else.
    pub fn sign_upload(&self, chunk: ChunkId, sha256: &str, now: DateTime<Utc>) -> Signed {
        let expires = (now + Duration::hours(1)).timestamp();
        let signature = hex::encode(self.upload_mac(chunk, sha256, expires).finalize().into_bytes());
        Signed {
            url: format!(
                "{}/files/uploads/{chunk}?sha256={sha256}&expires={expires}&signature={signature}",
                self.inner.base
            ),
            expires_at: DateTime::from_timestamp(expires, 0).unwrap_or(now),
        }
    }

    /// Whether these are the parts of an address that [`Signer::sign_upload`] made and that has not ended.
    pub fn verify_upload(
        &self,
        chunk: ChunkId,
        sha256: &str,
        expires: i64,
        signature: &str,
        now: DateTime<Utc>,
    ) -> bool {
        let Ok(signature) = hex::decode(signature) else {
            return false;
        };
        let genuine = self.upload_mac(chunk, sha256, expires).verify_slice(&signature).is_ok();
        genuine && now.timestamp() < expires
    }

    fn upload_mac(&self, chunk: ChunkId, sha256: &str, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.inner.key.clone();
        mac.update(b"uploads/");
        mac.update(chunk.uuid().as_bytes());
        mac.update(&expires.to_be_bytes());
        mac.update(sha256.as_bytes());
        mac
    }

    fn mac(&self, subject: Subject, id: Uuid, actor: Uuid, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.inner.key.clone();
        // Every part has a fixed length or ends the text, so no two addresses share one.
        mac.update(subject.folder().as_bytes());
        mac.update(b"/");
        mac.update(id.as_bytes());
        mac.update(actor.as_bytes());
        mac.update(&expires.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: u8) -> Signer {
        Signer::new(&[secret; 32], "https://example.org/").unwrap()
    }

    #[test]
    fn an_address_opens_what_it_names_until_it_ends() {
        let (id, actor) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let signed = signer(1).sign(Subject::Frame, id, actor, now);
        let expires = signed.expires_at.timestamp();
        let (front, signature) = signed.url.rsplit_once('=').unwrap();
        assert_eq!(
            front,
            format!("https://example.org/files/frames/{id}?actor={actor}&expires={expires}&signature")
        );
        assert!((3600..=3660).contains(&(expires - now.timestamp())));
        let opens = |s: &Signer, subject, id, actor, expires, at| s.verify(subject, id, actor, expires, signature, at);
        assert!(opens(&signer(1), Subject::Frame, id, actor, expires, now));
        assert!(!opens(
            &signer(1),
            Subject::Frame,
            id,
            actor,
            expires,
            signed.expires_at
        ));
        assert!(!opens(&signer(2), Subject::Frame, id, actor, expires, now));
        assert!(!opens(&signer(1), Subject::Report, id, actor, expires, now));
        assert!(!opens(&signer(1), Subject::Frame, actor, actor, expires, now));
        assert!(!opens(&signer(1), Subject::Frame, id, id, expires, now));
        assert!(!opens(&signer(1), Subject::Frame, id, actor, expires + 60, now));
        assert!(!signer(1).verify(Subject::Frame, id, actor, expires, "zz", now));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Signer::new(&[1; 31], "").is_err());
    }
}
