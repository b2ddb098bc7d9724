//! Help texts and the shape of the command line.

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[track_caller]
fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_runtime_may_be_named_before_or_after_the_command() {
    for line in [
        "camshaft --url http://h:1 plugins",
        "camshaft plugins --url http://h:1",
        "camshaft --url http://h:1 read",
    ] {
        let Cli { command, connection, .. } = parse(line).unwrap();
        let inner = match command {
            Command::Plugins(remote) => remote.connection,
            Command::Read(remote) => remote.connection,
            other => panic!("{other:?}"),
        };
        assert!(format!("{:?}", inner.or(&connection)).contains("http://h:1"), "{line}");
    }
    assert!(parse("camshaft dead-letters list --url http://h:1").is_ok());
    assert!(parse("camshaft state --url http://h:1 get a b").is_ok());
}

#[test]
fn a_command_that_works_here_takes_no_runtime() {
    let failure = execute(parse("camshaft --token secret wit nowhere").unwrap()).unwrap_err();
    assert_eq!(failure.code(), ErrorCode::WrongUsage);
    assert!(parse("camshaft run --token secret").is_err());
}

#[test]
fn what_contradicts_itself_is_refused() {
    for line in [
        "camshaft publish --source /shop",
        "camshaft publish --batch 0",
        "camshaft publish --type a.b --id same",
        "camshaft publish --id /id",
        "camshaft plugins --wait-for 1.0.0",
        "camshaft dead-letters redrive --all",
        "camshaft dead-letters redrive --type order.*",
        "camshaft dead-letters redrive stock:1 --dry-run",
        "camshaft dead-letters redrive stock:1 --rate 5",
        "camshaft dead-letters redrive --consumer stock --reason fate",
        "camshaft dead-letters redrive --consumer stock --since yesterday",
        "camshaft dead-letters redrive --consumer stock --all --rate 0",
        "camshaft redrives stock",
        "camshaft redrives cancel",
        "camshaft dead-letters discard stock:1 --all --consumer stock",
        "camshaft dead-letters show stock",
        "camshaft read --type order..placed",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn acts_on_dead_letters_that_are_not_named_say_how_to_name_them() {
    for line in [
        "camshaft dead-letters redrive",
        "camshaft dead-letters redrive --consumer stock",
        "camshaft dead-letters redrive --consumer stock --rate 5 --dry-run",
        "camshaft dead-letters discard",
        "camshaft dead-letters discard --consumer stock",
    ] {
        let failure = execute(parse(line).unwrap()).unwrap_err();
        assert_eq!(failure.code(), ErrorCode::WrongUsage, "{line}");
        assert!(failure.hint_text().contains("--all"), "{line}: {}", failure.hint_text());
    }
}

#[test]
fn a_selection_of_dead_letters_needs_no_all_once_it_is_narrowed() {
    for line in [
        "camshaft dead-letters redrive stock:1 stock:2",
        "camshaft dead-letters redrive --consumer stock --all --rate 5 --dry-run",
        "camshaft dead-letters redrive --consumer stock --type order.* --all --yes",
        "camshaft dead-letters redrive --consumer stock --type order.*",
        "camshaft dead-letters redrive --consumer stock --reason process-end",
        "camshaft dead-letters redrive --consumer stock --since 2h --until 2026-01-31T12:00:00Z",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn help_says_what_each_command_does() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut text = command.render_long_help().to_string();
    let is_shown =
        |subcommand: &&mut clap::Command| subcommand.get_name() != "help" && !subcommand.is_hide_set();
    for subcommand in command.get_subcommands_mut().filter(is_shown) {
        text += &format!("\n──── {}\n{}", subcommand.get_name(), subcommand.clone().render_help());
        for inner in subcommand.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
            text += &format!("\n──── {}\n{}", inner.get_name(), inner.clone().render_help());
        }
    }
    insta::assert_snapshot!("help", text);
}
