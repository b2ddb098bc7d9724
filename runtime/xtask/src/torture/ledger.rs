//! What the plugin wrote down, compared with what the producers were promised.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::producers::Promised;
use crate::client::Client;

pub(super) struct Ledger(BTreeMap<String, Value>);

impl Ledger {
    /// Waits until everything is handled, and reads the plugin's state.
    pub(super) fn read(client: &Client) -> Result<Self> {
        client.wait_until_handled("witness")?;
        let page = client.get("/state/witness?prefix=ledger/&limit=1000")?;
        let items = page["items"].as_array().context("the listing has no items")?;
        let entries = items.iter().map(|item| {
            let key = item["key"].as_str().context("an entry has no key")?;
            Ok((key.trim_start_matches("ledger/").to_owned(), item["value"].clone()))
        });
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    /// Every promised event was seen once, in order, by both handlers, at the attempt it was planned for.
    pub(super) fn check(&self, promised: &Promised) -> Result<()> {
        let mut wrong = Vec::new();
        for (key, promised) in &promised.0 {
            let entry = self.0.get(key).cloned().unwrap_or_default();
            let count = |name: &str| entry[name].as_u64().unwrap_or(0);
            let is_right = count("seen") == *promised
                && count("last") == *promised
                && count("followed") == *promised
                && ["doubled", "disordered", "failed"].iter().all(|name| count(name) == 0);
            if !is_right {
                wrong.push(format!("key {key}: {promised} events were promised, but the plugin saw {entry}"));
            }
        }
        if !wrong.is_empty() {
            bail!("{}", wrong.join("\n"));
        }
        Ok(())
    }
}
