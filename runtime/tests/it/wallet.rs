//! A small aggregate, written by hand in the shape of generated code, with one of everything that a
//! repository treats specially.

use std::cell::Cell;
use std::fmt;

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::codec::{
    DecodeError, FieldError, Fields, Record, Writer, check, decode, encode, key_text, required,
};
use eventloom_runtime::command::Emit;
use eventloom_runtime::eval::add;
use eventloom_runtime::values::decimal;
use eventloom_runtime::{
    Aggregate, ApplyError, Command, Decide, Decimal, DomainEvent, EventShape, Halt, Metadata,
    Refusal, SnapshotStrategy, Step, Target, Timestamp, UniqueKey,
};

pub(crate) fn dec(text: &str) -> Decimal {
    decimal::parse(text).expect(text)
}

/// Money moved, in either direction; `entry` recognises the movement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moved {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
    pub(crate) at: Timestamp,
}

impl Record for Moved {
    fn write(&self, out: &mut Writer) {
        out.field("entry", &self.entry);
        out.field("amount", &self.amount);
        out.field("at", &self.at);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (mut entry, mut amount, mut at) = (None, None, None);
        fields.read(&mut [("entry", &mut entry), ("amount", &mut amount), ("at", &mut at)])?;
        Ok(Self {
            entry: required(entry, "entry")?,
            amount: required(amount, "amount")?,
            at: required(at, "at")?,
        })
    }
}

/// The wallet got a name that no other wallet has. Its time is the metadata's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
}

impl Record for Named {
    fn write(&self, out: &mut Writer) {
        out.field("name", &self.name);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let mut name = None;
        fields.read(&mut [("name", &mut name)])?;
        Ok(Self { name: required(name, "name")? })
    }
}

/// Someone tried to take more than there is. Kept although the command is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LimitHit {
    pub(crate) entry: String,
}

impl Record for LimitHit {
    fn write(&self, out: &mut Writer) {
        out.field("entry", &self.entry);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let mut entry = None;
        fields.read(&mut [("entry", &mut entry)])?;
        Ok(Self { entry: required(entry, "entry")? })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WalletEvent {
    Moved(Moved),
    Named(Named),
    LimitHit(LimitHit),
}

impl DomainEvent for WalletEvent {
    const TYPES: &'static [&'static str] = &["Moved", "Named", "LimitHit"];

    const SHAPES: &'static [EventShape] = &[
        EventShape {
            event_type: "Moved",
            version: 1,
            shape: "{amount: decimal, at: timestamp, entry: string}",
        },
        EventShape { event_type: "Named", version: 1, shape: "{name: string}" },
        EventShape { event_type: "LimitHit", version: 1, shape: "{entry: string}" },
    ];

    fn type_index(&self) -> usize {
        match self {
            Self::Moved(_) => 0,
            Self::Named(_) => 1,
            Self::LimitHit(_) => 2,
        }
    }

    fn version(&self) -> u32 {
        1
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Moved(event) => encode(event, out),
            Self::Named(event) => encode(event, out),
            Self::LimitHit(event) => encode(event, out),
        }
    }

    fn read(
        event_type: &str,
        version: u32,
        data: &[u8],
        _: &Metadata,
    ) -> Result<Self, DecodeError> {
        match (event_type, version) {
            ("Moved", 1) => decode(data).map(Self::Moved),
            ("Named", 1) => decode(data).map(Self::Named),
            ("LimitHit", 1) => decode(data).map(Self::LimitHit),
            _ => Err(DecodeError::unknown::<Self>(event_type, version)),
        }
    }

    fn occurred_at(&self) -> Option<Timestamp> {
        match self {
            Self::Moved(event) => Some(event.at),
            Self::Named(_) | Self::LimitHit(_) => None,
        }
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        match self {
            Self::Moved(event) => claim(entry_key(&event.entry)),
            Self::LimitHit(event) => claim(entry_key(&event.entry)),
            Self::Named(event) => claim(name_key(&event.name)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Moved(event) => format!("Moved: amount {}", event.amount),
            Self::Named(event) => format!("Named: name {}", event.name),
            Self::LimitHit(_) => "Limit hit".to_owned(),
        }
    }
}

fn entry_key(entry: &str) -> UniqueKey {
    UniqueKey { field: "entry", value: key_text(entry), across_all: false, idempotent: true }
}

fn name_key(name: &str) -> UniqueKey {
    UniqueKey { field: "name", value: key_text(name), across_all: true, idempotent: false }
}

macro_rules! emit {
    ($event:ident, $self:ident => $check:expr) => {
        impl Emit<Wallet> for $event {
            fn validate(&$self) -> Result<(), FieldError> {
                $check
            }

            fn into_event(self) -> WalletEvent {
                WalletEvent::$event(self)
            }
        }
    };
}

emit!(Moved, self => check::digits(&self.amount, "amount", 12, 2));
emit!(Named, self => Ok(()));
emit!(LimitHit, self => Ok(()));

#[derive(Debug, Default, PartialEq)]
pub(crate) struct WalletState {
    pub(crate) balance: Decimal,
    pub(crate) movements: i64,
}

thread_local! {
    /// Copies of states that were made on this thread.
    pub(crate) static COPIES: Cell<u64> = const { Cell::new(0) };
}

impl Clone for WalletState {
    fn clone(&self) -> Self {
        COPIES.set(COPIES.get() + 1);
        Self { balance: self.balance, movements: self.movements }
    }
}

impl Record for WalletState {
    fn write(&self, out: &mut Writer) {
        out.field("balance", &self.balance);
        out.field("movements", &self.movements);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (mut balance, mut movements) = (None, None);
        fields.read(&mut [("balance", &mut balance), ("movements", &mut movements)])?;
        Ok(Self {
            balance: required(balance, "balance")?,
            movements: required(movements, "movements")?,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wallet;

impl Aggregate for Wallet {
    const NAME: &'static str = "Wallet";
    const PARTITION_KEY: &'static str = "walletId";
    const SNAPSHOTS: SnapshotStrategy = SnapshotStrategy::Every(10);
    const RETENTION: Retention = Retention::Forever;
    const MEANING: u64 = 0xa11e7;
    const READS_METADATA: bool = false;
    const ORDERED_BY_TIME: bool = true;

    type State = WalletState;
    type Event = WalletEvent;
    type Error = WalletError;
    type Config = ();

    fn apply(state: &mut WalletState, event: &WalletEvent, _: &Metadata) -> Result<(), ApplyError> {
        if let WalletEvent::Moved(event) = event {
            let balance = add(state.balance, event.amount)?;
            state.balance = balance;
            state.movements += 1;
        }
        Ok(())
    }

    fn check_event(step: &Step<'_, Self>) -> Result<(), WalletError> {
        match step.event {
            // A wallet is named at most once: told by the history, which snapshots must keep.
            WalletEvent::Named(_) if step.history.contains(1) => {
                Err(WalletError::new("NamedAlready", "a wallet is named once"))
            }
            WalletEvent::Moved(event) if event.amount.is_zero() => {
                Err(WalletError::new("NothingMoved", "a movement moves something"))
            }
            _ => Ok(()),
        }
    }

    fn check_state(_: &WalletState, after: &WalletState, (): &()) -> Result<(), WalletError> {
        if after.balance < dec("-100") {
            return Err(WalletError::new("TooDeep", format!("balance would be {}", after.balance)));
        }
        Ok(())
    }

    fn write_state(state: &WalletState, out: &mut Vec<u8>) {
        encode(state, out);
    }

    fn read_state(data: &[u8]) -> Result<WalletState, DecodeError> {
        decode(data)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WalletError {
    name: &'static str,
    message: String,
}

impl WalletError {
    const NAMES: &'static [&'static str] = &[
        "NamedAlready",
        "NothingMoved",
        "TooDeep",
        "InsufficientFunds",
        "WalletAlreadyExists",
        "WalletNotFound",
        "DuplicateEntry",
        "DuplicateName",
        "OutOfOrder",
        "ArithmeticOverflow",
    ];

    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }
}

impl Refusal for WalletError {
    fn name(&self) -> &'static str {
        self.name
    }

    fn message(&self) -> &str {
        &self.message
    }

    fn restore(name: &str, message: String) -> Option<Self> {
        Some(Self { name: Self::NAMES.iter().find(|known| **known == name)?, message })
    }

    fn already_exists(message: String) -> Self {
        Self::new("WalletAlreadyExists", message)
    }

    fn not_found(message: String) -> Self {
        Self::new("WalletNotFound", message)
    }

    fn duplicate_key(field: &str, message: String) -> Self {
        Self::new(if field == "name" { "DuplicateName" } else { "DuplicateEntry" }, message)
    }

    fn out_of_order(message: String) -> Self {
        Self::new("OutOfOrder", message)
    }

    fn arithmetic_overflow(message: String) -> Self {
        Self::new("ArithmeticOverflow", message)
    }
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for WalletError {}

macro_rules! command {
    ($name:ident, $target:ident, [$($field:ident),*], $self:ident, $claim:ident => $keys:expr, $context:ident => $decide:expr) => {
        impl Command<Wallet> for $name {
            const NAME: &'static str = stringify!($name);
            const TARGET: Target = Target::$target;

            fn validate(&self) -> Result<(), FieldError> {
                Ok(())
            }

            fn write(&self, _out: &mut Writer) {
                $(_out.field(stringify!($field), &self.$field);)*
            }

            fn unique_keys(&$self, $claim: &mut dyn FnMut(UniqueKey)) {
                $keys
            }

            fn decide(&$self, $context: &mut Decide<'_, Wallet>) -> Result<(), Halt<WalletError>> {
                $decide
            }
        }
    };
}

/// Puts money in, to a new wallet too.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(Put, Any, [entry, amount], self, claim => claim(entry_key(&self.entry)), context => {
    let at = context.now();
    context.emit(Moved { entry: self.entry.clone(), amount: self.amount, at })
});

/// Takes money out, if there is as much.
#[derive(Clone, Debug)]
pub(crate) struct Take {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(Take, Existing, [entry, amount], self, claim => claim(entry_key(&self.entry)), context => {
    if context.state().balance < self.amount {
        let message = format!("{} is less than {}", context.state().balance, self.amount);
        return Err(Halt::Refused(WalletError::new("InsufficientFunds", message)));
    }
    let at = context.now();
    context.emit(Moved { entry: self.entry.clone(), amount: -self.amount, at })
});

/// As [`Take`], and keeps a note of a refusal.
#[derive(Clone, Debug)]
pub(crate) struct TakeNoted {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(TakeNoted, Existing, [entry, amount], self, claim => claim(entry_key(&self.entry)), context => {
    let take = Take { entry: self.entry.clone(), amount: self.amount };
    match take.decide(context) {
        Err(Halt::Refused(refusal)) => {
            context.emit(LimitHit { entry: self.entry.clone() })?;
            Err(Halt::RefusedKeeping(refusal))
        }
        outcome => outcome,
    }
});

/// Opens a wallet with a name.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) name: String,
}

command!(Open, New, [name], self, claim => claim(name_key(&self.name)), context => {
    context.emit(Named { name: self.name.clone() })
});

/// Opens a wallet with a name and money.
#[derive(Clone, Debug)]
pub(crate) struct OpenWith {
    pub(crate) name: String,
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(OpenWith, New, [name, entry, amount], self, claim => {
    claim(name_key(&self.name));
    claim(entry_key(&self.entry));
}, context => {
    let at = context.now();
    context.emit(Named { name: self.name.clone() })?;
    context.emit(Moved { entry: self.entry.clone(), amount: self.amount, at })
});

/// Gives a wallet a name, whether it has one or not.
#[derive(Clone, Debug)]
pub(crate) struct Rename {
    pub(crate) name: String,
}

command!(Rename, Existing, [name], self, claim => claim(name_key(&self.name)), context => {
    context.emit(Named { name: self.name.clone() })
});

/// Brings the balance to a value; where it is there already, there is nothing to do.
#[derive(Clone, Debug)]
pub(crate) struct Settle {
    pub(crate) balance: Decimal,
}

command!(Settle, Any, [balance], self, _claim => {}, context => {
    let amount = self.balance - context.state().balance;
    if amount.is_zero() {
        return Ok(());
    }
    let (entry, at) = (context.new_id().to_string(), context.now());
    context.emit(Moved { entry, amount, at })
});

/// Two movements under one entry.
#[derive(Clone, Debug)]
pub(crate) struct PutTwice {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(PutTwice, Any, [entry, amount], self, claim => claim(entry_key(&self.entry)), context => {
    let (first, at) = (context.meta().sequence, context.now());
    for _ in 0..2 {
        context.emit(Moved { entry: self.entry.clone(), amount: self.amount, at })?;
    }
    assert_eq!(context.meta().sequence, first + 2);
    Ok(())
});

/// A hand-written part that fails.
#[derive(Clone, Debug)]
pub(crate) struct Break;

command!(Break, Any, [], self, _claim => {}, _context => {
    Err(Halt::Failed("the handler is broken".to_owned()))
});

/// Tries an amount that does not fit first, and goes on without it.
#[derive(Clone, Debug)]
pub(crate) struct PutAtMost {
    pub(crate) amount: Decimal,
}

command!(PutAtMost, Any, [amount], self, _claim => {}, context => {
    let (entry, at) = (context.new_id().to_string(), context.now());
    let nothing = Moved { entry: entry.clone(), amount: Decimal::ZERO, at };
    assert!(matches!(context.emit(nothing), Err(Halt::Refused(_))));
    assert_eq!(context.after(), context.state());
    let most = Moved { entry: entry.clone(), amount: Decimal::MAX, at };
    assert!(matches!(context.emit(most), Err(Halt::Invalid(_))));
    context.emit(Moved { entry, amount: self.amount, at })
});

/// Puts money in: what comes after the first movement is booked under an entry of its own.
#[derive(Clone, Debug)]
pub(crate) struct PutOnce {
    pub(crate) entry: String,
    pub(crate) amount: Decimal,
}

command!(PutOnce, Any, [entry, amount], self, claim => claim(entry_key(&self.entry)), context => {
    let at = context.now();
    let entry = match context.state().movements {
        0 => self.entry.clone(),
        _ => context.new_id().to_string(),
    };
    context.emit(Moved { entry, amount: self.amount, at })
});

/// Commands as the next version of the program has them.
pub(crate) mod newer {
    use super::*;

    /// As [`super::Put`], with an input that need not be supplied.
    #[derive(Clone, Debug)]
    pub(crate) struct Put {
        pub(crate) entry: String,
        pub(crate) amount: Decimal,
        pub(crate) note: Option<String>,
    }

    command!(Put, Any, [entry, note, amount], self, claim => claim(entry_key(&self.entry)), context => {
        super::Put { entry: self.entry.clone(), amount: self.amount }.decide(context)
    });
}
