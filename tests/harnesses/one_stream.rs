//! The harness of an aggregate that is one stream, and its repository, which is told no stream.

use eventloom_runtime::repository::NewEvents;
use eventloom_runtime::testing::{Check, run};
use eventloom_runtime::{CommandContext, MemoryStore, Repository};
use eventloom_tests::goldens::one_stream as ontology;
use ontology::calendar::{Calendar, CalendarRepository, DrawNumber, OpenShop, ShopOpened};

include!(concat!(env!("OUT_DIR"), "/one_stream/harness.rs"));

/// Whoever writes to the calendar writes to the same one, whichever repository they have.
#[test]
fn there_is_one_stream() -> Check {
    run(async {
        let store = MemoryStore::new();
        let first = CalendarRepository::open(store.clone()).await?;
        let builder = Repository::<Calendar, _>::builder().cache_size(1);
        let second = CalendarRepository::from(builder.open(store).await?);
        let mut events = NewEvents::new();
        events.push(ShopOpened { by: "Ada".into(), opened_at: eventloom_runtime::testing::START });
        first.record(events).await.expect("an empty calendar takes it");
        second.execute(OpenShop { by: "Bob".into() }).await.expect_err("it is open");
        let context = CommandContext::new().command_id("c1");
        let drawn = second.execute_with(DrawNumber { of: "Ada".into() }, context).await;
        assert_eq!(drawn.expect("a number is drawn").sequence, 2);
        let again = first.execute(DrawNumber { of: "Ada".into() }).await;
        assert!(again.expect("it is recognised").duplicate);
        assert_eq!(first.load().await?.state.numbers, 1);
        assert_eq!(
            second.load_as_of(eventloom_runtime::repository::AsOf::Sequence(1)).await?.sequence,
            1
        );
        assert_eq!(first.timeline(0, 10).await?.len(), 2);
        let stored = first.history(0, 10).await?;
        let streams: Vec<_> = stored.iter().map(|it| it.meta.stream_id.clone()).collect();
        assert_eq!(streams, vec![CalendarRepository::<MemoryStore>::stream_id(); 2]);
        Ok(())
    })
}
