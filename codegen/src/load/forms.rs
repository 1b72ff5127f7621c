//! What stands behind a key: the third column of the table of keys.
//!
//! Lowering takes its fixed words and required keys from here; the JSON Schema for editors is nothing
//! but this column written out. A form never refuses what lowering takes.

use super::keys::Place;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text for people, or one that later stages read.
    Text,
    /// A text that fits a regular expression as a whole.
    Like(&'static str),
    /// The name of something.
    Name,
    /// One of some words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// An expression.
    Expression,
    /// A type, perhaps with a default.
    Type,
    /// A value of a scenario.
    Literal,
    /// A mapping with the keys of a place.
    Keys(Place),
    /// A mapping with free keys.
    Map(KeysLike, &'static Form),
    /// Such a mapping with a single entry.
    Single(KeysLike, &'static Form),
    /// Fields and their expressions, among which `..: event` may stand.
    Assignments,
    /// A list.
    List(&'static Form),
    /// The first that fits.
    OneOf(&'static [Form]),
    /// Nothing behind the colon.
    Nothing,
}

/// What the free keys of a mapping are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysLike {
    /// Names.
    Names,
    /// Versions: `v1`.
    Versions,
    /// Names with `|` between them.
    Alternatives,
    /// Sentences.
    Sentences,
    /// Codes of the catalogue.
    Codes,
}

impl KeysLike {
    /// What such a key is, in a word.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Names => "name",
            Self::Versions => "version",
            Self::Alternatives => "event",
            Self::Sentences => "sentence",
            Self::Codes => "code",
        }
    }

    /// As a regular expression for the whole key.
    #[must_use]
    pub fn pattern(self) -> &'static str {
        match self {
            Self::Names => NAME_PATTERN,
            Self::Versions => VERSION_PATTERN,
            Self::Alternatives => {
                r"^\s*[A-Za-z][A-Za-z0-9_]{0,62}\s*(\|\s*[A-Za-z][A-Za-z0-9_]{0,62}\s*)*$"
            }
            Self::Sentences => r"^[\s\S]*$",
            Self::Codes => r"^\s*[eE][lL][0-9]{4}\s*$",
        }
    }
}

impl Form {
    /// The fixed words that it allows; none where it has none.
    #[must_use]
    pub fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Words(words) => words,
            Self::Switch => &["true", "false"],
            Self::OneOf(forms) => {
                forms.iter().map(Self::words).find(|words| !words.is_empty()).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// What [`naming`](crate::naming) takes for a name, keywords aside.
pub const NAME_PATTERN: &str = "^[A-Za-z][A-Za-z0-9_]{0,62}$";

const VERSION_PATTERN: &str = "^v[1-9][0-9]*$";

pub(super) const VERSION: Form = Form::Like(VERSION_PATTERN);
pub(super) const SNAPSHOTS: Form =
    Form::Like(r"^\s*(never|every\s+\+?[0-9]*[1-9][0-9]*\s+events?)\s*$");
pub(super) const RETENTION: Form =
    Form::Like(r"^\s*(forever|\+?[0-9]*[1-9][0-9]*\s+(years?|months?|days?))\s*$");
pub(super) const TABLE: Form =
    Form::Like(r"^[A-Za-z][A-Za-z0-9_]{0,62}\.[A-Za-z][A-Za-z0-9_]{0,62}$");

pub(super) const FIELDS: Form = Form::Map(KeysLike::Names, &Form::Type);
pub(super) const VALUES: Form = Form::Map(KeysLike::Names, &Form::Literal);
pub(super) const EXPRESSIONS: Form = Form::Map(KeysLike::Names, &Form::Expression);
pub(super) const NAMES: Form = Form::List(&Form::Name);

pub(super) const SOME_NAMES: Form = Form::OneOf(&[Form::Name, NAMES]);
pub(super) const OLD_NAMES: Form = Form::OneOf(&[Form::Text, Form::List(&Form::Text)]);

pub(super) const ALLOWED: Form = Form::Map(KeysLike::Codes, &Form::Text);

pub(super) const TYPES: Form = Form::Map(KeysLike::Names, &Form::OneOf(&[Form::Type, FIELDS]));
pub(super) const CONSTANTS: Form =
    Form::Map(KeysLike::Names, &Form::OneOf(&[Form::Type, Form::Keys(Place::Constant)]));
pub(super) const DERIVED: Form =
    Form::Map(KeysLike::Names, &Form::OneOf(&[Form::Expression, Form::Keys(Place::Derived)]));
pub(super) const EVENTS: Form = Form::Map(KeysLike::Names, &Form::Keys(Place::Event));
pub(super) const HISTORY: Form = Form::Map(KeysLike::Versions, &Form::Keys(Place::OldVersion));
pub(super) const COMMANDS: Form = Form::Map(KeysLike::Names, &Form::Keys(Place::Command));
pub(super) const INVARIANTS: Form =
    Form::List(&Form::OneOf(&[Form::Text, Form::Keys(Place::Invariant)]));
pub(super) const PROJECTIONS: Form = Form::Map(KeysLike::Names, &Form::Keys(Place::Projection));
pub(super) const SCENARIOS: Form = Form::Map(KeysLike::Sentences, &Form::Keys(Place::Scenario));

pub(super) const TARGET: Form =
    Form::OneOf(&[Form::Words(&["new", "existing", "any"]), Form::Keys(Place::Target)]);
pub(super) const STEPS: Form =
    Form::List(&Form::OneOf(&[Form::Words(&["target"]), Form::Keys(Place::Step)]));
pub(super) const REFUSALS: Form =
    Form::Map(KeysLike::Names, &Form::OneOf(&[Form::Expression, Form::Keys(Place::Rejection)]));
pub(super) const EMISSION: Form = Form::OneOf(&[Form::Name, Form::Keys(Place::Emission)]);
pub(super) const EMIT: Form =
    Form::OneOf(&[Form::Name, Form::Keys(Place::Emission), Form::List(&EMISSION)]);
pub(super) const ONE_ELEMENT: Form = Form::Single(KeysLike::Names, &Form::Expression);

pub(super) const STRATEGY: Form = Form::Words(&["eventually_consistent", "immediate"]);
pub(super) const ROW_KEY: Form = Form::OneOf(&[Form::Name, EXPRESSIONS]);
pub(super) const INDEXES: Form = Form::List(&Form::OneOf(&[Form::Name, NAMES]));
const SORTED: Form = Form::Like(r"^\s*[A-Za-z][A-Za-z0-9_]{0,62}(\s+(asc|desc))?\s*$");
pub(super) const ORDER: Form = Form::OneOf(&[SORTED, Form::List(&SORTED)]);
pub(super) const SELECT: Form = Form::Map(KeysLike::Names, &Form::Text);
pub(super) const QUERIES: Form = Form::Map(KeysLike::Names, &Form::Keys(Place::Query));
pub(super) const ROW_RULES: Form = Form::Map(
    KeysLike::Alternatives,
    &Form::OneOf(&[Form::Keys(Place::RowRule), Form::List(&Form::Keys(Place::RowRule))]),
);

/// An event or a command of a scenario, with its values.
const NAMED: Form = Form::OneOf(&[
    Form::Name,
    Form::Single(KeysLike::Names, &Form::OneOf(&[VALUES, Form::Nothing])),
]);
pub(super) const HAPPENED: Form = Form::List(&NAMED);
pub(super) const ASKED: Form = NAMED;
pub(super) const STORY: Form = Form::List(&Form::Keys(Place::ScenarioStep));
pub(super) const IDS: Form = Form::List(&Form::Like(
    r"^\s*[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\s*$",
));
pub(super) const ROWS: Form = Form::Map(KeysLike::Names, &Form::List(&VALUES));
