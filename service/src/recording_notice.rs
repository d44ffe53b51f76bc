//! The text that a person to be recorded is shown, read.

use crate::db::Scope;
use crate::error::Result;
use crate::row::Decode;
use crate::sql::Sql;

/// A version of the notice in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its version, which a session's consent names.
    pub version: String,
    /// `en`, `nl`, `fr` or `de`.
    pub locale: String,
    /// What is shown.
    pub text: String,
}

/// The notice in force: the newest in the language asked for, else in the organization's, else the newest of all; the platform's
/// own where the organization has none.
///
/// # Errors
/// Those of the database.
pub async fn in_force(scope: &Scope, locale: Option<&str>) -> Result<Notice> {
    match own(scope, locale).await? {
        Some(notice) => Ok(notice),
        None => Ok(platform(locale.unwrap_or("en"))),
    }
}

/// The version of the platform's own text, which holds while an organization has none.
pub const PLATFORM_VERSION: &str = "default-1";

/// The platform's own text, in the language asked for if it is one of the four.
fn platform(locale: &str) -> Notice {
    let (locale, text) = match locale {
        "nl" => (
            "nl",
            "Uw scherm wordt opgenomen. De opname laat zien hoe het werk verloopt, niet hoe u presteert: processen worden beoordeeld, nooit personen. Persoonsgegevens in beelden worden afgedekt voordat ze worden bewaard; de video zelf niet, en die wordt na de bewaartermijn gewist. U kunt de opname op elk moment stoppen en uw toestemming intrekken; dan wordt alles gewist.",
        ),
        "fr" => (
            "fr",
            "Votre écran est enregistré. L'enregistrement montre le déroulement du travail, non vos performances : on évalue des processus, jamais des personnes. Les données personnelles sont masquées sur les images avant leur conservation ; la vidéo ne l'est pas, et elle est effacée à la fin du délai de conservation. Vous pouvez arrêter à tout moment et retirer votre consentement ; tout est alors effacé.",
        ),
        "de" => (
            "de",
            "Ihr Bildschirm wird aufgezeichnet. Die Aufzeichnung zeigt, wie die Arbeit abläuft, nicht, was Sie leisten: Bewertet werden Abläufe, nie Personen. Personenbezogene Daten werden auf Bildern verdeckt, bevor sie gespeichert werden; das Video selbst nicht, es wird nach der Aufbewahrungsfrist gelöscht. Sie können jederzeit anhalten und Ihre Einwilligung zurückziehen; dann wird alles gelöscht.",
        ),
        _ => (
            "en",
            "Your screen is being recorded. The recording shows how work is done, not how well you do it: processes are assessed, never people. Personal data is covered on pictures before they are kept; the video itself is not, and it is deleted when its time is over. You can stop at any moment and take your consent back; everything is then erased.",
        ),
    };
    Notice {
        version: PLATFORM_VERSION.to_owned(),
        locale: locale.to_owned(),
        text: text.to_owned(),
    }
}

async fn own(scope: &Scope, locale: Option<&str>) -> Result<Option<Notice>> {
    let mut sql = Sql::new(
        "select n.version, n.locale, n.text, n.created_at from public.recording_notices n join public.organizations o on o.id = n.organization_id \
         order by n.locale = ",
    );
    sql.bind(locale.unwrap_or_default().replace('\0', ""))
        .push(" desc, n.locale = o.locale desc, n.created_at desc, n.id desc limit 1");
    sql.row(scope)
        .await?
        .map(|row| {
            Ok(Notice {
                version: Decode::decode(&row, 0)?,
                locale: Decode::decode(&row, 1)?,
                text: Decode::decode(&row, 2)?,
            })
        })
        .transpose()
}
