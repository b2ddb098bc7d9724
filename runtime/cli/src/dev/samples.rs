//! Sample events. They are read again each time, so that they can be edited too, and sent with new ids.

use std::{fs, path::Path};

use camshaft_event::{Event, cloudevents};
use camshaft_wire::ErrorCode;

use super::super::failure::Failure;

/// Reads the events of `file`, one per line, and makes their ids unique for this `round`.
pub fn read(file: &Path, round: u32) -> Result<Vec<Event>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::read(file.display(), &error))?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let events = lines.map(|(line, number)| {
        let event = cloudevents::parse(line.as_bytes()).map_err(|error| {
            let message = format!("\"{}\", line {number}: {error}", file.display());
            Failure::new(ErrorCode::InvalidEvent, message)
        })?;
        let id = format!("{}~{round}", event.id);
        Ok(Event { id, ..event })
    });
    events.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_has_ids_of_its_own_and_mistakes_have_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("samples.ndjson");
        let event = r#"{"specversion":"1.0","id":"a","source":"/s","type":"order.placed"}"#;
        fs::write(&file, format!("{event}\n\n{event}\n")).unwrap();
        let ids = |round| read(&file, round).unwrap().into_iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!((ids(1), ids(2)), (vec!["a~1".into(), "a~1".into()], vec!["a~2".into(), "a~2".into()]));
        fs::write(&file, format!("{event}\n\n{{}}\n")).unwrap();
        assert!(read(&file, 1).unwrap_err().line().contains("line 3: "));
    }
}
