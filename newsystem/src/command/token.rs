//! `token`: a token for a person, to try the API with.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::TimeDelta;
use domain::id::UserId;
use service::config::{DatabaseUrl, Secret, Settings, data_dir};

use super::{dev, wiring};
use crate::embedded_postgres::EmbeddedPostgres;
use crate::environment::{self, Environment};
use crate::secrets::DevelopmentSecrets;
use crate::token::{self, EMBEDDED_ISSUER, Person};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person's address. With the private database it also decides who that is; with --user it is only shown
    #[arg(long, default_value = "owner@demo.test")]
    email: String,
    /// The person's id (auth.users.id)
    #[arg(long)]
    user: Option<UserId>,
    /// How long the token is good: 15m, 8h, 7d
    #[arg(long, default_value = "8h", value_parser = token::parse_life)]
    ttl: TimeDelta,
    /// Make a token for a database that is not the private one. This is written to the audit log
    #[arg(long)]
    i_am_operator: bool,
}

/// What signs, and who is asked to believe it.
#[derive(Debug)]
struct Signer {
    secret: Secret,
    issuer: Option<String>,
    audience: String,
    from: From,
}

/// Whose tokens these are.
#[derive(Debug)]
enum From {
    /// The private database's, which `dev` keeps.
    Private { data_dir: PathBuf },
    /// A deployment's: the making is written to its audit log.
    Operator { owner: Box<DatabaseUrl> },
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let signer = signer(environment, args.i_am_operator)?;
    let person = match args.user {
        Some(user) => Person {
            user,
            email: Some(args.email.clone()),
        },
        None if matches!(signer.from, From::Operator { .. }) => {
            bail!("say who: --user with the person's id in auth.users")
        }
        None => Person::of_email(&args.email),
    };
    let minted = token::mint(
        &signer.secret,
        signer.issuer.as_deref(),
        &signer.audience,
        &person,
        args.ttl,
        environment::now(),
    )?;
    match &signer.from {
        // Where nobody else signs people up, whoever gets a token is signed up with it.
        From::Private { data_dir } => {
            if let Some(cluster) = EmbeddedPostgres::running(data_dir).await? {
                let url = cluster.url_for(dev::OWNER, &cluster.password_for(dev::OWNER), dev::DATABASE);
                wiring::sign_up(&Secret::new(url), &person).await?;
            }
        }
        From::Operator { owner } => {
            wiring::audit_minted_token(&owner.url, &person)
                .await
                .context("no token was made")?;
        }
    }
    println!("{}", minted.token.expose());
    eprintln!(
        "for {} until {}",
        person.email.as_deref().unwrap_or("a person"),
        minted.expires_at.to_rfc3339()
    );
    Ok(ExitCode::SUCCESS)
}

/// Decides whether this machine may sign, and with what.
fn signer(environment: &Environment, is_operator: bool) -> anyhow::Result<Signer> {
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let data_dir = data_dir(&mut settings);
    let databases: Vec<DatabaseUrl> = [
        "DATABASE_MIGRATION_URL",
        "DATABASE_URL",
        "DATABASE_WORKER_URL",
        "DATABASE_QUEUE_URL",
    ]
    .into_iter()
    .filter_map(|name| DatabaseUrl::optional(&mut settings, name))
    .collect();
    let sign_in = api::config::read_auth;
    let elsewhere = [
        "SUPABASE_URL",
        "NEWSYSTEM_JWKS_URL",
        "SUPABASE_JWT_SECRET",
        "DATABASE_URL",
        "DATABASE_MIGRATION_URL",
    ]
    .into_iter()
    .any(|name| environment.has(name));
    if !elsewhere {
        settings.finish(Some(()))?;
        let secrets = DevelopmentSecrets::find(&data_dir)?.with_context(|| {
            format!(
                "there is no private database in {}: start one with `newsystem dev`",
                data_dir.display()
            )
        })?;
        return Ok(Signer {
            secret: secrets.jwt_secret,
            issuer: Some(EMBEDDED_ISSUER.to_owned()),
            audience: "authenticated".to_owned(),
            from: From::Private { data_dir },
        });
    }
    let supabase_issuer = |url: &str| url.contains(".supabase.");
    let by_supabase = environment.has("SUPABASE_URL")
        || databases.iter().any(|database| database.supabase)
        || ["NEWSYSTEM_JWKS_URL", "NEWSYSTEM_JWT_ISSUER"]
            .into_iter()
            .filter_map(lookup)
            .any(|url| supabase_issuer(&url));
    if by_supabase {
        bail!("the settings name a Supabase project: its tokens come from Supabase, and only from there");
    }
    if !is_operator {
        bail!("the settings name a database that is not the private one: if you run it, say so with --i-am-operator");
    }
    let auth = sign_in(&mut settings);
    if !environment.has("DATABASE_MIGRATION_URL") {
        settings.fault(
            "DATABASE_MIGRATION_URL",
            "is not set: the making of the token is written to its audit log",
        );
    }
    let (auth, owner) = settings.finish(auth.zip(databases.into_iter().next()))?;
    let secret = auth.secrets.into_iter().next();
    Ok(Signer {
        secret: secret.context("SUPABASE_JWT_SECRET is not set: there is nothing to sign with")?,
        issuer: auth.issuer,
        audience: auth.audience.unwrap_or_default(),
        from: From::Operator { owner: Box::new(owner) },
    })
}

#[cfg(test)]
mod tests {
    use super::{Environment, From, signer};
    use crate::secrets::DevelopmentSecrets;

    fn with(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    const SECRET: &str = "a-secret-that-has-32-bytes-or-more";
    const OWNER: &str = "postgres://owner:pw@127.0.0.1/newsystem";

    #[test]
    fn the_private_database_is_signed_for_with_its_own_secret() {
        let folder = tempfile::tempdir().unwrap();
        let environment = with(&[("NEWSYSTEM_DATA_DIR", folder.path().to_str().unwrap())]);
        assert!(
            signer(&environment, false)
                .unwrap_err()
                .to_string()
                .contains("start one with `newsystem dev`")
        );
        let secrets = DevelopmentSecrets::find_or_make(folder.path()).unwrap();
        let found = signer(&environment, false).unwrap();
        assert_eq!(found.secret, secrets.jwt_secret);
        assert!(matches!(found.from, From::Private { data_dir } if data_dir == folder.path()));
    }

    #[test]
    fn nothing_is_signed_for_a_supabase_project() {
        for pairs in [
            vec![
                ("SUPABASE_URL", "https://ref.supabase.co"),
                ("SUPABASE_JWT_SECRET", SECRET),
            ],
            vec![
                ("SUPABASE_URL", "http://127.0.0.1:54321"),
                ("SUPABASE_JWT_SECRET", SECRET),
            ],
            vec![(
                "DATABASE_URL",
                "postgres://a@db.ref.supabase.co/postgres?sslmode=verify-full",
            )],
            vec![
                ("NEWSYSTEM_JWT_ISSUER", "https://ref.supabase.co/auth/v1"),
                ("SUPABASE_JWT_SECRET", SECRET),
            ],
        ] {
            let error = signer(&with(&pairs), true).unwrap_err().to_string();
            assert!(error.contains("its tokens come from Supabase"), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn elsewhere_an_operator_says_so_and_is_written_down() {
        let pairs = [("DATABASE_MIGRATION_URL", OWNER), ("SUPABASE_JWT_SECRET", SECRET)];
        assert!(
            signer(&with(&pairs), false)
                .unwrap_err()
                .to_string()
                .contains("--i-am-operator")
        );
        let found = signer(&with(&pairs), true).unwrap();
        assert_eq!(found.secret.expose(), SECRET);
        assert!(matches!(found.from, From::Operator { owner } if owner.role == "owner"));
        let error = signer(&with(&pairs[1..]), true).unwrap_err().to_string();
        assert!(error.contains("DATABASE_MIGRATION_URL: is not set"), "{error}");
    }
}
