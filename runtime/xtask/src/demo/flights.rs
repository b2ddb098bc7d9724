//! The rows of the extract, as events and as sums computed without the runtime.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

/// How many rows the demo sends with the delay as text.
const TEXT_ROWS: usize = 20;

/// One of so many departures is such a row.
const TEXT_EVERY: usize = 700;

/// All departures, in the order of the file.
pub(crate) struct Flights(Vec<Flight>);

pub(crate) struct Flight {
    pub(crate) event: Value,
    pub(crate) carrier: String,
    pub(crate) origin: String,
    pub(crate) dep_delay: Option<i64>,
}

/// The figures of one carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CarrierSums {
    pub(crate) count: u64,
    pub(crate) cancelled: u64,
    pub(crate) sum: i64,
    pub(crate) max: Option<i64>,
}

impl Flights {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("{} is missing", path.display()))?;
        let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
        let columns = reader.headers()?.clone();
        let mut flights = Vec::new();
        let mut departures = 0;
        for (number, row) in reader.records().enumerate() {
            let row = row?;
            let data: Map<String, Value> =
                columns.iter().zip(&row).map(|(name, text)| (name.to_owned(), value(text))).collect();
            let mut flight = Flight::new(number, data)?;
            if flight.dep_delay.is_some() {
                departures += 1;
                if departures % TEXT_EVERY == 0 && departures / TEXT_EVERY <= TEXT_ROWS {
                    flight.write_delay_as_text();
                }
            }
            flights.push(flight);
        }
        Ok(Self(flights))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn rows(&self) -> &[Flight] {
        &self.0
    }

    /// What `carrier-stats` must come to.
    pub(crate) fn by_carrier(&self) -> BTreeMap<String, CarrierSums> {
        let mut sums: BTreeMap<String, CarrierSums> = BTreeMap::new();
        for flight in &self.0 {
            let carrier = sums.entry(flight.carrier.clone()).or_default();
            carrier.count += 1;
            match flight.dep_delay {
                None => carrier.cancelled += 1,
                Some(delay) => {
                    carrier.sum += delay;
                    carrier.max = carrier.max.max(Some(delay));
                }
            }
        }
        sums
    }

    /// How many departures an hour late or more `airport-board` must come to.
    pub(crate) fn late_by_airport(&self) -> BTreeMap<String, u64> {
        let mut late = BTreeMap::new();
        for flight in self.0.iter().filter(|flight| flight.dep_delay.is_some_and(|delay| delay >= 60)) {
            *late.entry(flight.origin.clone()).or_default() += 1;
        }
        late
    }
}

impl Flight {
    fn new(number: usize, data: Map<String, Value>) -> Result<Self> {
        let text = |name: &str| -> Result<String> {
            let value = data.get(name).with_context(|| format!("row {number} has no {name}"))?;
            Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let (carrier, origin) = (text("carrier")?, text("origin")?);
        let number_of = |name: &str| data.get(name).and_then(Value::as_i64).unwrap_or_default();
        let date = format!("{}-{:02}-{:02}", number_of("year"), number_of("month"), number_of("day"));
        let dep_delay = data.get("dep_delay").and_then(Value::as_i64);
        let event_type = if dep_delay.is_some() { "flight.departed" } else { "flight.cancelled" };
        let event = json!({
            "specversion": "1.0",
            "id": format!("row-{number}"),
            "source": "/flights/january-2013",
            "type": event_type,
            "subject": format!("{carrier}{}/{date}", text("flight")?),
            "partitionkey": carrier,
            "time": text("time_hour")?,
            "datacontenttype": "application/json",
            "data": data,
        });
        Ok(Self { event, carrier, origin, dep_delay })
    }

    /// The same departure as a careless producer writes it.
    fn write_delay_as_text(&mut self) {
        if let (Some(delay), Some(data)) = (self.dep_delay, self.event.get_mut("data")) {
            data["dep_delay"] = Value::String(format!("{delay} min"));
        }
    }
}

fn value(text: &str) -> Value {
    match text {
        "NA" | "" => Value::Null,
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}
