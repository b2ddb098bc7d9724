//! What a run tells of itself: nothing, or one line for each act.

/// Where the lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nowhere.
    Off,
    /// To standard output, as they happen.
    Print,
}

impl Trace {
    /// Tells `line`, which is only made if somebody wants it.
    pub(crate) fn tell(self, line: impl FnOnce() -> String) {
        if self == Self::Print {
            println!("{}", line());
        }
    }
}
