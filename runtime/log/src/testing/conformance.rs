//! What every log promises, as tests written against the traits alone.
//!
//! An implementation's test file says how to open its log and calls [`crate::conformance_tests`], which makes
//! one test of each promise here. What only files can do (torn tails, damage) has tests of its own.

mod lookup;
mod read;
mod write;

pub use lookup::*;
pub use read::*;
pub use write::*;

use crate::Log;

/// A place where one log is kept, to be opened again and again.
pub trait Home {
    /// Opens the log. The one opened before is gone: closed or dropped.
    fn open(&self) -> Box<dyn Log>;
}

/// Makes one test of each promise, given an expression that makes a [`Home`] for a new log.
#[macro_export]
macro_rules! conformance_tests {
    ($home:expr) => {
        $crate::conformance_tests! { $home;
            appended_records_are_read_back_in_order
            a_batch_is_appended_as_a_whole
            an_append_after_another_than_the_last_sequence_is_fenced
            a_record_whose_offset_leaves_a_gap_is_refused
            a_payload_beyond_the_maximum_is_refused_and_the_largest_is_kept
            records_are_readable_before_they_are_synced_and_the_bound_says_so
            synced_records_are_there_after_a_drop
            a_closed_log_goes_on_where_it_ended
            what_is_reserved_can_be_appended_without_preparing
            a_read_starts_anywhere_and_ends_at_the_tail
            a_read_returns_at_least_one_record_however_small_the_limit
            readers_on_other_threads_see_only_whole_records
            trimmed_records_are_gone_and_the_rest_stays
            an_offset_finds_the_record_that_contains_it
            a_time_finds_the_first_record_not_before_it
            of_records_with_equal_times_the_first_is_found
            of_trimmed_times_the_first_retained_record_is_found
            the_identity_stays
        }
    };
    ($home:expr; $($promise:ident)+) => {
        $(
            #[test]
            fn $promise() {
                $crate::testing::conformance::$promise(&$home);
            }
        )+
    };
}
