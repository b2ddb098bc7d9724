//! The alarm: until when the timekeeper sleeps.
//!
//! It lies under the lock of what it is computed from, so no step can compare a new due time with an outdated
//! alarm. A step that makes something due earlier moves the alarm and rings the timekeeper's bell after it
//! has left the lock.

use camshaft_event::Timestamp;

/// The steady moment at which the timekeeper wakes by itself; none if nothing is due.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm(Option<Timestamp>);

impl Alarm {
    /// The timekeeper sleeps until `next` from now on.
    pub fn set(&mut self, next: Option<Timestamp>) {
        self.0 = next;
    }

    /// Moves the alarm to `next` if that is earlier. Returns whether the timekeeper has to be woken for it.
    #[must_use]
    pub fn move_forward(&mut self, next: Option<Timestamp>) -> bool {
        let is_earlier = next.is_some_and(|next| self.0.is_none_or(|known| next < known));
        if is_earlier {
            self.0 = next;
        }
        is_earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_due_earlier_moves_it_and_only_once() {
        let mut alarm = Alarm::default();
        assert!(!alarm.move_forward(None));
        assert!(alarm.move_forward(Some(Timestamp(9))));
        assert!(!alarm.move_forward(Some(Timestamp(9))));
        assert!(!alarm.move_forward(None));
        assert!(alarm.move_forward(Some(Timestamp(8))));
        alarm.set(Some(Timestamp(20)));
        assert!(!alarm.move_forward(Some(Timestamp(20))));
        assert!(alarm.move_forward(Some(Timestamp(19))));
    }
}
