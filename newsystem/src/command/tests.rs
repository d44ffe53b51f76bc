//! The command line as a whole, and the reference of its settings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;
use service::config::Settings;

use super::Cli;
use super::migrate::MigrationConfig;
use crate::client::ClientConfig;
use crate::environment::{Environment, parse};
use crate::logging::LogConfig;

const EXAMPLE: &str = include_str!("../../../.env.example");

/// The file with every `#NAME=value` made a setting.
fn with_everything_set() -> String {
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.split_once('=').is_some_and(|(name, _)| is_name(name)) => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Loads every configuration of the program; the names that were asked for, and what was wrong.
fn load_all(settings: &BTreeMap<String, String>) -> (BTreeSet<String>, Vec<String>) {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        settings.get(name).cloned()
    };
    let faults = [
        api::config::Config::load(&lookup).err(),
        worker::config::Config::load(&lookup).err(),
        MigrationConfig::load(&lookup).err(),
        LogConfig::load(&lookup, "info").err(),
        ClientConfig::load(&lookup).err(),
    ];
    (
        asked.into_inner(),
        faults.into_iter().flatten().map(|faults| faults.to_string()).collect(),
    )
}

#[test]
fn the_example_names_every_setting_that_is_read_and_no_other() {
    let example: BTreeSet<String> = parse(&with_everything_set()).unwrap().into_keys().collect();
    let (asked, _) = load_all(&BTreeMap::new());
    let unnamed: Vec<_> = asked.difference(&example).collect();
    let unread: Vec<_> = example.difference(&asked).collect();
    assert!(
        unnamed.is_empty() && unread.is_empty(),
        "not in .env.example: {unnamed:?}; read by nothing: {unread:?}"
    );
}

#[test]
fn the_example_configures_all_three_processes() {
    let settings = parse(&with_everything_set()).unwrap();
    let (_, faults) = load_all(&settings);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_example_as_it_is_sets_nothing_so_that_dev_runs_with_it() {
    assert_eq!(parse(EXAMPLE).unwrap(), BTreeMap::new());
}

#[test]
fn a_process_without_settings_says_all_that_is_missing() {
    let (_, faults) = load_all(&BTreeMap::new());
    let all = faults.join("\n");
    for name in [
        "DATABASE_URL",
        "DATABASE_WORKER_URL",
        "DATABASE_QUEUE_URL",
        "DATABASE_MIGRATION_URL",
        "SUPABASE_URL",
    ] {
        assert!(all.contains(&format!("{name}: is not set")), "{name} is not in {all}");
    }
}

#[test]
fn no_setting_is_read_outside_the_configurations() {
    // `Settings` keeps what was asked for, so what a configuration reads can be compared with the example as well.
    let environment = Environment::of(BTreeMap::new());
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let _ = api::config::Config::read(&mut settings);
    let example: BTreeSet<String> = parse(&with_everything_set()).unwrap().into_keys().collect();
    assert!(settings.asked().is_subset(&example));
    assert!(settings.asked().contains("DATABASE_URL"));
}

#[test]
fn every_command_has_help_with_an_example() {
    fn examine(command: &clap::Command, path: &str) -> usize {
        let path = format!("{path} {}", command.get_name());
        let mut seen = 0;
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
        {
            seen += 1 + examine(sub, &path);
            assert!(
                sub.get_about().is_some(),
                "{path} {} says nothing of itself",
                sub.get_name()
            );
            let example = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            let has_subcommands = sub.get_subcommands().next().is_some();
            assert!(
                example.starts_with("Example: ") || has_subcommands,
                "{path} {} has no example",
                sub.get_name()
            );
        }
        seen
    }
    let command = Cli::command();
    command.clone().debug_assert();
    assert_eq!(
        examine(&command, ""),
        29,
        "thirteen commands, five of migrate, three of admin with eight below"
    );
}
