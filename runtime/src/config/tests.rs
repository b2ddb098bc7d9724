//! Where settings come from, which source wins, and what wrong ones are answered with.

use std::{fs, path::PathBuf};

use camshaft_event::{Limit, RaisedBy};
use tempfile::TempDir;

use super::*;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("camshaft.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(text: &str) -> Result<Config, ConfigError> {
    let (_folder, path) = file(text);
    Config::load(Some(&path), [], [])
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Message and hint, with the file's folder left out.
fn refused(text: &str) -> String {
    let (folder, path) = file(text);
    let error = Config::load(Some(&path), [], []).expect_err("the settings are wrong");
    let text = format!("{error}\nhint: {}", error.hint());
    text.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a file with every setting")]
fn every_setting_can_be_given_in_the_file() {
    let (folder, path) = file(
        r#"
        data = "d"
        plugins = "/p"
        listen = "localhost:0"
        memory = "1GiB"
        durability = "async"
        workers = 3
        allowed_origins = ["https://a.example", "http://b.example:8080"]
        allow_deploy = true
        detached_retention = "1h"
        [retention]
        age = "30 days"
        bytes = "10GiB"
        [limits]
        max_event_bytes = "1KiB"
        max_request_bytes = "1MiB"
        max_transaction_bytes = "2KiB"
        max_attempt_bytes = "18KiB"
        max_state_value_bytes = 5
        max_state_bytes = 17
        max_published_events = 15
        max_answer_bytes = "20B"
        max_fold_bytes = "21B"
        max_scopes = 22
        max_scope_bytes = "23B"
        max_kept_bytes = "24B"
        max_log_lines = 16
        max_stack = "65KiB"
        max_hops = 6
        max_timers = 7
        max_held_events = 8
        max_held_bytes = "9B"
        max_instances = 10
        max_plugin_bytes = "11MiB"
        max_deadline = "13s"
        max_sink_deadline = "14s"
        max_memory = "14MiB"
        max_compile_memory = "18MiB"
        max_compile_time = "19s"
        max_connections = 12
        "#,
    );
    let week = Duration::from_hours(30 * 24);
    let limits = RuntimeLimits {
        max_event_bytes: 1 << 10,
        max_request_bytes: 1 << 20,
        max_transaction_bytes: 2 << 10,
        max_attempt_bytes: 18 << 10,
        max_state_value_bytes: 5,
        max_state_bytes: 17,
        max_published_events: 15,
        max_answer_bytes: 20,
        max_fold_bytes: 21,
        max_scopes: 22,
        max_scope_bytes: 23,
        max_kept_bytes: 24,
        max_log_lines: 16,
        max_stack: 65 << 10,
        max_hops: 6,
        max_timers: 7,
        max_held_events: 8,
        max_held_bytes: 9,
        max_instances: 10,
        max_plugin_bytes: 11 << 20,
        max_deadline: Duration::from_secs(13),
        max_sink_deadline: Duration::from_secs(14),
        max_memory: 14 << 20,
        max_compile_memory: 18 << 20,
        max_compile_time: Duration::from_secs(19),
        max_connections: 12,
    };
    let expected = Config {
        data: folder.path().join("d"),
        plugins: "/p".into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        memory: 1 << 30,
        durability: Durability::Async,
        workers: Some(3),
        allowed_origins: vec!["https://a.example".into(), "http://b.example:8080".into()],
        token: None,
        allow_deploy: true,
        detached_retention: Duration::from_hours(1),
        retention: Retention { age: week, bytes: Some(10 << 30) },
        limits,
        compiler: None,
        compile_on_all_cores: false,
        functions_dir: None,
    };
    assert_eq!(Config::load(Some(&path), [], []), Ok(expected));
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (_folder, path) = file("data = \"/file\"\nplugins = \"/file\"\nmemory = \"65MiB\"");
    let environment = [
        variable("CAMSHAFT_DATA", "/environment"),
        variable("CAMSHAFT_PLUGINS", "/environment"),
        variable("CAMSHAFT_LIMITS_MAX_HOPS", "7"),
        variable("CAMSHAFT_ALLOWED_ORIGINS", "http://a, http://b"),
        variable("CAMSHAFT_PORT", "tcp://10.0.0.1"),
        variable("DATA", "/other"),
    ];
    let config = Config::load(Some(&path), environment, [("data", "/flag".to_owned())]).unwrap();
    assert_eq!(config.data, PathBuf::from("/flag"));
    assert_eq!(config.plugins, PathBuf::from("/environment"));
    assert_eq!(config.memory, 65 << 20);
    assert_eq!(config.limits.max_hops, 7);
    assert_eq!(config.allowed_origins, ["http://a", "http://b"]);
}

#[test]
fn every_setting_has_a_variable() {
    for key in setting::keys() {
        let variable = format!("CAMSHAFT_{}", key.replace('.', "_").to_uppercase());
        assert_eq!(setting::key_of_variable(&variable), Some(key));
    }
    assert_eq!(setting::key_of_variable("CAMSHAFT_LIMITS"), None);
}

#[test]
fn the_token_comes_from_the_flags_file_then_the_environment_then_other_files() {
    let (folder, path) = file("token_file = \"token\"");
    let by_flag = folder.path().join("flag");
    fs::write(folder.path().join("token"), "from-the-settings\n").unwrap();
    fs::write(&by_flag, "from-the-flags-file").unwrap();
    let flag = ("token_file", by_flag.display().to_string());
    let environment = || [variable("CAMSHAFT_TOKEN", "from-the-environment")];
    let token = |config: Result<Config, ConfigError>| config.unwrap().token.unwrap();
    assert!(token(Config::load(Some(&path), [], [])).is(b"from-the-settings"));
    assert!(token(Config::load(Some(&path), environment(), [])).is(b"from-the-environment"));
    assert!(token(Config::load(Some(&path), environment(), [flag])).is(b"from-the-flags-file"));
    let missing = [("token_file", "/no/such/file".to_owned())];
    let error = Config::load(Some(&path), [], missing).unwrap_err().to_string();
    assert_eq!(error, "\"/no/such/file\" could not be read: no such file or directory");
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let text = "listen = \"0.0.0.0:4077\"";
    assert_eq!(
        refused(text),
        "0.0.0.0:4077 can be reached from other machines, but there is no token\n\
         hint: Set --token-file or CAMSHAFT_TOKEN, or listen on 127.0.0.1."
    );
    let (_folder, path) = file(text);
    let token = [variable("CAMSHAFT_TOKEN", "0123456789abcdef")];
    assert!(Config::load(Some(&path), token, []).is_ok());
    assert!(load("listen = \"[::1]:4077\"").is_ok());
}

#[test]
fn wrong_settings_name_their_place_and_the_nearest_key() {
    for (text, expected) in [
        (
            "\nmemroy = \"1GiB\"",
            "setting \"memroy\" does not exist (\"camshaft.toml\", line 2)\nhint: Did you mean \"memory\"?",
        ),
        (
            "[limits]\nmax_event_byte = 1",
            "setting \"limits.max_event_byte\" does not exist (\"camshaft.toml\", line 2)\n\
             hint: Did you mean \"limits.max_event_bytes\"?",
        ),
        (
            "max_hops = 1",
            "setting \"max_hops\" does not exist (\"camshaft.toml\", line 1)\nhint: Did you mean \"limits.max_hops\"?",
        ),
        (
            "zzz = 1",
            "setting \"zzz\" does not exist (\"camshaft.toml\", line 1)\nhint: Correct or remove the key.",
        ),
        (
            "token = \"0123456789abcdef\"",
            "setting \"token\" does not exist (\"camshaft.toml\", line 1)\nhint: Did you mean \"token_file\"?",
        ),
        (
            "data = \"a\"\nmemory = \"lots\"",
            "setting \"memory\": \"lots\" is not a size; write it like \"256MiB\" (\"camshaft.toml\", line 2)\n\
             hint: Correct the value.",
        ),
        (
            "listen = \"4077\"",
            "setting \"listen\": \"4077\" is not an address and port; write it like \"127.0.0.1:4077\" \
             (\"camshaft.toml\", line 1)\nhint: Correct the value.",
        ),
        (
            "durability = \"maybe\"",
            "setting \"durability\": \"maybe\" is neither \"sync\" nor \"async\" (\"camshaft.toml\", line 1)\n\
             hint: Correct the value.",
        ),
        (
            "allowed_origins = [\"example.com\"]",
            "setting \"allowed_origins\": \"example.com\" is not a web origin; write it like \
             \"https://example.com\" (\"camshaft.toml\", line 1)\nhint: Correct the value.",
        ),
        (
            "data = [\"a\", \"b\"]",
            "setting \"data\": it must be one value, not a list (\"camshaft.toml\", line 1)\n\
             hint: Correct the value.",
        ),
        (
            "memory = \"1MiB\"",
            "setting \"memory\": 1048576 bytes are less than the minimum of 64MiB\nhint: Correct the value.",
        ),
        (
            "[limits]\nmax_stack = \"2MiB\"",
            "setting \"limits.max_stack\": 2097152 bytes are not between 64KiB and 1MiB\n\
             hint: Correct the value.",
        ),
        (
            "[limits]\nmax_event_bytes = \"5MiB\"",
            "setting \"limits.max_event_bytes\": an event of 5242880 bytes does not fit into a transaction \
             of 4194304 (`limits.max_transaction_bytes`)\nhint: Correct the value.",
        ),
    ] {
        assert_eq!(refused(text), expected);
    }
    assert!(refused("a = 1\n= 2").starts_with("\"camshaft.toml\", line 2: "), "{}", refused("a = 1\n= 2"));
}

#[test]
fn a_named_file_has_to_exist() {
    let error = Config::load(Some(Path::new("/no/such.toml")), [], []).unwrap_err();
    assert_eq!(error.to_string(), "\"/no/such.toml\" could not be read: no such file or directory");
}

/// The block of the operator's guide that begins with `head`.
fn guide(head: &str) -> &'static str {
    let guide = include_str!("../../OPERATING.md");
    let (_, block) = guide.split_once(&format!("```toml {head}\n")).expect("the guide has the block");
    block.split_once("```").expect("the block ends").0
}

#[test]
fn the_guide_shows_every_setting_with_its_default() {
    let shown = guide("settings");
    let read = load(shown).unwrap();
    let Config { data, plugins, .. } = Config::default();
    // Paths count from the file's folder.
    assert!(read.data.ends_with("camshaft-data") && read.plugins.ends_with("plugins"), "{read:?}");
    assert_eq!(Config { data, plugins, ..read }, Config::default());
    let table: toml::Table = uncommented(shown).parse().unwrap();
    for setting in setting::keys() {
        let value = match setting.split_once('.') {
            Some((section, key)) => table.get(section).and_then(|section| section.get(key)),
            None => table.get(setting),
        };
        assert!(value.is_some(), "{setting}");
    }
}

#[test]
fn what_raises_a_limit_is_in_the_operators_guide() {
    let in_block = |block: &str, key: &str| {
        let table: toml::Table = uncommented(guide(block)).parse().unwrap();
        key.split('.').try_fold(&toml::Value::Table(table), |table, key| table.get(key)).is_some()
    };
    let fixed = include_str!("../../OPERATING.md").split_once("| fixed limit | what |\n").unwrap().1;
    let fixed: Vec<&str> = fixed.lines().take_while(|line| line.starts_with('|')).skip(1).collect();
    let mut shown_as_fixed = 0;
    for limit in Limit::ALL {
        match limit.raised_by() {
            RaisedBy::Setting(key) => {
                assert!(
                    setting::keys().any(|known| known == key),
                    "{limit:?} names {key}, which is no setting"
                );
                assert!(in_block("settings", key), "{key}");
            }
            RaisedBy::Manifest(key) => assert!(in_block("policy", key), "{limit:?} names {key}"),
            RaisedBy::Fixed => {
                let says_so = format!("| {limit} |");
                assert!(
                    fixed.iter().any(|line| line.ends_with(&says_so)),
                    "the guide has no line \"{limit}\""
                );
                shown_as_fixed += 1;
            }
        }
    }
    assert_eq!(fixed.len(), shown_as_fixed, "the guide shows a fixed limit that there is not");
}

#[test]
fn each_limit_among_the_settings_is_one_that_messages_name() {
    // What is held needs no message: at the bound the consumer reads no further.
    const SILENT: [&str; 2] = ["limits.max_held_events", "limits.max_held_bytes"];
    for key in setting::keys().filter(|key| key.starts_with("limits.") && !SILENT.contains(key)) {
        let is_named = |limit: &&Limit| limit.raised_by() == RaisedBy::Setting(key);
        assert!(Limit::ALL.iter().any(|limit| is_named(&limit)), "no limit names {key}");
    }
}

/// The text with the settings that stand in comments, for they have no default.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_noticed_and_others_are_left_alone() {
    let names = [
        "CAMSHAFT_LISTN",
        "CAMSHAFT_LIMITS_MAX_HOP",
        "CAMSHAFT_TOKEN_FILES",
        "CAMSHAFT_LISTEN",
        "CAMSHAFT_TOKEN",
    ];
    let others =
        ["CAMSHAFT_PORT", "CAMSHAFT_SERVICE_HOST", "CAMSHAFT_PORT_4077_TCP_ADDR", "CAMSHAFT_LOG", "LISTN"];
    let all = names.iter().chain(&others).map(|name| (*name).to_owned());
    let found: Vec<_> = Config::mistaken_variables(all).collect();
    let expected = [
        ("CAMSHAFT_LISTN", "CAMSHAFT_LISTEN"),
        ("CAMSHAFT_LIMITS_MAX_HOP", "CAMSHAFT_LIMITS_MAX_HOPS"),
        ("CAMSHAFT_TOKEN_FILES", "CAMSHAFT_TOKEN_FILE"),
    ];
    assert_eq!(found, expected.map(|(name, meant)| (name.to_owned(), meant.to_owned())));
}
