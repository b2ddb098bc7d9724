//! Type patterns, as far as an attribute can contradict itself with them.
//!
//! The runtime has its own; a plugin depends on nothing of the runtime.

use std::fmt;

/// A valid pattern over event types: `*` stands for one segment, a final `**` for one or more.
#[derive(PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let last = segments.len().saturating_sub(1);
        for (at, segment) in segments.iter().enumerate() {
            let reason = match segment.as_str() {
                "" => "it has an empty segment; write dotted names such as `order.placed`",
                "**" if at < last => "`**` may only be the last segment",
                "*" | "**" => continue,
                _ if segment.contains('*') => "a wildcard stands for a whole segment, as in `order.*`",
                _ if segment.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                    "it contains white space"
                }
                _ => continue,
            };
            return Err(format!("`{text}` is no event type: {reason}"));
        }
        Ok(Self(segments))
    }

    /// Whether some event type matches both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut theirs = other.0.iter();
        for (at, ours) in self.0.iter().enumerate() {
            let Some(their) = theirs.next() else { return false };
            // A wildcard in front does not stand for the runtime's own types.
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
