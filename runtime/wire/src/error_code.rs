//! The catalogue of everything that can be answered with an error: one code, one HTTP status, one exit code.
//!
//! The HTTP interface, the command line and `runtime/ERRORS.md` all take their codes from here; a test compares
//! the page. It holds no messages: those are made where the facts are known.

use std::fmt;

use camshaft_event::RefusalCode;

/// How the process ends. Stable: scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// A fault of the program itself.
    Internal = 1,
    /// Wrong usage or settings: an unknown flag or key, a port in use.
    Usage = 2,
    /// The input was refused, or names something that does not exist.
    Refused = 3,
    /// The runtime does not answer, or not now.
    Unreachable = 4,
    /// The data directory is unusable, or in use.
    DataDirectory = 5,
    /// Part of the input was refused.
    PartlyRefused = 6,
    /// A failed sync poisoned the log.
    Poisoned = 7,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

macro_rules! catalogue {
    ($($name:ident = $code:literal, $status:expr, $exit:ident, $title:literal, $hint:literal;)+) => {
        /// One kind of error. Stable: programs match its text, `urn:camshaft:error:<code>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The kebab-case text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status it is answered with; none if it never crosses HTTP.
            #[must_use]
            pub const fn status(self) -> Option<u16> {
                match self { $(Self::$name => $status,)+ }
            }

            /// How the command line ends.
            #[must_use]
            pub const fn exit(self) -> ExitCode {
                match self { $(Self::$name => ExitCode::$exit,)+ }
            }

            /// What happened, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What to do, where the occurrence knows nothing better.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

catalogue! {
    // Publishing.
    InvalidEvent = "invalid-event", Some(400), Refused,
        "an event is not a valid CloudEvent",
        "Correct the named attribute; nothing of the request was published.";
    ReservedEvent = "reserved-event", Some(403), Refused,
        "an event uses a name that belongs to the runtime",
        "Choose a type outside camshaft.* and a source outside /plugins/ and /camshaft.";
    EventConflict = "event-conflict", Some(409), Refused,
        "an event with this source and id, but other content, is in the log",
        "Give each occurrence its own id; a repeated id has to carry the same content.";
    EventTooLarge = "event-too-large", Some(413), Refused,
        "an event is larger than max_event_bytes",
        "Put large content elsewhere and publish a reference, or raise limits.max_event_bytes.";
    RequestTooLarge = "request-too-large", Some(413), Refused,
        "the request is larger than max_request_bytes",
        "Send smaller batches, or raise limits.max_request_bytes.";
    TransactionTooLarge = "transaction-too-large", Some(413), Refused,
        "the batch makes a transaction larger than max_transaction_bytes",
        "Send smaller batches, or raise limits.max_transaction_bytes.";
    UnsupportedMediaType = "unsupported-media-type", Some(415), Refused,
        "the request carries no CloudEvent, or its body has a coding that is not known",
        "Send Content-Type: application/cloudevents+json, or application/cloudevents-batch+json, or ce- headers.";
    TooManyRequests = "too-many-requests", Some(429), Unreachable,
        "more publishers wait than the runtime admits",
        "Send again after the time in Retry-After.";
    Busy = "busy", Some(503), Unreachable,
        "the runtime cannot take the request at the moment",
        "Send again after the time in Retry-After.";
    NoSpace = "no-space", Some(507), Unreachable,
        "the disk of the data directory is full",
        "Free 64 MiB or more on that disk; the runtime goes on by itself.";
    // Reading and operating.
    InvalidRequest = "invalid-request", Some(400), Refused,
        "a parameter of the request is not valid",
        "Correct the named parameter.";
    OffsetTrimmed = "offset-trimmed", Some(410), Refused,
        "the events before the trim point are gone",
        "Read from the first offset that the answer names.";
    OffsetBeyondTail = "offset-beyond-tail", Some(409), Refused,
        "the place to read from lies behind the end of the log",
        "Read from the tail that the answer names, or from the first offset; this log may be an older copy.";
    CursorOfAnotherLog = "cursor-of-another-log", Some(409), Refused,
        "the place to go on from belongs to another log, or to events that this log has lost",
        "Read again from an offset that you choose: the log holds other events than those seen before.";
    EventNotFound = "event-not-found", Some(404), Refused,
        "there is no such event",
        "`camshaft read` lists the events with their offsets.";
    PluginNotFound = "plugin-not-found", Some(404), Refused,
        "no plugin has this name",
        "`camshaft plugins` lists the plugins.";
    VersionNotKept = "version-not-kept", Some(404), Refused,
        "no copy of such a version of the plugin is kept",
        "`camshaft plugins history NAME` lists the versions; drop another one into the plugins directory.";
    VersionAmbiguous = "version-ambiguous", Some(400), Refused,
        "several versions of the plugin have a digest that begins so",
        "Give more of the digest; `camshaft plugins history NAME` lists the versions.";
    NoEarlierVersion = "no-earlier-version", Some(409), Refused,
        "the plugin has no earlier version to go back to",
        "`camshaft plugins history NAME` lists what ran; --to names one of those.";
    PluginPinned = "plugin-pinned", Some(409), Refused,
        "the plugin is pinned to another version",
        "Unpin it first, or pin the version that shall run.";
    PluginNotRefused = "plugin-not-refused", Some(409), Refused,
        "no file of the plugin was refused",
        "`camshaft plugins` shows what was refused; change a file to have it loaded again.";
    VersionUnusable = "version-unusable", Some(409), Refused,
        "a kept version of the plugin cannot run now",
        "Choose another version, or drop this one into the plugins directory again.";
    DeployNotAllowed = "deploy-not-allowed", Some(403), Refused,
        "the runtime takes no such plugin file from other machines",
        "Copy the file into the plugins directory on the runtime's own machine.";
    ConsumerNotFound = "consumer-not-found", Some(404), Refused,
        "no consumer has this name",
        "`camshaft consumers` lists the consumers.";
    ConsumerAttached = "consumer-attached", Some(409), Refused,
        "the consumer is attached",
        "Remove its plugin's file from the plugins directory first.";
    ConsumerNotDamaged = "consumer-not-damaged", Some(409), Refused,
        "nothing that the consumer needs is damaged",
        "`camshaft consumers NAME` shows what keeps it.";
    DamageNotSkippable = "damage-not-skippable", Some(409), Refused,
        "the consumer cannot go on without the damaged part",
        "Reset it with `camshaft consumers reset NAME --to WHERE`, or restore a backup.";
    NoDamagedEvents = "no-damaged-events", Some(409), Refused,
        "none of the consumer's damage is among the events of the log",
        "Leave out `--to`: what is damaged is skipped without it.";
    HeldEventNotFound = "held-event-not-found", Some(404), Refused,
        "the consumer holds no such event",
        "`camshaft consumers NAME --held` lists what it holds; the event may be handled by now, or be a dead letter.";
    HeldEventAttempted = "held-event-attempted", Some(409), Refused,
        "the held event is being attempted",
        "Wait for the outcome of the attempt, then ask again if the event is still held.";
    HeldEventWaits = "held-event-waits", Some(409), Refused,
        "the held event is not retried: it waits for something else",
        "Act on what the message names; the event follows by itself.";
    DeadLetterNotFound = "dead-letter-not-found", Some(404), Refused,
        "there is no such dead letter",
        "`camshaft dead-letters list` lists the dead letters.";
    RedriveNotFound = "redrive-not-found", Some(404), Refused,
        "there is no such redrive job",
        "`camshaft redrives` lists the jobs.";
    RedriveRunning = "redrive-running", Some(409), Refused,
        "another job redrives dead letters of this consumer",
        "Wait for it, or stop it with `camshaft redrives cancel ID`.";
    RedriveEnded = "redrive-ended", Some(409), Refused,
        "the redrive job has ended",
        "`camshaft redrives ID` shows what came of it.";
    StateKeyNotFound = "state-key-not-found", Some(404), Refused,
        "the plugin's state has no such key",
        "`camshaft state list PLUGIN` lists the keys.";
    // The HTTP interface as such.
    Unauthorized = "unauthorized", Some(401), Usage,
        "the token is missing or wrong",
        "Send Authorization: Bearer with the runtime's token; the command line takes CAMSHAFT_TOKEN.";
    HostNotAllowed = "host-not-allowed", Some(403), Usage,
        "the request was not addressed to a loopback host",
        "Call the runtime by 127.0.0.1 or localhost, or run it with a token.";
    OriginNotAllowed = "origin-not-allowed", Some(403), Usage,
        "web pages of this origin may not call the runtime",
        "Add the origin to `allowed_origins`.";
    RouteNotFound = "route-not-found", Some(404), Usage,
        "nothing is served at this path",
        "GET /openapi.json describes every route.";
    MethodNotAllowed = "method-not-allowed", Some(405), Usage,
        "the path does not take this method",
        "The header Allow names the methods that it takes.";
    RequestTimeout = "request-timeout", Some(408), Unreachable,
        "the body of the request did not arrive in time",
        "Send it again without pausing.";
    Internal = "internal", Some(500), Internal,
        "the runtime failed",
        "The runtime's log says more; please report it.";
    // The state of the runtime.
    Starting = "starting", Some(503), Unreachable,
        "the runtime is starting",
        "Send again after the time in Retry-After.";
    ShuttingDown = "shutting-down", Some(503), Unreachable,
        "the runtime is shutting down",
        "Send again once it has started anew.";
    LogPoisoned = "log-poisoned", Some(503), Poisoned,
        "a sync of the log failed, so nothing more is accepted",
        "Check the disk, then start the runtime again: it recovers what was durable.";
    // Starting the runtime.
    UnknownSetting = "unknown-setting", None, Usage,
        "a setting does not exist",
        "Correct or remove the key.";
    InvalidSetting = "invalid-setting", None, Usage,
        "a setting has a value that it may not have",
        "Correct the value.";
    SettingsUnreadable = "settings-unreadable", None, Usage,
        "a settings file could not be read",
        "Check its path and permissions.";
    TokenRequired = "token-required", None, Usage,
        "an address that others can reach needs a token",
        "Give --token-file or CAMSHAFT_TOKEN, or listen on 127.0.0.1.";
    AddressUnavailable = "address-unavailable", None, Usage,
        "the address to listen on is in use, or not this machine's",
        "Stop the other program, or choose another address with --listen.";
    PluginsUnreadable = "plugins-unreadable", None, Usage,
        "the plugins directory could not be made or read",
        "Check its path and permissions, or choose another with --plugins.";
    DataInUse = "data-in-use", None, DataDirectory,
        "another process uses the data directory",
        "Stop the other runtime, or choose another directory with --data.";
    DataUnusable = "data-unusable", None, DataDirectory,
        "the data directory could not be made, read or written",
        "Check its path, permissions and disk, or choose another with --data.";
    DataNewerFormat = "data-newer-format", None, DataDirectory,
        "the data directory was written by a newer Camshaft",
        "Run that version, or a newer one.";
    DataCorrupt = "data-corrupt", None, DataDirectory,
        "the data directory is damaged",
        "Run `camshaft verify`: it lists what is damaged and what to do. Keep a copy of the directory.";
    CleanMarkDamaged = "clean-mark-damaged", None, DataDirectory,
        "the mark of the last clean shutdown is damaged, and the end of the log is unclear without it",
        "Copy the data directory, remove the file that the message names, and start again.";
    DamageFound = "damage-found", None, Refused,
        "a check of the data directory found damage",
        "Do what the table says; the check itself changed nothing.";
    // Plugins, when they are checked or loaded. The plugin host makes these refusals.
    NotWasm = "not-wasm", None, Refused,
        "the file is not WebAssembly",
        "Build the plugin with `camshaft build`.";
    TruncatedWasm = "truncated-wasm", None, Refused,
        "the file ends before its content does",
        "Copy the whole file; a name that ends in .wasm should appear only once it is complete.";
    PluginTooLarge = "plugin-too-large", Some(413), Refused,
        "the file is larger than max_plugin_bytes",
        "Build it in release mode and strip it, or raise limits.max_plugin_bytes.";
    PluginTooComplex = "plugin-too-complex", None, Refused,
        "the file has more of something than a plugin may have",
        "Build it with a released toolchain and optimisations; if it was built so, report it with the file.";
    InvalidComponent = "invalid-component", None, Refused,
        "the file breaks a rule of WebAssembly, or uses what this runtime does not run",
        "Build it with the tools of this release.";
    UnsupportedWorld = "unsupported-world", None, Refused,
        "the component is of another kind",
        "Write the plugin against a world of camshaft:plugin; `camshaft wit` writes the contract.";
    UnsupportedContractVersion = "unsupported-contract-version", None, Refused,
        "the plugin is written against another version of the contract",
        "Rebuild it with the SDK of this release.";
    MissingManifest = "missing-manifest", None, Refused,
        "the plugin has no manifest",
        "Build it with `camshaft build`, or put a manifest beside it.";
    InvalidManifest = "invalid-manifest", Some(400), Refused,
        "a manifest, or the operator's file, says something that cannot be",
        "Correct the named key.";
    OverlappingSubscriptions = "overlapping-subscriptions", None, Refused,
        "two handlers of the plugin claim the same event types",
        "Make their patterns disjoint: exactly one handler runs per event.";
    UnknownImport = "unknown-import", None, Refused,
        "the plugin imports what the runtime does not give",
        "Use only the interfaces of the contract.";
    CapabilityNotGranted = "capability-not-granted", None, Refused,
        "the plugin asks for a capability that it was not granted",
        "Add it to `grants` in the operator's file, if it may have it.";
    UnknownCapability = "unknown-capability", None, Refused,
        "the plugin asks for a capability that does not exist",
        "Correct `capabilities` in its manifest.";
    SecretUnavailable = "secret-unavailable", None, Refused,
        "a secret of the plugin cannot be read",
        "Provide the variable or the file that `[secrets]` names, then touch the operator's file.";
    CompileFailed = "compile-failed", None, Refused,
        "the plugin could not be compiled to machine code",
        "Check memory and disk of the machine; please report it if they suffice.";
    InstantiationFailed = "instantiation-failed", None, Refused,
        "the plugin could not be started within its limits",
        "Look at its start code, or raise its limits.";
    DuplicatePluginName = "duplicate-plugin-name", None, Refused,
        "another file is the plugin of this name already",
        "Remove one of the two files, or rename one plugin.";
    PluginQuarantined = "plugin-quarantined", None, Refused,
        "the runtime ended more than once while it loaded the file",
        "Replace the file; `camshaft plugins retry FILE` loads it once more.";
    Io = "io", Some(500), Refused,
        "a plugin's file could not be read or written",
        "Check its permissions and the disk.";
    // The command line.
    WrongUsage = "wrong-usage", None, Usage,
        "the command was not given as it has to be",
        "`camshaft help` shows how.";
    DeadAgain = "dead-again", None, Refused,
        "redriven events became dead letters again",
        "`camshaft dead-letters list` shows them; `camshaft debug ID` runs one again here.";
    NotYet = "not-yet", None, Unreachable,
        "what was waited for has not happened",
        "The runtime goes on with it; `camshaft plugins` and `camshaft consumers` show how far it is.";
    InputUnreadable = "input-unreadable", None, Refused,
        "an input file could not be read",
        "Check its path and permissions.";
    OutputUnwritable = "output-unwritable", None, Usage,
        "an output could not be written",
        "Check its path, permissions and disk.";
    ToolchainMissing = "toolchain-missing", None, Usage,
        "this machine lacks what plugins of that language are built with",
        "Run `rustup target add wasm32-unknown-unknown`.";
    BuildFailed = "build-failed", None, Refused,
        "a plugin could not be built",
        "Correct what is named above.";
    InvalidFixture = "invalid-fixture", None, Refused,
        "a fixture is not written as it has to be",
        "`camshaft test --help` shows one.";
    TestsFailed = "tests-failed", None, Refused,
        "a plugin does not do what its fixtures say",
        "What differs is listed above; correct the plugin or the fixture.";
    NotDebuggable = "not-debuggable", None, Refused,
        "a dead letter cannot be run again here",
        "What is missing is named above.";
    Unreachable = "unreachable", None, Unreachable,
        "the runtime does not answer",
        "Start it with `camshaft run`, or name another with --url.";
    UnexpectedAnswer = "unexpected-answer", None, Internal,
        "what answers is not a Camshaft of this version",
        "Check --url; the program and the runtime should have the same version.";
    AllRefused = "all-refused", None, Refused,
        "every event was refused",
        "Correct the input; the refusals are listed above.";
    PartlyRefused = "partly-refused", None, PartlyRefused,
        "some events were refused",
        "Correct them and publish the whole input again: what is in the log is recognized as duplicate.";
}

impl ErrorCode {
    /// The `type` of a problem document.
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:camshaft:error:{self}")
    }

    /// The code that a problem document's `type` names.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::from_text(urn.strip_prefix("urn:camshaft:error:")?)
    }

    /// The code of this kebab-case text.
    #[must_use]
    pub fn from_text(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }
}

impl From<RefusalCode> for ErrorCode {
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::NotWasm => Self::NotWasm,
            RefusalCode::TruncatedWasm => Self::TruncatedWasm,
            RefusalCode::PluginTooLarge => Self::PluginTooLarge,
            RefusalCode::PluginTooComplex => Self::PluginTooComplex,
            RefusalCode::InvalidComponent => Self::InvalidComponent,
            RefusalCode::UnsupportedWorld => Self::UnsupportedWorld,
            RefusalCode::UnsupportedContractVersion => Self::UnsupportedContractVersion,
            RefusalCode::MissingManifest => Self::MissingManifest,
            RefusalCode::InvalidManifest => Self::InvalidManifest,
            RefusalCode::OverlappingSubscriptions => Self::OverlappingSubscriptions,
            RefusalCode::UnknownImport => Self::UnknownImport,
            RefusalCode::CapabilityNotGranted => Self::CapabilityNotGranted,
            RefusalCode::UnknownCapability => Self::UnknownCapability,
            RefusalCode::SecretUnavailable => Self::SecretUnavailable,
            RefusalCode::CompileFailed => Self::CompileFailed,
            RefusalCode::InstantiationFailed => Self::InstantiationFailed,
            RefusalCode::DuplicatePluginName => Self::DuplicatePluginName,
            RefusalCode::VersionNotKept => Self::VersionNotKept,
            RefusalCode::Internal => Self::Internal,
            RefusalCode::PluginQuarantined => Self::PluginQuarantined,
            RefusalCode::Io => Self::Io,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use camshaft_event::Limit;

    use super::*;

    #[test]
    fn the_error_page_lists_every_code_as_the_catalogue_has_it() {
        let page = include_str!("../../ERRORS.md");
        let section = |code: &ErrorCode| {
            let status = code.status().map_or_else(|| "—".to_owned(), |status| status.to_string());
            let exit = code.exit() as u8;
            format!("### `{code}`\n\nHTTP {status} · exit {exit} · {}.\n\n", code.title())
        };
        for code in ErrorCode::ALL {
            assert!(page.contains(&section(code)), "runtime/ERRORS.md should hold:\n{}", section(code));
        }
        assert_eq!(page.matches("### `").count(), ErrorCode::ALL.len(), "the page lists a code that is none");
    }

    #[test]
    fn hints_and_the_error_page_name_settings_that_raise_a_limit() {
        let named = |text: &'static str| {
            let end = |rest: &'static str| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next();
            text.split("limits.").skip(1).filter_map(end).filter(|key| !key.is_empty())
        };
        let hints = ErrorCode::ALL.iter().flat_map(|code| named(code.hint()));
        for key in hints.chain(named(include_str!("../../ERRORS.md"))) {
            let raised_by = format!("setting `limits.{key}`");
            let raises = |limit: &&Limit| limit.raised_by().to_string() == raised_by;
            assert!(Limit::ALL.iter().any(|limit| raises(&limit)), "no limit is raised by limits.{key}");
        }
    }

    #[test]
    fn a_refusal_keeps_its_code() {
        for code in RefusalCode::ALL {
            assert_eq!(ErrorCode::from(*code).as_str(), code.as_str());
        }
    }

    #[test]
    fn codes_are_kebab_case_and_found_by_their_urn() {
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{text}");
            assert_eq!(ErrorCode::from_urn(&code.urn()), Some(*code));
        }
        assert_eq!(ErrorCode::from_urn("urn:camshaft:error:none"), None);
    }
}
