//! Stores that break a promise about reads of single streams.

use super::*;

broken_stores! {
    /// An absent stream is a failure.
    fails_on_absent_streams {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            match store.read_stream(read).await? {
                page if page.is_empty() => Err(StoreError::Unavailable("no such stream".to_owned())),
                page => Ok(page),
            }
        }
    } caught by an_absent_stream_is_empty;

    /// A page starts with the event it should start after.
    starts_one_too_early {
        async fn read_stream(&self, store: &MemoryStore, mut read: StreamRead) -> StoreResult<Page> {
            read.after = match read.direction {
                Direction::Forwards => read.after.saturating_sub(1),
                Direction::Backwards => read.after.saturating_add(1),
            };
            store.read_stream(read).await
        }
    } caught by
        a_read_starts_beyond_where_it_is_told,
        a_stream_is_read_forwards_in_pages;

    /// A backwards read gives its page forwards.
    reads_backwards_pages_forwards {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let backwards = read.direction == Direction::Backwards;
            let page = store.read_stream(read).await?;
            Ok(if backwards { reversed(&page) } else { page })
        }
    } caught by a_stream_is_read_backwards_in_pages;

    /// Streams are listed from the end.
    lists_streams_backwards {
        async fn streams(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            after: Option<&StreamId>,
            limit: usize,
        ) -> StoreResult<Vec<StreamId>> {
            let mut found = store.streams(aggregate, after, limit).await?;
            found.reverse();
            Ok(found)
        }
    } caught by streams_are_listed_in_order_in_pages, strange_ids_are_just_ids;

    /// Every page is the last.
    ends_at_every_page {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let mut page = store.read_stream(read).await?;
            page.end();
            Ok(page)
        }
    } caught by
        the_end_of_a_stream_is_told_and_never_guessed,
        big_events_end_a_page_of_a_stream_early;
}
