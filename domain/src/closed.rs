//! Closed enumerations: one macro, so that a value has one spelling in the database, in JSON and in the schema.

/// A text that is no value of a closed enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: expected one of {expected}")]
pub struct UnknownValue {
    /// The enumeration's name.
    pub what: &'static str,
    /// Every text that would have been accepted.
    pub expected: String,
}

/// Whether a variant's name in the schema is its text in the database, in capitals: what writes one may then write the other.
pub(crate) const fn is_spelled_alike(variant: &str, text: &str) -> bool {
    let (variant, text) = (variant.as_bytes(), text.as_bytes());
    let (mut of_variant, mut of_text) = (0, 0);
    while of_variant < variant.len() {
        let letter = variant[of_variant];
        if letter.is_ascii_uppercase() && of_variant > 0 {
            if of_text >= text.len() || text[of_text] != b'_' {
                return false;
            }
            of_text += 1;
        }
        if of_text >= text.len() || text[of_text] != letter.to_ascii_lowercase() {
            return false;
        }
        of_variant += 1;
        of_text += 1;
    }
    of_text == text.len()
}

/// Makes closed enumerations from documented variants with their database text.
///
/// Each gets `as_str`, `ALL`, `FromStr`, `Display` and serde over the database text, and an order (that of declaration).
/// With `db` it is a text column of `SeaORM`, with `graphql` an enumeration of the schema, whose descriptions are the
/// doc comments: write them for people who only see the schema.
macro_rules! closed {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[cfg_attr(feature = "db", derive(::sea_orm::EnumIter, ::sea_orm::DeriveActiveEnum))]
        #[cfg_attr(feature = "db", sea_orm(rs_type = "String", db_type = "Text"))]
        #[cfg_attr(feature = "graphql", derive(::async_graphql::Enum))]
        $vis enum $name {
            $(
                $(#[$variant_meta])*
                #[serde(rename = $text)]
                #[cfg_attr(feature = "db", sea_orm(string_value = $text))]
                $variant
            ),+
        }

        $(
            const _: () = assert!($crate::closed::is_spelled_alike(stringify!($variant), $text), "name and text differ");
        )+

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text in the database and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownValue { what: stringify!($name), expected: [$($text),+].join(", ") }),
                }
            }
        }
    )+ };
}

pub(crate) use closed;

#[cfg(test)]
mod tests {
    use crate::status::AnalysisStage;

    #[test]
    fn a_value_is_spelled_alike_everywhere() {
        for stage in AnalysisStage::ALL {
            let text = stage.as_str();
            assert_eq!(stage.to_string(), text);
            assert_eq!(text.parse(), Ok(*stage));
            assert_eq!(serde_json::to_value(stage).unwrap(), serde_json::json!(text));
            assert_eq!(
                serde_json::from_value::<AnalysisStage>(serde_json::json!(text)).unwrap(),
                *stage
            );
        }
        assert_eq!(AnalysisStage::ExtractingFrames.as_str(), "extracting_frames");
    }

    #[test]
    fn an_unknown_text_is_refused_with_the_known_ones() {
        let refusal = "owner".parse::<crate::status::ReportStatus>().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "not a ReportStatus: expected one of queued, generating, ready, failed"
        );
    }
}

#[cfg(all(test, feature = "graphql"))]
mod schema_tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use crate::analysis_error::AnalysisErrorCode;
    use crate::id::SessionId;

    struct Query;

    #[Object]
    impl Query {
        /// Both directions.
        async fn echo(&self, code: AnalysisErrorCode) -> AnalysisErrorCode {
            code
        }
    }

    #[test]
    fn values_are_upper_case_and_described_in_the_schema() {
        let sdl = Schema::new(Query, EmptyMutation, EmptySubscription).sdl();
        assert!(
            sdl.contains("\tNOT_A_VIDEO\n") && sdl.contains("\tMODEL_CUT_OFF\n"),
            "{sdl}"
        );
        assert!(sdl.contains("The file is no video, or has no picture in it."), "{sdl}");
    }

    #[test]
    fn an_id_goes_through_the_schema_and_back() {
        let id = SessionId::new(uuid::Uuid::from_u128(7));
        let shown: async_graphql::ID = id.into();
        assert_eq!(SessionId::try_from(&shown), Ok(id));
        assert!(SessionId::try_from(&async_graphql::ID::from("7")).is_err());
    }
}

#[cfg(all(test, feature = "db"))]
mod column_tests {
    use sea_orm::entity::prelude::*;
    use sea_orm::{DbBackend, QueryTrait};

    use crate::id::{ChunkId, SessionId};
    use crate::status::UploadStatus;

    mod chunk {
        use super::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "video_chunks")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: ChunkId,
            pub session_id: Option<SessionId>,
            pub upload_status: UploadStatus,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }

    #[test]
    fn ids_and_values_are_columns() {
        let id = ChunkId::new(Uuid::from_u128(1));
        let sql = chunk::Entity::find_by_id(id)
            .filter(chunk::Column::UploadStatus.is_in([UploadStatus::Pending, UploadStatus::Failed]))
            .filter(chunk::Column::SessionId.eq(SessionId::new(Uuid::from_u128(2))))
            .build(DbBackend::Postgres)
            .to_string();
        assert!(
            sql.contains(r#""id" = '00000000-0000-0000-0000-000000000001'"#),
            "{sql}"
        );
        assert!(sql.contains(r#""upload_status" IN ('pending', 'failed')"#), "{sql}");
    }
}
