//! Why a plugin is not loaded, as one code for programs. It goes unchanged from the host through system events and HTTP
//! to the command line.

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
    /// The file ends before its content does.
    TruncatedWasm = "truncated-wasm";
    /// The file is longer than allowed.
    PluginTooLarge = "plugin-too-large";
    /// It has more of something than a plugin may have, and compiling it could take all memory or time.
    PluginTooComplex = "plugin-too-complex";
    /// It is WebAssembly, but breaks its rules or uses what this host does not run.
    InvalidComponent = "invalid-component";
    /// It is a component of some other kind.
    UnsupportedWorld = "unsupported-world";
    /// It is written against another version of the contract.
    UnsupportedContractVersion = "unsupported-contract-version";
    /// It has no manifest.
    MissingManifest = "missing-manifest";
    /// The manifest or the operator's file says something that cannot be.
    InvalidManifest = "invalid-manifest";
    /// Two handlers of the plugin claim the same event types.
    OverlappingSubscriptions = "overlapping-subscriptions";
    /// It imports what this host does not give.
    UnknownImport = "unknown-import";
    /// It asks for a capability that the operator did not grant.
    CapabilityNotGranted = "capability-not-granted";
    /// It asks for a capability that does not exist.
    UnknownCapability = "unknown-capability";
    /// A secret that the operator names cannot be read.
    SecretUnavailable = "secret-unavailable";
    /// It could not be compiled.
    CompileFailed = "compile-failed";
    /// It could not be started within its limits.
    InstantiationFailed = "instantiation-failed";
    /// Another file already is the plugin of this name.
    DuplicatePluginName = "duplicate-plugin-name";
    /// Another version is to run, and no copy of that was kept.
    VersionNotKept = "version-not-kept";
    /// A fault of the host itself came up while it loaded the file.
    Internal = "internal";
    /// The runtime ended while it was loaded, more than once.
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
