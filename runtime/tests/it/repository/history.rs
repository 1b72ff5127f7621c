//! What happened to a stream: in words, and in the event form.

use eventloom_runtime::repository::TimelineEntry;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{CommandContext, EventStore};

use super::{Bench, after, moved, put};
use crate::wallet::Open;

#[test]
fn a_timeline_tells_in_words_page_by_page() {
    block_on(async {
        let bench = Bench::new().await;
        bench.wallets.execute("W", Open { name: "mine".into() }).await.unwrap();
        for number in 2..=12_i64 {
            bench
                .wallets
                .record("W", moved(&number.to_string(), "1.50", after(number)))
                .await
                .unwrap();
        }
        let (mut told, mut last) = (Vec::new(), 0);
        loop {
            let page = bench.wallets.timeline("W", last, 5).await.unwrap();
            assert!(page.len() <= 5);
            let Some(entry) = page.last() else { break };
            last = entry.sequence;
            told.extend(page);
        }
        assert_eq!(told.len(), 12);
        assert_eq!(told[0].description, "Named: name mine");
        assert_eq!(
            told[11],
            TimelineEntry {
                sequence: 12,
                time: after(12),
                event_type: "Moved",
                description: "Moved: amount 1.5".to_owned(),
            }
        );
        assert!(bench.wallets.timeline("V", 0, 5).await.unwrap().is_empty());
    });
}

#[test]
fn the_event_form_always_has_all_its_fields() {
    block_on(async {
        let bench = Bench::new().await;
        let context = CommandContext::new()
            .command_id("C1")
            .correlation_id("R1")
            .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .actor("Zoë \"Z\"");
        bench.clock.set(after(250_000));
        let executed = bench.wallets.execute_with("W", put("E1", "10"), context).await.unwrap();
        bench.smuggle("W", 2, "Moved", 1, r#"{"as":"stored"}"#).await;
        let page = bench.wallets.history("W", 0, 10).await.unwrap();
        let lines: Vec<_> = page.iter().map(|stored| stored.to_json()).collect();
        assert_eq!(
            lines,
            [
                concat!(
                    r#"{"type":"Moved","version":1,"aggregateId":"W","sequence":1,"#,
                    r#""data":{"entry":"E1","amount":"10","at":"2026-01-01T00:00:00.25Z"},"#,
                    r#""meta":{"eventId":"00000000-0000-8000-8000-000000000001","#,
                    r#""correlationId":"R1","causationId":"C1","#,
                    r#""traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","#,
                    r#""actor":"Zoë \"Z\"","at":"2026-01-01T00:00:00.25Z"}}"#
                ),
                concat!(
                    r#"{"type":"Moved","version":1,"aggregateId":"W","sequence":2,"#,
                    r#""data":{"as":"stored"},"#,
                    r#""meta":{"eventId":"00000000-0000-0000-0000-000000000002","#,
                    r#""correlationId":null,"causationId":null,"traceparent":null,"#,
                    r#""actor":null,"at":"2026-01-01T00:00:00Z"}}"#
                ),
            ]
        );
        assert_eq!(executed.events[0].to_json(), lines[0]);
        let all = bench.store.read_all(0, &Default::default(), 10).await.unwrap();
        assert_eq!(all.events.len(), 2);
    });
}
