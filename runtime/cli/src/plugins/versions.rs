//! `camshaft plugins history|rollback|pin|unpin`: shows which versions a plugin ran, and selects the version
//! to run.

use camshaft_wire::{
    ActivationView, Items, MeasureView, OutcomeView, PinRequest, PluginView, ProbationView, RollbackRequest,
};

use crate::{
    client::Client, client::path, confirm::confirm, failure::Failure, output, table::dash, table::digest,
    table::since, table::table, table::time,
};

pub fn history(client: &Client, name: &str, json: bool) -> Result<(), Failure> {
    let history: Items<ActivationView> = client.get(&path(&["plugins", name, "history"]))?;
    if json {
        return output::json(&history);
    }
    output::table(&listed(&history.items))
}

pub fn rollback(client: &Client, name: &str, to: Option<&str>, yes: bool, json: bool) -> Result<(), Failure> {
    let what = to.map_or_else(|| "the previous version".to_owned(), |digest| format!("version {digest}"));
    if !confirm(&format!("Roll plugin \"{name}\" back to {what}?"), yes) {
        return Ok(());
    }
    let request = RollbackRequest { to: to.map(str::to_owned) };
    let plugin: PluginView = client.post_json(&path(&["plugins", name, "rollback"]), &request)?;
    tell(&plugin, json)
}

pub fn pin(client: &Client, name: &str, digest: &str, json: bool) -> Result<(), Failure> {
    let request = PinRequest { digest: digest.to_owned() };
    let plugin: PluginView = client.post_json(&path(&["plugins", name, "pin"]), &request)?;
    tell(&plugin, json)
}

pub fn unpin(client: &Client, name: &str, json: bool) -> Result<(), Failure> {
    let plugin: PluginView =
        client.post_json(&path(&["plugins", name, "unpin"]), &serde_json::Value::Null)?;
    tell(&plugin, json)
}

/// Reports the running version, and the waiting one if there is one.
fn tell(plugin: &PluginView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(plugin);
    }
    let version = plugin.version.clone().unwrap_or_else(dash);
    let pinned = if plugin.pinned.is_some() { ", pinned" } else { "" };
    let runs = digest(plugin.digest.as_deref());
    output::note(&format!("plugin \"{}\" runs version {version}, {runs}{pinned}", plugin.name));
    if let Some(waiting) = &plugin.waiting {
        let waits = digest(Some(&waiting.digest));
        output::note(&format!("version {}, {waits}, waits: {}", waiting.version, waiting.message));
        output::hint(&waiting.hint);
    }
    Ok(())
}

fn listed(history: &[ActivationView]) -> String {
    let rows = history.iter().map(|past| {
        let (became, why) = outcome(&past.outcome);
        let kept = if past.kept { "yes" } else { "no" };
        [
            past.activation.to_string(),
            past.version.clone(),
            digest(Some(&past.digest)),
            since(past.at),
            became,
            kept.to_owned(),
            why,
        ]
    });
    table(["ACTIVATION", "VERSION", "DIGEST", "SINCE", "OUTCOME", "KEPT", "REASON"], rows)
}

fn outcome(outcome: &OutcomeView) -> (String, String) {
    match outcome {
        OutcomeView::Running => ("running".to_owned(), dash()),
        OutcomeView::Replaced { by, .. } => (format!("replaced by {by}"), dash()),
        OutcomeView::Detached { .. } => ("detached".to_owned(), "its file was removed".to_owned()),
        OutcomeView::Removed { .. } => ("removed".to_owned(), "its consumer was removed".to_owned()),
        OutcomeView::RolledBack { to, cause, measured, before, error, .. } => {
            let mut why = match cause.as_str() {
                "operator" => "by hand".to_owned(),
                cause => format!("by its {cause}"),
            };
            if let (Some(measured), Some(before)) = (measured, before) {
                why = format!("{why}: {} failed, {} before", share(*measured), share(*before));
            }
            if let Some(error) = error {
                why = format!("{why}; {error}");
            }
            (format!("rolled back to {to}"), why)
        }
    }
}

/// A probation in one line.
pub fn probation(probation: &ProbationView) -> String {
    let ProbationView { until, measured, before, waiting, stopped, .. } = probation;
    let shares = format!("{} failed, {} before", share(*measured), share(*before));
    match (stopped, until) {
        (true, _) => format!("failed, and cannot be rolled back: {shares}; {waiting} waiting"),
        (false, Some(until)) => format!("until {} at the latest: {shares}; {waiting} waiting", time(*until)),
        (false, None) => format!("{shares}; {waiting} waiting"),
    }
}

fn share(MeasureView { events, failed }: MeasureView) -> String {
    format!("{failed} of {events}")
}

#[cfg(test)]
mod tests {
    use camshaft_event::Timestamp;

    use super::*;

    #[test]
    fn the_history_says_what_ran_what_became_of_it_and_why() {
        let at = Timestamp(1_769_860_800_000);
        let past = |activation, version: &str, outcome, kept| ActivationView {
            activation,
            digest: format!("{activation}f").repeat(32),
            version: version.into(),
            at,
            outcome,
            kept,
            copy: None,
        };
        let rolled_back = OutcomeView::RolledBack {
            to: 5,
            until: at,
            cause: "probation".into(),
            measured: Some(MeasureView { events: 20, failed: 20 }),
            before: Some(MeasureView { events: 1_000, failed: 3 }),
            error: Some("trap: unreachable".into()),
        };
        let by_hand = OutcomeView::RolledBack {
            to: 3,
            until: at,
            cause: "operator".into(),
            measured: None,
            before: None,
            error: None,
        };
        let history = [
            past(5, "1.2.0", OutcomeView::Running, true),
            past(4, "1.3.0", rolled_back, true),
            past(3, "1.2.0", OutcomeView::Replaced { by: 4, until: at }, true),
            past(2, "1.2.1", by_hand, false),
        ];
        insta::assert_snapshot!(listed(&history), @r"
        ACTIVATION  VERSION  DIGEST        SINCE                 OUTCOME           KEPT  REASON
        5           1.2.0    5f5f5f5f5f5f  2026-01-31T12:00:00Z  running           yes   -
        4           1.3.0    4f4f4f4f4f4f  2026-01-31T12:00:00Z  rolled back to 5  yes   by its probation: 20 of 20 failed, 3 of 1000 before; trap: unreachable
        3           1.2.0    3f3f3f3f3f3f  2026-01-31T12:00:00Z  replaced by 4     yes   -
        2           1.2.1    2f2f2f2f2f2f  2026-01-31T12:00:00Z  rolled back to 3  no    by hand
        ");
    }
}
