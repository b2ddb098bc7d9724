//! Kills a child in the middle of a batch and has another one check that the batch is there whole or not at
//! all.
//!
//! A killed process leaves its writes in the page cache, so this proves atomicity, not what a power cut does.

use std::io::{BufRead, BufReader};
use std::thread;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::job::Opened;
use super::process::Child;

/// Lets `hammer` write one batch to know how long that takes, kills it within the next one, and runs
/// `verify`. The part of the batch that has gone by differs with `number`.
pub fn kill_and_verify(hammer: &Child<'_>, verify: &Child<'_>, number: usize) -> anyhow::Result<Opened> {
    let mut child = hammer.command()?.spawn()?;
    let output = child.stdout.take().context("the child's output is piped")?;
    let mut lines = BufReader::new(output).lines();
    let mut say = |word: &str| -> anyhow::Result<u64> {
        let line = lines.next().context("the child ended by itself")??;
        let sequence = line.strip_prefix(word).with_context(|| format!("'{line}' instead of '{word}'"))?;
        Ok(sequence.trim().parse()?)
    };
    say("begin")?;
    let start = Instant::now();
    let acknowledged = say("done")?;
    let batch = start.elapsed();
    let in_flight = say("begin")?;
    thread::sleep(batch.mul_f64((number % 10) as f64 / 10.0 + 0.05));
    child.kill()?;
    child.wait()?;
    let opened: Opened = verify.result()?;
    ensure!(
        opened.sequence == acknowledged || opened.sequence == in_flight,
        "batch {acknowledged} was acknowledged, but the store ends with {}",
        opened.sequence
    );
    Ok(opened)
}
