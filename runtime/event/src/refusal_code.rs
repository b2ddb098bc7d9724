//! The codes for refused plugins, for programs. A code passes unchanged from the host through system events
//! and HTTP to the command line.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        /// The code of a refusal. Codes never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)+
        }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code in kebab case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

codes! {
    /// The file is not WebAssembly.
    NotWasm = "not-wasm";
    /// The file is truncated.
    TruncatedWasm = "truncated-wasm";
    /// The file is longer than allowed.
    PluginTooLarge = "plugin-too-large";
    /// The file exceeds a bound on its structure. Compiling it could exhaust memory or time.
    PluginTooComplex = "plugin-too-complex";
    /// The file is WebAssembly, but not valid, or uses a feature that this host does not support.
    InvalidComponent = "invalid-component";
    /// The file is a component of another world.
    UnsupportedWorld = "unsupported-world";
    /// The plugin uses another version of the contract.
    UnsupportedContractVersion = "unsupported-contract-version";
    /// The plugin has no manifest.
    MissingManifest = "missing-manifest";
    /// The manifest or the operator's file is not valid.
    InvalidManifest = "invalid-manifest";
    /// Two handlers of the plugin claim the same event types.
    OverlappingSubscriptions = "overlapping-subscriptions";
    /// The plugin imports an interface that this host does not provide.
    UnknownImport = "unknown-import";
    /// The plugin requests a capability that the operator did not grant.
    CapabilityNotGranted = "capability-not-granted";
    /// The plugin requests a capability that does not exist.
    UnknownCapability = "unknown-capability";
    /// A secret that the operator names cannot be read.
    SecretUnavailable = "secret-unavailable";
    /// The plugin could not be compiled.
    CompileFailed = "compile-failed";
    /// The plugin could not be started within its limits.
    InstantiationFailed = "instantiation-failed";
    /// Another plugin owns a command type or a fact type of the plugin.
    TypeOwned = "type-owned";
    /// The version cannot take the place of the one before: its consumer has commands, facts or a role that
    /// the version does not have.
    CannotReplace = "cannot-replace";
    /// The aggregate makes other folds than the version before, which has the same revision.
    FoldDiffers = "fold-differs";
    /// Another file already provides a plugin of this name.
    DuplicatePluginName = "duplicate-plugin-name";
    /// The version that should run is another one, and no copy of it was kept.
    VersionNotKept = "version-not-kept";
    /// The host itself failed while it loaded the file.
    Internal = "internal";
    /// The runtime ended more than once while it loaded the plugin.
    PluginQuarantined = "plugin-quarantined";
    /// A file could not be read or written.
    Io = "io";
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RefusalCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
