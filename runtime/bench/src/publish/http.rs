//! Over HTTP, to the program in a process of its own.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::{DATA_BYTES, Load, numbered, rate};
use crate::event::{SOURCE, TYPE, json_data, key};
use crate::http::{Connection, post};
use crate::server::Server;

pub(super) const ABOUT: &str = "`camshaft run` in a process of its own; a keep-alive connection a producer, one request \
                                at a time with one CloudEvent, or a batch of 256, as JSON";

pub(super) async fn run(folder: &Path, load: Load) -> Result<f64> {
    let server = Server::start(folder).await?;
    publish(&server, load).await
}

/// Publishes to a server that takes requests as `camshaft run` does.
pub(super) async fn publish(server: &Server, load: Load) -> Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..load.producers {
        connections.push(Connection::open(server.address).await?);
    }
    rate((0..).zip(connections).map(|(producer, connection)| produce(connection, producer, load))).await
}

async fn produce(mut connection: Connection, producer: u64, load: Load) -> Result<u64> {
    let (started, mut sent) = (Instant::now(), 0);
    let mut body = String::new();
    while started.elapsed() < load.time {
        body.clear();
        let request = if load.batch == 1 {
            print(&mut body, numbered(producer, sent));
            post("application/cloudevents+json", &body)
        } else {
            for number in sent..sent + load.batch {
                body.push(if number == sent { '[' } else { ',' });
                print(&mut body, numbered(producer, number));
            }
            body.push(']');
            post("application/cloudevents-batch+json", &body)
        };
        connection.send(&request).await?;
        sent += load.batch;
    }
    Ok(sent)
}

/// Appends an event as JSON.
pub(crate) fn print(body: &mut String, number: u64) {
    let (key, data) = (key(number), json_data(number, DATA_BYTES));
    let written = write!(
        body,
        "{{\"specversion\":\"1.0\",\"id\":\"{number}\",\"source\":\"{SOURCE}\",\"type\":\"{TYPE}\",\
         \"partitionkey\":\"{key}\",\"datacontenttype\":\"application/json\",\"data\":{data}}}"
    );
    written.expect("a string takes all text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::json_event;

    #[test]
    fn what_is_sent_over_http_is_the_event_that_is_published_in_process() {
        let mut body = String::new();
        print(&mut body, 17);
        let event = camshaft::cloudevents::parse(body.as_bytes()).unwrap();
        assert_eq!(event, json_event(17, DATA_BYTES));
    }
}
