//! `completions` and `man`: what packages install beside the program.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use countermark_node::NodeError;

use crate::HOLDS;
use crate::cli::Cli;
use crate::output::{say, say_bytes};

pub(crate) fn completions(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countermark", &mut script);
    say_bytes(&script);
    HOLDS
}

/// The page of the program on standard output, or the pages of all commands into a folder.
pub(crate) fn man(output: Option<&Path>) -> Result<u8> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = output else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        say_bytes(&page);
        return Ok(HOLDS);
    };
    if !folder.is_dir() {
        let what = format!("{} is no directory; make it first", folder.display());
        return Err(NodeError::Usage(what).into());
    }
    let written = pages(&command, "countermark", folder)?;
    say(&format!("{written} pages in {}.", folder.display()));
    Ok(HOLDS)
}

/// Writes a command's page and those of its subcommands, each under its full name.
fn pages(command: &clap::Command, name: &str, folder: &Path) -> Result<usize> {
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    let mut page = Vec::new();
    clap_mangen::Man::new(named).render(&mut page)?;
    let path = folder.join(format!("{name}.1"));
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(&page))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let mut written = 1;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        written += pages(inner, &format!("{name}-{}", inner.get_name()), folder)?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Cli;

    fn names(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        found.push(name.to_owned());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            names(inner, &format!("{name}-{}", inner.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_a_page_of_its_own_and_no_other_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        super::man(Some(folder.path())).unwrap();
        let mut command = Cli::command();
        command.build();
        let mut expected = Vec::new();
        names(&command, "countermark", &mut expected);
        let mut found: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".1", ""))
            .collect();
        expected.sort();
        found.sort();
        assert!(expected.contains(&"countermark-member-add".to_owned()));
        assert_eq!(found, expected);
        for name in &found {
            let page = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{name}");
        }
    }

    #[test]
    fn every_command_says_in_its_first_line_what_it_does() {
        fn check(command: &clap::Command, path: &str) {
            assert!(command.get_about().is_some(), "{path} has no description");
            for inner in command.get_subcommands() {
                check(inner, &format!("{path} {}", inner.get_name()));
            }
        }
        check(&Cli::command(), "countermark");
    }
}
