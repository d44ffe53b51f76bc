//! Few settings are enough, and whatever would expose somebody is refused by name. Apart because the cases are as many
//! lines as the code.

use super::{Config, Network};

const BASE: [(&str, &str); 3] = [
    ("DATABASE_URL", "postgres://newsystem_api:pw@127.0.0.1/newsystem"),
    ("SUPABASE_JWT_SECRET", "a-secret-that-has-32-bytes-or-more"),
    ("NEWSYSTEM_SIGNING_KEY", "another-secret-with-32-bytes-or-more"),
];

fn load(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let lookup = |name: &str| {
        pairs
            .iter()
            .chain(&BASE)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::load(&lookup).map_err(|faults| faults.to_string())
}

#[test]
fn three_settings_are_enough() {
    let config = load(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.auth.audience.as_deref(), Some("authenticated"));
    assert_eq!(config.data_dir.to_str(), Some(".newsystem"));
    assert_eq!(config.limits.sockets_per_caller, 20);
    let shown = format!("{config:?}");
    assert!(!shown.contains("32-bytes") && !shown.contains(":pw@"), "{shown}");
}

#[test]
fn nothing_is_enough_for_a_list_of_what_is_missing() {
    let faults = Config::load(&|_| None).unwrap_err().to_string();
    for name in [
        "3 problems",
        "DATABASE_URL: is not set",
        "SUPABASE_URL: is not set",
        "NEWSYSTEM_SIGNING_KEY: is not set",
    ] {
        assert!(faults.contains(name), "{name} is not in {faults}");
    }
}

#[test]
fn a_supabase_project_derives_issuer_and_keys() {
    let config = load(&[
        ("SUPABASE_URL", "https://ref.supabase.co/"),
        ("SUPABASE_JWT_SECRET", ""),
    ])
    .unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("https://ref.supabase.co/auth/v1"));
    assert_eq!(
        config.auth.keys_url.unwrap().as_str(),
        "https://ref.supabase.co/auth/v1/.well-known/jwks.json"
    );
    assert!(config.auth.secrets.is_empty());
    let config = load(&[
        ("SUPABASE_URL", "https://ref.supabase.co"),
        ("NEWSYSTEM_JWT_ISSUER", "https://login.acme.test"),
        ("NEWSYSTEM_JWKS_URL", "https://login.acme.test/keys"),
    ])
    .unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("https://login.acme.test"));
    assert_eq!(config.auth.keys_url.unwrap().as_str(), "https://login.acme.test/keys");
}

#[test]
fn what_would_expose_somebody_is_refused_until_it_is_accepted_by_name() {
    for (pairs, wanted) in [
        (
            vec![("NEWSYSTEM_LISTEN", "0.0.0.0:8080")],
            "NEWSYSTEM_ACCEPT=public-listen",
        ),
        (
            vec![("NEWSYSTEM_LISTEN", "[::]:8080")],
            "NEWSYSTEM_ACCEPT=public-listen",
        ),
        (
            vec![("NEWSYSTEM_PUBLIC_URL", "http://app.example.com")],
            "NEWSYSTEM_ACCEPT=public-listen",
        ),
        (
            vec![("DATABASE_URL", "postgres://a@db.test/x")],
            "NEWSYSTEM_ACCEPT=database-plaintext",
        ),
        (
            vec![
                ("NEWSYSTEM_STORAGE_URL", "s3://x"),
                ("AWS_ENDPOINT_URL", "http://minio.test"),
            ],
            "NEWSYSTEM_ACCEPT=storage-plaintext",
        ),
    ] {
        let fault = load(&pairs).unwrap_err();
        assert!(fault.contains(wanted), "{pairs:?}: {fault}");
        let mut accepted = pairs.clone();
        accepted.push(("NEWSYSTEM_ACCEPT", wanted.split_once('=').unwrap().1));
        assert!(load(&accepted).is_ok(), "{accepted:?}");
    }
    assert!(
        load(&[
            ("NEWSYSTEM_LISTEN", "0.0.0.0:8080"),
            ("NEWSYSTEM_TRUSTED_PROXIES", "10.0.0.7")
        ])
        .is_ok()
    );
    let plain_keys = load(&[
        ("NEWSYSTEM_JWKS_URL", "http://login.test/keys"),
        ("NEWSYSTEM_JWT_ISSUER", "x"),
    ])
    .unwrap_err();
    assert!(
        plain_keys.contains("NEWSYSTEM_JWKS_URL: is not encrypted"),
        "{plain_keys}"
    );
}

#[test]
fn secrets_that_would_not_hold_are_refused() {
    for (pairs, wanted) in [
        (
            vec![("SUPABASE_JWT_SECRET", "secret")],
            "SUPABASE_JWT_SECRET: has 6 bytes",
        ),
        (
            vec![
                ("SUPABASE_JWT_SECRET", ""),
                ("SUPABASE_JWT_SECRET_PREVIOUS", BASE[1].1),
                ("SUPABASE_URL", "https://r.supabase.co"),
            ],
            "without SUPABASE_JWT_SECRET",
        ),
        (
            vec![("NEWSYSTEM_JWKS_URL", "https://login.test/keys")],
            "NEWSYSTEM_JWT_ISSUER",
        ),
        (
            vec![("NEWSYSTEM_SIGNING_KEY", "x")],
            "NEWSYSTEM_SIGNING_KEY: has 1 bytes",
        ),
    ] {
        let fault = load(&pairs).unwrap_err();
        assert!(fault.contains(wanted), "{pairs:?}: {fault}");
    }
    let config = load(&[(
        "SUPABASE_JWT_SECRET_PREVIOUS",
        "the-secret-before-with-32-bytes-or-more",
    )])
    .unwrap();
    assert_eq!(config.auth.secrets.len(), 2);
}

#[test]
fn limits_and_budgets_are_set_by_name_and_never_switched_off() {
    let config = load(&[
        ("NEWSYSTEM_MAX_DEPTH", "20"),
        ("NEWSYSTEM_MAX_COMPLEXITY", "9000"),
        ("NEWSYSTEM_RATE_KEY", "20/2"),
    ])
    .unwrap();
    assert_eq!((config.limits.depth, config.limits.complexity), (20, 9000));
    assert_eq!((config.rates.key.burst.get(), config.rates.key.seconds.get()), (20, 2));
    let defaults = load(&[]).unwrap();
    assert_eq!(
        (defaults.limits.tokens, defaults.rates.user.burst.get()),
        (4_000, 1_200)
    );
    for (name, value) in [
        ("NEWSYSTEM_MAX_DEPTH", "0"),
        ("NEWSYSTEM_MAX_PAGE_SIZE", "1000"),
        ("NEWSYSTEM_RATE_USER", "0/60"),
        ("NEWSYSTEM_RATE_ADDRESS", "fast"),
    ] {
        let faults = load(&[(name, value)]).unwrap_err();
        assert!(faults.contains(name), "{faults}");
    }
}

#[test]
fn sockets_and_subscriptions_have_limits_of_their_own() {
    let config = load(&[
        ("NEWSYSTEM_SOCKETS_PER_CALLER", "3"),
        ("NEWSYSTEM_SUBSCRIPTIONS_PER_ORGANIZATION", "40"),
    ])
    .unwrap();
    let limits = config.limits;
    assert_eq!(
        (limits.sockets_per_caller, limits.subscriptions_per_organization),
        (3, 40)
    );
    assert!(load(&[("NEWSYSTEM_SOCKETS", "0")]).is_err());
}

#[test]
fn the_service_key_is_accepted_and_said_to_be_unused() {
    let config = load(&[("SUPABASE_SERVICE_KEY", "eyJhbGciOi")]).unwrap();
    assert_eq!(config.notices.len(), 1);
    assert!(config.notices[0].starts_with("SUPABASE_SERVICE_KEY is set and not used"));
    assert!(!format!("{config:?}").contains("eyJhbGciOi"));
}

#[test]
fn the_operators_page_lists_every_limit_and_rate_with_its_default() {
    let page = include_str!("../../../docs/operations.md");
    let limits = serde_json::to_value(crate::http::Limits::default()).unwrap();
    let rates = serde_json::to_value(crate::http::Rates::default()).unwrap();
    let rows = limits
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("| `{name}` | {value} |"));
    let rates = rates.as_object().unwrap().iter();
    let rates = rates.map(|(name, rate)| format!("| `{name}` | {} in {} s |", rate["burst"], rate["seconds"]));
    let missing: Vec<_> = rows.chain(rates).filter(|row| !page.contains(row)).collect();
    assert!(missing.is_empty(), "not in docs/operations.md: {missing:#?}");
}

#[test]
fn origins_are_origins() {
    let config = load(&[(
        "NEWSYSTEM_CORS_ORIGINS",
        "https://app.example.com/, http://localhost:5173",
    )])
    .unwrap();
    assert_eq!(
        config.cors_origins,
        ["https://app.example.com", "http://localhost:5173"]
    );
    for bad in [
        "*",
        "app.example.com",
        "https://app.example.com/path",
        "file:///x",
        "null",
    ] {
        assert!(load(&[("NEWSYSTEM_CORS_ORIGINS", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn a_range_holds_its_addresses_and_no_others() {
    for (range, address, inside) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.7", "10.0.0.7", true),
        ("10.0.0.7", "10.0.0.8", false),
        ("10.0.0.7", "::ffff:10.0.0.7", true),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "fe00::1", false),
        ("10.0.0.0/8", "fd00::1", false),
    ] {
        assert_eq!(
            Network::parse(range).unwrap().contains(address.parse().unwrap()),
            inside,
            "{range} {address}"
        );
    }
    for bad in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0/8", "proxy", "10.0.0.1/"] {
        assert!(Network::parse(bad).is_err(), "{bad}");
    }
}
