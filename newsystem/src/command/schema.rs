//! `schema`: the contract as text.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::wiring;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare with this file instead of printing; the exit code is 1 when they differ
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    check: Option<PathBuf>,
    /// Write to this file instead of printing
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let sdl = wiring::sdl();
    if let Some(path) = &args.write {
        std::fs::write(path, &sdl).with_context(|| format!("cannot write {}", path.display()))?;
    } else if let Some(path) = &args.check {
        let known = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if let Some((line, old, new)) = first_difference(&known, &sdl) {
            let path = path.display();
            eprintln!(
                "{path} differs from the schema at line {line}:\n- {old}\n+ {new}\nwrite it with: newsystem schema --write {path}"
            );
            return Ok(ExitCode::FAILURE);
        }
    } else {
        print!("{sdl}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line that is not the same, counted from one, as it is in both texts.
fn first_difference<'a>(old: &'a str, new: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let (mut olds, mut news) = (old.lines(), new.lines());
    (1..)
        .map(|line| (line, olds.next(), news.next()))
        .find_map(|(line, old, new)| match (old, new) {
            (None, None) => Some(None),
            (old, new) if old == new => None,
            (old, new) => Some(Some((line, old.unwrap_or("(end)"), new.unwrap_or("(end)")))),
        })?
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
        assert_eq!(first_difference("a\n", "a\nc\n"), Some((2, "(end)", "c")));
        assert_eq!(first_difference("a\nb", ""), Some((1, "a", "(end)")));
    }
}
