//! The worlds of the contract: what kind of plugin a component is.
//!
//! The loader finds the world by the component's exports. The world decides which imports are allowed and
//! linked, and which exports are checked and called.

use serde::Serialize;

use crate::contract::PACKAGE;

/// The export of a handler.
pub const HANDLE: &str = "handle";
/// The export of an aggregate that decides one command.
pub const DECIDE: &str = "decide";
/// The export of an aggregate that makes the fold of a scope.
pub const EVOLVE: &str = "evolve";

/// The world of the contract that a plugin is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// It handles events.
    Handler,
    /// It decides commands and records facts.
    Aggregate,
}

/// Interfaces of one version of the contract.
type Interfaces = (&'static str, &'static [&'static str]);

impl World {
    /// Every world, in the order of the versions of the contract.
    pub const ALL: [Self; 2] = [Self::Handler, Self::Aggregate];

    /// The world's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Aggregate => "aggregate",
        }
    }

    /// The world of a component with these exports; `None` if it exports no function of any world.
    ///
    /// # Errors
    /// The exports are those of two worlds, or only some of those of one. Says which, as the end of a
    /// sentence.
    pub fn of(exports: &[String]) -> Result<Option<Self>, String> {
        let has = |function: &str| exports.iter().any(|export| export == function);
        let one = |first: &str, other: &str| if has(first) { first.to_owned() } else { other.to_owned() };
        match (has(HANDLE), has(DECIDE), has(EVOLVE)) {
            (true, false, false) => Ok(Some(Self::Handler)),
            (false, true, true) => Ok(Some(Self::Aggregate)),
            (false, false, false) => Ok(None),
            (true, ..) => Err(format!(
                "exports \"{HANDLE}\" of the world {PACKAGE}/handler and \"{}\" of the world {PACKAGE}/aggregate",
                one(DECIDE, EVOLVE)
            )),
            (false, ..) => Err(format!(
                "exports \"{}\" but not \"{}\" of the world {PACKAGE}/aggregate",
                one(DECIDE, EVOLVE),
                if has(DECIDE) { EVOLVE } else { DECIDE }
            )),
        }
    }

    /// The version of the contract that the host implements for this world.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Handler => "0.1.0",
            Self::Aggregate => "0.2.0",
        }
    }

    /// The interfaces that a plugin of this world may import.
    const fn interfaces(self) -> &'static [Interfaces] {
        match self {
            Self::Handler => &[("0.1.0", &["types", "state", "publisher", "config", "logging", "context"])],
            // The facts of a decision use a type of `publisher`. Its functions are refused.
            Self::Aggregate => &[
                ("0.1.0", &["types", "publisher", "config", "logging", "context"]),
                ("0.2.0", &["scopes", "deciding"]),
            ],
        }
    }

    /// Whether a plugin of this world may import `interface` of this `version` of the contract.
    pub fn may_import(self, interface: &str, version: &str) -> bool {
        let is_one = |(of, names): &Interfaces| is_compatible(of, version) && names.contains(&interface);
        self.interfaces().iter().any(is_one)
    }
}

/// Whether the host, which implements version `ours`, serves a plugin that was built for `theirs`. Versions
/// below 1.0 are compatible if their second numbers are equal; pre-releases never are.
pub fn is_compatible(ours: &str, theirs: &str) -> bool {
    let series = ours.rsplit_once('.').map_or(ours, |(series, _)| series);
    theirs.rsplit_once('.').is_some_and(|(found, patch)| found == series && patch.parse::<u32>().is_ok())
}
