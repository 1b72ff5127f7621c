//! The themes of the generated harness against a bank that is broken on purpose.

mod bank;

use eventloom_runtime::testing::harness::{
    concurrency, idempotency, invariants, migration, ordering, projection, replay, schema,
    snapshot, tracing,
};
use eventloom_runtime::testing::{Check, Memory, Sqlite};

use bank::{AccountBalanceView, Bank, BankAccountEvent, TransactionHistoryView};
use eventloom_runtime::projection::Value;
use eventloom_runtime::testing::Golden;
use eventloom_runtime::testing::harness::projection::Mirror;

const MIRRORS: &[Mirror<Bank>] = &[Mirror {
    column: "balance",
    says: "balance: state.balance",
    of: |state| Ok(Value::Decimal(state.balance)),
}];
const NO_RULES: invariants::Rules<Bank> = invariants::Rules { state: &[], event: &[] };
const OLD: Golden = Golden {
    event_type: "AccountClosed",
    version: 1,
    data: r#"{"accountId":"A1","closedAt":"2026-01-02T03:04:05Z"}"#,
};

#[test]
fn the_bank_as_it_should_be_is_green() -> Check {
    for check in [
        replay::gives_the_live_state::<Bank, _>(Memory),
        replay::gives_the_live_state::<Bank, _>(Sqlite),
        replay::is_deterministic::<Bank>(),
        snapshot::is_taken_when_due::<Bank, _>(Memory),
        snapshot::is_taken_when_due::<Bank, _>(Sqlite),
        snapshot::with_its_tail_equals_full_replay::<Bank, _>(Memory),
        snapshot::with_its_tail_equals_full_replay::<Bank, _>(Sqlite),
        snapshot::that_cannot_be_trusted_is_ignored::<Bank, _>(Memory),
        snapshot::that_cannot_be_trusted_is_ignored::<Bank, _>(Sqlite),
        snapshot::of_another_meaning_is_never_used::<Bank, _>(Memory),
        snapshot::of_another_meaning_is_never_used::<Bank, _>(Sqlite),
        idempotency::of_a_repeated_command::<Bank, _>(Memory),
        idempotency::of_a_repeated_command::<Bank, _>(Sqlite),
        idempotency::of_a_reused_command_id::<Bank, _>(Memory),
        idempotency::of_a_reused_command_id::<Bank, _>(Sqlite),
        idempotency::of_racing_commands::<Bank, _>(Memory),
        idempotency::of_racing_commands::<Bank, _>(Sqlite),
        idempotency::of_a_repeated_event::<Bank, _>(Memory),
        idempotency::of_a_repeated_event::<Bank, _>(Sqlite),
        idempotency::of_a_taken_key::<Bank, _>(Memory),
        idempotency::of_a_taken_key::<Bank, _>(Sqlite),
        invariants::hold_after_any_commands::<Bank, _>(Memory, &NO_RULES),
        invariants::hold_after_any_commands::<Bank, _>(Sqlite, &NO_RULES),
        invariants::refused_commands_leave_no_trace::<Bank, _>(Memory),
        invariants::refused_commands_leave_no_trace::<Bank, _>(Sqlite),
        ordering::times_never_go_back::<Bank, _>(Memory),
        ordering::times_never_go_back::<Bank, _>(Sqlite),
        ordering::an_earlier_time_is_out_of_order::<Bank, _>(Memory),
        ordering::an_earlier_time_is_out_of_order::<Bank, _>(Sqlite),
        concurrency::one_stream_has_one_winner_per_sequence::<Bank, _>(Memory),
        concurrency::one_stream_has_one_winner_per_sequence::<Bank, _>(Sqlite),
        concurrency::many_streams_all_land::<Bank, _>(Memory),
        concurrency::many_streams_all_land::<Bank, _>(Sqlite),
        projection::incremental_equals_rebuilt::<Bank, AccountBalanceView, _>(Memory),
        projection::incremental_equals_rebuilt::<Bank, AccountBalanceView, _>(Sqlite),
        projection::incremental_equals_rebuilt::<Bank, TransactionHistoryView, _>(Memory),
        projection::incremental_equals_rebuilt::<Bank, TransactionHistoryView, _>(Sqlite),
        projection::mirrors_the_state::<Bank, AccountBalanceView, _>(Memory, MIRRORS),
        projection::mirrors_the_state::<Bank, AccountBalanceView, _>(Sqlite, MIRRORS),
        projection::an_event_handled_twice_counts_once::<Bank, AccountBalanceView, _>(Memory),
        projection::an_event_handled_twice_counts_once::<Bank, AccountBalanceView, _>(Sqlite),
        tracing::runs_from_command_to_event::<Bank, _>(Memory),
        tracing::runs_from_command_to_event::<Bank, _>(Sqlite),
        tracing::runs_on_to_the_projection::<Bank, AccountBalanceView, _>(Memory),
        tracing::runs_on_to_the_projection::<Bank, AccountBalanceView, _>(Sqlite),
        migration::mixed_versions_fold_the_same::<Bank, _>(Memory, &[OLD]),
        migration::mixed_versions_fold_the_same::<Bank, _>(Sqlite, &[OLD]),
        migration::a_newer_version_is_refused::<Bank, _>(Memory, Golden { version: 2, ..OLD }),
        migration::reads_as_current::<BankAccountEvent>(&[(OLD, r#"{"reason":"unknown"}"#)]),
        schema::refuses_other_shapes::<BankAccountEvent>(OLD),
    ] {
        check?;
    }
    Ok(())
}
