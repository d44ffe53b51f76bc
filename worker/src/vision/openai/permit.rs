//! Who lets screens leave the house.

use super::config::RemoteConfig;
use super::error::Error;

/// The permission to let screens of one session leave the house. There is no other way to make one than [`Permit::grant`].
#[derive(Debug)]
pub struct Permit(());

/// What decides about a permit.
#[derive(Debug, Clone, Copy)]
pub struct Consents {
    /// An owner of the organization allows it.
    pub organization: bool,
    /// The session's privacy settings allow it too.
    pub session: bool,
    /// Whether personal data is covered on the frames that would be sent.
    pub redaction: Redaction,
}

/// What happened to personal data on the frames: whatever a session says, none is sent uncovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redaction {
    /// It is covered.
    Done,
    /// Text recognition is missing.
    Impossible,
}

impl Permit {
    /// All must agree: the platform's switch, the organization, the session, and redaction.
    pub fn grant(config: &RemoteConfig, consents: Consents) -> Result<Self, Error> {
        if !config.enabled {
            return Err(Error::NotAllowed("remote analysis is switched off on this platform"));
        }
        if !consents.organization {
            return Err(Error::NotAllowed("the organization does not allow it"));
        }
        if !consents.session {
            return Err(Error::NotAllowed("the session does not allow it"));
        }
        if consents.redaction == Redaction::Impossible {
            return Err(Error::OcrMissing);
        }
        Ok(Self(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::analysis_error::AnalysisErrorCode;

    #[test]
    fn every_one_of_them_can_keep_screens_in_the_house() {
        let mut config = RemoteConfig::new().unwrap();
        config.enabled = true;
        let yes = Consents {
            organization: true,
            session: true,
            redaction: Redaction::Done,
        };
        assert!(Permit::grant(&config, yes).is_ok());
        let code = |config: &RemoteConfig, consents| Permit::grant(config, consents).unwrap_err().code();
        assert_eq!(
            code(
                &config,
                Consents {
                    organization: false,
                    ..yes
                }
            ),
            AnalysisErrorCode::RemoteNotAllowed
        );
        assert_eq!(
            code(&config, Consents { session: false, ..yes }),
            AnalysisErrorCode::RemoteNotAllowed
        );
        assert_eq!(
            code(
                &config,
                Consents {
                    redaction: Redaction::Impossible,
                    ..yes
                }
            ),
            AnalysisErrorCode::OcrMissing
        );
        config.enabled = false;
        assert_eq!(code(&config, yes), AnalysisErrorCode::RemoteNotAllowed);
    }
}
