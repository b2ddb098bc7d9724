//! The codes of refused plugins, as codes of the catalogue.

use camshaft_event::RefusalCode;

use super::ErrorCode;

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
            RefusalCode::TypeOwned => Self::TypeOwned,
            RefusalCode::CannotReplace => Self::CannotReplace,
            RefusalCode::FoldDiffers => Self::FoldDiffers,
            RefusalCode::DuplicatePluginName => Self::DuplicatePluginName,
            RefusalCode::VersionNotKept => Self::VersionNotKept,
            RefusalCode::Internal => Self::Internal,
            RefusalCode::PluginQuarantined => Self::PluginQuarantined,
            RefusalCode::Io => Self::Io,
        }
    }
}
