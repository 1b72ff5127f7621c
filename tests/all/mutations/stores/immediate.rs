//! Stores that break a promise about immediate folds.

use super::*;

broken_stores! {
    /// Folds are accepted and never run.
    never_folds {
        async fn fold_immediately(
            &self,
            _store: &MemoryStore,
            _fold: Arc<dyn ImmediateFold>,
        ) -> StoreResult<()> {
            Ok(())
        }
    } caught by an_immediate_fold_sees_every_event_once;

    /// A fold that refuses is not listened to.
    folds_what_is_refused {
        async fn fold_immediately(&self, store: &MemoryStore, fold: Arc<dyn ImmediateFold>) -> StoreResult<()> {
            store.fold_immediately(Arc::new(Deaf { fold, name: None })).await
        }
    } caught by a_refusing_fold_refuses_its_append_alone;

    /// The fold is asked before the sequence is checked.
    folds_before_it_checks {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Conflict { .. }) => Err(AppendError::Projection {
                    projection: "Sample.journal".to_owned(),
                    reason: "not this one".to_owned(),
                }),
                outcome => outcome,
            }
        }
    } caught by a_conflicting_append_is_not_folded;

    /// A fold that is registered again runs twice.
    folds_twice {
        async fn fold_immediately(&self, store: &MemoryStore, fold: Arc<dyn ImmediateFold>) -> StoreResult<()> {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let name = Some(format!("fold {}", COUNT.fetch_add(1, Ordering::Relaxed)));
            store.fold_immediately(Arc::new(Deaf { fold, name })).await
        }
    } caught by a_fold_registered_again_replaces_itself;

    /// A fold that can't write is not listened to.
    appends_what_cannot_be_folded {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Store(_)) => Ok(Appended { position: store.head().await? }),
                outcome => outcome,
            }
        }
    } caught by a_fold_that_cannot_write_fails_its_append;

    /// A panic in a fold is told as a failure of the store.
    blames_itself_for_a_panic {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Projection { reason, .. }) => {
                    Err(StoreError::OutcomeUnknown(reason).into())
                }
                outcome => outcome,
            }
        }
    } caught by a_fold_that_panics_refuses_its_append;
}

/// A fold whose refusals go unheard, under another name where there is one.
struct Deaf {
    fold: Arc<dyn ImmediateFold>,
    name: Option<String>,
}

impl ImmediateFold for Deaf {
    fn aggregate(&self) -> &str {
        self.fold.aggregate()
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.fold.name())
    }

    fn open(&self, transaction: &dyn AppendTransaction) -> StoreResult<()> {
        self.fold.open(transaction)
    }

    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        self.fold.fold(transaction, events).or_else(|_| Ok(Box::new(|_| Ok(()))))
    }
}
