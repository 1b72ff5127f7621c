//! The bank of the goldens in a thin coat: each part does what the bank's own part does, unless the
//! mutation that is switched on breaks it. Names are the bank's, so that the generated harness fits.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::{
    Aggregate, ApplyError, Decimal, DomainEvent, EventShape, Metadata, SnapshotStrategy, Step,
    Timestamp, UniqueKey, Uuid,
};
use eventloom_tests::goldens::bank::bank_account as sound;
pub(crate) use eventloom_tests::goldens::bank::bank_account::*;

use crate::mutations::Mutation as M;
pub(crate) use crate::views::{AccountBalanceView, TransactionHistoryView};

/// The account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BankAccount;

impl Aggregate for BankAccount {
    const NAME: &'static str = sound::BankAccount::NAME;
    const PARTITION_KEY: &'static str = sound::BankAccount::PARTITION_KEY;
    const SNAPSHOTS: SnapshotStrategy = sound::BankAccount::SNAPSHOTS;
    const RETENTION: Retention = sound::BankAccount::RETENTION;
    const MEANING: u64 = sound::BankAccount::MEANING;
    const READS_METADATA: bool = sound::BankAccount::READS_METADATA;
    const ORDERED_BY_TIME: bool = sound::BankAccount::ORDERED_BY_TIME;

    type State = BankAccountState;
    type Event = BankAccountEvent;
    type Error = BankAccountError;
    type Config = ();

    fn apply(
        state: &mut BankAccountState,
        event: &BankAccountEvent,
        meta: &Metadata,
    ) -> Result<(), ApplyError> {
        if M::a_deposit_of_nothing_cannot_be_applied.is_on()
            && let sound::BankAccountEvent::MoneyDeposited(deposit) = &event.0
            && deposit.amount.is_zero()
        {
            return Err(ApplyError::Custom("nothing was deposited".to_owned()));
        }
        let before = state.clone();
        sound::BankAccount::apply(state, &event.0, meta)?;
        misapply(&before, state, &event.0, meta);
        Ok(())
    }

    fn check_event(step: &Step<'_, Self>) -> Result<(), BankAccountError> {
        if M::an_order_is_not_checked.is_on() {
            return Ok(());
        }
        let Step { before, event, after, history, config } = step;
        sound::BankAccount::check_event(&Step { before, event: &event.0, after, history, config })
    }

    fn check_state(
        before: &BankAccountState,
        after: &BankAccountState,
        config: &(),
    ) -> Result<(), BankAccountError> {
        if M::an_invariant_is_not_checked.is_on() || M::money_goes_out_unguarded.is_on() {
            return Ok(());
        }
        if M::an_invariant_refuses_its_boundary.is_on() && after.balance.is_zero() {
            let message = "Balance cannot be negative, nor zero".to_owned();
            return Err(BankAccountError::BalanceCannotBeNegative { message });
        }
        sound::BankAccount::check_state(before, after, config)
    }

    fn write_state(state: &BankAccountState, out: &mut Vec<u8>) {
        let mut state = state.clone();
        if M::a_snapshot_forgets_a_field.is_on() {
            state.customer_id = None;
        }
        sound::BankAccount::write_state(&state, out);
    }

    fn read_state(data: &[u8]) -> Result<BankAccountState, DecodeError> {
        match sound::BankAccount::read_state(data) {
            Err(_) if M::a_corrupt_snapshot_is_read_as_nothing.is_on() => {
                Ok(Self::State::default())
            }
            read => read,
        }
    }
}

fn misapply(
    before: &BankAccountState,
    state: &mut BankAccountState,
    event: &sound::BankAccountEvent,
    meta: &Metadata,
) {
    use sound::BankAccountEvent as E;
    match (M::on(), event) {
        (Some(M::a_deposit_takes_money_away), E::MoneyDeposited(event)) => {
            state.balance = before.balance - event.amount;
        }
        (Some(M::an_opening_forgets_the_balance), E::AccountOpened(_)) => {
            state.balance = before.balance;
        }
        (Some(M::an_opening_forgets_the_customer), E::AccountOpened(_)) => {
            state.customer_id.clone_from(&before.customer_id);
        }
        (Some(M::an_event_changes_a_field_that_its_apply_does_not_name), event)
            if !matches!(event, E::AccountOpened(_)) =>
        {
            state.customer_id = None;
        }
        (Some(M::a_closing_forgets_the_status), E::AccountClosed(_)) => {
            state.status = before.status;
        }
        (Some(M::a_withdrawal_reads_the_state_after), E::MoneyWithdrawn(event)) => {
            state.balance -= event.amount;
        }
        (Some(M::an_apply_counts_its_calls), E::MoneyDeposited(_)) => {
            state.balance += Decimal::from(next_number());
        }
        (Some(M::an_apply_looks_at_the_clock), E::MoneyDeposited(_)) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            state.balance += Decimal::new(i64::from(now.unwrap_or_default().subsec_nanos()), 9);
        }
        // Decided, reported, folded: only then does it tell.
        (Some(M::an_apply_remembers_its_events), _) if times_seen(meta.event_id) > 3 => {
            state.balance += Decimal::ONE;
        }
        _ => {}
    }
}

/// 0, 1, 2 and so on, over the whole process.
pub(crate) fn next_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::SeqCst)
}

/// How often an event of a repository has been applied; what is only tried on a fold has no such id.
fn times_seen(event_id: Uuid) -> u64 {
    static SEEN: Mutex<BTreeMap<Uuid, u64>> = Mutex::new(BTreeMap::new());
    if event_id.get_version_num() != 7 {
        return 0;
    }
    let mut seen = SEEN.lock().expect("nobody panics with the lock");
    *seen.entry(event_id).and_modify(|times| *times += 1).or_insert(1)
}

/// Any event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BankAccountEvent(pub(crate) sound::BankAccountEvent);

/// In the place of the enum's variants.
#[allow(non_snake_case)]
impl BankAccountEvent {
    pub(crate) fn AccountOpened(event: AccountOpened) -> Self {
        Self(sound::BankAccountEvent::AccountOpened(event))
    }

    pub(crate) fn MoneyDeposited(event: MoneyDeposited) -> Self {
        Self(sound::BankAccountEvent::MoneyDeposited(event))
    }

    pub(crate) fn MoneyWithdrawn(event: MoneyWithdrawn) -> Self {
        Self(sound::BankAccountEvent::MoneyWithdrawn(event))
    }

    pub(crate) fn AccountClosed(event: AccountClosed) -> Self {
        Self(sound::BankAccountEvent::AccountClosed(event))
    }
}

impl DomainEvent for BankAccountEvent {
    const TYPES: &'static [&'static str] = sound::BankAccountEvent::TYPES;
    const SHAPES: &'static [EventShape] = sound::BankAccountEvent::SHAPES;

    fn type_index(&self) -> usize {
        self.0.type_index()
    }

    fn version(&self) -> u32 {
        self.0.version()
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut event = self.0.clone();
        if M::a_value_is_rounded_when_written.is_on() {
            rounded(&mut event);
        }
        let start = out.len();
        event.write(out);
        if M::a_golden_byte_changes.is_on() {
            out.insert(start + 1, b' ');
        }
        if M::a_field_is_dropped.is_on() {
            let mut fields = object(&out[start..]).expect("an event is written as an object");
            fields.retain(|name, _| name != "accountId");
            out.truncate(start);
            out.extend(serde_json::to_vec(&fields).expect("what was read can be written"));
        }
    }

    fn read(
        event_type: &str,
        version: u32,
        data: &[u8],
        meta: &Metadata,
    ) -> Result<Self, DecodeError> {
        let current = Self::SHAPES.iter().filter(|shape| shape.event_type == event_type);
        let current = current.map(|shape| shape.version).max().unwrap_or(0);
        let read_as = match M::on() {
            Some(M::an_upcaster_is_skipped) => version.max(current),
            Some(M::a_newer_version_is_taken_for_the_current) => version.min(current),
            _ => version,
        };
        let mut data = data.to_vec();
        if M::an_unknown_field_is_accepted.is_on()
            && let Some(mut fields) = object(&data)
        {
            fields.remove("notAField");
            data = serde_json::to_vec(&fields).expect("what was read can be written");
        }
        let mut event = sound::BankAccountEvent::read(event_type, read_as, &data, meta)?;
        misread(&mut event, version < current);
        Ok(Self(event))
    }

    fn occurred_at(&self) -> Option<Timestamp> {
        self.0.occurred_at()
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        if M::a_key_is_not_claimed.is_on() {
            return;
        }
        self.0.unique_keys(claim);
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

fn object(data: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(data).ok()
}

fn rounded(event: &mut sound::BankAccountEvent) {
    use sound::BankAccountEvent as E;
    match event {
        E::AccountOpened(event) => event.initial_balance = event.initial_balance.round_dp(2),
        E::MoneyDeposited(event) => event.amount = event.amount.round_dp(2),
        E::MoneyWithdrawn(event) => event.amount = event.amount.round_dp(2),
        E::AccountClosed(event) => event.reason.truncate(0),
    }
}

fn misread(event: &mut sound::BankAccountEvent, is_old: bool) {
    use sound::BankAccountEvent as E;
    match (M::on(), event) {
        (Some(M::an_upcaster_gives_another_default), E::AccountClosed(event)) if is_old => {
            event.reason = "none".to_owned();
        }
        (Some(M::an_upcaster_counts_its_calls), E::AccountClosed(event)) if is_old => {
            event.reason = next_number().to_string();
        }
        (Some(M::current_data_passes_an_upcaster), event) if !is_old => match event {
            E::AccountOpened(event) => event.customer_id = "unknown".to_owned(),
            E::MoneyDeposited(event) => event.transaction_id = "unknown".to_owned(),
            E::MoneyWithdrawn(event) => event.transaction_id = "unknown".to_owned(),
            E::AccountClosed(event) => event.reason = "unknown".to_owned(),
        },
        _ => {}
    }
}

/// Gives an event another time.
pub(crate) fn set_time(event: &mut sound::BankAccountEvent, time: Timestamp) {
    use sound::BankAccountEvent as E;
    match event {
        E::AccountOpened(event) => event.opened_at = time,
        E::MoneyDeposited(event) => event.deposited_at = time,
        E::MoneyWithdrawn(event) => event.withdrawn_at = time,
        E::AccountClosed(event) => event.closed_at = time,
    }
}
