//! The names that limits have in the environment.

use service::config::Settings;

use super::Limits;

/// Reads what an operator may want to set otherwise. The bounds keep a mistake from switching a protection off.
pub fn read(settings: &mut Settings<'_>, limits: &mut Limits) {
    let mut count = |name: &'static str, limit: &mut usize, bounds: std::ops::RangeInclusive<u64>| {
        let default = u64::try_from(*limit).unwrap_or(u64::MAX);
        *limit = usize::try_from(settings.number(name, default, bounds)).unwrap_or(usize::MAX);
    };
    count(
        "NEWSYSTEM_MAX_BODY_BYTES",
        &mut limits.body_bytes,
        1024..=16 * 1024 * 1024,
    );
    count("NEWSYSTEM_MAX_TOKENS", &mut limits.tokens, 100..=100_000);
    count("NEWSYSTEM_MAX_DEPTH", &mut limits.depth, 4..=64);
    count("NEWSYSTEM_MAX_REPEATED_FIELDS", &mut limits.repeated_fields, 1..=1_000);
    count("NEWSYSTEM_MAX_OPERATIONS", &mut limits.operations_per_document, 1..=200);
    count("NEWSYSTEM_MAX_BATCH", &mut limits.batch_length, 0..=100);
    count(
        "NEWSYSTEM_MAX_LIST_ARGUMENT",
        &mut limits.list_argument_length,
        50..=10_000,
    );
    count(
        "NEWSYSTEM_OPERATIONS_PER_SOCKET",
        &mut limits.operations_per_socket,
        1..=1_000,
    );
    for (name, limit) in [
        ("NEWSYSTEM_SOCKETS", &mut limits.sockets),
        ("NEWSYSTEM_SOCKETS_PER_CALLER", &mut limits.sockets_per_caller),
        (
            "NEWSYSTEM_SOCKETS_PER_ORGANIZATION",
            &mut limits.sockets_per_organization,
        ),
        (
            "NEWSYSTEM_SUBSCRIPTIONS_PER_CALLER",
            &mut limits.subscriptions_per_caller,
        ),
        (
            "NEWSYSTEM_SUBSCRIPTIONS_PER_ORGANIZATION",
            &mut limits.subscriptions_per_organization,
        ),
    ] {
        count(name, limit, 1..=1_000_000);
    }
    let mut number = |name: &'static str, limit: &mut u64, bounds: std::ops::RangeInclusive<u64>| {
        *limit = settings.number(name, *limit, bounds);
    };
    number("NEWSYSTEM_MAX_COMPLEXITY", &mut limits.complexity, 100..=10_000_000);
    number("NEWSYSTEM_MAX_ALIASES", &mut limits.aliases, 0..=10_000);
    number("NEWSYSTEM_MAX_DIRECTIVES", &mut limits.directives, 0..=10_000);
    number("NEWSYSTEM_MAX_PAGE_SIZE", &mut limits.page_size, 20..=100);
    number("NEWSYSTEM_EXECUTION_SECONDS", &mut limits.execution_seconds, 1..=300);
}
