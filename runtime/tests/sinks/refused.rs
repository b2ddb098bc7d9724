//! Without a grant there is no way out, and the refusal says which is missing.

use camshaft::Outbox;

use super::world::{drop_in, open, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_ungranted_way_out_is_refused_by_its_name_until_it_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    drop_in(folder.path(), "", "");
    let runtime = open(folder.path(), Outbox::new(|_| std::future::ready(Ok(Vec::new())))).await;
    let refusal = async || runtime.plugin("sends").await.unwrap().and_then(|plugin| plugin.last_refusal);
    until("it is refused", async || refusal().await.is_some()).await;
    let refusal = refusal().await.unwrap();
    assert_eq!(refusal.code, "capability-not-granted");
    assert!(refusal.message.contains("\"test-outbox\", which is not granted"), "{}", refusal.message);
    assert!(refusal.hint.contains("grants = [\"test-outbox\"]"), "{}", refusal.hint);
    drop_in(folder.path(), "grants = ['test-outbox']", "");
    until("it runs", async || {
        runtime.plugin("sends").await.unwrap().is_some_and(|plugin| plugin.activation.is_some())
    })
    .await;
    runtime.shutdown().await;
}
