//! The verdict: what the plugins counted beside what the file says.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::flights::{CarrierSums, Flights};
use super::step;
use crate::client::Client;

pub(crate) fn check(client: &Client, flights: &Flights) -> Result<()> {
    let expected = flights.by_carrier();
    let actual = carriers(client)?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["carrier", "flights", "cancelled", "delay sum", "delay max", "from the file", ""]);
    let mut differences = 0;
    for name in expected.keys().chain(actual.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (of_file, of_plugin) = (expected.get(name), actual.get(name));
        let equal = of_file == of_plugin;
        differences += usize::from(!equal);
        let CarrierSums { count, cancelled, sum, max } = of_plugin.cloned().unwrap_or_default();
        let shown = of_file.map_or_else(String::new, |file| {
            format!("{} {} {} {}", file.count, file.cancelled, file.sum, show(file.max))
        });
        let verdict = if equal { "equal" } else { "DIFFERS" };
        table.add_row([
            name.clone(),
            count.to_string(),
            cancelled.to_string(),
            sum.to_string(),
            show(max),
            shown,
            verdict.to_owned(),
        ]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
    let (late, board) = (flights.late_by_airport(), boards(client)?);
    step(&format!("delayed by an hour or more: {board:?} on the boards, {late:?} in the file"));
    if differences > 0 || late != board {
        bail!(
            "the sums differ: {differences} carriers, boards {}",
            if late == board { "equal" } else { "differ" }
        );
    }
    check_order(client)?;
    step("every sum is that of the file: nothing lost, nothing doubled");
    Ok(())
}

/// The flight that each board names last is the last that the log holds under its key: order was kept, also
/// behind the event that held the key.
fn check_order(client: &Client) -> Result<()> {
    let last_handled =
        state(client, "airport-board", |value| value["last"].as_str().unwrap_or_default().to_owned())?;
    let mut last_published = BTreeMap::new();
    for event in client.events("flight.delayed")? {
        let data = &event["data"];
        if let (Some(origin), Some(carrier)) = (data["origin"].as_str(), data["carrier"].as_str()) {
            last_published.insert(origin.to_owned(), format!("{carrier}{}", data["flight"]));
        }
    }
    if last_handled != last_published {
        bail!("the boards end with {last_handled:?}, but the log with {last_published:?}");
    }
    Ok(())
}

fn carriers(client: &Client) -> Result<BTreeMap<String, CarrierSums>> {
    let sums = |value: &Value| CarrierSums {
        count: value["count"].as_u64().unwrap_or_default(),
        cancelled: value["cancelled"].as_u64().unwrap_or_default(),
        sum: value["dep_delay_sum"].as_i64().unwrap_or_default(),
        max: value["dep_delay_max"].as_i64(),
    };
    state(client, "carrier-stats", sums)
}

fn boards(client: &Client) -> Result<BTreeMap<String, u64>> {
    state(client, "airport-board", |value| value["delayed"].as_u64().unwrap_or_default())
}

fn state<T>(client: &Client, plugin: &str, read: impl Fn(&Value) -> T) -> Result<BTreeMap<String, T>> {
    let page = client.get(&format!("/state/{plugin}?limit=1000"))?;
    let items = page["items"].as_array().into_iter().flatten();
    Ok(items
        .map(|item| (item["key"].as_str().unwrap_or_default().to_owned(), read(&item["value"])))
        .collect())
}

fn show(max: Option<i64>) -> String {
    max.map_or_else(|| "–".to_owned(), |max| max.to_string())
}
