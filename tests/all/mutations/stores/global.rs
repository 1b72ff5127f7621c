//! Stores that break a promise about the global order.

use super::*;

broken_stores! {
    /// The end is never reported.
    never_ends {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { events: unended(&page.events), ..page })
        }

        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            Ok(unended(&store.read_stream(read).await?))
        }
    } caught by
        an_empty_store_is_read_at_once,
        a_page_leads_past_what_its_filter_left_out,
        the_end_of_a_stream_is_told_and_never_guessed;

    /// A page of big events leads to the head.
    skips_what_a_big_page_left_out {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            let next = if page.events.len() < limit { store.head().await? } else { page.next };
            Ok(AllPage { next, ..page })
        }
    } caught by big_events_end_a_page_of_the_global_order_early;

    /// A page without events is taken for the last.
    gives_up_after_an_empty_page {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let mut page = store.read_all(after, filter, limit).await?;
            if page.events.is_empty() {
                page.events.end();
            }
            Ok(page)
        }
    } caught by a_rare_event_in_a_long_log_is_found;

    /// Pages are bounded by their number of events alone.
    reads_on_whatever_the_size {
        async fn read_stream(&self, store: &MemoryStore, mut read: StreamRead) -> StoreResult<Page> {
            let mut all = Page::default();
            loop {
                let page = store.read_stream(read.clone()).await?;
                push_all(&mut all, &page);
                read.limit -= page.len();
                match page.iter().next_back() {
                    Some(last) if read.limit > 0 => read.after = last.meta.sequence,
                    _ => break,
                }
            }
            all.end();
            Ok(all)
        }

        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let mut all = AllPage { events: Page::default(), next: after };
            while all.events.len() < limit && !all.events.at_end() {
                let page = store.read_all(all.next, filter, limit - all.events.len()).await?;
                push_all(&mut all.events, &page.events);
                all.next = page.next;
                if page.events.at_end() {
                    all.events.end();
                }
            }
            Ok(all)
        }
    } caught by
        big_events_end_a_page_of_a_stream_early,
        big_events_end_a_page_of_the_global_order_early;

    /// Events of a page come in another order than that of their positions.
    turns_pages_around {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { events: reversed(&page.events), ..page })
        }
    } caught by
        the_global_order_is_the_order_of_the_appends,
        a_reader_misses_nothing_while_others_write;

    /// The filter is left out.
    gives_events_that_nobody_asked_for {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let filter = EventFilter { types: Vec::new(), ..filter.clone() };
            store.read_all(after, &filter, limit).await
        }
    } caught by
        a_filter_gives_its_events_and_no_others,
        a_filtered_reader_misses_nothing_while_others_write;

    /// What the program does not know is left out with all that it did not ask for.
    hides_what_the_program_does_not_know {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let filter = EventFilter { known: Vec::new(), ..filter.clone() };
            store.read_all(after, &filter, limit).await
        }
    } caught by a_filter_gives_what_the_program_does_not_know_too;

    /// A page leads to the head, whether or not it came that far.
    leads_to_the_head {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { next: store.head().await?, ..page })
        }
    } caught by a_page_never_leads_past_an_event_it_did_not_give, beyond_the_head_there_is_nothing;

    /// A page of no events stays where it is.
    stays_where_it_is {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            if limit == 0 {
                return Ok(AllPage { events: Page::default(), next: after });
            }
            store.read_all(after, filter, limit).await
        }
    } caught by a_page_of_no_events_leads_on_all_the_same;

    /// The first event after a position is left out.
    skips_the_next_event {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let after = if after > 0 { after + 1 } else { 0 };
            store.read_all(after, filter, limit).await
        }
    } caught by reading_on_from_any_position_misses_nothing;

    /// The position of an event depends on how it is read.
    numbers_streams_by_themselves {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(changed(&page, |event| {
                (event.meta.sequence, event.meta.clone(), event.data.to_vec())
            }))
        }
    } caught by a_stream_and_the_global_order_agree;

    /// Nobody who waits is ever told.
    never_wakes {
        async fn changed(&self, _store: &MemoryStore, _after: Position) {
            std::future::pending::<()>().await;
        }
    } caught by waiting_ends_when_an_event_is_there;

    /// Whoever waits is told all the time.
    wakes_for_nothing {
        async fn changed(&self, _store: &MemoryStore, _after: Position) {
            tokio::task::yield_now().await;
        }
    } caught by waiting_for_nothing_does_not_spin;
}
