//! Type patterns, to detect contradictions within one attribute.
//!
//! The runtime has its own implementation, because a plugin does not depend on the runtime.

use std::fmt;

/// A valid pattern of event types: `*` matches one segment, a final `**` one or more.
#[derive(PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Parses a pattern. An error is the reason why the pattern is invalid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let last = segments.len().saturating_sub(1);
        for (at, segment) in segments.iter().enumerate() {
            let reason = match segment.as_str() {
                "" => "it has an empty segment; use dotted names such as `order.placed`",
                "**" if at < last => "`**` must be the last segment",
                "*" | "**" => continue,
                _ if segment.contains('*') => "a wildcard must be a whole segment, as in `order.*`",
                _ if segment.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                    "it contains white space"
                }
                _ => continue,
            };
            return Err(format!("`{text}` is not a valid event type: {reason}"));
        }
        Ok(Self(segments))
    }

    /// Whether an event type exists that matches both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut theirs = other.0.iter();
        for (at, ours) in self.0.iter().enumerate() {
            let Some(their) = theirs.next() else { return false };
            // A wildcard as the first segment does not match the runtime's own types.
            let system = at == 0 && (ours == "camshaft" || their == "camshaft") && ours != their;
            match (ours.as_str(), their.as_str()) {
                _ if system => return false,
                ("**", _) | (_, "**") => return true,
                ("*", _) | (_, "*") => {}
                (ours, their) if ours != their => return false,
                _ => {}
            }
        }
        theirs.next().is_none()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn overlap_is_found_in_both_directions() {
        for (a, b, expected) in [
            ("order.placed", "order.placed", true),
            ("order.placed", "order.paid", false),
            ("order.*", "order.placed", true),
            ("order.*", "*.placed", true),
            ("order.*", "order", false),
            ("order.*", "order.placed.eu", false),
            ("order.**", "order.placed.eu", true),
            ("order.**", "order", false),
            ("a.*.c", "a.b.**", true),
            ("a.*.c", "a.b.d", false),
            ("**", "order", true),
            ("**", "camshaft.**", false),
            ("camshaft.*", "camshaft.**", true),
        ] {
            let (a, b) = (Pattern::parse(a).unwrap(), Pattern::parse(b).unwrap());
            assert_eq!(a.overlaps(&b), expected, "{a} and {b}");
            assert_eq!(b.overlaps(&a), expected, "{b} and {a}");
        }
    }
}
