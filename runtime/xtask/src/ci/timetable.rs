//! Where the time of a CI run goes: one row for each step, and a limit on the whole.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use comfy_table::{CellAlignment, Table, presets};

/// The steps of one run, in order. [`Timetable::step`] runs them; [`Timetable::table`] shows them at the end.
pub(super) struct Timetable {
    started: Instant,
    limit: Duration,
    /// How many steps the run has.
    steps: usize,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    time: Duration,
    passed: bool,
}

impl Timetable {
    /// A run of `steps` steps that starts now and must end within `limit`.
    pub(super) fn new(steps: usize, limit: Duration) -> Self {
        Self { started: Instant::now(), limit, steps, rows: Vec::new() }
    }

    /// Announces a step, runs it and records its time, whether it passes or fails.
    ///
    /// # Errors
    /// If the step fails, or the run has exceeded its limit.
    pub(super) fn step(&mut self, name: &'static str, body: impl FnOnce() -> Result<()>) -> Result<()> {
        let number = self.rows.len() + 1;
        eprintln!("── step {number} of {}: {name} ({} elapsed)", self.steps, clock(self.started.elapsed()));
        let begun = Instant::now();
        let done = body();
        self.rows.push(Row { name, time: begun.elapsed(), passed: done.is_ok() });
        done?;
        let elapsed = self.started.elapsed();
        if elapsed > self.limit {
            let left = self.steps - number;
            bail!(
                "the run exceeds its limit of {}: {} elapsed, {left} steps did not run",
                clock(self.limit),
                clock(elapsed)
            );
        }
        Ok(())
    }

    /// Each step that ran, with its time and its share of the whole.
    pub(super) fn table(&self) -> Table {
        let whole = self.started.elapsed();
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["STEP", "TIME", "SHARE", "RESULT"]);
        for Row { name, time, passed } in &self.rows {
            let share = time.as_secs_f64() / whole.as_secs_f64().max(f64::EPSILON) * 100.0;
            let result = if *passed { "passed" } else { "failed" };
            table.add_row([(*name).to_owned(), clock(*time), format!("{share:.0} %"), result.to_owned()]);
        }
        let all = format!("{} of {} steps", self.rows.len(), self.steps);
        table.add_row([all, clock(whole), String::new(), format!("limit {}", clock(self.limit))]);
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// Minutes and seconds, as `75:00`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_failed_step_is_in_the_table_beside_those_before_it() {
        let mut timetable = Timetable::new(3, HOUR);
        timetable.step("format", || Ok(())).unwrap();
        let error = timetable.step("lints", || bail!("a warning")).unwrap_err();
        assert_eq!(error.to_string(), "a warning");
        let table = timetable.table().to_string();
        for (text, expected) in [("format", "passed"), ("lints", "failed"), ("2 of 3 steps", "limit 60:00")] {
            let row = table.lines().find(|line| line.contains(text)).unwrap();
            assert!(row.contains(expected), "{table}");
        }
    }

    #[test]
    fn a_run_fails_at_the_end_of_the_step_that_exceeds_the_limit() {
        let mut timetable = Timetable::new(2, Duration::from_millis(100));
        timetable.step("format", || Ok(())).unwrap();
        let slow = || {
            thread::sleep(Duration::from_millis(200));
            Ok(())
        };
        let error = timetable.step("lints", slow).unwrap_err().to_string();
        assert!(
            error.contains("exceeds its limit of 0:00") && error.contains("0 steps did not run"),
            "{error}"
        );
    }

    #[test]
    fn a_time_is_shown_in_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_millis(61_900)), "1:01");
        assert_eq!(clock(75 * Duration::from_secs(60)), "75:00");
    }
}
