//! Resuming followers, and the errors for followers that have read another log.

use std::fs;

use super::*;

/// The ids of the server-sent events after `last`.
async fn sent(api: &Fixture, last: Option<&str>) -> Answer {
    let mut request = request("GET", "/events?follow=false").header(header::ACCEPT, "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    api.ask(request.body(Body::empty()).unwrap()).await
}

fn cursors(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/event-stream");
    answer.text().lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

/// A copy of a directory that holds files and directories.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test]
async fn a_follower_goes_on_after_the_last_event_that_it_has_seen() {
    with_api(
        |_| {},
        async |api| {
            api.publish(events(3)).await;
            let all = cursors(&sent(api, None).await);
            assert_eq!(all.len(), 3);
            let [first, .., last] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!(cursors(&sent(api, Some(first)).await), all[1..]);
            assert_eq!(cursors(&sent(api, Some(last)).await), [""; 0]);
            // An offset alone is also accepted.
            let (offset, _) = first.split_once('-').unwrap();
            assert_eq!(cursors(&sent(api, Some(offset)).await), all[1..]);
            sent(api, Some("soon")).await.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test]
async fn a_place_behind_the_tail_is_refused_with_the_tail() {
    with_api(
        |_| {},
        async |api| {
            api.publish(events(3)).await;
            let tail = api.runtime.tail().0;
            for last in [tail, tail + 7, u64::MAX - 1, u64::MAX] {
                let problem = sent(api, Some(&last.to_string())).await.problem("offset-beyond-tail");
                assert_eq!((&problem["status"], &problem["tail"]), (&json!(409), &json!(tail)), "{last}");
            }
            for query in ["", "&follow=true", "&system=true"] {
                for from in [tail + 1, u64::MAX] {
                    let path = format!("/events?from={from}{query}");
                    let problem = api.get(&path).await.problem("offset-beyond-tail");
                    assert_eq!(problem["tail"], tail, "{path}");
                }
            }
            let log = api.get("/health").await.json()["log"].as_str().unwrap().to_owned();
            let here = api.get(&format!("/events?from={tail}&log={log}")).await;
            assert_eq!((here.status, here.text()), (StatusCode::OK, ""));
        },
    )
    .await;
}

#[tokio::test]
async fn a_follower_of_another_log_is_told_so() {
    let (mut seen, mut log) = (String::new(), String::new());
    with_api(
        |_| {},
        async |api| {
            api.publish(events(3)).await;
            seen = cursors(&sent(api, None).await).remove(0);
            log = api.get("/health").await.json()["log"].as_str().unwrap().to_owned();
        },
    )
    .await;
    with_api(
        |_| {},
        async |api| {
            api.publish(events(9)).await;
            let problem = sent(api, Some(&seen)).await.problem("cursor-of-another-log");
            assert_eq!(problem["tail"], api.runtime.tail().0);
            let path = format!("/events?from=0&log={log}&follow=true");
            let refused = tokio::time::timeout(PATIENCE, api.get(&path)).await;
            refused.expect("a stream of another log never ends").problem("cursor-of-another-log");
            api.get("/events?log=1").await.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test]
async fn a_follower_learns_that_a_backup_was_restored_though_the_log_has_grown_beyond_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let numbered = |from: usize, to: usize| (from..to).map(|id| event(id, "order.placed")).collect::<Value>();
    let (mut before, mut lost) = (String::new(), String::new());
    with_api_in(folder.path(), |_| {}, async |api| drop(api.publish(numbered(0, 3)).await)).await;
    copy(&data, &backup);
    with_api_in(
        folder.path(),
        |_| {},
        async |api| {
            api.publish(numbered(3, 6)).await;
            let mut all = cursors(&sent(api, None).await);
            (lost, before) = (all.remove(5), all.remove(2));
        },
    )
    .await;
    fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    with_api_in(
        folder.path(),
        |_| {},
        async |api| {
            api.publish(numbered(20, 29)).await;
            sent(api, Some(&lost)).await.problem("cursor-of-another-log");
            assert_eq!(cursors(&sent(api, Some(&before)).await).len(), 9);
        },
    )
    .await;
}
