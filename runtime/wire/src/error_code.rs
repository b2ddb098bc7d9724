//! The catalogue of errors. Each error has one code, one HTTP status and one exit code.
//!
//! The HTTP interface, the command line and `runtime/ERRORS.md` use these codes; a test compares the page
//! with the catalogue. The catalogue holds no messages. The code that detects an error writes its message.

#[macro_use]
mod catalogue;
mod refusal;

use std::fmt;

use crate::ExitCode;

catalogue! {
    // Publishing.
    InvalidEvent = "invalid-event", Some(400), Refused,
        "an event is not a valid CloudEvent",
        "Correct the attribute that the message names; no event of the request was published.";
    ReservedEvent = "reserved-event", Some(403), Refused,
        "an event uses a type, source or extension that is reserved for the runtime",
        "Choose a type outside camshaft.*, a source outside /plugins/ and /camshaft, and other extensions.";
    EventConflict = "event-conflict", Some(409), Refused,
        "the log already holds an event with this source and id, but with different content",
        "Use a new id for each occurrence; repeat an id only with identical content.";
    EventTooLarge = "event-too-large", Some(413), Refused,
        "an event is larger than max_event_bytes",
        "Store large content elsewhere and publish a reference, or raise limits.max_event_bytes.";
    RequestTooLarge = "request-too-large", Some(413), Refused,
        "the request is larger than max_request_bytes",
        "Send smaller batches, or raise limits.max_request_bytes.";
    TransactionTooLarge = "transaction-too-large", Some(413), Refused,
        "the transaction of the batch is larger than max_transaction_bytes",
        "Send smaller batches, or raise limits.max_transaction_bytes.";
    UnsupportedMediaType = "unsupported-media-type", Some(415), Refused,
        "the request is not a CloudEvent, or its content coding is not supported",
        "Send Content-Type: application/cloudevents+json, application/cloudevents-batch+json, or ce- headers.";
    CommandType = "command-type", Some(403), Refused,
        "an event uses a type that a consumer owns as a command",
        "Send it with POST /commands or `camshaft send`; POST /events accepts only other types.";
    FactType = "fact-type", Some(403), Refused,
        "an event uses a type that an aggregate records as a fact",
        "Send a command to the aggregate; only its decisions record such facts.";
    TooManyRequests = "too-many-requests", Some(429), Unreachable,
        "too many publishers are waiting",
        "Retry after the time in Retry-After.";
    Busy = "busy", Some(503), Unreachable,
        "the runtime is too busy to accept the request",
        "Retry after the time in Retry-After.";
    NoSpace = "no-space", Some(507), Unreachable,
        "the disk of the data directory is full",
        "Free at least 64 MiB on that disk; the runtime then resumes by itself.";
    // Commands.
    NoOwner = "no-owner", Some(503), Unreachable,
        "no attached consumer owns the command type",
        "Start the program whose closure owns this command type, or correct the type.";
    KeptFull = "kept-full", Some(507), Unreachable,
        "the facts of all aggregates have reached limits.max_kept_bytes",
        "Raise limits.max_kept_bytes and restart the runtime, then send the command again.";
    VersionMismatch = "version-mismatch", Some(412), Refused,
        "a scope has another version than the command expects",
        "Read the scope, decide anew, and send a new command with a new id.";
    CommandRefused = "refused", Some(422), Refused,
        "the command was refused",
        "Read the refusal's code and message; send a corrected command with a new id.";
    CommandDiscarded = "discarded", Some(410), Refused,
        "an operator discarded the command",
        "Send a new command with a new id; this one will never be decided.";
    CommandNotFound = "command-not-found", Some(404), Refused,
        "no command has this offset",
        "Use an offset that POST /commands returned; a decision is kept for one retention.";
    // Scopes.
    ScopeNotFound = "scope-not-found", Some(404), Refused,
        "the scope does not exist, or not at this version",
        "Run `camshaft scopes PLUGIN` to list the scopes with their versions.";
    FoldUnavailable = "fold-unavailable", Some(503), Unreachable,
        "the fold of the scope cannot be made now",
        "Attach the aggregate or correct its `evolve`; the facts of the scope can be read without it.";
    // Reading and operating.
    InvalidRequest = "invalid-request", Some(400), Refused,
        "a parameter of the request is not valid",
        "Correct the parameter that the message names.";
    OffsetTrimmed = "offset-trimmed", Some(410), Refused,
        "the requested offset is before the trim point",
        "Read from the first retained offset, which the response names.";
    OffsetBeyondTail = "offset-beyond-tail", Some(409), Refused,
        "the requested offset is beyond the end of the log",
        "Read from the tail in the response, or from the first offset; this log may be an older copy.";
    CursorOfAnotherLog = "cursor-of-another-log", Some(409), Refused,
        "the cursor belongs to another log, or to an event that this log has lost",
        "Read again from an offset that you choose; this log holds other events than the one read before.";
    EventNotFound = "event-not-found", Some(404), Refused,
        "the event was not found",
        "Run `camshaft read` to list the events with their offsets.";
    PluginNotFound = "plugin-not-found", Some(404), Refused,
        "no plugin has this name",
        "Run `camshaft plugins` to list the plugins.";
    VersionNotKept = "version-not-kept", Some(404), Refused,
        "the runtime keeps no copy of this version of the plugin",
        "Run `camshaft plugins history NAME` to list versions, or copy another into the plugins directory.";
    VersionAmbiguous = "version-ambiguous", Some(400), Refused,
        "the digest prefix matches several versions of the plugin",
        "Give more of the digest; `camshaft plugins history NAME` lists the versions.";
    NoEarlierVersion = "no-earlier-version", Some(409), Refused,
        "the plugin has no earlier version to roll back to",
        "Run `camshaft plugins history NAME` to list past versions, then name one with --to.";
    PluginPinned = "plugin-pinned", Some(409), Refused,
        "the plugin is pinned to another version",
        "Unpin it first, or pin the version that should run.";
    PluginNotRefused = "plugin-not-refused", Some(409), Refused,
        "the plugin has no refused file",
        "Run `camshaft plugins` to see refused files; change any other file to reload it.";
    VersionUnusable = "version-unusable", Some(409), Refused,
        "the kept version of the plugin cannot run now",
        "Choose another version, or copy this one into the plugins directory again.";
    DeployNotAllowed = "deploy-not-allowed", Some(403), Refused,
        "the runtime does not accept this plugin file from another machine",
        "Copy the file into the plugins directory on the runtime's own machine.";
    ConsumerNotFound = "consumer-not-found", Some(404), Refused,
        "no consumer has this name",
        "Run `camshaft consumers` to list the consumers.";
    ConsumerAttached = "consumer-attached", Some(409), Refused,
        "the consumer is attached",
        "Remove its plugin's file from the plugins directory first.";
    CommandsUndecided = "commands-undecided", Some(409), Refused,
        "the consumer has commands that are not decided",
        "Wait until they are decided; redrive or discard those that are dead letters.";
    ConsumerNotResettable = "consumer-not-resettable", Some(409), Refused,
        "the consumer decides commands, so it cannot be reset",
        "Redrive its dead letters instead; a reset would decide commands twice.";
    ConsumerNotDamaged = "consumer-not-damaged", Some(409), Refused,
        "the consumer is not damaged",
        "Run `camshaft consumers NAME` to see what blocks it.";
    DamageNotSkippable = "damage-not-skippable", Some(409), Refused,
        "the consumer cannot continue without the damaged part",
        "Reset it with `camshaft consumers reset NAME --to WHERE`, or restore a backup.";
    NoDamagedEvents = "no-damaged-events", Some(409), Refused,
        "the consumer's damage does not include events of the log",
        "Omit `--to`; the damaged part is skipped without it.";
    HeldEventNotFound = "held-event-not-found", Some(404), Refused,
        "the consumer does not hold this event",
        "Run `camshaft consumers NAME --held` to list held events; this one may be handled or dead by now.";
    HeldEventAttempted = "held-event-attempted", Some(409), Refused,
        "an attempt of the held event is in progress",
        "Wait until the attempt ends, then repeat the request if the event is still held.";
    HeldEventWaits = "held-event-waits", Some(409), Refused,
        "the held event cannot be retried while it waits for something else",
        "Resolve the cause that the message names; the event then continues by itself.";
    DeadLetterNotFound = "dead-letter-not-found", Some(404), Refused,
        "the consumer has no dead letter at this offset",
        "Run `camshaft dead-letters list` to list the dead letters.";
    RedriveNotFound = "redrive-not-found", Some(404), Refused,
        "no redrive job has this number",
        "Run `camshaft redrives` to list the jobs.";
    RedriveRunning = "redrive-running", Some(409), Refused,
        "another redrive job of this consumer is running",
        "Wait until it ends, or stop it with `camshaft redrives cancel ID`.";
    RedriveEnded = "redrive-ended", Some(409), Refused,
        "the redrive job has ended",
        "Run `camshaft redrives ID` to see its result.";
    StateKeyNotFound = "state-key-not-found", Some(404), Refused,
        "the plugin's state does not have this key",
        "Run `camshaft state list PLUGIN` to list the keys.";
    // The HTTP interface as such.
    Unauthorized = "unauthorized", Some(401), Usage,
        "the token is missing or wrong",
        "Send Authorization: Bearer with the runtime's token; the command line reads CAMSHAFT_TOKEN.";
    HostNotAllowed = "host-not-allowed", Some(403), Usage,
        "the request is not addressed to a loopback host",
        "Call the runtime as 127.0.0.1 or localhost, or start it with a token.";
    OriginNotAllowed = "origin-not-allowed", Some(403), Usage,
        "web pages of this origin may not call the runtime",
        "Add the origin to `allowed_origins`.";
    RouteNotFound = "route-not-found", Some(404), Usage,
        "no route has this path",
        "See GET /openapi.json for every route.";
    MethodNotAllowed = "method-not-allowed", Some(405), Usage,
        "the path does not support this method",
        "Use a method that the Allow header lists.";
    RequestTimeout = "request-timeout", Some(408), Unreachable,
        "the request body did not arrive in time",
        "Send the request again without pauses.";
    Internal = "internal", Some(500), Internal,
        "an internal error occurred",
        "Check the runtime's log for details, and please report the error.";
    // The state of the runtime.
    Starting = "starting", Some(503), Unreachable,
        "the runtime is starting",
        "Try again in a moment, when the runtime has read its log; Retry-After has the time.";
    ShuttingDown = "shutting-down", Some(503), Unreachable,
        "the runtime is shutting down",
        "Retry once the runtime has started again.";
    LogPoisoned = "log-poisoned", Some(503), Poisoned,
        "the log is poisoned because a sync failed",
        "Check the disk, then start the runtime again; recovery keeps all durable data.";
    // Starting the runtime.
    UnknownSetting = "unknown-setting", None, Usage,
        "a setting does not exist",
        "Correct or remove the key.";
    InvalidSetting = "invalid-setting", None, Usage,
        "the value of a setting is not valid",
        "Correct the value.";
    SettingsUnreadable = "settings-unreadable", None, Usage,
        "a settings file could not be read",
        "Check its path and permissions.";
    TokenRequired = "token-required", None, Usage,
        "an address other than loopback requires a token",
        "Set --token-file or CAMSHAFT_TOKEN, or listen on 127.0.0.1.";
    AddressUnavailable = "address-unavailable", None, Usage,
        "the listen address is in use, or does not belong to this machine",
        "Stop the other program, or choose another address with --listen.";
    PluginsUnreadable = "plugins-unreadable", None, Usage,
        "the plugins directory could not be created or read",
        "Check its path and permissions, or choose another with --plugins.";
    DataInUse = "data-in-use", None, DataDirectory,
        "another process uses the data directory",
        "Stop the other runtime, or choose another directory with --data.";
    DataUnusable = "data-unusable", None, DataDirectory,
        "the data directory could not be created, read or written",
        "Check its path, permissions and disk, or choose another with --data.";
    DataNewerFormat = "data-newer-format", None, DataDirectory,
        "the data directory was written by a newer Camshaft",
        "Run that version or a newer one.";
    DataCorrupt = "data-corrupt", None, DataDirectory,
        "the data directory is damaged",
        "Run `camshaft verify` to list the damage and the remedies. Keep a copy of the directory.";
    CleanMarkDamaged = "clean-mark-damaged", None, DataDirectory,
        "the mark of the last clean shutdown is damaged, and the end of the log is unclear without it",
        "Copy the data directory, remove the file that the message names, and start again.";
    DamageFound = "damage-found", None, Refused,
        "a check of the data directory found damage",
        "Follow the steps in the table; the check itself changed nothing.";
    // Checking and loading plugins. The plugin host returns these refusals.
    NotWasm = "not-wasm", None, Refused,
        "the file is not WebAssembly",
        "Build the plugin with `camshaft build`.";
    TruncatedWasm = "truncated-wasm", None, Refused,
        "the file is cut short",
        "Copy the whole file under another name, then rename it so that it ends in .wasm.";
    PluginTooLarge = "plugin-too-large", Some(413), Refused,
        "the file is larger than max_plugin_bytes",
        "Build it in release mode and strip it, or raise limits.max_plugin_bytes.";
    PluginTooComplex = "plugin-too-complex", None, Refused,
        "the file exceeds a complexity limit for plugins",
        "Build it with a released toolchain and optimisations; if it still fails, report it with the file.";
    InvalidComponent = "invalid-component", None, Refused,
        "the file is not valid WebAssembly, or uses a feature that this runtime does not support",
        "Build it with the tools of this release.";
    UnsupportedWorld = "unsupported-world", None, Refused,
        "the component does not implement a world of camshaft:plugin",
        "Write the plugin against a world of camshaft:plugin; `camshaft wit` writes the contract.";
    UnsupportedContractVersion = "unsupported-contract-version", None, Refused,
        "the plugin uses a contract version that this runtime does not support",
        "Rebuild it with the SDK of this release.";
    MissingManifest = "missing-manifest", None, Refused,
        "the plugin has no manifest",
        "Build it with `camshaft build`, or put a manifest beside it.";
    InvalidManifest = "invalid-manifest", Some(400), Refused,
        "the manifest or the operator's file is not valid",
        "Correct the key that the message names.";
    OverlappingSubscriptions = "overlapping-subscriptions", None, Refused,
        "two handlers of the plugin subscribe to the same event type",
        "Make their patterns disjoint: exactly one handler runs per event.";
    UnknownImport = "unknown-import", None, Refused,
        "the plugin imports an interface that the runtime does not provide",
        "Use only the interfaces of the contract.";
    CapabilityNotGranted = "capability-not-granted", None, Refused,
        "the plugin requests a capability that the operator has not granted",
        "Add it to `grants` in the operator's file, if the plugin may have it.";
    UnknownCapability = "unknown-capability", None, Refused,
        "the plugin requests a capability that does not exist",
        "Correct `capabilities` in its manifest.";
    SecretUnavailable = "secret-unavailable", None, Refused,
        "a secret of the plugin cannot be read",
        "Provide the variable or the file that `[secrets]` names, then touch the operator's file.";
    CompileFailed = "compile-failed", None, Refused,
        "the plugin could not be compiled to machine code",
        "Check the machine's memory and disk space; please report the error if they are sufficient.";
    InstantiationFailed = "instantiation-failed", None, Refused,
        "the plugin could not be started within its limits",
        "Check its start code, or raise its limits.";
    TypeOwned = "type-owned", None, Refused,
        "another plugin owns a command type or a fact type of the plugin",
        "Rename the type, or remove the plugin that owns it.";
    CannotReplace = "cannot-replace", None, Refused,
        "the version does not fit the commands, the facts or the role of its consumer",
        "Use a version that declares the types that the message names.";
    FoldDiffers = "fold-differs", None, Refused,
        "the aggregate makes other folds than the version before, which has the same revision",
        "Raise `state_revision` in the manifest, or make `evolve` depend on its arguments only.";
    DuplicatePluginName = "duplicate-plugin-name", None, Refused,
        "another file already provides a plugin of this name",
        "Remove one of the two files, or rename one plugin.";
    PluginQuarantined = "plugin-quarantined", None, Refused,
        "the runtime ended more than once while it loaded the file",
        "Replace the file, or run `camshaft plugins retry FILE` to load it once more.";
    Io = "io", Some(500), Refused,
        "a plugin's file could not be read or written",
        "Check its permissions and the disk.";
    // The command line.
    WrongUsage = "wrong-usage", None, Usage,
        "the command line is not valid",
        "Run `camshaft help` to see the usage.";
    DeadAgain = "dead-again", None, Refused,
        "redriven events became dead letters again",
        "Run `camshaft dead-letters list` to list them, or `camshaft debug ID` to run one again here.";
    NotYet = "not-yet", None, Unreachable,
        "the command stopped waiting before the operation was complete",
        "Check progress with `camshaft plugins` or `camshaft consumers`; the runtime continues its work.";
    InputUnreadable = "input-unreadable", None, Refused,
        "an input file could not be read",
        "Check its path and permissions.";
    OutputUnwritable = "output-unwritable", None, Usage,
        "an output could not be written",
        "Check its path, permissions and disk.";
    ToolchainMissing = "toolchain-missing", None, Usage,
        "this machine lacks the toolchain for the plugin's language",
        "Run `rustup target add wasm32-unknown-unknown`.";
    BuildFailed = "build-failed", None, Refused,
        "a plugin could not be built",
        "Correct the errors listed above.";
    InvalidFixture = "invalid-fixture", None, Refused,
        "a test fixture is not valid",
        "Run `camshaft test --help` to see an example.";
    TestsFailed = "tests-failed", None, Refused,
        "a plugin does not behave as its fixtures expect",
        "Correct the plugin or the fixture; the differences are listed above.";
    NotDebuggable = "not-debuggable", None, Refused,
        "a dead letter cannot be run again on this machine",
        "Provide the item that the message names.";
    Unreachable = "unreachable", None, Unreachable,
        "the runtime does not respond",
        "Start it with `camshaft run`, or name another with --url.";
    UnexpectedAnswer = "unexpected-answer", None, Internal,
        "the server is not a Camshaft runtime of this version",
        "Check --url, and use the same version of the program and the runtime.";
    AllRefused = "all-refused", None, Refused,
        "every event was refused",
        "Correct the input; the refusals are listed above.";
    PartlyRefused = "partly-refused", None, PartlyRefused,
        "some events were refused",
        "Correct them and publish the whole input again; events already in the log count as duplicates.";
}

impl ErrorCode {
    /// The `type` of a problem document.
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:camshaft:error:{self}")
    }

    /// The code in the `type` of a problem document; none if the text names no code.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::from_text(urn.strip_prefix("urn:camshaft:error:")?)
    }

    /// The code with this kebab-case text, if there is one.
    #[must_use]
    pub fn from_text(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
